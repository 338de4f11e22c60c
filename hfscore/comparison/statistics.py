"""Differences of every two candidates with 95% intervals, one by one and for all pairs of a metric at once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hfscore import stats
from hfscore.comparison.candidates import Candidate
from hfscore.comparison.values import Pair

Floats = NDArray[np.float64]
PAIRED_FROM = 0.5  # of the smaller side's questions; a chance overlap would throw the rest away


def question_means(one: Candidate, metric: str) -> dict[str, float]:
    """Mean of a metric for every question with a scored trace."""
    values = one.scores[metric]
    scored = np.isfinite(values)
    return stats.question_means(values[scored], one.questions[scored]) if scored.any() else {}


def pairs(candidates: Sequence[Candidate], metric: str, *, seed: int) -> list[Pair]:
    """Every two candidates that have at least five questions each, in the order of the candidates.

    One bootstrap draws questions for all candidates together: two that answer the same questions are drawn together,
    two that do not are independent. Joint intervals are d ± c·se with c the 95% quantile over draws of the largest
    |d* − d|/se of the metric's pairs (max-T; Westfall and Young 1993); with one pair they are that pair's own.
    """
    means = {one.label: question_means(one, metric) for one in candidates}
    usable = [one.label for one in candidates if len(means[one.label]) >= stats.FEWEST_QUESTIONS]
    if len(usable) < 2:
        return []
    ids = sorted(set().union(*(means[label] for label in usable)))
    of = {label: np.array([means[label].get(one, np.nan) for one in ids]) for label in usable}
    columns: list[Floats] = []
    shapes = []
    for first, second in itertools.combinations(usable, 2):
        shared = int((np.isfinite(of[first]) & np.isfinite(of[second])).sum())
        smaller = min(len(means[first]), len(means[second]))
        paired = shared >= max(stats.FEWEST_QUESTIONS, PAIRED_FROM * smaller)
        shapes.append((first, second, paired, shared if paired else smaller))
        columns += [of[first] - of[second]] if paired else [of[first], of[second]]
    centres, drawn = stats.resampled_means(np.stack(columns, axis=1), seed=seed)
    return _with_intervals(metric, shapes, centres, drawn)


def _with_intervals(
    metric: str, shapes: Sequence[tuple[str, str, bool, int]], centres: Floats, drawn: Floats
) -> list[Pair]:
    differences, draws = [], []
    column = 0
    for _, _, paired, _ in shapes:
        differences.append(centres[column] if paired else centres[column] - centres[column + 1])
        draws.append(drawn[:, column] if paired else drawn[:, column] - drawn[:, column + 1])
        column += 1 if paired else 2
    errors = np.array([draw.std() for draw in draws])
    low, high = np.quantile(np.stack(draws), [0.025, 0.975], axis=1)
    joint_low, joint_high = low, high
    varied = errors > 0
    if len(shapes) > 1 and varied.any():
        distances = [abs(draw - d) / e for draw, d, e in zip(draws, differences, errors, strict=True) if e > 0]
        reach = float(np.quantile(np.max(distances, axis=0), 0.95)) * errors
        joint_low, joint_high = np.array(differences) - reach, np.array(differences) + reach
    return [
        Pair(metric, *shape, *(float(v) for v in numbers))
        for shape, *numbers in zip(shapes, differences, low, high, joint_low, joint_high, strict=True)
    ]
