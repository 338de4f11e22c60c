"""Sets of traces side by side: known orders, intervals against their definition, refusals, two revisions."""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hfscore
from hfscore import catalog, comparison, stats
from hfscore.cli import compare as compare_command
from hfscore.cli import main
from hfscore.comparison import orders, readings, statistics
from hfscore.comparison.candidates import Candidate
from hfscore.comparison.figures import chosen, write_figures
from hfscore.comparison.values import Pair, Statement
from hfscore.errors import HfscoreError
from hfscore.loopback import LoopbackHub
from hfscore.profiles import Entry, Profile, dump
from hfscore.records import question_id
from hfscore.report import load
from hfscore.settings import Settings
from hfscore.targets import parse
from tests.publishing import new_name
from tests.reports import part, report

SOLUTIONS = Path(__file__).parent / "data" / "gsm8k_solutions.jsonl.xz"
SOLVERS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
CHEAP = Settings(rows=None, metric=("redundancy", "structure"))


def jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def solver_files(folder: Path, count: int | None = None) -> list[str]:
    rows = [json.loads(line) for line in lzma.decompress(SOLUTIONS.read_bytes()).decode().splitlines()[:count]]
    return [
        jsonl(
            folder / f"{solver}.jsonl",
            [
                {
                    "question": row["question"],
                    "solution": row[solver]["solution"] if isinstance(row[solver], dict) else row[solver],
                    "answer": row["ground_truth"].rpartition("A:")[2].strip(),
                }
                for row in rows
            ],
        )
        for solver in SOLVERS
    ]


def sums(count: int, *, start: int = 0, extra: str = "") -> list[dict[str, Any]]:
    return [
        {
            "question": f"What is {i} plus {i}?",
            "reasoning": f"I take {i} and add {i} to it, which makes {2 * i}. So it is {2 * i}. {extra}",
            "answer": str(2 * i),
        }
        for i in range(start, start + count)
    ]


def candidate(label: str, values: dict[int, float]) -> Candidate:
    questions = np.array([question_id(str(one), "") for one in values])
    scores = np.array(list(values.values()), dtype=np.float64)
    return Candidate(label, report([part(label)], []), part(label), np.arange(len(scores)), questions, {"m": scores})


def test_gsm8k_solvers_stand_in_the_order_of_their_right_answers(tmp_path: Path) -> None:
    sources = solver_files(tmp_path)
    found = hfscore.compare(sources, Settings(rows=None, metric=("final_answer", "redundancy")), targets=("8B", "14B"))
    right = {
        value.config: round(value.mean * value.scored)
        for value in found.report.values
        if value.metric == "final_answer" and value.mean is not None
    }
    assert right == dict(zip(SOLVERS, (286, 515, 458, 742), strict=True))
    of = {order.metric: order for order in found.orders}
    assert of["final_answer"].labels == (SOLVERS[3], SOLVERS[1], SOLVERS[2], SOLVERS[0])
    assert of["final_answer"].clear == (True, True, True)
    assert ("6b_finetuning", "175b_finetuning") in of["redundancy"].tied
    assert all(pair.paired and pair.questions > 1300 for pair in found.pairs if pair.metric == "final_answer")


def test_a_pair_is_the_paired_difference_of_a_report() -> None:
    rng = np.random.default_rng(0)
    first = {i: float(x) for i, x in enumerate(rng.normal(0.3, 1, 120))}
    second = {i: x + float(rng.normal(0, 0.2)) for i, x in first.items()}
    (pair,) = statistics.pairs([candidate("a", first), candidate("b", second)], "m", seed=0)
    means = [{question_id(str(i), ""): x for i, x in one.items()} for one in (first, second)]
    expected = stats.paired_difference(*means, seed=0)
    assert expected is not None
    assert pair.paired
    assert pair.questions == 120
    assert (pair.mean, pair.low, pair.high) == pytest.approx(expected[:3], abs=1e-12)
    assert (pair.joint_low, pair.joint_high) == (pair.low, pair.high)


