"""Makes text from a dataset harmless where it is shown: Markdown, code spans, terminals, addresses. Pure.

Every function takes any text and keeps what can be read of it. What cannot be seen goes: terminal commands,
control characters, marks that turn the reading direction. A lone surrogate becomes U+FFFD.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

# ECMA-48: control sequences, control strings that end as they should, any other escape; then their 8-bit forms.
_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x1b\x07\x9c]*(?:\x07|\x9c|\x1b\\)|\x1b[ -/]*[0-~]?|\x9b[0-?]*[ -/]*[@-~]"
)
_INVISIBLE = ("Cc", "Cf")  # controls; format characters, among them all that set the direction

WORD_JOINER = "\u2060"  # invisible, forbids a break; here it parts what a renderer would make a link of

# Where a link, a mention or an emoji would come to life in plain text, after entities are decoded: GFM's autolinks,
# @user and #1 in discussions, :smile:, and the arXiv addresses by which the Hub ties a repository to a paper.
_LIVE = re.compile(
    r"(?<=[@#])(?=\w)|(?<=:)(?=//|[\w+-]+:)|(?<=\bwww)(?=\.)|(?<=arxiv)(?=[.:])", re.IGNORECASE | re.ASCII
)
# Entities, never backslashes: `\(`, `\[` and `$` open formulas on the Hub before Markdown is read, and renderers
# disagree on `\\|` in a table. A character that came from an entity is text to all of them.
_ENTITIES = {ord(character): f"&#{ord(character)};" for character in "&<>|`\\*_~[]$#@"}
# What would open a list, a rule or a heading at the start of a line; `*`, `#` and the like are entities already.
_BLOCK_START = re.compile(r"^(\d{0,9})(?:((?<!\d)(?:[-+](?= |$)|-(?=[- ]*$)|=(?=[= ]*$)))|([.)])(?= |$))")
_NOT_CODE = re.compile(r"[`|$<>\\]|://|arxiv[.:]", re.IGNORECASE)


def terminal(text: str) -> str:
    """One line that moves no cursor, sets no colour and reads in the order in which it was written.

    Spaces stay; a tab or a line break becomes a space.
    """
    return "".join(_seen(character) for character in _ANSI.sub("", text))


def _seen(character: str) -> str:
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    return "" if category in _INVISIBLE else character


def plain(text: str) -> str:
    """One line without blanks around it, runs of white space folded."""
    return " ".join(terminal(text).split())


def clip(text: str, limit: int) -> str:
    """At most `limit` characters, both ends kept and "…" between them."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 3
    return f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"


def markdown(text: str) -> str:
    """Markdown that shows the text as it is: in a sentence, a table cell, a list item, a link's text."""
    line = _LIVE.sub(WORD_JOINER, plain(text)).translate(_ENTITIES)
    return _BLOCK_START.sub(lambda found: f"{found[1]}&#{ord(found[2] or found[3])};", line)


def code(text: str) -> str:
    """A code span, also in a table cell; escaped text where a code span could not hold it, "(empty)" for none."""
    line = plain(text)
    if not line:
        return "(empty)"
    return markdown(line) if _NOT_CODE.search(line) else f"`{line}`"


def url_part(text: str) -> str:
    """One part of a path, or a value of a query, percent-encoded: no separator, no character Markdown could read."""
    return quote(text, safe="", errors="replace")


def shell(command: str) -> str:
    """A shell line as one line that shows every character: bash's $'\\xNN' stands for what cannot be seen.

    A word that could open or close an HTML comment is written that way too.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        return plain(command)
    return " ".join(_word(word) for word in words)


def _word(word: str) -> str:
    seen = terminal(word) == word and "<!--" not in word and "-->" not in word
    return shlex.quote(word) if seen else f"$'{''.join(_spelled(word))}'"


def _spelled(word: str) -> Iterator[str]:
    for character in word:
        if character in "\\'<>" or terminal(character) != character:
            yield "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
        else:
            yield character
