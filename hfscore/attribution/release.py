"""The fields of a release, each looked for in columns, metadata and prose, with the next step where it is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from hfscore.attribution.card import Card
from hfscore.attribution.contract import AGENT_KIND, contract_of
from hfscore.attribution.fields import LINEAGE, RECORD, TRACE, VERIFIER
from hfscore.attribution.kinds import AGENT, DIFFICULTY, DIFFICULTY_COLUMNS, STEPS_COLUMNS
from hfscore.attribution.rule import Rule, When, pattern
from hfscore.attribution.seen import Cells, Seen, cells, fold, named, readable
from hfscore.report import Attribution, Place, ReleaseField

RULES: tuple[Rule, ...] = (*RECORD, *VERIFIER, *LINEAGE, *TRACE, *DIFFICULTY, *AGENT)
WORDS_LENGTH = 60  # characters of a heading or a mention that go into the report
NAMES = 3  # columns named in a sentence


def attribute(card: Card, seen: Sequence[Seen]) -> Attribution:
    """Say what a release says about itself.

    Args:
        card: Its card.
        seen: A few rows of every config and split.

    Returns:
        Every field that applies to this kind of data, found or missing, and what checks the answers.
    """
    rows = [[cells(row) for row in part.rows] for part in seen]
    paths = {path for part in rows for row in part for path, texts in row.items() if texts}
    applies = _applies(seen, paths)
    contract, why = contract_of(seen, rows)
    return Attribution(
        fields=tuple(_field(rule, card, seen, rows) for rule in RULES if applies[rule.when]),
        rows=sum(map(len, rows)),
        contract=contract,
        why=why,
        notes=card.notes,
    )


def _applies(seen: Sequence[Seen], paths: set[str]) -> Mapping[When, bool]:
    agents = [part.kind == AGENT_KIND for part in seen]
    return {
        "always": True,
        "traces": any(part.mapping.get("reasoning") for part in seen),
        "agent": any(agents),
        "not agent": not all(agents) or not agents,
        "difficulty": any(named(path, DIFFICULTY_COLUMNS) for path in paths),
        "steps": any(named(path, STEPS_COLUMNS) for path in paths),
    }


def _field(rule: Rule, card: Card, seen: Sequence[Seen], rows: Sequence[Sequence[Cells]]) -> ReleaseField:
    total = sum(map(len, rows))
    filled, columns, empty = _in_columns(rule, seen, rows)
    places = [Place("column", name) for name in columns]
    places += [Place("metadata", name) for name in _in_metadata(rule, card)]
    places += [Place("heading", words) for words in _in_headings(rule, card)]
    mentions = [Place("mention", words) for words in _mentioned(rule, card)]
    state: Literal["found", "mentioned", "missing"] = "found" if places else "mentioned" if mentions else "missing"
    if state == "missing":
        todo = " ".join([*_hints(rule, card, seen, empty), rule.advice])
    elif state == "mentioned":
        todo = "Mentioned in passing: check that the card says it in full, under a heading of its own."
    elif len(places) == len(columns) and filled < total:
        todo = f"Filled in {filled} of the {total} rows looked at: say what holds for the others."
    else:
        todo = ""
    return ReleaseField(rule.id, rule.group, rule.title, state, (*places, *mentions), filled, todo)


def _in_columns(rule: Rule, seen: Sequence[Seen], rows: Sequence[Sequence[Cells]]) -> tuple[int, list[str], list[str]]:
    """(rows in which a column fills the field, columns that do, columns that would but are empty)."""
    found: dict[str, bool] = {}
    filled = 0
    for part, cells_of in zip(seen, rows, strict=True):
        in_role = part.filled.get(rule.role, 0)
        found |= {readable(path): in_role > 0 for path in part.mapping.get(rule.role, ())}
        if in_role:
            filled += in_role
            continue
        taken = part.mapping.get("reference_answer", ())  # what an answer is compared with is no outcome
        for row in cells_of:
            hits = [
                (hit, bool(texts))
                for path, texts in row.items()
                if path not in taken and (hit := named(path, rule.columns, rule.but))
            ]
            filled += any(holds for _, holds in hits)
            for name, holds in hits:
                found[name] = found.get(name, False) or holds
    full = [name for name, holds in found.items() if holds]
    return filled, full, [name for name in found if not found[name]]


def _in_metadata(rule: Rule, card: Card) -> Iterator[str]:
    for key, wanted in rule.metadata:
        if any(pattern(wanted).fullmatch(value) for value in card.values(key)):
            yield key


def _in_headings(rule: Rule, card: Card) -> Iterator[str]:
    for section in card.sections:
        if section.filled and pattern(rule.headings).search(section.heading):
            yield section.heading[:WORDS_LENGTH]


def _mentioned(rule: Rule, card: Card) -> Iterator[str]:
    """The first words of the prose that speak of the field."""
    for section in card.sections:
        if found := pattern(rule.mentions).search(section.text):
            yield found[0][:WORDS_LENGTH]
            return


def _hints(rule: Rule, card: Card, seen: Sequence[Seen], empty: Sequence[str]) -> Iterator[str]:
    """What points to an answer without being one."""
    if empty:
        yield f"There is {', '.join(empty[:NAMES])}, but empty in the rows looked at."
    names = dict.fromkeys(readable(path) for part in seen for path in part.mapping.get("reasoning", ()))
    if telling := [name for name in names if pattern(rule.in_names).search(fold(name).replace("_", " "))]:
        yield f"The name of {', '.join(telling[:NAMES])} points to a model, not to its version."
    for key, wanted, says in rule.hints:
        value = next((one for one in card.values(key) if pattern(wanted).fullmatch(one)), None)
        if value is not None:
            yield f"`{key}: {readable(value[:WORDS_LENGTH])}` {says}."
