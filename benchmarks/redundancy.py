"""Redundancy of traces beside zlib alone: the family in memory, or with `--rows` the whole way over a file."""

from __future__ import annotations

import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.outcome import Figures, Options, Outcome, Table, Target
from benchmarks.texts import rows, write

HEADINGS = {
    "design": "design",
    "rows_s": "rows/s",
    "wall_s": "wall, s",
    "cpu_s": "CPU, s",
    "ratio": "CPU time / zlib 9",
    "peak_gib": "peak memory, GiB",
    "rounds": "rounds",
}
ZLIB = "zlib 9 once, nothing else"


def run(options: Options) -> Outcome:
    """The family's three forms beside one call of zlib a row."""
    if options.rows is not None:
        return whole(options.rows, options.format)
    from hfscore.metrics import redundancy
    from hfscore.records import Scored, Trace

    tools: Any = None  # it asks for none
    count = 200 if options.quick else 5_000
    traces = [
        Trace("default", "train", number, 0, row["question"], row["reasoning"])
        for number, row in enumerate(rows(count))
    ]
    runs = measure.alternate(
        {
            "hfscore, three forms": lambda: redundancy.FAMILY.score(traces, tools, None),
            ZLIB: lambda: [len(zlib.compress(trace.reasoning.encode(), 9)) for trace in traces],
        },
        least=1 if options.quick else 3,
        seconds=0 if options.quick else 4,
    )
    ours, alone = runs.values()
    readings = ours.result["redundancy"]
    sizes = [len(trace.reasoning.encode()) for trace in traces]
    same = all(
        isinstance(reading, Scored) and abs(reading.value - (1 - packed / size)) < 1e-9
        for reading, packed, size in zip(readings, alone.result, sizes, strict=True)
    )
    table = [
        {
            "design": name,
            "rows_s": count / one.wall,
            "wall_s": one.wall,
            "cpu_s": one.cpu,
            "ratio": one.cpu / alone.cpu,
            "peak_gib": one.peak,
            "rounds": one.rounds,
        }
        for name, one in runs.items()
    ]
    return Outcome(
        title=f"{count:,} traces of about 1.3 kB in memory, one core.",
        tables=(Table("Designs", HEADINGS, table),),
        checks={"hfscore: every row is scored, and its plain form is what zlib gives": same},
    )


def whole(count: int, suffix: str) -> Outcome:
    """Reading, three forms, intervals and scores.parquet, over a file of many rows.

    Args:
        count: Rows of about 1.3 kB.
        suffix: "parquet" or "jsonl".
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows.{suffix}"
        measure.apart(write, path, count)
        runs = {"hfscore": measure.apart(_score, path), ZLIB: measure.apart(_zlib, path)}
    table: list[Figures] = [
        {
            "design": name,
            "rows_s": found / wall,
            "wall_s": wall,
            "cpu_s": cpu,
            "ratio": cpu / runs[ZLIB][2],
            "peak_gib": peak,
            "rounds": 1,
        }
        for name, (found, wall, cpu, peak) in runs.items()
    ]
    return Outcome(
        title=f"{count:,} rows in {suffix}, each design in a process of its own, whose memory it is.",
        tables=(Table("Designs", HEADINGS, table),),
        checks={f"{name}: every row": found == count for name, (found, *_) in runs.items()},
        targets=(Target("hfscore: peak memory, GiB", runs["hfscore"][3], "<=", 1.0),),
    )


Whole = tuple[int, float, float, float | None]  # rows, wall seconds, core seconds, peak GiB


def _score(path: Path) -> Whole:
    import hfscore

    wall, cpu = time.perf_counter(), time.process_time()
    settings = hfscore.Settings(rows=None, metric=("redundancy",))
    report = hfscore.score(path, settings, out=path.parent / "report")
    scored = sum(value.scored for value in report.values if value.metric == "redundancy")
    return scored, time.perf_counter() - wall, time.process_time() - cpu, measure.process_peak()


def _zlib(path: Path) -> Whole:
    from hfscore.sources import open_source

    opened = open_source(path)
    wall, cpu, count = time.perf_counter(), time.process_time(), 0
    for _, row in opened.scan(opened.splits[0], ["reasoning"]):
        zlib.compress(row["reasoning"].encode(), 9)
        count += 1
    return count, time.perf_counter() - wall, time.process_time() - cpu, measure.process_peak()
