"""Random choices that depend on a key alone.

Only `random()` of Python's generator is promised to give the same numbers in every version, so
every choice is made from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from random import Random
from typing import TypeVar

Item = TypeVar("Item")


def generator(*key: object) -> Random:
    """A generator seeded by a key: equal keys, equal numbers, on every machine."""
    name = "\x1f".join(map(str, key)).encode("utf-8", "surrogatepass")
    return Random(int.from_bytes(hashlib.blake2b(name, digest_size=16).digest(), "big"))  # noqa: S311


def pick(rng: Random, items: Sequence[Item]) -> Item:
    """One of the items, each equally likely; there must be one."""
    return items[int(rng.random() * len(items))]


def permuted(rng: Random, items: Sequence[Item]) -> list[Item]:
    """The items in random order."""
    keys = [rng.random() for _ in items]
    return [items[index] for index in sorted(range(len(items)), key=keys.__getitem__)]
