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


NEEDS = {
    "embedder": "a sentence encoder",
    "verifier": "math-verify",
    "students": "`--student` (its tokenizer)",
    "contamination": "`--contamination`",
    "judge": "`--judge`",
    "reference_lm": "a language model",
    "student_lms": "`--student`",
}


def families_table(families: Sequence[Family]) -> str:
    """A Markdown table of all families: what each measures, its best grade of evidence, what it needs."""
    lines = ["| measured | metrics | evidence | needs |", "| --- | --- | --- | --- |"]
    for family in families:
        needs = ", ".join(NEEDS[need] for need in family.needs) or "nothing"
        asked = f"; on request: `--metric {family.id}`" if family.costly else ""
        codes = ", ".join(f"{code(metric.id)}" for metric in family.metrics[:4])
        more = f" and {len(family.metrics) - 4} more" if len(family.metrics) > 4 else ""
        grade = min((metric.grade for metric in family.metrics), key="ABCDX-".index, default="-")
        lines.append(f"| {markdown(family.title)} | {codes}{more} | {grade} | {needs}{asked} |")
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
