"""`hfscore gate`: exit code 1 where data got worse than a baseline's, or left the bounds set for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from hfscore.cli import output
from hfscore.cli.options import takes_settings

if TYPE_CHECKING:
    from hfscore.settings import Settings

WHAT = "What passes"


@takes_settings(source=lambda values: (values["new"], None))
def gate(
    new: Annotated[str, typer.Argument(help="Folder of a report, or what 'hfscore score' takes.")],
    settings: Settings,
    baseline: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="What it may not be worse than: a report, or data. By default the report that the dataset carries.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    fail_under: Annotated[
        list[str],
        typer.Option(help="METRIC=VALUE that a mean may not be below (repeat).", rich_help_panel=WHAT),
    ] = [],  # noqa: B006 - typer copies it
    fail_over: Annotated[
        list[str],
        typer.Option(help="METRIC=VALUE that a mean may not be above (repeat).", rich_help_panel=WHAT),
    ] = [],  # noqa: B006
    as_json: Annotated[bool, typer.Option("--json", help="The verdict on stdout as JSON.")] = False,
) -> None:
    """Refuse data whose scores got worse; exits with 1 where the gate is not passed."""
    import dataclasses

    from hfscore import gating

    limits = [gating.parse_limit(one, below=True) for one in fail_under]
    limits += [gating.parse_limit(one, below=False) for one in fail_over]
    with output.progress() as progress:
        found = gating.gate(
            new,
            baseline,
            limits=limits,
            settings=settings,
            progress=progress,
            say=output.say,
            cores=os.cpu_count() or 1,
        )
    if as_json:
        output.json_line({**dataclasses.asdict(found), "passed": found.passed})
    else:
        output.raw(gating.markdown(found))
    if not found.passed:
        raise typer.Exit(1)
