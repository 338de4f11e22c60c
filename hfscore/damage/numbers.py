"""Damage to one number of a trace: a quantity of the question, or the result of an equation.

A number is replaced digit by digit, so nothing else moves: offsets, separators and the text's
length in bytes stay.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Set
from fractions import Fraction
from random import Random
from typing import NamedTuple

from hfscore.damage.draws import permuted, pick
from hfscore.text.arithmetic import Equation, check_equations
from hfscore.text.lexicon import STEP_WORDS
from hfscore.text.numerals import NUMERAL, read_numeral

MAX_TRIES = 12
"""Changes tried before a trace is given up, each checked by reading all equations anew."""

MAX_DRAWS = 100
"""Numbers drawn before one is taken that the trace holds already."""

_MAX_DIGITS = 15
_NEAR = 24
_NUMBER = re.compile(rf"(?<![\w.,^\\#])(?:{NUMERAL})(?![\w^])")
_RESULT = re.compile(rf"[-−]?+({NUMERAL})[^\d=+*/×·÷^]*+")
_NOTE = re.compile(r"<<[^<>\n]{0,200}>>")
_BEHIND_NOTE = re.compile(rf"(?:\\?\$)?+({NUMERAL})")
_NOTE_BEFORE = re.compile(r">>(?:\\?\$)?+$")
_NOTE_RESULT = re.compile(rf"({NUMERAL})>>(?:\\?\$)?+$")
_STEP_BEFORE = re.compile(rf"(?:{'|'.join(STEP_WORDS)})\s$", re.IGNORECASE)
_LINE_BEFORE = re.compile(r"(?:^|\n)\s{0,8}$")
_SIGN_BEFORE = re.compile(
    r"[-+−–*×·•/÷=^_<>≈≤≥{[][\s$(\\]{0,3}$|\d\s?:\s?$|\b(?:times|plus|minus|by|over|razy)\s$", re.IGNORECASE
)
_SIGN_BEHIND = re.compile(
    r"[\s$%)\\]{0,3}(?:[+−–*×·•/÷=^<>≈≤≥]|:\s?\d|-(?![a-z])|(?:times|cdot|div)\b)|\s[xX]\s\$?\d|\.?\\[A-Za-z]"
    r"|\s(?:times|plus|minus|divided|multiplied|over|razy)\b"
    r"|(?:[ -][^\W\d_]{1,20}(?:/[^\W\d_]{1,20})?){1,3} ?[-+*/×·=] ?[\d$(<]"
)


class Place(NamedTuple):
    """Where a number stands."""

    start: int
    end: int


def falsify_number(reasoning: str, question: str | None, rng: Random) -> str | None:
    """Change one given quantity of a trace to another of the same length.

    The number stands outside arithmetic, is the result of no equation of the trace and, where the
    question is known, stands in the question too.

    Args:
        reasoning: The trace.
        question: The question, or None.
        rng: Where the choice comes from.

    Returns:
        The trace with one number changed, or None where it has no such number.
    """
    asked = _values(question) if question else set()
    results = {value for match in re.finditer(rf"[=≈]\s?\$?({NUMERAL})", reasoning) for value in _readings(match[1])}
    notes = [match.span() for match in _NOTE.finditer(reasoning)]
    places = [
        Place(*match.span())
        for match in _NUMBER.finditer(reasoning)
        if (values := _readings(match[0]))
        and values.isdisjoint(results)
        and (not question or values & asked)
        and _is_prose(reasoning, match)
    ]
    places = [place for place in _outside(places, notes) if _is_plain(reasoning, place)]
    if not places:
        return None
    place = pick(rng, places)
    taken = _values(reasoning) | asked
    return _replaced(reasoning, [place], _other(reasoning[slice(*place)], taken, rng))


def break_result(reasoning: str, rng: Random, *, last: bool = False) -> str | None:
    """Make one true equation of a trace false by changing its right side.

    A calculator note beside it (GSM8K's `= <<9*2=18>>18`) is changed with it.

    Args:
        reasoning: The trace.
        rng: Where the choice comes from.
        last: Take the last equation that can be broken, not a random one.

    Returns:
        The trace with one result changed, or None where no equation can be broken alone.
    """
    before = check_equations(reasoning)
    places = sorted(set(filter(None, (_result(reasoning, equation) for equation in before if equation.holds))))
    order = places[::-1] if last else permuted(rng, places)
    taken = _values(reasoning)
    for twins in [twins for twins in order for _ in range(3)][:MAX_TRIES]:
        broken = _replaced(reasoning, twins, _other(reasoning[slice(*twins[0])], taken, rng))
        if _breaks_one(before, check_equations(broken), twins):
            return broken
    return None


def _result(text: str, equation: Equation) -> tuple[Place, ...] | None:
    """The places of an equation's result: in the calculator note, if there is one, and where it is seen."""
    right = _RESULT.fullmatch(text, equation.end - len(equation.right), equation.end)
    if right is None:
        return None
    start, end = right.span(1)
    places = [Place(start, end)]
    near = max(0, start - _NEAR)
    if text.startswith(">>", end):
        seen = _BEHIND_NOTE.match(text, end + 2)
        places = [*places, Place(*seen.span(1))] if seen else []
    elif _NOTE_BEFORE.search(text, near, start):
        note = _NOTE_RESULT.search(text, near, start)
        places = [Place(*note.span(1)), *places] if note else []
    written = {re.sub(r"\D", "", text[slice(*place)]) for place in places}
    return tuple(places) if len(written) == 1 and all(_is_plain(text, place) for place in places) else None


def _breaks_one(before: list[Equation], after: list[Equation], twins: tuple[Place, ...]) -> bool:
    """Whether the change turned one true equation (and its note) false, and touched no other."""
    if len(before) != len(after):
        return False
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old.holds != new.holds]
    ends = {place.end for place in twins}
    own = all(any(old.start < end <= old.end for end in ends) for old, _ in changed)
    return own and 0 < len(changed) <= len(twins) and all(old.holds and new.holds is False for old, new in changed)


