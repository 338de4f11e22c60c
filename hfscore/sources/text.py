"""JSON Lines, JSON, CSV and TSV files, streamed.

A line that is no row is not dropped: it becomes `{UNREADABLE: why}` and keeps its number. A file that breaks in a
way after which no row can be told from the next is damaged, and raises.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from hfscore.errors import SourceError
from hfscore.sources.formats import DataFile, open_plain
from hfscore.sources.problems import reading
from hfscore.sources.source import UNREADABLE, Row, only

_CHUNK = 2**20  # characters
_LARGEST_OBJECT = 2**30  # bytes of a JSON file that cannot be streamed
_BLANK = " \t\r\n"
_GAP = re.compile(r"[\s,]*")


class TextTable:
    """A file that has to be read from its start."""

    def __init__(self, file: DataFile) -> None:
        self._file = file

    def count(self) -> None:
        """Unknown until the file was read."""
        return

    def rows(self, columns: Sequence[str] | None, limit: int | None = None) -> Iterator[Row]:
        """Stream the rows."""
        readers = {"jsonl": _json_lines, "json": _json, "csv": _csv, "tsv": _csv}
        with reading(self._file.name):
            for row in readers[self._file.format](self._file):
                yield only(row, columns)

    def take(self, indices: Sequence[int], columns: Sequence[str] | None) -> Iterator[tuple[int, Row]]:
        """Not asked for, because `count` is unknown."""
        raise NotImplementedError

    def schema(self) -> None:
        """Unknown."""
        return

    def column_bytes(self, columns: Sequence[str] | None, indices: Sequence[int] | None = None) -> int | None:
        """Size of the file."""
        return self._file.size


def _row(value: Any, where: str) -> Row:
    return value if isinstance(value, dict) else {UNREADABLE: f"{where}: not a JSON object"}


def _json_lines(file: DataFile) -> Iterator[Row]:
    """One JSON object per line; blank lines are no rows."""
    with open_plain(file) as handle:
        for number, line in enumerate(handle, 1):
            text = line.removeprefix(b"\xef\xbb\xbf").strip()
            if text:
                where = f"{file.name}, line {number}"
                try:
                    value = json.loads(text)
                except (ValueError, RecursionError):
                    yield {UNREADABLE: f"{where}: not JSON"}
                else:
                    yield _row(value, where)


def _json(file: DataFile) -> Iterator[Row]:
    """A `.json` file: an array of objects, JSON Lines, or one object that holds the rows."""
    with open_plain(file) as handle:
        start = handle.read(512).decode("utf-8-sig", "ignore").lstrip(_BLANK)[:1]
    if start == "[":
        with open_plain(file) as handle:
            for number, item in enumerate(_array(handle)):
                yield _row(item, f"{file.name}, item {number}")
    elif file.field is None and _is_lines(file):
        yield from _json_lines(file)
    elif start:
        yield from _rows_in(_whole(file), file)


def _is_lines(file: DataFile) -> bool:
    """Whether the first line is a JSON value of its own and is not all there is."""
    with open_plain(file) as handle:
        first = handle.readline()
        try:
            json.loads(first.decode("utf-8-sig"))
        except ValueError:
            return False
        return any(line.strip() for line in handle)


def _array(handle: BinaryIO) -> Iterator[Any]:
    """Items of a JSON array, holding no more text than a chunk and the item at hand."""
    source = io.TextIOWrapper(handle, "utf-8-sig")
    decode = json.JSONDecoder().raw_decode
    text = source.read(_CHUNK)
    at = text.index("[") + 1
    while True:
        at = _GAP.match(text, at).end()  # type: ignore[union-attr]  # the pattern matches nothing, too
        if text.startswith("]", at):
            if (text[at + 1 :] + source.read()).strip():
                raise ValueError("something follows the array")
            return
        try:
            item, end = decode(text, at)
        except ValueError:
            end = len(text)
        if end < len(text):  # what ends with the text may go on in the next chunk
            yield item
            at = end
            continue
        rest = text[at:]
        more = source.read(max(_CHUNK, len(rest)))  # doubling keeps the work linear in a long item
        if not more or len(rest) > _LARGEST_OBJECT:
            raise EOFError(f"no item and no end of the array after {rest[:40]!r}")
        text, at = rest + more, 0


def _whole(file: DataFile) -> Any:
    """A JSON file as one value."""
    if file.size is not None and file.size > _LARGEST_OBJECT:
        raise SourceError(
            f"{file.name} is one JSON object of {file.size / 1e9:.1f} GB, which cannot be streamed.",
            "Save the rows as JSON Lines or Parquet.",
        )
    with open_plain(file) as handle:
        return json.loads(handle.read().decode("utf-8-sig"))


def _rows_in(value: Any, file: DataFile) -> Iterator[Row]:
    """Rows inside one JSON object: under `file.field`, in its only list of objects, in columns, or itself."""
    if file.field is not None:
        if not isinstance(value, dict) or not isinstance(value.get(file.field), list):
            raise ValueError(f"no list under the field {file.field!r}")
        value = value[file.field]
    elif isinstance(value, dict):
        lists = [v for v in value.values() if isinstance(v, list)]
        of_objects = [v for v in lists if v and all(isinstance(item, dict) for item in v)]
        if len(of_objects) == 1:
            value = of_objects[0]
        elif lists and len(lists) == len(value) and len({len(v) for v in lists}) == 1:
            value = [dict(zip(value, items, strict=True)) for items in zip(*lists, strict=True)]
        else:
            value = [value]
    for number, item in enumerate(value):
        yield _row(item, f"{file.name}, item {number}")


def _csv(file: DataFile) -> Iterator[Row]:
    """Rows of a CSV or TSV file with a header. Values stay text, as the file has no types; an empty one is None."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # traces are longer than the default of 128 kB
    delimiter = "\t" if file.format == "tsv" else file.delimiter
    with open_plain(file) as handle, io.TextIOWrapper(handle, "utf-8-sig", newline="") as text:
        lines = csv.reader(text, delimiter=delimiter)
        header = [name or f"Unnamed: {i}" for i, name in enumerate(next(lines, []))]
        if len(set(header)) < len(header):
            raise ValueError("two columns have the same name")
        for fields in lines:
            if len(fields) == len(header):
                yield {name: value or None for name, value in zip(header, fields, strict=True)}
            elif fields:
                found = f"{len(fields)} fields where the header has {len(header)}"
                yield {UNREADABLE: f"{file.name}, line {lines.line_num}: {found}"}
