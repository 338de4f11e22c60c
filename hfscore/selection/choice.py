"""Which rows a rule takes, and the random subset beside them: arrays in, positions out; knows no file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]

SWAPS = 200_000  # tries before a random subset is said to be out of reach
WITHIN = 0.01  # of the tokens wanted


def mean_rank(columns: Sequence[NDArray[np.float64]], up: Sequence[bool], families: Sequence[str]) -> NDArray[Any]:
    """(n,) mean rank of every row, 0 at the chosen end; equal values share their mean rank (Borda count).

    Args:
        columns: (n,) values of each metric, all of them finite.
        up: Whether the chosen end of each metric is the highest.
        families: Family of each metric; families weigh the same, metrics share their family's weight.
    """
    total = np.zeros(len(columns[0]))
    for values, highest, family in zip(columns, up, families, strict=True):
        _, place, count = np.unique(-values if highest else values, return_inverse=True, return_counts=True)
        ranks = np.cumsum(count) - (count + 1) / 2
        total += ranks[place] / families.count(family)
    return total / len(set(families))


def shared_quotas(sizes: NDArray[np.int64], size: int) -> Positions:
    """(k,) rows to take of each group so that shares stay those of `sizes`: largest remainders, `size` in all."""
    exact = sizes * (size / sizes.sum())
    taken: Positions = np.floor(exact).astype(np.int64)
    taken[np.argsort(taken - exact, kind="stable")[: size - int(taken.sum())]] += 1
    return taken


def even_quotas(sizes: NDArray[np.int64], size: int) -> Positions:
    """(k,) rows to take of each group, the same number of each as far as it has rows, `size` in all."""
    taken = np.zeros(len(sizes), np.int64)
    left, waiting = size, len(sizes)
    for place in np.argsort(sizes, kind="stable"):  # what a small group lacks goes to the larger ones
        taken[place] = min(int(sizes[place]), left // waiting)
        left -= int(taken[place])
        waiting -= 1
    return taken


def first_of_each(keys: NDArray[np.uint64], order: Positions) -> Positions:
    """The positions of `order` whose key no earlier one has, in the same order."""
    _, first = np.unique(keys[order], return_index=True)
    kept: Positions = order[np.sort(first)]
    return kept


def fill(order: Positions, groups: NDArray[np.int64], quotas: Positions) -> Positions:
    """The first `quotas[g]` positions of every group g, in the order of `order`.

    Args:
        order: (n,) positions.
        groups: Group of every position there is.
        quotas: (k,) rows to take of each group.
    """
    of = groups[order]
    by_group = np.argsort(of, kind="stable")
    starts = np.cumsum(np.bincount(of, minlength=len(quotas))) - np.bincount(of, minlength=len(quotas))
    within = np.arange(len(order)) - starts[of[by_group]]
    kept: Positions = order[np.sort(by_group[within < quotas[of[by_group]]])]
    return kept


def random_subset(
    pool: Positions, groups: NDArray[np.int64], quotas: Positions, tokens: NDArray[np.int64], wanted: int, *, seed: int
) -> Positions | None:
    """A random subset of a pool, swapped row for row within groups until its tokens are within 1% of `wanted`.

    Rows go out and come in at random, and a swap is kept where it brings the tokens nearer: the subset is random but
    for its size, its groups and its tokens.

    Args:
        pool: (n,) positions to draw from.
        groups: Group of every position there is.
        quotas: (k,) rows to take of each group; the pool has at least as many.
        tokens: Tokens of every position there is.
        wanted: Tokens of all rows together.
        seed: Seed of the draw.

    Returns:
        (sum(quotas),) positions, ascending; None where none was found.
    """
    rng = np.random.default_rng(seed)
    mixed = pool[rng.permutation(len(pool))]
    mixed = mixed[np.argsort(groups[mixed], kind="stable")]
    sizes = np.bincount(groups[mixed], minlength=len(quotas))
    starts = np.cumsum(sizes) - sizes
    within = np.arange(len(mixed)) - starts[groups[mixed]]
    inside = np.flatnonzero(within < quotas[groups[mixed]])
    gap = int(tokens[mixed[inside]].sum()) - wanted
    movable = inside[(sizes > quotas)[groups[mixed[inside]]]]
    for _ in range(SWAPS if len(movable) else 0):
        if abs(gap) <= WITHIN * wanted:
            break
        out = int(movable[int(rng.integers(len(movable)))])
        group = int(groups[mixed[out]])
        come = int(starts[group] + rng.integers(quotas[group], sizes[group]))
        moved = gap + int(tokens[mixed[come]]) - int(tokens[mixed[out]])
        if abs(moved) < abs(gap):
            mixed[out], mixed[come] = mixed[come], mixed[out]
            gap = moved
    if abs(gap) > WITHIN * wanted:
        return None
    found: Positions = np.sort(mixed[inside])
    return found
