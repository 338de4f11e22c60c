"""Student fit: how the student that is to be trained reads a trace before training (catalogue E1, E3, E4, E6, E11).

Read over reasoning and response, as the student would be trained on them; one pass. The rank-surprisal ratio (RSR,
arXiv 2601.14249) of a set is the mean of its traces' mean ranks over the mean of their mean surprisals: a ratio of
means, given as a fact, and not the mean of the traces' ratios, which are the metric. Lower is better.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hfscore.ports import RANK_LIMIT, TokenScores, Tools, TraceScores
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Fact, Family, Fold, Metric, Scores, named
from hfscore.stats import ratio_of_means
from hfscore.text.steps import SPLITTER_VERSION
from hfscore.tokens import AGENT, assistant, columns, described, mean, onsets, scored

EARLY: Final = 100  # tokens; arXiv 2606.26797
SEED: Final = 0

NO_SURPRISAL = Unscored("undefined: no surprisal")
ONLY_ONSETS = Unscored("every token begins a step")
SHORT = f"shorter than {EARLY} tokens"


def clipped(ranks: NDArray[np.int32]) -> NDArray[np.int32]:
    """Ranks, at most `RANK_LIMIT`."""
    return np.minimum(ranks, RANK_LIMIT)


def rank_surprisal_ratio(tokens: TokenScores) -> Reading:
    """Σ min(rank, 100) / Σ surprisal of one trace (arXiv 2601.14249)."""
    surprisal = float(tokens.nll.sum(dtype=np.float64))
    ranks = int(clipped(tokens.rank).sum(dtype=np.int64))
    return scored(ranks / surprisal, tokens) if surprisal > 0 else NO_SURPRISAL


def without_onsets(trace: Trace, found: TraceScores, tokens: TokenScores) -> Reading:
    """Mean surprisal without the first token of every step of reasoning and response."""
    if trace.turns:
        return AGENT
    first = onsets(found.reasoning, trace.reasoning)
    if found.response is not None:
        first = np.concatenate([first, onsets(found.response, trace.response or "")])
    return scored(mean(tokens.nll[~first]), tokens) if not first.all() else ONLY_ONSETS


def measure(trace: Trace, found: TraceScores | Unscored) -> Mapping[str, Reading] | Unscored:
    """Every metric of one trace."""
    if isinstance(found, Unscored):
        return found
    tokens = assistant(trace, found)
    if isinstance(tokens, Unscored):
        return tokens
    early = found.reasoning.nll[:EARLY]
    return {
        "rsr": rank_surprisal_ratio(tokens),
        "student_surprisal": scored(mean(tokens.nll), tokens),
        "student_rank": scored(mean(clipped(tokens.rank)), tokens),
        "student_drop": without_onsets(trace, found, tokens),
        "student_early_loss": Scored(mean(early), SHORT if len(early) < EARLY else None),
    }


@dataclass(slots=True)
class Means:
    """Of every trace read so far: 24 bytes a trace.

    Args:
        ranks: Mean clipped ranks.
        surprisals: Mean surprisals, nats.
        questions: Question ids.
    """

    ranks: array[float] = field(default_factory=lambda: array("d"))
    surprisals: array[float] = field(default_factory=lambda: array("d"))
    questions: array[int] = field(default_factory=lambda: array("Q"))


def add(state: Means, traces: Sequence[Trace], scores: Scores) -> None:
    """Gather what the ratio of the set is made of."""
    for trace, rank, surprisal in zip(
        traces, scores.get("student_rank", ()), scores.get("student_surprisal", ()), strict=False
    ):
        if isinstance(rank, Scored) and isinstance(surprisal, Scored):
            state.ranks.append(rank.value)
            state.surprisals.append(surprisal.value)
            state.questions.append(int(trace.question_id, 16))


def finish(state: Means) -> list[Fact]:
    """The rank-surprisal ratio of the set, with its interval."""
    of = len(state.ranks)
    if not of:
        return [Fact("rsr_of_set", TITLE, None, "", 0, "Not measured: the student read no trace.")]
    ranks, surprisals = (np.frombuffer(kept, dtype=np.float64) for kept in (state.ranks, state.surprisals))
    found = ratio_of_means(ranks, surprisals, np.frombuffer(state.questions, dtype=np.uint64), seed=SEED)
    if found is None:
        return [Fact("rsr_of_set", TITLE, None, "", of, "Undefined: no surprisal.")]
    ratio, interval = found
    note = (
        f"Mean of mean ranks ({ranks.mean():.2f}) over mean of mean surprisals ({surprisals.mean():.2f} nats). Lower "
        "went with better training results in one study of maths traces; compare sets under one student only."
    )
    low, high = interval or (None, None)
    return [Fact("rsr_of_set", TITLE, ratio, "", of, note, low=low, high=high)]


def score(index: int, traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Read traces under student `index`."""
    found = tools.student_lms()[index].traces(traces)
    return columns(NAMES, map(measure, traces, found))


