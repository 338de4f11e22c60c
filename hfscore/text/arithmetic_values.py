"""The exact value of one member of an equation, by a stack instead of recursion.

Every number is an integer or a fraction and every size is bounded, so a hostile member costs a
bounded time and has no value. Knows no text beyond the tokens it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

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
    TIMES,
    VARIABLE,
    Token,
)
from hfscore.text.numerals import read_numeral

MAX_OPERANDS = 200
MAX_PENDING = 200
MAX_POWER = 64
MAX_BITS = 2_048

_MINUS, _PLUS = "unary minus", "unary plus"
_ADDITIVE, _MULTIPLICATIVE, _SIGN, _POWER = 1, 2, 3, 4
# A sign binds tighter than a product and looser than a power: -3^2 is -9.
_PRECEDENCE = {
    "+": _ADDITIVE,
    "-": _ADDITIVE,
    **dict.fromkeys((TIMES, OF, TIGHT, IMPLICIT, DIVIDE, RATIO), _MULTIPLICATIVE),
    _MINUS: _SIGN,
    _PLUS: _SIGN,
    POWER: _POWER,
}
Number = int | Fraction


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read what is ambiguous.

    Args:
        numeral: Which of a numeral's readings to take; the last where it has fewer.
        percent: What one percent is worth: 1/100 in `20% * 50`, 1 in `100% - 20% = 80%`.
        negate: Whether the dash before the member is its minus sign.
    """

    numeral: int = 0
    percent: Fraction = Fraction(1, 100)
    negate: bool = False


LIKELIEST = Reading()


class _TooHardError(Exception):
    """The member is unknown in part, malformed or out of bounds."""


def evaluate(tokens: Sequence[Token], letters: Mapping[str, Number], reading: Reading = LIKELIEST) -> Number | None:
    """Compute a member.

    Args:
        tokens: Its tokens; units are passed over.
        letters: The values of the letters known so far.
        reading: How to read what is ambiguous.

    Returns:
        The exact value, or None where a part is unknown, malformed or out of bounds.
    """
    try:
        return _Stack(letters, reading).value_of(tokens)
    except _TooHardError:
        return None


class _Stack:
    """Values and pending operators, after Dijkstra's shunting yard."""

    __slots__ = ("letters", "operators", "reading", "values", "wants_operand")

    def __init__(self, letters: Mapping[str, Number], reading: Reading) -> None:
        self.letters = letters
        self.reading = reading
        self.values: list[Number] = []
        self.operators: list[str] = [_MINUS] if reading.negate else []
        self.wants_operand = True

    def value_of(self, tokens: Sequence[Token]) -> Number:
        operands = 0
        for token in tokens:
            kind = token.kind
            if kind in (NUMBER, VARIABLE):
                operands += 1
                if operands > MAX_OPERANDS:
                    raise _TooHardError
                self._expect(operand=True)
                self.values.append(self._operand(token))
                self.wants_operand = False
            elif kind == OPERATOR:
                self._operator(token.value)
            elif kind == OPEN:
                self._expect(operand=True)
                self._pend("(")
            elif kind == CLOSE:
                self._close()
            elif kind == PERCENT:
                self._expect(operand=False)
                self.values[-1] *= self.reading.percent
        self._expect(operand=False)
        self._reduce(0)
        if self.operators:
            raise _TooHardError
        return self.values[0]

    def _expect(self, *, operand: bool) -> None:
        if self.wants_operand is not operand:
            raise _TooHardError

    def _operand(self, token: Token) -> Number:
        if token.kind == VARIABLE:
            if token.value not in self.letters:
                raise _TooHardError
            return self.letters[token.value]
        readings = read_numeral(token.value)
        if not readings:
            raise _TooHardError
        return readings[min(self.reading.numeral, len(readings) - 1)].value

    def _pend(self, sign: str) -> None:
        if len(self.operators) >= MAX_PENDING:
            raise _TooHardError
        self.operators.append(sign)

    def _operator(self, sign: str) -> None:
        if self.wants_operand:
            if sign not in ("+", "-"):
                raise _TooHardError
            self._pend(_MINUS if sign == "-" else _PLUS)
            return
        # Powers associate to the right, everything else to the left.
        self._reduce(_PRECEDENCE[sign] + (sign == POWER))
        self._pend(sign)
        self.wants_operand = True

    def _close(self) -> None:
        self._expect(operand=False)
        self._reduce(0)
        if not self.operators:
            raise _TooHardError
        self.operators.pop()

    def _reduce(self, level: int) -> None:
        """Apply the pending operators that bind at least as tightly as `level`."""
        operators = self.operators
        while operators and operators[-1] != "(" and _PRECEDENCE[operators[-1]] >= level:
            value = self._apply(operators.pop())
            if _bits(value) > MAX_BITS:
                raise _TooHardError
            self.values.append(value)

    def _apply(self, sign: str) -> Number:
        right = self.values.pop()
        if sign == _MINUS:
            return -right
        if sign == _PLUS:
            return right
        left = self.values.pop()
        if sign == "+":
            return left + right
        if sign == "-":
            return left - right
        if sign == POWER:
            return _power(left, right)
        if sign in (DIVIDE, RATIO):
            if not right:
                raise _TooHardError
            return Fraction(left, right)
        return left * right


def _power(base: Number, exponent: Number) -> Fraction:
    root, power = Fraction(base), Fraction(exponent)
    if power.denominator != 1 or abs(power) > MAX_POWER or (root == 0 and power <= 0):
        raise _TooHardError
    if _bits(root) * abs(power) > MAX_BITS:
        raise _TooHardError
    return Fraction(root**power.numerator)


def _bits(value: Number) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()
