"""How well verdicts agree with each other, and probabilities with outcomes; intervals by a bootstrap over clusters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from hfscore.judge.estimates import NOTHING, TOO_FEW, Clusters, Estimate, Floats, share, totals
from hfscore.records import Unscored
from hfscore.stats import FEWEST_QUESTIONS, RESAMPLES

BINS: Final = 10
MOST_UNDEFINED: Final = 0.05
"""Share of bootstrap draws that may leave a kappa undefined before its interval is."""


def cohen_kappa(one: Sequence[bool], other: Sequence[bool], clusters: Clusters, *, seed: int) -> Estimate | Unscored:
    """Cohen's kappa (1960) of two raters' yes and no; 95% percentile bootstrap over clusters.

    Args:
        one: (n,) one rater.
        other: (n,) the other.
        clusters: (n,) cluster ids.
        seed: Seed of the draws.

    Returns:
        The estimate, or why there is none: kappa is 0/0 where both gave everything one and the same label.
    """
    if not len(one):
        return NOTHING
    cell = 2 * np.asarray(one, dtype=np.intp) + np.asarray(other, dtype=np.intp)
    tables = totals(np.eye(4)[cell], clusters)
    value = float(_kappa(tables.sum(axis=0)[None])[0])
    if math.isnan(value):
        return Unscored("kappa is undefined: both gave every step the same label")
    if len(tables) < FEWEST_QUESTIONS:
        return TOO_FEW
    drawn = _kappa(_resampled(tables, seed))
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < (1 - MOST_UNDEFINED) * len(drawn):
        return Unscored("kappa is undefined in too many resamples: one label is too rare")
    low, high = np.quantile(defined, [0.025, 0.975])
    return Estimate(value, min(float(low), value), max(float(high), value), len(one))


def _kappa(tables: Floats) -> Floats:
    """(m,) kappas of (m, 4) tables no-no, no-yes, yes-no, yes-yes; NaN where undefined, for the caller to drop."""
    n = tables.sum(axis=1)
    agreed = (tables[:, 0] + tables[:, 3]) / n
    one, other = (tables[:, 2] + tables[:, 3]) / n, (tables[:, 1] + tables[:, 3]) / n
    chance = one * other + (1 - one) * (1 - other)
    kappas: Floats = np.divide(agreed - chance, 1 - chance, out=np.full(len(n), np.nan), where=chance < 1 - 1e-12)
    return kappas


def flip_rate(one: Sequence[bool], other: Sequence[bool], clusters: Clusters) -> Estimate | Unscored:
    """Share of verdicts that came out differently the second time."""
    return share([first != second for first, second in zip(one, other, strict=True)], clusters)


def brier(probabilities: ArrayLike, outcomes: ArrayLike, clusters: Clusters, *, seed: int) -> Estimate | Unscored:
    """Brier score (1950), mean of (p − outcome)²; 0 is best. Bootstrap over clusters."""
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
    parts = np.column_stack([(p - y) ** 2, np.ones_like(p)])
    return _bootstrapped(parts, clusters, lambda sums: sums[:, 0] / sums[:, 1], seed=seed)


def calibration_error(
    probabilities: ArrayLike, outcomes: ArrayLike, clusters: Clusters, *, seed: int
) -> Estimate | Unscored:
    """Expected calibration error over ten equal bins of p (Naeini et al. 2015); 0 is best. Bootstrap over clusters.

    Few observations in a bin make it larger than it is, and the interval with it.
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
    parts = np.zeros((len(p), BINS + 1))
    parts[np.arange(len(p)), np.minimum((p * BINS).astype(np.intp), BINS - 1)] = p - y
    parts[:, BINS] = 1
    return _bootstrapped(parts, clusters, lambda sums: np.abs(sums[:, :BINS]).sum(axis=1) / sums[:, BINS], seed=seed)


def _bootstrapped(
    parts: Floats, clusters: Clusters, statistic: Callable[[Floats], Floats], *, seed: int
) -> Estimate | Unscored:
    """A statistic of (m, k) column sums, with its percentile interval."""
    if not len(parts):
        return NOTHING
    sums = totals(parts, clusters)
    if len(sums) < FEWEST_QUESTIONS:
        return TOO_FEW
    value = float(statistic(sums.sum(axis=0)[None])[0])
    low, high = np.quantile(statistic(_resampled(sums, seed)), [0.025, 0.975])
    return Estimate(value, min(float(low), value), max(float(high), value), len(parts))


def _resampled(sums: Floats, seed: int) -> Floats:
    """(resamples, k) sums over clusters drawn with replacement."""
    count = len(sums)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return drawn.astype(np.float64) @ sums
