"""Rank correlations of a few values, cells that are missing left out pair by pair. Pure numpy but for ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST = 3  # values; two always correlate perfectly
FEWEST_PARTIAL = 8


def together(*columns: Floats) -> Flags:
    """(n,) where every column has a value."""
    there: Flags = np.asarray(np.isfinite(np.stack(columns)).all(axis=0))
    return there


def signs(values: Floats) -> Floats:
    """(n, n) sign of value i less value j; 0 for a tie and wherever a value is missing."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(np.sign(values[:, None] - values[None, :]))


def tau_b(x: Floats, y: Floats) -> float | None:
    """Kendall's tau-b (1945), ties counted as in Agresti 2010, section 7.1.

    Args:
        x: (n,) values, NaN where missing.
        y: (n,) values, NaN where missing.

    Returns:
        −1 to 1 over the places where both have a value; None below three, or where either is constant.
    """
    both = together(x, y)
    if both.sum() < FEWEST:
        return None
    one, other = signs(x[both]), signs(y[both])
    scale = np.sqrt(np.abs(one).sum() * np.abs(other).sum())
    return float((one * other).sum() / scale) if scale else None


def spearman(x: Floats, y: Floats) -> float | None:
    """Spearman's rho: Pearson's r of mid-ranks. Arguments and None as of `tau_b`."""
    both = together(x, y)
    return _pearson(rankdata(x[both]), rankdata(y[both])) if both.sum() >= FEWEST else None


def partial_spearman(x: Floats, y: Floats, given: Floats) -> float | None:
    """Spearman's rho of x and y given a third: Pearson's r of what a line through the ranks of `given` leaves.

    A monotone transform of `given`, such as its logarithm, changes nothing.

    Returns:
        −1 to 1; None below eight places where all three have a value, or where nothing is left to correlate.
    """
    all_three = together(x, y, given)
    if all_three.sum() < FEWEST_PARTIAL:
        return None
    one, other, third = (rankdata(column[all_three]) for column in (x, y, given))
    return _pearson(_residual(one, third), _residual(other, third)) if np.ptp(third) else None


def _residual(values: Floats, given: Floats) -> Floats:
    centred, axis = values - values.mean(), given - given.mean()
    left: Floats = centred - axis * (centred @ axis) / (axis @ axis)
    return left


def _pearson(x: Any, y: Any) -> float | None:
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt((x @ x) * (y @ y))
    # residuals of ranks that follow `given` exactly are rounding errors, not ranks
    return float(np.clip(x @ y / scale, -1, 1)) if min(x @ x, y @ y) > 1e-9 else None
