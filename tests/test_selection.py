"""Rows chosen by what was measured: which, with what beside them, what is refused, what others read."""

from __future__ import annotations

import csv
import json
import shlex
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


def alike(i: int) -> dict[str, Any]:
    """As long as any other, from words of its own."""
    return row(i) | {"reasoning": " ".join(f"{i}w{j}" for j in range(30))}


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


def test_a_card_of_somebody_elses_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    source = jsonl(tmp_path / "in" / "t.jsonl", [alike(i) for i in range(30)])
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


def test_what_others_keep_in_the_folder_is_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    source = jsonl(tmp_path / "data" / "train.jsonl", [row(i) for i in range(20)])
    monkeypatch.chdir(tmp_path)
    for out in (".", tmp_path, tmp_path / "data"):
        with pytest.raises(HfscoreError, match=r"holds train\.jsonl|source lies in"):
            by_length("data/train.jsonl", Path(out), n=5)
    (tmp_path / "o" / "data").mkdir(parents=True)
    (tmp_path / "o" / "data" / "notes.txt").write_text("mine")
    with pytest.raises(HfscoreError, match=r"holds notes\.txt"):
        by_length(source, tmp_path / "o", n=5)
    assert Path(source).exists()
    assert (tmp_path / "o" / "data" / "notes.txt").read_text() == "mine"


def test_a_failed_run_leaves_the_earlier_choice(tmp_path: Path) -> None:
    good = jsonl(tmp_path / "good.jsonl", [row(i) for i in range(20)])
    bad = jsonl(tmp_path / "bad.jsonl", [row(i) | {"odd": i if i % 2 else "text"} for i in range(20)])
    by_length(good, tmp_path / "o", n=5)
    before = {path: path.read_bytes() for path in sorted((tmp_path / "o" / "data").iterdir())}
    with pytest.raises(HfscoreError, match="do not fit one Parquet table") as refused:
        by_length(bad, tmp_path / "o", n=10)
    assert refused.value.hint == "Write JSONL: --jsonl."
    assert {path: path.read_bytes() for path in sorted((tmp_path / "o" / "data").iterdir())} == before
    assert by_length(bad, tmp_path / "o", n=10, form="jsonl").subset.rows == 10


def test_equal_ranks_and_the_random_rows_are_drawn_apart(tmp_path: Path) -> None:
    """Were they of one draw, nearly all would be in both; of 60 by chance 60 * 60 / 300 = 12 are."""
    source = jsonl(tmp_path / "t.jsonl", [alike(i) for i in range(300)])
    shared = [by_length(source, tmp_path / "o", n=60, settings=Settings(seed=seed)).both for seed in range(6)]
    assert sum(shared) / 6 < 20


def test_a_rule_that_is_length_is_said_to_be_hard_to_test(source: str, tmp_path: Path) -> None:
    rows = [row(i) for i in range(200) if i % 10 != 9]
    found = by_length(jsonl(tmp_path / "t.jsonl", rows), tmp_path / "o", top=0.2)
    assert found.both > 2 * found.subset.rows**2 / found.pool
    assert any("can hardly be told apart" in note for note in found.notes)
    all_of_them = by_length(source, tmp_path / "p", n=ROWS)
    assert all_of_them.random is None
    assert any("no random subset" in note for note in all_of_them.notes)


def test_a_metric_is_named_once(source: str, tmp_path: Path) -> None:
    with pytest.raises(HfscoreError, match="words is named twice"):
        select(source, out=tmp_path / "o", metric=["words=up", "words=down"], n=5)


def test_groups_are_those_of_the_whole_values(tmp_path: Path) -> None:
    long = "x" * 100
    kinds = [(f"{long}a", "p"), (f"{long}b", "p"), ("x, y", "z"), ("x", "y, z")]
    rows = [row(i) | dict(zip(("kind", "more"), kinds[i % 4], strict=True)) for i in range(8)]
    found = by_length(jsonl(tmp_path / "t.jsonl", rows), tmp_path / "o", n=4, balance=["kind", "more"])
    assert sorted(found.every.groups.values()) == [2, 2, 2, 2]
    assert len(found.every.groups) == 4


