"""What is known of every row of a split, in arrays: scores, flags, tokens, groups. No text is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfscore.columns import paths
from hfscore.errors import HfscoreError
from hfscore.escape import clip, plain
from hfscore.ports import StudentTokenizer
from hfscore.records import Trace, Unscored
from hfscore.run import LONGEST_LABEL, Detected, Progress, traces_of
from hfscore.selection import copies
from hfscore.selection.choice import Positions
from hfscore.sources import Source
from hfscore.spec import Metric

BATCH = 65_536  # rows of scores read at a time
TEXTS = 256  # rows of text read at a time
MOST_GROUPS = 10_000


@dataclass(slots=True)
class Reasons:
    """Why rows are left out.

    Args:
        code: (n,) 0 where a row is not, else a place in `names`.
        names: Reasons, the first of them empty.
    """

    code: NDArray[np.int16]
    names: list[str] = field(default_factory=lambda: [""])

    def give(self, rows: Any, reason: str) -> None:
        """Give rows a reason; one that has a reason keeps it."""
        if reason not in self.names:
            self.names.append(reason)
        free = rows[self.code[rows] == 0]
        self.code[free] = self.names.index(reason)

    def counts(self) -> dict[str, int]:
        """Reason -> rows."""
        found = np.bincount(self.code, minlength=len(self.names))
        return {reason: int(n) for reason, n in zip(self.names, found, strict=True) if reason and n}


@dataclass(slots=True)
class Scores:
    """Scores of rows; a row of several traces has the mean of them, and none where one trace has none.

    Args:
        values: metric -> (n,) values, 0 where there is none.
        has: metric -> (n,) whether there is one.
        unscored: Rows that lack a value.
        flags: flag -> (n,) whether some trace carries it.
        doubtful: (n,) whether some flag could not be told.
        questions: (n,) question id of the row's first trace.
        traces: (n,) traces of every row.
    """

    values: dict[str, NDArray[np.float64]]
    has: dict[str, NDArray[np.bool_]]
    unscored: Reasons
    flags: dict[str, NDArray[np.bool_]]
    doubtful: NDArray[np.bool_]
    questions: NDArray[np.uint64]
    traces: NDArray[np.int64]


def read_scores(path: Path, part: tuple[str, str], n: int, metrics: Sequence[str], flags: Sequence[str]) -> Scores:
    """Read the scores of a split of `n` rows.

    Raises:
        HfscoreError: A column is missing, or the rows are not all there.
    """
    wanted = [name for metric in (*metrics, *flags) for name in (metric, f"{metric}_unscored")]
    found = Scores(
        values={metric: np.zeros(n) for metric in metrics},
        has={metric: np.ones(n, bool) for metric in metrics},
        unscored=Reasons(np.zeros(n, np.int16)),
        flags={flag: np.zeros(n, bool) for flag in flags},
        doubtful=np.zeros(n, bool),
        questions=np.zeros(n, np.uint64),
        traces=np.zeros(n, np.int64),
    )
    for batch in batches(path, part, ["row", "trace", "question_id", *wanted]):
        rows = batch["row"].to_numpy()
        if len(rows) and rows.max() >= n:
            raise HfscoreError(f"{path} has scores of row {rows.max()}, but the split has {n:,} rows.", "Score again.")
        np.add.at(found.traces, rows, 1)
        first = batch["trace"].to_numpy() == 0
        ids = [int(text, 16) for text in batch["question_id"].to_pylist()]
        found.questions[rows[first]] = np.array(ids, np.uint64)[first]
        for metric in metrics:
            _give_reasons(found.unscored, rows, batch[f"{metric}_unscored"])
            found.has[metric][rows[batch[metric].is_null().to_numpy(zero_copy_only=False)]] = False
            np.add.at(found.values[metric], rows, batch[metric].fill_null(0.0).to_numpy(zero_copy_only=False))
        for flag in flags:
            found.flags[flag][rows[batch[flag].fill_null(0.0).to_numpy(zero_copy_only=False) > 0]] = True
            found.doubtful[rows[batch[flag].is_null().to_numpy(zero_copy_only=False)]] = True
    if not found.traces.all():
        raise HfscoreError(
            f"{path} has scores of {int((found.traces > 0).sum()):,} of {n:,} rows.",
            "Rows are chosen among all of them: score with --rows all.",
        )
    found.values = {metric: values / found.traces for metric, values in found.values.items()}
    return found


def batches(path: Path, part: tuple[str, str], names: Sequence[str]) -> Iterator[Any]:
    """Columns of a split's scores, some rows at a time.

    Raises:
        HfscoreError: A column is missing.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        if missing := sorted(set(names) - set(file.schema_arrow.names)):
            raise HfscoreError(f"{path} has no column {missing[0]}.", "Score again with that metric.")
        for batch in file.iter_batches(BATCH, columns=["config", "split", *names]):
            yield batch.filter(pc.and_(pc.equal(batch["config"], part[0]), pc.equal(batch["split"], part[1])))


