"""Permutation tests that share their permutations, and Westfall and Young's adjustment over all of them.

Under the null hypothesis the rows of outcomes (a variant's scores on all models) are exchangeable between variants, so
whole rows are permuted against the metrics. That keeps what models and metrics have in common, and the adjusted p of a
test holds family-wise over all tests of a call (Westfall and Young 1993, step-down max-T, algorithm 4.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from hfscore.evidence.ranks import Floats, signs

EXACT_TO = 8  # variants; 8! = 40,320
DRAWS = 100_000
SWAPS_EXACT_TO = 12  # variants; 2^12 = 4,096
SWAPS = 10_000
_AT_ONCE = 4_000_000  # numbers
_ALIKE = 1e-6  # float32 sums of small integers, then one division

Arrangements = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Test:
    """One correlation of a metric with the outcome on a model.

    Args:
        x: (n,) values of the metric, NaN where missing.
        y: (n,) outcomes, NaN where missing.
        sign: +1 or −1 where the direction was declared; 0 for a two-sided test.
        group: Index of the metric; the tests of one metric are averaged.
    """

    x: Floats
    y: Floats
    sign: int
    group: int


@dataclass(frozen=True, slots=True)
class PValues:
    """What a permutation test says.

    Args:
        raw: p of one test.
        adjusted: p that holds family-wise over all tests.
        spearman: p of Spearman's rho, not adjusted.
    """

    raw: float
    adjusted: float
    spearman: float


def arrangements(n: int, *, draws: int = DRAWS, seed: int = 0) -> Arrangements:
    """All orders of n variants up to eight, random ones above; the first is the one observed.

    Returns:
        (n!, n) or (draws + 1, n) indices.
    """
    if n <= EXACT_TO:
        return np.array(list(permutations(range(n))), dtype=np.intp)
    drawn = np.random.default_rng(seed).permuted(np.tile(np.arange(n), (draws, 1)), axis=1)
    return np.concatenate([np.arange(n)[None], drawn])


def permutation_test(tests: Sequence[Test], orders: Arrangements) -> tuple[list[PValues], list[PValues]]:
    """Test every correlation, and every metric's mean over models.

    Where a cell is missing, its pairs count as ties in the permuted statistic: the test stays valid, it loses power.

    Args:
        tests: Correlations, all over the same n variants.
        orders: (b, n) from `arrangements`.

    Returns:
        p values of the tests, and of the groups in the order of their index; each adjusted over its own list.
    """
    groups = 1 + max(test.group for test in tests)
    member = np.zeros((len(tests), groups))
    for index, test in enumerate(tests):
        member[index, test.group] = 1
    member /= member.sum(axis=0)
    single = np.array([test.sign for test in tests])
    pooled = np.array([next(test.sign for test in tests if test.group == group) for group in range(groups)])
    counters = [_Counter(single), _Counter(pooled)]
    for taus, rhos in _statistics(tests, orders):
        counters[0].count(taus, rhos)
        counters[1].count(taus @ member, rhos @ member)
    first, second = (counter.values(len(orders)) for counter in counters)
    return first, second


class _Counter:
    """How often a permuted statistic reaches the observed one. The first row it sees is the observed."""

    def __init__(self, sign: NDArray[np.int_]) -> None:
        self._sign = sign
        self._order: Arrangements | None = None
        self._hits = np.zeros((3, len(sign)))

    def count(self, taus: Floats, rhos: Floats) -> None:
        taus, rhos = (np.where(self._sign, self._sign * one, np.abs(one)) for one in (taus, rhos))
        if self._order is None:
            self._order = np.argsort(-taus[0], kind="stable")
            self._seen, self._seen_rho = taus[0] - _ALIKE, rhos[0] - _ALIKE
        self._hits[0] += (taus >= self._seen).sum(axis=0)
        self._hits[2] += (rhos >= self._seen_rho).sum(axis=0)
        falling = taus[:, self._order]
        # the largest of this and all weaker statistics
        largest = np.maximum.accumulate(falling[:, ::-1], axis=1)[:, ::-1]
        self._hits[1] += (largest >= self._seen[self._order]).sum(axis=0)

    def values(self, total: int) -> list[PValues]:
        assert self._order is not None
        adjusted = np.empty(len(self._sign))
        adjusted[self._order] = np.maximum.accumulate(self._hits[1] / total)
        raw, rho = self._hits[0] / total, self._hits[2] / total
        return [PValues(*(float(one) for one in row)) for row in zip(raw, adjusted, rho, strict=True)]


def _statistics(tests: Sequence[Test], orders: Arrangements) -> Iterator[tuple[Floats, Floats]]:
    """(b, tests) tau-b and rho of permuted outcomes, some orders at a time."""
    n = orders.shape[1]
    first, second = np.triu_indices(n, 1)
    pairs = np.stack([_unit(signs(test.x)[first, second]) for test in tests]).astype(np.float32)
    ranks = np.stack([_unit(_centred(test.x)) for test in tests])
    outcomes: dict[bytes, list[int]] = {}
    for index, test in enumerate(tests):
        outcomes.setdefault(test.y.tobytes(), []).append(index)
    step = max(1, _AT_ONCE // len(first))
    for start in range(0, len(orders), step):
        part = orders[start : start + step]
        taus, rhos = np.empty((len(part), len(tests))), np.empty((len(part), len(tests)))
        for where in outcomes.values():
            y = tests[where[0]].y
            table = (signs(y) / _norm(signs(y)[first, second])).astype(np.float32)
            taus[:, where] = table[part[:, first], part[:, second]] @ pairs[where].T
            rhos[:, where] = _unit(_centred(y))[part] @ ranks[where].T
        yield taus, rhos


def _centred(values: Floats) -> Floats:
    """Mid-ranks around their mean; 0, the mean, where a value is missing."""
    there = np.isfinite(values)
    ranks = np.zeros(len(values))
    ranks[there] = rankdata(values[there]) - (there.sum() + 1) / 2
    return ranks


def _norm(values: Floats) -> float:
    return float(np.sqrt((values**2).sum()))


def _unit(values: Floats) -> Floats:
    scaled: Floats = values / _norm(values)
    return scaled


def beats(xs: Sequence[Floats], lengths: Sequence[Floats], ys: Sequence[Floats], *, seed: int = 0) -> float:
    """p of the hypothesis that a metric orders the outcomes no more closely than length does.

    Paired permutation: in each variant the ranks of the metric and of length may be swapped, on all models at once;
    the statistic is |mean tau-b of the metric| less that of length. All 2^n swaps to twelve variants, 10,000 random
    ones above. Both are turned to rise with the outcome first, or swapping would mix signs.

    Args:
        xs: A model's (n,) values of the metric, none missing.
        lengths: A model's (n,) lengths.
        ys: A model's (n,) outcomes.
        seed: Seed of the swaps.
    """
    n = len(ys[0])
    swap = _swaps(n, seed)
    first, second = np.triu_indices(n, 1)
    towards = [signs(y)[first, second] for y in ys]
    sides = [_turned([_centred(one) for one in columns], towards) for columns in (xs, lengths)]
    means = np.zeros((2, len(swap)))
    for x, length, toward in zip(*sides, towards, strict=True):
        for row, mixed in enumerate((np.where(swap, length, x), np.where(swap, x, length))):
            means[row] += _tau_of_rows(mixed, toward) / len(ys)
    differences = np.abs(means[0]) - np.abs(means[1])
    return float((differences >= differences[0] - 1e-12).mean())


def _swaps(n: int, seed: int) -> NDArray[np.bool_]:
    """(b, n) whether a variant is swapped; the first swaps none."""
    if n <= SWAPS_EXACT_TO:
        exact: NDArray[np.bool_] = (np.arange(2**n)[:, None] >> np.arange(n)) % 2 == 1
        return exact
    drawn = np.random.default_rng(seed).random((SWAPS, n)) < 0.5
    return np.concatenate([np.zeros((1, n), dtype=bool), drawn])


def _turned(columns: Sequence[Floats], towards: Sequence[Floats]) -> list[Floats]:
    taus = [_tau_of_rows(one[None], toward)[0] for one, toward in zip(columns, towards, strict=True)]
    return [one if sum(taus) >= 0 else -one for one in columns]


def _tau_of_rows(rows: Floats, toward: Floats) -> Floats:
    """(b,) tau-b of (b, n) values with an outcome given as the signs of its pairs."""
    n = rows.shape[1]
    first, second = np.triu_indices(n, 1)
    pairs = np.sign(rows[:, first] - rows[:, second])
    scale = np.sqrt(np.abs(pairs).sum(axis=1) * np.abs(toward).sum())
    taus: Floats = np.divide(pairs @ toward, scale, out=np.zeros(len(rows)), where=scale > 0)
    return taus
