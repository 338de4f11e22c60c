"""How a metric describes itself. Everything that shows a metric reads these values.

A family is one file in `hfscore/metrics/` ending in `FAMILY = Family(...)`: metrics that come out of
one computation. A metric is one number per trace, and one column of `scores.parquet`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from hfscore.ports import Tools
from hfscore.records import Reading, Trace

Need = Literal["embedder", "verifier", "students", "contamination", "judge", "reference_lm", "student_lms"]
Direction = Literal["up", "down", "none", "contested"]
Grade = Literal["A", "B", "C", "D", "X", "-"]
Unit = Literal[
    "", "share", "steps", "words", "bytes", "tokens"
]  # "share": 0 or 1 (or a ratio) per trace, printed as a percentage


@dataclass(frozen=True, slots=True)
class Metric:
    """One number per trace.

    Args:
        id: snake_case name, the same in code, CLI, report, card and docs.
        alias: Code of the catalogue, such as "B2w".
        title: A few words for a table's first column.
        formula: How it is computed, one line of plain text.
        reading: What a value says, and what it does not, in words for the card.
        lowest: Smallest possible value, or None.
        highest: Largest possible value, or None.
        direction: "up" if published evidence counts higher as better, "down" if lower, "contested" where
            studies disagree, "none" where no sign is known.
        grade: Grade of that evidence: A two independent studies and an intervention; B one study of at
            least 8 data sets, or an intervention; C a small study; D no link to training outcomes;
            X conflicting; "-" a control.
        evidence: Where the grade comes from, one sentence.
        headline: Whether the metric stands in the card's first table.
        digits: Decimals to print.
        unit: What it counts; empty for a bare number.
        flag: Whether a 1 marks a row to look at; such rows are listed in report and card.
        statistic: What stands for a part in tables: the mean, or the median where a long tail decides the mean.
    """

    id: str
    alias: str
    title: str
    formula: str
    reading: str
    lowest: float | None
    highest: float | None
    direction: Direction
    grade: Grade
    evidence: str
    headline: bool = False
    digits: int = 2
    unit: Unit = ""
    flag: bool = False
    statistic: Literal["mean", "median"] = "mean"


Scores = Mapping[str, Sequence[Reading]]


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement about a whole part that is no mean over traces: a duplicate rate, a missing card field.

    Args:
        id: snake_case name.
        title: A few words.
        value: The number, or None where it could not be measured.
        unit: What it counts.
        of: On how many traces, questions or fields it rests.
        note: What it rests on or why it was not measured, a sentence.
        rows: Rows to look at.
        low: Lower end of the 95% interval, or None if not defined.
        high: Upper end.
    """

    id: str
    title: str
    value: float | None
    unit: Unit
    of: int
    note: str
    rows: tuple[int, ...] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Fold:
    """What is found in a part as a whole, gathered batch by batch in bounded memory.

    Args:
        start: (tools) -> state.
        add: (state, traces, found) -> None; `found` is what `read` gave, or without it the family's readings.
        finish: (state) -> facts.
        read: Optional (traces, their readings) -> found: the costly part, pure and picklable, done on any core.
    """

    start: Callable[[Tools], Any]
    add: Callable[[Any, Sequence[Trace], Any], None]
    finish: Callable[[Any], Sequence[Fact]]
    read: Callable[[Sequence[Trace], Scores], Any] | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """Metrics of one computation.

    Args:
        id: snake_case name, equal to the file's.
        title: A few words.
        source: Paper and section, or the library, that the formulas come from.
        version: Raised whenever a change moves a score.
        metrics: What comes out; their ids are the keys of what `score` returns.
        score: (traces, tools, pool) -> one reading per metric and trace. Same numbers whatever the batch.
        needs: Tools that `score` and `pool` ask for.
        pool: Optional (reference traces, tools) -> a value handed to every call of `score`. The reference
            traces are a bounded random draw from the sample, the same however the run is cut.
        fold: Optional, for what is no number per trace.
        reads_problems: Whether it also reads traces that hold nothing to score; it then gives a reading for each.
        costly: Whether it runs only where it is named, because it reads every trace many times.
        for_student: Optional (index, name) -> this family for one of `tools.student_lms()`, its ids and titles named.
        rank: Where it stands in tables, lowest first: what a maintainer is asked first comes first.
        settings: (tools) -> whatever else decides the numbers (model, library version), for the report.
    """

    id: str
    title: str
    source: str
    version: int
    metrics: tuple[Metric, ...]
    score: Callable[[Sequence[Trace], Tools, Any], Scores]
    needs: tuple[Need, ...] = ()
    pool: Callable[[Sequence[Trace], Tools], Any] | None = None
    fold: Fold | None = None
    reads_problems: bool = False
    costly: bool = False
    for_student: Callable[[int, str], Family] | None = None
    rank: int = 100
    settings: Callable[[Tools], Mapping[str, str]] = lambda tools: {}


def suffix_of(name: str) -> str:
    """What the ids of a family's metrics end in that is measured for `name`."""
    return "__" + re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def named(family: Family, name: str) -> Family:
    """A family that is measured more than once, as under several students: ids end in `__slug`, titles in `(name)`.

    Args:
        family: What it is called without a name.
        name: Tells it apart; its slug is `name` in lower case, whatever is no letter or digit as one underscore.
    """
    suffix = suffix_of(name)

    def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
        return {key + suffix: found for key, found in family.score(traces, tools, pool).items()}

    return replace(
        family,
        id=family.id + suffix,
        title=f"{family.title} ({name})",
        metrics=tuple(
            replace(one, id=one.id + suffix, alias=one.alias + suffix, title=f"{one.title} ({name})")
            for one in family.metrics
        ),
        score=score,
        fold=_named_fold(family.fold, suffix, name) if family.fold else None,
        for_student=None,
    )


def _named_fold(fold: Fold, suffix: str, name: str) -> Fold:
    assert fold.read is None, "what `read` is handed would have to be picklable"

    def add(state: Any, traces: Sequence[Trace], scores: Scores) -> None:
        fold.add(state, traces, {key.removesuffix(suffix): found for key, found in scores.items()})

    def finish(state: Any) -> list[Fact]:
        return [replace(one, id=one.id + suffix, title=f"{one.title} ({name})") for one in fold.finish(state)]

    return Fold(fold.start, add, finish)
