"""Contrasts: a trace against itself with its steps shuffled, and under another question (catalogue G2, G3).

Each takes further passes over the trace (seven in all), so that they are measured on a random draw: one trace of a
question, at most 64 in a part. All passes of a trace have one form, whatever the model's template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hfscore.damage.draws import generator
from hfscore.damage.order import shuffle_steps
from hfscore.ports import Passage, TokenScores, Tools
from hfscore.records import Reading, Trace, Unscored
from hfscore.spec import Family, Metric, Scores
from hfscore.text.steps import SPLITTER_VERSION, split_steps
from hfscore.tokens import AGENT, EMPTY, NO_QUESTION, Parts, columns, described, in_bulk, part, scored

DRAWN: Final = 64  # each is read seven times
SHUFFLES: Final = 5
FEWEST_STEPS: Final = 4

NOT_DRAWN = Unscored(f"not in the draw of {DRAWN} traces")
FEW_STEPS = Unscored(f"fewer than {FEWEST_STEPS} steps")
ALL_ALIKE = Unscored("all steps are the same")
NO_OTHER = Unscored("no other question to compare with")

Others = Mapping[str, str | None]  # id of a drawn trace -> another question, if there is one


def pool(traces: Sequence[Trace], tools: Tools) -> Others:
    """Draw one trace of a question, and for each the next question in the order of ids, which are hashes."""
    first: dict[str, Trace] = {}
    for trace in traces:
        if trace.reasoning.strip():
            kept = first.setdefault(trace.question_id, trace)
            first[trace.question_id] = min(kept, trace, key=lambda one: (one.row, one.index))
    drawn = list(first.values())[:DRAWN]
    asked = sorted((one for one in first.values() if (one.question or "").strip()), key=lambda one: one.question_id)
    following = {one.id: asked[place + 1 - len(asked)].question for place, one in enumerate(asked)}
    return {trace.id: following.get(trace.id) if len(asked) > 1 else None for trace in drawn}


def shuffles(trace: Trace) -> list[str] | Unscored:
    """The reasoning with its steps in other orders, which the trace's id alone decides."""
    if trace.turns:
        return AGENT
    if len(split_steps(trace.reasoning)) < FEWEST_STEPS:
        return FEW_STEPS
    found = [shuffle_steps(trace.reasoning, generator(trace.id, time)) for time in range(SHUFFLES)]
    return [one for one in found if one is not None] or ALL_ALIKE


def passages(trace: Trace, other: str | None) -> list[Passage]:
    """The trace as it is; under another question, if there is one; and in other orders, if it has any."""
    orders = shuffles(trace)
    texts = [] if isinstance(orders, Unscored) else orders
    elsewhere = [Passage(other, (trace.reasoning,))] if other is not None else []
    return [Passage(trace.question, (text,)) for text in (trace.reasoning, *texts)] + elsewhere


def measure(trace: Trace, other: str | None, found: Sequence[Parts]) -> Mapping[str, Reading] | Unscored:
    """Every metric of one trace, from what was found in its `passages`."""
    base, *rest = [part(one, 0) for one in found]
    if isinstance(base, Unscored):
        return base
    orders = shuffles(trace)
    number = 0 if isinstance(orders, Unscored) else len(orders)
    asked = bool((trace.question or "").strip())
    specific = NO_OTHER if other is None else excess(base, rest[number:])
    return {
        "order_sensitivity": orders if isinstance(orders, Unscored) else excess(base, rest[:number]),
        "trace_specificity": specific if asked else NO_QUESTION,
    }


def excess(base: TokenScores, others: Sequence[TokenScores | Unscored]) -> Reading:
    """Mean of what other readings of a trace cost more than its own, in nats per token of its own."""
    total = 0.0
    for one in others:
        if isinstance(one, Unscored):
            return one
        total += float(one.nll.sum(dtype="float64"))
    own = float(base.nll.sum(dtype="float64"))
    return scored((total / len(others) - own) / len(base.nll), base)


def score(traces: Sequence[Trace], tools: Tools, others: Others | None) -> Scores:
    """Read the drawn traces again and again."""
    drawn = {trace.id: (trace, (others or {})[trace.id]) for trace in traces if trace.id in (others or {})}
    bulk = in_bulk(tools.reference_lm(), (passages(*one) for one in drawn.values()))
    found = {name: measure(*one, read) for (name, one), read in zip(drawn.items(), bulk, strict=True)}
    return columns(NAMES, (found.get(trace.id, NOT_DRAWN) if trace.reasoning.strip() else EMPTY for trace in traces))


def settings(tools: Tools) -> Mapping[str, str]:
    """The model that was really loaded, and how much is drawn."""
    return {
        **described(tools.reference_lm(), "reference model"),
        "drawn": f"one trace of a question, at most {DRAWN} in a part",
        "shuffles": str(SHUFFLES),
        "step splitter": str(SPLITTER_VERSION),
    }


ORDER_EVIDENCE = (
    "Training on shuffled steps cost much accuracy in one study (arXiv 2502.07374, one 32B student); "
    "that this number tells good orders from bad is not shown."
)
SPECIFICITY_EVIDENCE = (
    "On mazes, small models trained on swapped traces did about as well (arXiv 2505.13775): "
    "read it, do not filter by it."
)

FAMILY = Family(
    id="contrast",
    title="Order and specificity",
    source="catalogue G2 and G3, after arXiv 2502.07374 (shuffled steps) and 2505.13775 (swapped traces)",
    version=1,
    rank=52,
    metrics=(
        Metric(
            id="order_sensitivity",
            alias="G2",
            title="Order sensitivity: what shuffling the steps costs, nats per token",
            formula=f"(NLL(T with steps shuffled | q) − NLL(T | q)) / N, mean of {SHUFFLES} shuffles",
            reading="about 0 where steps stand in any order, as in a list of facts; grows with the share of text that "
            "refers back",
            lowest=None,
            highest=None,
            direction="up",
            grade="B",
            evidence=ORDER_EVIDENCE,
        ),
        Metric(
            id="trace_specificity",
            alias="G3",
            title="Specificity: what another question costs the trace, nats per token",
            formula="(NLL(T | q') − NLL(T | q)) / N, q' = another question of the set",
            reading="about 0 where the trace could answer any question; rises when the trace quotes its question",
            lowest=None,
            highest=None,
            direction="up",
            grade="D",
            evidence=SPECIFICITY_EVIDENCE,
        ),
    ),
    score=score,
    needs=("reference_lm",),
    pool=pool,
    settings=settings,
)

NAMES = tuple(metric.id for metric in FAMILY.metrics)
