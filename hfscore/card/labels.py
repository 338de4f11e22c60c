"""What things of a report are called in a card: short, on one line, and no two parts alike."""

from __future__ import annotations

from collections.abc import Sequence

from hfscore import escape
from hfscore.card.context import Layout
from hfscore.report import Part

Key = tuple[str, str]  # config, split

NAME_LENGTH = 60
SENTENCE_LENGTH = 300
COLUMNS_UP_TO = 5  # parts that fit side by side
HEADERS_UP_TO = 90  # characters of all their labels


def name(text: str) -> str:
    """A name on one line, both ends kept where it is long."""
    return escape.clip(escape.plain(text), NAME_LENGTH)


def sentence(text: str) -> str:
    """A sentence on one line, both ends kept where it is long."""
    return escape.clip(escape.plain(text), SENTENCE_LENGTH)


def noun(parts: Sequence[Part]) -> str:
    """What the parts differ in: "config", "split", or "part" for both."""
    configs, splits = {part.config for part in parts}, {part.split for part in parts}
    if len(splits) > 1:
        return "part" if len(configs) > 1 else "split"
    return "config"


def labels(parts: Sequence[Part]) -> dict[Key, str]:
    """A short name for every part; those that would read alike are numbered."""
    kind = noun(parts) if len(parts) > 1 else "part"
    found: dict[Key, str] = {}
    for place, part in enumerate(parts, 1):
        label = name({"config": part.config, "split": part.split}.get(kind, f"{part.config}/{part.split}"))
        found[part.config, part.split] = f"{label} ({place})" if label in found.values() else label
    return found


def layout(names: Sequence[str]) -> Layout:
    """How a table of these parts stands."""
    if len(names) < 2:
        return "one" if names else "none"
    fits = len(names) <= COLUMNS_UP_TO and sum(map(len, names)) <= HEADERS_UP_TO
    return "columns" if fits or len(names) == 2 else "rows"
