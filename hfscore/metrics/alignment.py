"""Semantic alignment: is a trace about its own question, and does it arrive at the answer?

arXiv 2605.13290 does not print its pairing or its encoder, so the pairings here carry names and are never merged
(catalogue B1). A trace's vector is the token-weighted mean over chunks that cover it whole: cutting at the
encoder's limit would score the opening of a long trace only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hfscore.ports import Tools, Vectors
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Family, Metric, Scores

EMPTY = Unscored("empty trace")
NO_QUESTION = Unscored("no question")
NO_REFERENCE = Unscored("no reference answer")
OWN = Unscored("the reference is read from the record's own answer")
NO_RESPONSE = Unscored("no response apart from the trace")
NO_OTHERS = Unscored("no other question to compare with")


@dataclass(frozen=True, slots=True)
class Others:
    """Traces of the reference draw, summed: enough for a mean over all questions but one.

    Args:
        total: (d,) sum of the unit vectors of all n traces.
        count: n.
        by_question: question id -> (sum of its traces' vectors, their number).
    """

    total: Vectors
    count: int
    by_question: Mapping[str, tuple[Vectors, int]]


def pool(traces: Sequence[Trace], tools: Tools) -> Others | None:
    """Embed the reference draw; None if there is nothing to embed."""
    usable = [trace for trace in traces if trace.reasoning.strip()]
    if not usable:
        return None
    vectors = tools.embedder().embed([trace.reasoning for trace in usable])
    sums: dict[str, tuple[Vectors, int]] = {}
    for trace, vector in zip(usable, vectors, strict=True):
        before, count = sums.get(trace.question_id, (np.zeros_like(vector), 0))
        sums[trace.question_id] = (before + vector, count + 1)
    return Others(vectors.sum(axis=0), len(usable), sums)


def margin(question: Vectors, trace: Vectors, question_id: str, others: Others | None) -> Reading:
    """cos(q, T) less the mean cosine between q and the traces of other questions.

    Args:
        question: (d,) unit vector.
        trace: (d,) unit vector.
        question_id: Whose traces to leave out of the mean.
        others: The reference draw.
    """
    if others is None:
        return NO_OTHERS
    own, own_count = others.by_question.get(question_id, (np.zeros_like(others.total), 0))
    if others.count == own_count:
        return NO_OTHERS
    mean_other = question @ (others.total - own) / (others.count - own_count)
    return Scored(float(question @ trace - mean_other))


def _similarity(first: Vectors | None, second: Vectors | None, missing: Unscored) -> Reading:
    return missing if first is None or second is None else Scored(float(first @ second))


def score(traces: Sequence[Trace], tools: Tools, others: Others | None) -> Scores:
    """Embed every distinct text of the batch once, then take cosines."""
    texts = {
        text
        for trace in traces
        for text in (trace.question, trace.reasoning, trace.response, trace.reference)
        if text and text.strip()
    }
    ordered = sorted(texts)
    vectors: dict[str | None, Vectors] = {}
    if ordered:
        vectors.update(zip(ordered, tools.embedder().embed(ordered), strict=True))

    results: dict[str, list[Reading]] = {metric.id: [] for metric in FAMILY.metrics}
    for trace in traces:
        own = vectors.get(trace.reasoning)
        question = vectors.get(trace.question)
        response = vectors.get(trace.response) if trace.response != trace.reasoning and not trace.own_response else None
        reference = vectors.get(trace.reference) if not trace.own_reference else None
        if own is None:
            for readings in results.values():
                readings.append(EMPTY)
            continue
        results["alignment_margin"].append(
            NO_QUESTION if question is None else margin(question, own, trace.question_id, others)
        )
        results["alignment_question_trace"].append(_similarity(question, own, NO_QUESTION))
        results["alignment_trace_answer"].append(
            _similarity(own, reference, OWN if trace.own_reference else NO_REFERENCE)
        )
        results["alignment_trace_response"].append(_similarity(own, response, NO_RESPONSE))
    return results


def settings(tools: Tools) -> Mapping[str, str]:
    """The encoder that was really loaded."""
    name = tools.embedder().name
    return {"encoder": name.id, "encoder revision": name.revision or "unknown"}


EVIDENCE = (
    "One small study (Polish, four variants, one model per size) counts higher alignment as good for an 8B model; "
    "the pairing it used is not published."
)

FAMILY = Family(
    id="alignment",
    title="Alignment",
    source="arXiv 2605.13290 (Semantic Alignment; pairing not published), catalogue B1",
    version=1,
    rank=30,
    metrics=(
        Metric(
            id="alignment_margin",
            alias="B1",
            title="Alignment: similarity to its own question, above that to others",
            formula="cos(E(q), E(T)) − mean of cos(E(q), E(T')) over traces T' of other questions",
            reading="about 0 means that the trace could belong to any question of this set; "
            "depends on how alike the questions are",
            lowest=-2.0,
            highest=2.0,
            direction="up",
            grade="C",
            evidence=EVIDENCE,
            headline=True,
        ),
        Metric(
            id="alignment_question_trace",
            alias="B1qt",
            title="Alignment, question and trace",
            formula="cos(E(q), E(T))",
            reading="rises when a trace quotes its question; compare within one encoder only",
            lowest=-1.0,
            highest=1.0,
            direction="up",
            grade="C",
            evidence=EVIDENCE,
        ),
        Metric(
            id="alignment_trace_answer",
            alias="B1ta",
            title="Alignment, trace and reference answer",
            formula="cos(E(T), E(a*)), a* = the reference answer",
            reading="low by nature where the reference is a bare number or letter; compare within one encoder only",
            lowest=-1.0,
            highest=1.0,
            direction="none",
            grade="-",
            evidence="No published link between this pairing and training outcomes.",
        ),
        Metric(
            id="alignment_trace_response",
            alias="B1tr",
            title="Alignment, trace and response",
            formula="cos(E(T), E(r)), r = the response set apart from the trace",
            reading="whether the trace and what follows it are about the same thing; compare within one encoder only",
            lowest=-1.0,
            highest=1.0,
            direction="none",
            grade="-",
            evidence="No published link between this pairing and training outcomes.",
        ),
    ),
    score=score,
    needs=("embedder",),
    pool=pool,
    settings=settings,
)
