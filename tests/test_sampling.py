"""Sampling: uniform, reproducible, the same whatever the order, shards or format, and bounded in memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore.loopback import LoopbackHub
from hfscore.records import question_id
from hfscore.sources import UNREADABLE, Source, open_source, sampling
from hfscore.sources.bottom_k import Distinct, Lowest
from hfscore.sources.sampling import Sample, key_of, sample
from hfscore.sources.source import Row


def made(questions: int, traces: int = 1) -> list[Row]:
    return [{"q": f"question {i // traces}", "r": f"trace {i} " * 20} for i in range(questions * traces)]


def draw(
    source: Source,
    n: int | None,
    seed: int = 0,
    *,
    question: str | None = "q",
    said: Callable[[str], None] = lambda sentence: None,
) -> list[Sample]:
    refs = source.splits
    asked = [question] if question else []
    drawn = sample(
        source,
        refs,
        rows=n,
        seed=seed,
        columns={ref: ["q", "r"] for ref in refs},
        question_columns=dict.fromkeys(refs, asked),
        question_of=dict.fromkeys(refs, lambda row: row.get(question) if question else None),
        announce=said,
    )
    return [drawn[ref] for ref in refs]


def questions(one: Sample) -> set[str]:
    return {row["q"] for _, row in one.rows()}


def write(path: Path, rows: Sequence[Row]) -> Path:
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(list(rows)), path, row_group_size=16)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_all_rows_of_a_drawn_question_are_kept() -> None:
    rows = made(50, traces=4)
    random.Random(0).shuffle(rows)
    (one,) = draw(open_source(rows), 10)
    kept = list(one.rows())
    assert [number for number, _ in kept] == sorted(number for number, _ in kept)
    assert all(row == rows[number] for number, row in kept)
    assert Counter(row["q"] for _, row in kept) == dict.fromkeys(questions(one), 4)
    assert (len(questions(one)), one.design, one.rows_total, one.questions_total) == (10, "questions", 200, 50)
    assert one.notes == ("A random sample of 10 of 50 questions, with all rows of each: 40 of 200 rows.",)
    assert list(one.rows()) == kept  # a second pass gives the same


def test_every_question_is_as_likely_as_any_other() -> None:
    """Chi-square over 1,000 seeds of 10 draws out of 40; the 99.99% point at 39 degrees of freedom is 81."""
    source = open_source(made(40))
    seen = Counter(question for seed in range(1000) for question in questions(draw(source, 10, seed)[0]))
    expected = 1000 * 10 / 40
    # Draws without replacement vary less than independent ones, by (1 - 10/40) * 40/39.
    chi_square = sum((seen[f"question {i}"] - expected) ** 2 / expected for i in range(40)) / (0.75 * 40 / 39)
    assert chi_square < 81
    assert len({frozenset(questions(draw(source, 10, seed)[0])) for seed in range(50)}) > 45


def test_a_question_is_drawn_by_its_text_not_by_its_number_of_rows() -> None:
    rows = made(20) + [{"q": "question 0", "r": "again"}] * 500
    source = open_source(rows)
    hits = sum("question 0" in questions(draw(source, 5, seed)[0]) for seed in range(200))
    assert 25 < hits < 80  # 5 of 20 questions: 50 expected, standard deviation 6.1


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**70), st.integers(1, 40), st.permutations(range(60)), st.integers(1, 59), st.sampled_from("abc")
)
def test_order_shards_and_format_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, seed: int, n: int, order: list[int], cut: int, form: str
) -> None:
    rows = made(30, traces=2)
    shuffled = [rows[i] for i in order]
    folder = tmp_path_factory.mktemp("shards")
    suffixes = {"a": (".jsonl", ".jsonl"), "b": (".parquet", ".parquet"), "c": (".parquet", ".jsonl")}[form]
    parts = (shuffled[:cut], shuffled[cut:])
    for i, (suffix, part) in enumerate(zip(suffixes, parts, strict=True)):
        write(folder / f"{i}{suffix}", part)
    if form == "c":  # `datasets` leaves one of two formats out, unless a card it cannot read makes us take both
        (folder / "README.md").write_text("---\nconfigs: [\n---\n")
    there = draw(open_source(folder), n, seed)[0]
    here = draw(open_source(rows), n, seed)[0]
    assert questions(there) == questions(here)
    assert sorted(row["r"] for _, row in there.rows()) == sorted(row["r"] for _, row in here.rows())
    assert all(shuffled[number] == row for number, row in there.rows())


@settings(max_examples=40, deadline=None)
@given(st.integers(), st.integers(1, 30), st.integers(1, 30))
def test_smaller_samples_are_part_of_larger_ones(seed: int, a: int, b: int) -> None:
    source = open_source(made(25, traces=2))
    small, large = (questions(draw(source, n, seed)[0]) for n in sorted((a, b)))
    assert small <= large
    assert len(small) == min(min(a, b), 25)


@pytest.mark.parametrize("n", [None, 12, 13, 24, 500])
def test_no_fewer_than_all_is_all(n: int | None) -> None:
    rows = made(12, traces=2)
    (one,) = draw(open_source(rows), n)
    assert one.design == "all"
    assert [row for _, row in one.rows()] == rows
    assert one.notes == ()


@settings(max_examples=40, deadline=None)
@given(st.integers(), st.integers(1, 30), st.permutations(range(40)))
def test_configs_that_ask_the_same_draw_the_same(seed: int, n: int, order: list[int]) -> None:
    from datasets import Dataset, DatasetDict

    rows = made(40)
    both = DatasetDict({"a": Dataset.from_list(rows), "b": Dataset.from_list([rows[i] for i in order])})
    first, second = draw(open_source(both), n, seed)
    assert questions(first) == questions(second)
    assert f"{n} of the drawn questions are the same in all 2 sampled parts." in first.notes


def test_configs_that_share_some_draw_the_shared_among_their_smallest() -> None:
    """Of what both configs hold, each draws a part that only its own size decides, and the smaller part is in both."""
    from datasets import Dataset, DatasetDict

    both = DatasetDict({"a": Dataset.from_list(made(100)), "b": Dataset.from_list(made(40))})
    first, second = (questions(one) for one in draw(open_source(both), 20))
    shared = {f"question {i}" for i in range(40)}
    assert first & shared <= second
    assert len(first) == len(second) == 20


def test_rows_without_a_question_are_questions_of_their_own() -> None:
    rows: list[Row] = [{"q": None, "r": str(i)} for i in range(30)]
    (one,) = draw(open_source(rows), 10)
    assert (len(list(one.rows())), one.questions_total) == (10, 30)
    (blind,) = draw(open_source(rows), 10, question=None)
    assert [n for n, _ in blind.rows()] == [n for n, _ in one.rows()]


def test_the_key_is_that_of_the_trace() -> None:
    """A drawn row without a question keeps the id that its traces will have."""
    (one,) = draw(open_source([{"q": None, "r": str(i)} for i in range(30)]), 10, seed=3)
    ids = {key_of(question_id(None, f"default/train/{number}"), 3) for number, _ in one.rows()}
    assert ids == one.keys


def test_unreadable_rows_are_drawn_like_others(tmp_path: Path) -> None:
    lines = ["torn {"] * 20 + [json.dumps(row) for row in made(20)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    source = open_source(tmp_path / "a.jsonl")
    torn = [sum(UNREADABLE in row for _, row in draw(source, 20, seed)[0].rows()) for seed in range(40)]
    assert 8 < np.mean(torn) < 12
    (everything,) = draw(source, 40)
    assert sum(UNREADABLE in row for _, row in everything.rows()) == 20


def test_what_does_not_fit_is_read_a_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(write(tmp_path / "a.jsonl", made(50, traces=2)))
    (held,) = draw(source, 10)
    monkeypatch.setattr("hfscore.sources.bottom_k.HELD_CHARACTERS", 500)
    (again,) = draw(source, 10)
    assert list(again.rows()) == list(held.rows())
    size = source.splits[0].size
    assert size is not None
    assert (held.bytes_planned, again.bytes_planned) == (size, 2 * size)


def test_a_sample_has_at_least_one_question() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        draw(open_source(made(3)), 0)


# On a Hub


def _hub_dataset(hub: LoopbackHub, tmp_path: Path, name: str, suffix: str, rows: Sequence[Row]) -> Source:
    data = write(tmp_path / f"train{suffix}", rows).read_bytes()
    hub.create_dataset(name, {f"train{suffix}": data})
    return open_source(name)


def test_parquet_on_a_hub_reads_questions_then_row_groups(hub: LoopbackHub, tmp_path: Path) -> None:
    rows = [{"q": f"question {i}", "r": "".join(random.Random(i).choices("abcdefgh", k=4000))} for i in range(400)]
    source = _hub_dataset(hub, tmp_path, "lab/drawn", ".parquet", rows)
    hub.clear()
    said: list[str] = []
    (one,) = draw(source, 3, said=said.append)
    assert {number for number, _ in one.rows()} == {n for n, _ in draw(open_source(rows), 3)[0].rows()}
    fetched = sum(request.bytes for request in hub.requests.matching("GET", r"\.parquet"))
    assert fetched == one.bytes_planned
    size = source.splits[0].size
    assert size is not None
    assert fetched < 0.2 * size
    assert ["the questions to draw from" in said[0], "for 3 rows" in said[1], len(said)] == [True, True, 2]


def test_parquet_with_huge_questions_is_sampled_by_rows(
    hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = _hub_dataset(hub, tmp_path, "lab/huge", ".parquet", made(50, traces=2))
    monkeypatch.setattr(sampling, "MOST_QUESTION_BYTES", 10)
    numbers = {}
    for n in (5, 20, 99):
        (one,) = draw(source, n, seed=7)
        numbers[n] = {number for number, _ in one.rows()}
        assert (one.design, one.rows_total, one.questions_total, len(numbers[n])) == ("rows", 100, None, n)
        assert "not of questions" in one.notes[0]
    assert numbers[5] < numbers[20] < numbers[99]


def test_row_numbers_are_drawn_evenly() -> None:
    seen = Counter(n for seed in range(2000) for n in sampling._draw_numbers(100, 20, seed))
    assert max(seen.values()) < 480  # 400 expected, standard deviation 18
    assert min(seen[n] for n in range(100)) > 320


def test_more_shards_than_are_counted_at_once(tmp_path: Path) -> None:
    rows = made(70, traces=2)
    for i in range(70):
        write(tmp_path / "many" / f"{i:02}.parquet", rows[2 * i : 2 * i + 2])
    source = open_source(tmp_path / "many")
    assert source.splits[0].rows is None
    (one,) = draw(source, 9)
    assert questions(one) == questions(draw(open_source(rows), 9)[0])
    assert (one.design, one.rows_total) == ("questions", 140)


def test_other_formats_are_announced_and_read_once(hub: LoopbackHub, tmp_path: Path) -> None:
    source = _hub_dataset(hub, tmp_path, "lab/lines", ".jsonl", made(200))
    hub.clear()
    said: list[str] = []
    (one,) = draw(source, 10, said=said.append)
    assert len(questions(one)) == 10
    assert hub.requests.count("GET", r"\.jsonl") == 1
    assert len(said) == 1
    assert "only Parquet can be read in parts" in said[0]


# The parts


@given(st.lists(st.integers(0, 30)), st.integers(1, 12))
def test_lowest_keeps_the_rows_of_the_smallest_keys(keys: list[int], wanted: int) -> None:
    lowest = Lowest(wanted, hold=True)
    for number, key in enumerate(keys):
        lowest.offer(key, number, {"key": key})
    smallest = set(sorted(set(keys))[:wanted])
    assert lowest.keys() == smallest
    assert lowest.numbers() == [number for number, key in enumerate(keys) if key in smallest]
    assert lowest.held == {number: {"key": keys[number]} for number in lowest.numbers()}


@given(st.lists(st.integers(0, 2**64 - 1)), st.integers(1, 9))
def test_distinct_counts(keys: list[int], merge_at: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hfscore.sources.bottom_k._MERGE_AT", merge_at)
        distinct = Distinct()
        for key in keys:
            distinct.add(key)
        assert distinct.count() == distinct.count() == len(set(keys))


MEASURE = """
import re, sys
from pathlib import Path
from hfscore.sources import open_source
from hfscore.sources.sampling import sample

