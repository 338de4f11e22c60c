"""`hfscore --help` beside the help of a bare typer script: median of ten, in turn, in one run.

python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = """
import typer
app = typer.Typer()
@app.command()
def hello(name: str = "world") -> None:
    "Say hello."
app()
"""
ROUNDS = 10


def seconds(words: list[str]) -> float:
    """Wall time of one process."""
    started = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    return time.perf_counter() - started


def medians() -> tuple[float, float]:
    """Median seconds of (hfscore --help, bare typer script --help)."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bare.py"
        script.write_text(BARE)
        ours, bare = [sys.executable, "-m", "hfscore", "--help"], [sys.executable, str(script), "--help"]
        for words in (ours, bare):  # warm the file cache
            seconds(words)
        pairs = [(seconds(ours), seconds(bare)) for _ in range(ROUNDS)]
    return statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs)


if __name__ == "__main__":
    ours, bare = medians()
    print(f"hfscore --help {ours:.3f} s, bare typer --help {bare:.3f} s, ratio {ours / bare:.2f}")
