"""Perplexity: how well a reference model foretells a trace, given its question (catalogue B3).

Read over the reasoning and over the response where one is set apart, together. A trace's perplexity is exp of its mean
surprisal. It has a long tail, so a part is shown by its median, which is exp of the median surprisal; the mean of
perplexities is not the perplexity of anything. Bits per byte alone compare models with different tokenizers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hfscore.ports import RANK_LIMIT, Tools, TraceScores
from hfscore.records import Reading, Trace, Unscored
from hfscore.spec import Family, Metric, Scores
from hfscore.tokens import assistant, columns, described, mean, scored


def measure(trace: Trace, found: TraceScores | Unscored) -> Mapping[str, Reading] | Unscored:
    """Every metric of one trace."""
    tokens = assistant(trace, found)
    if isinstance(tokens, Unscored):
        return tokens
    surprisal = mean(tokens.nll)
    bits = surprisal * len(tokens.nll) / math.log(2)
    return {
        "perplexity": scored(math.exp(surprisal), tokens),
        "surprisal": scored(surprisal, tokens),
        "bits_per_byte": scored(bits / tokens.bytes, tokens),
        "clipped_rank": scored(mean(np.minimum(tokens.rank, RANK_LIMIT)), tokens),
    }


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Read the reference model's one pass over every trace."""
    found = tools.reference_lm().traces(traces)
    return columns(NAMES, map(measure, traces, found))


def settings(tools: Tools) -> Mapping[str, str]:
    """The model that was really loaded."""
    return described(tools.reference_lm(), "reference model")


EVIDENCE = (
    "Under students of 3B to 14B its rank correlation with post-training scores was −0.51 over 11 teachers and +0.15 "
    "without the three shortest (re-analysis of arXiv 2601.14249); under a reference model nothing is known."
)
READING = "tells the model's family and language as much as the data; compare under one model only"

FAMILY = Family(
    id="perplexity",
    title="Perplexity",
    source="arXiv 2605.13290 (perplexity; model and conditioning not published), catalogue B3",
    version=1,
    rank=60,
    metrics=(
        Metric(
            id="perplexity",
            alias="B3",
            title="Perplexity",
            formula="exp(−(1/N) Σ log p(t_k | q, t_<k)) over the N tokens of reasoning and response",
            reading=READING,
            lowest=1.0,
            highest=None,
            direction="contested",
            grade="X",
            evidence=EVIDENCE,
            statistic="median",
        ),
        Metric(
            id="surprisal",
            alias="B3s",
            title="Surprisal, nats per token",
            formula="−(1/N) Σ log p(t_k | q, t_<k)",
            reading=READING,
            lowest=0.0,
            highest=None,
            direction="contested",
            grade="X",
            evidence=EVIDENCE,
        ),
        Metric(
            id="bits_per_byte",
            alias="B3b",
            title="Bits per byte",
            formula="Σ −log2 p(t_k | q, t_<k) / UTF-8 bytes of reasoning and response",
            reading="comparable between models with different tokenizers, not between languages or alphabets",
            lowest=0.0,
            highest=None,
            direction="contested",
            grade="X",
            evidence=EVIDENCE,
        ),
        Metric(
            id="clipped_rank",
            alias="B3r",
            title="Rank of a token, clipped at 100",
            formula="(1/N) Σ min(rank_k, 100), rank = 1 + number of tokens that are more probable",
            reading=READING,
            lowest=1.0,
            highest=float(RANK_LIMIT),
            direction="none",
            grade="-",
            evidence="Studied under the student that is trained, not under a reference model.",
        ),
    ),
    score=score,
    needs=("reference_lm",),
    settings=settings,
)

NAMES = tuple(metric.id for metric in FAMILY.metrics)
