"""Whether two members are equal, and whether it is safe to say that they are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

from hfscore.text.arithmetic_chains import SCALES, UNIT, VARIABLE
from hfscore.text.arithmetic_tokens import (
    CLOSE,
    DIVIDE,
    IMPLICIT,
    NUMBER,
    OPEN,
    OPERATOR,
    PERCENT,
    POWER,
    RATIO,
    TIGHT,
    Token,
)
from hfscore.text.arithmetic_values import Reading, evaluate
from hfscore.text.numerals import Numeral, read_numeral

ABOUT_TOLERANCE = Fraction(1, 20)
_HALF = Fraction(1, 2)
# With a unit at hand, these factors between the sides are a change of unit and no mistake: weeks,
# dozens, months, inches, ounces, hours, days of a month, weeks of a year, minutes, cents, years,
# kilo-, seconds of an hour, feet of a mile, mega-, giga-.
_CONVERSIONS = frozenset((7, 12, 16, 24, 30, 52, 60, 100, 365, 1000, 3600, 5280, 10**6, 10**9))


@dataclass(frozen=True, slots=True)
class Member:
    """One side of an equation: its tokens and what they consist of.

    Args:
        tokens: The tokens, units included.
        signs: Its operators.
        numerals: The likeliest reading of each numeral; None where it has none.
        units: For each operand the words behind it, in their stems.
    """

    tokens: tuple[Token, ...]
    signs: frozenset[str]
    numerals: tuple[Numeral | None, ...]
    units: tuple[frozenset[str], ...]

    @property
    def is_letter(self) -> bool:
        """Whether it is one letter and nothing else."""
        return len(self.tokens) == 1 and self.tokens[0].kind == VARIABLE

    @property
    def is_printed(self) -> bool:
        """Whether it is one printed number, perhaps signed or in brackets."""
        kinds = {token.kind for token in self.tokens}
        return len(self.numerals) == 1 and self.signs <= {"-", "+"} and VARIABLE not in kinds


def member(tokens: Sequence[Token]) -> Member:
    """Take stock of a side."""
    units: list[set[str]] = []
    numerals: list[Numeral | None] = []
    for token in tokens:
        if token.kind in (NUMBER, VARIABLE):
            units.append(set())
        if token.kind == NUMBER:
            readings = read_numeral(token.value)
            numerals.append(readings[0] if readings else None)
        elif token.kind == UNIT and units:
            units[-1].add(_stem(token.value))
    signs = frozenset(token.value for token in tokens if token.kind == OPERATOR)
    return Member(tuple(tokens), signs, tuple(numerals), tuple(map(frozenset, units)))


def _stem(word: str) -> str:
    word = word.lower()
    return word[:-1] if len(word) > 2 and word.endswith("s") else word


def holds(
    left: Member, right: Member, letters: Mapping[str, Fraction], *, about: bool, dash: bool
) -> tuple[bool | None, Fraction | None]:
    """Compare two members under every reading of what is ambiguous.

    Args:
        left: The left side.
        right: The right side.
        letters: The values of the letters.
        about: Whether they are only said to be about equal.
        dash: Whether a dash precedes the left side that may be its minus.

    Returns:
        Whether they agree under some reading, None where a side has no value; and the left side's
        value under the likeliest reading.
    """
    likeliest: Fraction | None = None
    for index, reading in enumerate(_readings(left, right, dash=dash)):
        value = evaluate(left.tokens, reading, letters)
        other = None if value is None else evaluate(right.tokens, replace(reading, negate=False), letters)
        if value is None or other is None:
            return None, None
        if index == 0:
            likeliest = value
        if _agree(value, other, left, right, reading, about=about):
            return True, value
    return False, likeliest


def _readings(left: Member, right: Member, *, dash: bool) -> Iterator[Reading]:
    tokens = left.tokens + right.tokens
    separated = any(token.kind == NUMBER and not token.value.isdecimal() for token in tokens)
    percent = any(token.kind == PERCENT for token in tokens)
    for numeral, share, negate in product(
        (0, 1) if separated else (0,),
        (Fraction(1, 100), Fraction(1)) if percent else (Fraction(1, 100),),
        (False, True) if dash else (False,),
    ):
        yield Reading(numeral, share, negate)


def _agree(
    value: Fraction, other: Fraction, left: Member, right: Member, reading: Reading, *, about: bool
) -> bool:
    if value == other:
        return True
    if about and abs(value - other) <= ABOUT_TOLERANCE * max(abs(value), abs(other)):
        return True
    return _rounds_to(value, other, left, right, reading) or _rounds_to(
        other, value, right, left, reading
    )


def _rounds_to(
    exact: Fraction, printed: Fraction, source: Member, side: Member, reading: Reading
) -> bool:
    """Whether `printed` is `exact` at the precision it is printed with."""
    place = _last_place(side, reading)
    divided = DIVIDE in source.signs or RATIO in source.signs
    has_decimals = any(numeral and numeral.decimals for numeral in source.numerals)
    if place is None or (place >= 1 and not divided and not has_decimals):
        return False
    if abs(exact - printed) <= _HALF * place:
        return True
    return divided and abs(printed) < abs(exact) and abs(exact - printed) < place


def _last_place(side: Member, reading: Reading) -> Fraction | None:
    """What one unit of the last digit of a printed number is worth; None for anything else."""
    if not side.is_printed:
        return None
    token = next(token for token in side.tokens if token.kind == NUMBER)
    readings = read_numeral(token.value)
    decimals = readings[min(reading.numeral, len(readings) - 1)].decimals
    share = reading.percent if any(token.kind == PERCENT for token in side.tokens) else Fraction(1)
    return share / 10**decimals


def is_surely_wrong(left: Member, right: Member, letters: Mapping[str, Fraction], source: str) -> bool:
    """Whether two members that do not agree are wrong, and not just misread.

    Args:
        left: The left side.
        right: The right side.
        letters: The values of the letters.
        source: The equation as written.

    Returns:
        False where a unit, a percentage, a ratio, a power's sign or rounding may explain the gap.
    """
    if any(map(_is_unclear, (left, right))) or not _percents_agree(left, right):
        return False
    value = evaluate(left.tokens, Reading(), letters)
    other = evaluate(right.tokens, Reading(), letters)
    if value is None or other is None:
        return False
    if abs(value - other) <= _slack(left, value) + _slack(right, other):
        return False
    if _is_rounded_up(value, other, left, right) or _is_rounded_up(other, value, right, left):
        return False
    return _units_agree(left, right, value, other, has_currency=not _CURRENCY.isdisjoint(source))


_CURRENCY = frozenset("$€£¥₹¢")


def _is_unclear(side: Member) -> bool:
    """Whether the side may mean something else than it was computed as."""
    signs = side.signs
    if TIGHT in signs or (IMPLICIT in signs and DIVIDE in signs) or (POWER in signs and "-" in signs):
        return True
    if any(token.value == RATIO and not token.gap for token in side.tokens):
        return True
    kinds = [token.kind for token in side.tokens]
    commas = (
        kinds[index : index + 3] == [OPEN, NUMBER, CLOSE] and "," in side.tokens[index + 1].value
        for index in range(len(kinds) - 2)
    )
    return any(commas)  # (2,5) is a number or a point


def _percents_agree(left: Member, right: Member) -> bool:
    """Whether no sum mixes percentages with plain numbers, as in 50 + 20% = 60."""
    tokens = left.tokens + right.tokens
    percents = sum(token.kind == PERCENT for token in tokens)
    numbers = sum(token.kind == NUMBER for token in tokens)
    sums = {"+", "-"} & (left.signs | right.signs)
    return percents in (0, numbers) or not sums


def _slack(side: Member, value: Fraction) -> Fraction:
    """How far off the value may be because its decimals were rounded before."""
    rounded = [n for n in side.numerals if n and n.decimals >= 2 and n.value and not side.is_printed]
    errors = [_HALF / 10**n.decimals for n in rounded]
    relative = sum((error / n.value for error, n in zip(errors, rounded, strict=True)), Fraction(0))
    return max(sum(errors, Fraction(0)), abs(value) * relative)


def _is_rounded_up(exact: Fraction, printed: Fraction, source: Member, side: Member) -> bool:
    """Whether a quotient was rounded up to a whole number: 17/5 = 4 buses."""
    place = _last_place(side, Reading())
    return place == 1 and DIVIDE in source.signs and abs(exact - printed) < 1


def _units_agree(
    left: Member, right: Member, value: Fraction, other: Fraction, *, has_currency: bool
) -> bool:
    """Whether both sides count the same thing, so that their numbers must be equal."""
    words = frozenset().union(*left.units, *right.units)
    if not SCALES.isdisjoint(words):
        return False
    if not words and not has_currency:
        return True
    ratio = max(abs(value), abs(other)) / (min(abs(value), abs(other)) or 1)
    if ratio in _CONVERSIONS:
        return False
    letters = {word for word in words if len(word) == 1 and word != "°"}
    everywhere = all(letters <= unit for unit in left.units + right.units)
    return everywhere and _is_uniform(left, right) and _is_uniform(right, left)


def _is_uniform(side: Member, across: Member) -> bool:
    """Whether the operands of a side share a unit; where only some name it, the other side must."""
    named = [unit for unit in side.units if unit]
    if not named:
        return True
    shared = frozenset.intersection(*named)
    if not shared and len(named) > 1:
        return False
    partial = len(named) < len(side.units) and not {"+", "-"}.isdisjoint(side.signs)
    return not partial or any(shared & unit for unit in across.units)
