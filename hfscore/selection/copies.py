"""Near copies among chosen rows: MinHash signatures, and the earlier row that each is nearly equal to."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from hfscore.metrics.duplicates import JACCARD, PERMUTATIONS, sketch_of

VALUES = PERMUTATIONS  # of a signature

Signatures = NDArray[np.uint32]  # MinHash values are hashes of 32 bits
COMPARED = 64  # rows of a band that a row is compared with: traces of one template all share some


def signature(text: str) -> Signatures:
    """(64,) MinHash over runs of five words, as the metrics of duplicates have it."""
    found: Signatures = sketch_of(text).hashvalues.astype(np.uint32)
    return found


@cache
def _bands() -> tuple[int, int]:
    """How many bands of how many values tell pairs at the threshold apart with the fewest errors."""
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=JACCARD, num_perm=PERMUTATIONS)
    return int(index.b), int(index.r)


def near_copies(found: Signatures) -> NDArray[np.bool_]:
    """(n,) whether a row is nearly equal (Jaccard from 0.8, as estimated) to one before it that is none itself.

    Only rows that share a band with another are compared, so memory is a few bytes a row beside the signatures.
    """
    bands, width = _bands()
    keys = np.stack([_hashed(found[:, at * width : (at + 1) * width]) for at in range(bands)], axis=1)
    shared = np.zeros(len(found), bool)
    for column in keys.T:
        _, inverse, count = np.unique(column, return_inverse=True, return_counts=True)
        shared |= count[inverse] > 1
    kept: dict[tuple[int, int], list[int]] = {}
    copies = np.zeros(len(found), bool)
    for row in np.flatnonzero(shared).tolist():
        places: list[tuple[int, int]] = list(enumerate(keys[row].tolist()))
        others = sorted({other for place in places for other in kept.get(place, ())[:COMPARED]})
        if others and (np.mean(found[others] == found[row], axis=1) >= JACCARD).any():
            copies[row] = True
            continue
        for band_key in places:
            kept.setdefault(band_key, []).append(row)
    return copies


def _hashed(values: Signatures) -> NDArray[np.uint64]:
    """One number for every row of a band."""
    total = np.full(len(values), 0xCBF29CE484222325, np.uint64)
    for column in values.T:  # FNV-1a over whole values; overflow is meant
        total = (total ^ column.astype(np.uint64)) * np.uint64(0x100000001B3)
        total ^= total >> np.uint64(29)
    return total
