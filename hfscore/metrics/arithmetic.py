"""Arithmetic: do the numeric equations that a trace writes down hold? Exact, by rule; no judge of validity.

A checker of this kind hits 206 of 238 first errors of BIG-Bench-Mistake's multistep arithmetic, and next to none on
traces whose errors lie elsewhere: read it as what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hfscore.ports import Tools
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Family, Metric, Scores
from hfscore.text.arithmetic import ARITHMETIC_VERSION, check_trace
from hfscore.text.steps import split_steps

NOTHING = Unscored("no equation between numbers")
NONE_WRONG = Unscored("no wrong step")
EMPTY = Unscored("empty trace")
TOO_MANY = Unscored("more equations than are checked")


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Check every equation between numbers, step by step."""
    holds: list[Reading] = []
    wrong: list[Reading] = []
    first: list[Reading] = []
    for trace in traces:
        if not trace.reasoning.strip():
            for readings in (holds, wrong, first):
                readings.append(EMPTY)
            continue
        found = check_trace([step.text for step in split_steps(trace.reasoning)])
        if not found.whole or not found.checked:
            for readings in (holds, wrong, first):
                readings.append(NOTHING if found.whole else TOO_MANY)
            continue
        holds.append(Scored(1 - found.wrong / found.checked))
        wrong.append(Scored(float(found.wrong > 0)))
        step = found.first_wrong_step
        first.append(NONE_WRONG if step is None else Scored(float(step + 1)))
    return {"arithmetic": holds, "arithmetic_wrong": wrong, "arithmetic_first_wrong_step": first}


def settings(tools: Tools) -> Mapping[str, str]:
    """The checker's version."""
    return {"arithmetic checker": str(ARITHMETIC_VERSION)}


READING = "only what is written as numbers is checked; a wrong plan with right sums passes"
EVIDENCE = "No published link between this rule and training outcomes."

FAMILY = Family(
    id="arithmetic",
    title="Arithmetic",
    source="ours; exact rational arithmetic over equations between numbers",
    version=1,
    rank=20,
    metrics=(
        Metric(
            id="arithmetic",
            alias="AR1",
            title="Arithmetic: equations that hold",
            formula="equations between numbers that hold / equations checked, per trace",
            reading=READING,
            lowest=0.0,
            highest=1.0,
            direction="none",
            grade="-",
            evidence=EVIDENCE,
            headline=True,
            digits=1,
            unit="share",
        ),
        Metric(
            id="arithmetic_wrong",
            alias="AR2",
            title="A wrong equation",
            formula="1 if any equation between numbers is false",
            reading=READING,
            lowest=0.0,
            highest=1.0,
            direction="none",
            grade="-",
            evidence=EVIDENCE,
            digits=1,
            unit="share",
            flag=True,
        ),
        Metric(
            id="arithmetic_first_wrong_step",
            alias="AR3",
            title="First step with a wrong equation",
            formula="number of the step, counted from 1",
            reading="where to start reading; " + READING,
            lowest=1.0,
            highest=None,
            direction="none",
            grade="-",
            evidence=EVIDENCE,
            digits=0,
            unit="steps",
            statistic="median",
        ),
    ),
    score=score,
    settings=settings,
)
