"""Chosen rows as Parquet or JSONL: the source's columns as they are, and beside them the row and its scores."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hfscore.errors import HfscoreError
from hfscore.report import atomic
from hfscore.selection.values import OWN

BATCH_ROWS = 1000
FORMATS = ("parquet", "jsonl")
Rows = Callable[[], Iterator[tuple[int, dict[str, Any]]]]
Batches = Callable[[], Iterator[list[dict[str, Any]]]]


def write_sets(
    sets: Mapping[Path, Rows], added: Callable[[int], Mapping[str, Any]], *, metrics: Sequence[str], schema: Any
) -> None:
    """Write sets of rows in bounded memory, all of them or none; the suffix of a path says in which format.

    Args:
        sets: Path -> opens a pass over its rows; what hfscore wrote beside them before is replaced.
        added: (row number) -> metric -> its number or None.
        metrics: Metrics that are added.
        schema: Types of the source's columns (pyarrow `Schema`); None infers them.

    Raises:
        HfscoreError: A value does not fit the format, or the folder cannot be written to.
    """
    try:
        with contextlib.ExitStack() as stack:
            for path, rows in sets.items():
                temporary = stack.enter_context(atomic(path))
                batches = _batches_of(rows, added)
                if path.suffix == ".jsonl":
                    _jsonl(temporary, batches)
                else:
                    _parquet(temporary, batches, metrics, schema)
    except OSError as error:
        raise HfscoreError(f"The rows cannot be written ({error}).", "Choose another folder.") from error


def _batches_of(rows: Rows, added: Callable[[int], Mapping[str, Any]]) -> Batches:
    def batches() -> Iterator[list[dict[str, Any]]]:
        batch = []
        for number, row in rows():
            theirs = {name: value for name, value in row.items() if not name.startswith(OWN)}
            own = {f"{OWN}{name}": value for name, value in added(number).items()}
            batch.append({**theirs, f"{OWN}row": number, **own})
            if len(batch) == BATCH_ROWS:
                yield batch
                batch = []
        if batch:
            yield batch

    return batches


def _jsonl(path: Path, batches: Batches) -> None:
    with path.open("w", encoding="utf-8") as file:
        for batch in batches():
            try:
                file.writelines(map(_line, batch))
            except (TypeError, ValueError) as error:
                raise HfscoreError(f"A row cannot be written as JSON ({error}).", "Leave --jsonl out.") from error


def _line(row: Mapping[str, Any]) -> str:
    text = json.dumps(row, ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can spell out and UTF-8 cannot hold
        text = json.dumps(row, allow_nan=False)
    return f"{text}\n"


def _parquet(path: Path, batches: Batches, metrics: Sequence[str], schema: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        types = _inferred(batches) if schema is None else _with_ours(schema, metrics)
        with pq.ParquetWriter(path, types, compression="zstd") as writer:
            for batch in batches():
                writer.write_table(pa.Table.from_pylist(batch, schema=types))
    except (pa.ArrowException, UnicodeError, OverflowError) as error:
        raise HfscoreError(f"The rows do not fit one Parquet table ({error}).", "Write JSONL: --jsonl.") from error


def _inferred(batches: Batches) -> Any:
    """Types of all rows, in a pass of its own: a column that begins empty has the type of its later values."""
    import pyarrow as pa

    found = pa.schema([])
    for batch in batches():
        names = list(dict.fromkeys(name for row in batch for name in row))
        columns = {name: pa.array([row.get(name) for row in batch]) for name in names}
        found = pa.unify_schemas([found, pa.table(columns).schema], promote_options="permissive")
    return found


def _with_ours(schema: Any, metrics: Sequence[str]) -> Any:
    """The source's types with those of our columns, in what `datasets` notes of them too."""
    import pyarrow as pa

    ours = [(f"{OWN}row", pa.int64(), "int64"), *((f"{OWN}{name}", pa.float64(), "float64") for name in metrics)]
    theirs = [field for field in schema if not field.name.startswith(OWN)]
    whole = pa.schema([*theirs, *((name, kind) for name, kind, _ in ours)])
    try:
        noted = json.loads((schema.metadata or {})[b"huggingface"])
        features = {name: one for name, one in noted["info"]["features"].items() if not name.startswith(OWN)}
        noted["info"]["features"] = features | {name: {"dtype": kind, "_type": "Value"} for name, _, kind in ours}
    except (KeyError, TypeError, ValueError, AttributeError):
        return whole
    return whole.with_metadata({b"huggingface": json.dumps(noted).encode()})
