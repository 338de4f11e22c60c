"""Data files: which format a name stands for, how a file is opened, and which table reads it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol, cast

from hfscore.errors import SourceError
from hfscore.sources.source import SplitRef, Table

FORMATS = {
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".arrow": "arrow",
}
# Opening reads the footers of this many files to count rows; beyond, they are read when they are needed.
_MOST_FOOTERS = 64
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")

# Written beside the data by `datasets` and by other tools; never rows.
_NOT_ROWS = {
    "dataset_info.json",
    "dataset_infos.json",
    "dataset_dict.json",
    "state.json",
    "config.json",
    "croissant.json",
    "package.json",
}


class Opener(Protocol):
    """Opens one file."""

    def __call__(self, *, ranged: bool) -> BinaryIO:
        """Open for reading from start to end, or, `ranged`, for reading at any place."""
        ...


@dataclass(frozen=True, slots=True)
class DataFile:
    """One data file, wherever it stands.

    Args:
        name: Path to print.
        open: Opens it.
        size: Bytes, or None.
        remote: Whether every read is a request.
        delimiter: What separates the fields of a CSV file.
        field: Key of a JSON object under which the rows stand, or None.
    """

    name: str
    open: Opener
    size: int | None = None
    remote: bool = False
    delimiter: str = ","
    field: str | None = None

    @property
    def format(self) -> str:
        """Format its name stands for."""
        return format_of(self.name) or "unknown"


def format_of(name: str) -> str | None:
    """Return the format a file name stands for, or None if it is no data file we can read."""
    path = PurePosixPath(name)
    if path.name in _NOT_ROWS or path.name.startswith("."):
        return None
    suffix = path.suffix.lower()
    if suffix in _COMPRESSED:
        found = FORMATS.get(PurePosixPath(path.stem).suffix.lower())
        return None if found in ("parquet", "arrow") else found
    return FORMATS.get(suffix)


def open_plain(file: DataFile) -> BinaryIO:
    """Open a file for reading from start to end, decompressed where its name says so."""
    raw = file.open(ranged=False)
    suffix = PurePosixPath(file.name).suffix.lower()
    if suffix == ".gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if suffix == ".bz2":
        return cast(BinaryIO, bz2.BZ2File(raw))
    if suffix == ".xz":
        return cast(BinaryIO, lzma.LZMAFile(raw))
    if suffix == ".zst":
        import pyarrow as pa

        return cast(BinaryIO, io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd")))
    return raw


def table_of(file: DataFile) -> Table:
    """Return the table that reads a file of a known format."""
    from hfscore.sources import columnar, text

    if file.format == "parquet":
        return columnar.ParquetTable(file)
    if file.format == "arrow":
        return columnar.ArrowTable(file)
    return text.TextTable(file)


def open_split(config: str, split: str, files: Sequence[DataFile]) -> tuple[SplitRef, list[Table], tuple[str, ...]]:
    """Make the tables of a split.

    Args:
        config: Configuration.
        split: Split.
        files: Its files, in the order of their rows.

    Returns:
        (reference, tables, notes on files that are not read).

    Raises:
        SourceError: None of the files has a readable format, or one is damaged.
    """
    readable = [file for file in files if format_of(file.name) is not None]
    others = [file.name for file in files if format_of(file.name) is None]
    if not readable:
        raise SourceError(
            f"No file of {config}/{split} has a format that can be read (such as {others[0]}).",
            f"Readable: {', '.join(FORMATS)}, the text formats also compressed ({', '.join(_COMPRESSED)}).",
        )
    tables = [table_of(file) for file in readable]
    formats = {file.format for file in readable}
    sizes = [file.size for file in readable if file.size is not None]
    ref = SplitRef(
        config,
        split,
        format=formats.pop() if len(formats) == 1 else "mixed",
        rows=_count(tables) if len(tables) <= _MOST_FOOTERS else None,
        size=sum(sizes) if len(sizes) == len(readable) else None,
    )
    left = (f"{len(others)} files of {config}/{split} are not read, such as {others[0]}.",) if others else ()
    return ref, tables, left


def _count(tables: Sequence[Table]) -> int | None:
    """Rows of all tables, asked for at the same time because each may be a request."""
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda table: table.count(), tables))
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
