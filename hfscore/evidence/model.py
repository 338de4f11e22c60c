"""What a fit found, as values that can be written as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["descriptive only", "exploratory", "tested"]
Declared = Literal["up", "down", "two-sided"]
Verdict = Literal[
    "described",
    "no association shown",
    "sign not stable",
    "length-driven",
    "not told apart from length",
    "length not compared",
    "supported",
]
Part = tuple[float, float]

FEWEST = 5  # variants; below, no p value
TESTED = 8  # variants; below, exploratory
NOMINAL = 0.05


@dataclass(frozen=True, slots=True)
class OnModel:
    """A metric and the outcomes of one model.

    Args:
        metric: Metric id.
        model: Model id.
        n: Variants that have both.
        tau: Kendall's tau-b, or None where either is constant.
        rho: Spearman's rho, or None.
        p: Permutation p of tau; None below five variants.
        p_adjusted: The same, family-wise over all metrics and models.
        p_rho: Permutation p of rho, not adjusted.
        given_length: Partial Spearman on the length metric; None below eight variants or without one.
        given_tokens: Partial Spearman on tokens trained on, likewise.
        signs: (benchmark, tau-b) of every benchmark.
    """

    metric: str
    model: str
    n: int
    tau: float | None
    rho: float | None
    p: float | None = None
    p_adjusted: float | None = None
    p_rho: float | None = None
    given_length: float | None = None
    given_tokens: float | None = None
    signs: tuple[tuple[str, float | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Jackknife:
    """Mean tau-b with one variant, or one family of variants, left out at a time.

    Args:
        low: Smallest.
        high: Largest.
        keeps_sign: Whether none is 0 or on the other side.
        turned_by: What was left out where the sign did not survive.
    """

    low: float
    high: float
    keeps_sign: bool
    turned_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pooled:
    """Own and published evidence side by side, Fisher's z of Spearman's rho.

    Args:
        own: (rho, weight): the sum over models of max(n − 3, 0) / models.
        published: (rho, weight).
        source: Where the published part stands.
        conflict: Whether the signs are opposite; then nothing is pooled.
        rho: Weighted mean, or None.
        low: End of the 95% interval, z ± 1.96 / sqrt(weight); None below five variants.
        high: The other end.
    """

    own: Part
    published: Part
    source: str
    conflict: bool
    rho: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """rho against the logarithm of a model's size, with an intercept for each family of models.

    Args:
        slope: Change of rho per doubling of the parameters.
        low: End of the 95% interval, Student's t; None where no degree of freedom is left.
        high: The other end.
        freedom: Degrees of freedom.
    """

    slope: float
    low: float | None
    high: float | None
    freedom: int


@dataclass(frozen=True, slots=True)
class Without:
    """The same metric without the variants that were asked to be left out.

    Args:
        n: Fewest variants on a model.
        tau: Mean tau-b.
        rho: Mean rho.
        p_adjusted: As of `OnMetric`, over what is left.
        vanishes: Whether rho turns its sign or less than half of it is left.
    """

    n: int
    tau: float | None
    rho: float | None
    p_adjusted: float | None
    vanishes: bool


@dataclass(frozen=True, slots=True)
class OnMetric:
    """A metric over all models it pairs with.

    Args:
        metric: Metric id.
        declared: Direction declared before the data were read, or "two-sided".
        n: Fewest variants on a model.
        models: Models it pairs with.
        tau: Mean tau-b over models, or None where it is defined for none.
        rho: Mean rho.
        verdict: What may be said.
        why: The verdict in words.
        p: Permutation p of the mean tau; None below five variants.
        p_adjusted: The same, family-wise over all metrics.
        p_rho: Permutation p of the mean rho, not adjusted.
        by_variant: One variant left out at a time.
        by_family: One family of variants left out at a time; None with fewer than two families.
        given_length: Mean partial Spearman on the length metric.
        given_tokens: Mean partial Spearman on tokens trained on.
        with_length: Mean tau-b of the metric with length.
        beats_length: p of the hypothesis that it orders outcomes no more closely than length does.
        pooled: With published evidence.
        trend: Over sizes of models, from four sizes in two families.
        without: Without the variants that were left out on request.
    """

    metric: str
    declared: Declared
    n: int
    models: int
    tau: float | None
    rho: float | None
    verdict: Verdict = "described"
    why: str = ""
    p: float | None = None
    p_adjusted: float | None = None
    p_rho: float | None = None
    by_variant: Jackknife | None = None
    by_family: Jackknife | None = None
    given_length: float | None = None
    given_tokens: float | None = None
    with_length: float | None = None
    beats_length: float | None = None
    pooled: Pooled | None = None
    trend: Trend | None = None
    without: Without | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A variant that was damaged on purpose, or a random subset: shown beside the candidates, never correlated.

    Args:
        variant: Variant id.
        role: "control" or "null".
        what: A metric, or a model's benchmark.
        value: Its value.
        below: Candidates below it.
        above: Candidates above it.
    """

    variant: str
    role: str
    what: str
    value: float
    below: int
    above: int


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the outcomes.

    Args:
        id: Model id.
        size_b: Parameters in billions, or None.
        family: Family, or empty.
        n: Candidates it was trained on.
        benchmarks: Benchmarks used.
        seeds: Fewest seeds of any variant and benchmark.
    """

    id: str
    size_b: float | None
    family: str
    n: int
    benchmarks: tuple[str, ...]
    seeds: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """How metrics of training sets went with what became of models trained on them.

    Args:
        level: "descriptive only" below five variants, "exploratory" to seven, "tested" from eight.
        variants: Candidates.
        models: Models.
        metrics: Metrics, in the order of the scores.
        pairs: Every metric on every model.
        controls: Controls and nulls.
        length_metric: The length baseline, or empty.
        left_out: Variants left out in `OnMetric.without`.
        scale: How outcomes of several benchmarks were averaged: "ranks" or "z".
        exact: Whether all permutations were taken.
        permutations: How many.
        seed: Seed of the draws.
        languages: Languages of the scores.
        missing: What took no part, by reason.
        notes: What a reader should know, whole sentences.
        advice: On the design of such a study, whole sentences.
    """

    level: Level
    variants: tuple[str, ...]
    models: tuple[Model, ...]
    metrics: tuple[OnMetric, ...]
    pairs: tuple[OnModel, ...]
    controls: tuple[Control, ...]
    length_metric: str
    left_out: tuple[str, ...]
    scale: str
    exact: bool
    permutations: int
    seed: int
    languages: tuple[str, ...]
    missing: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]
    advice: tuple[str, ...]
    schema: int = 1
