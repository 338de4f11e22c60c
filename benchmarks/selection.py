"""`hfscore select --top 20%` over scored rows: seconds, peak memory, and how near the random subset comes.

The baseline is what any choice by text has to do at least: read the file once, hash each row and count its words.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.outcome import Options, Outcome, Table

GROUP = 10_000
FIRST, LAST = ("ra", "le", "mi", "to", "su", "ke"), ("ban", "dor", "fin", "gal", "hum")
WORDS = [first + last for first in FIRST for last in LAST]
NEAR = 50  # one row in so many is nearly equal to the one before it
HEADINGS = {"what": "", "rows_s": "rows/s", "wall_s": "wall, s", "peak_gib": "peak memory, GiB"}


def write(path: Path, count: int) -> None:
    """Write rows of 20 to 120 words, some of them near copies."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = random.Random(0)
    schema = pa.schema([("question", pa.string()), ("reasoning", pa.string()), ("source", pa.string())])
    words: list[str] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, count, GROUP):
            rows = []
            for number in range(start, min(count, start + GROUP)):
                near = number % NEAR == 1
                words = [*words[:-1], "again"] if near else draw.choices(WORDS, k=draw.randrange(20, 120))
                text = " ".join(words)
                steps = text.replace(" rafin", ". Rafin", draw.randrange(5))
                rows.append({"question": f"Question {number}?", "reasoning": f"{steps}.", "source": f"s{number % 7}"})
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def run(options: Options) -> Outcome:
    """Choose the fifth of the rows with the longest steps."""
    count = options.rows or (2_000 if options.quick else 1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write(path, count)
        scored, _ = measure.apart(_score, path)
        read, reading = measure.apart(_read, path)
        found, wall, peak = measure.apart(_select, path)
    lines = [
        {"what": "one pass: words and a hash", "rows_s": count / read, "wall_s": read, "peak_gib": reading},
        {"what": "select --top 20%", "rows_s": count / wall, "wall_s": wall, "peak_gib": peak},
    ]
    gap = abs(found["random_tokens"] - found["tokens"]) / found["tokens"]
    return Outcome(
        title=f"{count:,} scored rows of 20 to 120 words in Parquet, one in {NEAR} a near copy; near copies left out: "
        f"{found['near']:,}; tokens of the random subset off by {gap:.2%}.",
        tables=(Table("Choosing 20% by words a step, balanced over a column", HEADINGS, lines),),
        checks={
            "every row was scored": scored == count,
            "a fifth is chosen": found["rows"] == count // 5,
            "as many random rows": found["random_rows"] == count // 5,
            "their tokens are within 1%": gap <= 0.01,
        },
    )


def _score(path: Path) -> tuple[int, float]:
    import hfscore

    settings = hfscore.Settings(rows=None, metric=("structure",))
    report = hfscore.score(path, settings, out=path.parent / "report", cores=measure.cores())
    return sum(part.traces for part in report.parts), 0.0


def _read(path: Path) -> tuple[float, float | None]:
    import pyarrow.parquet as pq

    started = time.perf_counter()
    words = 0
    seen = set()
    for batch in pq.ParquetFile(path).iter_batches(8192):
        for row in batch.to_pylist():
            words += len(row["question"].split()) + len(row["reasoning"].split())
            seen.add(hashlib.blake2b(row["reasoning"].encode(), digest_size=8).digest())
    return time.perf_counter() - started, measure.process_peak()


def _select(path: Path) -> tuple[dict[str, Any], float, float | None]:
    import hfscore

    started = time.perf_counter()
    found = hfscore.select(
        path,
        out=path.parent / "chosen",
        metric=["step_words=up"],
        top=0.2,
        balance=["source"],
        report=path.parent / "report",
    )
    wall = time.perf_counter() - started
    told = {
        "rows": found.subset.rows,
        "tokens": found.subset.tokens,
        "random_rows": found.random.rows if found.random else 0,
        "random_tokens": found.random.tokens if found.random else 0,
        "near": found.left.near,
    }
    return told, wall, measure.process_peak()
