"""A verdict as a short Markdown summary."""

from __future__ import annotations

from collections.abc import Sequence

from hfscore.escape import markdown as escaped
from hfscore.gating.values import Check, Gate

SHOWN = 20  # rows of a table


def markdown(gate: Gate) -> str:
    """The verdict, what failed, and what it rests on."""
    failed = [one for one in gate.checks if not one.passed]
    compared = [one for one in gate.checks if one.how in ("paired", "unpaired")]
    lines = [f"**Gate {'passed' if gate.passed else 'not passed'}**: {escaped(gate.new)}" + _beside(gate)]
    if failed:
        lines += ["", *_table(failed)]
    if compared:
        questions = max(one.questions for one in compared)
        how = "the same questions" if all(one.how == "paired" for one in compared) else "means of"
        lines += [
            "",
            f"{len(compared)} metrics with a known direction were compared over {how} "
            f"({questions:,} at most); a false alarm, missing numbers included, comes in at most 5 of 100 gates. "
            "Not shown to be worse is not shown to be the same.",
        ]
    lines += ["", *(f"- {escaped(note)}" for note in gate.notes)] if gate.notes else []
    return "\n".join(lines) + "\n"


def _beside(gate: Gate) -> str:
    return f", beside {escaped(gate.baseline)}" if gate.baseline else ""


def _table(checks: Sequence[Check]) -> list[str]:
    lines = [
        "| metric | where | baseline or bound | now | difference (96%, all at once) | why | rows |",
        "| --- | --- | ---: | ---: | ---: | --- | --- |",
    ]
    for one in checks[:SHOWN]:
        span = "–" if one.low is None or one.how == "limit" else f"{one.low:+.3g} to {one.high:+.3g}"
        rows = ", ".join(map(str, one.rows)) or "–"
        where = escaped(" ".join(filter(None, (one.config, one.split)))) or "–"
        cells = (escaped(one.metric) or "–", where, _number(one.before), _number(one.now), span, one.why, rows)
        lines.append(f"| {' | '.join(cells)} |")
    if len(checks) > SHOWN:
        lines.append(f"\n{len(checks) - SHOWN} more.")
    return lines


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
