"""`hfscore contamination build`: an index of evaluation sets, for `hfscore score --contamination`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hfscore.cli import output
from hfscore.cli.options import takes_settings

if TYPE_CHECKING:
    from hfscore.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.callback()
def contamination() -> None:
    """Find copies of evaluation sets among questions and traces."""


@app.command()
@takes_settings("config", "split")
def build(
    files: Annotated[
        list[str], typer.Argument(metavar="[NAME=]FILE...", help="Evaluation sets: files, folders or Hub ids.")
    ],
    settings: Settings,
    out: Annotated[Path, typer.Option(help="Where the index goes. It holds hashes and names, no text.")],
    field: Annotated[
        list[str], typer.Option(help="Path of a text of the items (repeat); the question is found by default.")
    ] = [],  # noqa: B006 - typer takes the default as it stands
) -> None:
    """Index evaluation sets as hashed runs of words."""
    from hfscore.contamination import save
    from hfscore.evaluation_sets import index_of

    index, notes = index_of(files, field, split=settings.split, config=settings.config)
    save(index, out)
    for note in notes:
        output.say(note)
    output.line(f"written  {out}")
    output.say(f"Next: hfscore score SOURCE --contamination {out}")
