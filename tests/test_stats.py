from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfscore import stats


def test_interval_covers_the_true_mean_at_its_nominal_rate() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for trial in range(200):
        effects = rng.normal(0.5, 0.2, 60)
        values = np.repeat(effects, 3) + rng.normal(0, 0.05, 180)
        low, high = stats.mean_interval(values, np.repeat(np.arange(60), 3), seed=trial, resamples=500) or (0, 0)
        hits += low <= 0.5 <= high
    assert 0.89 <= hits / 200 <= 0.99


def test_traces_of_one_question_are_drawn_together() -> None:
    rng = np.random.default_rng(2)
    effects = rng.normal(0, 1, 50)
    values, questions = np.repeat(effects, 8), np.repeat(np.arange(50), 8)
    clustered = stats.mean_interval(values, questions, seed=0)
    naive = stats.mean_interval(values, np.arange(400), seed=0)
    assert clustered is not None
    assert naive is not None
    assert clustered[1] - clustered[0] > 2 * (naive[1] - naive[0])


def test_too_few_questions_give_no_interval() -> None:
    assert stats.mean_interval(np.ones(40), ["a", "b", "c", "d"] * 10, seed=0) is None


@given(st.permutations(list(range(30))), st.integers(0, 5))
def test_the_order_of_traces_changes_nothing(order: list[int], seed: int) -> None:
    values, questions = np.sin(np.arange(30.0)), np.array([f"q{i % 11}" for i in range(30)])
    expected = stats.mean_interval(values, questions, seed=seed, resamples=50)
    assert stats.mean_interval(values[order], questions[order], seed=seed, resamples=50) == expected


def test_equal_values_have_an_interval_without_width() -> None:
    assert stats.mean_interval(np.full(100, 0.1), np.arange(100), seed=0) == pytest.approx((0.1, 0.1), abs=1e-15)


def test_many_questions_use_poisson_weights_and_agree_with_theory() -> None:
    values = np.random.default_rng(3).normal(2, 1, 30_000)
    low, high = stats.mean_interval(values, np.arange(30_000), seed=0, resamples=400) or (0, 0)
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(30_000), rel=0.15)
    assert low < values.mean() < high


def test_paired_difference_by_hand() -> None:
    first = {f"q{i}": 0.1 * i for i in range(10)}
    second = {f"q{i}": 0.1 * i - 0.25 for i in range(2, 12)}
    mean, low, high, pairs = stats.paired_difference(first, second, seed=0) or (0, 0, 0, 0)
    assert pairs == 8
    assert (mean, low, high) == pytest.approx((0.25, 0.25, 0.25))
    assert stats.paired_difference(first, {"q1": 0.0}, seed=0) is None
