"""The one loop: traces in batches through every family, readings into columns, columns into values.

Knows no dataset and no model library: it is handed traces and tools. A batch changes no number.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hfscore import pool, stats
from hfscore.errors import HfscoreError
from hfscore.ports import Tools
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.report import Difference, RowNote, Skipped, Value
from hfscore.shards import Shards, Share
from hfscore.spec import Fact, Family, Metric, Need, Scores

BATCH_TRACES = 256
BATCH_CHARACTERS = 4_000_000
WINDOW_TRACES = 2048  # where a language model scores: rows of like length are found within a batch
WINDOW_CHARACTERS = 64_000_000
WINDOWED: frozenset[Need] = frozenset({"reference_lm", "student_lms", "judge"})
POOL_QUESTIONS = 256  # reference draw of families that compare a trace with others
POOL_TRACES = 1024
ROWS_SHOWN = 20
NUMBERS_AT_ONCE = 8_000_000  # 64 MB


@dataclass(slots=True)
class Column:
    """One metric over the traces of a part: a number or a reason for each, and marks."""

    values: array[float] = field(default_factory=lambda: array("d"))
    reasons: array[int] = field(default_factory=lambda: array("h"))  # 0 = scored, else index into `names`
    names: list[str] = field(default_factory=lambda: [""])
    marks: dict[int, str] = field(default_factory=dict)

    def scored(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """(n,) which traces carry a number."""
        mask: np.ndarray[Any, np.dtype[np.bool_]] = np.frombuffer(self.reasons, dtype=np.int16) == 0
        return mask

    def reason(self, index: int) -> str | None:
        """Why trace `index` has no number, or None if it has one."""
        return self.names[self.reasons[index]] or None


@dataclass(slots=True)
class Table:
    """What was found in one part, in columns: 40 bytes or so a trace, no text.

    Args:
        config: Configuration.
        split: Split.
        columns: metric id -> column.
        rows: (n,) row numbers.
        indexes: (n,) which trace of its row.
        questions: (n,) question ids.
        facts: What was found in the part as a whole.
        by: column asked for with `--by` -> (n,) its values.
        problems: position -> why the trace could not be read.
        trace_marks: position -> marks of its extraction.
    """

    config: str
    split: str
    columns: dict[str, Column]
    rows: array[int] = field(default_factory=lambda: array("q"))
    indexes: array[int] = field(default_factory=lambda: array("l"))
    questions: array[int] = field(default_factory=lambda: array("Q"))
    by: dict[str, list[str]] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)
    trace_marks: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)


def batches(traces: Iterable[Trace], families: Sequence[Family] = ()) -> Iterator[list[Trace]]:
    """Cut a stream into batches bounded in number and in characters; larger ones where a language model is asked."""
    windowed = any(WINDOWED & set(family.needs) for family in families)
    most, longest = (WINDOW_TRACES, WINDOW_CHARACTERS) if windowed else (BATCH_TRACES, BATCH_CHARACTERS)
    batch: list[Trace] = []
    size = 0
    for trace in traces:
        batch.append(trace)
        size += len(trace.reasoning) + len(trace.question or "") + len(trace.response or "")
        if len(batch) >= most or size >= longest:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def build_pools(
    families: Sequence[Family], draw: Iterable[Trace], tools: Tools, *, rank: Callable[[str], Any] = str
) -> dict[str, Any]:
    """family id -> what its `pool` makes of the reference draw.

    Args:
        families: What is measured.
        draw: Traces to choose from.
        tools: What the families may ask for.
        rank: Orders question ids; the draw is cut to the first `POOL_QUESTIONS` in that order. The order of the
            sample makes a small sample's draw part of a large one's.
    """
    pooled = [family for family in families if family.pool is not None]
    if not pooled:
        return {}
    by_question: dict[str, list[Trace]] = {}
    for trace in draw:
        if trace.problem is None:
            by_question.setdefault(trace.question_id, []).append(trace)
    first = sorted(by_question, key=rank)[:POOL_QUESTIONS]
    usable = [trace for question in first for trace in by_question[question]]
    return {family.id: family.pool(usable[:POOL_TRACES], tools) for family in pooled if family.pool is not None}


def score_part(
    traces: Iterable[Trace],
    families: Sequence[Family],
    tools: Tools,
    pools: Mapping[str, Any],
    *,
    config: str,
    split: str,
    sink: Callable[[Sequence[Trace], Table, int], None] | None = None,
    spread: pool.Map | None = None,
    kept: Shards | None = None,
) -> Table:
    """Score a stream of traces.

    Args:
        traces: The traces of one part.
        families: What to measure.
        tools: What the families may ask for.
        pools: Made by `build_pools`.
        config: Configuration.
        split: Split.
        sink: Called after each batch with (its traces, the table, position of the first of them).
        spread: How families that need no model are scored (`pool.workers`); here, by default.
        kept: Where readings of families that need tools are kept, and taken from.

    Returns:
        One entry per trace and metric: none is dropped.
    """
    table = Table(config, split, {metric.id: Column() for family in families for metric in family.metrics})
    states = {family.id: family.fold.start(tools) for family in families if family.fold}
    for batch, usable, found in (spread or pool.in_turn(families))(batches(traces, families)):
        start = len(table)
        _append_identity(table, batch)
        stored = kept.load(start, batch) if kept else None
        fresh: dict[str, Sequence[Reading]] = {}
        for family in families:
            seen = batch if family.reads_problems else usable
            if family.id in found:
                scores, read = found[family.id]
                fresh |= {metric.id: _whole(family, metric, batch, scores) for metric in family.metrics}
            else:
                if stored is None:
                    fresh |= (own := _score(family, batch, seen, tools, pools))
                else:
                    fresh |= (own := {metric.id: stored[metric.id] for metric in family.metrics})
                scores = {name: _of(batch, readings, family) for name, readings in own.items()}
                read = family.fold.read(seen, scores) if family.fold and family.fold.read else scores
            if family.fold:
                family.fold.add(states[family.id], seen, read)
            for metric in family.metrics:
                _append_readings(table.columns[metric.id], fresh[metric.id], len(batch), start, metric)
        if kept and stored is None:
            kept.save(start, batch, {name: fresh[name] for name in _costly(families, found)})
        if sink is not None:
            sink(batch, table, start)
    for family in families:
        if family.fold:
            table.facts += family.fold.finish(states[family.id])
    return table


def score_share(
    traces: Iterable[Trace],
    families: Sequence[Family],
    tools: Tools,
    pools: Mapping[str, Any],
    *,
    kept: Shards,
    share: Share,
    done: Callable[[int], None],
) -> None:
    """Score this run's share of a part's batches, with the families whose readings are kept, and keep them.

    Args:
        traces: The traces of one part, all of them.
        families: What to measure.
        tools: What the families may ask for.
        pools: Made by `build_pools`.
        kept: Where the readings go.
        share: Which batches are this run's.
        done: Told how many traces were passed.
    """
    costly = [family for family in families if not pool.is_free(family)]
    start = 0
    for number, batch in enumerate(batches(traces, families)):
        if share.holds(number) and not kept.has(start):
            kept.save(start, batch, score_batch(batch, costly, tools, pools))
        start += len(batch)
        done(start)


def score_batch(
    batch: Sequence[Trace], families: Sequence[Family], tools: Tools, pools: Mapping[str, Any]
) -> dict[str, Sequence[Reading]]:
    """metric id -> a reading for every trace of a batch, by some families and with no fold of theirs."""
    usable = [trace for trace in batch if trace.problem is None]
    readings: dict[str, Sequence[Reading]] = {}
    for family in families:
        readings |= _score(family, batch, batch if family.reads_problems else usable, tools, pools)
    return readings


def _costly(families: Sequence[Family], found: Mapping[str, Any]) -> list[str]:
    return [metric.id for family in families if family.id not in found for metric in family.metrics]


def _score(
    family: Family, batch: Sequence[Trace], seen: Sequence[Trace], tools: Tools, pools: Mapping[str, Any]
) -> dict[str, Sequence[Reading]]:
    """metric id -> a reading for every trace of a batch, of which the family sees some."""
    scores = family.score(seen, tools, pools.get(family.id)) if seen else {}
    return {metric.id: _whole(family, metric, batch, scores) for metric in family.metrics}


def _whole(family: Family, metric: Metric, batch: Sequence[Trace], scores: Scores) -> Sequence[Reading]:
    readings = scores.get(metric.id, ())
    return readings if family.reads_problems else _with_problems(batch, readings, metric)


def _of(batch: Sequence[Trace], readings: Sequence[Reading], family: Family) -> Sequence[Reading]:
    """Readings of the traces that a family sees, from those of the whole batch."""
    if family.reads_problems:
        return readings
    return [reading for trace, reading in zip(batch, readings, strict=True) if trace.problem is None]


def _append_identity(table: Table, batch: Sequence[Trace]) -> None:
    for trace in batch:
        position = len(table)
        table.rows.append(trace.row)
        table.indexes.append(trace.index)
        table.questions.append(int(trace.question_id, 16))
        for column, value in trace.by.items():
            table.by.setdefault(column, []).append(value)
        if trace.problem is not None:
            table.problems[position] = trace.problem
        if trace.marks:
            table.trace_marks[position] = trace.marks


def _with_problems(batch: Sequence[Trace], readings: Sequence[Reading], metric: Metric) -> list[Reading]:
    """Readings for a whole batch: those given, and the reason of every trace that could not be read."""
    usable = sum(trace.problem is None for trace in batch)
    if len(readings) != usable:
        raise AssertionError(f"{metric.id} gave {len(readings)} readings for {usable} traces")
    given = iter(readings)
    return [next(given) if trace.problem is None else Unscored(trace.problem) for trace in batch]


def _append_readings(column: Column, readings: Sequence[Reading], traces: int, start: int, metric: Metric) -> None:
    if len(readings) != traces:
        raise AssertionError(f"{metric.id} gave {len(readings)} readings for {traces} traces")
    for position, reading in enumerate(readings, start):
        if isinstance(reading, Scored):
            column.values.append(reading.value)
            column.reasons.append(0)
            if reading.mark:
                column.marks[position] = reading.mark
            continue
        if reading.reason not in column.names:
            column.names.append(reading.reason)
        column.values.append(0.0)  # never read: `scored` masks it
        column.reasons.append(column.names.index(reading.reason))


def summarise(table: Table, *, seed: int) -> list[Value]:
    """One `Value` per metric, and one per metric and group where groups were asked for."""
    values = _values(table, np.ones(len(table), dtype=bool), None, seed)
    for by, labels in table.by.items():
        array_of = np.asarray(labels, dtype=object)
        for label in sorted(set(labels)):
            values += _values(table, array_of == label, (by, label), seed)
    return values


def _values(table: Table, among: Any, by: tuple[str, str] | None, seed: int) -> list[Value]:
    """The values of all metrics over some traces; metrics scored on the same traces share their bootstrap."""
    all_questions = np.frombuffer(table.questions, dtype=np.uint64)
    kept = {name: column.scored() & among for name, column in table.columns.items()}
    alike: dict[bytes, list[str]] = {}
    for name, keep in kept.items():
        alike.setdefault(np.packbits(keep).tobytes(), []).append(name)
    found: dict[str, Value] = {}
    for names in alike.values():
        keep = kept[names[0]]
        questions = all_questions[keep]
        scores = [np.frombuffer(table.columns[name].values, dtype=np.float64)[keep] for name in names]
        intervals = _intervals(scores, questions, seed)
        distinct = len(np.unique(questions))
        for column, (name, numbers) in enumerate(zip(names, scores, strict=True)):
            interval = intervals[column] if intervals else None
            found[name] = _value(table, name, among, by, keep, numbers, interval, distinct)
    return [found[name] for name in table.columns]


def _intervals(scores: Sequence[Any], questions: Any, seed: int) -> list[stats.Interval] | None:
    """`stats.mean_intervals` of all metrics, a few at a time where there are many traces: the draws are the same."""
    at_once = max(1, NUMBERS_AT_ONCE // max(len(questions), 1))
    found: list[stats.Interval] = []
    for start in range(0, len(scores), at_once):
        some = stats.mean_intervals(np.stack(scores[start : start + at_once], axis=1), questions, seed=seed)
        if some is None:
            return None
        found += some
    return found


def _value(
    table: Table,
    name: str,
    among: Any,
    by: tuple[str, str] | None,
    keep: Any,
    numbers: Any,
    interval: stats.Interval | None,
    questions: int,
) -> Value:
    column = table.columns[name]
    reasons = np.bincount(np.frombuffer(column.reasons, dtype=np.int16)[~keep & among], minlength=len(column.names))
    unscored = {reason: int(count) for reason, count in zip(column.names, reasons, strict=True) if count}
    marked: Counter[str] = Counter()
    for position in column.marks.keys() | table.trace_marks.keys():
        if keep[position]:
            marks = {column.marks.get(position, ""), *table.trace_marks.get(position, ())} - {""}
            marked.update(marks)
    p5, median, p95 = (float(q) for q in np.quantile(numbers, [0.05, 0.5, 0.95])) if len(numbers) else (None,) * 3
    return Value(
        metric=name,
        config=table.config,
        split=table.split,
        by=by,
        mean=float(numbers.mean()) if len(numbers) else None,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        p5=p5,
        median=median,
        p95=p95,
        scored=len(numbers),
        questions=questions,
        unscored=dict(sorted(unscored.items())),
        marked=dict(sorted(marked.items())),
    )


def differences(first: Table, second: Table, *, seed: int) -> list[Difference]:
    """Paired differences of two parts, by question; metrics without five pairs are left out."""
    result = []
    for name in first.columns.keys() & second.columns.keys():
        means = [
            stats.question_means(
                np.frombuffer(table.columns[name].values, dtype=np.float64)[table.columns[name].scored()],
                np.frombuffer(table.questions, dtype=np.uint64)[table.columns[name].scored()],
            )
            for table in (first, second)
        ]
        found = stats.paired_difference(*means, seed=seed)
        if found is not None:
            mean, low, high, pairs = found
            one, other = (first.config, first.split), (second.config, second.split)
            result.append(Difference(name, one, other, mean, low, high, pairs))
    return sorted(result, key=lambda difference: difference.metric)


def rows_to_look_at(table: Table, metrics: Iterable[Metric] = ()) -> list[RowNote]:
    """Rows whose traces could not be read, rows read under a reservation, and rows that a metric flags."""
    found: dict[str, list[int]] = {}
    for metric in metrics:
        if metric.flag:
            column = table.columns[metric.id]
            flagged = np.flatnonzero((np.frombuffer(column.values, dtype=np.float64) == 1) & column.scored())
            if len(flagged):
                found[metric.title] = [table.rows[int(position)] for position in flagged]
    for position, problem in table.problems.items():
        found.setdefault(problem, []).append(table.rows[position])
    for position, marks in table.trace_marks.items():
        for mark in marks:
            found.setdefault(mark, []).append(table.rows[position])
    notes = []
    for why, rows in sorted(found.items()):
        distinct = sorted(set(rows))
        notes.append(RowNote(why, table.config, table.split, tuple(distinct[:ROWS_SHOWN]), len(distinct)))
    return notes


def check_needs(families: Sequence[Family], problems: Mapping[str, str | None]) -> tuple[list[Family], list[Skipped]]:
    """Families whose needs can be met, and the others with the reason.

    Args:
        families: What was chosen.
        problems: need -> None if it is met, else why not, a whole sentence.

    Raises:
        HfscoreError: None can be measured.
    """
    runs, skipped = [], []
    for family in families:
        missing = [reason for need in family.needs if (reason := problems[need]) is not None]
        if missing:
            skipped.append(Skipped(family.title, " ".join(missing)))
        else:
            runs.append(family)
    if not runs:
        raise HfscoreError("No chosen metric can be measured here. " + " ".join(one.why for one in skipped))
    return runs, skipped
