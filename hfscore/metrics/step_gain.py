"""Step gains: where in a trace the reference answer becomes probable (catalogue D3, D4).

Reads the answer behind every beginning of the reasoning that ends with a step: one pass more than there are steps, so
it runs only where it is named. A response is not read. The gains of all steps add up to the gain of the whole
reasoning; how they are spread is what is measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hfscore.ports import Passage, TokenScores, Tools
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Family, Metric, Scores
from hfscore.text.steps import SPLITTER_VERSION, Step, split_steps
from hfscore.tokens import (
    AGENT,
    NO_QUESTION,
    NO_REFERENCE,
    WINDOWED,
    Parts,
    answering,
    columns,
    described,
    in_bulk,
    mean,
    part,
    reasoning,
)

SETTLED: Final = 0.9  # geometric mean probability of the answer's tokens
MOST_STEPS: Final = 400

TOO_MANY = Unscored(f"more than {MOST_STEPS} steps")
NO_GAIN = Unscored("no step makes the answer more probable")
NEVER = Unscored("the answer is never settled")
BEFORE = Unscored("the answer is settled before the first step")
OWN = "the reference is read from the record's own answer"


def passages(trace: Trace) -> list[Passage]:
    """n + 1 passages that end in the answer: behind no step, the first, the first two, and so on."""
    steps = split_steps(trace.reasoning)
    return [answering(trace), *(answering(trace, trace.reasoning[: step.end].rstrip()) for step in steps)]


def log_probabilities(found: Sequence[Parts]) -> NDArray[np.float64] | Unscored:
    """(n + 1,) log p(a* | q, s_1..i) / A for i = 0..n, nats per answer token, from what was found in `passages`."""
    read = [part(one, -1) for one in found]
    failed = next((one for one in read if isinstance(one, Unscored)), None)
    return failed or np.array([-mean(one.nll) for one in read if not isinstance(one, Unscored)])


def gini(values: NDArray[np.float64]) -> float:
    """Gini coefficient of (n,) values, none below 0 and some above: 0 if all are equal, 1 − 1/n if one holds all."""
    ordered = np.sort(values)
    places = np.arange(1, len(ordered) + 1)
    return float(2 * (places * ordered).sum() / (len(ordered) * ordered.sum()) - (len(ordered) + 1) / len(ordered))


def settled_step(log_p: NDArray[np.float64]) -> int | Unscored:
    """Number of the first step after which the answer is settled, from (n + 1,) mean log-probabilities."""
    settled = np.flatnonzero(log_p >= math.log(SETTLED))
    if not len(settled):
        return NEVER
    return int(settled[0]) or BEFORE


def why_not(trace: Trace, found: TokenScores | Unscored) -> Unscored | None:
    """Why the steps of a trace cannot be measured, if they cannot."""
    if isinstance(found, Unscored):
        return found
    if trace.turns:
        return AGENT
    if not (trace.question or "").strip():
        return NO_QUESTION
    if not (trace.reference or "").strip():
        return NO_REFERENCE
    return TOO_MANY if len(split_steps(trace.reasoning)) > MOST_STEPS else None


def measure(trace: Trace, tokens: TokenScores, found: Sequence[Parts]) -> Mapping[str, Reading] | Unscored:
    """Every metric of one trace, from its own tokens and what was found in its `passages`."""
    log_p = log_probabilities(found)
    if isinstance(log_p, Unscored):
        return log_p
    mark = OWN if trace.own_reference else WINDOWED if tokens.windowed else None
    gains = np.diff(log_p)
    positive = np.maximum(gains, 0)
    settled = settled_step(log_p)
    after = settled if isinstance(settled, Unscored) else tail(tokens, split_steps(trace.reasoning)[settled - 1])
    return {
        "step_gain_positive": Scored(mean(gains > 0), mark),
        "step_gain_gini": Scored(gini(positive), mark) if positive.any() else NO_GAIN,
        "settled_step": settled if isinstance(settled, Unscored) else Scored(float(settled), mark),
        "tail_share": after if isinstance(after, Unscored) else Scored(after, mark),
    }


def tail(tokens: TokenScores, step: Step) -> float:
    """Share of the tokens that begin behind a step, white space after it included: a word's token may begin with it."""
    return mean(tokens.starts >= step.start + len(step.text.rstrip()))


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Read the pass over the traces for where their tokens stand, and the answer behind every beginning of each."""
    model = tools.reference_lm()
    tokens = list(map(reasoning, traces, model.traces(traces)))
    rows: list[Mapping[str, Reading] | Unscored | None] = list(map(why_not, traces, tokens))
    asked = [place for place, row in enumerate(rows) if row is None]
    for place, found in zip(asked, in_bulk(model, (passages(traces[place]) for place in asked)), strict=True):
        own = tokens[place]
        assert not isinstance(own, Unscored)
        rows[place] = measure(traces[place], own, found)
    return columns(NAMES, (row for row in rows if row is not None))


def settings(tools: Tools) -> Mapping[str, str]:
    """The model that was really loaded, and what counts as settled."""
    return {
        **described(tools.reference_lm(), "reference model"),
        "settled": f"geometric mean probability of the answer's tokens from {SETTLED}",
        "most steps": str(MOST_STEPS),
        "step splitter": str(SPLITTER_VERSION),
    }


DESCRIBES = "Describes a trace; no link to training results."
TAIL_EVIDENCE = (
    "Deleting reasoning after the answer was settled improved training in one study (arXiv 2605.29288), which decided "
    "in another way where that is; another found checking useful."
)

FAMILY = Family(
    id="step_gain",
    title="Step gains",
    source="catalogue D3 and D4, after arXiv 2605.29288 (reasoning after the answer is settled)",
    version=1,
    rank=51,
    metrics=(
        Metric(
            id="tail_share",
            alias="D4",
            title="Tail: tokens after the answer is settled",
            formula=f"tokens behind the first step with log p(a* | q, s_1..i) / A ≥ log {SETTLED} / all tokens",
            reading="a guess that is stated early settles it too; what follows may be checking that teaches",
            lowest=0.0,
            highest=1.0,
            direction="down",
            grade="B",
            evidence=TAIL_EVIDENCE,
            digits=1,
            unit="share",
        ),
        Metric(
            id="settled_step",
            alias="D4s",
            title="Step that settles the answer",
            formula="number of that step, counted from 1",
            reading="where the model is as good as sure of the reference answer; depends on how steps are cut",
            lowest=1.0,
            highest=None,
            direction="none",
            grade="-",
            evidence="Ours; no published link to training outcomes.",
            digits=0,
            unit="steps",
            statistic="median",
        ),
        Metric(
            id="step_gain_positive",
            alias="D3",
            title="Steps that make the answer more probable",
            formula="share of steps with g_i > 0, g_i = (log p(a* | q, s_1..i) − log p(a* | q, s_1..i−1)) / A",
            reading="about half of the steps if gains are noise; the order of steps decides which of them gains",
            lowest=0.0,
            highest=1.0,
            direction="none",
            grade="D",
            evidence=DESCRIBES,
            digits=1,
            unit="share",
        ),
        Metric(
            id="step_gain_gini",
            alias="D3g",
            title="Concentration of the gain on few steps",
            formula="Gini coefficient of max(g_i, 0) over all steps",
            reading="near 1 where one step holds all the gain, as where the answer is just stated",
            lowest=0.0,
            highest=1.0,
            direction="none",
            grade="D",
            evidence=DESCRIBES,
        ),
    ),
    score=score,
    needs=("reference_lm",),
    costly=True,
    settings=settings,
)

NAMES = tuple(metric.id for metric in FAMILY.metrics)
