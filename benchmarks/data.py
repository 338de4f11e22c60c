"""Reading a text column of a Parquet file, and keeping scores in shards."""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks import measure
from benchmarks.outcome import Figures, Options, Outcome, Table
from benchmarks.texts import prose, write
from hfscore.engine import WINDOW_TRACES
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.shards import Shards

COLUMN = "reasoning"
BATCH = 512
METRICS = tuple(f"metric_{number}" for number in range(7))

Read = tuple[int, int, float, float, float | None, float | None]
"""Rows, characters, wall seconds, core seconds, peak GiB of the process, and above what its imports hold."""

READING = {
    "design": "reader",
    "rows_s": "rows/s",
    "wall_s": "wall, s",
    "cpu_s": "CPU, s",
    "ratio": "CPU time / pyarrow",
    "peak_gib": "peak memory of the process, GiB",
    "above_gib": "above its imports",
    "rounds": "rounds",
}
KEEPING = {
    "design": "store",
    "write_rows_s": "rows/s written",
    "read_rows_s": "rows/s read",
    "bytes_row": "bytes/row",
    "rounds": "rounds",
}


def run(options: Options) -> Outcome:
    """Compare readers, each in a process of its own, and stores."""
    count = options.rows or (2_000 if options.quick else 100_000)
    rounds = 1 if options.quick else 2
    runs: dict[str, list[Read]] = {name: [] for name in READERS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        measure.apart(write, path, count)
        for turn in range(rounds):
            for name in list(READERS)[:: 1 if turn % 2 == 0 else -1]:
                runs[name].append(measure.apart(read, name, path))
                measure.say(f"  round {turn + 1}, {name}: {runs[name][-1][2]:.2f} s")
    stores, same = _stores(64 if options.quick else WINDOW_TRACES, rounds=1 if options.quick else 5)
    base = min(one[3] for one in runs["pyarrow iter_batches"])
    characters = {one[1] for found in runs.values() for one in found}
    rows: list[Figures] = []
    for name, found in runs.items():
        wall, cpu = min(one[2] for one in found), min(one[3] for one in found)
        rows.append(
            {
                "design": name,
                "rows_s": count / wall,
                "wall_s": wall,
                "cpu_s": cpu,
                "ratio": cpu / base,
                "peak_gib": _most(one[4] for one in found),
                "above_gib": _most(one[5] for one in found),
                "rounds": rounds,
            }
        )
    return Outcome(
        title=f"One text column of {count:,} rows of about 1.3 kB; scores of {WINDOW_TRACES:,} rows.",
        tables=(
            Table("Readers, text to Python strings, file in the page cache", READING, rows),
            Table(f"Stores, {len(METRICS)} metrics a row, written to stay (fsync)", KEEPING, stores),
        ),
        checks={
            **{f"{name}: every row": all(one[0] == count for one in found) for name, found in runs.items()},
            "all readers give the same text": len(characters) == 1,
            "hfscore's shard gives back what was kept": same,
        },
    )


def _most(figures: Iterator[float | None]) -> float | None:
    found = list(figures)
    return None if None in found else max(one for one in found if one is not None)


# Readers


def read(name: str, path: Path) -> Read:
    """Read the column with one reader; the imports come before the clock starts."""
    os.environ |= {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(path.parent / "home"),
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }
    texts = READERS[name](path)
    held = measure.settle()
    wall, cpu, rows, characters = time.perf_counter(), time.process_time(), 0, 0
    for text in texts:
        rows += 1
        characters += len(text)
    took = time.perf_counter() - wall, time.process_time() - cpu
    return rows, characters, *took, measure.process_peak(), measure.above(held)


def _hfscore(path: Path) -> Iterator[str]:
    import pyarrow.parquet  # noqa: F401 - not to be counted

    from hfscore.sources import open_source

    opened = open_source(path)
    return (row[COLUMN] for _, row in opened.scan(opened.splits[0], [COLUMN]))


def _pyarrow(path: Path) -> Iterator[str]:
    import pyarrow.parquet as pq

    batches = pq.ParquetFile(path).iter_batches(BATCH, columns=[COLUMN])
    return (text for batch in batches for text in batch.column(0).to_pylist())


def _datasets(path: Path) -> Iterator[str]:
    import datasets

    stream = datasets.load_dataset("parquet", data_files=str(path), split="train", streaming=True, columns=[COLUMN])
    return (text for batch in stream.iter(BATCH) for text in batch[COLUMN])


READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    "hfscore source": _hfscore,
    "pyarrow iter_batches": _pyarrow,
    "datasets, streaming": _datasets,
}


# Stores


def _stores(count: int, *, rounds: int) -> tuple[list[Figures], bool]:
    """A window of scores in a shard, and in JSON lines; and whether the shard gives back what was kept."""
    draw = random.Random(0)
    traces = [Trace("default", "train", row, 0, "?", prose(20, seed=row % 50)) for row in range(count)]
    readings: dict[str, list[Reading]] = {
        name: [Unscored("empty trace") if draw.random() < 0.02 else Scored(draw.random()) for _ in traces]
        for name in METRICS
    }
    with tempfile.TemporaryDirectory() as folder:
        shards, lines = Shards(Path(folder), 0), Path(folder) / "scores.jsonl"
        Shards(Path(folder), 1).save(0, traces[:1], {name: column[:1] for name, column in readings.items()})  # imports
        runs = measure.alternate(
            {
                "write shard": lambda: shards.save(0, traces, readings),
                "write lines": lambda: _save_lines(lines, traces, readings),
                "read shard": lambda: shards.load(0, traces),
                "read lines": lambda: [json.loads(line) for line in lines.read_text().splitlines()],
            },
            least=rounds,
            seconds=0,
        )
        kept = next(Path(folder).glob("0000-*.parquet"))
        sizes = {"shard": kept.stat().st_size, "lines": lines.stat().st_size}
    names = {"shard": f"hfscore shard, {count:,} rows", "lines": f"JSON lines, {count:,} rows"}
    figures: list[Figures] = [
        {
            "design": names[kind],
            "write_rows_s": count / runs[f"write {kind}"].wall,
            "read_rows_s": count / runs[f"read {kind}"].wall,
            "bytes_row": size / count,
            "rounds": rounds,
        }
        for kind, size in sizes.items()
    ]
    return figures, bool(runs["read shard"].result == readings)


def _save_lines(path: Path, traces: Sequence[Trace], readings: dict[str, list[Reading]]) -> None:
    with path.open("w") as file:
        for row, trace in enumerate(traces):
            values = {name: getattr(column[row], "value", None) for name, column in readings.items()}
            file.write(json.dumps({"trace": trace.id, **values}) + "\n")
        file.flush()
        os.fsync(file.fileno())