def test_every_row_is_left_out_for_one_reason(tmp_path: Path) -> None:
    rows = [row(i) for i in range(40)]
    rows += [rows[5], rows[34], rows[34] | {"reasoning": rows[34]["reasoning"].replace("word34n3 ", "")}]
    settings = Settings(metric=("structure", "arithmetic"))
    source, by = jsonl(tmp_path / "t.jsonl", rows), ["words=up", "arithmetic=up"]
    found = select(source, settings, out=tmp_path / "o", metric=by, drop_flagged=True, n=100)
    left = found.left
    out = sum(left.unusable.values()) + sum(left.unscored.values()) + left.flagged + left.copies + left.near
    assert found.subset.rows + out == len(rows)
    assert (left.copies, left.near) == (1, 1)


def test_a_row_keeps_the_numbers_it_has(tmp_path: Path) -> None:
    plain = [" ".join(f"q{i}n{j}" for j in range(30 + i)) for i in range(60)]
    rows = [row(i) if i % 2 else row(i) | {"reasoning": f"Think. Then. {plain[i]}."} for i in range(60)]
    select(jsonl(tmp_path / "t.jsonl", rows), out=tmp_path / "o", metric=["words=up", "arithmetic=up"], n=12)
    table = pq.read_table(tmp_path / "o" / "data" / "random.parquet").to_pylist()
    assert [one for one in table if one["hfscore_arithmetic"] is None]
    assert all(one["hfscore_words"] == len(one["reasoning"].split()) for one in table)


def test_types_and_features_are_those_of_the_source(tmp_path: Path) -> None:
    from datasets import ClassLabel, Dataset, Features, Value, load_dataset

    features = Features({
        "question": Value("string"), "reasoning": Value("string"), "reference_answer": Value("string"),
        "kind": ClassLabel(names=["a", "b"]), "small": Value("int8"), "big": Value("int64"), "none": Value("string"),
        "when": Value("timestamp[ns]"),
    })  # fmt: skip
    more = {"none": None, "big": 2**62}
    rows = [alike(i) | more | {"kind": i % 2, "small": i, "when": 10**18 + i} for i in range(20)]
    Dataset.from_list(rows, features=features).to_parquet(str(tmp_path / "t.parquet"))
    by_length(str(tmp_path / "t.parquet"), tmp_path / "o", n=5)
    loaded = load_dataset(str(tmp_path / "o"), split="train")
    assert {name: loaded.features[name] for name in features} == features
    assert loaded.features["hfscore_words"] == Value("float64")
    assert loaded.with_format("arrow")[0]["when"][0].value == 10**18 + loaded[0]["hfscore_row"]
    assert load_dataset(str(tmp_path / "o"), "random", split="train").features == loaded.features


def test_half_a_surrogate_pair_is_refused_in_parquet_and_kept_in_jsonl(tmp_path: Path) -> None:
    rows = [row(i) | {"kind": "\ud800"} for i in range(20)]
    source = jsonl(tmp_path / "t.jsonl", rows)
    with pytest.raises(HfscoreError, match="Parquet"):
        by_length(source, tmp_path / "o", n=5)
    by_length(source, tmp_path / "o", n=5, form="jsonl")
    first = json.loads((tmp_path / "o" / "data" / "subset.jsonl").read_text().splitlines()[0])
    assert first["kind"] == "\ud800"


def test_what_can_be_refused_is_refused_before_scoring(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "t.jsonl", [row(i) | {"hfscore_row": i} for i in range(20)])
    with pytest.raises(HfscoreError, match="name of ours"):
        by_length(source, tmp_path / "o", n=5)
    layouts = json.loads((Path(__file__).parent / "data" / "hub_schemas.json").read_text())
    (agent,) = (one["example_row"] for one in layouts if one["repo_id"] == "Agent-Ark/Toucan-1.5M")
    agents = jsonl(tmp_path / "a.jsonl", [agent] * 10)
    with pytest.raises(HfscoreError, match="several turns"):
        by_length(agents, tmp_path / "o", n=5, trl=True, settings=Settings(student=(LM,)))
    assert not (tmp_path / "o").exists()


def test_a_selection_can_be_selected_from(source: str, tmp_path: Path) -> None:
    by_length(source, tmp_path / "o", n=20)
    found = by_length(str(tmp_path / "o"), tmp_path / "p", n=5, settings=Settings(config=("default",)))
    assert found.every.rows == 20
    assert chosen_rows(tmp_path / "p") == [15, 16, 17, 18, 19]


