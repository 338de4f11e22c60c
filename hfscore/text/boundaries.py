"""Whether a stop ends a sentence, and whether a comma, colon or semicolon parts two clauses.

Every look to either side is bounded, so a decision costs the same wherever in a text it falls.
"""

from __future__ import annotations

import re
from typing import Final

from hfscore.text.lexicon import (
    BEFORE_NUMBER,
    INTERJECTIONS,
    LETTERED,
    MAY_BE_LAST,
    NEVER_LAST,
    NOT_CLAUSES,
    OFTEN_LAST,
    RESTARTS,
    SPACED,
    STARTERS,
    STARTERS_IN_LOWER_CASE,
    STEP_WORDS,
)

MIN_CLAUSE_WORDS: Final = 2
"""Words that a clause needs on either side of a cut inside a sentence; interjections do not count."""

MIN_WORDS_BEFORE_COLON: Final = 3
"""Fewer words before a colon are a label, not a clause."""

_WORD_REACH = 24
_CLAUSE_REACH = 80
_BRACKET_REACH = 200

OPENERS = "\"'“„«‚‘([{*_>「『（"
_NEXT = re.compile(rf"([{re.escape(OPENERS)}]*+)([^\W\d_]*+(?:['’][^\W\d_]++)?+)")
# x =, f(2), a_1, y is, λ: a formula in plain letters begins a sentence as a capital does.
_FORMULA = re.compile(
    r"[a-z](?:[_^'(\[²³\d!]|[ ]?+[=<>≤≥≠+*/^−]|[ ]-[ ]|[ ](?:is|are|has|can|must|equals|and|divides|jest)\b)"
    r"|(?:sin|cos|tan|log|ln|sqrt|gcd|lcm)\b|[α-ωħℏ]"
)
_NO_START = frozenset("=+<>/|&%.,;:!?)]}·×÷^~")
_DASHES = frozenset("-–—•")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")
_FACTORIAL = re.compile(r"(?:[\d)\]}]|(?:^|[\W\d_])[^\W\d_])$")
_ENTITY = re.compile(r"&#?\w{1,12}$")
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)|\n")
_STEP = rf"(?:{'|'.join(STEP_WORDS)})\s?+(?:\d++|[^\W\d_]|[ivx]++)?+"
_STEP_LABEL = re.compile(rf"[\s#>*_-]*+{_STEP}\b", re.IGNORECASE)
_MARKUP = r"[\s#>*_]*"
_NUMBER = r"(?:\d{1,3}|[^\W\d_]|[ivx]{1,5})"
_NUMBERING = rf"(?:[-+•–]\s)?(?:[(\[]{_NUMBER}|{_NUMBER}(?=[.):\]]))[.):\]]?"
_MARKER = re.compile(rf"{_MARKUP}(?:[-+•–]|{_NUMBERING}|{_STEP}){_MARKUP}[.):]?{_MARKUP}", re.IGNORECASE)

MAX_MARKER: Final = 24
"""Longest text looked at for a list marker."""


def is_marker(text: str) -> bool:
    """Whether a text is a list marker or a step's label alone: "1.", "- ", "**Step 2:**"."""
    return len(text) <= MAX_MARKER and _MARKER.fullmatch(text) is not None


def ends_sentence(text: str, start: int, stop: re.Match[str]) -> bool:
    """Decide whether a sentence ends at a stop that white space and another character follow.

    Args:
        text: The whole text.
        start: Offset of the last cut before.
        stop: Match of a stop, with the groups `run` (further stops) and `close` (quotes and brackets
            behind them); its end is where the next sentence would begin.

    Returns:
        True if there is a cut.
    """
    if text[stop.end()] in _NO_START:
        return False
    following = _NEXT.match(text, stop.end())
    assert following is not None  # every part of the pattern may be empty
    opening, word = following.groups()
    if stop["run"] or text[stop.start()] != ".":
        return _ends_loudly(text, start, stop, opening, word)
    at = stop.start()
    if at - start < MAX_MARKER and is_marker(text[start : at + 1]):
        return False
    window = text[max(start, at - _WORD_REACH) : at]
    words = window.split()
    last = "" if not words or window[-1].isspace() else words[-1].lstrip(OPENERS)
    if _is_abbreviation(window, last, words[-2] if len(words) > 1 else "", text[stop.end()], word):
        return False
    return _may_begin(text, stop.end(), last, opening, word)


