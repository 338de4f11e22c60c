"""Whole runs with language models: columns by student, a killed run that goes on, shares that make one run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import hfscore
from hfscore import api, controls, engine, shards
from hfscore.errors import HfscoreError
from hfscore.reference_lm import OFFLINE_REFERENCE_LM
from hfscore.report import SCORES_FILE, Report
from tests.tiny_models import tiny_model

HEAD = Path(__file__).parent / "data" / "gsm8k_head.jsonl"
METRICS = ("perplexity", "fork_rate", "answer_gain", "words")
WINDOW = 8
pytestmark = pytest.mark.xdist_group("lm_runs")  # one process holds the models


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "WINDOW_TRACES", WINDOW)


def dataset(folder: Path, rows: int = 32) -> Path:
    path = folder / "traces.jsonl"
    lines = [json.loads(line) for line in HEAD.read_text(encoding="utf-8").splitlines()[:rows]]
    with path.open("w", encoding="utf-8") as file:
        for row in lines:
            solution, _, answer = row["answer"].partition("\n#### ")
            file.write(json.dumps({"question": row["question"], "reasoning": solution, "answer": answer}) + "\n")
    return path


def settings(**more: Any) -> hfscore.Settings:
    given: dict[str, Any] = {
        "rows": None,
        "metric": METRICS,
        "reference_lm": OFFLINE_REFERENCE_LM,
        "reference": "answer",
    }
    return hfscore.Settings(**given | more)


def scores(folder: Path) -> dict[str, list[Any]]:
    return pq.read_table(folder / SCORES_FILE).to_pydict()


def means(report: Report) -> Mapping[str, float | None]:
    return {value.metric: value.mean for value in report.values}


def test_a_run_keeps_nothing_once_it_is_done(tmp_path: Path) -> None:
    report = api.score(dataset(tmp_path), settings(), out=tmp_path / "out")
    assert not (tmp_path / "out" / shards.FOLDER).exists()
    found = means(report)
    assert found["perplexity"] is not None
    assert 1.5 < found["perplexity"] < 40
    assert found["answer_gain"] is not None
    assert found["answer_gain"] > 0


def test_two_students_give_two_named_columns(tmp_path: Path) -> None:
    other = tiny_model(tmp_path / "other", "llama")
    report = api.score(
        dataset(tmp_path, 10),
        settings(metric=("rsr",), student=(OFFLINE_REFERENCE_LM, str(other))),
        out=tmp_path / "out",
    )
    ratios = {name: mean for name, mean in means(report).items() if name.startswith("rsr__")}
    assert set(ratios) == {"rsr__gsm8k_3m", "rsr__other"}
    assert set(ratios) <= set(scores(tmp_path / "out"))
    assert ratios["rsr__gsm8k_3m"] != ratios["rsr__other"]
    assert {"gsm8k-3m", "other"} == set(report.students)


def test_four_shares_merged_equal_one_run(tmp_path: Path) -> None:
    data = dataset(tmp_path)
    whole = api.score(data, settings(), out=tmp_path / "whole")
    for index in (2, 4, 1, 3):
        api.score_share(data, f"{index}/4", settings(), out=tmp_path / "shares")
    merged = api.merge(tmp_path / "shares")
    assert merged.values == whole.values
    assert merged.facts == whole.facts
    assert merged.families == whole.families
    assert scores(tmp_path / "shares") == scores(tmp_path / "whole")


def test_controls_are_kept_and_a_merge_measures_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, asked = dataset(tmp_path, 8), settings(metric=("perplexity",), controls=True)
    whole = api.score(data, asked, out=tmp_path / "whole")
    assert {one.metric for one in whole.controls} == {"surprisal"}
    for share in ("2/2", "1/2"):
        api.score_share(data, share, asked, out=tmp_path / "shares")

    def refuse(*given: Any, **named: Any) -> list[Any]:
        raise AssertionError("scored again")

    monkeypatch.setattr(controls, "measure", refuse)
    assert api.merge(tmp_path / "shares").controls == whole.controls


def test_a_run_stopped_in_its_controls_measures_only_those_that_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, asked = tmp_path / "data", settings(metric=("perplexity",), controls=True, split=("train", "test"))
    data.mkdir()
    for split in ("train", "test"):
        dataset(data, 8).rename(data / f"{split}.jsonl")
    measure, seen = controls.measure, []

    def stopped(traces: Any, *given: Any, **named: Any) -> Any:
        seen.append(traces[0].split)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return measure(traces, *given, **named)

    monkeypatch.setattr(controls, "measure", stopped)
    with pytest.raises(KeyboardInterrupt):
        api.score(data, asked, out=tmp_path / "out")
    report = api.score(data, asked, out=tmp_path / "out")
    first, second = seen[:2]
    assert seen == [first, second, second]
    assert {one.split for one in report.controls} == {first, second} == {"train", "test"}


def test_a_share_that_is_missing_is_named(tmp_path: Path) -> None:
    api.score_share(dataset(tmp_path), "1/2", settings(), out=tmp_path / "shares")
    with pytest.raises(HfscoreError, match="are missing"):
        api.merge(tmp_path / "shares")


def test_other_settings_are_refused_and_named(tmp_path: Path) -> None:
    data = dataset(tmp_path)
    api.score_share(data, "1/2", settings(), out=tmp_path / "shares")
    with pytest.raises(HfscoreError, match=r"settings\.seed \(0 there, 7 here\)"):
        api.score(data, settings(seed=7), out=tmp_path / "shares")


KILLED = f"""
import sys
from hfscore import api, engine
import hfscore
engine.WINDOW_TRACES = {WINDOW}
api.score(sys.argv[1], hfscore.Settings(rows=None, metric={METRICS!r}, reference_lm={OFFLINE_REFERENCE_LM!r},
          reference="answer"), out=sys.argv[2])
