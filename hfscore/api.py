"""The verbs, wired: what the command line, the Space and the Action call."""

from __future__ import annotations

import contextlib
import datetime
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import hfscore
from hfscore import catalog, engine, scores
from hfscore.backends.toolbox import Toolbox
from hfscore.errors import MissingExtraError
from hfscore.publish import (
    check_push,
    hub_id,
    publish_scores,
    push,
    removed,
    section,
    spliced,
    status,
    write_bytes,
    write_report,
)
from hfscore.report import SCHEMA, Attribution, Difference, PartFact, Report, Skipped, save
from hfscore.run import Detected, Progress, Run, check_groups, detect, release, usable
from hfscore.settings import Settings, as_json, command
from hfscore.sources import Source, open_source
from hfscore.spec import Family

__all__ = [
    "check_push",
    "detect_columns",
    "environment",
    "hub_id",
    "publish_scores",
    "push",
    "removed",
    "score",
    "section",
    "spliced",
    "status",
    "write_bytes",
    "write_report",
]

PACKAGES = ("datasets", "huggingface_hub", "numpy", "pyarrow", "sentence-transformers", "torch", "transformers")
DEFAULT = Settings()


def _silent(stage: str, done: int, total: int | None) -> None:
    """Say nothing of a run's progress."""


def _mute(sentence: str) -> None:
    """Say nothing."""


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
    progress: Progress = _silent,
    say: Callable[[str], None] = _mute,
    cores: int = 1,
) -> Report:
    """Measure the reasoning traces of a dataset.

    Args:
        source: A Hub id ("owner/name", "hf://datasets/owner/name@rev"), a file or folder, a `datasets.Dataset`,
            `DatasetDict` or `IterableDataset`, or an iterable of dicts.
        settings: Everything that decides a number.
        revision: Branch, tag or commit of a Hub dataset; resolved to a commit and proven.
        token: Token of the Hub; None for the one that is logged in.
        out: Folder for report.json and scores.parquet; None writes nothing.
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
    families = catalog.choose(settings.metric)
    opened = open_source(
        source, configs=settings.config, splits=settings.split, revision=revision, token=token, name=name
    )
    for note in opened.notes:
        say(note)
    detected, skipped = usable(detect(opened, settings))
    for sentence in _layout_notes(detected):
        say(sentence)
    check_groups(detected, settings.by)
    attribution = release(opened, detected)
    tools = Toolbox(settings.encoder, settings.student, settings.contamination)
    progress("loading models", 0, None)
    needs = {need for family in families for need in family.needs}
    runs, unmet = engine.check_needs(families, {need: tools.problem(need) for need in needs})
    if unmet and settings.metric:
        raise MissingExtraError(" ".join(one.why for one in unmet))
    for missing in unmet:
        say(f"Not measured: {missing.what}. {missing.why}")

    run = Run(opened, detected, settings, runs, tools, progress, say, cores)
    with contextlib.ExitStack() as stack:
        sink = None
        if out is not None:
            metrics = [metric.id for family in runs for metric in family.metrics]
            opened_writer = scores.writer(Path(out), metrics=metrics, by=settings.by, with_text=with_text)
            sink = stack.enter_context(opened_writer).add
        parts, tables = run.score(sink)
        progress("summarising", 0, None)
        report = _report(opened, settings, families, runs, tools, parts, tables, [*skipped, *unmet], attribution)
        if out is not None:
            save(report, Path(out))  # before scores.parquet is renamed, so that the two belong together
    return report


def _layout_notes(detected: Sequence[Detected]) -> list[str]:
    """What was decided about columns, once for all parts it was decided for."""
    parts: dict[str, list[str]] = {}
    for one in detected:
        for note in one.layout.notes:
            parts.setdefault(note, []).append(one.name)
    several = {note: f"{names[0]} and {len(names) - 1} more" for note, names in parts.items() if len(names) > 1}
    return [f"{several.get(note, names[0])}: {note}" for note, names in parts.items()]


def _report(
    opened: Source,
    settings: Settings,
    families: Sequence[Family],
    runs: Sequence[Family],
    tools: Toolbox,
    parts: Sequence[Any],
    tables: Sequence[engine.Table],
    skipped: Sequence[Skipped],
    attribution: Attribution,
) -> Report:
    info = opened.info
    revision = info.revision.removeprefix("git:") if info.revision else None
    metrics = tuple(metric for family in runs for metric in family.metrics)
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
        families={family.id: {"version": str(family.version), **family.settings(tools)} for family in runs},
        values=tuple(value for table in tables for value in engine.summarise(table, seed=settings.seed)),
        differences=tuple(pairs),
        facts=tuple(PartFact(table.config, table.split, fact) for table in tables for fact in table.facts),
        rows=tuple(note for table in tables for note in engine.rows_to_look_at(table, metrics)),
        skipped=tuple(skipped),
        settings=as_json(settings),
        settings_hash=settings.hash(families),
        command=command(settings, info.id, revision),
        environment=environment(),
        students=_students(runs, tools),
        attribution=attribution,
    )


def _students(runs: Sequence[Family], tools: Toolbox) -> tuple[str, ...]:
    """The students that something was measured against."""
    measured = any("students" in family.needs for family in runs)
    return tuple(student.name.id for student in tools.students()) if measured else ()


def environment() -> dict[str, str]:
    """Versions of what computes, and the machine's kind."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
