"""Whether a stop ends a sentence, and whether a comma, colon or semicolon parts two clauses.

Every look to either side is bounded, so a decision costs the same wherever in a text it falls.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from hfscore.text.lexicon import (
    BEFORE_NUMBER,
    INTERJECTIONS,
    LETTERED,
    MAY_BE_LAST,
    NEVER_LAST,
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

REMEMBERED: Final = 4_096
"""Short texts beside a sign for which a decision is kept: what is repeated is decided once."""

_REACH = 24
_CLAUSE_REACH = 80
_BRACKET_REACH = 200

NO_START: Final = "=+<>/|&%.,;:!?)]}·×÷^~"
"""No sentence begins with these."""

OPENERS = "\"'“„«‚‘([{*_>「『（"
NEXT: Final = rf"(?P<opening>[{re.escape(OPENERS)}]*+)(?P<word>[^\W\d_]*+(?:['’][^\W\d_]++)?+)"
"""Pattern for the beginning of a sentence: quotes and brackets, and a word; either may be empty."""

# x =, f(2), a_1, y is, λ: a formula in plain letters begins a sentence as a capital does.
_FORMULA = re.compile(
    r"[a-z](?:[_^'(\[²³\d!]|[ ]?+[=<>≤≥≠+*/^−]|[ ]-[ ]|[ ](?:is|are|has|can|must|equals|and|divides|jest)\b)"
    r"|(?:sin|cos|tan|log|ln|sqrt|gcd|lcm)\b|[α-ωħℏ]"
)
_DASHES = frozenset("-–—•")
_SHORTENED = NEVER_LAST | OFTEN_LAST | MAY_BE_LAST | BEFORE_NUMBER | {spaced.split()[-1] for spaced in SPACED}
_DOTTED = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")
_FACTORIAL = re.compile(r"(?:[\d)\]}]|(?:^|[\W\d_])[^\W\d_])$")
_ENTITY = re.compile(r"&#?\w{1,12}$")
_SENTENCE_END = re.compile(r"[.!?\n](?:(?<=\n)|(?=\s|$))")
_IN_SENTENCE = r"(?:[^\s.!?]|[.!?](?!\s|$))"
_TWO_WORDS = re.compile(rf"{_IN_SENTENCE}++[^\S\n]++{_IN_SENTENCE}")
_LIGHT_WORD = rf"[,.!?\-—]*+(?:{'|'.join(sorted(INTERJECTIONS))})[,.!?\-—]*+(?!\S)\s*+"
_WORD = rf"(?:{_LIGHT_WORD})*+\S++\s*+"
_SAYS_SOMETHING = re.compile(rf"\s*+(?:{_WORD}){{{MIN_CLAUSE_WORDS}}}")
_SAYS_MORE_THAN_A_LABEL = re.compile(rf"\s*+(?:{_WORD}){{{MIN_WORDS_BEFORE_COLON}}}")
_STEP = rf"(?i:{'|'.join(STEP_WORDS)})\s?+(?:\d++|[^\W\d_]|[ivxIVX]++)?+"
_STEP_LABEL = re.compile(rf"[\s#>*_-]*+{_STEP}\b")
_MARKUP = r"[\s#>*_]*+"
_NUMBER = r"(?:\d{1,3}+|[ivxIVX]{1,5}+|[^\W\d_])"
_NUMBERING = rf"(?:[-+•–]\s)?(?:[(\[]{_NUMBER}|{_NUMBER}(?=[.):\]]))[.):\]]?+"
_MARKER = re.compile(rf"{_MARKUP}(?:[-+•–]|{_NUMBERING}|{_STEP}){_MARKUP}[.):]?{_MARKUP}")

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
        stop: Match of a stop, with the groups `run` (further stops), `close` (quotes and brackets behind them) and
            those of `NEXT`; its end is where the next sentence would begin.

    Returns:
        True if there is a cut.
    """
    run, opening, word = stop.group("run", "opening", "word")
    at, end = stop.span()
    if run or text[at] != ".":
        return _ends_loudly(text, start, stop, text[at] + run, opening, word)
    if word:
        if word[0].islower() and not _begins_in_lower_case(text, end, opening, word):
            return False
    elif not _begins_with_a_sign(text, end, opening, behind_letter=at > start and text[at - 1].isalpha()):
        return False
    whole = at - start < MAX_MARKER
    return not _is_shortened(text[start if whole else at - _REACH : at], whole, text[end], word[:_REACH])


@lru_cache(maxsize=REMEMBERED)
def _is_shortened(window: str, whole: bool, following: str, word: str) -> bool:
    """Whether a dot belongs to what stands before it, a list marker or an abbreviation, and ends no sentence.

    Args:
        window: The text before the dot, back to the last cut or as far as one looks.
        whole: Whether it goes back to the last cut.
        following: The first character behind the dot and white space.
        word: The first word there, its beginning if it is long.
    """
    if whole and is_marker(f"{window}."):
        return True
    if window == "" or window[-1].isspace():
        return False
    *_, before, last = ["", *window.rsplit(None, 2)]
    last = last.lstrip(OPENERS)
    low = last.lower()
    if low in _SHORTENED or "." in last:
        return _is_abbreviation(window, last, before, following, word)
    return len(last) == 1 and last.isupper() and _is_initial(before, word)


