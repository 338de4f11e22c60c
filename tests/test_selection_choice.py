from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore.selection import choice, copies, filling

SIZES = st.lists(st.integers(0, 30), min_size=1, max_size=8).map(np.array)


def test_families_weigh_the_same_and_ties_share_their_rank():
    a, b, c = np.array([3.0, 1.0, 1.0]), np.array([3.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0])
    assert choice.mean_rank([a], [True], ["f"]).tolist() == [0, 1.5, 1.5]
    assert choice.mean_rank([a, b, c], [True, True, False], ["f", "f", "g"]).tolist() == [0, 1.125, 1.875]


@given(SIZES.filter(lambda sizes: sizes.sum()), st.data())
def test_shared_quotas_are_whole_and_near_their_share(sizes, data):
    size = data.draw(st.integers(0, int(sizes.sum())))
    taken = choice.shared_quotas(sizes, size)
    assert taken.sum() == size
    assert (taken <= sizes).all()
    assert (np.abs(taken - sizes * size / sizes.sum()) < 1).all()


@given(SIZES.filter(lambda sizes: sizes.sum()), st.data())
def test_even_quotas_differ_by_one_where_groups_have_rows(sizes, data):
    size = data.draw(st.integers(0, int(sizes.sum())))
    taken = choice.even_quotas(sizes, size)
    assert taken.sum() == size
    assert (taken <= sizes).all()
    open_groups = taken[taken < sizes]
    assert len(open_groups) == 0 or taken.max() - open_groups.min() <= 1


def test_the_first_of_each_key_stays():
    keys = np.array([7, 8, 7, 9, 8], np.uint64)
    assert choice.first_of_each(keys, np.array([4, 0, 1, 2, 3])).tolist() == [4, 0, 3]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=50), st.integers(0, 1000), st.data())
def test_filling_takes_the_first_of_every_group(groups, seed, data):
    of = np.array(groups)
    order = np.random.default_rng(seed).permutation(len(of))
    quotas = np.array([data.draw(st.integers(0, int((of == g).sum()) + 1)) for g in range(4)])
    taken = choice.fill(order, of, quotas)
    seen = [0] * 4
    expected = []
    for row in order.tolist():
        seen[of[row]] += 1
        if seen[of[row]] <= quotas[of[row]]:
            expected.append(row)
    assert taken.tolist() == expected


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_a_random_subset_has_the_rows_the_groups_and_the_tokens(seed):
    rng = np.random.default_rng(seed)
    tokens, groups = rng.integers(20, 2000, 3000), rng.integers(0, 3, 3000)
    quotas = np.array([300, 200, 100])
    wanted = int(np.sort(tokens)[-600:].sum() * 0.8)
    pool = np.arange(0, 3000, 1)
    found = choice.random_subset(pool, groups, quotas, tokens, wanted, seed=seed)
    assert found is not None
    assert len(set(found.tolist())) == 600
    assert np.bincount(groups[found]).tolist() == quotas.tolist()
    assert abs(int(tokens[found].sum()) - wanted) <= 0.01 * wanted
    again = choice.random_subset(pool, groups, quotas, tokens, wanted, seed=seed)
    assert again is not None
    assert (found == again).all()


def test_where_tokens_do_not_matter_every_row_is_as_likely():
    """Without a token target in reach of a swap, the draw is uniform: 400 draws of 5 of 20."""
    groups, tokens = np.zeros(20, np.int64), np.full(20, 10)
    drawn = np.zeros(20)
    for seed in range(400):
        found = choice.random_subset(np.arange(20), groups, np.array([5]), tokens, 50, seed=seed)
        assert found is not None
        drawn[found] += 1
    assert (np.abs(drawn - 100) < 5 * np.sqrt(400 * 0.25 * 0.75)).all()


def test_a_random_subset_out_of_reach_is_none():
    groups = np.zeros(100, np.int64)
    assert choice.random_subset(np.arange(100), groups, np.array([10]), np.full(100, 10), 5000, seed=0) is None


def text(start: int, changed: int = 0) -> str:
    """60 words of their own, the last `changed` of them other ones."""
    words = [f"w{start}x{i}" for i in range(60)]
    return " ".join(words[: 60 - changed] + [f"other{start}y{i}" for i in range(changed)])


def signatures(texts):
    return np.stack([copies.signature(one) for one in texts])


def test_near_copies_are_those_of_an_earlier_row_that_stays():
    texts = [text(1), text(2), text(1, 2), text(3), text(2, 30), text(1, 1)]
    assert copies.near_copies(signatures(texts)).tolist() == [False, False, True, False, False, True]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=40))
def test_exact_copies_are_found_whatever_their_order(numbers):
    found = copies.near_copies(signatures([text(n) for n in numbers]))
    assert found.tolist() == [n in numbers[:place] for place, n in enumerate(numbers)]


def test_near_copies_are_replaced_by_the_rows_behind_them():
    texts = [text(0), text(0, 1), text(1), text(1, 1), text(2), text(3)]
    groups = np.zeros(6, np.int64)
    read = lambda rows: signatures([texts[row] for row in rows.tolist()])  # noqa: E731
    kept, near, settled = filling.without_near(np.arange(6), groups, np.array([3]), read)
    assert (kept.tolist(), near, settled) == ([0, 2, 4], 2, True)
    kept, near, settled = filling.without_near(np.arange(6), groups, np.array([6]), read)
    assert (kept.tolist(), near, settled) == ([0, 2, 4, 5], 2, True)


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_the_random_subset_has_no_near_copies_either(share):
    texts = [text(n // 2, n % 2) for n in range(100)]
    groups, tokens = np.zeros(100, np.int64), np.full(100, 60)
    subset = np.arange(0, int(100 * share) // 2 * 2, 2)[: int(50 * share)]
    found = filling.random_beside(
        np.arange(100), subset, groups, tokens, lambda rows: signatures([texts[row] for row in rows.tolist()]), 0
    )
    assert found is not None
    assert len(found) == len(subset)
    assert len({row // 2 for row in found.tolist()}) == len(found)
