"""Check the arithmetic that a trace writes out: `so 16 - 3 = 13 eggs`.

Every chain of equal members is compared, each member with the one before it, in exact fractions.
An equation is called wrong only where both sides are numbers through and through, under no reading
of what is ambiguous do they agree, and no word beside them may change what they mean; all else that
does not hold is undecided. So a wrong equation is nearly surely wrong, while no finding says
nothing about the reasoning: most mistakes in a trace are not in its written sums.

Rounding. Where one side is a single printed number and the other is not exact at that precision,
the equation holds if they are less than one unit of the last printed place apart: 10/3 = 3.33 and
2/3 = 0.66 (cut off) and 0.67 (rounded) all hold. An integer stands for a rounded value only after
a division or beside decimals (100/3 = 33; 7 + 2 = 10 never holds). "≈" and "= about" hold within
5% and are never wrong.

Letters stand for the value that the trace gave them ("A = (2 + 3) = 5"), and for none once it gave
two different values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from hfscore.text.arithmetic_chains import Chain, TooLong, find_chains
from hfscore.text.arithmetic_compare import Member, holds, is_surely_wrong, member
from hfscore.text.arithmetic_tokens import CLOSE, OPEN, Token
from hfscore.text.numerals import show_number

ARITHMETIC_VERSION = 1
MAX_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Equation:
    """Two members held equal.

    Args:
        start: Offset of the left member in the text.
        end: Offset behind the right member.
        left: The left member as written; empty where the sentence is out of bounds.
        right: The right member as written.
        holds: Whether it is true; None where that could not be decided.
        expected: What the left member comes to, where the equation is wrong.
    """

    start: int
    end: int
    left: str
    right: str
    holds: bool | None
    expected: str | None


@dataclass(frozen=True, slots=True)
class ArithmeticReading:
    """The equations of a trace, counted.

    Args:
        checked: Equations that were decided.
        wrong: Those of them that are false.
        first_wrong_step: Index of the first step that holds a false equation, or None.
    """

    checked: int
    wrong: int
    first_wrong_step: int | None


@dataclass(slots=True)
class _Letters:
    """The values a trace gave to its letters."""

    values: dict[str, Fraction] = field(default_factory=dict)
    disputed: set[str] = field(default_factory=set)

    def learn(self, letter: str, value: Fraction) -> None:
        if self.values.setdefault(letter, value) != value:
            self.disputed.add(letter)

    def known(self) -> Mapping[str, Fraction]:
        return {letter: value for letter, value in self.values.items() if letter not in self.disputed}


def check_equations(text: str) -> list[Equation]:
    """Check every equation of a text, in time linear in its length.

    Args:
        text: Any text.

    Returns:
        Its equations in order, undecided ones included.
    """
    return list(_check(text, _Letters()))


def first_wrong_step(steps: Sequence[str]) -> int | None:
    """Index of the first step that holds a false equation, or None where none was found."""
    return check_trace(steps).first_wrong_step


def check_trace(steps: Sequence[str]) -> ArithmeticReading:
    """Check the equations of a trace; letters keep their values from step to step.

    Args:
        steps: The trace's steps in order.

    Returns:
        How many equations were decided, how many are wrong, and where the first of those stands.
    """
    letters = _Letters()
    checked = wrong = 0
    first: int | None = None
    for index, step in enumerate(steps):
        for equation in _check(step, letters):
            checked += equation.holds is not None
            if equation.holds is False:
                wrong += 1
                first = index if first is None else first
    return ArithmeticReading(checked, wrong, first)


def _check(text: str, letters: _Letters) -> Iterator[Equation]:
    for chain in find_chains(text):
        if isinstance(chain, TooLong):
            yield Equation(chain.start, chain.end, "", "", None, None)
        else:
            yield from _check_chain(text, chain, letters)


def _check_chain(text: str, chain: Chain, letters: _Letters) -> Iterator[Equation]:
    known = letters.known()
    last = len(chain.members) - 2
    for index, about in enumerate(chain.about):
        left = member(_after_open(chain.members[index]))
        right = member(_before_close(chain.members[index + 1]))
        if not left.tokens or not right.tokens:
            continue
        doubt = (index == 0 and chain.doubt_left) or (index == last and chain.doubt_right)
        start, end = left.tokens[0].start, right.tokens[-1].end
        agree, value = holds(left, right, known, about=about, dash=chain.dash and index == 0)
        if agree is False and (
            doubt
            or about
            or (index == 0 and not left.signs)
            or left.is_letter
            or right.is_letter
            or not is_surely_wrong(left, right, known, text[start:end])
        ):
            agree = None
        expected = show_number(value) if agree is False and value is not None else None
        yield _equation(text, left, right, agree, expected)
    _learn(chain, letters)


def _equation(
    text: str, left: Member, right: Member, agree: bool | None, expected: str | None
) -> Equation:
    start, middle = left.tokens[0].start, left.tokens[-1].end
    begin, end = right.tokens[0].start, right.tokens[-1].end
    if expected is not None and len(expected) > MAX_SHOWN:
        expected = None
    return Equation(start, end, text[start:middle], text[begin:end], agree, expected)


def _learn(chain: Chain, letters: _Letters) -> None:
    """Take `A = ... = 5` for a definition of A, if nothing about it is doubtful."""
    first = member(chain.members[0])
    if not first.is_letter or chain.doubt_left or any(chain.about):
        return
    result = member(_before_close(chain.members[-1]))
    _, value = holds(result, result, letters.known(), about=False, dash=False)
    letter = first.tokens[0].value
    if value is not None and not chain.doubt_right and not result.is_letter:
        letters.learn(letter, value)
    else:
        letters.disputed.add(letter)


def _after_open(tokens: Sequence[Token]) -> Sequence[Token]:
    """The part behind the last bracket that stays open: 5 + 3 of `(5 + 3`."""
    depth = 0
    for index in range(len(tokens) - 1, -1, -1):
        kind = tokens[index].kind
        depth += (kind == CLOSE) - (kind == OPEN)
        if depth < 0:
            # Anything before the bracket may belong to the member: -(5 + 3 = ...
            return tokens[index + 1 :] if index == 0 else ()
    return tokens


def _before_close(tokens: Sequence[Token]) -> Sequence[Token]:
    """The part before the first bracket that was never opened: 8 of `8) + 2`."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += (token.kind == OPEN) - (token.kind == CLOSE)
        if depth < 0:
            return tokens[:index]
    return tokens