def _ends_loudly(text: str, start: int, stop: re.Match[str], run: str, opening: str, word: str) -> bool:
    """The rule for "?", "!" and "..."."""
    at = stop.start()
    capital = word != "" and not word[0].islower()
    if "?" not in run and "!" not in run:
        restart = not opening and word.lower() in RESTARTS
        return restart or (capital and (len(word) > 1 or word in "IA"))
    if at == start or text[at - 1].isspace():
        return capital and not opening
    if capital:
        return True
    if run == "!" and _may_be_factorial(text[max(start, at - 2) : at]):
        return False
    return word == "" or opening != "" or not stop["close"].strip("*_")


@lru_cache(maxsize=REMEMBERED)
def _may_be_factorial(before: str) -> bool:
    return _FACTORIAL.search(before) is not None


def _is_abbreviation(window: str, last: str, before: str, following: str, word: str) -> bool:
    """Whether the dot belongs to the word before it, one that is often shortened or has a dot inside."""
    low = last.lower()
    if low in NEVER_LAST or f" {window}".endswith(SPACED):
        return True
    if low in BEFORE_NUMBER and (following.isdigit() or following == "("):
        return bool(before) or low not in INTERJECTIONS  # "No." alone before "5 is odd" is an answer
    if low in OFTEN_LAST:
        return word[:1].islower() or not (word or following in "$\\")
    if low in ("r", "w"):  # Polish "w 1939 r.", "XX w."; otherwise a letter of a formula
        return bool(before) and (before[-1].isdigit() or before.isupper()) and not _is_starter(word)
    if low in MAY_BE_LAST or _DOTTED.fullmatch(last):
        return not _is_starter(word)
    return len(last) == 1 and last.isupper() and _is_initial(before, word)


def _is_initial(before: str, word: str) -> bool:
    """Whether a capital before a dot is a name's: "Jane F. Kennedy", "J. S. Bach"."""
    named = before[:1].isupper() and (before[1:2] == "." or before[1:].islower()) and before.lower() not in LETTERED
    return named and len(word) > 1 and word[0].isupper() and not _is_starter(word)


def _is_starter(word: str) -> bool:
    return word[:1].isupper() and word.lower() in STARTERS


def _begins_in_lower_case(text: str, at: int, opening: str, word: str) -> bool:
    """Whether a word in lower case may begin a sentence."""
    if word.lower() in STARTERS_IN_LOWER_CASE or (opening and text[at] not in "*_>"):
        return True
    return _FORMULA.match(text, at) is not None


def _begins_with_a_sign(text: str, at: int, opening: str, *, behind_letter: bool) -> bool:
    """Whether a sentence may begin at `at` with something else than a letter."""
    if text[at] in _DASHES:
        return behind_letter or not text[at + 1 : at + 2].isspace()
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
    sign = text[at]
    if not _claims(sign, text[end : end + _CLAUSE_REACH]):
        return False
    if _is_inside_brackets(text[at - _BRACKET_REACH if at - start > _BRACKET_REACH else start : at]):
        return False
    if not _is_claimed(text[at - _CLAUSE_REACH if at - start > _CLAUSE_REACH else start : at], sign):
        return False
    return sign != ":" or not _STEP_LABEL.match(text, start, start + MAX_MARKER)


@lru_cache(maxsize=REMEMBERED)
def _claims(sign: str, right: str) -> bool:
    """Whether what stands behind the sign claims something of its own."""
    if not _TWO_WORDS.match(right):
        return False
    first = right.split(None, 1)[0].strip("*_\"'“„")
    if sign == ";":
        return first[:1].isalpha() and (len(first) > 1 or first == "I")
    if sign == ":" and not (first[:1].isupper() and first.strip(",").lower() in STARTERS):
        return "=" in _SENTENCE_END.split(right, maxsplit=1)[0]
    return True


@lru_cache(maxsize=REMEMBERED)
def _is_claimed(left: str, sign: str) -> bool:
    """Whether what stands before the sign claims something; before a colon, more than a label does."""
    if sign == ":":
        return _SAYS_MORE_THAN_A_LABEL.match(left.lower()) is not None
    if sign == ";" and _ENTITY.search(left):
        return False
    return "=" in left or _SAYS_SOMETHING.match(left.lower()) is not None


def _is_inside_brackets(reach: str) -> bool:
    return (
        ("(" in reach and reach.count("(") > reach.count(")"))
        or ("[" in reach and reach.count("[") > reach.count("]"))
        or ("{" in reach and reach.count("{") > reach.count("}"))
    )
