"""Rows per second and peak memory of the redundancy family over a Parquet or JSONL file, the whole way.

    python benchmarks/redundancy.py [--rows 1000000] [--format parquet|jsonl]

Baseline, in the same run: zlib level 9 alone over the same rows, read the same way.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

ROW_BYTES = 1300
WORDS = (
    "so",
    "we",
    "take",
    "the",
    "sum",
    "of",
    "both",
    "sides",
    "and",
    "then",
    "divide",
    "by",
    "two",
    "which",
    "gives",
)


def rows(count: int) -> Iterator[dict[str, str]]:
    """Synthetic question and trace pairs of about 1.3 kB."""
    draw = random.Random(0)
    paragraphs = [" ".join(draw.choices(WORDS, k=60)) for _ in range(2000)]
    for i in range(count):
        trace, size = [], 0
        while size < ROW_BYTES - 60:
            trace.append(draw.choice(paragraphs) + f" {draw.randrange(1000)}.")
            size += len(trace[-1])
        yield {
            "question": f"What is {i} times {draw.randrange(99)}?",
            "reasoning": "\n".join(trace),
            "response": str(i),
        }


def write(path: Path, count: int) -> None:
    """Write the rows as the path's suffix says."""
    if path.suffix == ".jsonl":
        with path.open("w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows(count))
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.string()) for name in ("question", "reasoning", "response")])
    with pq.ParquetWriter(path, schema) as writer:
        batch = []
        for row in rows(count):
            batch.append(row)
            if len(batch) == 10_000:
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
                batch = []
        writer.write_table(pa.Table.from_pylist(batch, schema=schema))


def peak_mib() -> float:
    """Highest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Write the file in a child process, then measure the score and the baseline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--format", choices=("parquet", "jsonl"), default="parquet")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows.{options.format}"
        if (child := os.fork()) == 0:
            write(path, options.rows)
            os._exit(0)
        os.waitpid(child, 0)

        import hfscore

        settings = hfscore.Settings(rows=None, metric=("redundancy",))
        started = time.perf_counter()
        report = hfscore.score(path, settings, out=Path(folder) / "report")
        took = time.perf_counter() - started
        scored = sum(value.scored for value in report.values if value.metric == "redundancy")
        print(f"hfscore, three forms, intervals, scores.parquet: {scored:,} rows in {took:.0f} s,")
        print(f"  {scored / took:,.0f} rows/s, peak memory {peak_mib():,.0f} MiB")

        from hfscore.sources import open_source

        opened = open_source(path)
        started = time.perf_counter()
        count = 0
        for _, row in opened.scan(opened.splits[0], ["reasoning"]):
            zlib.compress(row["reasoning"].encode(), 9)
            count += 1
        took = time.perf_counter() - started
        print(f"baseline, zlib 9 once over the same rows: {count / took:,.0f} rows/s")


if __name__ == "__main__":
    main()
