"""`hfscore select`: rows chosen by what was measured, with a random subset of like size beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from hfscore.cli import output
from hfscore.cli.options import SETTINGS, Revision, Source, takes_settings
from hfscore.errors import HfscoreError
from hfscore.escape import clip

if TYPE_CHECKING:
    from hfscore.selection import Selection
    from hfscore.settings import Settings

BY, MANY, WRITE = "What to choose by", "How many", "What to write"
# All rows are read; what to measure follows from what to choose by.
OWN = {"rows", "metric", "by", "profile", "controls"}
NAME, CELL = 30, 16


def _share(value: str | None) -> str | None:
    if value is not None and _percent(value) is None:
        raise typer.BadParameter("give a share of the rows, such as 20%")
    return value


def _percent(text: str) -> float | None:
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        return None
    return share if text.endswith("%") and 0 < share <= 1 else None


Out = Annotated[
    Path,
    typer.Option(
        help="Folder for the rows, their card, selection.json, and scores/ where rows are scored now.",
        rich_help_panel=WRITE,
    ),
]
ByMetric = Annotated[
    list[str],
    typer.Option(
        help="METRIC to choose by, =up or =down where evidence gives no sign (repeat). By default all with a sign at "
        "the --target.",
        rich_help_panel=BY,
    ),
]
Scored = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="Folder of a report over all rows; without it they are scored now.", rich_help_panel=BY),
]
Top = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="Share of all rows, such as 20%.", rich_help_panel=MANY, callback=_share),
]
Number = Annotated[Optional[int], typer.Option(help="Rows.", rich_help_panel=MANY, min=1)]  # noqa: UP045
DropFlagged = Annotated[
    bool, typer.Option("--drop-flagged", help="Leave out rows that carry a flag.", rich_help_panel=MANY)
]
Balance = Annotated[
    list[str], typer.Option(help="Column whose values get the same number of rows (repeat).", rich_help_panel=MANY)
]
KeepShares = Annotated[
    list[str], typer.Option(help="Column whose values keep their shares (repeat).", rich_help_panel=MANY)
]
Jsonl = Annotated[bool, typer.Option("--jsonl", help="JSONL instead of Parquet.", rich_help_panel=WRITE)]
PushTo = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="owner/name of a dataset to publish the rows as.", rich_help_panel=WRITE),
]
Private = Annotated[bool, typer.Option("--private", help="Publish it as a private dataset.", rich_help_panel=WRITE)]
Trl = Annotated[
    bool,
    typer.Option(
        "--trl",
        help="Also configs of TRL's SFT of the --student on chosen, random and damaged rows.",
        rich_help_panel=WRITE,
    ),
]
Seeds = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Seeds of --trl; 3 by default.", rich_help_panel=WRITE, min=1),
]


@takes_settings(*(name for name in SETTINGS if name not in OWN))
def select(
    source: Source,
    settings: Settings,
    out: Out,
    metric: ByMetric = [],  # noqa: B006 - typer copies it
    report: Scored = None,
    top: Top = None,
    n: Number = None,
    drop_flagged: DropFlagged = False,
    balance: Balance = [],  # noqa: B006
    keep_shares: KeepShares = [],  # noqa: B006
    jsonl: Jsonl = False,
    push: PushTo = None,
    private: Private = False,
    trl: Trl = False,
    seeds: Seeds = None,
    revision: Revision = None,
    as_json: Annotated[bool, typer.Option("--json", help="The selection on stdout as JSON.")] = False,
) -> None:
    """Choose rows by what was measured, with a random subset of like size to test the choice against."""
    import dataclasses

    from hfscore import selection

    if private and push is None:
        raise HfscoreError("--private says how to publish.", "Add --push owner/name.")
    if seeds is not None and not trl:
        raise HfscoreError("--seeds are those of training runs.", "Add --trl.")
    if push is not None:
        selection.check_push(push)
    with output.progress() as progress:
        found = selection.select(
            source,
            settings,
            out=out,
            metric=metric,
            top=_percent(top) if top else None,
            n=n,
            drop_flagged=drop_flagged,
            balance=balance,
            keep_shares=keep_shares,
            report=report,
            form="jsonl" if jsonl else "parquet",
            trl=trl,
            seeds=seeds or 3,
            revision=revision,
            progress=progress,
            say=output.say,
            cores=os.cpu_count() or 1,
        )
    if as_json:
        output.json_line(dataclasses.asdict(found))
    else:
        show(found)
    output.say(f"Written: {out}.{f' Train: see {out}/trl/README.txt.' if trl else ''}")
    if push is not None:
        sent = selection.push_selection(found, out, push, private=private)
        output.say(f"{'Published' if sent.action == 'committed' else 'Nothing new'}: {sent.url}")


def show(found: Selection) -> None:
    """A selection at 80 columns: what was chosen by what, what it costs, what moved with it."""
    from hfscore.selection import page

    size = f", for a student of {found.target}" if found.target else ""
    output.line(f"{found.subset.rows:,} of {found.every.rows:,} rows of {found.source.id}: {found.asked}{size}")
    for one in found.by:
        grade = f", grade {one.grade}" if one.grade != "-" else ""
        end = "highest" if one.direction == "up" else "lowest"
        output.line(f"  {end} {one.metric} ({'asked for' if one.basis == 'asked' else f'evidence{grade}'})")
        if one.basis == "evidence":
            output.line(f"    {one.evidence}")
    heads = ["all rows", "chosen", *(["random"] if found.random else [])]
    for title, rows in (("what it costs", page.sizes(found)), ("mean over traces", page.means(found))):
        output.line("")
        output.line(f"{title:<{NAME}}" + "".join(f"{head:>{CELL}}" for head in heads))
        for row in rows:
            name = clip(row.metric or row.name, NAME - 2) + ("*" if row.chosen else "")
            output.line(f"{name:<{NAME}}" + "".join(f"{cell:>{CELL}}" for cell in row.cells))
    if found.by:
        output.line("* rows were chosen to move it, so that it moved says nothing")
    output.line("")
    for sentence in page.lines(found):
        output.line(sentence)
    if found.random:
        chance = round(found.subset.rows**2 / max(1, found.pool))
        output.line(f"{found.both:,} rows are chosen and random; by chance {chance:,} would be.")
    output.line("No model was trained: whether the chosen rows differ in training is open.")
