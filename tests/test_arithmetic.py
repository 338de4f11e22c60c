"""The arithmetic of traces: known answers, two labelled data sets, an independent evaluator, hostile text."""

from __future__ import annotations

import ast
import json
import lzma
import operator
import random
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore.metrics import arithmetic
from hfscore.text.arithmetic import (
    EQUATION_WORK,
    MAX_WORK,
    ArithmeticReading,
    Equation,
    check_equations,
    check_trace,
    first_wrong_step,
)
from hfscore.text.numerals import read_numeral, show_number
from tests.fakes import FakeTools, WordEmbedder, trace

DATA = Path(__file__).parent / "data"
SOLVERS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def load(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lzma.decompress((DATA / name).read_bytes()).decode().splitlines()]


def verdicts(text: str) -> list[bool | None]:
    return [equation.holds for equation in check_equations(text)]


HOLD = r"""
3 apples + 4 apples = 7 apples
$16 - $3 = $13
so that is 5 + 3 = 8 duck eggs
20% of 50 = 10
20 percent of 50 = 10
150% of 80 = 120
1/4 = 25%
100% - 30% = 70%
1/2 of 20 = 10
1,000 + 500 = 1,500
1,234.50 + 0.50 = 1,235
1.234,50 + 0,50 = 1.235
2,5 + 2,5 = 5
Razem 2,5 zł + 3,5 zł = 6 zł
3 pudełka · 4 = 12
12 : 4 = 3
10/3 = 3.33
10/3 = 3,33
2/3 = 0.66
2/3 = 0.67
100/3 = 33
7/2 = 3
10/3 ≈ 3
10/3 = about 3.3
0.1 + 0.2 = 0.30000000000000004
2^10 = 1024
2**10 = 1024
2^{10} = 1024
2^-1 = 0.5
5² + 1 = 26
2½ + 1 = 3.5
**5 + 3 = 8**
5 + 3 = **8**
\frac{1}{2} + \frac{1}{3} = \frac{5}{6}
\frac{\frac{1}{2}}{2} = 0.25
\left(3 + 4\right) \times 2 = 14
\(5 \cdot 3\) = \boxed{15}
10 \div 4 = 2.5
5 \text{ apples} + 3 \text{ apples} = 8
2(3 + 4) = 14
(2)(3) = 6
3 x 4 = 12
3x4=12
3 × 4 = 12
3 *4 = 12
so *3 * 4 = 12*
12 ÷ 4 = 3
3 ⋅ 4 = 12
7 - -3 = 10
7 − 3 = 4
-3 * -2 = 6
12 eggs/dozen * 3 dozen = 36 eggs
2 hours * 30 miles/hour = 60 miles
1e3 + 1 = 1001
Step 2: 5 + 3 = 8
- 5 + 3 = 8
- 5 + 3 = -2
(5 + 3 = 8)
16 - 3 = <<16-3=13>>13
The total is $5 + 3 = 8$.
"""
WRONG = r"""
3 apples + 4 apples = 8 apples
$16 - $3 = $12
so that is 5 + 3 = 9 duck eggs
5 km + 3 km = 9 km
20% of 50 = 12
100% - 40% = 40%
1/2 of 20 = 11
1,000 + 500 = 1,600
2,5 * 2 = 6
Razem 2,5 zł + 3,5 zł = 7 zł
Odpowiedź: 5 + 3 = 9.
12 : 4 = 4
10/3 = 3.34
2/3 = 0.68
7 + 2 = 10
2^10 = 1000
2½ + 1 = 4.5
5 + 3 = **9**
\frac{1}{2} + \frac{1}{3} = \frac{2}{5}
\left(3 + 4\right) \cdot 2 = \boxed{15}
2(3 + 4) = 15
3 × 4 = 13
7 - (-3) = 4
9 * 2 = 20 eggs
1) 5 + 3 = 9
1. 5 + 3 = 9
- 5 + 3 = 9
for a total of 5 + 3 = 9
The total is $5 + 3 = 9$.
2 * 3 = <<2*3=7>>7
"""
UNDECIDED = r"""
50 + 20% = 70
12:30 + 2 = 14:30
ratio 3:2 = 6:5
10/3 ≈ 5
17/5 = 4 buses
17 mod 5 = 2
17 % 5 = 2
2x + 3 = 7
2 x + 3 = 7
5 + x = 8
3 + 4 = 2x
x^2 + 1 = 10
5 m^2 + 3 m^2 = 9 m^2
2 1/2 + 1 = 3 1/2
28 / 1/5 = 140
6/2(1+2) = 1
-3^2 = 9
\sqrt{16} + 9 = 13
√16 + 9 = 13
6 + 5! = 126
half of 20 + 5 = 15
the square root of 16 + 9 = 5
30 minutes + 30 minutes = 1 hour
2 weeks + 3 days = 17 days
60 * 2 = 2 hours
50 * 4 = $2
2 dozen + 3 = 27
5 squared + 2 = 27
1 + 2 and a half = 3 1/2
day 1 * 2 = 20
Week 1 = 5 + 3
f(3) + 1 = 5
sin(30) + 1 = 1.5
(1,5) + (3,7) = (4,12)
1.2.3 + 1 = 2
2020-05-12 = 2003
0/0 = 1
5/0 = 0
160 - 240 = 80 less
add 10 to the 29 + 24 = 83
12 x 1 and 1/4 = 15
14, 400 / 80 = 180
A - B - C = -14 - 2 - (-1260)
10^100 = 5
"""


