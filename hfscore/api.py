"""The verbs, wired: what the command line, the Space and the Action call."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import math
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import hfscore
from hfscore import engine, mirror, on_ray, read_for, scores, shards, step_scores, token_steps
from hfscore.controls import QUESTIONS
from hfscore.damage import DAMAGES
from hfscore.errors import HfscoreError
from hfscore.mirror import mirrored
from hfscore.on_ray import Cluster
from hfscore.prepare import Prepared, Say, prepare, silent
from hfscore.publish import (
    check_push,
    diff,
    hub_id,
    is_local,
    local_status,
    preview,
    publish_scores,
    published,
    push,
    read_settings,
    removed,
    section,
    settings_file,
    spliced,
    status,
    write_bytes,
    write_report,
)
from hfscore.read_for import for_others
from hfscore.records import Trace
from hfscore.report import SCHEMA, Difference, Part, PartFact, Report, save
from hfscore.report import load as load_report
from hfscore.run import Detected, Progress, Run, Sink, detect, first_rows, mute
from hfscore.settings import Settings, as_json, command, from_json
from hfscore.shards import parse_share
from hfscore.sources import open_source

__all__ = [
    "Cluster",
    "check_push",
    "detect_columns",
    "diff",
    "environment",
    "estimate",
    "first_rows",
    "for_others",
    "hub_id",
    "is_local",
    "load_report",
    "local_status",
    "merge",
    "preview",
    "publish_scores",
    "published",
    "push",
    "read_settings",
    "removed",
    "score",
    "score_on_ray",
    "score_share",
    "section",
    "settings_file",
    "spliced",
    "status",
    "write_bytes",
    "write_report",
]

PACKAGES = ("datasets", "huggingface_hub", "numpy", "pyarrow", "sentence-transformers", "torch", "transformers")
DEFAULT = Settings()
ENOUGH = 2000  # questions


def detect_columns(
    source: Any, settings: Settings = DEFAULT, *, revision: str | None = None, token: str | None = None
) -> list[Detected]:
    """Recognise the columns of every config and split that a run would score.

    Args:
        source: A Hub id, a path, or a dataset in memory; see `score`.
        settings: Which configs and splits, and columns given by hand.
        revision: Branch, tag or commit of a Hub dataset.
        token: Token of the Hub; None for the one that is logged in.

    Raises:
        HfscoreError: The source cannot be read, or a path given by hand fits no column.
    """
    opened = open_source(source, configs=settings.config, splits=settings.split, revision=revision, token=token)
    return detect(opened, settings)


def score(
    source: Any,
    settings: Settings = DEFAULT,
    *,
    revision: str | None = None,
    token: str | None = None,
    out: Path | str | None = None,
    with_text: bool = False,
    name: str | None = None,
    progress: Progress = silent,
    say: Say = mute,
    cores: int = 1,
) -> Report:
    """Measure the reasoning traces of a dataset.

    Args:
        source: A Hub id ("owner/name", "hf://datasets/owner/name@rev"), a file or folder, a `datasets.Dataset`,
            `DatasetDict` or `IterableDataset`, or an iterable of dicts.
        settings: Everything that decides a number.
        revision: Branch, tag or commit of a Hub dataset; resolved to a commit and proven.
        token: Token of the Hub; None for the one that is logged in.
        out: Folder for report.json and scores.parquet, here or at an address that fsspec opens (`s3://...`,
            `hf://datasets/owner/name/...`); None writes nothing.
        with_text: Store the traces' text in scores.parquet.
        name: What to call a source that has no name of its own.
        progress: Told what is being done.
        say: Told, in whole sentences, what was chosen and what is about to be read.
        cores: Processes for what needs no model. More than one needs an importable main module, as
            `multiprocessing` does; numbers are the same.

    Returns:
        The report. Every trace of the sample is counted in it, scored or with its reason.

    Raises:
        HfscoreError: Nothing could be scored, or a metric named in `settings` cannot be measured.
    """
    with mirrored(out) as folder:
        opening = prepare(
            source,
            settings,
            revision=revision,
            token=token,
            name=name,
            out=folder,
            progress=progress,
            say=say,
            cores=cores,
        )
        with opening as prepared:
            return _finish(prepared, folder, with_text=with_text)


def score_on_ray(
    source: Any,
    settings: Settings = DEFAULT,
    *,
    out: Path | str,
    cluster: Cluster | None = None,
    revision: str | None = None,
    with_text: bool = False,
    progress: Progress = silent,
    say: Say = mute,
) -> Report:
    """`score`, on a Ray cluster: the same numbers, windows and kept scores, so that either can finish the other's run.

    Args:
        source: A Hub id, or a path that every machine of the cluster can read.
        settings: As of `score`.
        out: As of `score`.
        cluster: Where to; two workers on this machine by default.
        revision: As of `score`.
        with_text: As of `score`.
        progress: As of `score`.
        say: As of `score`.

    Raises:
        HfscoreError: As of `score`; or Ray is not installed.
    """
    with mirror.local(out) as folder:
        opening = on_ray.opened(
            source, settings, cluster or Cluster(), out=folder, revision=revision, progress=progress, say=say
        )
        with opening as prepared:
            return _finish(prepared, folder, with_text=with_text)


def score_share(
    source: Any,
    share: str,
    settings: Settings = DEFAULT,
    *,
    out: Path | str,
    revision: str | None = None,
    token: str | None = None,
    progress: Progress = silent,
    say: Say = mute,
) -> None:
    """Score one share of a dataset with the families that need models, and keep it under `out` for `merge`.

    Args:
        source: As of `score`.
        share: "2/4": the second of four runs that share the work, on this machine or another with the same folder.
        settings: As of `score`.
        out: The folder that all shares write to.
        revision: As of `score`.
        token: As of `score`.
        progress: As of `score`.
        say: As of `score`.

    Raises:
        HfscoreError: As of `score`; or the folder keeps a run that differs; or nothing needs a model.
    """
    part = parse_share(share)
    if settings.budget is not None:
        raise HfscoreError("Each share would spend the whole budget.", "Leave --budget or --shard out.")
    with mirror.local(out) as folder:
        opening = prepare(source, settings, revision=revision, token=token, out=folder, progress=progress, say=say)
        with opening as prepared:
            if prepared.run.shards is None:
                raise HfscoreError(
                    "No chosen metric needs a model, so there is nothing to share.", "Leave --shard out."
                )
            prepared.run.score_share(part)


def merge(
    out: Path | str,
    *,
    with_text: bool = False,
    token: str | None = None,
    progress: Progress = silent,
    say: Say = mute,
    cores: int = 1,
) -> Report:
    """Join the shares under `out` into one report, as one run would have made it; controls that none kept load a model.

    Args:
        out: The folder of the shares; the report is written there.
        with_text: As of `score`.
        token: As of `score`.
        progress: As of `score`.
        say: As of `score`.
        cores: As of `score`.

    Raises:
        HfscoreError: A share is missing, or the data are not those of the shares.
    """
    with mirror.local(out) as folder:
        kept = shards.run_of(folder / shards.FOLDER)
        opening = prepare(
            kept[shards.HERE]["source"],
            from_json(kept[shards.HERE]["settings"]),
            revision=kept["revision"],
            token=token,
            out=folder,
            merging=True,
            progress=progress,
            say=say,
            cores=cores,
        )
        with opening as prepared:
            return _finish(prepared, folder, with_text=with_text)


def estimate(
    source: Any, settings: Settings, *, revision: str | None = None, token: str | None = None, say: Say = mute
) -> Sequence[str]:
    """What a sample gives, and what the judge of `settings` would be asked: calls, tokens, money; whole sentences.

    Raises:
        HfscoreError: The judge cannot be reached.
    """
    said = [_sample_gives(settings.rows)]
    if settings.judge is not None:
        only = dataclasses.replace(settings, metric=("fvcu",))
        with prepare(source, only, revision=revision, token=token, say=say) as prepared:
            said += prepared.run.estimate()
    if settings.controls:
        said.append(_controls_take(settings))
    return said


def _controls_take(settings: Settings) -> str:
    """What damaged copies cost, before anything is asked."""
    sentence = f"Controls: up to {QUESTIONS} questions of a part are scored again in {len(DAMAGES)} damaged copies"
    if settings.judge is None or settings.budget is not None:
        return f"{sentence}, none of them by a judge."
    return f"{sentence}, by the judge too: up to {QUESTIONS * len(DAMAGES)} traces more where a question has one."


def _sample_gives(rows: int | None) -> str:
    """How well a random sample of questions tells a share; half the widest normal 95% interval, 0.98 / sqrt(n)."""
    count = rows or ENOUGH
    points = f"{100 * 0.98 / math.sqrt(count):.1f} points (95%, one trace a question, the worst case)"
    if rows is None:
        return (
            f"All rows: {count:,} questions drawn at random (--rows {count}) already give any share to within {points}."
        )
    return f"{count:,} questions drawn at random give any share to within {points}, however large the dataset is."


def _finish(prepared: Prepared, out: Path | None, *, with_text: bool) -> Report:
    run = prepared.run
    with contextlib.ExitStack() as stack:
        sink = _sinks(stack, run, out, with_text=with_text) if out is not None else None
        parts, tables = run.score(sink)
        run.progress("summarising", 0, None)
        report = read_for.for_settings(_report(prepared, parts, tables), run.settings)
        if out is not None:
            save(report, out)  # before scores.parquet is renamed, so that the two belong together
    if out is not None and report.judge is None:
        (out / step_scores.STEPS_FILE).unlink(missing_ok=True)  # of an earlier run
    if out is not None and not (with_text and any("reference_lm" in family.needs for family in run.families)):
        (out / token_steps.TOKENS_FILE).unlink(missing_ok=True)
    if run.shards is not None:
        shards.end(run.shards)
    return report


def _sinks(stack: contextlib.ExitStack, run: Run, out: Path, *, with_text: bool) -> Sink:
    """Files that take every batch: scores.parquet, and steps.parquet where a judge was asked.

    With text also token_steps.parquet, where a language model has read the traces.
    """
    metrics = [metric.id for family in run.families for metric in family.metrics]
    traces = scores.writer(out, metrics=metrics, by=run.settings.by, with_text=with_text)
    add_traces = stack.enter_context(traces).add
    judged = any(family.id == "fvcu" for family in run.families)
    read = with_text and any("reference_lm" in family.needs for family in run.families)
    add_steps = stack.enter_context(step_scores.writer(out, with_text=with_text)).add if judged else None
    add_tokens = stack.enter_context(token_steps.writer(out)).add if read else None

    def add(batch: Sequence[Trace], table: engine.Table, start: int) -> None:
        add_traces(batch, table, start)
        usable = [trace for trace in batch if trace.problem is None]
        if add_steps is not None:
            add_steps(usable, run.tools.judge().judge(usable))
        if add_tokens is not None:
            add_tokens(usable, run.tools.reference_lm().traces(usable))

    return add


def _report(prepared: Prepared, parts: Sequence[Part], tables: Sequence[engine.Table]) -> Report:
    run = prepared.run
    settings, info = run.settings, run.opened.info
    revision = info.revision.removeprefix("git:") if info.revision else None
    metrics = tuple(metric for family in run.families for metric in family.metrics)
    controls, unread = run.controls()
    pairs: list[Difference] = []
    if len(tables) == 2:
        pairs = engine.differences(*tables, seed=settings.seed)
    return Report(
        schema=SCHEMA,
        version=hfscore.__version__,
        measured_at=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        source=info,
        parts=tuple(parts),
        metrics=metrics,
        families=prepared.described,
        values=tuple(value for table in tables for value in engine.summarise(table, seed=settings.seed)),
        differences=tuple(pairs),
        facts=tuple(PartFact(table.config, table.split, fact) for table in tables for fact in table.facts),
        rows=tuple(note for table in tables for note in engine.rows_to_look_at(table, metrics)),
        skipped=(*prepared.skipped, *unread),
        settings=as_json(settings),
        settings_hash=settings.hash(prepared.chosen),
        command=command(settings, info.id, revision),
        environment=environment(),
        judge=prepared.described.get("fvcu", {}).get("judge"),
        students=prepared.students,
        attribution=prepared.attribution,
        controls=tuple(controls),
    )


def environment() -> dict[str, str]:
    """Versions of what computes, and the machine's kind."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
