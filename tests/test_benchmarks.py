"""The benchmark command runs, says all that it promises, and does not let a design win by leaving something out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SPEED = {"design", "wall_s", "cpu_s", "ratio", "peak_gib", "rounds"}
ERRORS = {"nll_max", "nll_mean", "entropy_max", "entropy_mean"}
VERDICTS = {"met", "not met", "not measured"}

pytestmark = pytest.mark.xdist_group("benchmarks")


def command(*words: str) -> subprocess.CompletedProcess[str]:
    threads = os.environ | {"OMP_NUM_THREADS": "1"}
    words = (sys.executable, "-m", "benchmarks", *words)
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, env=threads)


@cache
def document() -> Any:
    done = command("head", "lm", "data", "--quick", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def table(name: str, number: int) -> list[dict[str, Any]]:
    found = document()["benchmarks"][name]["tables"][number]
    assert all(set(row) >= set(found["headings"]) for row in found["rows"])
    rows: list[dict[str, Any]] = found["rows"]
    return rows


def test_the_machine_is_named_and_its_load_is_told() -> None:
    machine, load = document()["machine"], document()["load"]
    assert set(machine) == {"cpu", "cores", "threads", "memory_gib", "gpu", "system", "python", "versions"}
    assert machine["threads"] == 1
    assert {"torch", "transformers", "pyarrow", "hfscore"} <= set(machine["versions"])
    assert {"before", "after", "before_per_core", "after_per_core", "others_cores", "warning"} == set(load)


def test_a_busy_machine_is_warned_of_but_not_of_this_run_itself() -> None:
    from benchmarks.measure import Moment, cores, load

    count = cores()
    idle = Moment(0.0, 1000.0, 50.0, 10.0)
    alone = load(idle, Moment(count, 1000.0 + 9 * count, 50.0 + 9 * count, 20.0))
    assert (alone["others_cores"], alone["after_per_core"], alone["warning"]) == (0, 1, None)
    shared = load(idle, Moment(count, 1000.0 + 9 * count, 50.0 + 3 * count, 20.0))
    assert shared["others_cores"] == pytest.approx(0.6 * count)
    assert "busy" in shared["warning"]
    assert load(replace(idle, load=0.6 * count), replace(idle, clock=20.0))["warning"]


@pytest.mark.parametrize("name", ["head", "lm", "data"])
def test_every_benchmark_is_correct_and_whole(name: str) -> None:
    found = document()["benchmarks"][name]
    assert found["correct"] is True
    assert found["skipped"] is None
    assert found["checks"]
    assert all(found["checks"].values())
    assert found["title"]
    assert found["seconds"] > 0
    assert all(one["verdict"] in VERDICTS for one in found["targets"])


def test_head() -> None:
    rows = table("head", 0)
    assert [row["design"] for row in rows] == ["hfscore", "naive", "token chunks", "surprisal only"]
    assert all(set(row) >= SPEED | ERRORS | {"share", "gives"} for row in rows)
    assert rows[1]["ratio"] == 1
    assert all(0 <= row["nll_max"] < 1e-3 for row in rows)
    assert [row["entropy_max"] is None for row in rows] == [False, False, False, True]
    assert document()["benchmarks"]["head"]["ceiling"]["float32 matmul, GFLOP/s"] > 0


def test_lm() -> None:
    speed, errors, padding = (table("lm", number) for number in range(3))
    names = [row["design"] for row in speed]
    named = {"hfscore", "sorted, full logits", "file order, by two, full logits, mask", "one by one, full logits"}
    assert named <= set(names)
    assert all(set(row) >= SPEED | {"tokens_s", "share", "share_cpu", "gives"} for row in speed)
    assert all(row["wall_s"] > 0 and row["cpu_s"] > 0 and row["rounds"] >= 1 for row in speed)
    assert [row["design"] for row in errors] == names
    assert all(set(row) >= ERRORS and row["scored"] == row["given"] > 0 for row in errors)
    assert padding[0]["padding"] >= 1
    targets = document()["benchmarks"]["lm"]["targets"]
    assert len(targets) == 6
    # tiny sizes measure nothing but the padding, which is only counted
    assert [one["verdict"] for one in targets] == [*["not measured"] * 4, "met", "not measured"]


def test_data() -> None:
    readers, stores = table("data", 0), table("data", 1)
    assert [row["design"] for row in readers] == ["hfscore source", "pyarrow iter_batches", "datasets, streaming"]
    assert all(set(row) >= SPEED - {"peak_gib"} | {"rows_s", "above_gib"} for row in readers)
    assert len(stores) == 2
    assert all(row["write_rows_s"] > 0 and row["read_rows_s"] > 0 and row["bytes_row"] > 0 for row in stores)


def test_markdown_and_a_name_that_does_not_exist() -> None:
    done = command("redundancy", "--quick", "--markdown")
    assert done.returncode == 0, done.stderr
    assert "## redundancy" in done.stdout
    assert "| design | rows/s |" in done.stdout
    assert "| --- | --- |" in done.stdout
    wrong = command("perplexity")
    assert wrong.returncode == 2
    assert "no benchmark perplexity" in wrong.stderr


def test_a_design_that_truncates_or_is_wrong_is_not_correct() -> None:
    import torch

    from benchmarks.measure import Run
    from benchmarks.models import Answer

    nll, entropy = torch.rand(30).double(), torch.rand(30).double()
    answer = Answer([30, 40], 0, (nll, entropy))
    right = (nll.float().numpy(), entropy.float().numpy())
    other = (torch.rand(40).numpy(), torch.rand(40).numpy())
    good = Run(1.0, 1.0, None, 1, [right, other])

    def holds(run: Run) -> list[bool]:
        return list(answer.check("design", run, 1e-3)[1].values())

    assert holds(good) == [True, True]
    assert holds(replace(good, result=[right, (other[0][:20], other[1][:20])])) == [False, True]
    assert holds(replace(good, result=[(right[0][:20], right[1][:20]), other])) == [False, False]
    assert holds(replace(good, result=[(right[0] + 0.01, right[1]), other])) == [True, False]
    assert holds(replace(good, result=[(right[0], right[1] * float("nan")), other])) == [True, False]
    assert holds(replace(good, result=[(right[0], None), other])) == [True, True]


def test_a_share_of_the_limit_falls_with_the_time_that_the_work_takes() -> None:
    from benchmarks.measure import paired_share

    waits = [paired_share(lambda wait=wait: time.sleep(wait), 2 * 64**3, rounds=3, size=64) for wait in (0.02, 0.4)]
    assert 0 < waits[1] < waits[0]  # a twentieth; the product itself takes microseconds, which a busy machine stretches
    assert waits[1] < 0.1  # a product of 64 takes far less than 20 ms


def test_designs_take_turns_and_share_their_rounds() -> None:
    from benchmarks.measure import alternate

    order: list[str] = []
    measured: list[int] = []
    designs = {name: (lambda name=name: order.append(name) or len(order)) for name in "ABC"}
    runs = alternate(designs, before=lambda: measured.append(len(order)), least=2, seconds=0)
    assert order == list("ABCCBA")
    assert measured == list(range(6))
    assert {name: (run.rounds, run.result) for name, run in runs.items()} == {"A": (2, 6), "B": (2, 5), "C": (2, 4)}


def test_the_gpu_benchmark_runs_on_a_cpu_at_tiny_sizes() -> None:
    from benchmarks.lm_cuda import run
    from benchmarks.outcome import Options

    outcome = run(Options(quick=True))
    assert outcome.correct, outcome.checks
    assert {row["length"] for row in outcome.tables[0].rows} == {50, 200}
    assert json.dumps(outcome.data(), allow_nan=False)