def test_few_shared_questions_make_two_independent_means() -> None:
    rng = np.random.default_rng(1)
    first = {i: float(x) for i, x in enumerate(rng.normal(1, 1, 200))}
    second = {i + 180: float(x) for i, x in enumerate(rng.normal(0, 1, 200))}
    (pair,) = statistics.pairs([candidate("a", first), candidate("b", second)], "m", seed=0)
    assert not pair.paired
    assert pair.mean == pytest.approx(np.mean(list(first.values())) - np.mean(list(second.values())))
    error = np.sqrt(sum(np.var(list(one.values())) / 200 for one in (first, second)))
    assert pair.high - pair.low == pytest.approx(2 * 1.96 * error, rel=0.12)


def test_joint_intervals_are_wider_and_hold_at_once() -> None:
    wrong = alone = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        sets = [candidate(str(k), dict(enumerate(rng.normal(0, 1, 60).tolist()))) for k in range(4)]
        found = statistics.pairs(sets, "m", seed=seed)
        assert len(found) == 6
        wrong += any(pair.clear for pair in found)
        alone += any(pair.low > 0 or pair.high < 0 for pair in found)
    assert wrong <= 9  # 5% of 60, plus three standard errors and what a bootstrap of 60 questions is short of
    assert alone > wrong


