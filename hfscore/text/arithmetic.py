"""Check the arithmetic that a trace writes out: `so 16 - 3 = 13 eggs`.

Every chain of equal members is compared, each member with the one before it, in exact fractions.
An equation is called wrong only where both sides are numbers through and through, under no reading
of what is ambiguous do they agree, and no word beside them may change what they mean; all else that
does not hold is undecided. So a wrong equation is nearly surely wrong, while no finding says
nothing about the reasoning: most mistakes in a trace are not in its written sums.

Rounding. Where one side is a single printed number, the equation holds if that number is the nearest
one at its printed precision, or, after a division, if the digits beyond it were cut off: 10/3 = 3.33,
2/3 = 0.67 and 2/3 = 0.66 all hold, 2/3 = 0.68 does not. Whole numbers stand for rounded ones only
after a division or beside decimals (100/3 = 33 holds, 7 + 2 = 10 does not); a quotient rounded up to a
whole number (17/5 = 4 buses) is undecided. From 12 printed decimals on, the noise of floating point is
allowed for. "≈" and "= about" hold within 5% and are never wrong.

A chain that ends in the value it began with holds: a member between that does not is undecided. So are sides
beyond 10^9 that differ: numbers of that size are more often rounded in the writing than worked out.

Letters stand for the value that the trace gave them ("A = (2 + 3) = 5"), and for none once it gave
two different values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

from hfscore.text.arithmetic_chains import Chain, TooLong, find_chains
from hfscore.text.arithmetic_compare import Member, agree, is_surely_wrong, take_stock
from hfscore.text.arithmetic_sentences import find_sentences
from hfscore.text.arithmetic_tokens import CLOSE, NUMBER, OPEN, VARIABLE, Token
from hfscore.text.arithmetic_values import Number, evaluate
from hfscore.text.numerals import show_number

ARITHMETIC_VERSION = 1
MAX_SHOWN = 60

MAX_WORK: Final = 500_000
"""What is spent on one trace: 1 for a character of a sentence with an equals sign, `EQUATION_WORK` for an equation.

The longest traces of reasoning models (32,000 tokens, some 100,000 characters) stay below it with an equation in every
line. A text that is built to be slow stops here, and what is left is undecided.
"""

EQUATION_WORK: Final = 100


@dataclass(frozen=True, slots=True)
class Equation:
    """Two members held equal, each with a number or a letter in it.

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
        whole: Whether the trace was read to its end.
    """

    checked: int
    wrong: int
    first_wrong_step: int | None
    whole: bool = True


@dataclass(slots=True)
class _Memory:
    """What is known of a trace so far.

    Args:
        values: The values that it gave to its letters.
        disputed: Letters with two values; they have none.
        work: What was spent on it.
    """

    values: dict[str, Number] = field(default_factory=dict)
    disputed: set[str] = field(default_factory=set)
    work: int = 0

    def learn(self, letter: str, value: Number | None) -> None:
        if letter in self.disputed:
            return
        if value is None or self.values.get(letter, value) != value:
            self.disputed.add(letter)
            self.values.pop(letter, None)
        else:
            self.values[letter] = value


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two neighbours of a chain.

    Args:
        left: Tokens of the left one.
        right: Tokens of the right one.
        about: Whether they are only said to be about equal.
        doubt: Whether the text around them may change what they mean.
        first: Whether the left one begins the chain.
        dash: Whether a dash precedes the left one that is a bullet or a minus.
        computed: Whether a member up to here takes two operands or more.
    """

    left: Sequence[Token]
    right: Sequence[Token]
    about: bool
    doubt: bool
    first: bool
    dash: bool
    computed: bool


def check_equations(text: str) -> list[Equation]:
    """Check the equations of a text, in time linear in its length, as far as `MAX_WORK` goes.

    Args:
        text: Any text.

    Returns:
        Its equations in order, undecided ones included; one without sides stands for what is out of bounds.
    """
    return list(_check(text, _Memory()))


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
    memory = _Memory()
    checked = wrong = 0
    first: int | None = None
    for index, step in enumerate(steps):
        for equation in _check(step, memory):
            checked += equation.holds is not None
            if equation.holds is False:
                wrong += 1
                first = index if first is None else first
    return ArithmeticReading(checked, wrong, first, memory.work <= MAX_WORK)