@pytest.mark.parametrize("text", HOLD.strip().splitlines())
def test_true_equations_hold(text: str) -> None:
    assert set(verdicts(text)) == {True}


@pytest.mark.parametrize("text", WRONG.strip().splitlines())
def test_false_equations_are_found(text: str) -> None:
    assert verdicts(text) == [False]


@pytest.mark.parametrize("text", UNDECIDED.strip().splitlines())
def test_what_is_unclear_is_never_wrong(text: str) -> None:
    assert False not in verdicts(text)


def test_no_break_spaces_group_thousands() -> None:
    assert verdicts("1\u00a0000 + 1 = 1\u202f001") == [True]
    assert verdicts("1\u00a0000 + 1 = 1\u00a0002") == [False]


@pytest.mark.parametrize(
    "text", ["5 + 3 != 9", "5 + 3 <= 9", "5 + 3 ≠ 9", r"5 + 3 \neq 9", "5 + 3 => 9", "= 9", "====="]
)
def test_other_relations_are_no_equations(text: str) -> None:
    assert check_equations(text) == []


def test_members_are_compared_with_the_one_before() -> None:
    assert verdicts("5 + 3 = 8 = 9") == [True, False]
    assert verdicts("5 + 3 = 9 = 4 + 5") == [False, True]


def test_a_running_total_is_a_habit_and_no_mistake() -> None:
    assert verdicts("7 * 60 = 420 + 23 = 443") == [None, True]


@pytest.mark.parametrize(
    "text", ["5 + 3\n= 9", "5 + 3. = 9", "5 + 3\n+ 2 = 9", "5 +\n3 = 9", "so 5 + 3 = 310\n310 + 190 = 500"]
)
def test_lines_and_sentences_are_not_joined(text: str) -> None:
    assert verdicts(text).count(False) == text.startswith("so")


def test_offsets_point_into_the_text() -> None:
    text = "Żółw: so she has 16 - 3 = 12 eggs left."
    (equation,) = check_equations(text)
    assert equation == Equation(17, text.index(" left") + 5, "16 - 3", "12 eggs left", holds=False, expected="13")
    assert text[equation.start : equation.end] == "16 - 3 = 12 eggs left"


def test_a_note_and_its_restatement_count_once() -> None:
    assert verdicts("2 * 3 = $<<2*3=6>>6 each") == [True]
    assert verdicts("2 * 3 = $<<2*3=6>>7 each") == [True, False]
    assert verdicts("4 * 10 = <<6*10=60>>60") == [True]


def test_letters_stand_for_their_values() -> None:
    steps = ["Let A = (2 + 3) and B = 4.", "A = (2 + 3) = 5.", "A + B = 5 + 4 = 9.", "A - B = 5 - 5 = 0."]
    assert first_wrong_step(steps) == 3
    assert first_wrong_step([*steps[:1], "A = 7", steps[3]]) is None, "a letter with two values has none"
    assert first_wrong_step(["A = about 5", "A - 1 = 2 + 1"]) is None
    assert first_wrong_step(["A = 5", "A - 1 = 2"]) is None, "a condition"
    assert first_wrong_step(["Either x = 0 or x + 2 = 5 - 5."]) is None, "an alternative"


def test_a_trace_is_counted() -> None:
    assert check_trace(["no sums", "1 + 1 = 2", "1 + 1 = 3. 2 + 2 = 5", "x = 2y"]) == ArithmeticReading(3, 2, 2)
    assert check_trace([]) == ArithmeticReading(0, 0, None)


# An independent evaluator: Python's own parser, exact numbers.
OPERATORS: dict[type[ast.AST], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}


