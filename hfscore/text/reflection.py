"""How often a text stops to check itself, by word lists."""

from __future__ import annotations

import re
from functools import cache

from hfscore.text.words import REFLECTION


@cache
def pattern() -> re.Pattern[str]:
    """Any phrase of any language, longest first, as whole words."""
    phrases = sorted({phrase for phrases in REFLECTION.values() for phrase in phrases}, key=len, reverse=True)
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, phrases)) + r")(?!\w)", re.IGNORECASE)


def reflection_density(text: str) -> float:
    """Reflection phrases per 100 words; `text` holds at least one word."""
    return 100 * sum(1 for _ in pattern().finditer(text)) / len(text.split())
