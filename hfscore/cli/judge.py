"""`hfscore judge check` and `hfscore judge label`: how good the judge is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from hfscore.cli import output
from hfscore.cli.options import takes_settings
from hfscore.errors import HfscoreError

if TYPE_CHECKING:
    from hfscore.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.callback()
def judge() -> None:
    """Say how good the judge is."""


@app.command()
@takes_settings(
    "judge",
    "judge_model",
    "judge_key_env",
    "judge_mode",
    "judge_rubric",
    "judge_tiers",
    "judge_store",
    "atomizer",
    "budget",
    "price",
    "seed",
)
def check(
    settings: Settings,
    data: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Option(help="Labelled set: ProcessBench's form, BIG-Bench-Mistake's, PRMBench's, ours (repeat)."),
    ] = None,
    both_rubrics: Annotated[
        bool, typer.Option("--both-rubrics", help="Compare with the same judge under the other rubric.")
    ] = False,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="File for the result, for 'hfscore score --judge-check FILE'."),
    ] = None,
) -> None:
    """Judge labelled steps and compare: errors found, sound steps rejected, verdicts that flip."""
    from hfscore import calibrate
    from hfscore.judge.check_result import remarks, save, table

    result = calibrate.check_judge(settings, data or (), both_rubrics=both_rubrics, say=output.say)
    output.figures(f"The judge {result.judge.id} on labelled steps", table(result))
    for line in remarks(result):
        output.say(line)
    if out is not None:
        output.line(f"written  {save(result, out)}")
        output.say(f"Next: hfscore score SOURCE --judge ... --judge-check {out}")


@app.command()
def label(
    report: Annotated[Path, typer.Argument(help="Folder of a report that was made with a judge.")],
    source: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Where the traces are read again, if not where the report says."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps to label; each by every criterion.", min=5)] = 25,
    labels: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="File of the labels; labels.jsonl in the report's folder by default."),
    ] = None,
) -> None:
    """Label steps yourself, without seeing the verdicts; the report gains shares corrected by your labels."""
    from hfscore import calibrate

    if not report.is_dir():
        raise HfscoreError(f"{report} is no folder of a report.", "Give the --out of 'hfscore score'.")
    made = calibrate.label_steps(
        report, keys=sys.stdin, screen=sys.stdout, source=source, labels=labels, count=steps, say=output.say
    )
    for one in made.facts:
        if one.fact.id.endswith("_labelled"):
            output.say(f"{one.config}/{one.split}: {output.fact_line(one.fact)}")
