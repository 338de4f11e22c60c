"""What a selection is said to be: sizes, means, and what rows were left out for."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import hfscore
from hfscore.selection import rows
from hfscore.selection.choice import Positions
from hfscore.selection.opening import Opened
from hfscore.selection.rows import Scores, Texts
from hfscore.selection.rule import By, target_of
from hfscore.selection.values import Left, Mean, Measured, Selection, Size
from hfscore.selection.wish import Wish
from hfscore.settings import Settings, arguments, as_json


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows that are chosen, and what there is to say of them.

    Args:
        subset: The chosen rows, ascending.
        random: The random ones, ascending; None where there are none.
        pool: How many rows those were drawn from.
        left: What was left out.
        notes: Whole sentences.
    """

    subset: Positions
    random: Positions | None
    pool: int
    left: Left
    notes: tuple[str, ...]


def summarised(
    opened: Opened,
    picked: Chosen,
    scores: Scores,
    texts: Texts,
    by: Sequence[By],
    wish: Wish,
    chosen: Settings,
    named: Sequence[str],
    unit: str,
    files: Mapping[str, str],
) -> Selection:
    """Put together what a selection says of itself.

    Args:
        opened: What was chosen from.
        picked: What was chosen.
        scores: Scores of every row.
        texts: Tokens and groups of every row.
        by: What rows were chosen by.
        wish: How much was asked for.
        chosen: Settings with the target and the seed.
        named: Metrics as the user named them.
        unit: What tokens are.
        files: Names of the files.
    """
    report = opened.report
    every = np.arange(len(texts.tokens))
    sets = [every, picked.subset, *([] if picked.random is None else [picked.random])]
    sizes = [_size(scores, texts, one, bool(wish.columns)) for one in sets]
    both = 0 if picked.random is None else len(np.intersect1d(picked.subset, picked.random))
    target = target_of(chosen)
    return Selection(
        version=hfscore.__version__,
        source=report.source,
        config=opened.part.config,
        split=opened.part.split,
        target=target.text if target else "",
        by=tuple(by),
        asked=wish.words,
        grouped="even" if wish.balance else "shares" if wish.keep_shares else "",
        columns=wish.columns,
        seed=chosen.seed,
        unit=unit,
        every=sizes[0],
        subset=sizes[1],
        random=sizes[2] if picked.random is not None else None,
        both=both,
        pool=picked.pool,
        left=picked.left,
        measured=tuple(_measured(opened, by, sets, len(every))),
        notes=picked.notes,
        settings_hash=report.settings_hash,
        measured_at=report.measured_at,
        command=_command(opened, named, wish, chosen),
        files=files,
    )


def _command(opened: Opened, named: Sequence[str], wish: Wish, chosen: Settings) -> str:
    """The command line that chooses the same rows, every argument quoted; empty for objects in memory."""
    source = opened.report.source
    if source.kind == "python":
        return ""
    # What decided the scores is the report's own; the rest is of this choice.
    scored = {name: value for name, value in opened.report.settings.items() if name in as_json(Settings())}
    now = as_json(chosen)
    values = as_json(Settings()) | scored | {name: now[name] for name in ("seed", "target", "student")}
    values |= {"config": [opened.part.config], "split": [opened.part.split], "rows": None}
    values |= {"metric": [], "by": [], "profile": [], "controls": False}
    given = arguments(values)
    place = given.index("--rows")  # all of them, always
    words = ["hfscore", "select", source.id, *(["--revision", source.revision[4:]] if source.revision else [])]
    words += [*given[:place], *given[place + 2 :]]
    words += [word for one in named for word in ("--metric", one)]
    words += ["--top", f"{100 * wish.top:.12g}%"] if wish.top is not None else []
    words += ["--n", str(wish.n)] if wish.n is not None else []
    words += ["--drop-flagged"] if wish.drop_flagged else []
    words += [word for column in wish.balance for word in ("--balance", column)]
    words += [word for column in wish.keep_shares for word in ("--keep-shares", column)]
    return shlex.join([*words, "--out", "DIR"])


def _size(scores: Scores, texts: Texts, positions: Positions, grouped: bool) -> Size:
    counts = np.bincount(texts.groups[positions], minlength=len(texts.labels))
    return Size(
        rows=len(positions),
        questions=len(np.unique(scores.questions[positions])),
        traces=int(scores.traces[positions].sum()),
        tokens=int(texts.tokens[positions].sum()),
        groups={label: int(count) for label, count in zip(texts.labels, counts, strict=True)} if grouped else {},
    )


def _measured(opened: Opened, by: Sequence[By], sets: Sequence[Positions], n: int) -> list[Measured]:
    masks = []
    for positions in sets:
        mask = np.zeros(n, bool)
        mask[positions] = True
        masks.append(mask)
    metrics, chosen_by = opened.report.metrics, {one.metric for one in by}
    found = rows.means(opened.scores, opened.key, metrics, masks)
    return [
        Measured(
            metric.id,
            metric.title,
            metric.digits,
            metric.unit,
            metric.id in chosen_by,
            Mean(*over[0]),
            Mean(*over[1]),
            Mean(*over[2]) if len(over) > 2 else None,
        )
        for metric, over in zip(metrics, found, strict=True)
    ]
