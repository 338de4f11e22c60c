"""`hfscore score` and `hfscore columns`: measure, and show what would be measured."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from hfscore.cli import output
from hfscore.cli.options import JUDGE, READ, Revision, Source, takes_settings
from hfscore.errors import HfscoreError

if TYPE_CHECKING:
    from hfscore.settings import Settings

WHERE = "Where it runs"


class Engine(StrEnum):
    """What runs a run."""

    local = "local"
    ray = "ray"


@takes_settings()
def score(
    source: Source,
    settings: Settings,
    revision: Revision = None,
    out: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Folder for report.json and scores.parquet; s3://... and hf://... will do."),
    ] = None,
    with_text: Annotated[bool, typer.Option("--with-text", help="Store the traces' text in scores.parquet.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report on stdout.")] = False,
    estimate: Annotated[
        bool,
        typer.Option(
            "--estimate", help="Say what a sample gives and what the judge would cost, and stop.", rich_help_panel=JUDGE
        ),
    ] = False,
    shard: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Score this share, such as 1/4, into --out; 'hfscore merge' joins them."),
    ] = None,
    engine: Annotated[
        Engine, typer.Option(help="local: all cores of this machine. ray: a Ray cluster.", rich_help_panel=WHERE)
    ] = Engine.local,
    address: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="The cluster (auto, ray://host:10001); one on this machine by default.", rich_help_panel=WHERE
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Workers in every pool of the cluster.", rich_help_panel=WHERE)
    ] = 2,
    gpus_per_worker: Annotated[
        float, typer.Option(min=0, help="GPUs of each worker that holds models.", rich_help_panel=WHERE)
    ] = 0,
) -> None:
    """Measure the reasoning traces of a dataset."""
    from hfscore import api
    from hfscore.report import to_json

    if estimate:
        for sentence in api.estimate(source, settings, revision=revision, say=output.say):
            output.line(sentence)
        return
    if shard is not None:
        if out is None:
            raise HfscoreError("A share needs a folder that all shares write to.", "Add --out DIR.")
        with output.progress() as progress:
            api.score_share(source, shard, settings, out=out, revision=revision, progress=progress, say=output.say)
        output.say(f"Share {shard} is in {out}. When all are done: hfscore merge {out}")
        return
    with output.progress() as progress:
        common: dict[str, Any] = {
            "revision": revision,
            "with_text": with_text,
            "progress": progress,
            "say": output.say,
        }
        if engine is Engine.ray:
            if out is None:
                raise HfscoreError(
                    "The workers of a cluster need a folder that all of them write to.", "Add --out DIR."
                )
            cluster = api.Cluster(address, workers, gpus_per_worker)
            report = api.score_on_ray(source, settings, out=out, cluster=cluster, **common)
        else:
            report = api.score(source, settings, out=out, cores=os.cpu_count() or 1, **common)
    if as_json:
        output.raw(to_json(report))
    else:
        output.report_table(report)
    if out is not None:
        _written(out)
    elif not as_json:
        output.say("Nothing was written; add --out DIR to keep the report and the scores of every trace.")


def _written(out: str) -> None:
    written = f"Written: {out}/report.json and {out}/scores.parquet."
    output.say(written if "://" in out else f"{written} Next: hfscore card {out} --readme README.md")


def merge(
    folder: Annotated[str, typer.Argument(help="The --out of 'hfscore score --shard'.")],
    with_text: Annotated[bool, typer.Option("--with-text", help="Store the traces' text in scores.parquet.")] = False,
) -> None:
    """Join the shares of a run into one report; no language model is loaded."""
    from hfscore import api

    with output.progress() as progress:
        report = api.merge(folder, with_text=with_text, progress=progress, say=output.say, cores=os.cpu_count() or 1)
    output.report_table(report)
    _written(folder)


@takes_settings("config", "split", "question", "reasoning", "response", "reference")
def columns(
    source: Source,
    settings: Settings,
    revision: Revision = None,
    as_json: Annotated[bool, typer.Option("--json", help="The mapping on stdout as JSON.")] = False,
    part: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="config/split to show, of several.", rich_help_panel=READ),
    ] = None,
) -> None:
    """Show which columns hold question, reasoning, response and reference, and what the first rows give.

    Exits with 2 where there is no trace to score: question-only data, or no reasoning data at all.
    """
    from hfscore import api

    detected = api.detect_columns(source, settings, revision=revision)
    chosen = [one for one in detected if part in (None, one.name)] or detected
    if as_json:
        shown: Any = api.first_rows(chosen[0])
        if len(chosen) > 1:
            shown["parts"] = {one.name: api.first_rows(one) for one in chosen}
        output.raw(json.dumps(shown, indent=2, ensure_ascii=False) + "\n")
    else:
        for one in chosen:
            output.layout(one, api.first_rows(one))
    if not any(one.layout.mapping["reasoning"] for one in chosen):
        raise typer.Exit(2)
