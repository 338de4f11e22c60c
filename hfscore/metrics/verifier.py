"""By what a record can be checked: a program, the environment, a judgement, or nothing (catalogue H2).

The classes are those of arXiv 2606.02113. They are read off the record's text, in this order: an agent's trajectory
with an observed outcome is environmental; a reference that a program can compare, or test cases, is programmatic; any
other reference asks for a judgement; else there is none. Columns beside the text, such as `exit_status`, are not seen
here: the attribution of the dataset counts those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from hfscore.ports import Tools
from hfscore.records import Scored, Trace
from hfscore.spec import Family, Metric, Scores
from hfscore.text.trajectories import has_outcome, steps_of
from hfscore.text.verifiable import CHECKABLE_WORDS, is_checkable

Verifier = Literal["programmatic", "environmental", "judgement", "none"]
VERIFIERS: dict[Verifier, tuple[str, str, str]] = {  # -> alias, title, rule
    "programmatic": (
        "H2p",
        "Verifier in the text: a program",
        f"the reference is test cases, a marked final answer, a formula or at most {CHECKABLE_WORDS} words",
    ),
    "environmental": (
        "H2e",
        "Verifier in the text: the environment",
        "an agent's trajectory that shows its outcome: tests run, submitted with a status, a difference",
    ),
    "judgement": (
        "H2j",
        "Verifier in the text: a judgement",
        "a reference that is longer than a program could compare",
    ),
    "none": ("H2n", "Verifier in the text: none", "no reference, and no outcome that was observed"),
}


def verifier_of(trace: Trace) -> Verifier:
    """By what one trace can be checked."""
    if trace.turns and has_outcome(steps_of(trace.turns)):
        return "environmental"
    if trace.reference and trace.reference.strip():
        return "programmatic" if is_checkable(trace.reference) else "judgement"
    return "none"


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """One 0/1 column per class; exactly one of them is 1."""
    found = [verifier_of(trace) for trace in traces]
    return {f"verifier_{name}": [Scored(float(one == name)) for one in found] for name in VERIFIERS}


FAMILY = Family(
    id="verifier",
    title="Verifier",
    source="catalogue H2; arXiv 2606.02113",
    version=1,
    metrics=tuple(
        Metric(
            id=f"verifier_{name}",
            alias=alias,
            title=title,
            formula=formula,
            reading="what could check the record, by the texts of trace and reference alone; not that anything did, "
            "nor that the answer is right. Other columns, such as test cases, are listed with what the release says",
            lowest=0.0,
            highest=1.0,
            direction="none",
            grade="D",
            evidence="A primer's distinction: correctness is relative to a verifier. No link to training results.",
            digits=0,
            unit="share",
        )
        for name, (alias, title, formula) in VERIFIERS.items()
    ),
    score=score,
)