def test_the_command_chooses_the_same_rows(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    jsonl(Path(source), [row(i) | {"reasoning": row(7 * i % 200)["reasoning"]} for i in range(200)])
    hfscore.score(source, Settings(rows=None, metric=("structure",), reasoning=("reasoning",), seed=7), out="all")
    found = by_length(source, tmp_path / "o", top=1 / 14, keep_shares=["kind"], report="all", settings=Settings(seed=3))
    words = shlex.split(found.command)
    assert words[words.index("--reasoning") + 1] == "reasoning"
    done = CliRunner().invoke(app, [*words[1:-1], str(tmp_path / "p")])
    assert done.exit_code == 0, done.output
    for name in ("subset", "random"):
        assert chosen_rows(tmp_path / "o", name) == chosen_rows(tmp_path / "p", name)
    target = Settings(target=("14B",), reference_lm="none")
    named = select(source, target, out=tmp_path / "q", metric=["final_answer"], n=5)
    assert "--metric final_answer " in named.command
    rows = [row(i) for i in range(20)]
    assert by_length(rows, tmp_path / "r", n=5).command == ""


@pytest.mark.parametrize(
    ("there", "kept", "said"),
    [
        ("license: mit", {"license": "mit"}, "is that of the source's card"),
        ("license: [mit, cc-by-4.0]", {"license": ["mit", "cc-by-4.0"]}, "is that of the source's card"),
        ("license: other\nlicense_name: own\nlicense_link: LICENSE",
         {"license": "other", "license_name": "own", "license_link": "LICENSE"}, "is that of the source's card"),
        ("license: no", {}, "none of the Hub's"),
        ("license: MIT", {}, "none of the Hub's"),
        ("language: en", {}, "names no licence"),
    ],
)  # fmt: skip
def test_the_licence_goes_with_the_rows_or_it_is_said(
    source: str, tmp_path: Path, there: str, kept: dict[str, Any], said: str
) -> None:
    found = by_length(source, tmp_path / "o", n=5)
    card = page.card(found, f"---\n{there}\n---\n".encode())
    front = yaml.safe_load(card.split("---\n")[1])
    assert {name: value for name, value in front.items() if name.startswith("license")} == kept
    assert said in card


def test_what_an_earlier_run_wrote_does_not_stay(hub: LoopbackHub, source: str, tmp_path: Path) -> None:
    own = new_name()
    student = Settings(student=(LM,))
    found = by_length(source, tmp_path / "o", n=12, trl=True, seeds=3, settings=student)
    hfscore.push_selection(found, tmp_path / "o", own)
    found = by_length(source, tmp_path / "o", n=12, trl=True, seeds=1, settings=student, form="jsonl")
    assert len(list((tmp_path / "o" / "trl" / "configs").iterdir())) == 3
    hfscore.push_selection(found, tmp_path / "o", own)
    assert hub.read(own, "data/subset.jsonl")
    from huggingface_hub import HfApi

    files = HfApi().list_repo_files(own, repo_type="dataset")
    assert [name for name in files if name.endswith(".parquet")] == []
    by_length(source, tmp_path / "o", n=12)
    assert not (tmp_path / "o" / "trl").exists()


def test_a_control_of_one_question_is_none(tmp_path: Path) -> None:
    rows = [row(i) | {"question": "One for all?"} for i in range(9)]
    student = Settings(student=(LM,))
    by_length(jsonl(tmp_path / "t.jsonl", rows), tmp_path / "o", n=4, trl=True, settings=student)
    folder = tmp_path / "o" / "trl"
    assert not (folder / "control.jsonl").exists()
    assert not list((folder / "configs").glob("control-*"))
    assert "control   none of the chosen traces" in (folder / "README.txt").read_text()


def test_rules_are_no_judge_that_evidence_speaks_of(source: str, tmp_path: Path) -> None:
    rules = Settings(judge="rules", target=("14B",), reference_lm="none", rows=None, metric=("fvcu", "structure"))
    hfscore.score(source, rules, out=tmp_path / "a")
    with pytest.raises(HfscoreError, match="known sign at 14B"):
        select(source, rules, out=tmp_path / "o", n=5, report=tmp_path / "a")
    found = select(source, rules, out=tmp_path / "o", n=5, report=tmp_path / "a", metric=["validity=up"])
    assert [one.basis for one in found.by] == ["asked"]
    two = hfscore.compare([f"one={tmp_path / 'a'}", f"two={tmp_path / 'a'}"], targets=("14B",))
    (reading,) = two.readings
    assert not [one for one in reading.signed if one.metric in ("validity", "coherence")]


@pytest.mark.parametrize(("text", "read"), [("a", ("a", None)), ("a=up", ("a", "up")), (" a = down ", ("a", "down"))])
def test_metrics_are_read(text: str, read: tuple[str, str | None]) -> None:
    assert parse_metric(text) == read
