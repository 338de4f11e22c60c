"""Whether some of several metrics got worse, with 5% for a false alarm in a whole gate: 4% means, 1% missing numbers.

Paired by question: one bootstrap draws questions for all metrics at once, and a metric has got worse where its
difference lies further on the bad side than 96% of draws reach for the furthest metric (max-T; Westfall and Young
1993), widened for few questions by Student's t. From reports alone: the two means are taken as independent, which the
same questions are not, so that the test is cautious; normal quantile, Bonferroni.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from hfscore import stats

Floats = NDArray[np.float64]

MEANS = 0.04  # of all means together
MISSING = 0.01  # of all shares of traces without a number together
FEWEST = 20  # questions; below, an interval of a mean is too rough to fail anybody by
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Found:
    """One metric's difference, now less before.

    Args:
        mean: The difference.
        low: Lower end of the interval that holds for all metrics at once, on the bad side, at 96%.
        high: Upper end.
        worse: Whether it got worse by more than chance gives.
    """

    mean: float
    low: float
    high: float
    worse: bool


def paired(differences: Floats, signs: Sequence[int], *, tests: int, seed: int = 0) -> list[Found]:
    """Test metrics whose questions are the same before and now.

    Args:
        differences: (questions, metrics) now less before, NaN where a question lacks one.
        signs: 1 where higher counts as better, -1 where lower does; a metric each.
        tests: How many such calls share the 4%.
        seed: Seed of the draws.
    """
    centres, drawn = stats.resampled_means(differences, seed=seed)
    counts = np.isfinite(differences).sum(axis=0)
    errors = drawn.std(axis=0)
    moved = errors > ROUNDING
    reach = _reach(drawn, centres, errors, np.asarray(signs), moved, tests) if moved.any() else 0.0
    half = reach * errors * _few(counts, tests)
    return [_found(float(centre), float(width), sign) for centre, width, sign in zip(centres, half, signs, strict=True)]


def _reach(
    drawn: Floats, centres: Floats, errors: Floats, signs: NDArray[np.int_], moved: NDArray[np.bool_], tests: int
) -> float:
    """Standard errors that the furthest metric's draws stay within, on the good side of nothing."""
    distances = (drawn[:, moved] - centres[moved]) * -signs[moved] / errors[moved]
    return float(np.quantile(distances.max(axis=1), 1 - MEANS / tests))


def _few(counts: NDArray[np.int_], tests: int) -> Floats:
    """How much wider Student's t is than the normal, and a sample's spread than the bootstrap's."""
    from scipy.stats import norm, t

    level = 1 - MEANS / (tests * max(len(counts), 1))
    degrees = np.maximum(counts - 1, 1)
    wider: Floats = t.ppf(level, degrees) / norm.ppf(level) * np.sqrt(counts / degrees)
    return wider


def _found(centre: float, half: float, sign: int) -> Found:
    worse = -sign * centre > half + ROUNDING
    return Found(centre, centre - half, centre + half, worse)


def unpaired(before: tuple[float, float, float], now: tuple[float, float, float], sign: int, *, tests: int) -> Found:
    """Test two means by their 95% intervals.

    Args:
        before: (mean, low, high).
        now: (mean, low, high).
        sign: As of `paired`.
        tests: How many tests share the 4%.
    """
    error = math.hypot(*((high - low) / (2 * NormalDist().inv_cdf(0.975)) for _, low, high in (before, now)))
    return _found(now[0] - before[0], NormalDist().inv_cdf(1 - MEANS / tests) * error, sign)


def share_rose(before: tuple[int, int], now: tuple[int, int], *, tests: int) -> bool:
    """Whether a share rose by more than chance gives: (cases, of) each; pooled normal test, with half a case less."""
    (old, of), (new, total) = before, now
    pooled = (old + new) / (of + total)
    error = math.sqrt(pooled * (1 - pooled) * (1 / of + 1 / total))
    rise = new / total - old / of - 0.5 / total - 0.5 / of
    return error > 0 and rise / error > NormalDist().inv_cdf(1 - MISSING / tests)
