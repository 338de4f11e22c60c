"""Metrics as data for other programs, and as the Markdown of docs/metrics.md; both read the catalogue."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from hfscore.escape import code, markdown
from hfscore.spec import Family, Metric

DIRECTIONS = {
    "up": "higher counts as better",
    "down": "lower counts as better",
    "contested": "studies disagree",
    "none": "no sign known",
}


def as_data(families: Sequence[Family]) -> list[dict[str, Any]]:
    """One dict per metric, with what its family says."""
    return [
        {**dataclasses.asdict(metric), "family": family.id, "version": family.version, "needs": list(family.needs)}
        for family in families
        for metric in family.metrics
    ]


def _range(metric: Metric) -> str:
    low = "−∞" if metric.lowest is None else f"{metric.lowest:g}".replace("-", "−")
    high = "∞" if metric.highest is None else f"{metric.highest:g}"
    return f"{low} to {high}"


def metrics_table(families: Sequence[Family]) -> str:
    """A Markdown table of all metrics: id, code, title, direction, grade, needs."""
    lines = ["| metric | code | what | direction | grade | needs |", "| --- | --- | --- | --- | --- | --- |"]
    for family in families:
        needs = ", ".join(family.needs) or "nothing"
        lines += [
            f"| {code(metric.id)} | {metric.alias} | {markdown(metric.title)} | {DIRECTIONS[metric.direction]} "
            f"| {metric.grade} | {needs} |"
            for metric in family.metrics
        ]
    return "\n".join(lines) + "\n"


def metrics_sections(families: Sequence[Family]) -> str:
    """A Markdown section per family, and in it a list entry per metric."""
    blocks = []
    for family in families:
        needs = ", ".join(family.needs) or "nothing"
        blocks.append(
            f"## {family.title}\n\nFamily {code(family.id)}, version {family.version}. Needs: {needs}. "
            f"Source: {markdown(family.source)}.\n"
        )
        for metric in family.metrics:
            blocks.append(
                f"### {code(metric.id)} ({metric.alias})\n\n{markdown(metric.title)}.\n\n"
                f"- Formula: {code(metric.formula)}\n"
                f"- Range: {_range(metric)}; {DIRECTIONS[metric.direction]} (grade {metric.grade})\n"
                f"- How to read it: {markdown(metric.reading)}.\n"
                f"- Evidence: {markdown(metric.evidence)}\n"
            )
    return "\n".join(blocks)
