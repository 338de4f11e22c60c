"""A judge cuts a trace into steps of its own; here its verdicts are brought onto given steps, by their characters.

A given step fails where any step of the judge's that overlaps it fails, has no verdict where one of them has none, and
else holds. White space around a step is no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hfscore.ports import CRITERIA, Criterion, Judged, JudgedStep, Verdict
from hfscore.records import Unscored

SEPARATOR: Final = "\n\n"
NOT_COVERED: Final = Unscored("the judge has no step there")
NOT_ASKED: Final = Unscored("not asked of this step")

Criteria = tuple[Criterion, ...]
StepVerdicts = Mapping[Criterion, Verdict | Unscored]


def on_steps(steps: Sequence[str], judged: Judged | Unscored) -> list[StepVerdicts]:
    """Bring a judge's verdicts onto given steps, by their characters.

    Args:
        steps: The given steps; the judge read them joined by `SEPARATOR`.
        judged: What it said.

    Returns:
        For each step a verdict by every criterion, or why there is none. P(holds) is that of the least likely part.
    """
    if isinstance(judged, Unscored):
        return [dict.fromkeys(CRITERIA, judged) for _ in steps]
    text = SEPARATOR.join(steps)
    places = [(one, _stripped(text, one.start, one.end)) for one in judged.steps]
    found: list[StepVerdicts] = []
    start = 0
    for step in steps:
        low, high = _stripped(text, start, start + len(step))
        parts = [one for one, (first, last) in places if max(first, low) < min(last, high)]
        found.append({criterion: _joined(parts, criterion) for criterion in CRITERIA})
        start += len(step) + len(SEPARATOR)
    return found


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())


def _joined(parts: Sequence[JudgedStep], criterion: Criterion) -> Verdict | Unscored:
    """One verdict of all parts of a step; coherence is not asked of a trace's first part, which then says nothing."""
    given = [part.verdicts[criterion] for part in parts if criterion in part.verdicts]
    verdicts = [one for one in given if isinstance(one, Verdict)]
    missing = next((one for one in given if isinstance(one, Unscored)), None)
    if missing and all(one.holds for one in verdicts):
        return missing
    if not verdicts:
        return NOT_ASKED if parts else NOT_COVERED
    chances = [one.probability for one in verdicts if one.probability is not None]
    known = len(chances) == len(given)
    return Verdict(all(one.holds for one in verdicts), min(chances) if known else None)


def fails(verdicts: StepVerdicts, criteria: Criteria) -> bool | Unscored:
    """Whether a step fails by any of the criteria, or why that is not known."""
    given = [verdicts[criterion] for criterion in criteria]
    if any(isinstance(one, Verdict) and not one.holds for one in given):
        return True
    return next((one for one in given if isinstance(one, Unscored)), False)