def _ends_loudly(text: str, start: int, stop: re.Match[str], opening: str, word: str) -> bool:
    """The rule for "?", "!" and "..."."""
    at = stop.start()
    run = text[at : stop.end("run")]
    capital = bool(word) and not word[0].islower()
    if "?" not in run and "!" not in run:
        restart = not opening and word.lower() in RESTARTS
        return restart or (capital and (len(word) > 1 or word in "IA"))
    if at == start or text[at - 1].isspace():
        return capital and not opening
    if run == "!" and _FACTORIAL.search(text[max(start, at - 2) : at]):
        return capital
    if word and not capital:
        return bool(opening) or not stop["close"].strip("*_")
    return True


def _is_abbreviation(window: str, last: str, before: str, following: str, word: str) -> bool:
    """Whether the dot belongs to the word before it and ends no sentence."""
    low = last.lower()
    starter = word[:1].isupper() and word.lower() in STARTERS
    if low in NEVER_LAST or f" {window}".endswith(SPACED):
        return True
    if low in BEFORE_NUMBER and (following.isdigit() or following == "("):
        return bool(before) or low not in INTERJECTIONS  # "No." alone before "5 is odd" is an answer
    if low in OFTEN_LAST:
        return word[:1].islower() or not (word or following in "$\\")
    if low in ("r", "w"):  # Polish "w 1939 r.", "XX w."; otherwise a letter of a formula
        return bool(before) and (before[-1].isdigit() or before.isupper()) and not starter
    if low in MAY_BE_LAST or _DOTTED.fullmatch(last):
        return not starter
    if len(last) == 1 and last.isupper():
        named = before[:1].isupper() and (before[1:2] == "." or before[1:].islower()) and before.lower() not in LETTERED
        return named and word[:1].isupper() and len(word) > 1 and not starter
    return False


def _may_begin(text: str, at: int, last: str, opening: str, word: str) -> bool:
    """Whether a sentence may begin at `at`, behind a dot that is no abbreviation's."""
    first = text[at]
    if word:
        if not word[0].islower() or word.lower() in STARTERS_IN_LOWER_CASE:
            return True
        return _FORMULA.match(text, at) is not None or (bool(opening) and first not in "*_>")
    if first in _DASHES:
        return last[-1:].isalpha() or not text[at + 1 : at + 2].isspace()
    if opening and opening[-1] in "*_>":
        return not text[at + len(opening) : at + len(opening) + 1].isspace()
    return True


def parts_clauses(text: str, start: int, mark: re.Match[str]) -> bool:
    """Decide whether a comma, colon or semicolon parts two clauses that each claim something.

    Args:
        text: The whole text.
        start: Offset of the last cut before.
        mark: Match of the sign and the white space behind it.

    Returns:
        True if there is a cut behind the white space.
    """
    at, end = mark.span()
    reach = text[max(start, at - _BRACKET_REACH) : at]
    if any(reach.count(opened) > reach.count(closed) for opened, closed in ("()", "[]", "{}")):
        return False
    left = reach[-_CLAUSE_REACH:]
    right = _SENTENCE_END.split(text[end : end + _CLAUSE_REACH], maxsplit=1)[0]
    right_words = right.split()
    says_something = "=" in left or _weight(left) >= MIN_CLAUSE_WORDS
    if not says_something or len(right_words) < MIN_CLAUSE_WORDS:
        return False
    if text[at] == ",":
        return not right.startswith(NOT_CLAUSES)
    first = right_words[0].strip("*_\"'“„")
    if text[at] == ";":
        return (len(first) > 1 or first == "I") and first[0].isalpha() and not _ENTITY.search(left)
    if _weight(left) < MIN_WORDS_BEFORE_COLON or _STEP_LABEL.match(text[start : start + MAX_MARKER]):
        return False
    return "=" in right or (first[:1].isupper() and first.strip(",").lower() in STARTERS)


def _weight(clause: str) -> int:
    return sum(word.strip(",.!?-—").lower() not in INTERJECTIONS for word in clause.split())