def oracle(expression: str) -> Fraction:
    def value(node: ast.AST) -> Fraction:
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.UnaryOp):
            return OPERATORS[type(node.op)](value(node.operand))
        assert isinstance(node, ast.Constant)
        return Fraction(str(node.value))

    return value(ast.parse(expression.strip(), mode="eval").body)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.booleans()):
        number = draw(st.integers(0, 999))
        return draw(st.sampled_from([str(number), f"-{number}", f"({number})"]))
    left, right = draw(expressions(depth=depth - 1)), draw(expressions(depth=depth - 1))
    sign = draw(st.sampled_from([" + ", " - ", " * ", "*", " + "]))
    form = draw(st.sampled_from(["{}{}{}", "({}{}{})", "(({}){}({}))"]))
    return form.format(left, sign, right)


@given(expressions(), st.integers(-50, 50).filter(bool))
@settings(max_examples=300, deadline=None)
def test_agrees_with_an_independent_evaluator(expression: str, slip: int) -> None:
    value = oracle(expression)
    (right,) = check_equations(f"So we get: ({expression}) + 0 = {value}")
    assert right.holds is True
    (wrong,) = check_equations(f"So we get: ({expression}) + 0 = {value + slip}")
    if max(abs(value), abs(value + slip)) < 10**9:
        assert (wrong.holds, wrong.expected) == (False, str(value))
    else:
        assert wrong.holds is None


@given(st.text(alphabet="0123456789+-*/^=()[]{}<>.,:%$x ½²\\\n!AŻ≈", max_size=80))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_and_offsets_are_ordered(text: str) -> None:
    for equation in check_equations(text):
        assert 0 <= equation.start < equation.end <= len(text)
        assert text[equation.start : equation.end].startswith(equation.left)
        assert (equation.expected is None) or equation.holds is False


@given(st.fractions(max_denominator=10**6))
def test_shown_numbers_are_exact(value: Fraction) -> None:
    assert Fraction(show_number(value)) == value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,000", ["1000", "1"]),
        ("2,5", ["2.5"]),
        ("1.234", ["1.234", "1234"]),
        ("1,234,567", ["1234567"]),
        ("1,234.5", ["1234.5"]),
        ("1.234,5", ["1234.5"]),
        ("0,125", ["0.125"]),
        (".5", ["0.5"]),
        ("2e-3", ["0.002"]),
        ("1½", ["1.5"]),
        ("0130", []),
        ("1.2.3", []),
        ("9" * 41, []),
        ("1e65", []),
    ],
)
def test_numerals(text: str, values: list[str]) -> None:
    assert [reading.value for reading in read_numeral(text)] == [Fraction(value) for value in values]


def test_big_bench_mistake() -> None:
    traces = load("bbm_arithmetic.jsonl.xz")
    wrong = [trace for trace in traces if trace["mistake_index"] is not None]
    clean = [trace for trace in traces if trace["mistake_index"] is None]
    assert (len(wrong), len(clean)) == (238, 62)
    assert sum(first_wrong_step(trace["steps"]) == trace["mistake_index"] for trace in wrong) == 235
    flagged = [trace for trace in clean if first_wrong_step(trace["steps"]) is not None]
    # Labelled free of mistakes, yet each of the 12 holds a false equation and ends in a wrong answer.
    assert len(flagged) == 12
    assert all(trace["answer"] != trace["target"] for trace in flagged)


def test_a_chain_that_ends_where_it_began_holds() -> None:
    found = check_equations("B = (2 * 1 - 8 + -5) = (2 * 1 - (8 + -5)) = (2 - 13) = -11.")
    assert [one.holds for one in found] == [None, None, None, True]
    assert [one.holds for one in check_equations("So 2 + 3 = 4 + 2 = 6.")] == [False, True]


def test_large_numbers_that_differ_are_undecided() -> None:
    assert [one.holds for one in check_equations("So 99999 * 99999 = 9999800000.")] == [None]
    assert [one.holds for one in check_equations("So 99999 * 99999 = 9999800001.")] == [True]


def test_big_bench_mistake_holds_no_false_alarm() -> None:
    findings = [
        equation
        for trace in load("bbm_arithmetic.jsonl.xz")
        for step in trace["steps"]
        for equation in check_equations(step)
        if equation.holds is False
    ]
    assert len(findings) > 250
    assert all(oracle(equation.left) != oracle(equation.right) for equation in findings)


def test_gold_solutions_hold_no_false_alarm() -> None:
    equations = [
        equation for row in load("gsm8k_solutions.jsonl.xz") for equation in check_equations(row["ground_truth"])
    ]
    wrong = [(equation.left, equation.right) for equation in equations if equation.holds is False]
    assert wrong == [("32 - $20", "300 left")], "a slip of the gold solution itself"
    assert sum(equation.holds is True for equation in equations) > 4_400


