"""scores.parquet: one row per trace, one column per metric, and beside each a reason where there is no number.

Columns: config, split, row, trace (which of the row's traces), question_id, by_<column>, problem, marks, then for
every metric `<metric>` (double, null if unscored) and `<metric>_unscored` (the reason, null if scored). With text:
question, reasoning, response, reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hfscore.engine import Table
from hfscore.records import Trace
from hfscore.report import SCORES_FILE, atomic

ROWS_PER_GROUP = 8192
TEXTS = ("question", "reasoning", "response", "reference")


def columns(table: Table, traces: Sequence[Trace], start: int, *, with_text: bool) -> dict[str, list[Any]]:
    """The parquet columns of one batch, which begins at position `start` of the table."""
    span = range(start, start + len(traces))
    data: dict[str, list[Any]] = {
        "config": [table.config] * len(span),
        "split": [table.split] * len(span),
        "row": [table.rows[i] for i in span],
        "trace": [table.indexes[i] for i in span],
        "question_id": [f"{table.questions[i]:016x}" for i in span],
        **{f"by_{name}": values[start : start + len(span)] for name, values in table.by.items()},
        "problem": [table.problems.get(i) for i in span],
        "marks": [list(table.trace_marks.get(i, ())) for i in span],
    }
    for name, column in table.columns.items():
        reasons = [column.reason(i) for i in span]
        data[name] = [None if why else column.values[i] for i, why in zip(span, reasons, strict=True)]
        data[f"{name}_unscored"] = reasons
    if with_text:
        data |= {text: [_encodable(getattr(trace, text)) for trace in traces] for text in TEXTS}
    return data


def _encodable(text: str | None) -> str | None:
    """A text that UTF-8 can hold: a lone surrogate becomes a question mark."""
    return text if text is None else text.encode("utf-8", "replace").decode()


class _Writer:
    """Collects batches into row groups of one schema."""

    def __init__(self, path: Path, *, metrics: Sequence[str], by: Sequence[str], with_text: bool) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = [("config", pa.string()), ("split", pa.string()), ("row", pa.int64()), ("trace", pa.int32())]
        names += [("question_id", pa.string()), *((f"by_{name}", pa.string()) for name in by)]
        names += [("problem", pa.string()), ("marks", pa.list_(pa.string()))]
        for name in metrics:
            names += [(name, pa.float64()), (f"{name}_unscored", pa.string())]
        names += [(text, pa.large_string()) for text in TEXTS] if with_text else []
        self.schema = pa.schema(names)
        self.with_text = with_text
        self.pending: dict[str, list[Any]] = {name: [] for name, _ in names}
        self.writer = pq.ParquetWriter(path, self.schema, compression="zstd")

    def add(self, traces: Sequence[Trace], table: Table, start: int) -> None:
        for name, values in columns(table, traces, start, with_text=self.with_text).items():
            self.pending[name] += values
        if len(self.pending["row"]) >= ROWS_PER_GROUP or self.with_text:
            self.flush()

    def flush(self) -> None:
        import pyarrow as pa

        if self.pending["row"]:
            self.writer.write_table(pa.Table.from_pydict(self.pending, schema=self.schema))
            self.pending = {name: [] for name in self.pending}

    def close(self) -> None:
        self.flush()
        self.writer.close()


@contextmanager
def writer(
    folder: Path, *, metrics: Sequence[str], by: Sequence[str] = (), with_text: bool = False
) -> Iterator[_Writer]:
    """Open `folder`/scores.parquet for batches (`add` is a sink of `engine.score_part`); renamed into place at the end.

    Args:
        folder: The report's folder.
        metrics: Metric ids, in column order.
        by: Columns asked for with `--by`.
        with_text: Whether the traces' text is stored too.
    """
    with atomic(folder / SCORES_FILE) as temporary:
        opened = _Writer(temporary, metrics=metrics, by=by, with_text=with_text)
        try:
            yield opened
        finally:
            opened.close()
