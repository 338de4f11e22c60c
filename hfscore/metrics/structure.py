"""Structure: how long traces are and how they are cut. Controls beside every other number (catalogue G8, I)."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from hfscore.ports import Tools
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Family, Metric, Scores, Unit
from hfscore.text.steps import SPLITTER_VERSION, split_steps

EMPTY = Unscored("empty trace")


def words(text: str) -> int:
    """Number of runs of non-space characters."""
    return len(text.split())


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Count what a trace's reasoning is made of."""
    results: dict[str, list[Reading]] = {metric.id: [] for metric in FAMILY.metrics}
    for trace in traces:
        text = trace.reasoning
        steps = [words(step.text) for step in split_steps(text)] if text.strip() else []
        found: dict[str, float] = {
            "steps": len(steps),
            "words": words(text),
            "bytes": len(text.encode("utf-8", "surrogatepass")),
            "step_words": statistics.median(steps) if steps else 0,
        }
        for name, readings in results.items():
            readings.append(Scored(found[name]) if steps else EMPTY)
    return results


def _control(id: str, alias: str, title: str, formula: str, unit: Unit, *, headline: bool = False) -> Metric:
    return Metric(
        id=id,
        alias=alias,
        title=title,
        formula=formula,
        reading="a control: length and cut move most other numbers",
        lowest=0.0,
        highest=None,
        direction="none",
        grade="-",
        evidence="No claim; printed so that other numbers can be read.",
        headline=headline,
        digits=0,
        unit=unit,
        statistic="median",
    )


FAMILY = Family(
    id="structure",
    title="Structure",
    source="catalogue G8 and I (controls)",
    version=1,
    rank=50,
    metrics=(
        _control("words", "G8w", "Words per trace", "runs of non-space characters", "words", headline=True),
        _control("steps", "G8", "Steps per trace", f"steps of the lossless splitter {SPLITTER_VERSION}", "steps"),
        _control("step_words", "G8s", "Words per step", "median over the steps of a trace", "words"),
        _control("bytes", "G8b", "Bytes per trace", "UTF-8 bytes", "bytes"),
    ),
    score=score,
)
