"""steps.parquet: one row per judged step, with its place in the trace, its four verdicts and why one is missing.

Columns: config, split, row, trace (which of the row's traces), step (from 1), start, end (characters of the
reasoning), partial (judged in a window), then for every criterion `<criterion>` (bool, null if unscored),
`<criterion>_p` (P(holds), null without log-probabilities), `<criterion>_tier`, `<criterion>_unscored`. With text also
`<criterion>_quote` and `<criterion>_reason` of the second tier.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hfscore.ports import CRITERIA, Judged, JudgedStep, Verdict
from hfscore.records import Trace, Unscored
from hfscore.report import atomic

STEPS_FILE = "steps.parquet"
ROWS_PER_GROUP = 32_768


def rows(trace: Trace, judged: Judged) -> Iterator[dict[str, Any]]:
    """The rows of one trace."""
    for number, step in enumerate(judged.steps, 1):
        place = {"config": trace.config, "split": trace.split, "row": trace.row, "trace": trace.index, "step": number}
        yield {**place, "start": step.start, "end": step.end, "partial": step.partial, **_verdicts(step)}


def _verdicts(step: JudgedStep) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for criterion in CRITERIA:
        verdict = step.verdicts.get(criterion, Unscored("not asked"))
        given = verdict if isinstance(verdict, Verdict) else None
        data[criterion] = given and given.holds
        data[f"{criterion}_p"] = given and given.probability
        data[f"{criterion}_tier"] = given and given.tier
        data[f"{criterion}_unscored"] = verdict.reason if isinstance(verdict, Unscored) else None
        data[f"{criterion}_quote"] = given and (given.quote or None)
        data[f"{criterion}_reason"] = given and (given.reason or None)
    return data


def _schema(*, with_text: bool) -> Any:
    import pyarrow as pa

    names = [("config", pa.string()), ("split", pa.string()), ("row", pa.int64()), ("trace", pa.int32())]
    names += [("step", pa.int32()), ("start", pa.int64()), ("end", pa.int64()), ("partial", pa.bool_())]
    for criterion in CRITERIA:
        names += [(criterion, pa.bool_()), (f"{criterion}_p", pa.float32()), (f"{criterion}_tier", pa.int8())]
        names += [(f"{criterion}_unscored", pa.string())]
        names += [(f"{criterion}_{words}", pa.string()) for words in ("quote", "reason") if with_text]
    return pa.schema(names)


class _Writer:
    def __init__(self, path: Path, *, with_text: bool) -> None:
        import pyarrow.parquet as pq

        self.schema = _schema(with_text=with_text)
        self.pending: list[dict[str, Any]] = []
        self.writer = pq.ParquetWriter(path, self.schema, compression="zstd")

    def add(self, traces: Sequence[Trace], judged: Sequence[Judged | Unscored]) -> None:
        for trace, one in zip(traces, judged, strict=True):
            if isinstance(one, Judged):
                self.pending += rows(trace, one)
        if len(self.pending) >= ROWS_PER_GROUP:
            self.flush()

    def flush(self) -> None:
        import pyarrow as pa

        if self.pending:
            self.writer.write_table(pa.Table.from_pylist(self.pending, schema=self.schema))
            self.pending = []


@contextmanager
def writer(folder: Path, *, with_text: bool = False) -> Iterator[_Writer]:
    """Open `folder`/steps.parquet for batches of (traces, what the judge said); renamed into place at the end."""
    with atomic(folder / STEPS_FILE) as temporary:
        opened = _Writer(temporary, with_text=with_text)
        try:
            yield opened
            opened.flush()
        finally:
            opened.writer.close()


def read(folder: Path) -> list[dict[str, Any]]:
    """The rows of `folder`/steps.parquet."""
    import pyarrow.parquet as pq

    return list(pq.read_table(folder / STEPS_FILE).to_pylist())