def _check(text: str, memory: _Memory) -> Iterator[Equation]:
    notes: dict[int, Number | None] = {}
    for start, end, dangling in find_sentences(text):
        memory.work += end - start
        if memory.work > MAX_WORK:
            yield Equation(start, len(text), "", "", None, None)
            return
        for chain in find_chains(text, start, end, dangling=dangling):
            if isinstance(chain, TooLong):
                yield Equation(chain.start, chain.end, "", "", None, None)
                continue
            for pair in _pairs(chain):
                memory.work += EQUATION_WORK
                if not notes or not _restates(pair.right, notes.get(pair.right[0].start)):
                    found = _decide(text, pair, memory.values)
                    slip = found.holds is False and _ends_agree(chain, memory.values)
                    yield replace(found, holds=None, expected=None) if slip else found
            if chain.result is not None:
                notes[chain.result] = evaluate(chain.members[-1], {})
            _learn(chain, memory)


def _ends_agree(chain: Chain, letters: Mapping[str, Number]) -> bool:
    """Whether a chain comes to what it began with, so that a member between that does not is a slip of the pen.

    (2 * 1 - 8 - 5) = (2 * 1 - (8 - 5)) = (2 - 13) = -11: its brackets went astray, its result did not.
    """
    members = [member for member in chain.members if not (len(member) == 1 and member[0].kind == VARIABLE)]
    if len(members) < 3:
        return False
    first = evaluate(_after_open(members[0]), letters)
    return first is not None and first == evaluate(_before_close(members[-1]), letters)


def _pairs(chain: Chain) -> Iterator[_Pair]:
    last = len(chain.about) - 1
    computed = False
    for index, about in enumerate(chain.about):
        left = _after_open(chain.members[index])
        right = _before_close(chain.members[index + 1])
        operands = _count_operands(left)
        computed = computed or operands > 1
        doubt = about or (index == 0 and chain.doubt_left) or (index == last and chain.doubt_right)
        if operands and _count_operands(right):
            first = index == 0
            yield _Pair(left, right, about, doubt=doubt, first=first, dash=chain.dash and first, computed=computed)


def _count_operands(tokens: Sequence[Token]) -> int:
    return sum(token.kind in (NUMBER, VARIABLE) for token in tokens)


def _decide(text: str, pair: _Pair, letters: Mapping[str, Number]) -> Equation:
    left, right = pair.left, pair.right
    start, end = left[0].start, right[-1].end
    value, other = evaluate(left, letters), evaluate(right, letters)
    holds: bool | None = None
    expected: str | None = None
    if value is not None and other is not None:
        holds = value == other or _look_closer(pair, letters, (Fraction(value), Fraction(other)), text[start:end])
    if holds is False and value is not None:
        shown = show_number(value)
        expected = shown if len(shown) <= MAX_SHOWN else None
    return Equation(start, end, text[start : left[-1].end], text[right[0].start : end], holds, expected)


def _look_closer(
    pair: _Pair, letters: Mapping[str, Number], values: tuple[Fraction, Fraction], source: str
) -> bool | None:
    """Decide two members whose likeliest values differ."""
    left, right = take_stock(pair.left), take_stock(pair.right)
    if agree(left, right, letters, about=pair.about, dash=pair.dash):
        return True
    if pair.doubt or not _claims_equality(pair, left, right):
        return None
    return False if is_surely_wrong(left, right, values, source) else None


def _claims_equality(pair: _Pair, left: Member, right: Member) -> bool:
    """Whether the sides are a sum and its result, not a label (day 1 = ...) or a definition (A = ...)."""
    if left.has(VARIABLE) or right.has(VARIABLE):
        # x + 2 = 0 sets a condition; A + B = 5 + 4 inserts values.
        return left.is_computed and right.is_computed
    if left.is_computed or (right.is_computed and not pair.first):
        return True
    return pair.computed and left.is_plain and right.is_plain


def _restates(right: Sequence[Token], noted: Number | None) -> bool:
    """Whether a calculator note has stated this equation already: 2 * 3 = <<2*3=6>>6."""
    return noted is not None and noted == evaluate(right, {})


def _learn(chain: Chain, memory: _Memory) -> None:
    """Take `A = ... = 5` for a definition of A; a doubtful one leaves A without a value."""
    first = chain.members[0]
    if len(first) != 1 or first[0].kind != VARIABLE:
        return
    clear = not (chain.doubt_left or chain.doubt_right or any(chain.about))
    value = evaluate(_before_close(chain.members[-1]), memory.values) if clear else None
    memory.learn(first[0].value, value)


def _after_open(tokens: Sequence[Token]) -> Sequence[Token]:
    """The part behind a bracket at the start that stays open: 5 + 3 of `(5 + 3`."""
    depth = 0
    for index in range(len(tokens) - 1, -1, -1):
        kind = tokens[index].kind
        depth += (kind == CLOSE) - (kind == OPEN)
        if depth < 0:
            # What stands before the bracket may belong to the member: -(5 + 3 = ...
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
