"""Score a dataset in tasks of datatrove, on this machine or on Slurm, and join them into one report.

    pip install "hfscore[lm]" datatrove
    python examples/datatrove_score.py owner/dataset --out /shared/report --tasks 64 --slurm gpu
    hfscore merge /shared/report

A task is a share of `hfscore score --shard`: it reads the dataset, scores every 64th window with the models, and keeps
it under the folder that all tasks write to. A task that was killed is run again by the same command, and begins with
the window it was at; a task that is done is not.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from datatrove.executor import LocalPipelineExecutor, SlurmPipelineExecutor
from datatrove.pipeline.base import PipelineStep

import hfscore
from hfscore import api


class ScoreShare(PipelineStep):  # type: ignore[misc]
    """One share of a run; the task's rank says which.

    Args:
        source: A Hub id, or a path that every task can read.
        out: A folder that every task can write to.
        settings: What to measure.
    """

    name = "hfscore"
    type = "SCORE"

    def __init__(self, source: str, out: str, settings: hfscore.Settings) -> None:
        super().__init__()
        self.source, self.out, self.settings = source, out, settings

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Any:
        """Score the share, and hand on whatever came."""
        api.score_share(self.source, f"{rank + 1}/{world_size}", self.settings, out=self.out)
        return data


def executor(source: str, out: str, settings: hfscore.Settings, *, tasks: int, workers: int, slurm: str | None) -> Any:
    """What runs the tasks: processes of this machine, or jobs of a Slurm partition."""
    pipeline, logs = [ScoreShare(source, out, settings)], str(Path(out) / "datatrove")
    if slurm is None:
        return LocalPipelineExecutor(pipeline=pipeline, tasks=tasks, workers=workers, logging_dir=logs)
    return SlurmPipelineExecutor(
        pipeline=pipeline,
        tasks=tasks,
        workers=workers,
        time="24:00:00",
        partition=slurm,
        cpus_per_task=8,
        mem_per_cpu_gb=8,
        sbatch_args={"gpus-per-task": 1},
        job_name="hfscore",
        logging_dir=logs,
    )


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("--out", required=True)
    parser.add_argument("--tasks", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1, help="tasks at once")
    parser.add_argument("--slurm", metavar="PARTITION")
    parser.add_argument("--reference-lm")
    parser.add_argument("--student", action="append", default=[])
    parser.add_argument("--metric", action="append", default=[])
    given = parser.parse_args()
    settings = hfscore.Settings(rows=None, reference_lm=given.reference_lm, student=given.student, metric=given.metric)
    source = str(Path(given.source).resolve()) if Path(given.source).exists() else given.source
    run = executor(
        source,
        str(Path(given.out).resolve()),
        settings,
        tasks=given.tasks,
        workers=given.workers,
        slurm=given.slurm,
    )
    run.run()


if __name__ == "__main__":
    main()
