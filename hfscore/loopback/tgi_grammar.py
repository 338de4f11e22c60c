r"""Constraints on an answer: a regular expression or a JSON schema, and what a model says under one.

A constraint is obeyed by keeping what fits and taking the first string that does where nothing does. Of regular
expressions the part is known that constraints are written in: literals, classes, groups, alternatives, repeats, and
\d, \w, \s. Of JSON Schema: type, enum, const, properties, required, items and bounds. Anything else is refused, never
ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product
from typing import Any, Final

MOST_STRINGS: Final = 64
"""An expression with more strings than this counts as open."""

_MOST_REPEATS: Final = 4096
_CLASSES: Final = {"d": "0123456789", "w": "a0_", "s": " ", "n": "\n", "t": "\t", "r": "\r"}
_META: Final = frozenset("*+?{}[]()|^$.\\")
_REPEAT = re.compile(r"\{(\d{1,4})(,(\d{0,4}))?\}")
_TYPES: Final = frozenset(("object", "array", "string", "integer", "number", "boolean", "null"))
_KNOWN: Final = frozenset(
    (
        *("type", "enum", "const", "properties", "required", "items", "additionalProperties"),
        *("minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"),
        *("title", "description", "default", "examples", "$schema", "$id"),
    )
)


class GrammarError(Exception):
    """A constraint that is wrong or beyond this server."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """What an answer must be.

    Args:
        strings: All answers there are, or empty where they are too many to list.
        pattern: The regular expression, or None for a schema.
        schema: The JSON schema, or None for an expression.
        first: The first answer that fits.
    """

    strings: tuple[str, ...]
    pattern: re.Pattern[str] | None
    schema: Any
    first: str

    def fit(self, text: str) -> str:
        """What is said where a model, left alone, would say `text`."""
        if self.pattern is not None:
            return text if self.pattern.fullmatch(text) else self.first
        try:
            wanted = json.loads(text)
        except (ValueError, RecursionError):
            wanted = None
        return json.dumps(_instance(self.schema, wanted), ensure_ascii=False)


@lru_cache(maxsize=32)  # as many as TGI keeps
def from_regex(source: str) -> Constraint:
    """Read a regular expression.

    Raises:
        GrammarError: It is none, or uses what is not known here.
    """
    try:
        pattern = re.compile(source)
        reader = _Reader(source)
        node = reader.alternatives()
    except (re.error, RecursionError) as error:
        raise GrammarError(f"no regular expression: {error}") from None
    if reader.at < len(source):
        raise GrammarError(f"unexpected {source[reader.at]!r}")
    found = list(dict.fromkeys(islice(node.strings(), MOST_STRINGS + 1)))
    if not found or not pattern.fullmatch(found[0]):
        raise GrammarError("no string was found that matches")
    closed = node.closed and len(found) <= MOST_STRINGS
    return Constraint(tuple(found) if closed else (), pattern, None, found[0])


def from_schema(value: Any) -> Constraint:
    """Read a JSON schema.

    Raises:
        GrammarError: It is none, or uses what is not known here.
    """
    if not isinstance(value, Mapping):
        raise GrammarError("a schema is an object")
    _check(value)
    return Constraint((), None, value, json.dumps(_instance(value, None), ensure_ascii=False))


def _check(schema: Any) -> None:
    if not isinstance(schema, Mapping):
        raise GrammarError(f'{json.dumps(schema)[:80]} is not of type "object"')
    unknown = sorted(set(schema) - _KNOWN)
    if unknown:
        raise GrammarError(f"{unknown[0]!r} is not known here")
    kinds = schema.get("type", [])
    if not set(kinds if isinstance(kinds, list) else [kinds]) <= _TYPES:
        raise GrammarError(f"{json.dumps(kinds)[:80]} is no type")
    if "enum" in schema and not (isinstance(schema["enum"], list) and schema["enum"]):
        raise GrammarError("an enum lists at least one value")
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping):
        raise GrammarError("properties are an object")
    for part in (*properties.values(), *([schema["items"]] if "items" in schema else [])):
        _check(part)


def _instance(schema: Mapping[str, Any], wanted: Any) -> Any:
    """The wanted value as far as the schema allows it, else the smallest value that it does."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        same = [value for value in schema["enum"] if value == wanted and type(value) is type(wanted)]
        return same[0] if same else schema["enum"][0]
    kinds = schema.get("type", "object" if "properties" in schema else [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    kind = next((kind for kind in kinds if _is(wanted, kind)), kinds[0] if kinds else "")
    return _SMALLEST[kind](schema, wanted if _is(wanted, kind) else None)


def _object(schema: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> dict[str, Any]:
    given, properties = wanted or {}, schema.get("properties", {})
    required = schema.get("required", [])
    return {
        name: _instance(part, given.get(name)) for name, part in properties.items() if name in required or name in given
    }


def _array(schema: Mapping[str, Any], wanted: list[Any] | None) -> list[Any]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", _MOST_REPEATS)
    given = (wanted or [])[:most]
    given += [None] * (least - len(given))
    return [_instance(schema["items"], value) if "items" in schema else value for value in given]


def _string(schema: Mapping[str, Any], wanted: str | None) -> str:
    least = schema.get("minLength", 0)
    return (wanted or "").ljust(least, "a")[: schema.get("maxLength")]


def _number(schema: Mapping[str, Any], wanted: float | None) -> float:
    value: float = wanted or 0
    low: float = schema.get("minimum", value)
    high: float = schema.get("maximum", max(value, low))
    return min(max(value, low), high)


_SMALLEST: Final[Mapping[str, Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _number,
    "number": _number,
    "boolean": lambda schema, wanted: bool(wanted),
    "null": lambda schema, wanted: None,
    "": lambda schema, wanted: wanted,
}


def _is(value: Any, kind: str) -> bool:
    if kind in ("integer", "number"):
        return isinstance(value, int if kind == "integer" else (int, float)) and not isinstance(value, bool)
    python = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "": object}
    return isinstance(value, python[kind])


@dataclass(frozen=True, slots=True)
class _Node:
    """A part of an expression: alternatives of sequences, each part repeated.

    Args:
        options: Alternatives, each a sequence of (part, least, most); a plain string is its own part.
        closed: Whether its strings can be listed.
    """

    options: tuple[tuple[tuple[_Node | str, int, int], ...], ...]
    closed: bool

    def strings(self) -> Iterator[str]:
        """Its strings, first alternatives and fewest repeats first; of an endless repeat only the shortest two."""
        for option in self.options:
            yield from map("".join, product(*(_repeated(*part) for part in option)))


def _repeated(part: _Node | str, least: int, most: int) -> list[str]:
    """The strings of a repeated part, cut off behind `MOST_STRINGS`."""
    single = [part] if isinstance(part, str) else list(islice(part.strings(), MOST_STRINGS + 1))
    counts = range(least, min(most, least + MOST_STRINGS) + 1)
    made = ("".join(parts) for count in counts for parts in product(single, repeat=count))
    return list(islice(made, MOST_STRINGS + 1))


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0

    def _next(self) -> str:
        return self.source[self.at : self.at + 1]

    def alternatives(self) -> _Node:
        """One or more sequences, parted by bars."""
        options, closed = [], True
        while True:
            sequence = []
            while self._next() not in ("", "|", ")"):
                part, part_closed = self._part()
                least, most = self._repeat()
                closed = closed and part_closed and most < _MOST_REPEATS
                sequence.append((part, least, most))
            options.append(tuple(sequence))
            if self._next() != "|":
                return _Node(tuple(options), closed)
            self.at += 1

    def _part(self) -> tuple[_Node | str, bool]:
        char = self._next()
        self.at += 1
        if char == "(":
            return self._group()
        if char == "[":
            return self._class()
        if char == "\\":
            return self._escaped()
        if char == ".":
            return "a", False
        if char in "^$":
            return "", True
        if char in _META:
            raise GrammarError(f"unexpected {char!r}")
        return char, True

    def _group(self) -> tuple[_Node, bool]:
        if self._next() == "?":
            if self.source[self.at : self.at + 2] != "?:":
                raise GrammarError("groups are plain or (?:...)")
            self.at += 2
        node = self.alternatives()
        self.at += 1  # its bracket; re.compile has seen that it is there
        return node, node.closed

    def _class(self) -> tuple[_Node | str, bool]:
        end = self.source.index("]", self.at + 1)
        while self.source[end - 1] == "\\":
            end = self.source.index("]", end + 1)
        body, self.at = self.source[self.at : end], end + 1
        pattern = re.compile(f"[{body}]")
        members = [chr(code) for code in range(32, 127) if pattern.fullmatch(chr(code))]
        closed = not body.startswith("^") and "\\" not in body
        return _Node(tuple(((member, 1, 1),) for member in members), closed), closed

    def _escaped(self) -> tuple[_Node | str, bool]:
        char = self._next()
        self.at += 1
        if char in _CLASSES:
            return _Node(
                tuple(((member, 1, 1),) for member in _CLASSES[char]), closed=char not in "ws"
            ), char not in "ws"
        if char.isalnum():
            raise GrammarError(f"unexpected \\{char}")
        return char, True

    def _repeat(self) -> tuple[int, int]:
        char = self._next()
        found = _REPEAT.match(self.source, self.at)
        if char and char in "*+?":
            self.at += 1
            least, most = {"*": (0, _MOST_REPEATS), "+": (1, _MOST_REPEATS), "?": (0, 1)}[char]
        elif found:
            self.at = found.end()
            least = int(found[1])
            most = least if found[2] is None else int(found[3]) if found[3] else _MOST_REPEATS
        else:
            return 1, 1
        if self._next() == "?":  # lazy: the same strings
            self.at += 1
        return least, most
