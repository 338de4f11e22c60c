"""Numbers as people write them, read exactly: `1,000`, `2,5`, `1 000,50`, `.5`, `3e8`, `1½`.

A comma or a dot before three digits may group thousands or mark decimals, by language. Such a
numeral has two readings, the English one first; the caller tries both. Knows nothing of signs,
units or operators.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

MAX_DIGITS = 40
MAX_EXPONENT = 64

_SPACES = "\u00a0\u2009\u202f"
VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
# Possessive quantifiers (Python 3.11): the pattern never goes back over what it has taken.
NUMERAL = (
    rf"(?:[0-9]++(?:[.,{_SPACES}][0-9]++)*+|\.[0-9]++)(?:[eE][-+]?+[0-9]++)?+[{VULGAR}]?+"
    rf"|[{VULGAR}]"
)
_SEPARATORS = re.compile(rf"[.,{_SPACES}]")


@dataclass(frozen=True, slots=True)
class Numeral:
    """One reading of a numeral.

    Args:
        value: What it says, exactly.
        decimals: Digits printed after the decimal mark, so that its last digit is worth
            10**-decimals.
    """

    value: int | Fraction
    decimals: int


def read_numeral(text: str) -> tuple[Numeral, ...]:
    """Read an unsigned numeral, in bounded time.

    Args:
        text: What `NUMERAL` matches.

    Returns:
        Its readings, likeliest first: two where a separator is ambiguous (`1,000`), none where
        it is no number (`1.2.3`) or is out of bounds (more than 40 digits, an exponent beyond 64).
    """
    return _read(text) if len(text) <= 2 * MAX_DIGITS else ()


@lru_cache(maxsize=8_192)
def _read(text: str) -> tuple[Numeral, ...]:
    if text[-1] in VULGAR:
        return _mixed(text)
    mantissa, _, exponent = text.lower().partition("e")
    power = int(exponent) if exponent else 0
    if abs(power) > MAX_EXPONENT:
        return ()
    readings = dict.fromkeys(_unseparated(mantissa))
    return tuple(_numeral(*reading, power) for reading in readings if 0 < len("".join(reading)) <= MAX_DIGITS)


def _numeral(whole: str, decimals: str, power: int) -> Numeral:
    places = len(decimals) - power
    value = Fraction(int(whole + decimals)) / Fraction(10) ** places
    return Numeral(value.numerator if value.denominator == 1 else value, max(0, places))


def _mixed(text: str) -> tuple[Numeral, ...]:
    top, bottom = unicodedata.normalize("NFKC", text[-1]).split("\u2044")
    whole = text[:-1] or "0"
    if not whole.isdecimal() or len(whole) > MAX_DIGITS:
        return ()
    # A mixed number is exact: ten decimals leave no room for rounding.
    return (Numeral(int(whole) + Fraction(int(top), int(bottom)), 10),)


def _unseparated(mantissa: str) -> list[tuple[str, str]]:
    """The readings of a mantissa as (whole digits, decimal digits)."""
    groups = _SEPARATORS.split(mantissa)
    marks = _SEPARATORS.findall(mantissa)
    if not marks:
        # 0130 is a time or a code.
        return [] if mantissa[0] == "0" and len(mantissa) > 1 else [(mantissa, "")]
    grouped = bool(groups[0]) and len(groups[0]) <= 3 and groups[0][0] != "0"
    whole_is_grouped = grouped and all(len(group) == 3 for group in groups[1:-1])
    thousands = ("".join(groups), "")
    decimal = ("".join(groups[:-1]), groups[-1])
    if len(set(marks)) == 1:
        is_thousands = whole_is_grouped and len(groups[-1]) == 3
        is_decimal = len(marks) == 1 and marks[0] in ".,"
        # 16,0000 may be a slip of the comma as well as decimals.
        is_thousands = is_thousands or (marks == [","] and len(groups[1]) > 3)
        readings = [thousands] * is_thousands + [decimal] * is_decimal
        return readings[::-1] if marks[0] == "." else readings
    one_decimal_mark = marks[-1] in ".," and len(set(marks[:-1])) == 1 and marks[-1] not in marks[:-1]
    return [decimal] if one_decimal_mark and whole_is_grouped else []


def show_number(value: int | Fraction) -> str:
    """Write a number exactly: an integer, a terminating decimal of up to 12 places, or `a/b`."""
    if value.denominator == 1:
        return str(value.numerator)
    scaled = value * 10**12
    if scaled.denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    sign = "-" if value < 0 else ""
    digits = str(abs(scaled.numerator)).rjust(13, "0")
    return f"{sign}{digits[:-12]}.{digits[-12:].rstrip('0')}"
