"""Student context: what the question, and all but the last few steps, do for the student (catalogue E2, E7).

IFD is the ratio of perplexities ppl(T | q) / ppl(T); the first paper on it took a ratio of mean losses. Both and local
surprisal read every trace again, several times, so they run only where they are named. All passes of a trace have one
form, whatever the student's template.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from hfscore.ports import Passage, TokenScores, Tools
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Family, Metric, Scores, named
from hfscore.text.steps import SPLITTER_VERSION, split_steps
from hfscore.tokens import AGENT, EMPTY, NO_QUESTION, WINDOWED, Parts, columns, described, in_bulk, mean, part, scored

FIRST: Final = 512  # tokens
STEPS_SEEN: Final = 4  # ours; the paper leaves it open
MOST_STEPS: Final = 400

TOO_MANY = Unscored(f"more than {MOST_STEPS} steps")
SHORT = f"shorter than {FIRST} tokens"


def ifd(asked: TokenScores, unasked: TokenScores, first: int | None = None) -> float:
    """ppl(T | q) / ppl(T) from the tokens of one trace with and without its question, of the first few or of all."""
    assert len(asked.nll) == len(unasked.nll), "a trace's tokens do not depend on the question"
    return math.exp(mean(asked.nll[:first]) - mean(unasked.nll[:first]))


def local_passages(trace: Trace) -> list[Passage]:
    """For every step a passage that ends in it, behind the last few steps; the question where they reach back to it."""
    steps = split_steps(trace.reasoning)
    passages = []
    for place, step in enumerate(steps):
        seen = trace.reasoning[steps[max(0, place - STEPS_SEEN)].start : step.start]
        parts = (seen, step.text) if seen else (step.text,)
        passages.append(Passage(trace.question if place < STEPS_SEEN else None, parts))
    return passages


def local_surprisal(found: Sequence[Parts]) -> Reading:
    """Mean over steps of a step's mean surprisal given the last few steps, in nats per token."""
    steps = [part(one, -1) for one in found]
    read = [one for one in steps if not isinstance(one, Unscored)]
    if len(read) < len(steps):
        return next(one for one in steps if isinstance(one, Unscored))
    mark = WINDOWED if any(one.windowed for one in read) else None
    return Scored(float(np.mean([mean(one.nll) for one in read])), mark)


def difficulties(found: Sequence[Parts]) -> tuple[Reading, Reading]:
    """IFD over all tokens and over the first ones, from the passages with and without the question."""
    asked, unasked = (part(one, 0) for one in found)
    if isinstance(asked, Unscored):
        return asked, asked
    if isinstance(unasked, Unscored):
        return unasked, unasked
    short = SHORT if len(asked.nll) < FIRST else None
    return scored(ifd(asked, unasked), asked), Scored(ifd(asked, unasked, FIRST), short)


def plan(trace: Trace) -> tuple[list[Passage] | Unscored, list[Passage] | Unscored]:
    """The passages of local surprisal and those of IFD, or why there are none."""
    local = AGENT if trace.turns else local_passages(trace)
    if not isinstance(local, Unscored) and len(local) > MOST_STEPS:
        local = TOO_MANY
    if not (trace.question or "").strip():
        return local, NO_QUESTION
    return local, [Passage(trace.question, (trace.reasoning,)), Passage(None, (trace.reasoning,))]


def passages(trace: Trace) -> list[Passage]:
    """Everything the student is asked about one trace."""
    return [passage for one in plan(trace) if not isinstance(one, Unscored) for passage in one]


def measure(trace: Trace, found: Sequence[Parts]) -> Mapping[str, Reading] | Unscored:
    """Every metric of one trace, from what was found in its `passages`."""
    local, both = plan(trace)
    number = 0 if isinstance(local, Unscored) else len(local)
    whole, first = (both, both) if isinstance(both, Unscored) else difficulties(found[number:])
    surprisal = local if isinstance(local, Unscored) else local_surprisal(found[:number])
    return {"student_local": surprisal, "ifd": whole, "ifd_512": first}


def score(index: int, traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Read traces under student `index`."""
    asked = [trace for trace in traces if trace.reasoning.strip()]
    bulk = in_bulk(tools.student_lms()[index], map(passages, asked))
    read = iter([measure(trace, found) for trace, found in zip(asked, bulk, strict=True)])
    return columns(NAMES, (next(read) if trace.reasoning.strip() else EMPTY for trace in traces))


def settings(index: int, tools: Tools) -> Mapping[str, str]:
    """The models that were really loaded, and what else decides the numbers."""
    return {
        **described(tools.student_lms()[index], "student"),
        "steps seen by local surprisal": str(STEPS_SEEN),
        "most steps": str(MOST_STEPS),
        "step splitter": str(SPLITTER_VERSION),
    }


LOCAL_EVIDENCE = (
    "Selecting by it gave 9.4 points on a 32B student in one study (arXiv 2510.03988); rank correlation 0.51 in size "
    "in another; against in a preliminary one of agents."
)
IFD_EVIDENCE = "Used to select data for instruction tuning at 7B to 13B (arXiv 2402.10110); not studied on reasoning."

METRICS: Final = (
    Metric(
        id="student_local",
        alias="E2",
        title="Local surprisal under the student, nats per token",
        formula=f"mean over steps of −mean log p(t_k | the last {STEPS_SEEN} steps, the step's tokens before t_k)",
        reading="favours long steps, whose improbable first token weighs less; depends on how steps are cut",
        lowest=0.0,
        highest=None,
        direction="down",
        grade="X",
        evidence=LOCAL_EVIDENCE,
    ),
    Metric(
        id="ifd",
        alias="E7",
        title="Instruction-following difficulty",
        formula="ppl(T | q) / ppl(T), perplexities of the reasoning under the student",
        reading="above 1 the question does not help; near 1 for every long trace, where the question's share fades",
        lowest=0.0,
        highest=None,
        direction="none",
        grade="C",
        evidence=IFD_EVIDENCE,
    ),
    Metric(
        id="ifd_512",
        alias="E7f",
        title="Instruction-following difficulty, first 512 tokens",
        formula=f"ppl(T | q) / ppl(T) over the first {FIRST} tokens of the reasoning",
        reading="above 1 the question does not help; comparable between long and short traces",
        lowest=0.0,
        highest=None,
        direction="none",
        grade="C",
        evidence=IFD_EVIDENCE,
    ),
)
NAMES: Final = tuple(metric.id for metric in METRICS)


def _family(index: int) -> Family:
    return Family(
        id="student_context",
        title="Student context",
        source="arXiv 2510.03988 (local naturalness), 2402.10110 (IFD), catalogue E2 and E7",
        version=1,
        rank=16,
        metrics=METRICS,
        score=partial(score, index),
        needs=("student_lms",),
        costly=True,
        settings=partial(settings, index),
        for_student=for_student,
    )


def for_student(index: int, name: str) -> Family:
    """The family for one of several students, `index` of `tools.student_lms()`."""
    return named(_family(index), name)


FAMILY = _family(0)