def _give_reasons(unscored: Reasons, rows: Any, column: Any) -> None:
    import pyarrow.compute as pc

    for reason in column.drop_null().unique().to_pylist():
        these = pc.fill_null(pc.equal(column, reason), fill_value=False).to_numpy(zero_copy_only=False)
        unscored.give(rows[these], reason)


@dataclass(slots=True)
class Texts:
    """What one pass over the text of a split leaves.

    Args:
        tokens: (n,) tokens of a row's traces as a student is trained on them, or words of question, reasoning and
            response; 0 where the row cannot be used.
        keys: (n,) hash of a row's question, reasoning and response, case and white space folded.
        groups: (n,) place of the row's group in `labels`; all 0 where no column was given.
        labels: What the groups are called, each different.
        unusable: Rows that nobody can train on.
    """

    tokens: NDArray[np.int64]
    keys: NDArray[np.uint64]
    groups: NDArray[np.int64]
    labels: list[str]
    unusable: Reasons


def read_texts(
    opened: Source,
    one: Detected,
    columns: Sequence[str],
    questions: NDArray[np.uint64],
    student: StudentTokenizer | None,
    progress: Progress,
) -> Texts:
    """Pass over the text of a split once.

    Args:
        opened: The source.
        one: The split.
        columns: Columns that make groups.
        questions: (n,) question ids of the rows that were scored.
        student: What counts tokens; None counts words.
        progress: Told how far it is.

    Raises:
        HfscoreError: The rows are not those that were scored, or the columns have too many values.
    """
    n = len(questions)
    zeros = np.zeros(n, np.int64)
    found = Texts(zeros, np.zeros(n, np.uint64), zeros.copy(), [], Reasons(np.zeros(n, np.int16)))
    places: dict[bytes, int] = {}
    found_paths = [paths.parse(path) for path in columns]
    pending: list[tuple[int, list[Trace]]] = []
    seen = 0
    for row, data in opened.scan(one.ref, _columns(one, columns)):
        traces = traces_of(one.layout, one.ref, row, data, ())
        if row >= n or int(traces[0].question_id, 16) != int(questions[row]):
            raise HfscoreError(f"Row {row:,} of {one.name} is not the one that was scored.", "Score again.")
        values = [[str(value) for value in paths.resolve(path, data) if value is not None] for path in found_paths]
        place = places.setdefault(_hash(repr(values)), len(places))
        found.groups[row] = place
        if place == len(found.labels):
            found.labels.append(_label(values, found.labels))
        if len(places) > MOST_GROUPS:
            raise HfscoreError(f"{', '.join(columns)} has more than {MOST_GROUPS:,} values.", "Name another column.")
        found.keys[row] = int.from_bytes(_hash(_whole(traces)))
        empty = None if folded_text(traces) else "no reasoning"
        if reason := next((trace.problem for trace in traces if trace.problem), empty):
            found.unusable.give(np.array([row]), reason)
        else:
            pending.append((row, traces))
        if len(pending) == TEXTS:
            _count(found, pending, student)
            pending.clear()
            progress("reading texts", row, n)
        seen = row + 1
    _count(found, pending, student)
    if seen != n:
        raise HfscoreError(f"{one.name} has {seen:,} rows, {n:,} were scored.", "Score again.")
    return found


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()


