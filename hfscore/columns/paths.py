"""The path grammar: how a mapping names a piece of a row.

    column            the cell of a column; any characters but . [ ] ( ) and quotes
    ["odd name"]      the same, for a name with such characters (\\" and \\\\ inside)
    .field            a field of a struct; on a list it maps over the items
    [*]               each item of a list, each value of a struct
    [2] [-1] [:-1]    one item, or a slice of items
    [key=value]       the items of a list whose field has this value
    json(path)        the cell is a JSON text: read it first

A path that does not fit a row finds nothing; it never fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hfscore.errors import ColumnsError


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the row, or a field of a struct."""

    name: str


@dataclass(frozen=True, slots=True)
class Each:
    """`[*]`."""


@dataclass(frozen=True, slots=True)
class Item:
    """`[2]`, `[-1]`."""

    index: int


@dataclass(frozen=True, slots=True)
class Slice:
    """`[1:]`, `[:-1]`."""

    start: int | None
    stop: int | None


@dataclass(frozen=True, slots=True)
class Where:
    """`[key=value]`."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Json:
    """The end of `json(...)`: what was found so far is JSON text."""


Step = Field | Each | Item | Slice | Where | Json
Path = tuple[Step, ...]

_NAME = re.compile(r'[^.\[\]()"]+')
_QUOTED = re.compile(r'\["((?:[^"\\]|\\.)*)"\]')
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_INDEX = re.compile(r"-?\d{1,9}")
_SLICE = re.compile(r"(-?\d{1,9})?:(-?\d{1,9})?")
_JSON_OPEN = "json("


def parse(path: str) -> Path:
    """Read a path.

    Args:
        path: Text in the grammar above.

    Returns:
        Its steps, the first of which names a column.

    Raises:
        ColumnsError: The text is no path; the message points at the place.
    """
    return _parse(path.strip())


@lru_cache(maxsize=4096)
def _parse(path: str) -> Path:
    steps, at = _head(path, 0)
    while at < len(path):
        step, at = _step(path, at)
        steps.append(step)
    return tuple(steps)


def _head(path: str, at: int) -> tuple[list[Step], int]:
    """The column at the start, or the json(...) around one."""
    if path.startswith(_JSON_OPEN, at):
        steps, inner = _head(path, at + len(_JSON_OPEN))
        while inner < len(path) and path[inner] != ")":
            step, inner = _step(path, inner)
            steps.append(step)
        if inner >= len(path):
            raise _wrong(path, at, "this json( is never closed by )")
        return [*steps, Json()], inner + 1
    if quoted := _QUOTED.match(path, at):
        return [Field(_unquote(quoted[1]))], quoted.end()
    if name := _NAME.match(path, at):
        return [Field(name[0].strip())], name.end()
    raise _wrong(path, at, "a column name must stand here")


def _step(path: str, at: int) -> tuple[Step, int]:
    if path[at] == ".":
        if name := _NAME.match(path, at + 1):
            return Field(name[0].strip()), name.end()
        raise _wrong(path, at + 1, "a field name must follow the dot")
    if quoted := _QUOTED.match(path, at):
        return Field(_unquote(quoted[1])), quoted.end()
    if bracket := _BRACKET.match(path, at):
        return _inside(path, at, bracket[1].strip()), bracket.end()
    if path[at] == "[":
        raise _wrong(path, at, "this [ is never closed by ]")
    raise _wrong(path, at, "expected . or [ here")


def _inside(path: str, at: int, text: str) -> Step:
    if text == "*":
        return Each()
    if _INDEX.fullmatch(text):
        return Item(int(text))
    if bounds := _SLICE.fullmatch(text):
        start, stop = bounds.groups()
        return Slice(int(start) if start else None, int(stop) if stop else None)
    key, equals, value = text.partition("=")
    if equals and key.strip():
        return Where(key.strip(), _unquote(value.strip().strip('"')))
    raise _wrong(path, at + 1, "inside [ ] stands *, a number, a slice, key=value or a quoted name")


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _wrong(path: str, at: int, what: str) -> ColumnsError:
    shown = path.replace("\n", " ").replace("\t", " ")
    return ColumnsError(
        f"Cannot read this column path: {what}.\n    {shown}\n    {' ' * at}^\n",
        'Write paths such as answer, messages[role=user][-1].content, ["odd name"] or json(meta).key.',
    )


def quote(name: str) -> str:
    """Write a column name as the head of a path, quoted where the grammar needs it."""
    plain = _NAME.fullmatch(name) and name == name.strip() and not name.startswith(_JSON_OPEN)
    return name if plain else bracketed(name)


def field(name: str) -> str:
    """Write `.name`, or `["name"]` where the name needs quotes."""
    return f".{name}" if _NAME.fullmatch(name) and name == name.strip() else bracketed(name)


def bracketed(name: str) -> str:
    """Write `["name"]`."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'["{escaped}"]'


def column_of(path: Path) -> str:
    """The top-level column that a path starts at."""
    return next(step.name for step in path if isinstance(step, Field))


def resolve(path: Path | str, row: Mapping[str, Any]) -> list[Any]:
    """Follow a path into a row.

    Args:
        path: Steps from `parse`, or a path's text.
        row: The row; any values.

    Returns:
        Everything found there, None included, in order; empty where the path does not fit.
    """
    steps = parse(path) if isinstance(path, str) else path
    if len(steps) == 1 and isinstance(steps[0], Field):
        return [row[steps[0].name]] if steps[0].name in row else []
    found: list[Any] = [row]
    for step in steps:
        found = _follow(step, found)
    return found


def _follow(step: Step, values: list[Any]) -> list[Any]:
    match step:
        case Field(name):
            flat = (v for value in values for v in (value if is_list(value) else (value,)))
            return [v[name] for v in flat if isinstance(v, Mapping) and name in v]
        case Json():
            return [read for value in values if (read := read_json(value)) is not None]
        case Each():
            inner = (list(v.values()) if isinstance(v, Mapping) else v for v in values)
            return [item for value in inner if is_list(value) for item in value]
    lists = [value for value in values if is_list(value)]
    match step:
        case Item(index):
            return [value[index] for value in lists if -len(value) <= index < len(value)]
        case Slice(start, stop):
            return [value[start:stop] for value in lists]
        case Where(key, wanted):
            return [[item for item in value if _is(item, key, wanted)] for value in lists]


def _is(item: Any, key: str, wanted: str) -> bool:
    if not isinstance(item, Mapping) or key not in item:
        return False
    value = item[key]
    if isinstance(value, bool) or value is None:
        return str(value).lower() == wanted.lower()
    return isinstance(value, str | int | float) and str(value) == wanted


def is_list(value: Any) -> bool:
    """Whether a cell is a list; a text is none."""
    return isinstance(value, list | tuple)


def read_json(value: Any) -> Any:
    """Read JSON text that holds a list or an object, or JSON Lines.

    Returns:
        The value; what is no text is handed back as it is, and broken JSON is None.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text or text[0] not in "[{":
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _read_lines(text)


def _read_lines(text: str) -> list[Any] | None:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not all(line.lstrip().startswith("{") for line in lines):
        return None
    try:
        return [json.loads(line) for line in lines]
    except (ValueError, RecursionError):
        return None
