"""The fused head against float64 over the whole vocabulary, and where a number is known without computing it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hfscore.lm.head import Head, divergence, statistics
from hfscore.ports import RANK_LIMIT

SIZE, WIDTH, COUNT = 5000, 24, 700  # three blocks of ids, the last one short; two chunks of tokens


def drawn(seed: int = 0, *, size: int = SIZE, count: int = COUNT) -> tuple[Head, Tensor, Tensor]:
    numbers = torch.Generator().manual_seed(seed)
    weight = torch.randn(size, WIDTH, generator=numbers)
    hidden = torch.randn(count, WIDTH, generator=numbers)
    return Head(weight), hidden, torch.randint(size, (count,), generator=numbers)


def whole(head: Head, hidden: Tensor) -> Tensor:
    """All logits at once, in double precision."""
    logits = hidden.double() @ head.weight.double().T
    if head.bias is not None:
        logits = logits + head.bias.double()
    logits = logits * head.scale
    return logits if head.cap is None else head.cap * torch.tanh(logits / head.cap)


def check(head: Head, hidden: Tensor, targets: Tensor) -> None:
    logits = whole(head, hidden)
    likely = logits.topk(min(150, head.size)).indices  # among drawn targets few would have a rank below the limit
    places = torch.arange(len(targets))
    targets = torch.where(targets % 2 == 0, targets, likely[places, places % likely.shape[1]])
    logs = logits.log_softmax(-1)
    own = logits.gather(1, targets[:, None])
    nll, entropy, rank = statistics(head, hidden, targets)
    torch.testing.assert_close(nll.double(), -logs.gather(1, targets[:, None])[:, 0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(entropy.double(), -(logs.exp() * logs).sum(-1), atol=1e-4, rtol=0)
    clear = ((logits - own).abs() < 1e-4).sum(-1) == 1  # no other logit is as near as the target's own
    expected = (1 + (logits > own).sum(-1)).clamp(max=RANK_LIMIT)
    assert clear.float().mean() > 0.5
    assert torch.equal(rank[clear].long(), expected[clear])


@pytest.mark.parametrize("size", [1, 7, 2048, 2049, SIZE])
def test_equal_to_double_precision(size: int) -> None:
    check(*drawn(size=size, count=70))


def test_equal_to_double_precision_over_several_chunks() -> None:
    check(*drawn())


def test_no_tokens_no_numbers() -> None:
    head, hidden, targets = drawn()
    assert [len(column) for column in statistics(head, hidden[:0], targets[:0])] == [0, 0, 0]


def test_bias_factor_and_bound_of_the_logits() -> None:
    head, hidden, targets = drawn(1)
    bias = torch.randn(SIZE, generator=torch.Generator().manual_seed(2))
    for altered in (replace(head, bias=bias), replace(head, scale=0.3), replace(head, cap=8.0)):
        check(altered, hidden, targets)
    check(Head(head.weight, bias, 0.5, 4.0), hidden, targets)


@settings(max_examples=20, deadline=None)
@given(st.floats(-6, 6), st.integers(0, 100))
def test_logits_of_any_size(power: float, seed: int) -> None:
    head, hidden, targets = drawn(seed, size=2500, count=20)
    nll, entropy, rank = statistics(head, hidden * 10**power, targets)
    logs = whole(head, hidden * 10**power).log_softmax(-1)
    torch.testing.assert_close(nll.double(), -logs.gather(1, targets[:, None])[:, 0], atol=1e-4, rtol=1e-4)
    assert torch.isfinite(entropy).all()
    assert entropy.min() >= 0
    assert rank.min() >= 1


def test_a_model_that_knows_nothing() -> None:
    head, hidden, targets = drawn()
    nll, entropy, rank = statistics(replace(head, weight=torch.zeros_like(head.weight)), hidden, targets)
    assert nll.numpy() == pytest.approx(math.log(SIZE), abs=1e-5)
    assert entropy.numpy() == pytest.approx(math.log(SIZE), abs=1e-5)
    assert (rank == 1).all()


def test_a_model_that_is_sure() -> None:
    weight = torch.zeros(SIZE, 1)
    weight[3210] = 200.0
    targets = torch.full((5,), 3210)
    nll, entropy, rank = statistics(Head(weight), torch.ones(5, 1), targets)
    assert nll.tolist() == [0] * 5
    assert entropy.tolist() == pytest.approx([0] * 5, abs=1e-30)
    assert rank.tolist() == [1] * 5


def test_a_temperature_leaves_ranks() -> None:
    head, hidden, targets = drawn()
    ranks = [statistics(replace(head, scale=scale), hidden, targets)[2] for scale in (1.0, 0.25, 4.0)]
    assert torch.equal(ranks[0], ranks[1])
    assert torch.equal(ranks[0], ranks[2])


def test_a_token_does_not_outrank_itself() -> None:
    """The likeliest token has rank 1 in every row, whatever the last bit of its logit by two roads."""
    head, hidden, _ = drawn(3, count=4000)
    assert (statistics(head, hidden, whole(head, hidden).argmax(-1))[2] == 1).all()


def test_ranks_are_clipped() -> None:
    head, hidden, _ = drawn()
    assert (statistics(head, hidden, whole(head, hidden).argmin(-1))[2] == RANK_LIMIT).all()


def test_narrow_numbers_are_near() -> None:
    head, hidden, targets = drawn()
    exact = statistics(head, hidden, targets)
    narrow = statistics(Head(head.weight.bfloat16()), hidden.bfloat16(), targets)
    assert (narrow[0] - exact[0]).abs().max() < 0.2
    assert (narrow[0] - exact[0]).mean().abs() < 5e-3
    assert (narrow[0] - exact[0]).abs().max() > 0


def jensen_shannon(p: Tensor, q: Tensor) -> Tensor:
    middle = ((p + q) / 2).log()
    return ((p * (p.log() - middle)).sum(-1) + (q * (q.log() - middle)).sum(-1)) / 2


def test_divergence_of_two_models() -> None:
    one, mine, _ = drawn(4)
    numbers = torch.Generator().manual_seed(5)
    other, theirs = Head(torch.randn(SIZE, 9, generator=numbers)), torch.randn(COUNT, 9, generator=numbers)
    expected = jensen_shannon(whole(one, mine).softmax(-1), whole(other, theirs).softmax(-1))
    found = divergence(one, mine, other, theirs=theirs)
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found, divergence(other, theirs, one, theirs=mine), atol=1e-6, rtol=1e-5)
    assert float(found.max()) <= math.log(2)
    assert np.abs(divergence(one, mine, one, theirs=mine).numpy()).max() < 1e-6


def test_divergence_is_taken_over_the_ids_of_both() -> None:
    one, mine, _ = drawn(6)
    other, theirs, _ = drawn(7)
    expected = divergence(Head(one.weight[:4321]), mine, Head(other.weight[:4321]), theirs=theirs)
    assert torch.equal(divergence(one, mine, Head(other.weight[:4321]), theirs=theirs), expected)


def test_models_that_exclude_each_other_differ_by_ln_2() -> None:
    weight = torch.eye(2) * 500
    found = divergence(Head(weight), torch.eye(2)[:1], Head(weight), theirs=torch.eye(2)[1:])
    assert found.tolist() == pytest.approx([math.log(2)])
