"""Answer gain: how much more probable a trace makes the reference answer (catalogue D1, D2, D5).

The answer stands behind a fixed cue, once after question and trace (with its response, where one is set apart), once
after the question alone. Most of the gain may be copying: a trace that writes the answer down makes it probable. So
the gain is measured again with every literal occurrence of the answer in the trace replaced by a blank; what the two
differ by is copying. An answer written in another way ("1000" for "1,000") stays and still leaks.

InfoGain is the formula that arXiv 2506.02126 prints, over n steps; it telescopes, so two passes give it. The paper
applies it to a model's outputs, and its released code computes something else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from hfscore.ports import TokenScores, Tools, TraceScores
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Family, Metric, Scores
from hfscore.text.steps import split_steps
from hfscore.tokens import (
    AGENT,
    NO_QUESTION,
    NO_REFERENCE,
    WINDOWED,
    answering,
    checked,
    columns,
    described,
    mean,
    part,
    reasoning,
)

BLANK: Final = "___"
KNOWN: Final = 0.5

OWN = "the reference is read from the record's own answer"


def masked(text: str, answer: str) -> str:
    """A text with every occurrence of the answer blanked out, but not inside a longer word or number."""
    return re.sub(rf"(?<!\w)(?<!\d[.,]){re.escape(answer)}(?!\w)(?![.,]\d)", lambda match: BLANK, text)


def infogain(before: float, after: float, steps: int) -> float:
    """(PPL_0 − PPL_n) / n from the mean surprisal of the answer without and with the trace, in nats."""
    return (math.exp(before) - math.exp(after)) / steps


def answered(trace: Trace, found: TraceScores | Unscored) -> TokenScores | Unscored:
    """The tokens of the answer behind the trace, or why there are none."""
    if isinstance(found, Unscored):
        return found
    if isinstance(tokens := reasoning(trace, found), Unscored):
        return tokens
    if trace.turns:
        return AGENT
    if not (trace.question or "").strip():
        return NO_QUESTION
    if found.answer is None or not (trace.reference or "").strip():
        return NO_REFERENCE
    return checked(found.answer)


def blanked(trace: Trace) -> Trace | None:
    """The trace without its reference answer in reasoning and response; None if it does not occur in them."""
    answer = (trace.reference or "").strip()
    response = masked(trace.response, answer) if trace.response is not None else None
    found = replace(trace, reasoning=masked(trace.reasoning, answer), response=response)
    return found if found != trace else None


def measure(
    trace: Trace, traced: TokenScores, bare: TokenScores | Unscored, *, blank: TokenScores | Unscored
) -> Mapping[str, Reading] | Unscored:
    """Every metric of one trace.

    Args:
        trace: The trace.
        traced: The answer's tokens behind the trace.
        bare: Behind the question alone.
        blank: Behind the trace with the answer blanked out.
    """
    if isinstance(bare, Unscored):
        return bare
    assert len(traced.nll) == len(bare.nll), "an answer's tokens do not depend on what stands before it"
    own = OWN if trace.own_reference else None
    mark = own or (WINDOWED if traced.windowed else None)
    before, after = mean(bare.nll), mean(traced.nll)
    steps = len(split_steps(trace.reasoning))
    blank_mark = own or (WINDOWED if not isinstance(blank, Unscored) and blank.windowed else None)
    return {
        "answer_gain": Scored(before - after, mark),
        "answer_gain_masked": blank if isinstance(blank, Unscored) else Scored(before - mean(blank.nll), blank_mark),
        "infogain": Scored(infogain(before, after, steps), mark),
        "answer_known": Scored(float(math.exp(-bare.nll.sum(dtype="float64")) > KNOWN), own),
    }


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Read the answers behind the traces, behind the questions alone, and behind the blanked traces."""
    model = tools.reference_lm()
    found = list(map(answered, traces, model.traces(traces)))
    asked = [place for place, one in enumerate(found) if not isinstance(one, Unscored)]
    alone = model.passages([answering(traces[place]) for place in asked]) if asked else []
    bare = {place: part(one, -1) for place, one in zip(asked, alone, strict=True)}
    others = {place: other for place in asked if (other := blanked(traces[place])) is not None}
    read = model.traces(list(others.values())) if others else []
    blank = dict(zip(others, map(answered, others.values(), read), strict=True))

    rows = [
        one if isinstance(one, Unscored) else measure(traces[place], one, bare[place], blank=blank.get(place, one))
        for place, one in enumerate(found)
    ]
    return columns(NAMES, rows)


def settings(tools: Tools) -> Mapping[str, str]:
    """The model that was really loaded, and how answers are blanked out."""
    return {
        **described(tools.reference_lm(), "reference model"),
        "blank for a masked answer": BLANK,
    }


INFOGAIN = (
    "A study of model outputs, not of training data: it fell by 38.9% after fine-tuning. No link to training results."
)

FAMILY = Family(
    id="answer_gain",
    title="Answer gain",
    source="arXiv 2506.02126 (InfoGain), catalogue D1, D2 and D5; gain per token and masking are ours",
    version=1,
    rank=63,  # last of those that read the pass over the traces: reading blanked ones, the model forgets it
    metrics=(
        Metric(
            id="answer_gain",
            alias="D1",
            title="Answer gain: what the trace adds to the reference answer, nats per token",
            formula="(log p(a* | q, T) − log p(a* | q)) / A, A = tokens of the reference answer a*",
            reading="may be mostly answer copying: read it beside the gain with the answer blanked out; "
            "about 0 where the trace does not matter, or where the model knew the answer",
            lowest=None,
            highest=None,
            direction="up",
            grade="D",
            evidence="Describes a trace; no link to training results.",
        ),
        Metric(
            id="answer_gain_masked",
            alias="D5",
            title="Answer gain with the answer blanked out in the trace, nats per token",
            formula=f"D1 with every literal occurrence of a* in T replaced by {BLANK}; D1 where there is none",
            reading="what is left when the answer cannot be copied word for word; another spelling of it still leaks, "
            "and a short answer blanks out much else",
            lowest=None,
            highest=None,
            direction="none",
            grade="-",
            evidence="Ours; no published link to training outcomes.",
        ),
        Metric(
            id="infogain",
            alias="D2",
            title="InfoGain",
            formula="(PPL_0 − PPL_n) / n, PPL_i = exp(−(1/A) log p(a* | q, s_1..i)), n = steps of the reasoning; "
            "PPL_n stands behind a response, too",
            reading="only the first and the last perplexity count; falls with the number of steps, "
            "and a few improbable answers decide its mean",
            lowest=None,
            highest=None,
            direction="up",
            grade="D",
            evidence=INFOGAIN,
            statistic="median",
        ),
        Metric(
            id="answer_known",
            alias="D5k",
            title="The reference answer is probable without the trace",
            formula=f"1 if p(a* | q) > {KNOWN}",
            reading="such a record's gain says little: the model knew or guessed; chance is 1 / options where there "
            "are some",
            lowest=0.0,
            highest=1.0,
            direction="none",
            grade="-",
            evidence="Ours; no published link to training outcomes.",
            digits=1,
            unit="share",
        ),
    ),
    score=score,
    needs=("reference_lm",),
    settings=settings,
)

NAMES = tuple(metric.id for metric in FAMILY.metrics)
