"""Statistics of means over questions. Pure numpy; knows nothing of metrics or datasets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Questions = Sequence[str] | NDArray[Any]  # (n,) ids; traces with one id belong together

RESAMPLES = 2000
FEWEST_QUESTIONS = 5  # below, a percentile bootstrap says next to nothing
MANY_QUESTIONS = 20_000
FEWEST_RESAMPLES = 200  # the more questions, the closer to normal the mean is, and the fewer draws its ends need
WEIGHTS_AT_ONCE = 4_000_000  # 32 MB

Interval = tuple[float, float]


def _weights(rng: np.random.Generator, count: int, resamples: int) -> Floats:
    """(resamples, count) how often each question is drawn, with replacement."""
    drawn = (np.bincount(rng.integers(0, count, count), minlength=count) for _ in range(resamples))
    return np.stack([*drawn]).astype(np.float64)


def _draws(count: int, *, seed: int, resamples: int) -> Iterator[Floats]:
    """(some, count) how often each question is drawn, block after block; fewer draws of very many questions."""
    if count > MANY_QUESTIONS:
        resamples = max(FEWEST_RESAMPLES, resamples * MANY_QUESTIONS // count)
    rng = np.random.default_rng(seed)
    step = max(1, min(resamples, WEIGHTS_AT_ONCE // count))
    for start in range(0, resamples, step):
        yield _weights(rng, count, min(step, resamples - start))


def mean_intervals(
    values: Floats, questions: Questions, *, seed: int, resamples: int = RESAMPLES
) -> list[Interval] | None:
    """95% percentile intervals of the means over traces, by one bootstrap over questions.

    Traces of one question are drawn together: they are not independent. The order of the traces does not matter.

    Args:
        values: (n, m) finite scores, a column each for m metrics.
        questions: (n,) question ids.
        seed: Seed of the draws.
        resamples: Number of draws; fewer above 20,000 questions, at least 200.

    Returns:
        m times (low, high), or None below five questions.
    """
    ids, index = np.unique(np.asarray(questions), return_inverse=True)
    if len(ids) < FEWEST_QUESTIONS:
        return None
    counts = np.bincount(index, minlength=len(ids)).astype(np.float64)
    off_centre = np.empty((len(ids), values.shape[1]))
    centres = np.empty(values.shape[1])
    for column, scores in enumerate(values.T):
        order = np.lexsort((scores, index))  # sums do not depend on the order of rows, to the last bit
        sums = np.bincount(index[order], weights=scores[order], minlength=len(ids))
        centres[column] = sums.sum() / counts.sum()
        # around the centre, so that equal values give a width of exactly nothing
        off_centre[:, column] = sums - centres[column] * counts
    means = _resampled(centres, off_centre, counts, seed=seed, resamples=resamples)
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return [(float(one), float(other)) for one, other in zip(low, high, strict=True)]


def _resampled(centres: Floats, off_centre: Floats, bases: Floats, *, seed: int, resamples: int) -> Floats:
    """(resamples, m) centres + Σ off-centre / Σ bases over questions drawn with replacement.

    Args:
        centres: (m,) what the whole set gives.
        off_centre: (questions, m) numerators less centre times base.
        bases: (questions,) denominators.
        seed: Seed of the draws.
        resamples: Number of draws.
    """
    blocks = _draws(len(bases), seed=seed, resamples=resamples)
    return np.concatenate([centres + (weights @ off_centre) / (weights @ bases)[:, None] for weights in blocks])


def mean_interval(values: Floats, questions: Questions, *, seed: int, resamples: int = RESAMPLES) -> Interval | None:
    """`mean_intervals` of one metric: values (n,)."""
    found = mean_intervals(np.asarray(values)[:, None], questions, seed=seed, resamples=resamples)
    return found[0] if found else None


def ratio_of_means(
    numerators: Floats, denominators: Floats, questions: Questions, *, seed: int, resamples: int = RESAMPLES
) -> tuple[float, Interval | None] | None:
    """mean(numerators) / mean(denominators) over traces, and its 95% percentile interval by a bootstrap over questions.

    Args:
        numerators: (n,) finite.
        denominators: (n,) finite, none below 0.
        questions: (n,) question ids; traces of one question are drawn together.
        seed: Seed of the draws.
        resamples: As in `mean_intervals`.

    Returns:
        (ratio, (low, high)), without an interval below five questions that have a denominator; None where the
        denominators add up to nothing.
    """
    index = np.unique(np.asarray(questions), return_inverse=True)[1]
    order = np.lexsort((denominators, numerators, index))  # as in `mean_intervals`
    over, under = (
        np.bincount(index[order], weights=values[order]).astype(np.float64) for values in (numerators, denominators)
    )
    if not under.sum():
        return None
    ratio = over.sum() / under.sum()
    # questions without a denominator could make up a whole draw, which has no ratio; then there is no interval
    if np.count_nonzero(under) < FEWEST_QUESTIONS:
        return float(ratio), None
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = _resampled(np.array([ratio]), (over - ratio * under)[:, None], under, seed=seed, resamples=resamples)
    if not np.isfinite(drawn).all():
        return float(ratio), None
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(ratio), (float(low), float(high))


def resampled_means(values: Floats, *, seed: int, resamples: int = RESAMPLES) -> tuple[Floats, Floats]:
    """Bootstrap of several means at once, by draws of questions that all of them share.

    Args:
        values: (questions, m) one number a question and column, NaN where a column has none for it; every column
            has some.
        seed: Seed of the draws.
        resamples: As in `mean_intervals`.

    Returns:
        (m,) means of the questions that each column has, and (resamples, m) the same of drawn questions.
    """
    has = np.isfinite(values)
    bases = has.astype(np.float64)
    centres = np.where(has, values, 0.0).sum(axis=0) / bases.sum(axis=0)
    off_centre = np.where(has, values - centres, 0.0)
    drawn = []
    for weights in _draws(len(values), seed=seed, resamples=resamples):
        under = weights @ bases  # a column with few questions may be drawn none: then nothing moved
        drawn.append(centres + (weights @ off_centre) / np.where(under > 0, under, 1.0))
    return centres, np.concatenate(drawn)


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


def ratio_interval(
    numerators: Floats, denominators: Floats, questions: Questions, *, seed: int, resamples: int = RESAMPLES
) -> Interval | None:
    """95% percentile interval of a ratio of sums, by a bootstrap over questions.

    Args:
        numerators: (n,) one a trace.
        denominators: (n,) one a trace, their sum above 0 for every question.
        questions: (n,) question ids.
        seed: Seed of the draws.
        resamples: Number of draws; fewer above 20,000 questions, at least 200.

    Returns:
        (low, high), or None below five questions.
    """
    ids, index = np.unique(np.asarray(questions), return_inverse=True)
    if len(ids) < FEWEST_QUESTIONS:
        return None
    above, below = (np.bincount(index, weights=part, minlength=len(ids)) for part in (numerators, denominators))
    centre = above.sum() / below.sum()
    off_centre = above - centre * below
    ratios = []
    for weights in _draws(len(ids), seed=seed, resamples=resamples):
        ratios.append(centre + (weights @ off_centre) / (weights @ below))
    low, high = np.quantile(np.concatenate(ratios), [0.025, 0.975])
    return float(low), float(high)
