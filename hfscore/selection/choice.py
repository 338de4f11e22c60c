"""Which rows a rule takes, and the random subset beside them: arrays in, positions out; knows no file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]

ROUNDS = 500  # times that every row may be swapped before a random subset is said to be out of reach
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

    Rows are paired at random with rows outside, and a pair is swapped where that brings the tokens nearer, no further
    than needed: the subset is random but for its size, its groups and its tokens.

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
    inside = fill(pool[rng.permutation(len(pool))], groups, quotas)
    outside = np.setdiff1d(pool, inside)
    need = wanted - int(tokens[inside].sum())
    for _ in range(ROUNDS):
        if abs(need) <= WITHIN * wanted:
            return np.sort(inside)
        out, come = _pairs(inside, outside, groups, rng)
        gains = (tokens[outside[come]] - tokens[inside[out]]) * np.sign(need)
        useful = np.flatnonzero((gains > 0) & (gains < 2 * abs(need)))
        together = useful[np.cumsum(gains[useful]) <= abs(need) + WITHIN * wanted]
        useful = together if len(together) else useful[:1]
        reached = np.abs(abs(need) - np.cumsum(gains[useful])) <= WITHIN * wanted
        used = useful[: int(np.argmax(reached)) + 1] if reached.any() else useful
        inside[out[used]], outside[come[used]] = outside[come[used]], inside[out[used]]
        need = wanted - int(tokens[inside].sum())
    return None


def _pairs(
    inside: Positions, outside: Positions, groups: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Positions, Positions]:
    """Places in `inside` and `outside`, paired at random within groups, each place at most once, in a random order."""
    sides = []
    for rows in (inside, outside):
        mixed = rng.permutation(len(rows))
        mixed = mixed[np.argsort(groups[rows[mixed]], kind="stable")]
        of = groups[rows[mixed]]
        sides.append((mixed, of, np.arange(len(of)) - np.searchsorted(of, of)))  # place, group, rank within it
    size = int(groups.max()) + 1
    both = np.minimum(*(np.bincount(of, minlength=size) for _, of, _ in sides))
    out, come = (mixed[rank < both[of]] for mixed, of, rank in sides)
    order = rng.permutation(len(out))
    return out[order], come[order]
