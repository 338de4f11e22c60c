"""Windows cover every step once, show what they promise and fit; costs count calls; budgets choose by prefix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfscore.errors import HfscoreError
from hfscore.judge import budget, plan
from tests.fakes import trace


@given(st.lists(st.integers(1, 300), min_size=1, max_size=60), st.integers(50, 2000))
def test_windows_cover_every_step_once_and_fit(sizes: list[int], room: int) -> None:
    found = plan.windows(sizes, room)
    if found is None:
        assert max(sizes) + sizes[-1] > room
        return
    judged = [index for window in found for index in window.judged]
    assert judged == list(range(len(sizes)))
    for window in found:
        assert set(window.judged) <= set(window.shown)
        assert len(sizes) - 1 in window.shown  # utility is judged with the end in view
        assert list(window.shown) == sorted(set(window.shown))
        assert sum(sizes[index] for index in window.shown) <= room


def test_a_trace_that_fits_is_shown_whole() -> None:
    assert plan.windows([10, 20, 30], None) == plan.windows([10, 20, 30], 60)
    (whole,) = plan.windows([10, 20, 30], 60) or ()
    assert not whole.partial(3)


def test_a_window_shows_the_first_steps_and_those_just_before() -> None:
    found = plan.windows([10] * 50, 200)
    assert found is not None
    late = found[3]
    assert late.partial(50)
    assert {0, 1, 2} <= set(late.shown)
    assert late.judged.start - 1 in late.shown


@given(st.integers(0, 100), st.integers(0, 200))
def test_batches_have_few_sizes_and_leave_no_step_out(start: int, count: int) -> None:
    parts = list(plan.batches(range(start, start + count)))
    assert [index for part in parts for index in part] == list(range(start, start + count))
    assert {len(part) for part in parts} <= set(plan.BATCH_SIZES)


def test_cost_counts_a_call_for_each_step_and_criterion() -> None:
    steps = ["One. ", "Two. ", "Three."]
    one = trace("".join(steps))
    label = plan.cost(one, steps, "label", language="en", per_token=4.0, room=None)
    batch = plan.cost(one, steps, "batch", language="en", per_token=4.0, room=None)
    assert label.calls == 4 * 3 - 1  # coherence of the first step is not asked
    assert batch.calls == 4 * 2  # 3 = 2 + 1
    assert label.fresh < label.prompt
    assert batch.tokens < label.tokens
    assert (label + batch).calls == label.calls + batch.calls


@pytest.mark.parametrize(("text", "amount"), [("2M", 2e6), ("500k", 5e5), ("1000", 1000.0), ("1.5m", 1.5e6)], ids=str)
def test_budgets_in_tokens(text: str, amount: float) -> None:
    found = budget.parse(text)
    assert found.amount == amount
    assert found.spent(10, 5) == 15


def test_a_budget_in_money_needs_prices() -> None:
    found = budget.parse("$5", (1.0, 3.0))
    assert found.spent(1_000_000, 1_000_000) == pytest.approx(4.0)
    assert found.show(4.0) == "$4.00"
    with pytest.raises(HfscoreError, match="prices"):
        budget.parse("$5")


@pytest.mark.parametrize("text", ["", "0", "-5", "five", "5 M", "$", "1e9", "nan"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(HfscoreError, match="no budget"):
        budget.parse(text, (1.0, 1.0))


@given(st.lists(st.integers(0, 100), max_size=30), st.integers(1, 500))
def test_the_questions_of_a_budget_are_a_prefix_that_fits(costs: list[int], amount: int) -> None:
    named = {str(index): plan.Cost(1, cost, cost, 0) for index, cost in enumerate(costs)}
    chosen = budget.affordable(named, budget.Budget(amount))
    assert chosen == list(named)[: len(chosen)]
    assert sum(named[one].prompt for one in chosen) <= amount
    if len(chosen) < len(costs):
        assert sum(costs[: len(chosen) + 1]) > amount