def peak():  # of this process alone; ru_maxrss starts at the parent's
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

source = open_source(sys.argv[1])
ref = source.splits[0]
before = peak()
drawn = sample(source, [ref], rows=200, seed=0, columns={ref: ["q", "r"]}, question_columns={ref: ["q"]},
               question_of={ref: lambda row: row["q"]})[ref]
assert sum(1 for _ in drawn.rows()) == 200 and drawn.rows_total == int(sys.argv[2])
assert sum(1 for _ in source.scan(ref, ["q", "r"])) == int(sys.argv[2])
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_memory_does_not_grow_with_the_split(tmp_path: Path, suffix: str) -> None:
    """200 MB of rows, in one row group, are drawn from and scanned within 120 MB above the start."""
    rows, text = 50_000, "".join(random.Random(0).choices("abcdefghijklmnop ", k=8000))
    path = tmp_path / f"a{suffix}"
    if suffix == ".parquet":
        table = pa.table(
            {"q": [f"question {i}" for i in range(rows)], "r": [text[i % 4000 :][:4000] for i in range(rows)]}
        )
        pq.write_table(table, path, row_group_size=rows, compression="none", use_dictionary=False)
        del table
    else:
        with path.open("w") as out:
            out.writelines(json.dumps({"q": f"question {i}", "r": text[i % 4000 :][:4000]}) + "\n" for i in range(rows))
    assert path.stat().st_size > 190_000_000
    run = subprocess.run([sys.executable, "-c", MEASURE, path, str(rows)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 120_000
