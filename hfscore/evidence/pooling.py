"""Own evidence beside published evidence, and correlations against the size of models."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student_t

from hfscore.evidence.model import FEWEST, Part, Pooled, Trend

SIZES, FAMILIES = 4, 2  # fewer define no trend


def fisher_z(rho: float, n: int) -> float:
    """Fisher's z (1921) of a rank correlation of n variants.

    That of a perfect order is infinite; it counts as halfway to the next order, 1 − 6 / (n³ − n).
    """
    most = 1 - 6 / (n**3 - n)
    return math.atanh(max(-most, min(most, rho)))


def part(correlations: Sequence[tuple[float, int]]) -> Part:
    """(rho, weight) of correlations (rho, n) of models that share their variants.

    A model weighs max(n − 3, 0), times 1/m for m models that are not independent.
    """
    m = len(correlations)
    weights = [max(n - 3, 0) / m for _, n in correlations]
    if not sum(weights):
        return sum(rho for rho, _ in correlations) / m, 0.0
    z = sum(weight * fisher_z(rho, n) for weight, (rho, n) in zip(weights, correlations, strict=True))
    return math.tanh(z / sum(weights)), sum(weights)


def pool(own: Part, published: Part, *, n: int, source: str) -> Pooled:
    """Combine, where the signs agree.

    Args:
        own: From `part`.
        published: From `part`.
        n: Variants of the own evidence.
        source: Where the published evidence stands.
    """
    conflict = own[0] * published[0] < 0
    weight = own[1] + published[1]
    if conflict or not own[1] or not published[1]:
        return Pooled(own, published, source, conflict)
    z = sum(one * math.atanh(rho) for rho, one in (own, published)) / weight
    if n < FEWEST:
        return Pooled(own, published, source, conflict, math.tanh(z))
    half = 1.96 / math.sqrt(weight)
    return Pooled(own, published, source, conflict, math.tanh(z), math.tanh(z - half), math.tanh(z + half))


def trend(points: Sequence[tuple[float, str, float]]) -> Trend | None:
    """rho against log2 of size, an intercept for each family; models share variants, so intervals are too narrow.

    Args:
        points: (size in billions, family, rho) of each model.

    Returns:
        The slope per doubling, or None below four sizes in two families, or where size and family are one.
    """
    sizes, families = {size for size, _, _ in points}, sorted({family for _, family, _ in points})
    if len(sizes) < SIZES or len(families) < FAMILIES:
        return None
    x = np.array([[math.log2(size), *(family == one for one in families)] for size, family, _ in points], dtype=float)
    if np.linalg.matrix_rank(x) < x.shape[1]:
        return None
    y = np.array([rho for _, _, rho in points])
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    freedom = len(points) - x.shape[1]
    if not freedom:
        return Trend(float(beta[0]), None, None, 0)
    error = math.sqrt(float(((y - x @ beta) ** 2).sum()) / freedom * float(np.linalg.inv(x.T @ x)[0, 0]))
    half = float(student_t.ppf(0.975, freedom)) * error
    return Trend(float(beta[0]), float(beta[0]) - half, float(beta[0]) + half, freedom)
