"""Data files: which format a name stands for, and how a file is opened."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol, cast

FORMATS = {
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".arrow": "arrow",
}
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")

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
    if suffix in COMPRESSED:
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
