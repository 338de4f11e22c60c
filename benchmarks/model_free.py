"""Rows per second and peak memory of every family that needs no model, on all cores, over a JSONL file.

    python benchmarks/model_free.py [--rows 100000]

Rows are of about 1.5 kB, dense in equations. Left out: final answers (math-verify) and what needs a model.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import tempfile
import time
from pathlib import Path

ROW_BYTES = 1500


def write(path: Path, count: int) -> None:
    """Write synthetic worked problems."""
    draw = random.Random(0)
    with path.open("w") as file:
        for i in range(count):
            lines, total = [], draw.randrange(9, 99)
            while sum(map(len, lines)) < ROW_BYTES:
                more = draw.randrange(2, 90)
                lines.append(f"Then she buys {more} more, so she has {total} + {more} = {total + more} apples.")
                total += more
                if draw.random() < 0.1:
                    lines.append("Wait, let me double-check this with the numbers that the question gives.")
            row = {
                "question": f"Ann has some apples and buys more ({i}). How many does she have?",
                "reasoning": "\n".join(lines),
                "response": f"The answer is {total}.",
                "answer": str(total),
            }
            file.write(json.dumps(row) + "\n")


def main() -> None:
    """Write the rows, score them, print rate and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    import hfscore
    from hfscore import catalog
    from hfscore.pool import is_free

    free = tuple(family.id for family in catalog.families() if is_free(family))
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        write(path, options.rows)
        print(f"{cores} cores, load {os.getloadavg()[0]:.1f}; families: {', '.join(free)}")
        started = time.perf_counter()
        hfscore.score(path, hfscore.Settings(rows=None, metric=free), out=Path(folder) / "report", cores=cores)
        took = time.perf_counter() - started
    own, workers = (
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"{options.rows:,} rows in {took:.0f} s, {options.rows / took:,.0f} rows/s")
    print(f"peak memory {own:,.0f} MiB, largest worker {workers:,.0f} MiB")


if __name__ == "__main__":
    main()
