"""Evaluation sets read from files or the Hub, and made into an index of hashed n-grams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfscore import columns
from hfscore.columns import paths
from hfscore.contamination import LONG, SHORT, Index, build, merge
from hfscore.errors import ColumnsError, SourceError
from hfscore.sources import UNREADABLE, Source, open_source


def index_of(
    named: Sequence[str], fields: Sequence[str] = (), *, split: Sequence[str] = (), config: Sequence[str] = ()
) -> tuple[Index, list[str]]:
    """Index evaluation sets.

    Args:
        named: Files, folders or Hub ids, each optionally "NAME=SOURCE"; without a name the file's is used.
        fields: Paths of the texts of an item, such as its question; none lets the question be found.
        split: Splits to read.
        config: Configs to read.

    Returns:
        (the index, whole sentences on what was read).

    Raises:
        SourceError: A source cannot be read, or holds no rows.
        ColumnsError: A field is not there, or no question was found.
        HfscoreError: Two sets carry one name.
    """
    indexes, notes = [], []
    for one in named:
        name, source = _name(one)
        opened = open_source(source, configs=config, splits=split)
        notes += [f"{name}: {note}" for note in opened.notes]
        found, said = _index(name, opened, fields)
        indexes.append(found)
        notes.append(said)
    return merge(indexes), notes


def _name(text: str) -> tuple[str, str]:
    """("gsm8k", "test.jsonl") of "gsm8k=test.jsonl"; a path that exists is no name, whatever stands in it."""
    name, equals, source = text.partition("=")
    if equals and name and not Path(text).exists():
        return name, source
    path = Path(text)
    return (path.name.split(".")[0] or path.name if path.exists() else text), text


def _index(name: str, opened: Source, fields: Sequence[str]) -> tuple[Index, str]:
    unreadable = 0
    places: dict[str, None] = {}

    def items() -> Iterator[list[str]]:
        nonlocal unreadable
        for ref in opened.splits:
            texts = _reader(name, opened.head(ref), fields)
            places.update(dict.fromkeys(texts.places))
            for _, row in opened.scan(ref, texts.columns):
                if UNREADABLE in row:
                    unreadable += 1
                else:
                    yield texts.read(row)

    index = build(name, items())
    one = index.sets[0]
    parts = [f"{name}: {one.items:,} items indexed from {', '.join(places)}"]
    if one.short:
        parts.append(f"{one.short:,} by runs of {SHORT} words, because they have fewer than {LONG}")
    if one.left_out:
        parts.append(f"{one.left_out:,} cannot be found: fewer than {SHORT} words, or only words that many items share")
    if unreadable:
        parts.append(f"{unreadable:,} rows could not be read")
    return index, "; ".join(parts) + "."


@dataclass(frozen=True, slots=True)
class _Texts:
    """How the texts of an item are read from a row.

    Args:
        places: Paths they stand at.
        columns: Columns to read.
        read: (row) -> texts.
    """

    places: Sequence[str]
    columns: Sequence[str]
    read: Callable[[Mapping[str, Any]], list[str]]


def _reader(name: str, head: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> _Texts:
    if not head:
        raise SourceError(f"{name} holds no rows that can be read.", "Check the file.")
    there = ", ".join(dict.fromkeys(key for row in head for key in row))[:300]
    for one in fields:
        if not any(value is not None for row in head for value in paths.resolve(one, row)):
            raise ColumnsError(f"{one!r} finds nothing in the first rows of {name}.", f"Columns: {there}.")
    if fields:
        needed = [paths.column_of(paths.parse(one)) for one in fields]
        return _Texts(fields, list(dict.fromkeys(needed)), lambda row: _texts(row, fields))
    layout = columns.detect(head)
    if not layout.question_columns:
        raise ColumnsError(f"No question was found in {name}.", f"Name the text: --field COLUMN. Columns: {there}.")

    def question(row: Mapping[str, Any]) -> list[str]:
        found = columns.question_of(layout, row)
        return [found] if found else []

    return _Texts(layout.mapping["question"], layout.question_columns, question)


def _texts(row: Mapping[str, Any], fields: Sequence[str]) -> list[str]:
    found = (value for one in fields for value in paths.resolve(one, row))
    return [text for value in found for text in (value if paths.is_list(value) else [value]) if isinstance(text, str)]
