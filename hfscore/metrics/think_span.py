"""Think spans: is the thinking there, closed and not empty? (catalogue F3; trace collapse, arXiv 2605.21127)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hfscore.ports import Tools
from hfscore.records import Scored, Trace, Unscored
from hfscore.spec import Family, Metric, Scores

STATES = {
    "valid": "Think span valid",
    "empty": "Think span empty",
    "missing": "Think span missing",
    "unclosed": "Think span never closed",
}
UNMARKED = Unscored("this layout marks thinking by columns, not by tags")


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """One 0/1 column per state; exactly one of them is 1."""
    return {
        f"think_{state}": [
            UNMARKED if trace.think_span is None else Scored(float(trace.think_span == state)) for trace in traces
        ]
        for state in STATES
    }


FAMILY = Family(
    id="think_span",
    title="Think spans",
    source="catalogue F3; arXiv 2605.21127 (trace collapse)",
    version=1,
    rank=60,
    metrics=tuple(
        Metric(
            id=f"think_{state}",
            alias=f"F3{state[0]}",
            title=title,
            formula=f"1 if the markers around the thinking are {state}, else 0",
            reading="a trace whose thinking is empty or missing teaches a student not to think",
            lowest=0.0,
            highest=1.0,
            direction="up" if state == "valid" else "down",
            grade="D",
            evidence="One study ties empty and broken think spans to collapsed traces after training.",
            digits=1,
            unit="share",
        )
        for state, title in STATES.items()
    ),
    score=score,
    reads_problems=True,
)
