"""A card, read for what it says: metadata as plain text, sections that hold something, and sentences.

Everything here is defensive. Front matter is parsed to text only (no tag is obeyed, no number or date is built), and
depth is bounded before it is. The body's blocks come from a CommonMark parser, so code, comments and tables of
contents are no prose. The section that hfscore wrote is left out: it would find its own advice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

LONGEST = 500_000  # characters of a card that are read
DEEPEST = 32  # levels of the front matter
NODES = 1000  # of one metadata key
VALUE_LENGTH = 200

_FRONT_MATTER = re.compile(r"\s*---[ \t]*\r?\n(.*?)^---[ \t\r]*$", re.DOTALL | re.MULTILINE)
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # every scalar is text
_OWN = re.compile(r"[ \t]{0,3}<!--\s{0,9}hfscore:(begin|end)\b")
_PLACEHOLDER = re.compile(
    r"more information needed|needs? more info|information (?:is )?missing|\bto be (?:added|written|determined)\b"
    r"|do uzupełnienia|brak informacji|informacje wkrótce",
    re.IGNORECASE,
)
_NOTHING = frozenset({"", "n/a", "na", "none", "null", "unknown", "tbd", "todo", "nieznane", "nieznana", "nieznany"})
_PUNCTUATION = " \t\r\n*_.…:;,-–—|[](){}<>#~`\"'"
_CONTENTS_LINK = re.compile(r"\[[^\]]{0,200}\]\(#[^)]{0,200}\)")
_TAG = re.compile(r"<[^<>]{0,500}>")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it.

    Args:
        heading: Its text, "" before the first heading.
        text: The prose of the section itself, placeholders left out, one block a line.
        filled: Whether it or a section inside it says anything.
    """

    heading: str
    text: str
    filled: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A card as it was read.

    Args:
        metadata: The front matter, every value a text, a list or a dict; None if there is none that can be read.
        sections: The body.
        notes: What could not be read, whole sentences.
    """

    metadata: Mapping[str, Any] | None = None
    sections: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()

    def values(self, key: str) -> list[str]:
        """What stands in the metadata under a key ("configs.data_files.split"), lists walked; blank ones left out."""
        texts = (" ".join(text[:VALUE_LENGTH].split()) for text in _under(self.metadata, tuple(key.split("."))))
        return [text for text in texts if _says_something(text)]


def read_card(data: bytes | None) -> Card:
    """Read a card.

    Args:
        data: The bytes of README.md, whatever they are, or None if there is none.
    """
    if data is None:
        return Card(notes=("No card was read beside the data: only columns were looked at, not what a card says.",))
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    notes = []
    if len(text) > LONGEST:
        notes.append(f"Only the first {LONGEST:,} characters of the card were read.")
        text = text[:LONGEST]
    front = _FRONT_MATTER.match(text)
    metadata = None
    if front is None:
        notes.append("The card has no metadata block (front matter between two lines `---`).")
    else:
        metadata = _metadata(front[1])
        if metadata is None:
            notes.append("The card's metadata block is no readable YAML, so nothing in it was looked at.")
    body = text[front.end() :] if front else text
    return Card(metadata, tuple(_sections(body)), tuple(notes))


def _metadata(block: str) -> dict[str, Any] | None:
    """The front matter with every scalar as text, or None if it is not YAML, no mapping, or too deep."""
    depth = 0
    try:
        for event in yaml.parse(block, Loader=_LOADER):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                return None
        loaded = yaml.load(block, Loader=_LOADER)  # noqa: S506 (a base loader builds texts, lists and dicts)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        return None
    return loaded if isinstance(loaded, dict) else None


def _under(value: Any, keys: tuple[str, ...]) -> Iterator[str]:
    """Texts under a key path, in order; at most `NODES` nodes are visited, for aliases can make a few lines endless."""
    waiting = [(value, keys)]
    for _ in range(NODES):
        if not waiting:
            return
        inner, left = waiting.pop()
        if isinstance(inner, list):
            waiting += [(one, left) for one in reversed(inner[:NODES])]
        elif left and isinstance(inner, Mapping):
            waiting.append((inner.get(left[0]), left[1:]))
        elif not left and isinstance(inner, str):
            yield inner


def _sections(body: str) -> list[Section]:
    """The body cut at its headings."""
    found: list[tuple[int, str, list[str]]] = [(0, "", [])]  # (level, heading, blocks)
    for level, text in _blocks(_without_own(body)):
        if level:
            found.append((level, " ".join(text.split())[:VALUE_LENGTH], []))
        elif _says_something(text):
            found[-1][2].append(" ".join(text.split()))
    filled = [bool(blocks) for _, _, blocks in found]
    open_ones: list[int] = []
    for place, (level, _, blocks) in enumerate(found):
        while open_ones and found[open_ones[-1]][0] >= level:
            open_ones.pop()
        if blocks:  # a section says what those inside it say; those that do are done with
            for outer in reversed(open_ones):
                if filled[outer]:
                    break
                filled[outer] = True
        open_ones.append(place)
    return [Section(heading, "\n".join(blocks), full) for (_, heading, blocks), full in zip(found, filled, strict=True)]


def _without_own(body: str) -> str:
    """A body without what hfscore wrote between its markers."""
    kept: list[str] = []
    begun: int | None = None  # how much was kept when a begin marker came that nothing has closed yet
    for line in body.splitlines(keepends=True):
        marker = _OWN.match(line)
        if marker and marker[1] == "begin":
            begun = len(kept)
        elif marker and begun is not None:
            del kept[begun:]
            begun = None
        else:
            kept.append(line)
    return "".join(kept)


def _blocks(body: str) -> Iterator[tuple[int, str]]:
    """(level of a heading or 0, text) of every block that is prose; code and comments are none."""
    from markdown_it import MarkdownIt

    heading = 0
    for token in MarkdownIt("commonmark").enable("table").disable("inline").parse(body):
        if token.type == "heading_open":
            heading = int(token.tag[1:])
        elif token.type == "inline":
            yield heading, token.content
            heading = 0
        elif token.type == "html_block":
            yield 0, _TAG.sub(" ", _without_comments(token.content))


def _without_comments(html: str) -> str:
    kept, start = [], 0
    while (begin := html.find("<!--", start)) >= 0:
        kept.append(html[start:begin])
        end = html.find("-->", begin)
        if end < 0:
            return "".join(kept)
        start = end + 3
    return "".join([*kept, html[start:]])


def _says_something(text: str) -> bool:
    """Whether a block is more than a placeholder, a dash, or a link to another section."""
    bare = text.strip(_PUNCTUATION).lower()
    return not (bare in _NOTHING or _PLACEHOLDER.search(text) or _CONTENTS_LINK.fullmatch(text.strip()))
