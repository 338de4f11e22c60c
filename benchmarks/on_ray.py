"""A run on a Ray cluster of one-core workers on this machine: a language model's rate, and the driver's memory.

The rate is that of windows after the first, so that starting and loading are not in it. With `--rows N`: N short rows
through the families that need no model, and the memory of the driver while they pass.
"""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import measure
from benchmarks.outcome import Options, Outcome, Table, Target

WINDOW = 128  # traces, so that a small file has many
ROUNDS = 2
FREE = ("structure", "redundancy", "arithmetic", "flags", "format", "reflection", "think_span", "duplicates")
SPEEDUP, MEMORY = 1.7, 1.5


def run(options: Options) -> Outcome:
    """Both sizes of cluster in turn, or the long file."""
    return _rows(options.rows) if options.rows else _rates(400 if options.quick else 4096, options.quick)


def _write(path: Path, count: int, sentences: int) -> None:
    draw = random.Random(0)
    with path.open("w") as file:
        for number in range(count):
            total = draw.randrange(9, 99)
            lines = []
            for _ in range(sentences):
                more = draw.randrange(2, 90)
                lines.append(f"She buys {more} more: {total} + {more} = {total + more}.")
                total += more
            row = {"question": f"Ann has apples ({number}). How many?", "reasoning": "\n".join(lines)}
            file.write(json.dumps(row) + "\n")


def small_windows() -> None:
    """Run in every worker process when it starts."""
    from hfscore import engine

    engine.WINDOW_TRACES = WINDOW


@contextlib.contextmanager
def _cluster(workers: int, hook: Any = None) -> Iterator[None]:
    import ray

    environment = {"worker_process_setup_hook": hook} if hook else {}
    ray.init(
        num_cpus=4 * workers + 1,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        runtime_env=environment,
    )
    try:
        yield
    finally:
        ray.shutdown()


def _rates(count: int, quick: bool) -> Outcome:
    rates: dict[int, list[float]] = {1: [], 2: []}
    values = set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        _write(path, count, 12)
        for number in range(1 if quick else ROUNDS):
            for workers in rates:
                rate, found = _rate(path, Path(folder) / f"out-{number}-{workers}", workers)
                rates[workers].append(rate)
                values.add(found)
    rows = [{"workers": workers, "rate": median(found)} for workers, found in rates.items()]
    speedup = rows[1]["rate"] / rows[0]["rate"]
    return Outcome(
        title=f"{count:,} traces of 12 steps under gsm8k-3m, windows of {WINDOW}, workers of one core each.",
        tables=(
            Table(
                "The language model's stage", {"workers": "workers", "rate": "traces/s after the first window"}, rows
            ),
        ),
        checks={"every run gives the same numbers": len(values) == 1},
        targets=(Target("two workers, times one worker's rate", speedup, ">=", SPEEDUP),),
    )


def _rate(path: Path, out: Path, workers: int) -> tuple[float, str]:
    from hfscore import api

    settings = api.Settings(rows=None, metric=("perplexity",), reference_lm="gsm8k-3m")
    seen: list[tuple[float, int]] = []

    def progress(stage: str, done: int, total: int | None) -> None:
        if stage.startswith("scoring with models"):
            seen.append((time.perf_counter(), done))

    with _cluster(workers, small_windows):
        report = api.score_on_ray(path, settings, out=out, cluster=api.Cluster(workers=workers), progress=progress)
    (first, before), (last, after) = seen[0], seen[-1]
    return (after - before) / (last - first), json.dumps([value.mean for value in report.values])


def _rows(count: int) -> Outcome:
    import psutil

    from hfscore import api

    process, samples, done = psutil.Process(), [], threading.Event()

    def sample() -> None:
        while not done.wait(1):
            samples.append(process.memory_info().rss / measure.GIB)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        _write(path, count, 3)
        settings = api.Settings(rows=None, metric=FREE)
        with _cluster(2):
            watch = threading.Thread(target=sample)
            watch.start()
            started = time.perf_counter()
            report = api.score_on_ray(path, settings, out=Path(folder) / "out", cluster=api.Cluster(workers=2))
            wall = time.perf_counter() - started
            done.set()
            watch.join()
    quarters = {
        f"q{number}": samples[len(samples) * number // 4 - 1] if len(samples) > 3 else None for number in range(1, 5)
    }
    headings = {
        "rows_s": "rows/s",
        "q1": "driver, GiB, after a quarter of the time",
        "q2": "half",
        "q3": "three quarters",
        "q4": "at the end",
        "peak": "most",
    }
    figures = {"rows_s": count / wall, **quarters, "peak": max(samples, default=None)}
    return Outcome(
        title=f"{count:,} rows of three steps, two workers, families: {', '.join(FREE)}.",
        tables=(Table("Everything that needs no model", headings, [figures]),),
        checks={"every row is read": sum(part.traces for part in report.parts) == count},
        targets=(Target("the driver's memory, GiB", figures["peak"], "<=", MEMORY),),
    )