"""


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    data, out = dataset(tmp_path), tmp_path / "out"
    whole = api.score(data, settings(), out=tmp_path / "whole")
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(data), str(out)])
    try:
        limit = time.monotonic() + 60
        while len(list((out / shards.FOLDER).glob("*.parquet"))) < 2:
            assert time.monotonic() < limit
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = {path: path.stat().st_mtime_ns for path in (out / shards.FOLDER).glob("[!.]*.parquet")}
    assert 2 <= len(kept) < 4
    written: list[Path] = []
    save = shards.Shards.save

    def noted(self: shards.Shards, start: int, *rest: Any) -> None:
        written.append(self._path(start))
        save(self, start, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards.Shards, "save", noted)
        report = api.score(data, settings(), out=out)
    assert not set(written) & set(kept)
    assert len(written) == 4 - len(kept)
    assert report.values == whole.values
    assert scores(out) == scores(tmp_path / "whole")


def test_a_models_own_traces_have_the_lower_ratio_under_it(tmp_path: Path) -> None:
    """Traces sampled from a model lie nearer to it than to a copy whose weights are shuffled (RSR, lower is nearer)."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from hfscore.reference_lm import folder

    model = AutoModelForCausalLM.from_pretrained(folder())
    tokenizer = AutoTokenizer.from_pretrained(folder())
    torch.manual_seed(0)
    rows = []
    for line in HEAD.read_text(encoding="utf-8").splitlines()[:12]:
        question = json.loads(line)["question"]
        start = [
            tokenizer.bos_token_id,
            *tokenizer(f"Question: {question}\nAnswer: ", add_special_tokens=False)["input_ids"],
        ]
        told = model.generate(torch.tensor([start]), do_sample=True, max_new_tokens=60, min_new_tokens=20)
        text = tokenizer.decode(told[0, len(start) :], skip_special_tokens=True).strip()
        rows.append({"question": question, "reasoning": text})
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(weight.flatten()[torch.randperm(weight.numel())].view_as(weight))
    model.save_pretrained(tmp_path / "shuffled")
    tokenizer.save_pretrained(tmp_path / "shuffled")
    students = (OFFLINE_REFERENCE_LM, str(tmp_path / "shuffled"))
    report = api.score(rows, settings(metric=("rsr",), student=students, reference=()), name="sampled")
    found = means(report)
    own, other = found["rsr__gsm8k_3m"], found["rsr__shuffled"]
    assert own is not None
    assert other is not None
    assert own < other
