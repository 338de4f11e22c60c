"""A run on a real Ray cluster of two workers equals a local one, also when workers or the driver are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from hfscore import api, engine, on_ray, shards
from hfscore.api import Cluster, Settings
from hfscore.errors import HfscoreError, MissingExtraError
from hfscore.judge.store import Store
from hfscore.loopback import LoopbackTGI
from hfscore.report import load
from tests.ray_cluster import WINDOW, start
from tests.test_judge_resume import Listening, names, stored
from tests.test_lm_runs import dataset, scores, settings

TWO = Cluster(workers=2)
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    os.environ["PYTHONPATH"] = str(ROOT)  # the workers import this checkout
    before = engine.WINDOW_TRACES, engine.BATCH_TRACES
    ray = start()
    yield ray
    ray.shutdown()
    engine.WINDOW_TRACES, engine.BATCH_TRACES = before


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "WINDOW_TRACES", WINDOW)
    monkeypatch.setattr(engine, "BATCH_TRACES", WINDOW)


def alike(one: Any, other: Any) -> None:
    """Reports whose numbers are the same."""
    assert one.values == other.values
    assert one.facts == other.facts
    assert one.parts == other.parts
    assert one.families == other.families


def _scorers() -> list[psutil.Process]:
    """Actors of this test's own cluster, and of nobody else's on this machine."""
    own = psutil.Process().children(recursive=True)
    return [one for one in own if "MapBatches(Scorer)" in " ".join(_words(one))]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_equal_to_a_local_run_though_a_worker_is_killed(tmp_path: Path, cluster: Any) -> None:
    data = dataset(tmp_path)
    whole = api.score(data, settings(), out=tmp_path / "whole")
    killed: list[int] = []

    def kill() -> None:
        limit = time.monotonic() + 120
        while time.monotonic() < limit and not killed:
            if list((tmp_path / "out" / shards.FOLDER).glob("[!.]*.parquet")) and (found := _scorers()):
                found[0].kill()
                killed.append(found[0].pid)
            time.sleep(0.002)

    watch = Thread(target=kill)
    watch.start()
    report = api.score_on_ray(data, settings(), out=tmp_path / "out", cluster=TWO)
    watch.join()
    assert killed
    alike(report, whole)
    assert scores(tmp_path / "out") == scores(tmp_path / "whole")
    assert not (tmp_path / "out" / shards.FOLDER).exists()


DRIVER = """
import sys
from tests.ray_cluster import start
from tests.test_lm_runs import settings
start(address=sys.argv[1])
from hfscore import api
api.score_on_ray(sys.argv[2], settings(), out=sys.argv[3], cluster=api.Cluster(workers=1))
"""


def test_a_killed_driver_is_followed_by_a_local_run(tmp_path: Path, cluster: Any) -> None:
    data, out = dataset(tmp_path), tmp_path / "out"
    whole = api.score(data, settings(), out=tmp_path / "whole")
    address = cluster.get_runtime_context().gcs_address
    process = subprocess.Popen([sys.executable, "-c", DRIVER, address, str(data), str(out)], cwd=ROOT)
    try:
        limit = time.monotonic() + 120
        while not list((out / shards.FOLDER).glob("[!.]*.parquet")):
            assert time.monotonic() < limit
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = list((out / shards.FOLDER).glob("[!.]*.parquet"))
    assert kept
    report = api.score(data, settings(), out=out)
    alike(report, whole)
    assert scores(out) == scores(tmp_path / "whole")


def test_a_cluster_finishes_what_one_machine_began(tmp_path: Path, cluster: Any) -> None:
    data, out = dataset(tmp_path), tmp_path / "out"
    api.score_share(data, "1/2", settings(), out=out)
    before = {path.name: path.stat().st_mtime_ns for path in (out / shards.FOLDER).glob("[!.]*.parquet")}
    assert len(before) == 2
    report = api.score_on_ray(data, settings(), out=out, cluster=TWO)
    alike(report, api.score(data, settings(), out=tmp_path / "whole"))


def test_what_needs_no_model_is_scored_there_too(tmp_path: Path, cluster: Any) -> None:
    data = dataset(tmp_path)
    free = Settings(rows=None, metric=("structure", "redundancy", "arithmetic", "duplicates"), reference=("answer",))
    report = api.score_on_ray(data, free, out=tmp_path / "out", cluster=TWO)
    alike(report, api.score(data, free, out=tmp_path / "whole"))


def test_a_judge_hears_no_more_than_it_takes_and_nothing_twice(tmp_path: Path, cluster: Any) -> None:
    data, store = dataset(tmp_path), tmp_path / "judge.sqlite"
    brain = Listening()
    with LoopbackTGI(brain=brain, latency=0.02, max_concurrent_requests=32) as tgi:
        judged = Settings(
            rows=None, metric=("fvcu",), judge=tgi.url, judge_store=str(store), reference=("answer",), judge_tiers=1
        )
        report = api.score_on_ray(data, judged, out=tmp_path / "out", cluster=TWO)
        assert tgi.counters.most_in_flight <= 32
        refused = sum(one.status == 429 for one in tgi.requests)
        assert refused < 0.01 * len(tgi.requests)
        asked = sorted(names(tgi, brain.heard))
        assert not list(tmp_path.glob("judge.sqlite.worker-*")), "the workers' answers joined the run's store"
        brain.heard.clear()
        Store.open(tmp_path / "other.sqlite", store).close()  # the same secret, so the same prompts, and no answers
        own = replace(judged, judge_store=str(tmp_path / "other.sqlite"))
        alike(report, api.score(data, own, out=tmp_path / "whole"))
        assert asked == sorted(names(tgi, brain.heard)), "each as often as a local run asks it"


JUDGING = """
import sys
from tests.ray_cluster import start
start(address=sys.argv[1])
from hfscore import api
judged = api.Settings(rows=None, metric=("fvcu",), judge=sys.argv[4], judge_store=sys.argv[5], reference=("answer",),
                      judge_tiers=1)
