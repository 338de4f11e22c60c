"""Whether two members are equal, and whether it is safe to say that they are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise, product

from hfscore.text.arithmetic_tokens import (
    CLOSE,
    DIVIDE,
    IMPLICIT,
    NUMBER,
    OF,
    OPEN,
    OPERATOR,
    PERCENT,
    POWER,
    RATIO,
    TIGHT,
    UNIT,
    VARIABLE,
    Token,
)
from hfscore.text.arithmetic_values import LIKELIEST, Number, Reading, evaluate
from hfscore.text.arithmetic_words import LESS, SCALES
from hfscore.text.numerals import Numeral, read_numeral

ABOUT_TOLERANCE = Fraction(1, 20)
# A number printed to 12 or more decimals comes from a machine's floating point.
FLOAT_DECIMALS = 12
# Beyond this, written numbers are more often rounded than worked out digit by digit.
EXACT_BELOW = 10**9
_FLOAT_NOISE = Fraction(1, 10**FLOAT_DECIMALS)
_HALF = Fraction(1, 2)
_ZERO = Fraction(0)

# With a unit at hand, these factors between the sides are a change of unit and no mistake: weeks,
# dozens, months, inches, ounces, hours, days of a month, weeks of a year, minutes, cents, years,
# kilo-, seconds of an hour, feet of a mile, mega-, giga-.
_CONVERSIONS = frozenset((7, 12, 16, 24, 30, 52, 60, 100, 365, 1000, 3600, 5280, 10**6, 10**9))
_CURRENCY = frozenset("$€£¥₹¢")


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
    def is_computed(self) -> bool:
        """Whether it takes two operands or more."""
        return len(self.units) > 1

    @property
    def is_plain(self) -> bool:
        """Whether no unit stands in it."""
        return not any(self.units)

    @property
    def is_printed(self) -> bool:
        """Whether it is one printed number, perhaps signed or in brackets."""
        return len(self.units) == len(self.numerals) == 1 and self.signs <= {"-", "+"}

    def has(self, kind: str) -> bool:
        """Whether a token of this kind stands in it."""
        return any(token.kind == kind for token in self.tokens)


def take_stock(tokens: Sequence[Token]) -> Member:
    """What a side consists of."""
    units: list[set[str]] = []
    numerals: list[Numeral | None] = []
    for token in tokens:
        if token.kind in (NUMBER, VARIABLE):
            units.append(set())
        if token.kind == NUMBER:
            numerals.append(next(iter(read_numeral(token.value)), None))
        elif token.kind == UNIT and units:
            units[-1].add(_stem(token.value))
    signs = frozenset(token.value for token in tokens if token.kind == OPERATOR)
    return Member(tuple(tokens), signs, tuple(numerals), tuple(map(frozenset, units)))


def _stem(word: str) -> str:
    word = word.lower()
    return word[:-1] if len(word) > 2 and word.endswith("s") and word != "less" else word


def agree(left: Member, right: Member, letters: Mapping[str, Number], *, about: bool, dash: bool) -> bool | None:
    """Compare two members under every reading of what is ambiguous.

    Args:
        left: The left side.
        right: The right side.
        letters: The values of the letters.
        about: Whether they are only said to be about equal.
        dash: Whether a dash precedes the left side that may be its minus.

    Returns:
        Whether they are equal under some reading; None where a side has no value.
    """
    for reading, unsigned in _readings(left, right, dash=dash):
        value = _fraction(left, letters, reading)
        other = _fraction(right, letters, unsigned)
        if value is None or other is None:
            return None
        near = about and abs(value - other) <= ABOUT_TOLERANCE * max(abs(value), abs(other))
        if (
            near
            or value == other
            or _rounds_to(value, other, left, right, unsigned)
            or _rounds_to(other, value, right, left, unsigned)
        ):
            return True
    return False


def _fraction(side: Member, letters: Mapping[str, Number], reading: Reading) -> Fraction | None:
    value = evaluate(side.tokens, letters, reading)
    return None if value is None else Fraction(value)


def _readings(left: Member, right: Member, *, dash: bool) -> Iterator[tuple[Reading, Reading]]:
    """The readings of the left side and of the right one, which has no dash before it."""
    tokens = left.tokens + right.tokens
    ambiguous = any(token.kind == NUMBER and len(read_numeral(token.value)) > 1 for token in tokens)
    shares = (Fraction(1, 100), Fraction(1)) if left.has(PERCENT) or right.has(PERCENT) else (Fraction(1),)
    for numeral, share in product(range(1 + ambiguous), shares):
        unsigned = Reading(numeral, share)
        yield unsigned, unsigned
        if dash:
            yield Reading(numeral, share, negate=True), unsigned


def _rounds_to(exact: Fraction, printed: Fraction, source: Member, side: Member, reading: Reading) -> bool:
    """Whether `printed` is `exact` at the precision it is printed with."""
    if not side.is_printed:
        return False
    place = _last_place(side, reading)
    divided = not source.signs.isdisjoint((DIVIDE, RATIO))
    if place >= 1 and not divided and not any(numeral and numeral.decimals for numeral in source.numerals):
        return False
    gap = abs(exact - printed)
    if place <= _FLOAT_NOISE and gap <= _FLOAT_NOISE * abs(exact):
        return True
    return gap <= _HALF * place or (divided and abs(printed) < abs(exact) and gap < place)


def _last_place(side: Member, reading: Reading) -> Fraction:
    """What one unit of the last digit of a printed number is worth."""
    readings = read_numeral(next(token.value for token in side.tokens if token.kind == NUMBER))
    decimals = readings[min(reading.numeral, len(readings) - 1)].decimals
    place = _place(decimals)
    return place * reading.percent if side.has(PERCENT) else place


@lru_cache(maxsize=128)
def _place(decimals: int) -> Fraction:
    return Fraction(1, 10**decimals)


def is_surely_wrong(left: Member, right: Member, values: tuple[Fraction, Fraction], source: str) -> bool:
    """Whether two members that do not agree are wrong, and not just misread.

    Args:
        left: The left side.
        right: The right side.
        values: What the two sides most likely come to.
        source: The equation as written.

    Returns:
        False where a unit, a percentage, a ratio, a power's sign or rounding may explain the gap.
    """
    value, other = values
    return not (
        max(abs(value), abs(other)) >= EXACT_BELOW
        or _is_unclear(left)
        or _is_unclear(right)
        or OF in right.signs
        or _runs_on(value, right)
        or _mixes_percents(left, right)
        or abs(value - other) <= _slack(left, value) + _slack(right, other)
        or _is_rounded_up(value, other, left, right)
        or _is_rounded_up(other, value, right, left)
        or not _units_agree(left, right, value, other, has_currency=not _CURRENCY.isdisjoint(source))
    )


def _is_unclear(side: Member) -> bool:
    """Whether the side may mean something else than it was computed as."""
    signs = side.signs
    if TIGHT in signs or {IMPLICIT, DIVIDE} <= signs or {POWER, "-"} <= signs:
        return True
    operators = [token.value for token in side.tokens if token.kind in (OPERATOR, OPEN, CLOSE)]
    if any(pair == (DIVIDE, DIVIDE) for pair in pairwise(operators)):
        return True  # 28 / 1/5 may be 28 / (1/5)
    if any(token.value == RATIO and not token.gap for token in side.tokens):
        return True  # 12:30 and 3:2 are no quotients
    triples = zip(side.tokens, side.tokens[1:], side.tokens[2:], strict=False)
    return any(  # (2,5) is a number or a point
        before.kind == OPEN and token.kind == NUMBER and "," in token.value and after.kind == CLOSE
        for before, token, after in triples
    )


def _runs_on(value: Fraction, right: Member) -> bool:
    """Whether the right side goes on from the left one's result: 7 * 60 = 420 + 23 = 443."""
    if not right.is_computed or right.tokens[0].kind != NUMBER:
        return False
    first = right.numerals[0]
    return first is not None and first.value == value


