"""Rows per second and peak memory of every family that needs no model, on all cores, over a JSONL file.

Rows are of about 1.5 kB, dense in equations. Left out: final answers (math-verify) and what needs a model.
"""

from __future__ import annotations

import contextlib
import json
import random
import resource
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import measure
from benchmarks.outcome import Options, Outcome, Table

ROW_BYTES = 1500
HEADINGS = {
    "rows_s": "rows/s",
    "wall_s": "wall, s",
    "peak_gib": "peak memory, GiB",
    "worker_gib": "largest worker, GiB",
    "tree_gib": "all processes together (PSS), GiB",
}


def write(path: Path, count: int) -> None:
    """Write synthetic worked problems."""
    draw = random.Random(0)
    with path.open("w") as file:
        for number in range(count):
            lines: list[str] = []
            total = draw.randrange(9, 99)
            while sum(len(line) for line in lines) < ROW_BYTES:
                more = draw.randrange(2, 90)
                lines.append(f"Then she buys {more} more, so she has {total} + {more} = {total + more} apples.")
                total += more
                if draw.random() < 0.1:
                    lines.append("Wait, let me double-check this with the numbers that the question gives.")
            row = {
                "question": f"Ann has some apples and buys more ({number}). How many does she have?",
                "reasoning": "\n".join(lines),
                "response": f"The answer is {total}.",
                "answer": str(total),
            }
            file.write(json.dumps(row) + "\n")


def run(options: Options) -> Outcome:
    """Score the file."""
    count = options.rows or (300 if options.quick else 100_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        write(path, count)
        families, rows, wall, peak, worker, tree = measure.apart(_score, path)
    figures = {"rows_s": count / wall, "wall_s": wall, "peak_gib": peak, "worker_gib": worker, "tree_gib": tree}
    return Outcome(
        title=f"{count:,} rows of about 1.5 kB in JSONL, {measure.cores()} cores, families: {', '.join(families)}.",
        tables=(Table("All of them at once", HEADINGS, [figures]),),
        checks={"every row is read": rows == count},
    )


def _score(path: Path) -> tuple[tuple[str, ...], int, float, float | None, float, float | None]:
    import hfscore
    from hfscore import catalog
    from hfscore.pool import is_free

    free = tuple(family.id for family in catalog.families() if is_free(family))
    settings = hfscore.Settings(rows=None, metric=free)
    samples: list[float] = []
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(samples, done))
    watch.start()
    started = time.perf_counter()
    report = hfscore.score(path, settings, out=path.parent / "report", cores=measure.cores())
    wall = time.perf_counter() - started
    done.set()
    watch.join()
    rows = sum(part.traces for part in report.parts)
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / measure.GIB
    return free, rows, wall, measure.process_peak(), worker, max(samples, default=None)


def _watch(samples: list[float], done: threading.Event) -> None:
    """Proportional memory of this process and its children, shared pages counted once; where the system tells it."""
    import psutil

    me = psutil.Process()
    while not done.wait(0.5):
        with contextlib.suppress(psutil.Error, AttributeError):
            tree = [me, *me.children(recursive=True)]
            samples.append(sum(one.memory_full_info().pss for one in tree) / measure.GIB)