api.score_on_ray(sys.argv[2], judged, out=sys.argv[3], cluster=api.Cluster(workers=2))
"""


def test_a_killed_judging_run_asks_nothing_twice(tmp_path: Path, cluster: Any) -> None:
    data, out, store = dataset(tmp_path), tmp_path / "out", tmp_path / "judge.sqlite"
    brain = Listening()
    with LoopbackTGI(brain=brain, latency=0.1, max_concurrent_requests=32) as tgi:
        address = cluster.get_runtime_context().gcs_address
        words = [sys.executable, "-c", JUDGING, address, str(data), str(out), tgi.url, str(store)]
        process = subprocess.Popen(words, cwd=ROOT)
        limit = time.monotonic() + 120
        while len(brain.heard) < 150:
            assert time.monotonic() < limit
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        while _scorers():
            assert time.monotonic() < limit
            time.sleep(0.1)
        known = {name for path in tmp_path.glob("judge.sqlite*") if _is_store(path) for name in stored(path)}
        assert known
        brain.heard.clear()
        again = subprocess.run(words, cwd=ROOT, check=False)
        assert again.returncode == 0
        asked = Counter(names(tgi, brain.heard))
        brain.heard.clear()
        judged = Settings(
            rows=None, metric=("fvcu",), judge=tgi.url, judge_store=str(store), reference=("answer",), judge_tiers=1
        )
        alike(load(out), api.score(data, judged, out=tmp_path / "whole"))
        repeats = Counter(names(tgi, brain.heard))  # with every answer stored, what is asked again on purpose is left
    assert repeats
    assert not known & (asked - repeats).keys()


def _is_store(path: Path) -> bool:
    return not path.name.endswith((".lock", "-wal", "-shm"))


def test_a_worker_takes_the_store_of_the_one_it_follows(tmp_path: Path) -> None:
    slots = [on_ray.Slot(tmp_path / f"s.worker-{number}", 2) for number in range(2)]
    with on_ray._claimed(slots) as first:
        with on_ray._claimed(slots) as second:
            assert [first, second] == slots
            with pytest.raises(HfscoreError, match="More workers"), on_ray._claimed(slots):
                pass
        with on_ray._claimed(slots) as third:
            assert third == second


def test_without_ray_one_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match="not installed") as caught:
        api.score_on_ray("owner/name", settings(), out=tmp_path)
    assert caught.value.hint == 'pip install "hfscore[ray]"'


def test_what_cannot_leave_this_process_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HfscoreError, match="memory"):
        api.score_on_ray([{"question": "q", "reasoning": "r"}], settings(), out=tmp_path)
    with pytest.raises(HfscoreError, match="whole budget"):
        api.score_on_ray("owner/name", settings(budget="2M"), out=tmp_path)


def test_one_question_has_one_key_in_both_stores(tmp_path: Path) -> None:
    with Store.open(tmp_path / "main") as main, Store.open(tmp_path / "own", tmp_path / "main") as own:
        assert own.secret == main.secret


def test_an_estimate_says_first_what_a_sample_gives() -> None:
    assert "2,000 questions" in api.estimate("owner/name", Settings(rows=None))[0]
    assert "6.9 points" in api.estimate("owner/name", Settings(rows=200))[0]