def _is_prose(text: str, match: re.Match[str]) -> bool:
    """Whether a number stands outside arithmetic and numbers no step or list item."""
    start, end = match.span()
    before = text[max(0, start - _NEAR) : start]
    item = _LINE_BEFORE.search(before) and text[end : end + 1] in (".", ")", ":")
    return not (item or _STEP_BEFORE.search(before) or _SIGN_BEFORE.search(before) or _SIGN_BEHIND.match(text, end))


def _outside(places: list[Place], spans: list[tuple[int, int]]) -> Iterator[Place]:
    """The places outside all spans; both in order."""
    index = 0
    for place in places:
        while index < len(spans) and spans[index][1] <= place.start:
            index += 1
        if index == len(spans) or place.end <= spans[index][0]:
            yield place


def _readings(numeral: str) -> set[Fraction]:
    return {Fraction(reading.value) for reading in read_numeral(numeral)}


def _values(text: str) -> set[Fraction]:
    return {value for match in re.finditer(NUMERAL, text) for value in _readings(match[0])}


def _is_plain(text: str, place: Place) -> bool:
    """Whether a number is plain enough to be changed: ASCII digits and separators, of bounded length."""
    number = text[slice(*place)]
    plain = all(char in "0123456789.,\u00a0\u2009\u202f" for char in number)
    return plain and number[-1].isdigit() and place.end - place.start <= _MAX_DIGITS


def _other(numeral: str, taken: Set[Fraction], rng: Random) -> str:
    """A plausible number in place of another: as many digits, about its size, none of `taken` if possible."""
    digits = re.sub(r"\D", "", numeral)
    old, width = int(digits), len(digits)
    lowest = 10 ** (width - 1) if digits[0] != "0" and width > 1 else 1
    highest = 10**width - 1
    zeros = len(digits) - len(digits.rstrip("0")) if old else 0
    for unit in (10**zeros, 1):  # a round number for a round number, where one is free
        low, high = max(lowest, old // 2), min(highest, old + old // 2 + 3 * unit)
        low, high = -(-low // unit), high // unit
        for _ in range(MAX_DRAWS):
            value = unit * (low + int(rng.random() * (high - low + 1)))
            other = _spelled(numeral, value)
            if value != old and taken.isdisjoint(_readings(other)):
                return other
    return _spelled(numeral, old + 1 if old < highest else old - 1)


def _spelled(numeral: str, value: int) -> str:
    """A value written with the separators of a numeral of as many digits."""
    digits = iter(str(value).zfill(sum(char.isdigit() for char in numeral)))
    return "".join(next(digits) if char.isdigit() else char for char in numeral)


def _replaced(text: str, places: Collection[Place], numeral: str) -> str:
    """The text with the digits of every place set to those of `numeral`."""
    value = int(re.sub(r"\D", "", numeral))
    for place in places:
        text = text[: place.start] + _spelled(text[place.start : place.end], value) + text[place.end :]
    return text
