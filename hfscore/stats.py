"""Statistics of means over questions. Pure numpy; knows nothing of metrics or datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Questions = Sequence[str] | NDArray[Any]  # (n,) ids; traces with one id belong together

RESAMPLES = 2000
FEWEST_QUESTIONS = 5  # below, a percentile bootstrap says next to nothing
WEIGHTS_AT_ONCE = 4_000_000  # 32 MB
FEWEST_RESAMPLES = 200  # the more questions, the closer to normal the mean is, and the fewer draws its ends need
EXACT_UP_TO = 20_000  # above, Poisson weights stand in for drawing with replacement (Hanley & MacGibbon 2006)


def _weights(rng: np.random.Generator, count: int, resamples: int) -> NDArray[np.float32]:
    """(resamples, count) how often each question is drawn."""
    if count <= EXACT_UP_TO:
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
    else:
        drawn = rng.poisson(1.0, size=(resamples, count))
    return drawn.astype(np.float32)


def mean_interval(
    values: Floats, questions: Questions, *, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float] | None:
    """95% percentile interval of the mean over traces, by a bootstrap over questions.

    Traces of one question are drawn together: they are not independent. The order of the traces does not matter.

    Args:
        values: (n,) finite scores.
        questions: (n,) question ids.
        seed: Seed of the draws.
        resamples: Number of draws; fewer above 20,000 questions, at least 200.

    Returns:
        (low, high), or None below five questions.
    """
    ids, index = np.unique(np.asarray(questions), return_inverse=True)
    if len(ids) < FEWEST_QUESTIONS:
        return None
    order = np.lexsort((values, index))  # sums do not depend on the order of rows, to the last bit
    sums = np.bincount(index[order], weights=values[order], minlength=len(ids))
    counts = np.bincount(index, minlength=len(ids)).astype(np.float64)
    rng = np.random.default_rng(seed)
    centre = sums.sum() / counts.sum()
    means = []
    if len(ids) > EXACT_UP_TO:
        resamples = max(FEWEST_RESAMPLES, resamples * EXACT_UP_TO // len(ids))
    step = max(1, min(resamples, WEIGHTS_AT_ONCE // len(ids)))
    for start in range(0, resamples, step):
        weights = _weights(rng, len(ids), min(step, resamples - start)).astype(np.float64)
        # around the centre, so that equal values give a width of exactly nothing
        means.append(centre + (weights @ (sums - centre * counts)) / (weights @ counts))
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return float(low), float(high)


def question_means(values: Floats, questions: Questions) -> dict[str, float]:
    """Mean per question id."""
    ids, index = np.unique(np.asarray(questions), return_inverse=True)
    means = np.bincount(index, weights=values) / np.bincount(index)
    return dict(zip((str(one) for one in ids), (float(mean) for mean in means), strict=True))


def paired_difference(
    first: dict[str, float], second: dict[str, float], *, seed: int
) -> tuple[float, float, float, int] | None:
    """Mean difference of question means, first minus second, over the questions both have.

    Returns:
        (mean, low, high, pairs), or None below five pairs.
    """
    shared = sorted(first.keys() & second.keys())
    if len(shared) < FEWEST_QUESTIONS:
        return None
    differences = np.array([first[one] - second[one] for one in shared])
    interval = mean_interval(differences, shared, seed=seed)
    assert interval is not None
    return float(differences.mean()), *interval, len(shared)
