"""Forking tokens: where in the reasoning a reference model is undecided (catalogue C1 to C5, C8).

Entropy is that of the full vocabulary before the token is seen. A fork is a token above a frozen threshold. Choosing
the threshold by a quantile of the same text would make the share of forks that quantile whatever the text, so it
cannot be chosen here. The threshold is the 80th percentile that arXiv 2506.01939 printed for Qwen3-8B on text of its
own at temperature 1; a written trace, read by another model, is another thing, and need not come near 20%.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hfscore.ports import TokenScores, Tools, TraceScores
from hfscore.records import Reading, Trace, Unscored
from hfscore.spec import Family, Metric, Scores
from hfscore.text.steps import SPLITTER_VERSION
from hfscore.tokens import AGENT, columns, described, mean, onsets, reasoning, scored

FORK: Final = 0.672  # nats; arXiv 2506.01939
DECIDED: Final = 0.01  # nats; the same paper finds half of all tokens below
FIFTH: Final = 5  # one in so many tokens is early

NO_FORK = Unscored("no fork")
ONE_STEP = Unscored("fewer than two steps")
ONLY_ONSETS = Unscored("every token begins a step")


def fork_rate(entropy: NDArray[np.float32], threshold: float = FORK) -> float:
    """Share of tokens whose entropy is above a threshold that does not depend on them."""
    return mean(entropy > threshold)


def step_onset(tokens: TokenScores, trace: Trace) -> Reading:
    """Mean entropy at the first token of steps, above that elsewhere."""
    if trace.turns:
        return AGENT
    first = onsets(tokens, trace.reasoning)
    if first.sum() < 2:
        return ONE_STEP
    if first.all():
        return ONLY_ONSETS
    return scored(mean(tokens.entropy[first]) - mean(tokens.entropy[~first]), tokens)


def measure(trace: Trace, found: TraceScores | Unscored) -> Mapping[str, Reading] | Unscored:
    """Every metric of one trace."""
    tokens = reasoning(trace, found)
    if isinstance(tokens, Unscored):
        return tokens
    forks = tokens.entropy > FORK
    early = FIFTH * np.arange(len(forks)) < len(forks)
    p50, p80, p95 = np.quantile(tokens.entropy, [0.5, 0.8, 0.95])
    return {
        "fork_rate": scored(fork_rate(tokens.entropy), tokens),
        "early_forks": scored(mean(early[forks]), tokens) if forks.any() else NO_FORK,
        "fork_surprisal": scored(mean(tokens.nll[forks]), tokens) if forks.any() else NO_FORK,
        "step_onset_entropy": step_onset(tokens, trace),
        "entropy": scored(mean(tokens.entropy), tokens),
        "entropy_p50": scored(p50, tokens),
        "entropy_p80": scored(p80, tokens),
        "entropy_p95": scored(p95, tokens),
        "decided_share": scored(mean(tokens.entropy < DECIDED), tokens),
    }


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Read the reference model's one pass over every trace."""
    found = tools.reference_lm().traces(traces)
    return columns(NAMES, map(measure, traces, found))


def settings(tools: Tools) -> Mapping[str, str]:
    """The model that was really loaded, and the frozen thresholds."""
    return {
        **described(tools.reference_lm(), "reference model"),
        "fork": f"entropy above {FORK} nats (80th percentile of Qwen3-8B on its own text, arXiv 2506.01939)",
        "decided": f"entropy below {DECIDED} nats",
        "step splitter": str(SPLITTER_VERSION),
    }


RLVR = "Published gains are for reinforcement learning on self-generated text; no link to supervised training."
EARLY_EVIDENCE = "One study finds disagreement of a base and a reasoning model early in a trace; no link to training."
ONSET_EVIDENCE = "One study finds the first tokens of steps improbable (arXiv 2604.06834); no link of this to training."
ENTROPY_EVIDENCE = (
    "In one study, under the student, its rank correlation with post-training scores was 0.495 in size (11 teachers); "
    "under a reference model nothing is known."
)
MODEL = "depends on the model, its tokenizer and the domain: compare under one model only"


def _entropy(name: str, alias: str, title: str, formula: str) -> Metric:
    return Metric(name, alias, title, formula, MODEL, 0.0, None, "none", "D", RLVR)


FAMILY = Family(
    id="forking",
    title="Forking tokens",
    source="arXiv 2506.01939 (forking tokens), catalogue C1 to C5 and C8",
    version=1,
    rank=61,
    metrics=(
        Metric(
            id="fork_rate",
            alias="C1",
            title="Forks: tokens at which the model is undecided",
            formula=f"share of reasoning tokens with entropy above {FORK} nats, a frozen threshold",
            reading="the threshold belongs to Qwen3-8B on its own text, where it marks 20%; " + MODEL,
            lowest=0.0,
            highest=1.0,
            direction="none",
            grade="D",
            evidence=RLVR,
            digits=1,
            unit="share",
        ),
        Metric(
            id="early_forks",
            alias="C3",
            title="Forks in the first fifth",
            formula="forks among the first 20% of tokens / all forks",
            reading="0.2 if forks are spread evenly; rises with boilerplate at the beginning",
            lowest=0.0,
            highest=1.0,
            direction="none",
            grade="D",
            evidence=EARLY_EVIDENCE,
            digits=1,
            unit="share",
        ),
        Metric(
            id="fork_surprisal",
            alias="C5",
            title="Surprisal at forks, nats",
            formula="mean −log p(t_k | q, t_<k) over forks",
            reading="how unlikely the branches taken are; " + MODEL,
            lowest=0.0,
            highest=None,
            direction="none",
            grade="-",
            evidence="Ours; no published link to training outcomes.",
        ),
        Metric(
            id="step_onset_entropy",
            alias="C4",
            title="Entropy at the first token of steps, nats above the rest",
            formula="mean entropy at the tokens that begin a step − mean entropy elsewhere",
            reading="usually above 0; depends on how steps are cut",
            lowest=None,
            highest=None,
            direction="none",
            grade="D",
            evidence=ONSET_EVIDENCE,
        ),
        Metric(
            id="entropy",
            alias="C8",
            title="Entropy, nats per token",
            formula="mean over reasoning tokens of −Σ_v p(v) log p(v), full vocabulary",
            reading=MODEL,
            lowest=0.0,
            highest=None,
            direction="none",
            grade="D",
            evidence=ENTROPY_EVIDENCE,
        ),
        _entropy("entropy_p50", "C2a", "Entropy, median token", "50th percentile over a trace's tokens, nats"),
        _entropy("entropy_p80", "C2b", "Entropy, 80th percentile", "80th percentile over a trace's tokens, nats"),
        _entropy("entropy_p95", "C2c", "Entropy, 95th percentile", "95th percentile over a trace's tokens, nats"),
        Metric(
            id="decided_share",
            alias="C2d",
            title="Tokens at which the model is decided",
            formula=f"share of reasoning tokens with entropy below {DECIDED} nats",
            reading="50.6% for Qwen3-8B on its own text; " + MODEL,
            lowest=0.0,
            highest=1.0,
            direction="none",
            grade="D",
            evidence=RLVR,
            digits=1,
            unit="share",
        ),
    ),
    score=score,
    needs=("reference_lm",),
    settings=settings,
)

NAMES = tuple(metric.id for metric in FAMILY.metrics)
