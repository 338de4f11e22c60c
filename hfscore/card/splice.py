"""A section into a card and out of it again, every other byte left as it was.

Two edits, one in the front matter and one in the body, are worked out on the parsed card, applied
to its text, and the result is parsed again: unless everything else reads as before, and taking our
part out gives the same bytes as it did before, the card is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfscore.card import front_matter, markers
from hfscore.card.edits import applied
from hfscore.card.front_matter import FrontMatter
from hfscore.card.identity import Identity, flaw, plain
from hfscore.card.markers import BEGIN, END
from hfscore.card.refusal import refuse

__all__ = ["BEGIN", "END", "hands_off", "read_identity", "read_section", "remove", "splice"]

_BOM = "\ufeff"
_MOST_LINES = 100_000  # the longest card known has 39,000; parsing takes some 30 µs a line


@dataclass(frozen=True, slots=True)
class _Card:
    text: str
    front: FrontMatter | None
    body: markers.Body


def splice(readme: bytes, *, section: str, identity: Identity) -> bytes:
    """Put the section and its identity into a card, in place of those of a previous run.

    Args:
        readme: The card, UTF-8; empty where the repository has none.
        section: Markdown without markers, lines ending with "\\n".
        identity: Keys and values of the `hfscore:` block, `schema` first.

    Returns:
        The card with our part in it; bytes that are not ours are those of `readme`.

    Raises:
        CardError: The maintainer declined, or nothing can be spliced without risk; see the hint.
    """
    bom, text = _decoded(readme)
    if problem := flaw(identity):
        refuse(f"The identity of the report cannot stand in a card: {problem}.", "Mend the report.")
    section, shape = markers.checked(section)
    old = _parsed(text)
    if front_matter.read(text, old.front) is False:
        refuse(
            "The card says `hfscore: false`: its maintainer wants no section.",
            "Ask for that line to be taken out.",
        )
    bare = _erased(old)
    eol = "\r\n" if 2 * bare.count("\r\n") > bare.count("\n") else "\n"
    new = _parsed(
        applied(
            text,
            front_matter.edit(text, old.front, identity, eol=eol),
            markers.edit(text, old.body, section, eol=eol),
        )
    )
    if front_matter.others(new.front) != front_matter.others(old.front):
        refuse(
            "With the `hfscore` key in it, another key of the front matter would read differently.",
            "Please report the card as a defect.",
        )
    before, _, after = old.body.shape
    if new.body.shape != (before, shape, after):
        refuse(
            "With the section in it, the card would not read as it should: something before the section is still open.",
            markers.PLACE,
        )
    if front_matter.read(new.text, new.front) != plain(identity) or _erased(new) != bare:
        refuse("The splice could not be undone exactly.", "Please report the card as a defect.")
    return f"{bom}{new.text}".encode()


def remove(readme: bytes) -> bytes:
    """Take the section and its identity out of a card.

    Args:
        readme: The card, UTF-8.

    Returns:
        The bytes that `splice` had been given, plus whatever its maintainer has changed since.

    Raises:
        CardError: Our part cannot be told from the maintainer's without doubt.
    """
    bom, text = _decoded(readme)
    old = _parsed(text)
    new = _erased(old)
    if front_matter.others(front_matter.locate(new)) != front_matter.others(old.front):
        refuse(
            "Without the `hfscore` key another key of the front matter would read differently.",
            "Move the lines of `hfscore:` to the top of the front matter and try again.",
        )
    return f"{bom}{new}".encode()


def read_identity(readme: bytes) -> Mapping[str, Any] | None:
    """Read what the last run wrote into the front matter.

    Returns:
        Its keys and values, lists as lists; None where there is nothing of ours.

    Raises:
        CardError: The front matter cannot be read, or its `hfscore` is none of ours.
    """
    _, text = _decoded(readme)
    return front_matter.read(text, front_matter.locate(text)) or None


def read_section(readme: bytes) -> str | None:
    """The section between our markers, or None where a card has none.

    Raises:
        CardError: The card cannot be read.
    """
    _, text = _decoded(readme)
    body = _parsed(text).body
    return text[body.pair.content : body.pair.end] if body.pair else None


def hands_off(readme: bytes) -> bool:
    """Say whether the maintainer declined a section with `hfscore: false`.

    Raises:
        CardError: The front matter cannot be read, or its `hfscore` is none of ours.
    """
    _, text = _decoded(readme)
    return front_matter.read(text, front_matter.locate(text)) is False


def _decoded(readme: bytes) -> tuple[str, str]:
    """Split a card into byte order mark and text."""
    try:
        text = readme.decode("utf-8")
    except UnicodeDecodeError as error:
        refuse(f"The card is not UTF-8 (byte {error.start}).", "Save it as UTF-8.")
    if "\0" in text or re.search(r"\r(?!\n)", text):
        refuse(
            "The card holds a NUL or a carriage return without a line feed.",
            "Save it with line ends of one kind, LF or CRLF.",
        )
    if text.count("\n") > _MOST_LINES:
        refuse(f"The card has more than {_MOST_LINES:,} lines.", "Move what is not a card elsewhere.")
    return (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)


def _parsed(text: str) -> _Card:
    front = front_matter.locate(text)
    return _Card(text, front, markers.parse(text, front.end if front else 0))


def _erased(card: _Card) -> str:
    edits = (
        front_matter.erasure(card.text, card.front),
        markers.erasure(card.text, card.body),
    )
    return applied(card.text, *(edit for edit in edits if edit))
