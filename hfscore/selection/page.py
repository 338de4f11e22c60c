"""The card of a selection: how the rows were chosen, what that costs, and what moved with it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hfscore.attribution.card import read_card
from hfscore.card import render
from hfscore.card.figures import Style, count
from hfscore.card.identity import SCHEMA
from hfscore.selection.values import KEY, RANDOM, SUBSET, Mean, Measured, Selection, Size

TEMPLATE = "selection.md.jinja"
MOST_GROUPS = 20
_LICENCE = re.compile(r"(?!(?:no|yes|on|off|true|false|null|none)$)[a-z][a-z0-9.-]{1,60}")  # ids are in lower case


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: a name, its cells, and what the name is; of a metric the id too."""

    name: str
    cells: Sequence[str]
    metric: str = ""
    is_label: bool = False
    chosen: bool = False


def card(selection: Selection, source_card: bytes | None = None, *, repo_id: str = "") -> str:
    """README.md for chosen rows: `data/subset` by default, `data/random` as the config "random".

    Args:
        selection: What was chosen.
        source_card: The card of what it was chosen from; its licence goes with the rows.
        repo_id: "owner/name" where it will stand, or empty: a folder.

    Raises:
        CardError: What it says of itself cannot stand in a card.
    """
    body = render.page(
        TEMPLATE,
        {
            "chosen": selection,
            "dataset": selection.source.id,
            "url": selection.source.url,
            "part": f"{selection.config}/{selection.split}",
            "revision": (selection.source.revision or "").removeprefix("git:")[:7],
            "lines": [*lines(selection), licence_line(source_card)],
            "chance": round(selection.subset.rows**2 / max(1, selection.pool)),
            "sizes": sizes(selection),
            "means": means(selection),
            "loading": loading(selection, repo_id or "."),
        },
    )
    return f"---\n{_front_matter(selection, source_card)}---\n\n{body}"


def _front_matter(selection: Selection, source_card: bytes | None) -> str:
    text = "".join(f"{name}: {json.dumps(value)}\n" for name, value in _licence(source_card).items())
    if selection.source.kind == "hub":
        text += f"source_datasets:\n- {selection.source.id}\n"
    text += "configs:\n"
    for name, config in ((SUBSET, "default"), (RANDOM, "random")):
        if name in selection.files:
            text += f"- config_name: {config}\n  data_files: data/{selection.files[name]}\n"
    identity: dict[str, str | int | None] = {
        "schema": SCHEMA,
        "version": selection.version,
        "measured_at": selection.measured_at,
        "data_revision": selection.source.revision,
        "data_fingerprint": selection.source.fingerprint,
        "settings": selection.settings_hash,
        KEY: selection.source.id,
    }
    return text + render.block({name: value for name, value in identity.items() if value is not None})


def _licence(source_card: bytes | None) -> dict[str, Any]:
    """What the source's card says of its licence, as far as the Hub would take it from another card."""
    there = read_card(source_card).metadata or {}
    said = there.get("license")
    ids = said if isinstance(said, list) else [said]
    if not all(isinstance(one, str) and _LICENCE.fullmatch(one) for one in ids):
        return {}
    more = {name: there[name] for name in ("license_name", "license_link") if isinstance(there.get(name), str)}
    return {"license": said, **more}


def licence_line(source_card: bytes | None) -> str:
    """A sentence on the licence."""
    if _licence(source_card):
        return "The licence is that of the source's card."
    said = (read_card(source_card).metadata or {}).get("license")
    if not said:
        return "The source's card names no licence: ask whoever made it before the rows are used."
    return f"The source's card names a licence that is none of the Hub's ({said}): see there."


def loading(selection: Selection, repo_id: str) -> str:
    """How the rows are loaded."""
    repo_id = json.dumps(repo_id)
    code = f'from datasets import load_dataset\n\nchosen = load_dataset({repo_id}, split="train")'
    return code + (f'\nrandom = load_dataset({repo_id}, "random", split="train")' if selection.random else "")


def lines(selection: Selection) -> list[str]:
    """What was left out, and what else there is to say, whole sentences."""
    left = selection.left
    said = [f"Cannot be trained on, so in no subset: {count(n)} rows ({why})." for why, n in left.unusable.items()]
    without = left.unscored.items()
    said += [f"Without a number to choose by, so not chosen: {count(n)} rows ({why})." for why, n in without]
    if left.flags:
        looked = ", ".join(f"{flag} {count(n)}" for flag, n in left.flags.items())
        said.append(f"Left out for a flag: {count(left.flagged)} rows (flags looked at: {looked}).")
    if left.unread:
        said.append(f"For {count(left.unread)} rows some flag could not be told; they count as not flagged.")
    said.append(
        f"Copies of a row before them (question, reasoning and response, case and white space apart): "
        f"{count(left.copies)} left out. Near copies of a chosen row (MinHash over runs of five words, Jaccard from "
        f"0.8): {count(left.near)} passed over."
    )
    names = ", ".join(selection.columns)
    if selection.grouped == "even":
        said.append(f"As many rows of each value of {names}, as far as there are.")
    elif selection.grouped:
        said.append(f"The values of {names} keep the shares they have among the rows that could be chosen.")
    return [*said, *selection.notes]


def sizes(selection: Selection) -> list[Row]:
    """Rows, questions, tokens and groups, with their share of all rows."""
    sets = [one for one in (selection.every, selection.subset, selection.random) if one is not None]
    found = [
        _counted("rows", [one.rows for one in sets]),
        _counted("questions", [one.questions for one in sets]),
        _counted("traces", [one.traces for one in sets]),
        _counted(selection.unit, [one.tokens for one in sets]),
        Row("mean of a row", [count(round(one.tokens / max(1, one.rows))) for one in sets]),
    ]
    labels = sorted(selection.every.groups, key=lambda label: -selection.every.groups[label])
    names = ", ".join(selection.columns)
    found += [
        _counted(f"{names}: {label}", [one.groups[label] for one in sets], is_label=True)
        for label in labels[:MOST_GROUPS]
    ]
    if rest := labels[MOST_GROUPS:]:
        found.append(_counted(f"{len(rest)} other values", [_together(one, rest) for one in sets]))
    return found


def _together(one: Size, labels: Sequence[str]) -> int:
    return sum(one.groups[label] for label in labels)


def _counted(name: str, counts: Sequence[int], *, is_label: bool = False) -> Row:
    total = counts[0]
    return Row(
        name, [count(total), *(f"{count(n)} ({100 * n / max(1, total):.1f}%)" for n in counts[1:])], is_label=is_label
    )


def means(selection: Selection) -> list[Row]:
    """Every metric that some trace has a number for."""
    return [
        Row(one.title, [_mean(one, cell) for cell in _sides(one)], one.metric, chosen=one.chosen_by)
        for one in selection.measured
        if one.every.mean is not None
    ]


def _sides(one: Measured) -> list[Mean]:
    return [cell for cell in (one.every, one.subset, one.random) if cell is not None]


def _mean(one: Measured, cell: Mean) -> str:
    style: Any = Style(one.digits, one.unit)  # type: ignore[arg-type]
    if cell.mean is None:
        return f"not scored ({count(cell.unscored)})"
    some = f" ({count(cell.scored)} of {count(cell.scored + cell.unscored)})" if cell.unscored else ""
    return f"{style.number(cell.mean)}{some}"
