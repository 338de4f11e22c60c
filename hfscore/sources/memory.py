"""Objects in memory: lists of dicts, any iterable of dicts, and what `datasets` loads."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hfscore.errors import SourceError
from hfscore.report import SourceInfo
from hfscore.sources.choose import choose_splits
from hfscore.sources.source import Row, Source, SplitRef, Table, only

_BATCH = 256
_CONFIG = "default"


class ListTable:
    """Rows in a list."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def count(self) -> int:
        """Number of rows."""
        return len(self._rows)

    def rows(self, columns: Sequence[str] | None, limit: int | None = None) -> Iterator[Row]:
        """Stream the rows."""
        return (only(row, columns) for row in self._rows)

    def take(self, indices: Sequence[int], columns: Sequence[str] | None) -> Iterator[tuple[int, Row]]:
        """Pick some rows."""
        return ((i, only(self._rows[i], columns)) for i in indices)

    def schema(self) -> None:
        """Unknown."""
        return

    def column_bytes(self, columns: Sequence[str] | None, indices: Sequence[int] | None = None) -> int:
        """Nothing is read."""
        return 0


class DatasetTable:
    """A `datasets.Dataset`, read as Arrow so that no image or audio is decoded on the way."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def count(self) -> int:
        """Number of rows."""
        return len(self._dataset)

    def rows(self, columns: Sequence[str] | None, limit: int | None = None) -> Iterator[Row]:
        """Stream the rows."""
        if columns is not None and not columns:  # a table without columns has no rows
            yield from ({} for _ in range(len(self._dataset)))
            return
        for table in self._narrow(self._dataset, columns).iter(min(_BATCH, limit or _BATCH)):
            yield from table.to_pylist()

    def take(self, indices: Sequence[int], columns: Sequence[str] | None) -> Iterator[tuple[int, Row]]:
        """Pick some rows."""
        chosen = self._narrow(self._dataset.select(indices), columns)
        rows = (row for table in chosen.iter(_BATCH) for row in table.to_pylist())
        return zip(indices, rows, strict=True)

    def schema(self) -> Any:
        """Types of the columns, with the metadata of `datasets`."""
        return self._dataset.features.arrow_schema

    def column_bytes(self, columns: Sequence[str] | None, indices: Sequence[int] | None = None) -> int:
        """Nothing is fetched."""
        return 0

    @staticmethod
    def _narrow(dataset: Any, columns: Sequence[str] | None) -> Any:
        names = dataset.column_names if columns is None else [c for c in dataset.column_names if c in columns]
        return dataset.select_columns(names).with_format("arrow")


class StreamTable:
    """A `datasets.IterableDataset`, or anything else that gives its rows again on every pass."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows

    def count(self) -> None:
        """Unknown until all were read."""
        return

    def rows(self, columns: Sequence[str] | None, limit: int | None = None) -> Iterator[Row]:
        """Stream the rows."""
        return (only(dict(row), columns) for row in self._rows)

    def take(self, indices: Sequence[int], columns: Sequence[str] | None) -> Iterator[tuple[int, Row]]:
        """Not asked for, because `count` is unknown."""
        raise NotImplementedError

    def schema(self) -> None:
        """Unknown."""
        return

    def column_bytes(self, columns: Sequence[str] | None, indices: Sequence[int] | None = None) -> None:
        """Unknown."""
        return


def open_memory(data: Any, *, splits: Sequence[str] = (), name: str | None = None) -> Source:
    """Open an object.

    Args:
        data: A `datasets` object of any of its four kinds, or an iterable of dicts.
        splits: Splits to read of a `DatasetDict`; none for its "train", or all where there is none.
        name: Name to print.

    Returns:
        A source of kind "python". Its config is "default".

    Raises:
        SourceError: The object holds something else than dicts.
    """
    if not _of_datasets(data, "DatasetDict", "IterableDatasetDict"):
        split = str(getattr(data, "split", None) or "train").split("[")[0]
        data = {split: data}
    chosen, notes = choose_splits({_CONFIG: list(data)}, splits)
    tables = {}
    for config, split in chosen:
        table = _table(data[split])
        tables[SplitRef(config, split, "memory", rows=table.count(), size=table.column_bytes(None))] = [table]
    return Source(SourceInfo(kind="python", id=name or "rows in memory"), tables, notes)


def _table(rows: Any) -> Table:
    if _of_datasets(rows, "Dataset"):
        return DatasetTable(rows)
    if _of_datasets(rows, "IterableDataset"):
        return StreamTable(rows)
    if isinstance(rows, Mapping) or not isinstance(rows, Iterable):
        raise SourceError(
            f"A {type(rows).__name__} is no dataset.",
            'Pass "owner/name", a path, a `datasets` object or an iterable of dicts.',
        )
    listed = rows if isinstance(rows, list) else list(rows)  # an iterator gives its rows only once
    for number, row in enumerate(listed):
        if not isinstance(row, dict):
            raise SourceError(f"Row {number} is a {type(row).__name__}, not a dict.", "Make every row a dict.")
    return ListTable(listed)


def _of_datasets(value: Any, *names: str) -> bool:
    """Whether a value is one of these classes of `datasets`, which is not imported to find out."""
    module = sys.modules.get("datasets")
    return module is not None and isinstance(value, tuple(getattr(module, name) for name in names))
