"""Two revisions of one dataset: what moved, and in which rows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from hfscore.comparison.candidates import Candidate
from hfscore.comparison.statistics import question_means
from hfscore.comparison.values import Change, History

CHANGES_SHOWN = 10  # largest moves of each metric
ROWS_NAMED = 5
UNMOVED = 1e-9  # a sum in another order is no change of the data


def histories(candidates: Sequence[Candidate], metrics: Sequence[str]) -> list[History]:
    """One for every two candidates that are the same part of the same dataset at two revisions."""
    return [
        _history(first, second, metrics)
        for first, second in itertools.combinations(candidates, 2)
        if first.report.source.id == second.report.source.id
        and first.report.source.revision != second.report.source.revision
        and (first.part.config, first.part.split) == (second.part.config, second.part.split)
    ]


def _history(first: Candidate, second: Candidate, metrics: Sequence[str]) -> History:
    before, after = set(first.questions.tolist()), set(second.questions.tolist())
    moved: dict[str, int] = {}
    changes: list[Change] = []
    for metric in metrics:
        old, new = question_means(first, metric), question_means(second, metric)
        steps = {one: new[one] - old[one] for one in old.keys() & new.keys() if abs(new[one] - old[one]) > UNMOVED}
        if steps:
            moved[metric] = len(steps)
        largest = sorted(steps, key=lambda one: (-abs(steps[one]), one))[:CHANGES_SHOWN]
        changes += [Change(metric, one, old[one], new[one], _rows(first, one), _rows(second, one)) for one in largest]
    return History(
        first.label,
        second.label,
        len(before - after),
        len(after - before),
        len(before & after),
        moved,
        tuple(changes),
    )


def _rows(one: Candidate, question: str) -> tuple[int, ...]:
    found = np.unique(one.rows[one.questions == question])
    return tuple(int(row) for row in found[:ROWS_NAMED])
