"""Estimates that know what they rest on: shares, rates corrected for a judge's errors, means helped by its verdicts.

Pure numpy. Every estimate carries its 95% interval and its n; what cannot be estimated says why. Observations of one
cluster (the steps of a trace, the traces of a question) are never taken for independent ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hfscore.records import Unscored
from hfscore.stats import FEWEST_QUESTIONS, RESAMPLES, Interval

Z: Final = NormalDist().inv_cdf(0.975)

NOTHING: Final = Unscored("nothing to count")
TOO_FEW: Final = Unscored(f"fewer than {FEWEST_QUESTIONS} questions")
NO_BETTER: Final = Unscored("on labelled steps the judge is no better than chance")

Floats = NDArray[np.float64]
Clusters = Sequence[str]
Count = tuple[float, float]
Combine = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95% interval.

    Args:
        value: The estimate.
        low: Lower end of the interval.
        high: Upper end.
        n: Observations it rests on.
        effective: What they are worth as independent observations; 0 where that says nothing.
    """

    value: float
    low: float
    high: float
    n: int
    effective: float = 0.0

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.value, self.low, self.high, self.effective))):
            raise ValueError(f"an estimate must be finite, not {self}")

    @property
    def count(self) -> Count:
        """(hits, observations) of a share, in independent observations, as `corrected_rate` reads it."""
        return self.value * self.effective, self.effective


def wilson(hits: float, n: float) -> Interval:
    """Wilson's score interval (1927) of a proportion, `n` > 0; both may be effective numbers, hence fractions."""
    centre = (hits + Z * Z / 2) / (n + Z * Z)
    half = Z / (n + Z * Z) * math.sqrt(max(hits * (n - hits) / n, 0.0) + Z * Z / 4)
    # At 0 and at n the end is exactly there; rounding may not move it past the share.
    return max(min(centre - half, hits / n), 0.0), min(max(centre + half, hits / n), 1.0)


def share(hits: Sequence[bool], clusters: Clusters) -> Estimate | Unscored:
    """A share, with Wilson's interval at the effective sample size p(1 − p) / var(p).

    var(p) is the ratio estimator's between clusters (Korn and Graubard 1998; Franco et al. 2019 find Wilson's form
    good). Where all hits are equal the variance says nothing: each cluster then counts once.

    Args:
        hits: (n,) what was or was not hit.
        clusters: (n,) cluster ids.
    """
    if not len(hits):
        return NOTHING
    values = np.asarray(hits, dtype=np.float64)
    mean = float(values.mean())
    groups = len(set(clusters))
    variance = _cluster_variance(values - mean, clusters, groups) / len(values) ** 2
    effective = float(groups)
    if groups > 1 and 0 < mean < 1:
        independent = mean * (1 - mean) / (len(values) - 1)
        effective = len(values) * min(independent / max(variance, independent / len(values)), 1.0)
    return Estimate(mean, *wilson(mean * effective, effective), len(values), effective)


def of_two(combine: Combine, one: Estimate, other: Estimate, *, seed: int) -> Estimate:
    """A function of two independent shares; its interval from draws of both (Beta, Jeffreys' prior)."""
    rng = np.random.default_rng(seed)
    drawn = []
    for part in (one, other):
        hits, n = part.count
        drawn.append(rng.beta(hits + 0.5, n - hits + 0.5, 4 * RESAMPLES))
    value = float(combine(np.array([one.value]), np.array([other.value]))[0])
    low, high = np.quantile(combine(*drawn), [0.025, 0.975])
    # With no miss at all the share stands at the end of its draws: the interval goes that far.
    return Estimate(value, min(float(low), value), max(float(high), value), one.n + other.n)


def harmonic(one: Floats, other: Floats) -> Floats:
    """Harmonic mean, 0 where both are 0."""
    total = one + other
    return np.divide(2 * one * other, total, out=np.zeros_like(total), where=total > 0)


def average(one: Floats, other: Floats) -> Floats:
    """Arithmetic mean."""
    return (one + other) / 2


