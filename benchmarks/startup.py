"""`hfscore --help` beside the help of a bare typer script: the median of ten, in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.outcome import Options, Outcome, Table

BARE = """
import typer
app = typer.Typer()
@app.command()
def hello(name: str = "world") -> None:
    "Say hello."
app()
"""
ROUNDS = 10
HEADINGS = {"design": "command", "wall_s": "wall, s, median", "ratio": "wall time / bare", "rounds": "rounds"}


def seconds(words: list[str]) -> float:
    """Wall time of one process."""
    started = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    return time.perf_counter() - started


def run(options: Options) -> Outcome:
    """Compare the two."""
    rounds = 1 if options.quick else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bare.py"
        script.write_text(BARE)
        commands = {
            "hfscore --help": [sys.executable, "-m", "hfscore", "--help"],
            "bare typer --help": [sys.executable, str(script), "--help"],
        }
        for words in commands.values():  # warm the file cache
            seconds(words)
        turns = [{name: seconds(words) for name, words in commands.items()} for _ in range(rounds)]
    medians = {name: statistics.median(turn[name] for turn in turns) for name in commands}
    bare = medians["bare typer --help"]
    rows = [{"design": name, "wall_s": wall, "ratio": wall / bare, "rounds": rounds} for name, wall in medians.items()]
    return Outcome(title="Start-up, a process each.", tables=(Table("Help", HEADINGS, rows),))
