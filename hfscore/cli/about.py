"""`hfscore metrics`, `hfscore env` and `hfscore demo`: what there is, what works here, and the whole job once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hfscore.cli import output


def metrics(as_json: Annotated[bool, typer.Option("--json", help="On stdout as JSON.")] = False) -> None:
    """List the metrics: what, formula, direction, grade of evidence, needs."""
    from hfscore import catalog
    from hfscore.listing import as_data

    found = catalog.families()
    if as_json:
        output.json_line(as_data(found))
    else:
        output.metrics(found)


def env(as_json: Annotated[bool, typer.Option("--json", help="On stdout as JSON.")] = False) -> None:
    """Show token, Hub, packages, device and models at hand: what works, and what to do about the rest."""
    from hfscore.health import checks

    found = checks()
    if as_json:
        output.json_line([{"what": one.what, "ok": one.ok, "found": one.found, "next": one.next} for one in found])
    else:
        output.checks(found)


def demo(
    folder: Annotated[Path, typer.Argument(help="Where the card goes as HTML.")] = Path("hfscore-demo"),
) -> None:
    """Do the whole job once on a loopback Hub: no network, no account, no GPU."""
    from hfscore.demo.show import show

    show(folder, output)
