"""The command line: parse, call, print. The only place that turns an `HfscoreError` into words and exit code 2."""

from __future__ import annotations

import sys

import typer

from hfscore.cli import about, contamination, output, publish, score
from hfscore.errors import HfscoreError

app = typer.Typer(
    name="hfscore",
    help="Measure the reasoning traces of a Hub dataset and write what was found into its card.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for command in (
    score.score,
    publish.push,
    publish.card,
    score.columns,
    publish.status,
    about.metrics,
    about.env,
    about.demo,
):
    app.command()(command)
app.add_typer(contamination.app, name="contamination")


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 a gate was not met, 2 something the user can mend."""
    try:
        app()
    except HfscoreError as error:
        output.fail(error.message, error.hint)
        sys.exit(2)
    except KeyboardInterrupt:
        output.fail("Stopped.", "")
        sys.exit(130)