def _label(values: Sequence[Sequence[str]], there: Sequence[str]) -> str:
    """What a group is called: the start of its values, numbered where another one reads the same."""
    name = "; ".join(clip(plain(", ".join(one) or "(none)"), LONGEST_LABEL) for one in values)
    same = sum(label == name or label.startswith(f"{name} (") for label in there)
    return f"{name} ({same + 1})" if same else name


def _whole(traces: Sequence[Trace]) -> str:
    """Everything a student is trained on, case and white space folded."""
    texts = [text or "" for one in traces for text in (one.question, one.reasoning, one.response)]
    return "\n".join(" ".join(text.lower().split()) for text in texts)


def _columns(one: Detected, more: Sequence[str]) -> list[str]:
    return sorted({*one.layout.columns, *(paths.column_of(paths.parse(path)) for path in more)})


def _count(found: Texts, pending: Sequence[tuple[int, list[Trace]]], student: StudentTokenizer | None) -> None:
    if student is None:
        for row, traces in pending:
            found.tokens[row] = sum(map(_words, traces))
        return
    lengths = iter(student.lengths([trace for _, traces in pending for trace in traces]))
    for row, traces in pending:
        own = [next(lengths) for _ in traces]
        if reason := next((one.reason for one in own if isinstance(one, Unscored)), None):
            found.unusable.give(np.array([row]), reason)
        else:
            found.tokens[row] = sum(one.total for one in own if not isinstance(one, Unscored))


def _words(trace: Trace) -> int:
    own = None if trace.own_response else trace.response
    return sum(len(text.split()) for text in (trace.question, trace.reasoning, own) if text)


def folded_text(traces: Sequence[Trace]) -> str:
    """The reasoning of a row, case and white space folded."""
    return " ".join(" ".join(trace.reasoning for trace in traces).lower().split())


def sketches_of(opened: Source, one: Detected) -> Callable[[Positions], copies.Signatures]:
    """What reads rows, given in any order, and gives the signature of each; no text is kept."""

    def read(rows: Positions) -> copies.Signatures:
        found = np.zeros((len(rows), copies.VALUES), np.uint32)
        order = np.argsort(rows)
        taken = opened.take(one.ref, rows[order].tolist(), one.layout.columns)
        for place, (row, data) in zip(order, taken, strict=True):
            found[place] = copies.signature(_whole(traces_of(one.layout, one.ref, row, data, ())))
        return found

    return read


def means(path: Path, part: tuple[str, str], metrics: Sequence[Metric], masks: Sequence[Any]) -> list[list[Any]]:
    """metric by mask: (mean over the traces of the mask's rows that have a number, how many have none).

    Args:
        path: scores.parquet.
        part: (config, split).
        metrics: What to read.
        masks: (n,) each, whether a row is in.

    Returns:
        For every metric and mask (mean or None, traces scored, traces unscored).
    """
    sums = np.zeros((len(metrics), len(masks)))
    scored, unscored = sums.astype(np.int64), sums.astype(np.int64)
    for batch in batches(path, part, ["row", *(one.id for one in metrics)]):
        rows = batch["row"].to_numpy()
        inside = [mask[rows] for mask in masks]
        for place, metric in enumerate(metrics):
            values = batch[metric.id].to_numpy(zero_copy_only=False)
            has = np.isfinite(values)
            for number, here in enumerate(inside):
                sums[place, number] += values[has & here].sum()
                scored[place, number] += int((has & here).sum())
                unscored[place, number] += int((~has & here).sum())
    return [
        [
            (float(total / count) if count else None, int(count), int(none))
            for total, count, none in zip(sums[place], scored[place], unscored[place], strict=True)
        ]
        for place in range(len(metrics))
    ]
