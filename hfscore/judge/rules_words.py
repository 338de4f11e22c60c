"""Words the rule judge knows: English, lower case; data only."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

from hfscore.text.arithmetic_values import Number


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONSTANTS: frozenset[Number] = frozenset(
    (0, 1, 2, 7, 10, 12, 24, 52, 60, 100, 365, 1000, 3600, Fraction(1, 100), Fraction(1, 2))
)
"""Numbers that need no ground: parts and wholes, the calendar, the clock, per cent."""

_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
TENS: Mapping[str, int] = MappingProxyType({word: 10 * tens for tens, word in enumerate(_TENS, start=2)})
SCALE_WORDS: Mapping[str, int] = MappingProxyType(
    {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "dozen": 12, "dozens": 12}
)
NUMBER_WORDS: Mapping[str, tuple[Number, ...]] = MappingProxyType(
    {word: (value,) for value, word in enumerate(_UNITS)}
    | {word: (value,) for word, value in TENS.items()}
    | {word: (value,) for word, value in SCALE_WORDS.items()}
    | {
        "half": (2, Fraction(1, 2), 50, Fraction(3, 2)),
        "halves": (2, Fraction(1, 2)),
        "third": (3, Fraction(1, 3), Fraction(2, 3)),
        "thirds": (3, Fraction(1, 3), Fraction(2, 3)),
        "quarter": (4, Fraction(1, 4), Fraction(3, 4), 25, 75),
        "quarters": (4, Fraction(1, 4), Fraction(3, 4), 25, 75),
        "fourth": (4, Fraction(1, 4), Fraction(3, 4)),
        "fourths": (4, Fraction(1, 4), Fraction(3, 4)),
        "fifth": (5, Fraction(1, 5)),
        "fifths": (5, Fraction(1, 5)),
        "sixth": (6, Fraction(1, 6)),
        "eighth": (8, Fraction(1, 8)),
        "eighths": (8, Fraction(1, 8)),
        "tenth": (10, Fraction(1, 10)),
        "tenths": (10, Fraction(1, 10)),
        "twice": (2,),
        "thrice": (3,),
        "double": (2,),
        "doubles": (2,),
        "doubled": (2,),
        "triple": (3,),
        "triples": (3,),
        "tripled": (3,),
        "triplets": (3,),
        "quadruple": (4,),
        "quadrupled": (4,),
        "pair": (2,),
        "pairs": (2,),
        "couple": (2,),
        "both": (2,),
        "fortnight": (14, 2),
        "month": (12, 30, 4),
        "months": (12, 30, 4),
        "monthly": (12, 30, 4),
        "week": (7, 5, 4, 52),
        "weeks": (7, 5, 4, 52),
        "weekly": (7, 5, 4, 52),
        "weekdays": (5,),
        "weekday": (5,),
        "weekend": (2,),
        "weekends": (2,),
        "quarterly": (4,),
        "foot": (12, 3),
        "feet": (12, 3),
        "yard": (3, 36),
        "yards": (3, 36),
        "mile": (5280,),
        "miles": (5280,),
        "pound": (16,),
        "pounds": (16,),
        "ounces": (16, 8, 128),
        "gallon": (4, 8, 16, 128),
        "gallons": (4, 8, 16, 128),
        "square": (4,),
        "rectangle": (4,),
        "rectangular": (4,),
        "triangle": (3, 180),
        "february": (28, 29),
        "april": (30,),
        "june": (30,),
        "september": (30,),
        "november": (30,),
        "january": (31,),
        "march": (31,),
        "may": (31,),
        "july": (31,),
        "august": (31,),
        "october": (31,),
        "december": (31,),
        "nickel": (5, Fraction(1, 20)),
        "nickels": (5, Fraction(1, 20)),
        "dime": (10, Fraction(1, 10)),
        "dimes": (10, Fraction(1, 10)),
        "quarter-dollar": (25,),
        "alphabet": (26,),
        "decade": (10,),
        "decades": (10,),
        "century": (100,),
    }
)
"""What a word in the text may stand for as a number, in the sums that follow from it."""

STOP_WORDS: frozenset[str] = _words("""
    a about above after again all also altogether am among an and another any are as at away back be because been before
    being below between both but by can could did do does doing done down during each either else ever every few first
    for from further gave get gets give gives got had has have having he hence her here hers herself him himself his
    how however i i'll i'm if in into is it it's its itself just last let let's like made make makes making many may
    me means might more most much must my need needs new next no nor not now of off on once one only or other our out
    over own per same second she should since so some still such than that that's the their them themselves then there
    there's therefore these they this those through thus time to too under until up us use used uses using very want
    wants was we went were what when where which while who whose why will with within without would yes you your
""")
"""Words that say nothing of the matter itself."""

COMMON_NAMES: frozenset[str] = _words("""
    monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays
    sundays january february march april may june july august september october november december christmas
    step answer final solution total therefore thus hence since then let note given now first second third next finally
    so we the this that what how there all each because if let's i'll
""")
"""Capitalised words that name nobody."""
