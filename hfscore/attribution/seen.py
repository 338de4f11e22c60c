"""The columns of a few rows: paths, and whether they hold anything. Names and values are a stranger's."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cache, lru_cache
from itertools import islice
from typing import Any

DEEPEST = 4  # structs inside structs
ITEMS = 50  # of a list inside a row
VALUES = 500  # looked at in one column of a row
NAME_LENGTH = 100  # characters of one name
JSON_LENGTH = 50_000  # characters of a text that may hold an object

EMPTY = frozenset({"", "-", "--", "?", "n/a", "na", "none", "null", "nan", "unknown", "tbd", "todo", "[]", "{}"})

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLAIN_LATIN = str.maketrans("łøđß", "lods")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was looked at of one config and split.

    Args:
        config: Configuration.
        split: Split.
        kind: Kind of layout that was recognised, such as "agent_trajectory".
        mapping: question / reasoning / response / reference_answer -> column paths; empty for none.
        rows: The first rows, whole.
        filled: Role of the layout -> number of these rows that hold it.
        references: Reference answers of these rows, without blank ones.
    """

    config: str
    split: str
    kind: str
    mapping: Mapping[str, Sequence[str]]
    rows: Sequence[Mapping[str, Any]]
    filled: Mapping[str, int] = field(default_factory=dict)
    references: Sequence[str] = ()


Cells = Mapping[str, tuple[str, ...]]  # path -> what it holds in one row, as text; empty if there is nothing in it


def cells(row: Mapping[str, Any]) -> Cells:
    """The values of a row by path: "reward_model.style" -> ("rule",).

    Lists add nothing to a path. A text that is a JSON object is looked into. Of one column at most `VALUES` values
    are looked at.
    """
    found: dict[str, list[str]] = {}
    for column, value in row.items():
        for path, leaf in islice(_leaves(value, (str(column)[:NAME_LENGTH],), DEEPEST), VALUES):
            held = found.setdefault(readable(".".join(path)), [])
            text = "" if leaf is None else str(leaf)[:NAME_LENGTH].strip()
            if text.lower() not in EMPTY:
                held.append(text)
    return {path: tuple(texts) for path, texts in found.items()}


def _leaves(value: Any, path: tuple[str, ...], left: int) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, str) and value.startswith("{") and len(value) <= JSON_LENGTH:
        value = _object(value)
    if isinstance(value, Mapping) and value and left:
        for name, inner in value.items():
            yield from _leaves(inner, (*path, str(name)[:NAME_LENGTH]), left - 1)
    elif isinstance(value, list | tuple) and value and left:
        for inner in value[:ITEMS]:
            yield from _leaves(inner, path, left - 1)
    else:
        yield path, value if isinstance(value, str | int | float) else "something" if value else None


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def readable(text: str) -> str:
    """A text that can be written as UTF-8: JSON can smuggle in half a character."""
    return text.encode("utf-8", "replace").decode()


@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """A name in lower case with underscores, without Latin accents: "Réponse correcte" -> "reponse_correcte"."""
    spaced = _CAMEL.sub("_", unicodedata.normalize("NFKC", name)).lower().translate(_PLAIN_LATIN)
    plain = "".join(one for one in unicodedata.normalize("NFKD", spaced) if not unicodedata.combining(one))
    return re.sub(r"[\s-]+", "_", plain)


@cache
def _pattern(globs: str) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, globs.split())) or r"(?!)")


@lru_cache(maxsize=65536)
def named(path: str, globs: str, but: str = "") -> str | None:
    """The part of a path that one of these globs names, or None.

    Args:
        path: Names joined by dots.
        globs: Parted by blanks; for one name ("*_source"), or for names from the first on ("reward_model.style").
        but: Globs whose names do not count, nor what stands inside them.
    """
    parts = path.split(".")
    folded = [fold(part) for part in parts]
    for place, name in enumerate(folded):
        if _pattern(but).fullmatch(name):
            return None
        if _pattern(globs).fullmatch(name) or (place and _pattern(globs).fullmatch(".".join(folded[: place + 1]))):
            return ".".join(parts[: place + 1])
    return None