def settings(index: int, tools: Tools) -> Mapping[str, str]:
    """The models that were really loaded, and what else decides the numbers."""
    return {
        **described(tools.student_lms()[index], "student"),
        "step splitter": str(SPLITTER_VERSION),
    }


TITLE = "Rank-surprisal ratio of the set"
RSR_EVIDENCE = (
    "In one study of maths distillation the set's ratio had a rank correlation of −0.85 with post-training scores (11 "
    "teachers, five students of 3B to 14B), −0.71 without the three shortest (re-analysis of arXiv 2601.14249); a "
    "preliminary study of agents agrees in part."
)
SURPRISAL_EVIDENCE = (
    "Rank correlation with post-training scores −0.51 over 11 teachers, +0.15 without the three shortest "
    "(re-analysis of arXiv 2601.14249)."
)
RANK_EVIDENCE = (
    "Rank correlation with post-training scores −0.57 over 11 teachers, −0.02 without the three shortest "
    "(re-analysis of arXiv 2601.14249)."
)
DROP_EVIDENCE = "One study selects traces by it with better training results, without seeds or intervals (2604.06834)."
EARLY_EVIDENCE = "One study predicts results from it (arXiv 2606.26797), at a perturbed checkpoint, which this is not."
FAMILIAR = "low for text of the student's own family; its tokenizer and the length of steps count too"

METRICS: Final = (
    Metric(
        id="rsr",
        alias="E6",
        title="Rank-surprisal ratio, per trace",
        formula="Σ min(rank_k, 100) / Σ −log p(t_k | q, t_<k) over reasoning and response, under the student",
        reading="the evidence is for the ratio of a whole set, which is not the mean of these; seen in maths only, "
        "and on agents it goes with length",
        lowest=0.0,
        highest=None,
        direction="down",
        grade="B",
        evidence=RSR_EVIDENCE,
        headline=True,
        statistic="median",
    ),
    Metric(
        id="student_surprisal",
        alias="E1",
        title="Surprisal under the student, nats per token",
        formula="−(1/N) Σ log p(t_k | q, t_<k) over reasoning and response",
        reading="neither low nor high is good as such; " + FAMILIAR,
        lowest=0.0,
        highest=None,
        direction="contested",
        grade="X",
        evidence=SURPRISAL_EVIDENCE,
    ),
    Metric(
        id="student_rank",
        alias="E3",
        title="Rank under the student, clipped at 100",
        formula="(1/N) Σ min(rank_k, 100), rank = 1 + number of tokens with a larger logit",
        reading=FAMILIAR,
        lowest=1.0,
        highest=float(RANK_LIMIT),
        direction="down",
        grade="C",
        evidence=RANK_EVIDENCE,
    ),
    Metric(
        id="student_drop",
        alias="E4",
        title="Surprisal under the student without the first token of steps, nats per token",
        formula="−mean log p(t_k | q, t_<k) over the tokens that do not begin a step",
        reading="takes out that short steps have more first tokens, which are improbable; depends on how steps are cut",
        lowest=0.0,
        highest=None,
        direction="down",
        grade="C",
        evidence=DROP_EVIDENCE,
    ),
    Metric(
        id="student_early_loss",
        alias="E11",
        title="Surprisal under the student of the first 100 tokens",
        formula=f"−mean log p(t_k | q, t_<k) over the first {EARLY} tokens of the reasoning",
        reading="mostly the preamble",
        lowest=0.0,
        highest=None,
        direction="none",
        grade="C",
        evidence=EARLY_EVIDENCE,
    ),
)
NAMES: Final = tuple(metric.id for metric in METRICS)


def _family(index: int) -> Family:
    return Family(
        id="student_fit",
        title="Student fit",
        source="arXiv 2601.14249 (rank-surprisal ratio), 2604.06834 (first tokens of steps), catalogue E",
        version=1,
        rank=15,
        metrics=METRICS,
        score=partial(score, index),
        needs=("student_lms",),
        fold=Fold(start=lambda tools: Means(), add=add, finish=finish),
        settings=partial(settings, index),
        for_student=for_student,
    )


def for_student(index: int, name: str) -> Family:
    """The family for one of several students, `index` of `tools.student_lms()`."""
    return named(_family(index), name)


FAMILY = _family(0)
