"""The command line: parse, call, print. The only place that turns an `HfscoreError` into words and exit code 2."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

import hfscore
from hfscore.cli import (
    about,
    compare,
    contamination,
    evidence,
    gate,
    jobs,
    judge,
    output,
    publish,
    score,
    select,
    space,
    variants,
    verify,
)
from hfscore.errors import HfscoreError

app = typer.Typer(
    name="hfscore",
    help="Measure the reasoning traces of a Hub dataset and write what was found into its card.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        output.line(hfscore.__version__)
        raise typer.Exit


for command in (
    score.score,
    score.merge,
    compare.compare,
    select.select,
    variants.variants,
    publish.push,
    publish.card,
    score.columns,
    publish.status,
    gate.gate,
    verify.verify,
    about.metrics,
    about.env,
    space.space,
    about.demo,
):
    app.command()(command)
app.add_typer(contamination.app, name="contamination")
app.add_typer(judge.app, name="judge")
app.add_typer(evidence.app, name="evidence")
app.add_typer(jobs.app, name="webhook")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 a gate was not met, 2 something the user can mend."""
    # A thread of torch's that waits would otherwise spin, which on a shared machine takes the time from one that works.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    signal.signal(signal.SIGTERM, _interrupt)  # a cancelled job leaves no worker and no temporary file behind
    try:
        app()
    except HfscoreError as error:
        output.fail(error.message, error.hint)
        sys.exit(2)
    except KeyboardInterrupt:
        output.fail("Stopped.", "")
        sys.exit(130)


def score_main() -> None:
    """Run `hf-score`, which `hf` takes for its extension: `hf score owner/name`, or any command of hfscore's."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    if len(sys.argv) > 1 and sys.argv[1] not in {*commands, "--version"}:
        sys.argv.insert(1, "score")
    main()
