"""Rows chosen by what was measured: which, with what beside them, what is refused, what others read."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from markdown_it import MarkdownIt
from typer.testing import CliRunner

import hfscore
from hfscore.cli import app
from hfscore.errors import HfscoreError
from hfscore.evidence import fit_evidence
from hfscore.loopback import LoopbackHub
from hfscore.selection import Selection, page, select
from hfscore.selection.rule import parse_metric
from hfscore.settings import Settings
from tests.claims import claimed
from tests.publishing import new_name

LM = str(Path(hfscore.__file__).parent / "reference_lm" / "gsm8k-3m")
ROWS = 60


def row(i: int) -> dict[str, Any]:
    """Longer with i, each from words of its own; every tenth has no reasoning, one in twelve a wrong equation."""
    words = " ".join(f"word{i}n{j}" for j in range(20 + i))
    total = 2 * i + (i % 12 == 5)
    reasoning = "" if i % 10 == 9 else f"I take {i} twice. {words}. So {i} + {i} = {total}. The answer is {total}."
    return {
        "question": f"What is {i} plus {i}?",
        "reasoning": reasoning,
        "reference_answer": str(2 * i),
        "kind": "abc"[i % 3],
    }


def jsonl(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return str(path)


@pytest.fixture
def source(tmp_path: Path) -> str:
    return jsonl(tmp_path / "traces.jsonl", [row(i) for i in range(ROWS)])


def chosen_rows(folder: Path, name: str = "subset") -> list[int]:
    return [int(number) for number in pq.read_table(folder / "data" / f"{name}.parquet")["hfscore_row"].to_pylist()]


def by_length(source: Any, out: Path, **more: Any) -> Selection:
    return select(source, more.pop("settings", Settings()), out=out, metric=["words=up"], **more)


def test_the_top_rows_are_those_with_the_highest_numbers(source: str, tmp_path: Path) -> None:
    found = by_length(source, tmp_path / "o", top=0.2)
    readable = [i for i in range(ROWS) if i % 10 != 9]
    assert chosen_rows(tmp_path / "o") == sorted(readable[-12:])
    assert found.left.unusable == {"no reasoning in this row": 6}
    assert found.subset.rows == 12
    first = pq.read_table(tmp_path / "o" / "data" / "subset.parquet").to_pylist()[0]
    original = row(first["hfscore_row"])
    assert {name: first[name] for name in original} == original
    assert first["hfscore_words"] == len(original["reasoning"].split())


@pytest.mark.parametrize("more", [{"balance": ["kind"]}, {"keep_shares": ["kind"]}, {}])
def test_the_random_subset_matches_rows_groups_and_tokens(source: str, tmp_path: Path, more: dict[str, Any]) -> None:
    found = by_length(source, tmp_path / "o", n=18, **more)
    assert found.random is not None
    assert found.random.rows == found.subset.rows == 18
    assert abs(found.random.tokens - found.subset.tokens) <= 0.01 * found.subset.tokens
    assert found.random.groups == found.subset.groups
    taken = chosen_rows(tmp_path / "o", "random")
    assert len(set(taken)) == 18
    assert all(i % 10 != 9 for i in taken)
    assert len(set(taken) & set(chosen_rows(tmp_path / "o"))) == found.both
    words = sum(len(f"{row(i)['question']} {row(i)['reasoning']}".split()) for i in taken)
    assert words == found.random.tokens
    if "balance" in more:
        assert Counter(row(i)["kind"] for i in chosen_rows(tmp_path / "o")) == {"a": 6, "b": 6, "c": 6}


def test_what_cannot_be_ranked_is_counted_and_not_chosen(tmp_path: Path) -> None:
    rows = [row(i) | ({"reasoning": f"No numbers here at all, case {i} alone."} if i < 5 else {}) for i in range(9)]
    found = select(jsonl(tmp_path / "t.jsonl", rows), out=tmp_path / "o", metric=["arithmetic=up"], n=9)
    assert found.left.unscored == {"no equation between numbers": 5}
    assert chosen_rows(tmp_path / "o") == [5, 6, 7, 8]
    assert "9 rows were asked for; 4 could be chosen." in found.notes
    assert "5 rows (no equation between numbers)" in page.card(found)


def test_flagged_rows_are_dropped_and_copies_with_them(tmp_path: Path) -> None:
    rows = [row(i) for i in range(30)]
    rows += [rows[3] | {"reasoning": rows[3]["reasoning"].upper().replace(". ", ".  ")}]
    rows += [rows[4] | {"reasoning": rows[4]["reasoning"].replace("word4n3 ", "")}]
    found = select(jsonl(tmp_path / "t.jsonl", rows), out=tmp_path / "o", drop_flagged=True)
    assert chosen_rows(tmp_path / "o") == [i for i in range(30) if i % 10 != 9 and i % 12 != 5]
    assert found.left.flags["arithmetic_wrong"] == found.left.flagged == 2
    assert (found.left.copies, found.left.near) == (1, 1)
    assert found.by == ()


def test_a_signless_metric_needs_an_end_and_a_target_brings_its_own(source: str, tmp_path: Path) -> None:
    with pytest.raises(HfscoreError, match="gives redundancy_windowed a sign"):
        select(source, out=tmp_path / "o", metric=["B2w"], top=0.2)
    larger = Settings(target=("14B",), reference_lm="none")
    with pytest.raises(HfscoreError, match="a sign at 14B"):  # contested
        select(source, larger, out=tmp_path / "o", metric=["B2w"], n=5)
    own = select(source, out=tmp_path / "o", metric=["B2w=up"], n=5)
    assert [(one.metric, one.basis, one.grade) for one in own.by] == [("redundancy_windowed", "asked", "-")]
    found = select(source, larger, out=tmp_path / "p", n=40)
    assert [(one.metric, one.direction, one.basis, one.grade) for one in found.by] == [
        ("final_answer", "up", "evidence", "C")
    ]
    assert any("it needs --judge" in note for note in found.notes)
    right = [i for i in range(ROWS) if i % 10 != 9 and i % 12 != 5]
    assert set(chosen_rows(tmp_path / "p")) <= set(right)
    with pytest.raises(HfscoreError, match="known sign at 30B-A3B"):
        select(source, Settings(target=("30B-A3B",)), out=tmp_path / "p", top=0.5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"top": 0.2}, "which rows come first"),
        ({"metric": ["words=up"]}, "How many rows"),
        ({"metric": ["words=up"], "top": 0.2, "n": 5}, "How many rows"),
        ({"metric": ["words=up"], "top": 1.5}, "no number of rows"),
        ({"metric": ["words=sideways"], "n": 5}, "which end"),
        ({"metric": ["nothing=up"], "n": 5}, "no metric 'nothing'"),
        ({"metric": ["words=up"], "n": 5, "balance": ["kind"], "keep_shares": ["kind"]}, "not both"),
        ({"metric": ["words=up"], "n": 5, "balance": ["none"]}, "no column 'none'"),
        ({"metric": ["words=up"], "n": 5, "form": "xlsx"}, "no format"),
        ({"metric": ["words=up"], "n": 5, "trl": True}, "which model"),
        ({"metric": ["words=up"], "n": 5, "report": "nowhere"}, "no report"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(
    source: str, tmp_path: Path, words: dict[str, Any], said: str
) -> None:
    with pytest.raises(HfscoreError, match=said):
        select(source, out=tmp_path / "o", **words)
    assert not (tmp_path / "o" / "data").exists()


def test_a_saved_report_is_used_where_it_is_of_these_rows(source: str, tmp_path: Path) -> None:
    hfscore.score(source, Settings(rows=None, metric=("structure",)), out=tmp_path / "all")
    found = by_length(source, tmp_path / "o", n=5, report=tmp_path / "all")
    assert not (tmp_path / "o" / "scores").exists()
    assert found.settings_hash == hfscore.load_report(tmp_path / "all").settings_hash
    hfscore.score(source, Settings(rows=20, metric=("structure",)), out=tmp_path / "some")
    with pytest.raises(HfscoreError, match="20 of 60 rows"):
        by_length(source, tmp_path / "p", n=5, report=tmp_path / "some")
    jsonl(Path(source), [row(i) for i in range(ROWS, 0, -1)])
    with pytest.raises(HfscoreError, match="not those that were scored"):
        by_length(source, tmp_path / "p", n=5, report=tmp_path / "all")


def test_one_config_and_split_at_a_time_and_it_is_said_before_scoring(tmp_path: Path) -> None:
    for name in ("train", "test"):
        jsonl(tmp_path / f"{name}.jsonl", [row(i) for i in range(12)])
    splits = Settings(split=("train", "test"))
    with pytest.raises(HfscoreError, match="one config and split") as refused:
        by_length(str(tmp_path), tmp_path / "o", n=5, settings=splits)
    assert "default/train" in refused.value.hint
    assert not (tmp_path / "o").exists()
    hfscore.score(str(tmp_path), Settings(rows=None, metric=("structure",), split=splits.split), out=tmp_path / "r")
    one = by_length(str(tmp_path), tmp_path / "o", n=5, report=tmp_path / "r", settings=Settings(split=("test",)))
    assert (one.split, one.subset.rows) == ("test", 5)


def test_a_card_of_somebody_elses_is_never_written_over(source: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Mine\n")
    with pytest.raises(HfscoreError, match="not written by"):
        by_length(source, tmp_path, n=5)
    assert (tmp_path / "README.md").read_text() == "# Mine\n"
    by_length(source, tmp_path / "o", n=5)
    by_length(source, tmp_path / "o", n=6, form="jsonl")  # its own it replaces
    assert sorted(path.name for path in (tmp_path / "o" / "data").iterdir()) == ["random.jsonl", "subset.jsonl"]


def test_equal_runs_give_equal_files(source: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        by_length(source, tmp_path / name, n=12, balance=["kind"])
    for file in ("data/subset.parquet", "data/random.parquet"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_no_word_of_the_data_is_markup_or_a_claim(tmp_path: Path) -> None:
    bad = "| <img src=x onerror=alert(1)> [x](javascript:1)\n# optimal"
    rows = [row(i) | {"kind": bad if i % 2 else "b"} for i in range(20)]
    found = by_length(jsonl(tmp_path / "t.jsonl", rows), tmp_path / "o", n=6, balance=["kind"])
    card = (tmp_path / "o" / "README.md").read_text()
    tokens = MarkdownIt("commonmark").enable("table").parse(card.split("\n---\n", 1)[1])
    assert not [one for one in tokens if one.type == "html_block"]
    inline = [child for one in tokens for child in one.children or ()]
    assert not [one for one in inline if one.type in ("html_inline", "link_open", "image")]
    assert [one.content for one in tokens if one.type == "inline" and one.content.startswith("optimal")] == []
    assert not claimed(card, own=[bad])
    assert found.random is not None
    words = ["select", str(tmp_path / "t.jsonl"), "--metric", "words=up", "--n", "6", "--balance", "kind"]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "p")], env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.stdout
    assert not claimed(done.output, own=["optimal"])
    table = [line for line in done.stdout.splitlines() if line.startswith(("rows", "questions", "words"))]
    assert table
    assert all(len(line) <= 80 for line in table)


def test_pushed_it_loads_with_its_card(hub: LoopbackHub, tmp_path: Path) -> None:
    name, own = new_name(), new_name()
    data = "".join(json.dumps(row(i)) + "\n" for i in range(ROWS)).encode()
    hub.create_dataset(name, {"README.md": b"---\nlicense: cc-by-4.0\n---\n", "train.jsonl": data})
    words = ["select", name, "--metric", "words=up", "--top", "20%", "--out", str(tmp_path / "o"), "--push", own]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    from datasets import get_dataset_config_names, load_dataset
    from huggingface_hub import DatasetCard

    head = hub.head(own)
    assert sorted(get_dataset_config_names(own, revision=head)) == ["default", "random"]
    assert len(load_dataset(own, split="train", revision=head)) == 12
    assert len(load_dataset(own, "random", split="train", revision=head)) == 12
    card = DatasetCard(hub.read(own, "README.md").decode())
    assert card.data.license == "cc-by-4.0"
    assert card.data.to_dict()["source_datasets"] == [name]
    assert f'load_dataset("{own}"' in card.text
    again = CliRunner().invoke(app, words)
    assert "not scored again" in " ".join(again.output.split())
    assert "Nothing new" in again.output, again.output
    theirs = new_name()
    hub.create_dataset(theirs, {"README.md": b"# Theirs\n"})
    refused = CliRunner().invoke(app, [*words[:-1], theirs])
    assert isinstance(refused.exception, HfscoreError)
    assert hub.read(theirs, "README.md") == b"# Theirs\n"


def test_rows_that_not_everybody_may_read_stay_private(hub: LoopbackHub, tmp_path: Path) -> None:
    name, own = new_name(), new_name()
    data = "".join(json.dumps(row(i)) + "\n" for i in range(ROWS)).encode()
    hub.create_dataset(name, {"train.jsonl": data}, private=True)
    found = by_length(name, tmp_path / "o", n=5)
    hfscore.push_selection(found, tmp_path / "o", own)
    from huggingface_hub import HfApi

    assert HfApi().dataset_info(own).private
    public = new_name()
    hub.create_dataset(public, {})
    with pytest.raises(HfscoreError, match="is public"):
        hfscore.push_selection(found, tmp_path / "o", public)


def test_runs_to_test_the_choice(source: str, tmp_path: Path) -> None:
    found = by_length(source, tmp_path / "o", n=12, trl=True, seeds=2, settings=Settings(student=(LM,)))
    folder = tmp_path / "o" / "trl"
    assert found.unit == "tokens of gsm8k-3m"
    configs = {path.stem: yaml.safe_load(path.read_text()) for path in (folder / "configs").iterdir()}
    assert sorted(configs) == sorted(f"{name}-{seed}" for name in ("subset", "random", "control") for seed in (0, 1))
    apart = ("datasets", "output_dir", "seed", "data_seed")
    alike = [{key: value for key, value in one.items() if key not in apart} for one in configs.values()]
    assert all(one == alike[0] for one in alike)
    assert isinstance(alike[0]["learning_rate"], float)
    data = {
        name: [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
        for name in ("subset", "random", "control")
    }
    assert [len(rows) for rows in data.values()] == [12, 12, 12]
    assert [one["prompt"] for one in data["control"]] == [one["prompt"] for one in data["subset"]]
    assert sorted(one["completion"] for one in data["control"]) == sorted(one["completion"] for one in data["subset"])
    assert all(a["completion"] != b["completion"] for a, b in zip(data["control"], data["subset"], strict=True))
    for given in configs.values():
        assert (folder / given["datasets"][0]["data_files"]).exists()


def test_the_tables_of_several_choices_are_what_evidence_fit_takes(source: str, tmp_path: Path) -> None:
    scores: list[dict[str, str]] = []
    outcomes: list[dict[str, str]] = []
    for number, n in enumerate((10, 12, 14, 16, 18)):
        by_length(source, tmp_path / str(n), n=n, trl=True, seeds=1, settings=Settings(student=(LM,)))
        for name, rows in (("scores", scores), ("outcomes", outcomes)):
            rows += csv.DictReader((tmp_path / str(n) / "trl" / f"{name}.csv").open())
        for one in outcomes[-3:]:
            one["score"] = str(number + ("subset" in one["variant_id"]))
    fitted = fit_evidence(scores, outcomes)
    assert {one["role"] for one in scores} == {"candidate", "null", "control"}
    assert len({one["variant_id"] for one in scores}) == 15
    assert fitted


@pytest.mark.parametrize(("text", "read"), [("a", ("a", None)), ("a=up", ("a", "up")), (" a = down ", ("a", "down"))])
def test_metrics_are_read(text: str, read: tuple[str, str | None]) -> None:
    assert parse_metric(text) == read
