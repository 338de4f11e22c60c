"""What is refused before anything is scored, and the scored split that rows are chosen from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hfscore
from hfscore import api, catalog
from hfscore.comparison.candidates import saved
from hfscore.errors import HfscoreError
from hfscore.hub.repo import README
from hfscore.hub.scores_repo import scores_of
from hfscore.report import SCORES_FILE, Part, Report, load
from hfscore.run import Detected, check_groups, detect, traces_of, usable
from hfscore.selection.rule import check_named
from hfscore.selection.values import DATA, KEY, OWN, RANDOM, SUBSET
from hfscore.selection.wish import Wish
from hfscore.selection.write import FORMATS
from hfscore.settings import Settings, from_json
from hfscore.sources import Source, open_source

SCORES_FOLDER = "scores"
COLUMNS = ("question", "reasoning", "response", "reference")  # settings that say where they stand
OURS = {f"{name}.{form}" for name in (SUBSET, RANDOM) for form in FORMATS}


@dataclass(frozen=True, slots=True)
class Opened:
    """A scored split: its report and scores, and its rows.

    Args:
        report: The report.
        scores: Its scores.parquet.
        part: The split as it was scored.
        source: The source.
        one: The split.
        again: Whether its rows were chosen by hfscore before, so that the numbers beside them are replaced.
    """

    report: Report
    scores: Path
    part: Part
    source: Source
    one: Detected
    again: bool

    @property
    def key(self) -> tuple[str, str]:
        """(config, split)."""
        return self.part.config, self.part.split


def check_asked(
    source: Any, wish: Wish, own: Settings, metric: Sequence[str], form: str, folder: Path, *, trl: bool
) -> None:
    """Refuse what cannot be done, before anything is read.

    Raises:
        HfscoreError: Nothing orders the rows, no model is named for `trl`, or the folder holds what is somebody else's.
    """
    if not own.target and not metric and not (wish.top is None and wish.n is None):
        raise HfscoreError("Nothing says which rows come first.", "Give --target 8B, or --metric M=up.")
    if form not in FORMATS:
        raise HfscoreError(f"'{form}' is no format.", f"Give one of {', '.join(FORMATS)}.")
    if trl and not own.student:
        raise HfscoreError("Nothing says which model is to be trained.", "Add --student MODEL.")
    check_named(metric, own)
    card = folder / README
    if card.exists() and not scores_of(card.read_bytes(), KEY):
        raise HfscoreError(f"{card} was not written by 'hfscore select'.", "Choose another folder.")
    theirs = sorted(path.name for path in (folder / DATA).glob("*") if path.name not in OURS)
    if theirs or folder.is_file() or (folder / DATA).is_file():
        what = f"{folder / DATA} holds {theirs[0]}" if theirs else f"{folder} is no folder"
        raise HfscoreError(f"{what}.", "Choose another folder.")
    if isinstance(source, str | Path) and Path(source).exists():
        place = Path(source).resolve()
        if folder.resolve() == place or folder.resolve() in place.parents:
            raise HfscoreError(f"The source lies in {folder}.", "Choose another folder.")


def check_rows(opened: Source, one: Detected, wish: Wish, *, trl: bool) -> bool:
    """Refuse rows that cannot be chosen as was asked, by the first of them.

    Returns:
        Whether the rows were chosen by hfscore before.

    Raises:
        HfscoreError: A column is missing or has a name of ours, or the traces have several turns to train on.
    """
    check_groups([one], wish.columns)
    again = scores_of(opened.card() or b"", KEY) is not None
    taken = sorted({name for row in one.head for name in row if name.startswith(OWN)})
    if taken and not again:
        raise HfscoreError(f"The source has a column {taken[0]}, which is a name of ours.", "Rename it there.")
    if trl and any(t.turns for n, row in enumerate(one.head) for t in traces_of(one.layout, one.ref, n, row, ())):
        raise HfscoreError(
            "A trajectory has several turns to train on, a prompt with a completion has one.",
            "Leave --trl out, and train on the rows as they are.",
        )
    return again


def scored(
    source: Any,
    folder: Path,
    whole: Settings,
    wish: Wish,
    *,
    trl: bool,
    revision: str | None,
    token: str | None,
    **more: Any,
) -> Path:
    """The folder with the scores of all rows: made now, unless it holds them already.

    Args:
        source: The source.
        folder: Folder of the selection.
        whole: What to score.
        wish: What is checked before.
        trl: As of `select`.
        revision: As of `select`.
        token: As of `select`.
        more: Handed to `api.score`.

    Raises:
        HfscoreError: There are several parts, the rows cannot be chosen as was asked, or scoring is refused.
    """
    opened = open_source(source, configs=whole.config, splits=whole.split, revision=revision, token=token)
    parts = usable(detect(opened, whole))[0]
    one_part([(one.ref.config, one.ref.split) for one in parts])
    check_rows(opened, parts[0], wish, trl=trl)
    where = folder / SCORES_FOLDER
    if saved(where) is not None and (where / SCORES_FILE).exists():
        there = load(where)
        same = there.settings_hash == whole.hash(catalog.choose(whole.metric)) and there.version == hfscore.__version__
        if same and there.source.fingerprint and there.source.fingerprint == opened.info.fingerprint:
            more["say"](f"{where} has the scores of these data with these settings: not scored again.")
            return where
    api.score(source, whole, revision=revision, token=token, out=where, **more)
    return where


def of_report(report: Path | str, revision: str | None) -> Path:
    """The folder of a report that was named.

    Raises:
        HfscoreError: There is none, or a revision was named beside it.
    """
    found = saved(report)
    if found is None:
        raise HfscoreError(f"There is no report in {report}.", "Make one: hfscore score SOURCE --rows all --out DIR.")
    if revision is not None:
        raise HfscoreError("A report says which revision it is of.", "Leave --revision or --report out.")
    return found


def one_part(names: Sequence[tuple[str, str]]) -> None:
    """Refuse several parts.

    Raises:
        HfscoreError: There are several.
    """
    if len(names) > 1:
        raise HfscoreError(
            "Rows are chosen from one config and split.",
            f"Name one with --config and --split: {', '.join('/'.join(name) for name in names)}.",
        )


def open_scored(
    source: Any, where: Path, chosen: Settings, wish: Wish, *, trl: bool, revision: str | None, token: str | None
) -> Opened:
    """The rows behind a report, at its own revision and by its own columns.

    Raises:
        HfscoreError: The report has several parts and none was named, or the data are others.
    """
    report = load(where)
    wanted = [
        part
        for part in report.parts
        if (not chosen.config or part.config in chosen.config) and (not chosen.split or part.split in chosen.split)
    ]
    if not wanted:
        names = ", ".join(f"{part.config}/{part.split}" for part in report.parts)
        raise HfscoreError("The report has no such config and split.", f"It has: {names}.")
    one_part([(part.config, part.split) for part in wanted])
    part = wanted[0]
    if not (where / SCORES_FILE).exists():
        raise HfscoreError(f"There is no {SCORES_FILE} beside the report.", "Score again with --out DIR.")
    measured = report.source.revision.removeprefix("git:") if report.source.revision else None
    in_memory = report.source.kind == "python"
    opened = open_source(
        source,
        configs=() if in_memory else (part.config,),
        splits=() if in_memory else (part.split,),
        revision=measured or revision,
        token=token,
    )
    if report.source.fingerprint and opened.info.fingerprint != report.source.fingerprint:
        raise HfscoreError("The data are not those that were scored.", "Score again: hfscore score SOURCE --rows all.")
    columns = from_json({name: value for name, value in report.settings.items() if name in COLUMNS})
    one = next(one for one in detect(opened, columns) if (one.ref.config, one.ref.split) == (part.config, part.split))
    again = check_rows(opened, one, wish, trl=trl)
    return Opened(report, where / SCORES_FILE, part, opened, one, again)
