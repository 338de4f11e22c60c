"""How often a text stops to check itself, by word lists."""

from __future__ import annotations

import re
from functools import cache

from hfscore.text.words import REFLECTION


@cache
def _phrases() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Every phrase of every language with its pattern, longest first."""
    phrases = sorted({phrase for phrases in REFLECTION.values() for phrase in phrases}, key=len, reverse=True)
    return tuple((phrase, re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)")) for phrase in phrases)


def reflections(text: str) -> int:
    """Number of places where a reflection phrase starts; phrases inside a longer one count once."""
    lowered = text.lower().replace("’", "'")
    taken: list[tuple[int, int]] = []
    for phrase, pattern in _phrases():
        if phrase in lowered:  # a plain search is ten times faster than a pattern, and most phrases are absent
            taken += [match.span() for match in pattern.finditer(lowered)]
    taken.sort(key=lambda span: (span[0], -span[1]))
    count, reached = 0, 0
    for start, end in taken:
        if start >= reached:
            count, reached = count + 1, end
    return count


def reflection_density(text: str) -> float:
    """Reflection phrases per 100 words; `text` holds at least one word."""
    return 100 * reflections(text) / len(text.split())
