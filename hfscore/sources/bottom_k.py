"""The smallest keys of a stream with their rows, and how many different keys there are."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from hfscore.sources.source import Row

HELD_CHARACTERS = 256 * 2**20  # of kept rows; beyond, only their numbers are kept
_MERGE_AT = 2**20  # keys


class Lowest:
    """The `wanted` smallest keys so far, and the rows that have them.

    A key that was pushed out never comes back, because the largest kept key only falls; so the rows of a kept key
    are complete.
    """

    def __init__(self, wanted: int, *, hold: bool) -> None:
        self._wanted = wanted
        self._numbers: dict[int, list[int]] = {}
        self._heap: list[int] = []  # negated keys: the largest key on top
        self._characters = 0
        self.held: dict[int, Row] | None = {} if hold else None

    def offer(self, key: int, number: int, row: Row) -> None:
        """Take a row if its key is among the smallest."""
        numbers = self._numbers.get(key)
        if numbers is None:
            if len(self._heap) == self._wanted:
                if key > -self._heap[0]:
                    return
                self._drop(-heapq.heapreplace(self._heap, -key))
            else:
                heapq.heappush(self._heap, -key)
            numbers = self._numbers[key] = []
        numbers.append(number)
        if self.held is not None:
            self.held[number] = row
            self._characters += _characters(row)
            if self._characters > HELD_CHARACTERS:
                self.held = None

    def numbers(self) -> list[int]:
        """Return the sorted numbers of the kept rows."""
        return sorted(number for numbers in self._numbers.values() for number in numbers)

    def keys(self) -> frozenset[int]:
        """Return the kept keys."""
        return frozenset(self._numbers)

    def _drop(self, key: int) -> None:
        for number in self._numbers.pop(key):
            if self.held is not None:
                self._characters -= _characters(self.held.pop(number))


class Distinct:
    """Counts distinct 64-bit keys, 8 bytes each."""

    def __init__(self) -> None:
        self._new = array("Q")
        self._seen = np.empty(0, np.uint64)

    def add(self, key: int) -> None:
        """Take a key."""
        self._new.append(key)
        if len(self._new) >= _MERGE_AT:
            self.count()

    def count(self) -> int:
        """Return how many different keys there were."""
        self._seen = np.union1d(self._seen, np.frombuffer(self._new, np.uint64))
        self._new = array("Q")
        return len(self._seen)


def _characters(value: Any) -> int:
    """Roughly how much memory a row's values take."""
    if isinstance(value, (str, bytes)):
        return len(value)
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, Iterable):
        return 8
    return 64 + sum(_characters(item) for item in value)
