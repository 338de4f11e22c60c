"""The exact value of one member of an equation, by a stack instead of recursion.

Every number is a fraction and every size is bounded, so a hostile member costs a bounded time and
has no value. Knows no text beyond the tokens it is given.
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
    OPEN,
    OPERATOR,
    PERCENT,
    POWER,
    RATIO,
    TIGHT,
    TIMES,
    Token,
)
from hfscore.text.numerals import read_numeral

MAX_OPERANDS = 200
MAX_DEPTH = 64
MAX_POWER = 64
MAX_BITS = 2_048

_MINUS, _PLUS = "unary minus", "unary plus"
# A sign binds tighter than a product and looser than a power: -3^2 is -9.
_PRECEDENCE = {"+": 1, "-": 1, TIMES: 2, TIGHT: 2, IMPLICIT: 2, DIVIDE: 2, RATIO: 2} | {
    _MINUS: 3,
    _PLUS: 3,
    POWER: 4,
}


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


def evaluate(
    tokens: Sequence[Token], reading: Reading, variables: Mapping[str, Fraction]
) -> Fraction | None:
    """Compute a member.

    Args:
        tokens: Its tokens; units are passed over.
        reading: How to read what is ambiguous.
        variables: The values of the letters known so far.

    Returns:
        The exact value, or None where a part is unknown, malformed or out of bounds.
    """
    stack = _Stack()
    operands = 0
    if reading.negate:
        stack.operators.append(_MINUS)
    for token in tokens:
        kind = token.kind
        if kind in (NUMBER, "variable"):
            operands += 1
            value = _operand(token, reading, variables)
            if value is None or operands > MAX_OPERANDS or not stack.push(value):
                return None
        elif kind == OPERATOR:
            if not stack.operator(token.value):
                return None
        elif kind == OPEN:
            if not stack.open():
                return None
        elif kind == CLOSE:
            if not stack.close():
                return None
        elif kind == PERCENT:
            if stack.wants_operand:
                return None
            stack.values[-1] *= reading.percent
    return stack.result()


def _operand(
    token: Token, reading: Reading, variables: Mapping[str, Fraction]
) -> Fraction | None:
    if token.kind != NUMBER:
        return variables.get(token.value)
    readings = read_numeral(token.value)
    return readings[min(reading.numeral, len(readings) - 1)].value if readings else None


class _Stack:
    """Values and pending operators, after Dijkstra's shunting yard."""

    def __init__(self) -> None:
        self.values: list[Fraction] = []
        self.operators: list[str] = []
        self.depth = 0
        self.wants_operand = True

    def push(self, value: Fraction) -> bool:
        if not self.wants_operand:
            return False
        self.values.append(value)
        self.wants_operand = False
        return True

    def operator(self, sign: str) -> bool:
        if self.wants_operand:
            if sign not in ("+", "-") or len(self.operators) > 2 * MAX_OPERANDS:
                return False
            self.operators.append(_MINUS if sign == "-" else _PLUS)
            return True
        level = _PRECEDENCE[sign]
        # Powers associate to the right, everything else to the left.
        if not self._reduce(level + 1 if sign == POWER else level):
            return False
        self.operators.append(sign)
        self.wants_operand = True
        return True

    def open(self) -> bool:
        self.depth += 1
        self.operators.append("(")
        return self.wants_operand and self.depth <= MAX_DEPTH

    def close(self) -> bool:
        if self.wants_operand or not self._reduce(0) or not self.operators:
            return False
        self.operators.pop()
        self.depth -= 1
        return True

    def result(self) -> Fraction | None:
        if self.wants_operand or self.depth or not self._reduce(0):
            return None
        return self.values[0]

    def _reduce(self, level: int) -> bool:
        """Apply the pending operators that bind at least as tightly as `level`."""
        while self.operators and self.operators[-1] != "(":
            if _PRECEDENCE[self.operators[-1]] < level:
                break
            value = self._apply(self.operators.pop())
            if value is None or _bits(value) > MAX_BITS:
                return False
            self.values.append(value)
        return True

    def _apply(self, sign: str) -> Fraction | None:
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
        if sign in (DIVIDE, RATIO):
            return left / right if right else None
        return _power(left, right) if sign == POWER else left * right


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    if exponent.denominator != 1 or abs(exponent) > MAX_POWER or (base == 0 and exponent <= 0):
        return None
    if _bits(base) * abs(exponent) > MAX_BITS:
        return None
    return Fraction(base**exponent.numerator)


def _bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()
