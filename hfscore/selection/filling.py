"""Filling a subset in order, and the random subset beside it, both without near copies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hfscore.selection import choice, copies
from hfscore.selection.choice import Positions

Read = Callable[[Positions], copies.Signatures]
Quotas = Callable[[Positions], Positions]  # rows that each group has -> rows to take of it

ROUNDS = 200  # times that near copies are replaced by the rows behind them
AHEAD = 512  # rows of a group looked at beyond those wanted, so that few rounds are needed


def random_beside(
    pool: Positions,
    subset: Positions,
    groups: NDArray[np.int64],
    tokens: NDArray[np.int64],
    read: Read,
    seed: int,
) -> Positions | None:
    """A random subset that lacks nothing but the rule: like the subset it has no copies, and its groups and tokens.

    It is drawn from twice as many random rows as it needs, from more where their tokens do not reach.

    Args:
        pool: (n,) rows to draw from, in a random order.
        subset: The chosen rows.
        groups: Group of every row there is.
        tokens: Tokens of every row there is.
        read: Gives the signature of every row.
        seed: Seed of the swaps.

    Returns:
        Rows, ascending; None where none was found within 1% of the tokens.
    """
    taken = np.bincount(groups[subset], minlength=int(groups.max()) + 1)
    wanted = int(tokens[subset].sum())
    sizes = np.bincount(groups[pool], minlength=len(taken))
    for times in (2, 8, len(pool)):
        reserve, _, _ = without_near(pool, groups, lambda has, times=times: np.minimum(has, times * taken), read)  # type: ignore[misc]
        there = np.bincount(groups[reserve], minlength=len(taken))
        if (there >= taken).all():
            found = choice.random_subset(reserve, groups, taken, tokens, wanted, seed=seed)
            if found is not None:
                return found
        if (times * taken >= sizes).all():
            return None
    return None


def without_near(
    order: Positions, groups: NDArray[np.int64], quotas: Quotas, read: Read
) -> tuple[Positions, int, bool]:
    """Take rows in order, group by group, but none that is nearly equal to one that was taken.

    A group that runs out of rows leaves its places to the others, as far as `quotas` gives them away.

    Args:
        order: (n,) rows to take from, the first ones first.
        groups: Group of every row there is.
        quotas: Rows to take of each group, by how many it has.
        read: Gives the signature of every row.

    Returns:
        The rows; how many near copies of them were passed over; whether the search came to its end.
    """
    has = np.bincount(groups[order], minlength=int(groups.max()) + 1)
    wanted = quotas(has)
    kept, signatures = np.zeros(0, np.int64), np.zeros((0, copies.VALUES), np.uint32)
    passed = np.zeros(0, np.int64)
    for number in range(ROUNDS):
        taken = np.bincount(groups[kept], minlength=len(wanted))
        left = np.maximum(wanted - taken, 0)
        free = order[~np.isin(order, np.concatenate([kept, passed]))]
        fresh = choice.fill(free, groups, np.where(left > 0, left + (AHEAD if number else 0), 0))
        if not len(fresh):
            exhausted = (left > 0) & (np.bincount(groups[free], minlength=len(wanted)) == 0)
            again = quotas(np.where(exhausted, taken, has))
            if not exhausted.any() or (again == wanted).all():
                return kept, len(passed), True
            has, wanted = np.where(exhausted, taken, has), again
            continue
        sketches = read(fresh)
        new, near = copies.take(signatures, sketches, groups[fresh], left)
        kept, signatures = np.concatenate([kept, fresh[new]]), np.concatenate([signatures, sketches[new]])
        passed = np.concatenate([passed, fresh[near]])
    return kept, len(passed), False
