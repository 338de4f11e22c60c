"""The datatrove recipe: four tasks, one of them killed and run again, make one run."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hfscore import api, engine, shards
from hfscore.api import Settings
from tests.test_lm_runs import dataset, scores

ROOT = Path(__file__).parents[1]
WINDOW = 8
SETTINGS = Settings(rows=None, metric=("perplexity", "fork_rate"), reference_lm="gsm8k-3m")
RUN = f"""
import runpy, sys
from hfscore import engine
engine.WINDOW_TRACES = {WINDOW}
sys.argv[0] = "examples/datatrove_score.py"
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_four_tasks_one_killed_and_run_again_equal_a_local_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "WINDOW_TRACES", WINDOW)
    data, out = dataset(tmp_path, 64), tmp_path / "out"
    whole = api.score(data, SETTINGS, out=tmp_path / "whole")
    words = [sys.executable, "-c", RUN, str(data), "--out", str(out), "--tasks", "4", "--reference-lm", "gsm8k-3m"]
    words += ["--metric", "perplexity", "--metric", "fork_rate"]
    done = out / "datatrove" / "completions"
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 120
    while not (done.is_dir() and list(done.iterdir()) and len(_kept(out)) % 2):
        assert time.monotonic() < limit
        assert process.poll() is None, "all tasks ended before one could be killed"
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {path.name: path.stat().st_mtime_ns for path in _kept(out)}
    assert 0 < len(before) < 8
    assert 0 < len(list(done.iterdir())) < 4
    subprocess.run(words, cwd=ROOT, stderr=subprocess.DEVNULL, check=True)
    after = {path.name: path.stat().st_mtime_ns for path in _kept(out)}
    assert len(after) == 8
    assert before.items() <= after.items(), "what was kept is not scored again"
    merged = api.merge(out)
    assert merged.values == whole.values
    assert merged.facts == whole.facts
    assert scores(out) == scores(tmp_path / "whole")


def _kept(out: Path) -> list[Path]:
    return list((out / shards.FOLDER).glob("[!.]*.parquet"))
