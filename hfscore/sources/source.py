"""A source as everybody else sees it: configs and splits, and rows that stream out of them.

Nothing here knows files or Hubs; a split is a sequence of tables, and a table is whatever has these four methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from hfscore.report import SourceInfo

Row = dict[str, Any]

UNREADABLE = "__unreadable__"
"""A row that could not be read is the dict `{UNREADABLE: why}`: it keeps its number, and is counted."""


class Table(Protocol):
    """One file of a split, or one object in memory."""

    def count(self) -> int | None:
        """Number of rows where that is known without reading them all, or None."""
        ...

    def rows(self, columns: Sequence[str] | None, limit: int | None = None) -> Iterator[Row]:
        """Stream the rows in order.

        Args:
            columns: Columns to read; None for all. A column that a row does not have is absent from it.
            limit: The reader wants no more rows than this, so that less can be fetched ahead.
        """
        ...

    def take(self, indices: Sequence[int], columns: Sequence[str] | None) -> Iterator[tuple[int, Row]]:
        """Read the rows with these sorted numbers. Only called where `count` is known."""
        ...

    def schema(self) -> Any:
        """Types of the columns (pyarrow `Schema`) where they are known without reading the rows, or None."""
        ...

    def column_bytes(self, columns: Sequence[str] | None, indices: Sequence[int] | None = None) -> int | None:
        """Bytes that reading these columns (of these rows) moves, or None where unknown."""
        ...


@dataclass(frozen=True, slots=True)
class SplitRef:
    """Names one split of one config.

    Args:
        config: Configuration; "default" where the source has none.
        split: Split.
        format: "parquet", "jsonl", "json", "csv", "tsv", "arrow", "memory", or "mixed".
        rows: Number of rows where it is known without reading them (Parquet footers, objects in memory).
        size: Bytes of its files, or None.
    """

    config: str
    split: str
    format: str
    rows: int | None = None
    size: int | None = None

    def __str__(self) -> str:
        return f"{self.config}/{self.split}"


class Source:
    """A dataset that was opened.

    Args:
        info: What it is.
        tables: The selected splits, and what each consists of.
        notes: What was chosen and what else there is, whole sentences.
        card: Reads the card that stands beside the data; returns None where there is none.
    """

    def __init__(
        self,
        info: SourceInfo,
        tables: Mapping[SplitRef, Sequence[Table]],
        notes: Sequence[str] = (),
        *,
        card: Callable[[], bytes | None] = lambda: None,
    ) -> None:
        self.info = info
        self.card = card
        self.notes = tuple(notes)
        self._tables = dict(tables)

    @property
    def splits(self) -> tuple[SplitRef, ...]:
        """The selected splits."""
        return tuple(self._tables)

    def count(self, ref: SplitRef) -> int:
        """Count the rows of a split; cheap for Parquet, a pass over everything else."""
        tables = self._tables[ref]
        known = zip(tables, counts(tables), strict=True)
        return sum(sum(1 for _ in table.rows([])) if count is None else count for table, count in known)

    def head(self, ref: SplitRef, n: int = 50) -> list[Row]:
        """Return the first `n` rows that can be read, with all their columns."""
        found: list[Row] = []
        for table in self._tables[ref]:
            readable = (row for row in table.rows(None, limit=n) if UNREADABLE not in row)
            found.extend(islice(readable, n - len(found)))
            if len(found) == n:
                break
        return found

    def scan(self, ref: SplitRef, columns: Sequence[str] | None = None) -> Iterator[tuple[int, Row]]:
        """Stream a whole split in bounded memory.

        Args:
            ref: The split.
            columns: Columns to read, or None for all; formats that store rows are read whole anyway.

        Yields:
            (number of the row in the split, row). A row that cannot be read is `{UNREADABLE: why}`.

        Raises:
            SourceError: A file is damaged, or the Hub stopped answering.
        """
        number = 0
        for table in self._tables[ref]:
            for row in table.rows(columns):
                yield number, row
                number += 1

    def take(
        self, ref: SplitRef, indices: Sequence[int], columns: Sequence[str] | None = None
    ) -> Iterator[tuple[int, Row]]:
        """Read some rows; of Parquet files only the row groups that hold them.

        Args:
            ref: The split.
            indices: Row numbers, ascending, without repetition.
            columns: Columns to read, or None for all.

        Yields:
            (number of the row in the split, row), in the order asked for.

        Raises:
            IndexError: The split is shorter than that.
            SourceError: A file is damaged, or the Hub stopped answering.
        """
        done = start = 0
        tables = self._tables[ref]
        for table, count in zip(tables, counts(tables), strict=True):
            if done == len(indices):
                return
            if count is None:
                for row in table.rows(columns):
                    if start == indices[done]:
                        yield start, row
                        done += 1
                        if done == len(indices):
                            return
                    start += 1
                continue
            here = [i - start for i in islice(indices, done, None) if i < start + count]
            for i, row in table.take(here, columns):
                yield start + i, row
            done += len(here)
            start += count
        if done < len(indices):
            raise IndexError(f"{ref} has {start} rows, row {indices[done]} was asked for")

    def schema(self, ref: SplitRef) -> Any:
        """Types of a split's columns (pyarrow `Schema`), or None where they are not known or its files differ."""
        found = [table.schema() for table in self._tables[ref]]
        return found[0] if found and found[0] is not None and all(one == found[0] for one in found) else None

    def column_bytes(
        self, ref: SplitRef, columns: Sequence[str] | None, indices: Sequence[int] | None = None
    ) -> int | None:
        """Tell how many bytes a scan would read.

        Args:
            ref: The split.
            columns: Columns to read, or None for all.
            indices: Row numbers, ascending; None for all rows.

        Returns:
            Bytes as they are stored (from the Parquet footers, else sizes of files), or None if unknown.
        """
        total = start = 0
        tables = self._tables[ref]
        for table, count in zip(tables, counts(tables), strict=True):
            here = None
            if indices is not None and count is not None:
                here = [i - start for i in indices if start <= i < start + count]
                start += count
            size = table.column_bytes(columns, here)
            if size is None:
                return None
            total += size
        return total


def counts(tables: Sequence[Table]) -> list[int | None]:
    """Count the rows of every table, several at a time because each may be a request."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda table: table.count(), tables))


def only(row: Row, columns: Sequence[str] | None) -> Row:
    """Keep these columns of a row; a row that could not be read stays as it is."""
    if columns is None or UNREADABLE in row:
        return row
    return {name: row[name] for name in columns if name in row}
