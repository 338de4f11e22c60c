"""Filling a subset in order, and the random subset beside it, both without near copies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hfscore.selection import choice, copies
from hfscore.selection.choice import Positions

Read = Callable[[Positions], copies.Signatures]

ROUNDS = 40  # times that near copies are replaced by the rows behind them
AHEAD = 512  # rows of a group looked at beyond those wanted, so that few rounds are needed


def random_beside(
    pool: Positions, subset: Positions, groups: NDArray[np.int64], tokens: NDArray[np.int64], read: Read, seed: int
) -> Positions | None:
    """A random subset that lacks nothing but the rule: like the subset it has no copies, and its groups and tokens.

    It is drawn from twice as many random rows as it needs, from more where their tokens do not reach.

    Args:
        pool: (n,) rows to draw from.
        subset: The chosen rows.
        groups: Group of every row there is.
        tokens: Tokens of every row there is.
        read: Gives the signature of every row.
        seed: Seed of the draw.

    Returns:
        Rows, ascending; None where none was found within 1% of the tokens.
    """
    taken = np.bincount(groups[subset], minlength=int(groups.max()) + 1)
    wanted = int(tokens[subset].sum())
    mixed = pool[np.random.default_rng(seed).permutation(len(pool))]
    sizes = np.bincount(groups[pool], minlength=len(taken))
    for times in (2, 4, 8, len(pool)):
        reserve, _, _ = without_near(mixed, groups, np.minimum(sizes, times * taken), read)
        there = np.bincount(groups[reserve], minlength=len(taken))
        if (there >= taken).all():
            found = choice.random_subset(reserve, groups, taken, tokens, wanted, seed=seed)
            if found is not None:
                return found
        if (there >= sizes).all():
            return None
    return None


def without_near(
    order: Positions, groups: NDArray[np.int64], quotas: Positions, read: Read
) -> tuple[Positions, int, bool]:
    """Fill the quotas in order, rows that are nearly equal to one before them left out and replaced.

    Args:
        order: (n,) rows to take from, the first ones first.
        groups: Group of every row there is.
        quotas: (k,) rows to take of each group.
        read: Gives the signature of every row.

    Returns:
        The rows, how many were left out before the last of them, and whether the quotas were filled or the rows ended.
    """
    sketched, signatures = np.zeros(0, np.int64), np.zeros((0, copies.VALUES), np.uint32)
    dropped = kept = np.zeros(0, np.int64)
    more = quotas
    for _ in range(ROUNDS):
        free = order[~np.isin(order, dropped)]
        chosen = choice.fill(free, groups, more)
        fresh = chosen[~np.isin(chosen, sketched)]
        signatures = np.concatenate([signatures, read(fresh)])
        sketched = np.concatenate([sketched, fresh])
        place = np.argsort(sketched)
        at = place[np.searchsorted(sketched, chosen, sorter=place)]
        dropped = np.concatenate([dropped, chosen[copies.near_copies(signatures[at])]])
        kept = choice.fill(chosen[~np.isin(chosen, dropped)], groups, quotas)
        if len(kept) == int(quotas.sum()) or len(chosen) == len(free):
            return kept, _passed(order, groups, quotas, kept, dropped), True
        more = quotas + np.where(quotas > 0, AHEAD, 0)
    return kept, _passed(order, groups, quotas, kept, dropped), False


def _passed(order: Positions, groups: NDArray[np.int64], quotas: Positions, kept: Positions, dropped: Positions) -> int:
    """How many dropped rows stood in the way: before the last kept one of their group, or in one that is not full."""
    taken = np.bincount(groups[kept], minlength=len(quotas))
    rank = {row: place for place, row in enumerate(order[np.isin(order, [*kept, *dropped])].tolist())}
    last = {group: len(rank) for group in np.flatnonzero(taken < quotas).tolist()}
    for row in kept.tolist():
        last[int(groups[row])] = max(last.get(int(groups[row]), -1), rank[row])
    return sum(rank[row] < last.get(int(groups[row]), -1) for row in dropped.tolist())
