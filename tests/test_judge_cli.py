"""`hfscore judge check`, `hfscore judge label`, and a card that shows what both found."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import hfscore
from hfscore import api
from hfscore.cli import app
from hfscore.errors import HfscoreError
from hfscore.judge import check_result
from hfscore.judge.estimates import Estimate
from hfscore.loopback import LoopbackTGI
from hfscore.ports import CRITERIA
from hfscore.report import load
from tests.test_lm_runs import dataset

ARITHMETIC = [
    {
        "id": str(number),
        "problem": "Add.",
        "steps": [f"First {number} + 1 = {number + 1 + wrong}.", "Done."],
        "label": label,
    }
    for number in range(2, 12)
    for wrong, label in ((0, -1), (3, 0))
]


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "labelled.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ARITHMETIC))
    return path


def run(*words: object, given: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(app, list(map(str, words)), input=given, env={"COLUMNS": "160"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_check_prints_its_table_and_keeps_its_result(labelled: Path, tmp_path: Path) -> None:
    code, shown = run("judge", "check", "--judge", "rules", "--data", labelled, "--out", tmp_path / "check.json")
    assert code == 0
    assert "F1 of first errors" in shown
    assert "1.000" in shown
    assert json.loads((tmp_path / "check.json").read_text())["judge"]["id"] == "rules"


def test_the_shipped_sets_and_the_rules(tmp_path: Path) -> None:
    code, shown = run("judge", "check", "--judge", "rules", "--out", tmp_path / "check.json")
    assert code == 0
    assert "bbm_arithmetic: 300 traces" in " ".join(shown.split())
    result = check_result.load(tmp_path / "check.json")
    found = result.figure("bbm_arithmetic", "first_error_accuracy", ("validity",))
    assert found is not None
    assert isinstance(found.value, Estimate)
    assert found.value.n == 238
    assert found.value.value * 238 >= 206


def test_check_works_with_a_server(labelled: Path, tmp_path: Path) -> None:
    with LoopbackTGI() as tgi:
        store = tmp_path / "store.sqlite"
        code, shown = run(
            "judge", "check", "--judge", tgi.url, "--judge-store", store, "--data", labelled, "--both-rubrics"
        )
    assert code == 0
    assert "Cohen's kappa" in shown
    assert "Brier" in shown


def test_without_a_judge_there_is_one_sentence() -> None:
    with pytest.raises(HfscoreError, match="no judge to check"):
        run("judge", "check")


def test_rates_are_shown_corrected_for_the_errors_found(labelled: Path, tmp_path: Path) -> None:
    run("judge", "check", "--judge", "rules", "--data", labelled, "--out", tmp_path / "check.json")
    settings = hfscore.Settings(
        rows=None, metric=("fvcu",), judge="rules", judge_check=str(tmp_path / "check.json"), reference="answer"
    )
    report = api.score(dataset(tmp_path), settings, out=tmp_path / "out")
    facts = {one.fact.id: one.fact for one in report.facts}
    corrected, plain = facts["validity_corrected"], facts["validity_micro"]
    assert corrected.value is not None
    assert plain.value is not None
    assert corrected.low is not None
    assert corrected.high is not None
    assert corrected.low <= corrected.value <= corrected.high
    card = api.section(report)
    assert "It is no language model" in card
    assert "**Validity (rule judge): steps without an error of their own**" in card
    assert "went with better results" not in card.lower()  # said of language models as judges
    assert "On labelled steps, not from this data: validity, found 100%" in card
    assert "turned round none" in card
    assert "corrected for the judge" in card


def test_a_check_of_another_judge_is_refused(labelled: Path, tmp_path: Path) -> None:
    run("judge", "check", "--judge", "rules", "--data", labelled, "--out", tmp_path / "check.json")
    with LoopbackTGI() as tgi, pytest.raises(HfscoreError, match="about the judge rules, not about loopback/rules"):
        api.score(
            dataset(tmp_path),
            hfscore.Settings(metric=("fvcu",), judge=tgi.url, judge_check=str(tmp_path / "check.json")),
        )


def test_steps_are_in_a_file_of_their_own(tmp_path: Path) -> None:
    settings = hfscore.Settings(rows=None, metric=("fvcu",), judge="rules", reference="answer")
    path = dataset(tmp_path)
    api.score(path, settings, out=tmp_path / "out")
    rows = pq.read_table(tmp_path / "out" / "steps.parquet").to_pylist()
    texts = [json.loads(line)["reasoning"] for line in path.read_text().splitlines()]
    for row, text in enumerate(texts):
        own = [one for one in rows if one["row"] == row]
        assert "".join(text[one["start"] : one["end"]] for one in own) == text
        assert own[0]["coherence_unscored"] == "not asked"
    assert all((one[name] is None) != (one[f"{name}_unscored"] is None) for one in rows for name in CRITERIA)


def test_labels_by_hand_correct_the_shares(tmp_path: Path) -> None:
    settings = hfscore.Settings(rows=None, metric=("fvcu",), judge="rules", reference="answer")
    path = dataset(tmp_path)
    api.score(path, settings, out=tmp_path / "out")
    code, shown = run("judge", "label", tmp_path / "out", "--source", path, "--steps", 10, given="y\nn\n" + "y\n" * 60)
    assert code == 0
    assert "blind labels" in shown
    labels = (tmp_path / "out" / "labels.jsonl").read_text().splitlines()
    assert 30 <= len(labels) <= 40  # four criteria a step, three of a first one
    facts = {one.fact.id: one.fact for one in load(tmp_path / "out").facts}
    labelled = facts["validity_labelled"]
    assert labelled.value is not None
    assert labelled.low is not None
    assert labelled.low < labelled.value
    assert "corrected by labels" in api.section(load(tmp_path / "out"))
    again, _ = run("judge", "label", tmp_path / "out", "--source", path, "--steps", 10)
    assert again == 0
    assert (tmp_path / "out" / "labels.jsonl").read_text().splitlines() == labels


def test_an_estimate_says_what_it_takes_and_asks_no_step(tmp_path: Path) -> None:
    with LoopbackTGI() as tgi:
        store = tmp_path / "store.sqlite"
        code, shown = run(
            "score", dataset(tmp_path), "--judge", tgi.url, "--judge-store", store, "--estimate", "--price", 0.1, 0.5
        )
        assert not [one for one in tgi.requests if one.kind]
    assert code == 0
    assert "calls to loopback/rules" in shown
    assert "a million tokens" in shown


def test_a_budget_judges_some_questions_drawn_at_random(tmp_path: Path) -> None:
    with LoopbackTGI() as tgi:
        settings = hfscore.Settings(
            metric=("fvcu",), judge=tgi.url, judge_store=str(tmp_path / "s.sqlite"), budget="150k", reference="answer"
        )
        said: list[str] = []
        report = api.score(dataset(tmp_path), settings, say=said.append)
    value = next(one for one in report.values if one.metric == "validity")
    assert 0 < value.scored < 32
    assert value.unscored["beyond the judge's budget"] == 32 - value.scored
    assert any("150,000 tokens is estimated to be enough for" in sentence for sentence in said)
    with pytest.raises(HfscoreError, match="A budget needs a sample"):
        api.score(dataset(tmp_path), hfscore.Settings(rows=None, metric=("fvcu",), judge="rules", budget="150k"))
