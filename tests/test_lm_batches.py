"""Batches: every row once, within the budget, and halved when memory runs out."""

from __future__ import annotations

from itertools import pairwise
from unittest.mock import patch

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hfscore.lm.batches import TOO_LONG, Budget, cut, is_out_of_memory

LENGTHS = st.lists(st.integers(1, 300), max_size=60)
CPU_WORDS = (
    "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "9 bytes. Error code 12 (Cannot allocate memory)"
)


@given(LENGTHS, st.integers(1, 1000))
def test_every_row_stands_in_one_batch_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = cut(lengths, budget)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[row] for row in batch) <= budget


def test_rows_of_like_length_stand_together() -> None:
    assert cut([10, 1, 9, 2], 20) == [[0, 2], [3, 1]]


@given(LENGTHS, st.integers(1, 1000), st.integers(1, 400))
def test_memory_that_runs_out_changes_no_result(lengths: list[int], budget: int, fits: int) -> None:
    tried: list[list[int]] = []

    def work(batch: list[int]) -> list[int]:
        tried.append(batch)
        if len(batch) * max(lengths[row] for row in batch) > fits:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return [lengths[row] for row in batch]

    expected = [length if length <= fits else TOO_LONG for length in lengths]
    with patch("hfscore.lm.batches.gc.collect"):  # which takes its time, after every try that fails
        assert Budget(budget).run(lengths, work) == expected
    assert all(len(one) == 1 or len(other) < len(one) for one, other in pairwise(tried) if one[0] == other[0])


def test_the_budget_stays_halved() -> None:
    seen = []

    def work(batch: list[int]) -> list[int]:
        seen.append(len(batch))
        if len(batch) > 2:
            raise RuntimeError(CPU_WORDS)
        return batch

    limit = Budget(80)
    assert limit.run([10] * 8, work) == list(range(8))
    assert (seen, limit.tokens) == ([8, 4, 2, 2, 2, 2], 20)
    assert limit.run([10] * 2, work) == [0, 1]
    assert seen[6:] == [2]


def test_one_long_row_does_not_halve_the_budget() -> None:
    def work(batch: list[int]) -> list[int]:
        if 0 in batch:
            raise MemoryError
        return batch

    limit = Budget(20)
    assert limit.run([60_000, 5, 5], work) == [TOO_LONG, 1, 2]
    assert limit.tokens == 20


def test_other_errors_are_not_hidden() -> None:
    def work(batch: list[int]) -> list[int]:
        raise RuntimeError("index out of range in self")

    with pytest.raises(RuntimeError, match="index out of range"):
        Budget(20).run([5], work)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("x"), MemoryError(), RuntimeError(CPU_WORDS)])
def test_what_says_that_memory_ran_out(error: Exception) -> None:
    assert is_out_of_memory(error)


def test_a_real_allocation_that_cannot_be_made() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
