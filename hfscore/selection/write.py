"""Chosen rows as Parquet or JSONL: the source's columns as they are, and beside them the row and its scores."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hfscore.errors import HfscoreError
from hfscore.report import atomic

BATCH_ROWS = 1000
FORMATS = ("parquet", "jsonl")
Rows = Callable[[], Iterator[tuple[int, dict[str, Any]]]]
Added = Callable[[int], Mapping[str, Any]]


def write_rows(path: Path, rows: Rows, added: Added) -> None:
    """Write rows in bounded memory; the suffix of `path` says in which format.

    Raises:
        HfscoreError: A column of the source has a name of ours, or values that the format cannot hold.
    """
    with atomic(path) as temporary:
        (_jsonl if path.suffix == ".jsonl" else _parquet)(temporary, lambda: _batches(rows(), added))


def _batches(rows: Iterator[tuple[int, dict[str, Any]]], added: Added) -> Iterator[list[dict[str, Any]]]:
    batch = []
    for number, row in rows:
        more = {"hfscore_row": number, **added(number)}
        if taken := sorted(row.keys() & more.keys()):
            raise HfscoreError(f"The source has a column {taken[0]} already.", "Rename it there.")
        batch.append({**row, **more})
        if len(batch) == BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _jsonl(path: Path, batches: Callable[[], Iterator[list[dict[str, Any]]]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for batch in batches():
            try:
                file.writelines(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in batch)
            except (TypeError, ValueError) as error:
                raise HfscoreError(f"A row cannot be written as JSON ({error}).", "Write Parquet.") from error


def _parquet(path: Path, batches: Callable[[], Iterator[list[dict[str, Any]]]]) -> None:
    """Two passes: one to learn the types, so that a column that begins empty has the type of its later values."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pa.schema([])
        for batch in batches():
            names = list(dict.fromkeys(name for row in batch for name in row))
            columns = {name: pa.array([row.get(name) for row in batch]) for name in names}
            schema = pa.unify_schemas([schema, pa.table(columns).schema], promote_options="permissive")
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for batch in batches():
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    except pa.ArrowException as error:
        raise HfscoreError(f"The rows do not fit one table ({error}).", "Write JSONL: --format jsonl.") from error