@given(st.lists(st.floats(-1e3, 1e3), min_size=5, max_size=30), st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_equal_sets_are_never_told_apart(values: list[float], seed: int) -> None:
    same = dict(enumerate(values))
    (pair,) = statistics.pairs([candidate("a", same), candidate("b", same)], "m", seed=seed)
    assert (pair.mean, pair.low, pair.high, pair.clear) == (0, 0, 0, False)


def test_other_settings_are_refused_and_named(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "a.jsonl", sums(12))
    one, other = tmp_path / "one", tmp_path / "other"
    hfscore.score(source, CHEAP, out=one)
    hfscore.score(source, CHEAP, out=other)
    saved = json.loads((other / "report.json").read_text())
    saved["families"]["redundancy"]["version"] = "99"
    (other / "report.json").write_text(json.dumps(saved))
    with pytest.raises(HfscoreError, match="redundancy, version is 1 in one and 99 in the other"):
        hfscore.compare([str(one), str(other)])


def test_saved_reports_and_files_are_compared_and_kept(tmp_path: Path) -> None:
    hfscore.score(jsonl(tmp_path / "a.jsonl", sums(20)), CHEAP, out=tmp_path / "report")
    longer = jsonl(tmp_path / "b.jsonl", sums(20, extra="Let me check it. It is so, and it is so again."))
    found = hfscore.compare([f"short={tmp_path / 'report'}", f"long={longer}"], CHEAP, out=tmp_path / "out")
    assert found.labels == ("short", "long")
    assert found.lengths == ("long", "short")
    words = next(pair for pair in found.pairs if pair.metric == "words")
    assert words.paired
    assert words.questions == 20
    assert words.clear
    assert comparison.load(tmp_path / "out") == found
    card = hfscore.api.section(found.report)  # type: ignore[attr-defined]
    assert "difference" in card
    assert "`short`" in card


def test_a_comparison_that_was_kept_is_compared_in_turn_question_by_question(tmp_path: Path) -> None:
    saved(tmp_path)
    folder = tmp_path / "out"
    again = hfscore.compare([str(folder)])
    first = comparison.load(folder)
    assert again.labels == first.labels
    assert again.pairs == first.pairs
    third = comparison.Selector(jsonl(tmp_path / "3.jsonl", sums(8, extra="Again. " * 9)), label="third")
    found = hfscore.compare([str(folder), third], CHEAP)
    assert len(found.labels) == 3
    assert all(pair.paired and pair.questions == 8 for pair in found.pairs if pair.metric == "words")


def test_what_only_some_sets_have_leaves_the_rows_and_controls_keep_their_set(tmp_path: Path) -> None:
    settings = Settings(rows=None, metric=("arithmetic", "structure"), controls=True)
    rows = [{**row, "reasoning": f"{i} + {i} = {2 * i}. {row['reasoning']}"} for i, row in enumerate(sums(8))]
    hfscore.score(jsonl(tmp_path / "a.jsonl", rows), settings, out=tmp_path / "a", with_text=True)
    hfscore.score(jsonl(tmp_path / "b.jsonl", rows), settings, out=tmp_path / "b")
    found = hfscore.compare([f"a={tmp_path / 'a'}", f"b={tmp_path / 'b'}"], out=tmp_path / "out")
    columns = pq.read_schema(tmp_path / "out" / "scores.parquet").names
    assert "reasoning" not in columns
    assert {"words", "words_unscored", "question_id"} <= set(columns)
    assert {one.config for one in found.report.controls} == {"a", "b"}
    assert load(tmp_path / "out") == found.report


def test_evidence_of_ones_own_stands_beside_the_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = (Entry("words", "down", "C", ("scores.csv",), "", n=6), Entry("steps", "none", "C", ("scores.csv",), ""))
    for name, size in (("mine", (6.0, 9.0)), ("elsewhere", (70.0, 80.0))):
        (tmp_path / f"{name}.toml").write_text(dump(Profile(name, size, entries)))
    asked = replace(CHEAP, profile=tuple(str(tmp_path / f"{name}.toml") for name in ("mine", "elsewhere")))
    sources = [jsonl(tmp_path / f"{n}.jsonl", sums(8, extra="And so. " * n)) for n in (1, 2)]
    found = hfscore.compare(sources, asked, targets=("8B", "14B"), order=True)
    (of_words, of_steps), nothing = (reading.own for reading in found.readings)
    assert nothing == ()
    assert (of_words.profile, of_words.direction, of_words.conflict) == ("mine", "down", False)
    assert "6 datasets, exploratory" in of_words.rests
    assert of_steps.direction == "none"
    ranking = found.readings[0].ranking
    assert ranking is not None
    assert "words" not in ranking.metrics
    assert any("'elsewhere' is for none of these sizes" in note for note in found.notes)
    compare_command.show(found)
    said = capsys.readouterr().out
    assert (
        "Your own evidence (mine): words: evidence counts lower (grade C; 6 datasets, exploratory): A then B." in said
    )
    alone = hfscore.compare(sources, asked)
    assert any("add --target" in note for note in alone.notes)


def test_settings_beside_the_one_dataset_that_is_compared_count(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    name = new_name()
    files = {"a.jsonl": _bytes(sums(12)), "b.jsonl": _bytes(sums(12, extra="So.")), ".hfscore.toml": b"rows = 7\n"}
    config = "configs:\n- {config_name: a, data_files: a.jsonl}\n- {config_name: b, data_files: b.jsonl}\n"
    hub.create_dataset(name, {"README.md": f"---\n{config}---\n".encode(), **files})

    def rows(*words: str) -> Any:
        monkeypatch.setattr("sys.argv", ["hfscore", "compare", *words, "--metric", "structure", "--json"])
        with pytest.raises(SystemExit, match="0"):
            main()
        return json.loads(capsys.readouterr().out)["report"]["settings"]["rows"]

    assert rows(f"{name}:a", f"{name}:b") == 7
    assert rows(f"{name}:a", f"{name}:b", "--rows", "9") == 9
    assert rows(f"{name}:a", f"{name}:b", "--settings-file", "none") == 200
    other = jsonl(tmp_path / "other.jsonl", sums(12))
    assert rows(f"{name}:a", other) == 200
    Path(".hfscore.toml").write_text("rows = 8\n")
    assert rows(f"{name}:a", other) == 8


def test_two_revisions_show_what_moved(hub: LoopbackHub, capsys: pytest.CaptureFixture[str]) -> None:
    before, name = sums(12), new_name()
    after = [*sums(11), {**before[11], "reasoning": "It is 22 because 11 and 11 and 11 and 11 and 11 makes it so."}]
    first = hub.create_dataset(name, {"README.md": b"# Sums\n", "train.jsonl": _bytes(before)})
    second = hub.commit(name, {"train.jsonl": _bytes(after)})
    found = hfscore.compare([f"{name}@{first}", f"{name}@{second}"], CHEAP)
    (history,) = found.history
    assert (history.only_first, history.only_second, history.shared) == (0, 0, 12)
    assert history.moved["words"] == 1
    (change,) = [one for one in history.changes if one.metric == "words"]
    assert change.rows_before == change.rows_after == (11,)
    compare_command.show(found)
    assert "words: moved on 1 of 12 questions" in capsys.readouterr().out


def _bytes(rows: Sequence[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("owner/name", ("owner/name", None, None, None)),
        ("owner/name@v1:full/train", ("owner/name@v1", "full", "train", None)),
        ("a=owner/name:full", ("owner/name", "full", None, "a")),
        ("hf://datasets/owner/name@main", ("hf://datasets/owner/name@main", None, None, None)),
        ("http://127.0.0.1:9/datasets/owner/name", ("http://127.0.0.1:9/datasets/owner/name", None, None, None)),
    ],
)
def test_selectors(text: str, expected: tuple[str | None, ...]) -> None:
    one = comparison.parse_selector(text)
    assert (one.source, one.config, one.split, one.label) == expected


def test_one_set_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HfscoreError, match="only one set"):
        hfscore.compare([jsonl(tmp_path / "a.jsonl", sums(6))], CHEAP)
    with pytest.raises(HfscoreError, match="no size"):
        hfscore.compare([], CHEAP, targets=("big",))


def _pair(metric: str, first: str, second: str, mean: float, *, clear: bool) -> Pair:
    half = abs(mean) / 2 if clear else abs(mean) + 1
    return Pair(metric, first, second, True, 50, mean, mean - half, mean + half, mean - half, mean + half)


def test_borda_counts_families_alike_and_ties_what_is_not_told_apart() -> None:
    labels = ("a", "b", "c")
    found = []
    for metric in ("up_1", "up_2", "down"):
        found += [
            _pair(metric, "a", "b", 1, clear=True),
            _pair(metric, "a", "c", 2, clear=True),
            _pair(metric, "b", "c", 1, clear=metric == "down"),
        ]
    signed = [Statement(m, "down" if m == "down" else "up", "C", "") for m in ("up_1", "up_2", "down")]
    known = orders.by_metric(found)
    ranking = orders.borda(labels, signed, (), known, {"up_1": "x", "up_2": "x", "down": "y"}, ("c", "b", "a"))
    # family x: a 2, b 0.5, c 0.5; family y, where lower counts: a 0, b 1, c 2
    assert ranking.points == {"a": 2.0, "b": 1.5, "c": 2.5}
    assert ranking.tiers == (("c",), ("a",), ("b",))
    assert ranking.without["down"] == (("a",), ("b", "c"))
    assert not ranking.stable
    assert not ranking.like_length
    only = orders.borda(labels, signed[2:], (), known, {"down": "y"}, ("c", "b", "a"))
    assert only.like_length
    nothing = orders.borda(labels, (), signed, known, {}, ())
    assert nothing.tiers == ()


def test_between_two_sizes_nothing_is_interpolated() -> None:
    from hfscore import catalog

    metrics = [metric for family in catalog.families() for metric in family.metrics]
    signed = {
        size: {one.metric for one in readings.reading(parse(size), metrics).signed} for size in ("8B", "9B", "14B")
    }
    assert "alignment_margin" in signed["8B"] - signed["14B"] - signed["9B"]
    assert "Extrapolated" in readings.reading(parse("32B"), metrics).note
    assert not readings.reading(parse("30B-A3B"), metrics).signed
    assert not readings.reading(parse("unknown"), metrics).signed


def saved(folder: Path, labels: Sequence[str] = ("short", "long")) -> comparison.Comparison:
    sources = [
        comparison.Selector(jsonl(folder / f"{number}.jsonl", sums(8, extra="And so. " * number)), label=label)
        for number, label in enumerate(labels)
    ]
    return hfscore.compare(sources, CHEAP, targets=("8B",), order=True, out=folder / "out")


def test_the_command_prints_80_columns_and_writes_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files = [jsonl(tmp_path / f"{n}.jsonl", sums(12, extra="And so it is. " * n)) for n in range(3)]
    words = ["compare", *files, "--metric", "redundancy", "--metric", "structure", "--target", "8B", "--order"]
    monkeypatch.setattr("sys.argv", ["hfscore", *words, "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="0"):
        main()
    out, _ = capsys.readouterr()
    table = out.split("By length alone")[0].splitlines()
    assert max(map(len, table[5:])) <= 80
    assert "Paired by question: 12 to 12 questions match" in out
    assert re.search(r"^words .* C > B > A$", out, flags=re.MULTILINE)
    assert "Not distinguishable" in out
    assert "No order: no metric with a sign" in out
    assert {one.name for one in (tmp_path / "out").iterdir()} >= {
        "comparison.json",
        "report.json",
        *(f"comparison.{mode}.{form}" for mode in ("light", "dark") for form in ("png", "svg")),
    }


def test_hostile_labels_reach_neither_terminal_nor_figure_raw(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    labels = ("\x1b[31mred $\\frac{1$ <script>", "b\nb\u202e")
    found = saved(tmp_path, labels)
    compare_command.show(found)
    out, _ = capsys.readouterr()
    assert "\x1b" not in out
    assert "\u202e" not in out
    drawn = [path for path in write_figures(found, tmp_path) if path.suffix == ".svg"]
    assert all(b"<script" not in path.read_bytes() for path in drawn)


def test_a_figure_shows_headlines_and_what_tells_sets_apart_beside_them(tmp_path: Path) -> None:
    sources = [jsonl(tmp_path / f"{n}.jsonl", sums(12, extra="And so it is. " * n)) for n in (0, 2)]
    asked = Settings(rows=None, metric=("perplexity", "structure"), reference_lm="gsm8k-3m")
    found = hfscore.compare(sources, asked)
    shown = [one.id for one in chosen(found)]
    assert shown[0] == "words"
    assert "surprisal" in shown
    assert "steps" not in shown  # its family has a headline
    nothing = replace(found, pairs=())
    assert [one.id for one in chosen(nothing)] == ["words"]


def test_figures_are_the_same_bytes_again(tmp_path: Path) -> None:
    found = saved(tmp_path)
    first = [path.read_bytes() for path in write_figures(found, tmp_path)]
    assert first == [path.read_bytes() for path in write_figures(found, tmp_path)]


def test_a_report_is_interpreted_as_people_are_shown_it() -> None:
    """Rules that stood in for a language model take its evidence away, at every size; each size has every metric."""
    traces = [
        {"question": f"{n}?", "reasoning": f"{n} + 1 = {n + 1}.\n\nSo it is.", "answer": f"{n + 1}"} for n in range(8)
    ]
    settings = Settings(judge="rules", metric=("fvcu", "final_answer"), target=("8B", "14B"), controls=True)
    read = hfscore.interpret(hfscore.score(traces, settings))
    judged = [one for one in read.metrics if one.id == "validity"]
    assert [(one.title.partition(":")[0], one.grade, one.direction) for one in judged] == [
        ("Validity (rule judge)", "-", "none")
    ]
    assert [one.target for one in read.targets] == ["8B", "14B"]
    for one in read.targets:
        said = {statement.metric for statement in (*one.signed, *one.unsigned)}
        assert "final_answer" in said
        assert not {"validity", "factuality"} & said
    assert read.targets[0].signed == ()
    assert [one.metric for one in read.targets[1].signed] == ["final_answer"]
    assert set(read.grades) == {"C", "X", "-"}
    assert any(one.metric == "validity" for one in read.controls)
    assert {one.metric for one in read.uninformative} <= {one.metric for one in read.controls}
    assert all(one.why for one in read.uninformative)


def test_nothing_is_read_from_a_metric_that_controls_leave_uninformative() -> None:
    metrics = [metric for family in catalog.families() for metric in family.metrics if metric.id == "alignment_margin"]
    read = readings.reading(parse("8B"), metrics)
    assert [one.metric for one in read.signed] == ["alignment_margin"]
    aside = readings.reading(parse("8B"), metrics, silent={"alignment_margin"})
    assert not aside.signed
    assert [(one.metric, one.evidence) for one in aside.unsigned] == [("alignment_margin", readings.UNINFORMATIVE)]
