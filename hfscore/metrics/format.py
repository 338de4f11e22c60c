"""Task formats, and the gap in behaviour between two of them (catalogue F1, F2).

arXiv 2505.10185 finds that format moves reasoning behaviour more than domain does. It says nothing of accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hfscore.ports import Tools
from hfscore.records import Scored, Trace
from hfscore.spec import Fact, Family, Fold, Metric, Scores
from hfscore.text.formats import FORMATS, format_of
from hfscore.text.reflection import reflection_density

FEWEST = 20  # traces of each of two formats, below which no gap is printed
TITLES = {
    "multiple_choice": "Format: multiple choice",
    "code": "Format: code",
    "proof": "Format: proof",
    "tool": "Format: tool use",
    "free_form": "Format: free form, short answer",
    "other": "Format: other",
    "unknown": "Format: unknown",
}
ALIASES = dict(zip(FORMATS, ("F1m", "F1c", "F1p", "F1t", "F1f", "F1o", "F1u"), strict=True))


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """One 0/1 column per format; exactly one of them is 1."""
    found = [
        format_of(
            trace.question,
            trace.reasoning,
            trace.response,
            trace.reference,
            frozenset(turn.role.lower() for turn in trace.turns),
            trace.options,
        )
        for trace in traces
    ]
    return {f"format_{name}": [Scored(float(one == name)) for one in found] for name in FORMATS}


Moments = dict[str, tuple[float, float, float]]  # format -> (n, sum, sum of squares) of reflection density


def read(traces: Sequence[Trace], scores: Scores) -> Moments:
    """Moments of the reflection density, per format."""
    found: Moments = {}
    for name in FORMATS:
        for trace, reading in zip(traces, scores.get(f"format_{name}", ()), strict=False):
            if isinstance(reading, Scored) and reading.value == 1 and trace.reasoning.split():
                density = reflection_density(trace.reasoning)
                before = found.get(name, (0.0, 0.0, 0.0))
                found[name] = (before[0] + 1, before[1] + density, before[2] + density * density)
    return found


def add(state: Moments, traces: Sequence[Trace], found: Moments) -> None:
    """Add them up."""
    for name, (count, total, squares) in found.items():
        before = state.get(name, (0.0, 0.0, 0.0))
        state[name] = (before[0] + count, before[1] + total, before[2] + squares)


def cohens_d(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Difference of means over the pooled standard deviation; None if nothing varies.

    Args:
        first: [n, sum, sum of squares].
        second: [n, sum, sum of squares].
    """
    (n, total, squares), (m, other_total, other_squares) = first, second
    spread = squares - total * total / n + other_squares - other_total * other_total / m
    pooled = np.sqrt(max(spread, 0.0) / (n + m - 2))
    first_mean, second_mean = total / n, other_total / m
    # sums of squares cancel: what is left of equal values is noise, not spread
    noise = 1e-6 * max(abs(first_mean), abs(second_mean))
    return float((first_mean - second_mean) / pooled) if pooled > noise else None


def finish(state: Moments) -> list[Fact]:
    """The gap between the two most frequent formats, or why there is none."""
    title = "Format–strategy gap (Cohen's d)"
    common = sorted((name for name in state if state[name][0] >= FEWEST), key=lambda name: (-state[name][0], name))[:2]
    counted = int(sum(moments[0] for moments in state.values()))
    if len(common) < 2:
        why = f"Not measured: no two formats with {FEWEST} traces each."
        return [Fact("format_strategy_gap", title, None, "", counted, why)]
    first, second = common
    gap = cohens_d(state[first], state[second])
    note = (
        f"Reflection phrases per 100 words, {TITLES[first].removeprefix('Format: ')} ({state[first][0]:.0f} traces) "
        f"less {TITLES[second].removeprefix('Format: ')} ({state[second][0]:.0f}). Formats and domains are mixed here."
    )
    return [Fact("format_strategy_gap", title, gap, "", counted, note)]


FAMILY = Family(
    id="format",
    title="Task format",
    source="catalogue F1, F2; arXiv 2505.10185",
    version=1,
    rank=80,
    metrics=tuple(
        Metric(
            id=f"format_{name}",
            alias=ALIASES[name],
            title=TITLES[name],
            formula="rules on question, response and reference",
            reading="what kind of task it is; format moves reasoning behaviour, and often goes with domain",
            lowest=0.0,
            highest=1.0,
            direction="none",
            grade="D",
            evidence="One study links format to behaviour, not to accuracy.",
            digits=0,
            unit="share",
        )
        for name in FORMATS
    ),
    score=score,
    fold=Fold(start=lambda tools: {}, add=add, finish=finish, read=read),
)
