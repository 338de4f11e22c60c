"""The rule judge: single steps, planted damage on real solutions, a labelled data set, hostile text."""

from __future__ import annotations

import json
import lzma
import time
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore.damage import DOSES, Options, plant
from hfscore.judge import rules
from hfscore.judge.rules import RulesJudge, verdicts
from hfscore.ports import CRITERIA, Criterion, Judge, Judged, Verdict
from hfscore.records import Trace, Unscored
from hfscore.text.arithmetic import first_wrong_step
from hfscore.text.steps import split_steps
from tests.fakes import trace

DATA = Path(__file__).parent / "data"
QUESTION = "Janet's ducks lay 16 eggs a day. She eats three and bakes with four. She sells the rest at $2 an egg."
STEPS = (
    "Janet uses 3 + 4 = 7 eggs a day.",
    "So 16 - 7 = 9 eggs are left.",
    "She earns 9 * 2 = 18 dollars.",
    "The answer is 18.",
)
UNTOUCHED = 0.01


def load(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lzma.decompress((DATA / name).read_bytes()).decode().splitlines()]


def failing(steps: Sequence[str], question: str | None = QUESTION) -> set[tuple[int, str]]:
    found = verdicts(question, steps)
    return {(index, name) for index, own in enumerate(found) for name, holds in own.items() if holds is False}


def changed(index: int, text: str) -> list[str]:
    return [*STEPS[:index], text, *STEPS[index + 1 :]]


def test_a_good_solution_holds() -> None:
    found = verdicts(QUESTION, STEPS)
    assert found[0]["coherence"] is None
    assert all(holds for own in found for name, holds in own.items() if (own, name) != (found[0], "coherence"))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (changed(2, "She earns 9 * 2 = 19 dollars."), {(2, "validity")}),
        (changed(1, "So 16 - 7 = 8 eggs are left."), {(1, "validity")}),
        (changed(1, "So of the 17 eggs a day 9 are left, for 16 - 7 = 9."), {(1, "factuality")}),
        (changed(1, "So 23 - 14 = 9 eggs are left."), {(1, "factuality")}),
        (changed(2, "So what Janet and Bartholomew earn is 9 * 2 = 18 dollars."), {(2, "factuality")}),
        ([*STEPS[:2], STEPS[1], *STEPS[2:]], {(2, "utility")}),
        ([*STEPS, STEPS[0]], {(4, "utility")}),
        ([*STEPS[:2], "And so, 16 - 7 = 9 eggs are left...", *STEPS[2:]], {(2, "utility")}),
        ([STEPS[0], STEPS[2], STEPS[1], STEPS[3]], {(1, "coherence")}),
        ([*STEPS, "Photosynthesis needs light."], {(4, "coherence")}),
        (changed(0, "1. Janet uses 3 + 4 = 7 eggs a day."), set()),
        (changed(0, "**Step 9:** Janet uses 3 + 4 = 7 eggs a day."), set()),
    ],
)
def test_each_fault_costs_its_own_criterion(steps: list[str], expected: set[tuple[int, str]]) -> None:
    assert failing(steps) == expected


@pytest.mark.parametrize(
    ("question", "step"),
    [
        ("A shirt of $40 is sold at 20% off.", "It costs 40 * 0.8 = 32 dollars."),
        ("A shirt of $40 is sold at 20 percent off.", "It costs 40 * (100 - 20)/100 = 32 dollars."),
        ("Prices of $40 rise by 5%.", "They are 40 * 1.05 = 42 dollars."),
        ("There are twenty-five boys.", "There are 25 + 25 = 50 shoes."),
        ("She has 3 dozen eggs.", "She has 36 eggs."),
        ("Half of the 30 children run.", "So 30 / 2 = 15 children run."),
        ("He runs for 3 hours.", "He runs for 3 * 60 = 180 minutes."),
        ("It holds 1,200 litres.", "Each holds 1200/2 = 600 litres."),
    ],
)
def test_what_the_question_implies_is_grounded(question: str, step: str) -> None:
    assert verdicts(question, [step])[0]["factuality"] is True


def test_the_undecidable_is_not_decided() -> None:
    assert {own["factuality"] for own in verdicts(None, STEPS)} == {None}
    assert {own["factuality"] for own in verdicts("  ", STEPS)} == {None}
    nothing = verdicts(QUESTION, [STEPS[0], "...", STEPS[1]])[1]
    assert (nothing["coherence"], nothing["utility"], nothing["validity"]) == (None, None, True)


def test_another_language_is_judged_by_its_arithmetic_alone() -> None:
    steps = [
        "Janina ma szesnaście jajek dziennie i zjada trzy z nich na śniadanie, a cztery oddaje sąsiadom z pierwszego.",
        "Zatem zostaje jej 16 - 7 = 8 jajek, które sprzedaje codziennie na targu po dwa złote za sztukę.",
    ]
    found = verdicts("Ile złotych zarabia Janina?", steps)
    assert [own["validity"] for own in found] == [True, False]
    assert {own[name] for own in found for name in ("factuality", "coherence", "utility")} == {None}


@cache
def gold() -> tuple[Trace, ...]:
    rows = load("gsm8k_solutions.jsonl.xz")[:300]
    return tuple(trace(row["ground_truth"], question=row["question"], row=i) for i, row in enumerate(rows))


