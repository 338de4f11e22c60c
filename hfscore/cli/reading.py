"""A report read for students, as lines for a terminal: signs and grades; the card has the sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfscore.card.context import OwnStatement, Statement, Student
    from hfscore.report import Report

SIGNS = {"up": "higher counts as better", "down": "lower counts as better", "none": "no sign", "contested": "contested"}


def lines(report: Report) -> Iterator[tuple[str, str]]:
    """("head" or "text", line) for every size, then what the grades mean."""
    from hfscore.card import reading

    rows = reading.read(report)
    for row in rows:
        models = f" ({', '.join(row.models)})" if row.models else ""
        yield "head", f"Read for {row.size}{models}{f': {row.remark}' if row.remark else ''}"
        yield from (("text", line) for line in _row(row))
    for profile in reading.unread(report):
        yield "text", f"Your profile '{profile.name}' is for none of these sizes, or says nothing of what was measured."
    if rows:
        grades = "; ".join(f"{one.grade} {one.words}" for one in reading.grades(rows))
        alone = " One dataset alone is described, not ranked." if len(report.parts) == 1 else ""
        yield "foot", f"Grades of evidence: {grades}.{alone} The card has the words."


def _row(row: Student) -> Iterator[str]:
    yield from map(_signed, row.signed)
    yield from map(_own, row.own)
    if row.contested:
        yield f"contested, or from other sizes: {_names(row.contested)}"
    if row.aside:
        yield f"uninformative here by the controls, so nothing is read from: {'; '.join(row.aside)}"
    if row.unknown:
        yield f"no sign is known at this size: {'; '.join(row.unknown)}"


def _names(statements: Sequence[Statement]) -> str:
    return "; ".join(f"{one.name} ({one.grade})" if one.grade != "-" else one.name for one in statements)


def _signed(one: Statement) -> str:
    extrapolated = ", extrapolated" if one.extrapolated else ""
    return f"{one.name} ({one.grade}{extrapolated}): {_measured(one)}"


def _measured(one: Statement) -> str:
    if one.ceiling:
        return "at its ceiling in 95% of traces, says nothing here"
    if one.gap is None:
        return SIGNS[one.direction]
    if not one.gap.clear:
        return "not distinguishable here"
    part, word = (one.gap.lower, "lower") if one.direction == "down" else (one.gap.higher, "higher")
    return f"{part} has the {word} mean, by {one.gap.size} ({one.gap.span}); {SIGNS[one.direction]}"


def _own(one: OwnStatement) -> str:
    conflict = "; published evidence has the opposite sign, both stand" if one.conflict else ""
    return f"your own evidence ({one.profile}): {one.name}, {SIGNS[one.direction]} ({one.grade}; {one.rests}){conflict}"
