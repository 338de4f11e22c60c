"""Steps that a judge cuts: whatever it answers, they cover the trace without loss; known answers give known steps."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from random import Random

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore.judge.atomizer import (
    ATOMIZE_SCHEMA,
    JOIN_SCHEMA,
    MOST_JOINS,
    MOST_STEPS,
    Aligned,
    align,
    joined,
    read_join,
)
from hfscore.text.steps import Step, split_steps
from tests.injections import clean

TEXT = "So Anna has 3 apples. She buys two more, so she has 3 + 2 = 5 apples. Hmm. The answer is 5."


def lossless(text: str, steps: tuple[Step, ...] | list[Step]) -> bool:
    return (
        "".join(step.text for step in steps) == text
        and all(step.text == text[step.start : step.end] and step.start < step.end for step in steps)
        and all(one.end == two.start for one, two in pairwise(steps))
    )


def texts(aligned: Aligned) -> list[str]:
    return [step.text for step in aligned.steps]


# --- merge ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "join"),
    [
        ('{"join": []}', []),
        ('{"join": [2]}', [2]),
        (' {"join": [2, 3, 5]} ', [2, 3, 5]),
        ('```json\n{"join": [5]}\n```', [5]),
        ('{"join": [1]}', None),  # nothing stands before the first
        ('{"join": [0, 2]}', None),
        ('{"join": [-2]}', None),
        ('{"join": [6]}', None),
        ('{"join": [3, 2]}', None),
        ('{"join": [2, 2]}', None),
        ('{"join": [2.0]}', None),
        ('{"join": [true]}', None),
        ('{"join": ["2"]}', None),
        ('{"join": 2}', None),
        ('{"join": null}', None),
        ('{"join": [2], "why": "x"}', None),
        ('{"joins": [2]}', None),
        ("[2]", None),
        ("", None),
        ('{"join": [2', None),
        ("[" * 100_000, None),
    ],
)
def test_read_join(answer: str, join: list[int] | None) -> None:
    assert read_join(answer, 5) == join


def test_join_by_hand() -> None:
    steps = split_steps("First. Second. Third. Fourth.")
    assert [step.text for step in joined(steps, [2, 4])] == ["First. Second. ", "Third. Fourth."]
    assert [step.text for step in joined(steps, [2, 3])] == ["First. Second. Third. ", "Fourth."]
    assert joined(steps, []) == steps


@given(st.text(max_size=200), st.lists(st.integers(-3, 40)))
def test_joined_steps_cover_the_text_whatever_the_numbers(text: str, numbers: list[int]) -> None:
    steps = split_steps(text)
    result = joined(steps, numbers)
    assert lossless(text, result)
    assert {step.start for step in result} <= {step.start for step in steps}


@given(st.integers(0, 30), st.data())
def test_what_read_join_lets_pass_joins_that_many(n: int, data: st.DataObject) -> None:
    join = sorted(data.draw(st.sets(st.integers(2, n)) if n >= 2 else st.just(set())))
    assert read_join(json.dumps({"join": join}), n) == join
    steps = [Step(at, at + 1, "x") for at in range(n)]
    assert len(joined(steps, join)) == n - len(join)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda x: st.lists(x)),
    st.integers(0, 9),
)
def test_read_join_never_fails(value: object, n: int) -> None:
    join = read_join(json.dumps({"join": value}), n)
    assert join is None or all(2 <= number <= n for number in join)


# --- paper ------------------------------------------------------------------------------------------------------------


def test_steps_copied_word_for_word() -> None:
    steps = ["So Anna has 3 apples.", "She buys two more,", "so she has 3 + 2 = 5 apples.", "Hmm.", "The answer is 5."]
    found = align(TEXT, steps)
    assert [text.strip() for text in texts(found)] == steps
    assert (found.verbatim, found.coverage, found.order_violations, found.trusted) == (1.0, 1.0, 0, True)


def test_white_space_case_fillers_and_number_words_are_evened_out() -> None:
    found = align(TEXT, ["anna  has 3 apples", "She buys 2 more", "she has 3 + 2 = 5 apples", "the answer is FIVE"])
    assert (found.verbatim, found.coverage, found.order_violations) == (1.0, 1.0, 0)
    assert texts(found) == [
        "So Anna has 3 apples. ",
        "She buys two more, ",
        "so she has 3 + 2 = 5 apples. ",
        "Hmm. The answer is 5.",
    ]


def test_a_few_changed_words_are_found_but_not_verbatim() -> None:
    steps = ["So Anna has 3 apples.", "She purchases two more, so she has 3 + 2 = 5 apples.", "The answer is 5."]
    found = align(TEXT, steps)
    assert len(found.steps) == 3
    assert found.steps[1].text == "She buys two more, so she has 3 + 2 = 5 apples. "
    assert found.verbatim == pytest.approx(2 / 3)
    assert found.coverage == 1.0
    assert not found.trusted


def test_what_is_left_out_becomes_steps_of_its_own() -> None:
    found = align(TEXT, ["So Anna has 3 apples.", "The answer is 5."])
    assert texts(found)[0] == "So Anna has 3 apples. "
    assert texts(found)[-1].endswith("The answer is 5.")
    assert len(found.steps) > 2
    assert found.verbatim == 1.0
    ink = sum(not letter.isspace() for letter in TEXT)
    kept = sum(not letter.isspace() for letter in texts(found)[0] + texts(found)[-1])
    assert found.coverage == pytest.approx(kept / ink)
    assert not found.trusted


def test_what_was_invented_is_no_step() -> None:
    found = align(TEXT, ["Bananas are yellow fruit, as everybody knows.", "Paris is the capital of France."])
    assert (found.verbatim, found.coverage, found.order_violations) == (0.0, 0.0, 0)
    assert list(found.steps) == split_steps(TEXT)


def test_order_is_counted() -> None:
    text = "Alpha beta gamma delta epsilon. One red fox jumps high today. Green blue pink brown grey."
    first, second, third = (step.text for step in split_steps(text))
    found = align(text, [second, first, third])
    assert found.order_violations == 1
    assert found.verbatim == pytest.approx(2 / 3)
    assert [text.strip() for text in texts(found)] == [first.strip(), second.strip(), third.strip()]
    again = align(text, [first, first, second, third])
    assert again.order_violations == 1
    assert len(again.steps) == 3


def test_overlapping_steps_share_nothing() -> None:
    text = "alpha beta gamma delta epsilon zeta eta theta"
    found = align(text, ["alpha beta gamma delta epsilon", "gamma delta epsilon zeta eta theta"])
    assert texts(found) == ["alpha beta gamma delta epsilon ", "zeta eta theta"]


def test_a_short_step_does_not_leap() -> None:
    text = "So it is. " + "The cat sat on a mat with its hat. " * 60 + "Indeed. It ends."
    found = align(text, ["So it is.", "Indeed.", "The cat sat on a mat with its hat."])
    assert found.verbatim == pytest.approx(2 / 3)
    assert texts(found)[:2] == ["So it is. ", "The cat sat on a mat with its hat. "]


@pytest.mark.parametrize("text", ["", " ", "\n", ".", "So.", "So. Okay.", "...", "²", "\ud800"])
@pytest.mark.parametrize("emitted", [[], [""], ["."], ["So."], ["x"], ["²"]])
def test_the_smallest_texts(text: str, emitted: list[str]) -> None:
    found = align(text, emitted)
    assert lossless(text, found.steps)
    assert 0 <= found.verbatim <= 1
    assert 0 <= found.coverage <= 1


def test_nothing_emitted_is_not_trusted() -> None:
    assert not align(TEXT, []).trusted
    assert not align(TEXT, [""]).trusted


def test_real_traces_come_back_whole() -> None:
    for trace in clean():
        steps = [step.text for step in split_steps(trace.reasoning)]
        found = align(trace.reasoning, [step.strip() for step in steps])
        assert texts(found) == steps
        assert (found.verbatim, found.coverage, found.order_violations) == (1.0, 1.0, 0)


WORDS = st.sampled_from(
    ["so", "two", "2", "x", "=", "3.5", "A", "apples", ".", ",", "(", "\n", "  ", "Kąt", "²", "$", "\u2028"]
)
PROSE = st.lists(WORDS, max_size=40).map(" ".join)


@given(PROSE | st.text(max_size=80), st.lists(PROSE | st.text(max_size=20), max_size=8))
@settings(max_examples=400)
def test_steps_cover_the_text_whatever_is_emitted(text: str, emitted: list[str]) -> None:
    found = align(text, emitted)
    assert lossless(text, found.steps)
    assert 0 <= found.verbatim <= 1
    assert 0 <= found.coverage <= 1
    assert 0 <= found.order_violations <= len(emitted)
    assert align(text, emitted) == found


@given(st.integers(0, 59), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_a_mangled_copy_still_covers(row: int, chance: Random) -> None:
    text = clean()[row].reasoning
    steps = [step.text for step in split_steps(text)]
    emitted = [step for step in steps if chance.random() > 0.2]
    chance.shuffle(emitted)
    emitted = [step.upper() if chance.random() > 0.5 else step[: chance.randint(0, len(step))] for step in emitted]
    found = align(text, emitted)
    assert lossless(text, found.steps)
    # What a step covers, it covers with the trace's own characters, so there is never less than the splitter finds.
    assert found.coverage <= 1


@pytest.mark.parametrize(
    ("text", "emitted"),
    [
        ("a b c d e " * 20_000, ["a b c d e f"] * 2000),
        ("a " * 100_000, ["a " * 50] * 2000),
        ("x y z w q " * 20_000, ["x y z w k " * 20] * 2000),
        ("So x. " * 50_000, ["So x."] * 100_000),
        ("((((" * 50_000, ["("] * 2000),
        ("a" * 200_000, ["a" * 99] * 2000),
    ],
)
def test_hostile_answers_take_bounded_time(text: str, emitted: list[str]) -> None:
    begun = time.process_time()
    found = align(text, emitted)
    assert time.process_time() - begun < 8
    assert lossless(text, found.steps)


# --- schemas ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", [JOIN_SCHEMA, ATOMIZE_SCHEMA])
def test_schemas_are_plain(schema: dict[str, object]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "properties" in schema
    assert "$ref" not in json.dumps(schema)
    assert schema["additionalProperties"] is False


def test_schemas_are_bounded() -> None:
    validator = jsonschema.Draft202012Validator(JOIN_SCHEMA)
    assert validator.is_valid({"join": list(range(2, 2 + MOST_JOINS))})
    assert not validator.is_valid({"join": list(range(2, 3 + MOST_JOINS))})
    assert not validator.is_valid({"join": ["2"]})
    validator = jsonschema.Draft202012Validator(ATOMIZE_SCHEMA)
    assert validator.is_valid({"steps": ["x"] * MOST_STEPS})
    assert not validator.is_valid({"steps": ["x"] * (MOST_STEPS + 1)})
    assert not validator.is_valid({"steps": []})
