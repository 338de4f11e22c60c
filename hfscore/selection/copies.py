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


def take(
    kept: Signatures, fresh: Signatures, groups: NDArray[np.int64], left: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Go through rows in order and take each that is no near copy of a row taken, while its group has places.

    Near is a Jaccard from 0.8, as estimated. Only rows that share a band with another are compared.

    Args:
        kept: (k, 64) rows that are taken already, of any group.
        fresh: (n, 64) rows to go through.
        groups: (n,) their groups.
        left: Places of each group.

    Returns:
        (n,) whether a row is taken, and (n,) whether it is a near copy that had a place.
    """
    found = np.concatenate([kept, fresh])
    bands, width = _bands()
    keys = np.zeros((len(found), bands), np.int64)
    shared = np.zeros(len(found), bool)
    for band in range(bands):
        part = found[:, band * width : (band + 1) * width]
        _, inverse, count = np.unique(part, axis=0, return_inverse=True, return_counts=True)
        keys[:, band] = inverse.reshape(-1)
        shared |= count[keys[:, band]] > 1
    by_band: dict[tuple[int, int], list[int]] = {}
    taken, near = np.zeros(len(fresh), bool), np.zeros(len(fresh), bool)
    places = [0] * len(kept) + groups.tolist()
    room = left.tolist()
    for row, is_shared in enumerate(shared.tolist()):
        new = row - len(kept)
        if new >= 0 and not room[places[row]]:
            continue
        bands_of: list[tuple[int, int]] = list(enumerate(keys[row].tolist())) if is_shared else []
        others = (
            sorted({other for place in bands_of for other in by_band.get(place, ())[:COMPARED]}) if new >= 0 else []
        )
        if others and (np.mean(found[others] == found[row], axis=1) >= JACCARD).any():
            near[new] = True
            continue
        for place in bands_of:
            by_band.setdefault(place, []).append(row)
        if new >= 0:
            taken[new] = True
            room[places[row]] -= 1
    return taken, near
