"""Planted corruptions: reproducible, nested by dose, and each exactly what its name says."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore.damage import DAMAGES, DOSES, NOT_CHOSEN, Options, Planted, plant
from hfscore.damage.filler import CHECKS, FILLER, TAIL
from hfscore.records import Trace, Turn
from hfscore.text.steps import split_steps


def trace(row: int, question: str | None, reasoning: str, **rest: object) -> Trace:
    return Trace(config="default", split="train", row=row, index=0, question=question, reasoning=reasoning, **rest)  # type: ignore[arg-type]


QUESTION = "Ann has 16 eggs and 120 pears. She eats 3 eggs a day and sells an egg for $2.50. What does she earn?"
REASONING = (
    "Ann has 16 eggs in the basket. She eats 3 of them every day.\n"
    "So 16 - 3 = <<16-3=13>>13 eggs are left.\n"
    "1. She sells each for $2.50 at the market.\n"
    "Then 13 * 2.50 = 32.50 dollars.\n"
    "Check: 10 * 3 = 30, so it fits.\n"
    "The answer is 32.50."
)
POLISH = "Ania ma 120 gruszek. Każda waży 2,5 dag, więc łącznie ważą dużo.\nRazem 120 + 30 = 150 gruszek."
TRACES = [
    trace(0, QUESTION, REASONING, response="It is 32.50.", reference="32.50"),
    trace(1, "Ania ma 120 gruszek, każda waży 2,5 dag. Ile ważą?", POLISH),
    trace(2, None, "First we add. 2 + 2 = 4. Then 4 * 5 = 20."),
    *(
        trace(row, f"What is {row} + {row}?", f"We add {row} and {row}. So {row} + {row} = {2 * row}.")
        for row in range(3, 60)
    ),
]
ONE = ("falsify_number", "break_result", "duplicate_step", "shuffle_steps", "delete_steps", "filler", "tail_checking")


def only(damage: str, subject: Trace, seed: int = 0, options: Options | None = None) -> Planted:
    (planted,) = plant([subject], damage, 1.0, seed, options=options)
    return planted


def changed_spans(before: str, after: str) -> list[tuple[str, str]]:
    """Numbers that differ between two texts that are else equal."""
    cut = re.compile(r"(\d+(?:[.,]\d+)*)")
    old, new = cut.split(before), cut.split(after)
    assert len(old) == len(new)
    assert old[::2] == new[::2]
    return [pair for pair in zip(old[1::2], new[1::2], strict=True) if pair[0] != pair[1]]


def truths(text: str) -> list[bool]:
    """Whether each `a op b = c` and each calculator note of a text is true, read independently."""
    found = re.findall(r"([\d.]+) ?([-+*]) ?([\d.]+) ?= ?(?:<<.*?>>)?([\d]+(?:\.\d+)?)", text)
    act = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}
    return [act[sign](Fraction(a), Fraction(b)) == Fraction(c) for a, sign, b, c in found]


def test_every_damage_names_itself() -> None:
    assert set(DAMAGES) == {*ONE, "swap_traces", "normalise_whitespace"}
    assert all(damage.id == name and damage.title for name, damage in DAMAGES.items())


@pytest.mark.parametrize("damage", DAMAGES)
def test_same_key_same_damage_whatever_stands_beside(damage: str) -> None:
    first = plant(TRACES, damage, 0.5, seed=7)
    assert plant(TRACES, damage, 0.5, seed=7) == first
    assert plant(TRACES[::-1], damage, 0.5, seed=7)[::-1] == first
    if damage != "swap_traces":
        alone = [only(damage, subject, 7) for subject, planted in zip(TRACES, first, strict=True) if planted.touched]
        assert alone == [planted for planted in first if planted.touched]
    if damage in ONE:
        assert plant(TRACES, damage, 0.5, seed=8) != first


@pytest.mark.parametrize("damage", DAMAGES)
def test_doses_are_nested_and_never_silent(damage: str) -> None:
    touched: list[set[int]] = []
    for dose in DOSES:
        planted = plant(TRACES, damage, dose, seed=3)
        assert len(planted) == len(TRACES)
        for before, after in zip(TRACES, planted, strict=True):
            assert after.touched == (after.why_not is None) == (after.trace != before)
            kept = replace(after.trace, reasoning="", response=None)
            assert kept == replace(before, reasoning="", response=None)
        touched.append({index for index, after in enumerate(planted) if after.touched})
    assert touched[0] == set()
    assert all(low <= high for low, high in pairwise(touched))
    if damage != "normalise_whitespace":
        assert 5 <= len(touched[1]) < len(touched[2]) < len(touched[3])


def test_lower_dose_damages_in_the_same_way() -> None:
    quarter, whole = (plant(TRACES, "shuffle_steps", dose) for dose in (0.25, 1.0))
    assert all(low.why_not == NOT_CHOSEN or low == high for low, high in zip(quarter, whole, strict=True))


@pytest.mark.parametrize("seed", range(20))
def test_falsify_number_changes_one_given_quantity(seed: int) -> None:
    after = only("falsify_number", TRACES[0], seed).trace.reasoning
    ((old, new),) = changed_spans(REASONING, after)
    assert old in {"16", "3", "2.50"}
    assert new not in re.findall(r"[\d.]+", QUESTION + REASONING)
    assert len(new) == len(old)
    assert truths(after) == truths(REASONING)
    ((old, new),) = changed_spans(POLISH, only("falsify_number", TRACES[1], seed).trace.reasoning)
    assert (old, "," in new) in {("120", False), ("2,5", True)}


@pytest.mark.parametrize("seed", range(20))
def test_break_result_makes_one_true_equation_false(seed: int) -> None:
    assert truths(REASONING) == [True] * 3
    after = only("break_result", TRACES[0], seed).trace.reasoning
    assert sorted(truths(after)) == [False, True, True]
    changed = changed_spans(REASONING, after)
    assert len(set(changed)) == 1
    assert len(changed) == (2 if changed[0][0] == "13" else 1)
    assert after.count("<<16-3=13>>13") == (changed[0][0] != "13")


def test_break_result_can_break_the_last() -> None:
    last = {only("break_result", TRACES[2], seed, Options(last_result=True)).trace.reasoning for seed in range(8)}
    assert len(last) > 1
    assert all(re.fullmatch(r"First we add\. 2 \+ 2 = 4\. Then 4 \* 5 = (?!20)\d\d\.", text) for text in last)
    anywhere = {only("break_result", TRACES[2], seed).trace.reasoning.count("= 4.") for seed in range(8)}
    assert anywhere == {0, 1}


@pytest.mark.parametrize("seed", range(5))
def test_break_result_changes_a_note_and_what_is_seen(seed: int) -> None:
    text = "She sold half of 48 = $<<48/2=24>>24 in May. She had 5."
    changed = changed_spans(text, only("break_result", trace(0, None, text), seed).trace.reasoning)
    assert [old for old, _ in changed] == ["24", "24"]
    assert len(set(changed)) == 1


def test_a_broken_result_is_wrong_beyond_rounding() -> None:
    text = "So 2 / 7 = 0.3."
    after = {only("break_result", trace(0, None, text), seed).trace.reasoning for seed in range(30)}
    values = {Fraction(re.findall(r"0\.\d", reasoning)[0]) for reasoning in after}
    assert len(values) > 1
    assert all(abs(value - Fraction(2, 7)) >= Fraction(1, 10) for value in values)


def test_break_result_refuses_to_break_two_at_once() -> None:
    chain = trace(0, None, "So 2 + 3 = 5 = 4 + 1 holds.")
    assert only("break_result", chain) == Planted(chain, False, "no true equation that can be broken alone")


def test_break_result_leaves_a_false_equation() -> None:
    wrong = trace(0, None, "So 2 + 2 = 5 apples.")
    assert only("break_result", wrong) == Planted(wrong, False, "no true equation that can be broken alone")


@pytest.mark.parametrize("seed", range(10))
def test_duplicate_step_repeats_one_verbatim(seed: int) -> None:
    after = only("duplicate_step", TRACES[0], seed).trace.reasoning
    steps = split_steps(REASONING)
    ends = [step.start + len(step.text.rstrip()) for step in steps]
    one_more = {
        (index, later): f"{REASONING[:end]}{gap}{step.text.strip()}{REASONING[end:]}"
        for index, step in enumerate(steps)
        for later, end in enumerate(ends[index:])
        for gap in [steps[index + later].text[len(steps[index + later].text.rstrip()) :] or " "]
    }
    assert after in one_more.values()


@pytest.mark.parametrize("seed", range(10))
def test_shuffle_steps_keeps_every_step(seed: int) -> None:
    after = only("shuffle_steps", TRACES[0], seed).trace.reasoning
    assert after != REASONING
    assert Counter(after.split()) == Counter(REASONING.split())
    assert all(step.text.strip() in after for step in split_steps(REASONING))
    assert re.findall(r"\s+", after) != []


def test_delete_steps_keeps_half_in_order() -> None:
    steps = [step.text for step in split_steps(REASONING)]
    after = only("delete_steps", TRACES[0]).trace.reasoning
    kept = [step for step in steps if step.strip() in after]
    assert len(kept) == len(steps) - len(steps) // 2
    assert after == "".join(kept)


def test_swap_gives_every_trace_that_of_another_question() -> None:
    owner = {subject.reasoning: subject for subject in TRACES}
    for before, after in zip(TRACES, plant(TRACES, "swap_traces", 1.0), strict=True):
        assert owner[after.trace.reasoning].question_id != before.question_id
        assert after.trace.response == owner[after.trace.reasoning].response
    assert Counter(p.trace.reasoning for p in plant(TRACES, "swap_traces", 1.0)) == Counter(list(owner))
    kept = plant(TRACES, "swap_traces", 1.0, options=Options(keep_response=True))
    assert [p.trace.response for p in kept] == [subject.response for subject in TRACES]


@settings(deadline=None)
@given(st.lists(st.sampled_from("abc"), max_size=12), st.integers(0, 5))
def test_swap_takes_all_it_can(questions: list[str], seed: int) -> None:
    subjects = [trace(row, question, f"reasoning {row}") for row, question in enumerate(questions)]
    swapped: set[int] = set()
    for dose in DOSES:
        planted = plant(subjects, "swap_traces", dose, seed)
        now = {row for row, after in enumerate(planted) if after.touched}
        assert swapped <= now
        swapped = now
        for row in now:
            donor = int(planted[row].trace.reasoning.split()[1])
            assert questions[donor] != questions[row]
            assert donor in now
    counts = Counter(questions)
    assert len(swapped) == sum(min(count, len(questions) - count) for count in counts.values())


@settings(deadline=None)
@given(st.text(alphabet=st.characters(), min_size=1, max_size=400), st.integers(0, 3))
def test_filler_has_the_length_of_the_original(text: str, seed: int) -> None:
    planted = only("filler", trace(0, None, text), seed)
    assert planted.touched == bool(text.strip())
    after = planted.trace.reasoning
    assert len(after.encode("utf-8", "surrogatepass")) == len(text.encode("utf-8", "surrogatepass"))
    assert not planted.touched or not re.search(r"\d", after)


def test_filler_speaks_the_language_of_the_trace() -> None:
    english, polish = (only("filler", TRACES[row]).trace.reasoning for row in (0, 1))
    assert sum(sentence in english for sentence in FILLER["en"]) >= 5
    assert sum(sentence in polish for sentence in FILLER["pl"]) >= 2
    assert all(text.isascii() for text in TAIL.values())
    longest = max(len(sentence.encode()) for sentences in FILLER.values() for sentence in sentences)
    assert all(len(text) > longest for text in TAIL.values())


def test_tail_checking_appends_and_repeats() -> None:
    for row, words in ((0, "en"), (1, "pl")):
        before = TRACES[row].reasoning
        after = only("tail_checking", TRACES[row]).trace.reasoning
        assert after.startswith(before + "\n\n" + CHECKS[words][0])
        added = after.removeprefix(before)
        assert len(added) > len(before) / 2
        rest = re.sub("|".join(map(re.escape, CHECKS[words])), "", added).split()
        steps = before.split()
        assert rest == (steps * len(rest))[: len(rest)]  # its own words again, from the first on


def test_normalise_whitespace_changes_no_word() -> None:
    before = "a  b\t c \r\n\r\n\r\n\n  indented e\u0301\u00a0f \n"
    planted = only("normalise_whitespace", trace(0, None, before, response="x  y"))
    assert planted.trace.reasoning == "a b c\n\n  indented \u00e9 f\n"
    assert planted.trace.response == "x y"
    assert only("normalise_whitespace", planted.trace).why_not == "normalised already"
    marks = trace(0, None, "a" + "\u0301\u0316" * 100_000)
    assert only("normalise_whitespace", marks).why_not == "a run of combining marks too long to be text"


@pytest.mark.parametrize(
    ("damage", "subject", "why_not"),
    [
        ("falsify_number", trace(0, QUESTION, "No number here."), "no given quantity outside arithmetic"),
        ("falsify_number", trace(0, QUESTION, "So 16 - 3 = 13."), "no given quantity outside arithmetic"),
        ("falsify_number", trace(0, QUESTION, "2 * 8 = 16. So 16 it is."), "no given quantity outside arithmetic"),
        ("falsify_number", trace(0, QUESTION, "Step 3: we take 77 eggs."), "no given quantity outside arithmetic"),
        ("break_result", trace(0, QUESTION, "Nothing."), "no true equation that can be broken alone"),
        ("shuffle_steps", trace(0, QUESTION, "Same. Same."), "fewer than two distinct steps"),
        ("delete_steps", trace(0, QUESTION, "One step."), "fewer than two steps"),
        ("swap_traces", trace(0, QUESTION, "Alone."), "no trace of another question to swap with"),
        ("filler", trace(0, QUESTION, " \n"), "no reasoning"),
        ("filler", trace(0, QUESTION, "x", problem="cut off"), "not scored: cut off"),
        ("filler", trace(0, QUESTION, "x", turns=(Turn("user", "x"),)), "a trajectory of turns is left alone"),
    ],
)
def test_what_cannot_be_damaged_says_why(damage: str, subject: Trace, why_not: str) -> None:
    assert only(damage, subject) == Planted(subject, touched=False, why_not=why_not)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="no damage 'typo'"):
        plant(TRACES, "typo", 1.0)
    for dose in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="share from 0 to 1"):
            plant(TRACES, "filler", dose)


WORDS = st.sampled_from(
    [
        *[
            "16 ",
            "1,000 ",
            "2,5 ",
            "= ",
            "+ ",
            "<<",
            ">>",
            "$",
            "\\frac",
            "3 + 4 = 7",
            ". ",
            "\n",
            "Step 2: ",
            "x ",
            "the ",
        ],
        *[
            "2 * 3 = $<<2*3=6>>6 ",
            "\ud800",
            "½",
            "٣ ",
            "0 ",
            "999999999999999999 ",
            "1.2.3 ",
            "e\u0301",
            "1 000 ",
            "- ",
        ],
    ]
)
TEXTS = st.one_of(st.text(alphabet=st.characters(), max_size=80), st.lists(WORDS, max_size=20).map("".join))


@settings(deadline=None)
@given(st.lists(st.tuples(st.none() | TEXTS, TEXTS, st.none() | TEXTS), max_size=4), st.sampled_from(sorted(DAMAGES)))
def test_no_trace_is_too_odd(rows: list[tuple[str | None, str, str | None]], damage: str) -> None:
    subjects = [trace(row, question, text, response=response) for row, (question, text, response) in enumerate(rows)]
    for before, after in zip(subjects, plant(subjects, damage, 1.0), strict=True):
        assert after.touched == (after.why_not is None) == (after.trace != before)
        assert after.trace.question == before.question
