r"""Whether two final answers say the same, where that is cheap and exact to tell.

Equal text up to markup, equal numbers ("1,000" and "$1000.00", "2,5 zł" and "2.5", "20%" and "0.2"),
equal letters of options ("(C)" and "C) 40 km/h"). Everything else is left undecided.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from hfscore.text.answer_text import MAX_ANSWER
from hfscore.text.numerals import NUMERAL, read_numeral

_TEXT_COMMAND = re.compile(r"\\(?:text|textbf|textrm|mathrm|mathbf|mbox|boxed)\s?+\{([^{}]*+)\}")
_FRACTION = re.compile(r"(?<![0-9}])\\[dt]?+frac\s?+\{([0-9.]{1,40}+)\}\s?+\{([0-9.]{1,40}+)\}")
_SPACING = re.compile(r"\\(?:left|right|[,;!: ])")
_AROUND_SIGNS = re.compile(r"\s*+([-+*/=,;:()\[\]{}^])\s*+")
_GROUPED = re.compile(r"(?<=[0-9]) (?=[0-9]{3}(?![0-9]))")
_REPLACED = str.maketrans({"−": "-", "–": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'"})
_SPELLED = {"^{\\circ}": "°", "^\\circ": "°", "\\%": "%", "\\$": "$", "π": "\\pi", "∞": "\\infty"}
_OPTION = re.compile(r"(?:(?:option|choice|opcja)\s)?+\(?([A-Z])(?:\)?$|\)?[.:](?=\s|$)|\)(?=\s))(.*+)", re.DOTALL)
_BRACKETED_LETTER = re.compile(r"\([A-Z]\)")
_QUANTITY = re.compile(
    rf"""
    (?:(?P<name>[a-z]\w{{0,3}}+)=)?+ (?P<sign>[-+]?+) (?P<currency>[$€£¥]|pln\ |usd\ |eur\ )?+ (?P<inner>[-+]?+)
    (?P<number>{NUMERAL}) (?:/(?P<divisor>{NUMERAL}))?+ \s?+
    (?P<percent>%|percent\b|procent\b)?+ \s?+ (?P<unit>[$€£¥°]|[^\W\d_][^\d\\]{{0,60}}+)?+
    """,
    re.VERBOSE,
)
_UNITS = {"pln": "zł", "zl": "zł", "złoty": "zł", "złote": "zł", "złotych": "zł", "usd": "$", "dollar": "$"} | {
    "eur": "€",
    "euro": "€",
    "degree": "°",
}
_VERDICTS = frozenset(("yes", "no", "true", "false", "tak", "nie", "prawda", "fałsz"))


@dataclass(frozen=True, slots=True)
class _Quantity:
    """A number with its unit.

    Args:
        name: The variable it is given for; empty for none.
        value: Under its likeliest reading.
        other: Under another reading of its separators, where it has one.
        unit: The unit's stem; empty for none.
        percent: Whether it is a percentage.
        comma: Whether a comma stands in it.
    """

    name: str
    value: Fraction
    other: Fraction
    unit: str
    percent: bool
    comma: bool


def same_answer(a: str, b: str) -> bool | None:
    """Compare two final answers cheaply and exactly.

    Args:
        a: One answer.
        b: The other; the order makes no difference.

    Returns:
        Whether they say the same; None where that cannot be told this way (formulas, wording,
        different units, more than 2,000 characters).
    """
    if max(len(a), len(b)) > MAX_ANSWER:
        return True if a == b else None
    options = _option(a), _option(b)
    a, b = plain_answer(a), plain_answer(b)
    if not a or not b:
        return None
    if a.casefold() == b.casefold():
        return True
    if options[0] and options[1]:
        return options[0] == options[1]
    quantities = _quantity(a), _quantity(b)
    if quantities[0] and quantities[1]:
        return _same_quantity(quantities[0], quantities[1])
    if {a.casefold(), b.casefold()} <= _VERDICTS:
        return False
    return None


def plain_answer(answer: str) -> str:
    r"""Strip what does not change an answer: delimiters, spacing, \text{}, a full stop, white space."""
    answer = answer.translate(_REPLACED).strip()
    for spelled, sign in _SPELLED.items():
        answer = answer.replace(spelled, sign)
    answer = _TEXT_COMMAND.sub(r"\1", _SPACING.sub("", answer))
    answer = _FRACTION.sub(r"\1/\2", answer)
    answer = answer.strip("*_` \t\r\n").removesuffix(".")
    for opening, closing in (("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ('"', '"')):
        if len(answer) > len(opening + closing) and answer.startswith(opening) and answer.endswith(closing):
            answer = answer[len(opening) : -len(closing)]
    return " ".join(_AROUND_SIGNS.sub(r"\1", answer).split()).removesuffix(".")


def _option(answer: str) -> str | None:
    """The letter of an option: C of "(C)", "c" and "option C) 40 km/h"; none of "(A) and (B)"."""
    answer = _TEXT_COMMAND.sub(r"\1", answer).strip("*_`$ \t\r\n").removesuffix(".")
    match = _OPTION.fullmatch(answer.upper() if len(answer) <= len("(c)") else answer)
    return match[1] if match and not _BRACKETED_LETTER.search(match[2]) else None


def _quantity(answer: str) -> _Quantity | None:
    match = _QUANTITY.fullmatch(_GROUPED.sub("", answer.casefold()))
    if not match or (match["sign"] and match["inner"]):
        return None
    numbers, divisors = read_numeral(match["number"]), read_numeral(match["divisor"] or "1")
    if not numbers or not divisors or not divisors[0].value:
        return None
    sign = -1 if "-" in (match["sign"], match["inner"]) else 1
    values = [sign * Fraction(number.value) / Fraction(divisors[0].value) for number in numbers]
    unit = (match["unit"] or match["currency"] or "").strip(" .")
    unit = unit[:-1] if len(unit) > 2 and unit.endswith("s") else unit
    return _Quantity(
        name=match["name"] or "",
        value=values[0],
        other=values[-1],
        unit=_UNITS.get(unit, unit),
        percent=bool(match["percent"]),
        comma="," in match["number"],
    )


def _same_quantity(a: _Quantity, b: _Quantity) -> bool | None:
    if (a.unit and b.unit and a.unit != b.unit) or (a.name and b.name and a.name != b.name):
        return None
    if a.value == b.value:
        return True
    if a.percent != b.percent:
        share, number = (a, b) if a.percent else (b, a)
        return share.value / 100 == number.value
    # 1,000 may be one, and 1,2 may be two numbers.
    grouped = a.value.denominator == b.value.denominator == 1
    if {a.value, a.other} & {b.value, b.other} or (a.comma and b.comma and not grouped):
        return None
    return False