def rates(traces: Sequence[Trace]) -> dict[Criterion, float]:
    """Mean over traces of the share of steps for which each criterion holds."""
    shares: dict[Criterion, list[float]] = {criterion: [] for criterion in CRITERIA}
    for judged in RulesJudge().judge(traces):
        assert isinstance(judged, Judged)
        for criterion, found in shares.items():
            given = [one.verdicts[criterion] for one in judged.steps if criterion in one.verdicts]
            holds = [one.holds for one in given if isinstance(one, Verdict)]
            found.extend([sum(holds) / len(holds)] if holds else [])
    return {criterion: sum(found) / len(found) for criterion, found in shares.items()}


def responses(damage: str, options: Options | None = None) -> dict[Criterion, list[float]]:
    doses = [rates([one.trace for one in plant(gold(), damage, dose, options=options)]) for dose in DOSES]
    return {criterion: [found[criterion] for found in doses] for criterion in CRITERIA}


def test_gold_solutions_hold() -> None:
    found = rates(gold())
    assert found["validity"] > 0.999
    assert min(found["coherence"], found["utility"]) > 0.99
    assert found["factuality"] > 0.97


@pytest.mark.parametrize(
    ("damage", "options", "criterion", "least", "others"),
    [
        ("break_result", Options(last_result=True), "validity", 0.2, CRITERIA),
        ("break_result", None, "validity", 0.2, CRITERIA),
        ("duplicate_step", None, "utility", 0.1, CRITERIA),
        ("falsify_number", None, "factuality", 0.05, CRITERIA),
        ("shuffle_steps", None, "coherence", 0.1, CRITERIA),
        ("swap_traces", None, "factuality", 0.3, ("validity", "utility")),
    ],
)
def test_damage_lowers_what_it_should(
    damage: str, options: Options | None, criterion: Criterion, least: float, others: tuple[Criterion, ...]
) -> None:
    found = responses(damage, options)
    own = found[criterion]
    assert all(later < earlier for earlier, later in pairwise(own)), own
    assert own[0] - own[-1] > least
    for other in set(others) - {criterion}:
        assert max(abs(value - found[other][0]) for value in found[other]) < UNTOUCHED, other


def test_big_bench_mistake() -> None:
    hits = flagged = 0
    for row in load("bbm_arithmetic.jsonl.xz"):
        holds = [own["validity"] for own in verdicts(row["input"], row["steps"])]
        first = holds.index(False) if False in holds else None
        assert first == first_wrong_step(row["steps"])
        hits += row["mistake_index"] is not None and first == row["mistake_index"]
        flagged += row["mistake_index"] is None and first is not None
    assert (hits, flagged) == (235, 12)


def test_the_judge_keeps_to_its_port() -> None:
    judge: Judge = RulesJudge()
    text = "\n".join(STEPS)
    [judged] = judge.judge([trace(text, question=QUESTION)])
    assert isinstance(judged, Judged)
    assert [(one.start, one.end) for one in judged.steps] == [(one.start, one.end) for one in split_steps(text)]
    assert "coherence" not in judged.steps[0].verdicts
    assert all(set(one.verdicts) == set(CRITERIA) for one in judged.steps[1:])
    assert judged.steps[0].verdicts["validity"] == Verdict(holds=True)
    assert judge.repeat([trace(text, question=QUESTION)]) == [judged]
    assert judge.holistic([trace(text)]) == [Unscored("the rule judge gives no overall score")]
    assert judge.name.id == "rules"
    assert "no language model" in judge.settings["about"]
    assert "English arithmetic" in judge.settings["about"]


def test_what_cannot_be_judged_says_why() -> None:
    empty, broken, unasked = RulesJudge().judge(
        [trace(""), trace("2 + 2 = 4", problem="no trace"), trace("2 + 2 = 5. So it is 5.", question=None)]
    )
    assert isinstance(empty, Unscored)
    assert broken == Unscored("no trace")
    assert isinstance(unasked, Judged)
    assert unasked.steps[0].verdicts["factuality"] == rules.UNDECIDED
    assert unasked.steps[0].verdicts["validity"] == Verdict(holds=False)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.none(), st.text(max_size=60)), st.lists(st.text(alphabet="12+-*/=.$% \nAbceé\ud800", max_size=30)))
def test_any_text_gets_its_verdicts(question: str | None, steps: list[str]) -> None:
    found = verdicts(question, steps)
    assert [set(own) for own in found] == [set(CRITERIA)] * len(steps)
    wrong = [index for index, own in enumerate(found) if own["validity"] is False]
    assert (wrong[0] if wrong else None) == first_wrong_step(steps)


SIZE = 40_000
HOSTILE = {
    "spaces": " " * SIZE,
    "answer signs": " \n####" * (SIZE // 6),
    "one word": "a" * SIZE,
    "apostrophes": "a'" * (SIZE // 2),
    "digits": "9" * SIZE,
    "numbers": "1,2.3%" * (SIZE // 6),
    "scales": "million " * (SIZE // 8),
    "names": "a Bcd " * (SIZE // 6),
    "labels": "- " * (SIZE // 2) + "1. ",
    "sums": "1+1=3. " * (SIZE // 7),
    "equals signs": "=" * SIZE,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_takes_linear_time(name: str) -> None:
    start = time.process_time()
    verdicts(HOSTILE[name], [HOSTILE[name], HOSTILE[name]])
    assert time.process_time() - start < 6


def test_many_steps_take_linear_time() -> None:
    start = time.process_time()
    verdicts(QUESTION, [f"Then {n} + 1 = {n + 1} eggs." for n in range(10_000)])
    assert time.process_time() - start < 6
