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


def near(texts):
    """Which texts are near copies of one before them that is taken; every one has a place."""
    found = signatures(texts)
    taken, copied = copies.take(found[:0], found, np.zeros(len(texts), np.int64), np.array([len(texts)]))
    assert (taken == ~copied).all()
    return copied.tolist()


def test_near_copies_are_those_of_an_earlier_row_that_stays():
    texts = [text(1), text(2), text(1, 2), text(3), text(2, 30), text(1, 1)]
    assert near(texts) == [False, False, True, False, False, True]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=40))
def test_exact_copies_are_found_whatever_their_order(numbers):
    assert near([text(n) for n in numbers]) == [n in numbers[:place] for place, n in enumerate(numbers)]


def reader(texts):
    return lambda rows: signatures([texts[row] for row in rows.tolist()])


def at_most(size):
    return lambda has: choice.even_quotas(has, min(size, int(has.sum())))


def test_near_copies_are_replaced_by_the_rows_behind_them():
    texts = [text(0), text(0, 1), text(1), text(1, 1), text(2), text(3)]
    groups = np.zeros(6, np.int64)
    kept, near, settled = filling.without_near(np.arange(6), groups, at_most(3), reader(texts))
    assert (kept.tolist(), near, settled) == ([0, 2, 4], 2, True)
    kept, near, settled = filling.without_near(np.arange(6), groups, at_most(6), reader(texts))
    assert (kept.tolist(), near, settled) == ([0, 2, 4, 5], 2, True)


def test_only_rows_that_are_taken_have_copies():
    """Row 1 finds its group's only place taken, so row 3, its near copy, is free to be taken."""
    texts = [text(0), text(1), text(0, 1), text(1, 1)]
    groups = np.array([0, 0, 1, 1])
    kept, near, settled = filling.without_near(np.arange(4), groups, at_most(2), reader(texts))
    assert (sorted(kept.tolist()), near, settled) == ([0, 3], 1, True)


def test_a_group_of_near_copies_leaves_its_places_to_the_others():
    texts = [text(0, n % 3) for n in range(10)] + [text(n) for n in range(1, 31)]
    groups = np.array([0] * 10 + [1] * 30)
    kept, near, settled = filling.without_near(np.arange(40), groups, at_most(20), reader(texts))
    assert np.bincount(groups[kept]).tolist() == [1, 19]
    assert (near, settled) == (9, True)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=25), st.integers(1, 25))
def test_what_is_taken_is_no_copy_and_what_is_left_is_one_or_has_no_place(rows, size):
    texts, groups = [text(n) for n, _ in rows], np.array([group for _, group in rows])
    kept, near, settled = filling.without_near(np.arange(len(rows)), groups, at_most(size), reader(texts))
    numbers = [rows[row][0] for row in kept.tolist()]
    assert settled
    assert len(set(numbers)) == len(numbers) <= size
    if len(kept) < size:
        assert set(numbers) == {n for n, _ in rows}
    assert near <= len(rows) - len(kept)


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_the_random_subset_has_no_near_copies_either(share):
    texts = [text(n // 2, n % 2) for n in range(100)]
    groups, tokens = np.zeros(100, np.int64), np.full(100, 60)
    subset = np.arange(0, int(100 * share) // 2 * 2, 2)[: int(50 * share)]
    pool = np.random.default_rng(0).permutation(100)
    found = filling.random_beside(pool, subset, groups, tokens, reader(texts), 0)
    assert found is not None
    assert len(found) == len(subset)
    assert len({row // 2 for row in found.tolist()}) == len(found)
