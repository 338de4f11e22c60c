"""The files of one split become its reference and the tables that read them."""

from __future__ import annotations

from collections.abc import Sequence

from hfscore.errors import SourceError
from hfscore.sources.columnar import ArrowTable, ParquetTable
from hfscore.sources.formats import COMPRESSED, FORMATS, DataFile, format_of
from hfscore.sources.source import SplitRef, Table, counts
from hfscore.sources.text import TextTable

# Opening reads the footers of this many files to count rows; beyond, they are read when they are needed.
_MOST_FOOTERS = 64


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
            f"Readable: {', '.join(FORMATS)}, the text formats also compressed ({', '.join(COMPRESSED)}).",
        )
    tables = [_table_of(file) for file in readable]
    formats = {file.format for file in readable}
    sizes = [file.size for file in readable if file.size is not None]
    known = [n for n in counts(tables) if n is not None] if len(tables) <= _MOST_FOOTERS else []
    ref = SplitRef(
        config,
        split,
        format=formats.pop() if len(formats) == 1 else "mixed",
        rows=sum(known) if len(known) == len(tables) else None,
        size=sum(sizes) if len(sizes) == len(readable) else None,
    )
    left = (f"{len(others)} files of {config}/{split} are not read, such as {others[0]}.",) if others else ()
    return ref, tables, left


def _table_of(file: DataFile) -> Table:
    """Return the table that reads a file of a known format."""
    if file.format == "parquet":
        return ParquetTable(file)
    if file.format == "arrow":
        return ArrowTable(file)
    return TextTable(file)
