"""Known answers for the redundancy family."""

from __future__ import annotations

import os
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfscore.metrics import redundancy
from hfscore.records import Scored, Unscored
from tests.fakes import tools, trace

STYLE = """
so we then take add the total of each left right number value line point half twice sum cost sold bought apples
boxes minutes hours distance speed therefore because since check again first second third angle area
"""
WORDS = STYLE.split()


def prose(size: int, seed: int = 0) -> bytes:
    """`size` bytes of word salad: one style at every length."""
    draw = random.Random(seed)
    text = ""
    while len(text) < size:
        text += draw.choice(WORDS) + draw.choice([" ", " ", " ", ", ", ". "])
    return text[:size].encode()


def of(text: str) -> dict[str, object]:
    scores = redundancy.score([trace(text)], tools(), None)
    return {name: readings[0] for name, readings in scores.items()}


def test_plain_is_one_minus_the_ratio_of_byte_lengths() -> None:
    text = "żółw żółw żółw " * 9
    data = text.encode()
    expected = 1 - len(zlib.compress(data, 9)) / len(data)
    assert of(text)["redundancy"] == Scored(expected)


def test_random_bytes_are_about_zero_and_slightly_negative() -> None:
    assert -0.01 < redundancy.ratio(os.urandom(5000)) < 0


def test_empty_is_unscored_in_every_form() -> None:
    assert set(of("").values()) == {Unscored("empty trace")}


def test_plain_grows_with_length_and_windowed_does_not() -> None:
    sizes = (1_000, 2_000, 5_000, 10_000, 30_000, 100_000)
    plain = [redundancy.ratio(prose(size)) for size in sizes]
    windowed = [redundancy.windowed(prose(size)) for size in sizes]
    assert plain == sorted(plain)
    assert plain[-1] - plain[0] > 0.1
    assert max(windowed) - min(windowed) < 0.02


def test_a_remainder_of_any_length_does_not_move_the_windowed_form() -> None:
    values = [redundancy.windowed(prose(size)) for size in range(4 * 1024, 5 * 1024 + 1, 64)]
    assert max(values) - min(values) < 0.02


def test_only_the_long_range_form_sees_a_repeat_40_kb_back() -> None:
    once = prose(40_000)
    twice = once + once
    assert redundancy.ratio(twice) - redundancy.ratio(once) < 0.05
    assert abs(redundancy.windowed(twice) - redundancy.windowed(once)) < 0.02
    assert redundancy.long_range(twice) - redundancy.long_range(once) > 0.2


def test_repeating_raises_the_plain_form() -> None:
    once = prose(600)
    assert redundancy.ratio(once + once) > redundancy.ratio(once) + 0.1


def test_short_traces_are_marked_and_have_no_long_range() -> None:
    readings = of("Two and two make four.")
    assert readings["redundancy_windowed"].mark == "shorter than one 1 KiB window"  # type: ignore[attr-defined]
    assert readings["redundancy_long_range"] == Unscored("not longer than one 1 KiB window")


@given(st.text(min_size=1, max_size=5000))
def test_every_text_gets_a_number_below_one_or_a_reason(text: str) -> None:
    for reading in of(text).values():
        assert isinstance(reading, Unscored) or reading.value < 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("batch", [1, 3])
def test_a_batch_changes_nothing(batch: int) -> None:
    texts = [prose(size, seed=size).decode() for size in (10, 900, 1500, 4000, 33_000)]
    whole = redundancy.score([trace(text) for text in texts], tools(), None)
    for start in range(0, len(texts), batch):
        part = redundancy.score([trace(text) for text in texts[start : start + batch]], tools(), None)
        for name, readings in part.items():
            assert readings == whole[name][start : start + batch]
