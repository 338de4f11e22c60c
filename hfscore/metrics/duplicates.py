"""Exact and near duplicates among the traces that were read: rates within the sample, not of the dataset.

A pair of duplicates is found only if both fall into the sample, so a sample's rate is below the dataset's.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any

from hfscore.ports import Tools
from hfscore.records import Trace
from hfscore.spec import Fact, Family, Fold, Scores

PERMUTATIONS = 64
JACCARD = 0.8
SHINGLE = 5  # words
NEAR_AMONG = 20_000  # traces that near duplicates are looked for in: an index of more would not fit beside a model
ROWS = 20


@dataclass(slots=True)
class State:
    """Hashes of every trace, and an index of the first ones for near duplicates."""

    index: Any
    exact: set[int] = field(default_factory=set)
    count: int = 0
    repeats: list[int] = field(default_factory=list)
    repeated: int = 0
    looked: int = 0
    near: int = 0
    near_rows: list[int] = field(default_factory=list)


def start(tools: Tools) -> State:
    """An empty index."""
    from datasketch import MinHashLSH

    return State(MinHashLSH(threshold=JACCARD, num_perm=PERMUTATIONS))


def shingles(text: str) -> list[bytes]:
    """Runs of five words, white space and case folded; a shorter text is one run."""
    words = text.lower().split()
    runs = (words[i : i + SHINGLE] for i in range(max(1, len(words) - SHINGLE + 1)))
    return [" ".join(run).encode("utf-8", "replace") for run in runs]


def sketch_of(folded: str) -> Any:
    """MinHash of a text whose white space and case are folded."""
    sketch = _blank().copy()
    sketch.update_batch(shingles(folded))
    return sketch


@cache
def _blank() -> Any:
    """An empty sketch: to draw its permutations for every text would take ten times as long as the text."""
    from datasketch import MinHash

    return MinHash(num_perm=PERMUTATIONS, seed=1, hashfunc=zlib.crc32)


def read(traces: Sequence[Trace], scores: Scores) -> list[tuple[int, int, Any]]:
    """(row, hash, MinHash) of every trace that holds text."""
    found = []
    for trace in traces:
        folded = " ".join(trace.reasoning.lower().split())
        if folded:
            key = int.from_bytes(hashlib.blake2b(folded.encode("utf-8", "replace"), digest_size=8).digest())
            found.append((trace.row, key, sketch_of(folded)))
    return found


def add(state: State, traces: Sequence[Trace], found: Sequence[tuple[int, int, Any]]) -> None:
    """Compare every trace with those before it."""
    for row, key, sketch in found:
        state.count += 1
        if key in state.exact:
            state.repeated += 1
            if len(state.repeats) < ROWS:
                state.repeats.append(row)
            continue
        state.exact.add(key)
        if state.looked >= NEAR_AMONG:
            continue
        if state.index.query(sketch):
            state.near += 1
            if len(state.near_rows) < ROWS:
                state.near_rows.append(row)
        state.index.insert(str(state.looked), sketch, check_duplication=False)
        state.looked += 1


def finish(state: State) -> list[Fact]:
    """Two rates, each with the rows to look at."""
    if not state.count:
        return []
    near_of = state.looked + (state.repeated if state.looked < NEAR_AMONG else 0)
    scope = "" if state.looked < NEAR_AMONG else f" Looked for among the first {NEAR_AMONG:,} traces only."
    return [
        Fact(
            "duplicates_exact",
            "Exact duplicates within the sample",
            state.repeated / state.count,
            "share",
            state.count,
            "Traces equal to an earlier one, case and white space folded; the whole dataset may hold more.",
            tuple(state.repeats),
        ),
        Fact(
            "duplicates_near",
            "Near duplicates within the sample",
            state.near / max(near_of, 1),
            "share",
            near_of,
            f"Not equal, but about {JACCARD:.0%} of runs of {SHINGLE} words shared with an earlier trace.{scope}",
            tuple(state.near_rows),
        ),
    ]


def settings(tools: Tools) -> Mapping[str, str]:
    """The library and its parameters."""
    return {"near duplicates": f"datasketch {version('datasketch')}, MinHash {PERMUTATIONS}, threshold {JACCARD}"}


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Nothing per trace: which of two duplicates is the copy depends on their order."""
    return {}


FAMILY = Family(
    id="duplicates",
    title="Duplicates",
    source="datasketch; catalogue I (controls)",
    version=1,
    metrics=(),
    score=score,
    fold=Fold(start=start, add=add, finish=finish, read=read),
    settings=settings,
)