def _mixes_percents(left: Member, right: Member) -> bool:
    """Whether a sum mixes percentages with plain numbers, as in 50 + 20% = 60."""
    kinds = [token.kind for token in left.tokens + right.tokens]
    sums = {"+", "-"} & (left.signs | right.signs)
    return bool(sums) and kinds.count(PERCENT) not in (0, kinds.count(NUMBER))


def _slack(side: Member, value: Fraction) -> Fraction:
    """How far off a computed value may be because its decimals were rounded before."""
    if side.is_printed:
        return _ZERO
    rounded = [numeral for numeral in side.numerals if numeral and numeral.decimals >= 2 and numeral.value]
    if not rounded:
        return _ZERO
    errors = [_HALF / 10**numeral.decimals for numeral in rounded]
    relative = sum((error / numeral.value for error, numeral in zip(errors, rounded, strict=True)), _ZERO)
    return max(sum(errors, _ZERO), abs(value) * relative)


def _is_rounded_up(exact: Fraction, printed: Fraction, source: Member, side: Member) -> bool:
    """Whether a quotient was rounded up to a whole number: 17/5 = 4 buses."""
    return DIVIDE in source.signs and side.is_printed and _last_place(side, LIKELIEST) == 1 and abs(exact - printed) < 1


def _units_agree(left: Member, right: Member, value: Fraction, other: Fraction, *, has_currency: bool) -> bool:
    """Whether both sides count the same thing, so that their numbers must be equal."""
    words = frozenset().union(*left.units, *right.units)
    if not words and not has_currency:
        return True
    if not SCALES.isdisjoint(words) or (value == -other and not LESS.isdisjoint(words)):
        return False
    small, large = sorted((abs(value), abs(other)))
    if small and Fraction(large, small) in _CONVERSIONS:
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
    if not shared:
        return False
    partial = len(named) < len(side.units) and not {"+", "-"}.isdisjoint(side.signs)
    return not partial or any(shared & unit for unit in across.units)
