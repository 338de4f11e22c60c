"""From a source and settings to a run that can start: what is read, what can be measured, and where it is kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hfscore
from hfscore import catalog, engine, read_for, shards
from hfscore.backends.judges import Slot
from hfscore.backends.toolbox import Toolbox
from hfscore.errors import MissingExtraError
from hfscore.pool import is_free
from hfscore.report import Attribution, Skipped
from hfscore.run import Detected, Progress, Run, check_groups, detect, mute, release, usable
from hfscore.settings import ACCESS, Settings, as_json
from hfscore.sources import Source, open_source
from hfscore.spec import Family

Say = Callable[[str], None]


def silent(stage: str, done: int, total: int | None) -> None:
    """Say nothing of a run's progress."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be measured, as plain data.

    Args:
        families: family id -> what decides its numbers.
        students: Students that families are measured for.
        unmet: (title, why) of families that are not measured.
    """

    families: Mapping[str, Mapping[str, str]]
    students: Sequence[str]
    unmet: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run before it starts.

    Args:
        run: What will be read and measured.
        chosen: Families that were asked for, measurable or not.
        plan: What is measured of them.
        skipped: Parts and metrics that are not measured, with their reasons.
        attribution: What the release says about itself.
    """

    run: Run
    chosen: tuple[Family, ...]
    plan: Plan
    skipped: tuple[Skipped, ...]
    attribution: Attribution

    @property
    def described(self) -> Mapping[str, Mapping[str, str]]:
        """family id -> what decides its numbers (versions, models), of the families measured."""
        return self.plan.families

    @property
    def students(self) -> tuple[str, ...]:
        """Students measured against."""
        return tuple(self.plan.students)

    @property
    def opened(self) -> Source:
        """The source."""
        return self.run.opened


@contextmanager
def prepare(
    source: Any,
    settings: Settings,
    *,
    revision: str | None = None,
    token: str | None = None,
    name: str | None = None,
    out: Path | None = None,
    plan: Plan | None = None,
    merging: bool = False,
    slot: Slot | None = None,
    progress: Progress = silent,
    say: Say = mute,
    cores: int = 1,
) -> Iterator[Prepared]:
    """Open a source, recognise its columns, load what the metrics need; what was opened is closed at the end.

    Args:
        source: As of `api.score`.
        settings: As of `api.score`.
        revision: As of `api.score`.
        token: As of `api.score`.
        name: As of `api.score`.
        out: Folder under which readings are kept while the run lasts; None keeps none.
        plan: What can be measured, where that is known: then no model is loaded before it is asked.
        merging: Whether all that models score is kept under `out` already, and the plan with it.
        slot: Which of several processes that ask one judge this is.
        progress: Told what is being done.
        say: Told, in whole sentences, what was chosen and what is left out.
        cores: As of `api.score`.

    Raises:
        HfscoreError: Nothing can be scored, or a metric named in `settings` cannot be measured.
    """
    read_for.asked(settings)  # what cannot be read is refused before anything is scored
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
    chosen = catalog.choose(settings.metric)
    tools = Toolbox(settings, say, progress, slot)
    try:
        if merging:
            assert out is not None, "what is merged lies somewhere"
            plan = Plan(**shards.run_of(out / shards.FOLDER)["plan"])
        elif plan is None:
            progress("loading models", 0, None)
            plan = _plan(chosen, settings, tools, say)
        run = Run(opened, detected, settings, _families(plan), tools, progress, say, cores)
        if out is not None and not all(map(is_free, run.families)):
            folder = out / shards.FOLDER
            shards.begin(folder, _fingerprint(run, plan, source, revision))
            run = dataclasses.replace(run, shards=folder, merging=merging)
        unmet = [Skipped(title, why) for title, why in plan.unmet]
        yield Prepared(run, chosen, plan, (*skipped, *unmet), attribution)
    finally:
        tools.close()


def _plan(chosen: Sequence[Family], settings: Settings, tools: Toolbox, say: Say) -> Plan:
    """What can be measured, and why the rest cannot; loads every model that is needed, to know."""
    wanted = [family for family in chosen if settings.metric or not family.costly]
    needs = {need for family in wanted for need in family.needs}
    runs, missing = engine.check_needs(wanted, {need: tools.problem(need) for need in needs})
    if missing and settings.metric:
        raise MissingExtraError(" ".join(dict.fromkeys(one.why for one in missing)))
    unmet = [(one.what, one.why) for one in missing]
    unmet += [
        (f"{one.title} ({one.id})", "Reads every trace many times: name it with --metric to have it.")
        for one in chosen
        if one not in wanted
    ]
    reasons: dict[str, list[str]] = {}
    for title, why in unmet:
        reasons.setdefault(why, []).append(title)
    for why, titles in reasons.items():
        say(f"Not measured: {'; '.join(titles)}. {why}")
    asked = {need for family in runs for need in family.needs}
    students = [one.name.id for one in tools.student_lms()] if "student_lms" in asked else []
    families = {
        one.id: {"version": str(one.version), **one.settings(tools)} for one in catalog.for_students(runs, students)
    }
    if "students" in asked:
        students = students or [one.name.id for one in tools.students()]
    return Plan(families, students, unmet)


def _families(plan: Plan) -> list[Family]:
    """The families of a plan, one for each student where they ask for students."""
    return [one for one in catalog.for_students(catalog.families(), plan.students) if one.id in plan.families]


def _fingerprint(run: Run, plan: Plan, source: Any, revision: str | None) -> dict[str, Any]:
    """Everything that decides a number that is kept, and all that a merge needs. Stays on this machine."""
    info = run.opened.info
    given = dataclasses.asdict(run.settings)
    return {
        "hfscore": hfscore.__version__,
        "source": info.id,
        "revision": info.revision.removeprefix("git:") if info.revision else revision,
        "data": info.fingerprint,
        "settings": {name: value for name, value in as_json(run.settings).items() if name not in ACCESS},
        "columns": {
            one.name: {role: list(paths) for role, paths in one.layout.mapping.items()} for one in run.detected
        },
        "plan": dataclasses.asdict(plan),
        shards.HERE: {"source": _address(source) or info.id, "settings": given},
    }


def _address(source: Any) -> str | None:
    """A source as it can be named again from anywhere on this machine; None for objects in memory."""
    if not isinstance(source, str | Path):
        return None
    return str(Path(source).resolve()) if Path(source).exists() else str(source)


def _layout_notes(detected: Sequence[Detected]) -> list[str]:
    """What was decided about columns, once for all parts it was decided for."""
    parts: dict[str, list[str]] = {}
    for one in detected:
        for note in one.layout.notes:
            parts.setdefault(note, []).append(one.name)
    several = {note: f"{names[0]} and {len(names) - 1} more" for note, names in parts.items() if len(names) > 1}
    return [f"{several.get(note, names[0])}: {note}" for note, names in parts.items()]
