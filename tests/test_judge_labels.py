"""Answers are read strictly: a label with its probability, a JSON object with its quote, or a reason."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfscore.judge.labels import distribution, read_batch, read_grade, read_label, read_object, read_review
from hfscore.ports import Verdict
from hfscore.records import Unscored


def position(token: str, logprob: float | None, **top: float | None) -> dict[str, Any]:
    entries = [{"token": name, "logprob": value} for name, value in top.items()]
    return {"token": token, "logprob": logprob, "top_logprobs": entries}


def test_probability_is_renormalised_over_the_labels_that_appear() -> None:
    tops = {"1": math.log(0.6), "0": math.log(0.2), "The": math.log(0.2)}
    verdict = read_label("1", [position("1", math.log(0.6), **tops)])
    assert isinstance(verdict, Verdict)
    assert verdict.holds
    assert verdict.probability == pytest.approx(0.75)
    assert verdict.mass == pytest.approx(0.8)


def test_null_stands_for_a_masked_label() -> None:
    verdict = read_label("0", [position("0", 0.0, **{"0": 0.0, "1": None})])
    assert verdict == Verdict(holds=False, probability=0.0, mass=1.0)


def test_below_half_the_mass_no_probability_is_invented() -> None:
    verdict = read_label("1", [position("1", math.log(0.2), **{"1": math.log(0.2), "0": math.log(0.1)})])
    assert isinstance(verdict, Verdict)
    assert (verdict.holds, verdict.probability) == (True, None)
    assert verdict.mass == pytest.approx(0.3)


def test_spellings_of_one_label_add_up_and_repeats_do_not() -> None:
    tops = {"1": math.log(0.3), " 1": math.log(0.3), "0": math.log(0.4)}
    found = distribution([position("1", math.log(0.3), **tops)], ("1", "0"))
    assert found is not None
    assert found[0]["1"] == pytest.approx(0.6)


def test_the_label_may_stand_behind_white_space() -> None:
    answered = [position("\n", -0.1), position("0", math.log(0.9), **{"0": math.log(0.9), "1": math.log(0.1)})]
    verdict = read_label("\n0", answered)
    assert isinstance(verdict, Verdict)
    assert verdict.probability == pytest.approx(0.1)


def test_without_log_probabilities_the_label_alone_counts() -> None:
    assert read_label(" 1\n", None) == Verdict(holds=True)


@given(st.text().filter(lambda text: text.strip() not in ("0", "1")))
def test_what_is_no_label_is_unscored(text: str) -> None:
    assert isinstance(read_label(text, None), Unscored)


def test_a_batch_has_every_key_once_and_only_labels() -> None:
    keys = ("s1", "s2")
    assert read_batch('{"s1": "1", "s2": "0"}', keys) == [Verdict(holds=True), Verdict(holds=False)]
    assert read_batch('```json\n{"s1": 1, "s2": 0}\n```', keys) == [Verdict(holds=True), Verdict(holds=False)]
    for wrong in ('{"s1": "1"}', '{"s1": "1", "s2": "0", "s3": "1"}', '{"s1": "1", "s2": "maybe"}', "[1, 0]", "1"):
        assert isinstance(read_batch(wrong, keys), Unscored)


def test_a_review_needs_a_quote_from_the_step() -> None:
    step = "So 3 + 4 = 8,\nwhich is   even."

    def said(quote: object, label: str = "0") -> Verdict | Unscored:
        return read_review(json.dumps({"quote": quote, "reason": "r", "label": label}), step)

    assert said("3 + 4 = 8, which IS even") == Verdict(holds=False, tier=2)
    assert said("3 + 4 = 8", "1") == Verdict(holds=True, tier=2)
    for wrong in ("3 + 5 = 8", "", ",", 7):
        assert isinstance(said(wrong), Unscored)
    assert isinstance(said("3 + 4 = 8", "2"), Unscored)


def test_a_grade_is_an_expectation_where_probabilities_are_given() -> None:
    assert read_grade("3", None) == 0.5
    tops = {"5": math.log(0.5), "4": math.log(0.5)}
    assert read_grade("5", [position("5", math.log(0.5), **tops)]) == pytest.approx((4.5 - 1) / 4)
    assert isinstance(read_grade("6", None), Unscored)


@given(st.text() | st.recursive(st.integers(), lambda inner: st.lists(inner)).map(json.dumps))
def test_an_object_is_an_object_or_none(text: str) -> None:
    found = read_object(text)
    assert found is None or isinstance(found, dict)
