"""Decision tokens: where reference model and student would go on differently (catalogue C6).

Jensen-Shannon divergence of their next-token distributions at every token of the reasoning, natural logarithms, at
most ln 2. arXiv 2605.16874 compares a base model with a reasoning one and finds the disagreement in about 8% of
tokens; its divergence and threshold are not known here, so the threshold is ours. Both models need one tokenizer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hfscore.ports import Tools
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Family, Metric, Scores, Unit, named
from hfscore.tokens import EMPTY, columns, described, mean

APART: Final = 0.1  # nats; ours
TOP: Final = 8  # percent of the tokens; arXiv 2605.16874, Qwen3-0.6B

NOT_FINITE = Unscored("a divergence is not finite")
ONE_MODEL = Unscored("not measurable: student and reference are one model")


def top_mean(divergence: NDArray[np.float32]) -> float:
    """Mean over the 8% of tokens where the models differ most, rounded up to whole tokens."""
    count = -(-TOP * len(divergence) // 100)
    return mean(np.partition(divergence, -count)[-count:])


def measure(trace: Trace, found: NDArray[np.float32] | Unscored) -> Mapping[str, Reading] | Unscored:
    """Every metric of one trace."""
    if isinstance(found, Unscored):
        return found
    if not len(found):
        return EMPTY
    if not np.isfinite(found).all():
        return NOT_FINITE
    return {
        "decision_share": Scored(mean(found > APART)),
        "decision_top": Scored(top_mean(found)),
        "decision_mean": Scored(mean(found)),
    }


def score(index: int, traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Read traces under student `index`."""
    reference, student = tools.reference_lm(), tools.student_lms()[index]
    if reference is student:
        return columns(NAMES, [ONE_MODEL for _ in traces])
    found = reference.disagreement(student, traces)
    return columns(NAMES, map(measure, traces, found))


def settings(index: int, tools: Tools) -> Mapping[str, str]:
    """The models that were really loaded, and what else decides the numbers."""
    return {
        **described(tools.reference_lm(), "reference model"),
        **described(tools.student_lms()[index], "student"),
        "decision token": f"Jensen-Shannon divergence above {APART} nats; the paper's threshold is not known",
    }


EVIDENCE = "One study of what models write, not of training data (arXiv 2605.16874); no link to training results."
READING = "depends on the pair of models above all; equal models give 0"


def _metric(name: str, alias: str, title: str, formula: str, *, share: bool = False) -> Metric:
    highest, digits = (1.0, 1) if share else (math.log(2), 3)
    unit: Unit = "share" if share else ""
    return Metric(name, alias, title, formula, READING, 0.0, highest, "none", "D", EVIDENCE, digits=digits, unit=unit)


METRICS: Final = (
    _metric(
        "decision_share",
        "C6",
        "Decision tokens: reference model and student go on differently",
        f"share of reasoning tokens with JS(p_reference, p_student) > {APART} nats",
        share=True,
    ),
    _metric(
        "decision_top",
        "C6t",
        "Disagreement at the 8% of tokens where it is largest, nats",
        f"mean JS(p_reference, p_student) over the top {TOP}% of tokens",
    ),
    _metric("decision_mean", "C6m", "Disagreement, nats per token", "mean JS(p_reference, p_student)"),
)
NAMES: Final = tuple(metric.id for metric in METRICS)


def _family(index: int) -> Family:
    return Family(
        id="decision_tokens",
        title="Decision tokens",
        source="arXiv 2605.16874 (decision tokens; divergence and threshold not known), catalogue C6",
        version=1,
        rank=62,
        metrics=METRICS,
        score=partial(score, index),
        needs=("reference_lm", "student_lms"),
        settings=partial(settings, index),
        for_student=for_student,
    )


def for_student(index: int, name: str) -> Family:
    """The family for one of several students, `index` of `tools.student_lms()`."""
    return named(_family(index), name)


FAMILY = _family(0)
