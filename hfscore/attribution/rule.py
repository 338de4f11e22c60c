"""How a field of a release is described: where it may stand, and what to do where it does not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

Group = Literal["record", "verifier", "lineage", "trace", "difficulty", "agent"]
When = Literal["always", "traces", "agent", "not agent", "difficulty", "steps"]

# Families of models, as they begin a name.
FAMILIES = (
    "deepseek|qwen|qwq|gpt|llama|gemini|gemma|claude|mistral|mixtral|phi|kimi|glm|o[134]|r1|bielik|pllum|nemotron"
)
# A model's name in prose, perhaps inside markup: a known family, or any word with a capital.
MODEL = rf"[\[*_`\"“]{{0,3}}(?:(?-i:[A-Z])|(?:{FAMILIES})\b)[\w.-]{{0,60}}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One field.

    Patterns stand one on a line, ignore case and are searched for; every repetition in them is bounded.

    Args:
        id: snake_case name.
        group: What it belongs to.
        title: A few words.
        advice: What to do where it is missing, a sentence.
        columns: Globs over folded names of columns, parted by blanks; one with a dot is for a whole path.
        but: Globs over names that do not count, nor what stands inside them.
        role: Role of the layout (question, reasoning, ...) that fills it.
        metadata: (key of the card's metadata, pattern that a value matches whole).
        headings: Patterns for headings of the card.
        mentions: Patterns for its prose.
        hints: (key, pattern that a value matches whole, what that says), where it does not say enough.
        in_names: Pattern for the names of the reasoning's columns, which then say something, yet not enough.
        when: To what data the field applies.
    """

    id: str
    group: Group
    title: str
    advice: str
    columns: str = ""
    but: str = ""
    role: str = ""
    metadata: tuple[tuple[str, str], ...] = ()
    headings: str = ""
    mentions: str = ""
    hints: tuple[tuple[str, str, str], ...] = ()
    in_names: str = ""
    when: When = "always"


@cache
def pattern(lines: str) -> re.Pattern[str]:
    """One pattern out of one a line; it matches nothing where there is no line."""
    alternatives = [line.strip() for line in lines.splitlines() if line.strip()]
    return re.compile("|".join(alternatives) or r"(?!)", re.IGNORECASE)