def corrected_rate(observed: Count, sensitivity: Count, specificity: Count) -> Estimate | Unscored:
    """A rate as it would be without the judge's errors (Rogan and Gladen 1978), truncated to [0, 1].

    The interval holds the uncertainty of all three counts: Lang and Reiczigel 2014, the form that arXiv 2511.21140
    recommends for judges. It assumes that the judge errs on this data as it did on the labelled steps.

    Args:
        observed: (steps said to have the property, steps judged).
        sensitivity: (of them said to have it, labelled steps that have it).
        specificity: (of them said to lack it, labelled steps that lack it).

    Returns:
        The estimate, or why there is none.
    """
    if not (observed[1] and sensitivity[1] and specificity[1]):
        return NOTHING
    (k, n), (k_se, n_se), (k_sp, n_sp) = observed, sensitivity, specificity
    youden = k_se / n_se + k_sp / n_sp - 1
    se, sp = (k_se + 1) / (n_se + 2), (k_sp + 1) / (n_sp + 2)
    if youden <= 0 or se + sp <= 1:
        return NO_BETTER
    rate = min(max((k / n + k_sp / n_sp - 1) / youden, 0.0), 1.0)
    said = (k + Z * Z / 2) / (n + Z * Z)
    centre = (said + sp - 1) / (se + sp - 1)
    of_se, of_sp = se * (1 - se) / (n_se + 2), sp * (1 - sp) / (n_sp + 2)
    variance = said * (1 - said) / (n + Z * Z) + centre**2 * of_se + (1 - centre) ** 2 * of_sp
    half = Z * math.sqrt(variance) / (se + sp - 1)
    centre += 2 * Z * Z * (centre * of_se - (1 - centre) * of_sp)
    return Estimate(rate, min(max(centre - half, 0.0), rate), max(min(centre + half, 1.0), rate), round(n))


def ppi_mean(
    labels: ArrayLike,
    predicted: ArrayLike,
    unlabelled: ArrayLike,
    *,
    clusters: tuple[Clusters, Clusters] | None = None,
    power: float | None = None,
    binary: bool = False,
) -> Estimate | Unscored:
    """Prediction-powered mean: unbiased whatever the predictions are worth, narrower the better they are.

    λ·mean(unlabelled) + mean(labels − λ·predicted), with the λ in [0, 1] that makes the variance least (PPI++, arXiv
    2311.01453, after arXiv 2301.09633). The labelled observations must be drawn at random from all.

    Args:
        labels: (n,) what people said.
        predicted: (n,) what the judge said of the same.
        unlabelled: (N,) what the judge said of all others; may be empty.
        clusters: Cluster ids, (n,) and (N,); None where every observation is independent.
        power: λ, where it is not to be tuned; 0 gives the mean of the labels.
        binary: All values are 0 or 1. The interval then counts half an observation more in each of the four cells of
            label and prediction (Agresti and Min 2005), so that it does not collapse where judge and people never
            differed, and stays in [0, 1].

    Returns:
        The estimate, n counting labels, or why there is none.
    """
    y, f, rest = (np.asarray(one, dtype=np.float64) for one in (labels, predicted, unlabelled))
    if len(y) < 2:
        return Unscored("fewer than two labels")
    if clusters and len(set(clusters[0])) < FEWEST_QUESTIONS:
        return TOO_FEW
    weight = _tuned(y, f, rest) if power is None else power
    if not len(rest):
        weight = 0.0
    shift = weight * float(rest.mean()) if len(rest) else 0.0
    value = shift + float((y - weight * f).mean())
    extra = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64) @ [1, -weight] if binary else np.empty(0)
    n = len(y) + len(extra) / 2
    centre = float((y - weight * f).sum() + extra.sum() / 2) / n
    own = np.concatenate(
        [(y - weight * f - centre) / n, weight * (rest - rest.mean()) / len(rest) if len(rest) else rest]
    )
    names = [*clusters[0], *clusters[1]] if clusters else [str(index) for index in range(len(own))]
    groups = len(set(names[: len(y)]))
    half = Z * math.sqrt(_cluster_variance(own, names, groups) + float(((extra - centre) ** 2).sum()) / 2 / n**2)
    low, high = shift + centre - half, shift + centre + half
    if binary:
        value, low, high = (min(max(one, 0.0), 1.0) for one in (value, low, high))
    return Estimate(value, min(low, value), max(high, value), len(y))


def _tuned(y: Floats, f: Floats, rest: Floats) -> float:
    """The λ of PPI++ for a mean: cov(y, f) / ((1 + n/N) var(f)), in [0, 1]."""
    everything = np.concatenate([f, rest])
    spread = float(everything.var(ddof=1))
    if not len(rest) or spread == 0:
        return 0.0
    best = float(np.cov(y, f)[0, 1]) / ((1 + len(y) / len(rest)) * spread)
    return min(max(best, 0.0), 1.0)


def totals(parts: Floats, clusters: Clusters) -> Floats:
    """(clusters, k) column sums of (n, k)."""
    ids, index = np.unique(np.asarray(clusters), return_inverse=True)
    totals = np.zeros((len(ids), parts.shape[1]))
    np.add.at(totals, index, parts)
    return totals


def _cluster_variance(deviations: Floats, clusters: Clusters, groups: int) -> float:
    """Variance of a sum of deviations that are dependent inside a cluster; `groups` clusters fix their mean."""
    sums = totals(deviations[:, None], clusters)
    return float((sums**2).sum()) * groups / max(groups - 1, 1)