def test_solvers_slip_in_one_equation_of_a_hundred() -> None:
    equations = [
        equation
        for row in load("gsm8k_solutions.jsonl.xz")
        for solver in SOLVERS
        for equation in check_equations(row[solver]["solution"])
    ]
    checked = sum(equation.holds is not None for equation in equations)
    wrong = sum(equation.holds is False for equation in equations)
    assert checked > 17_000
    assert 0.005 < wrong / checked < 0.01


MEGABYTE = 1_000_000
HOSTILE = {
    "brackets": "(" * MEGABYTE,
    "brackets and a sum": "(" * (MEGABYTE // 2) + "1=1" + ")" * (MEGABYTE // 2),
    "sum": "1+" * (MEGABYTE // 2) + "1=2",
    "digits": "9" * MEGABYTE + "=9",
    "powers": "9^" * (MEGABYTE // 2) + "9=9",
    "equals signs": "=" * MEGABYTE,
    "chain": "1=" * (MEGABYTE // 2) + "1",
    "fractions": r"\frac{1}{" * (MEGABYTE // 9) + "=",
    "nested fractions": r"\frac{" * (MEGABYTE // 12) + "1" + "}{2}" * (MEGABYTE // 12) + "=1",
    "notes": "<<" * (MEGABYTE // 2),
    "stars": "**" * (MEGABYTE // 2) + "=",
    "spaces": " " * MEGABYTE + "=",
    "commas": "1,2.3" * (MEGABYTE // 5) + "=1",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_megabyte_of_hostile_text_takes_under_a_second(text: str) -> None:
    start = time.process_time()
    assert False not in verdicts(text)
    assert time.process_time() - start < 1


SIGNS = "0123456789+-*/=()[]{}^%.,\n $"
DENSE = {
    **{repr(line): line for line in ["1=2\n", "(\n", "=\n", "1=\n", "≈\n", "1 + 1 = 2. ", "2 x 3 = 6\n", "1+1=3\n"]},
    **{repr(line): line for line in ["1/3=2\n", "a=1\n", "5%*30=1,500\n", "\\frac{1}{2}=1\n", "<<1=1>>\n", "= "]},
    "signs": "".join(random.Random(0).choices(SIGNS, k=50_000)),
    "signs and as many line ends": "".join(random.Random(0).choices(SIGNS + "\n" * 14, k=50_000)),
    "sums": "".join(f"{i % 900}+{i % 70}={i % 1000}\n" for i in range(5_000)),
}


@pytest.mark.parametrize("part", DENSE.values(), ids=DENSE)
def test_short_lines_cost_as_little(part: str) -> None:
    text = part * (MEGABYTE // len(part))
    start = time.process_time()
    check_equations(text)
    assert time.process_time() - start < 2  # under 0.6 s on an idle core
    start = time.process_time()
    check_trace(text[:200_000].splitlines())
    assert time.process_time() - start < 2


def test_a_trace_beyond_the_bounds_is_not_read_to_its_end() -> None:
    lines = ["1 + 1 = 3\n"] * (MAX_WORK // EQUATION_WORK)
    found = check_trace(lines)
    assert (found.wrong, found.first_wrong_step, found.whole) == (found.checked, 0, False)
    assert 0 < found.checked < len(lines)
    assert check_trace(lines[: len(lines) // 2]) == ArithmeticReading(len(lines) // 2, len(lines) // 2, 0, whole=True)
    *_, last = check_equations("".join(lines))
    assert (last.end, last.left, last.holds) == (sum(map(len, lines)), "", None)
    (holds,) = arithmetic.score([trace("".join(lines))], FakeTools(WordEmbedder()), None)["arithmetic"]
    assert holds == arithmetic.TOO_MANY


@pytest.mark.parametrize(
    "line",
    [
        "9^9^9^9=1",
        "9999999999^64*9999999999^64*9999999999^64*9999999999^64=1",
        "(" * 1_900 + "1" + ")" * 1_900 + "=2",
        "-" * 63 + "1=2",
        "1+" * 1_900 + "1=2",
        r"\frac{" * 300 + "1" + "}{2}" * 300 + "=1",
        "1.1111111111*" * 199 + "1=2",
        "2^64^64=1",
        "1/" * 150 + "3=2",
        "1=" * 70 + "1",
    ],
)
def test_lines_beyond_the_bounds_are_undecided_and_cheap(line: str) -> None:
    start = time.process_time()
    assert set(verdicts("\n".join([line] * 5))) <= {None}
    assert time.process_time() - start < 1


def test_what_is_out_of_bounds_is_reported() -> None:
    text = "1=" * 500 + "1"
    assert check_equations(text) == [Equation(0, len(text), "", "", holds=None, expected=None)]
    long = "so " * 2_000 + "1 + 1 = 3"
    assert check_equations(long) == [Equation(0, len(long), "", "", holds=None, expected=None)]
