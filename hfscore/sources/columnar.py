"""Parquet and Arrow files: only the columns that are asked for, in batches bounded by bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hfscore.sources.formats import DataFile
from hfscore.sources.problems import reading
from hfscore.sources.source import Row

_BATCH_BYTES = 16 * 2**20  # a 30,000-token trace is about 100 kB, so rows say nothing about memory
_BATCH_ROWS = 1024
_LOCAL_BUFFER = 2**20
_REMOTE_BUFFER = 8 * 2**20  # one request fetches up to this much of one column of one row group


class ParquetTable:
    """A Parquet file. Its footer is read once; bytes come from it exactly."""

    def __init__(self, file: DataFile) -> None:
        self._file = file
        self._footer: Any = None

    def footer(self) -> Any:
        """Return the file's metadata (pyarrow `FileMetaData`)."""
        if self._footer is None:
            with reading(self._file.name), self._file.open(ranged=True) as handle:
                self._footer = pq.read_metadata(handle)
        return self._footer

    def count(self) -> int:
        """Number of rows."""
        return int(self.footer().num_rows)

    def rows(self, columns: Sequence[str] | None, limit: int | None = None) -> Iterator[Row]:
        """Stream the rows."""
        yield from self._read(columns, range(self.footer().num_row_groups), limit)

    def take(self, indices: Sequence[int], columns: Sequence[str] | None) -> Iterator[tuple[int, Row]]:
        """Read some rows out of the row groups that hold them."""
        for group, start, wanted in self._groups(indices):
            chosen = set(wanted)
            for number, row in enumerate(self._read(columns, [group]), start):
                if number in chosen:
                    yield number, row
                if number == wanted[-1]:
                    break

    def schema(self) -> pa.Schema:
        """Types of the columns, with the metadata of `datasets` where they have some."""
        return self.footer().schema.to_arrow_schema()

    def column_bytes(self, columns: Sequence[str] | None, indices: Sequence[int] | None = None) -> int:
        """Compressed bytes of these columns, in the row groups that hold these rows."""
        groups = range(self.footer().num_row_groups) if indices is None else [g for g, _, _ in self._groups(indices)]
        return sum(c.total_compressed_size for g in groups for c in self._chunks(g, columns))

    def _groups(self, indices: Sequence[int]) -> Iterator[tuple[int, int, list[int]]]:
        """Yield (row group, its first row, the wanted rows in it) for every row group that holds one."""
        footer = self.footer()
        sizes = (footer.row_group(g).num_rows for g in range(footer.num_row_groups))
        at = 0
        for group, (start, end) in enumerate(pairwise(accumulate(sizes, initial=0))):
            first = at
            while at < len(indices) and indices[at] < end:
                at += 1
            if at > first:
                yield group, start, list(indices[first:at])

    def _chunks(self, group: int, columns: Sequence[str] | None) -> Iterator[Any]:
        """Column chunks of a row group that belong to these columns (a nested column has several)."""
        found = self.footer().row_group(group)
        for i in range(found.num_columns):
            chunk = found.column(i)
            path = chunk.path_in_schema
            if columns is None or path in columns or path.split(".")[0] in columns:
                yield chunk

    def _read(self, columns: Sequence[str] | None, groups: Sequence[int], limit: int | None = None) -> Iterator[Row]:
        """Stream the rows of some row groups.

        Reads go through a buffer, so a row group of gigabytes does not have to fit into memory, and never
        reach beyond the columns asked for. One thread, because a file handle has one position.
        """
        if columns is not None and not columns:
            yield from ({} for g in groups for _ in range(self.footer().row_group(g).num_rows))
            return
        names = None if columns is None else [n for n in self.footer().schema.to_arrow_schema().names if n in columns]
        large = self._file.remote and limit is None
        with reading(self._file.name), self._file.open(ranged=True) as handle:
            parquet = pq.ParquetFile(
                handle,
                metadata=self.footer(),
                pre_buffer=False,
                buffer_size=_REMOTE_BUFFER if large else _LOCAL_BUFFER,
            )
            size = min(self._batch_rows(columns, groups), limit or _BATCH_ROWS)
            for batch in parquet.iter_batches(size, row_groups=list(groups), columns=names, use_threads=False):
                yield from batch.to_pylist()

    def _batch_rows(self, columns: Sequence[str] | None, groups: Sequence[int]) -> int:
        """Rows per batch, so that a batch holds about `_BATCH_BYTES` in the row group with the longest rows."""
        longest = max(
            (
                sum(c.total_uncompressed_size for c in self._chunks(g, columns))
                / max(1, self.footer().row_group(g).num_rows)
                for g in groups
            ),
            default=0.0,
        )
        return max(1, min(_BATCH_ROWS, int(_BATCH_BYTES / max(1.0, longest))))


class ArrowTable:
    """An Arrow file, of the stream or the file kind, as `Dataset.save_to_disk` writes them."""

    def __init__(self, file: DataFile) -> None:
        self._file = file

    def count(self) -> None:
        """Unknown until the file was read."""
        return

    def rows(self, columns: Sequence[str] | None, limit: int | None = None) -> Iterator[Row]:
        """Stream the rows."""
        with reading(self._file.name), self._file.open(ranged=True) as raw:
            handle = io.BufferedReader(raw, _REMOTE_BUFFER) if self._file.remote else raw  # type: ignore[type-var]
            for batch in _batches(handle):
                names = batch.schema.names if columns is None else [n for n in batch.schema.names if n in columns]
                yield from _slices(batch.select(names))

    def take(self, indices: Sequence[int], columns: Sequence[str] | None) -> Iterator[tuple[int, Row]]:
        """Not asked for, because `count` is unknown."""
        raise NotImplementedError

    def schema(self) -> pa.Schema:
        """Types of the columns."""
        with reading(self._file.name), self._file.open(ranged=True) as handle:
            return _reader(handle).schema

    def column_bytes(self, columns: Sequence[str] | None, indices: Sequence[int] | None = None) -> int | None:
        """Size of the file."""
        return self._file.size


def _reader(handle: Any) -> Any:
    """An open Arrow file of either kind."""
    magic = handle.read(6)
    handle.seek(0)
    return pa.ipc.open_file(handle) if magic == b"ARROW1" else pa.ipc.open_stream(handle)


def _batches(handle: Any) -> Iterator[Any]:
    """Its record batches."""
    reader = _reader(handle)
    if isinstance(reader, pa.RecordBatchFileReader):
        yield from (reader.get_batch(i) for i in range(reader.num_record_batches))
    else:
        yield from reader


def _slices(batch: Any) -> Iterator[Row]:
    """Rows of a record batch, made into Python objects a bounded piece at a time."""
    per_row = max(1, batch.nbytes // max(1, batch.num_rows))
    step = max(1, min(_BATCH_ROWS, _BATCH_BYTES // per_row))
    for start in range(0, batch.num_rows, step):
        yield from batch.slice(start, step).to_pylist()
