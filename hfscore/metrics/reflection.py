"""Reflection density: how often a trace stops to check itself (catalogue G6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hfscore.ports import Tools
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Family, Metric, Scores
from hfscore.text.reflection import reflection_density
from hfscore.text.words import REFLECTION


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Count phrases in every trace's reasoning."""
    readings: list[Reading] = [
        Scored(reflection_density(trace.reasoning)) if trace.reasoning.split() else Unscored("empty trace")
        for trace in traces
    ]
    return {"reflection_density": readings}


FAMILY = Family(
    id="reflection",
    title="Reflection",
    source="catalogue G6; arXiv 2506.04178, App. H.3",
    version=1,
    rank=90,
    metrics=(
        Metric(
            id="reflection_density",
            alias="G6",
            title="Reflection phrases per 100 words",
            formula=f"matches of word lists ({', '.join(REFLECTION)}) / words × 100",
            reading="a mark of style as much as of checking; languages without a list count as none",
            lowest=0.0,
            highest=None,
            direction="none",
            grade="D",
            evidence="One study lost accuracy when all reflection was removed from traces; "
            "no sign for the density is known.",
        ),
    ),
    score=score,
)
