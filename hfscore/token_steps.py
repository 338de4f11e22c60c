"""token_steps.parquet: one row per step of a trace that a language model read, beside a run's text.

Columns: config, split, row, trace (which of the row's traces), step (from 1), start, end (characters of the reasoning),
tokens, surprisal (mean over the step's tokens of -log p, nats), entropy (mean, nats). A token belongs to the step in
which it begins. Agents' trajectories have no rows here: their tokens are counted over their turns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hfscore.ports import TokenScores, TraceScores
from hfscore.records import Trace, Unscored
from hfscore.report import atomic
from hfscore.text.steps import split_steps

TOKENS_FILE = "token_steps.parquet"


def rows(trace: Trace, found: TokenScores) -> Iterator[dict[str, Any]]:
    """The rows of one trace; a step in which no token begins has none."""
    for number, step in enumerate(split_steps(trace.reasoning), 1):
        first, stop = np.searchsorted(found.starts, (step.start, step.end))
        if stop > first:
            yield {
                "config": trace.config,
                "split": trace.split,
                "row": trace.row,
                "trace": trace.index,
                "step": number,
                "start": step.start,
                "end": step.end,
                "tokens": int(stop - first),
                "surprisal": float(found.nll[first:stop].mean()),
                "entropy": float(found.entropy[first:stop].mean()),
            }


class _Writer:
    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = [("config", pa.string()), ("split", pa.string()), ("row", pa.int64()), ("trace", pa.int32())]
        names += [("step", pa.int32()), ("start", pa.int64()), ("end", pa.int64()), ("tokens", pa.int32())]
        self.schema = pa.schema([*names, ("surprisal", pa.float32()), ("entropy", pa.float32())])
        self.writer = pq.ParquetWriter(path, self.schema, compression="zstd")

    def add(self, traces: Sequence[Trace], read: Sequence[TraceScores | Unscored]) -> None:
        import pyarrow as pa

        known = [(trace, one) for trace, one in zip(traces, read, strict=True) if isinstance(one, TraceScores)]
        found = [row for trace, one in known if not trace.turns for row in rows(trace, one.reasoning)]
        if found:
            self.writer.write_table(pa.Table.from_pylist(found, schema=self.schema))


@contextmanager
def writer(folder: Path) -> Iterator[_Writer]:
    """Open `folder`/token_steps.parquet for batches of (traces, what the model read); renamed into place at the end."""
    with atomic(folder / TOKENS_FILE) as temporary:
        opened = _Writer(temporary)
        try:
            yield opened
        finally:
            opened.writer.close()
