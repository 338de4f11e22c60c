"""Scoring batches on several cores: families that need no model, in processes that live for one run.

Processes and not threads, because the rules are Python. They start fresh ("spawn"): a fork of a process in which a
model library has started threads may hang. Order and numbers are those of one process.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from hfscore import catalog
from hfscore.records import Trace
from hfscore.spec import Family, Scores

AHEAD = 3  # batches in flight per worker: enough to keep it busy, few enough to stay small

Found = Mapping[str, tuple[Scores, Any]]  # family id -> (readings, what its fold reads)
Batch = tuple[list[Trace], list[Trace], Found]  # (all traces, those that can be scored, what was found in them)
Map = Callable[[Iterable[list[Trace]]], Iterator[Batch]]


def find(families: Sequence[Family], batch: Sequence[Trace]) -> dict[str, tuple[Scores, Any]]:
    """What families that need nothing find in a batch."""
    found: dict[str, tuple[Scores, Any]] = {}
    usable = _usable(batch)
    for family in families:
        traces = batch if family.reads_problems else usable
        scores = family.score(traces, None, None) if traces else {}  # type: ignore[arg-type]
        read = family.fold.read(traces, scores) if family.fold and family.fold.read else scores
        found[family.id] = (scores, read)
    return found


def is_free(family: Family) -> bool:
    """Whether a family can be scored in any process: it needs no tool and compares with no pool."""
    return not family.needs and family.pool is None


def _usable(batch: Iterable[Trace]) -> list[Trace]:
    return [trace for trace in batch if trace.problem is None]


def in_turn(families: Sequence[Family]) -> Map:
    """Score batch after batch, here."""
    free = [family for family in families if is_free(family)]

    def run(batches: Iterable[list[Trace]]) -> Iterator[Batch]:
        for batch in batches:
            usable = _usable(batch)
            yield batch, usable, find(free, batch)

    return run


_families: list[Family] = []  # of a worker process, set once when it starts


def _start(ids: Sequence[str]) -> None:
    _families[:] = [family for family in catalog.families() if family.id in ids]


def _work(traces: Sequence[Trace]) -> dict[str, tuple[Scores, Any]]:
    return find(_families, traces)


@contextmanager
def workers(families: Sequence[Family], count: int) -> Iterator[Map]:
    """Score batches in `count` processes; one or none means here."""
    if count <= 1:
        yield in_turn(families)
        return
    ids = [family.id for family in families if is_free(family)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=_start, initargs=(ids,)) as executor:

        def run(batches: Iterable[list[Trace]]) -> Iterator[Batch]:
            pending: deque[tuple[list[Trace], list[Trace], Future[dict[str, tuple[Scores, Any]]]]] = deque()
            for batch in batches:
                usable = _usable(batch)
                pending.append((batch, usable, executor.submit(_work, batch)))
                if len(pending) >= AHEAD * count:
                    first, scorable, future = pending.popleft()
                    yield first, scorable, future.result()
            for first, scorable, future in pending:
                yield first, scorable, future.result()

        yield run
