"""For whom a report is read: sizes asked for, those of students, evidence of the user's own. Decides no number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hfscore import targets
from hfscore.backends.model_size import model_size
from hfscore.profiles import Profile, load_profile
from hfscore.report import Report
from hfscore.settings import Settings
from hfscore.targets import Target


def asked(settings: Settings) -> tuple[tuple[Target, ...], tuple[Profile, ...]]:
    """Sizes and profiles that settings name.

    Raises:
        HfscoreError: A size or a file cannot be read.
    """
    profiles = [load_profile(Path(name)) for name in dict.fromkeys(settings.profile)]
    return tuple(map(targets.parse, settings.target)), tuple(profiles)


def for_settings(report: Report, settings: Settings) -> Report:
    """A report of these settings, to be read for what they ask for and for each of their students."""
    sizes, profiles = asked(settings)
    names = list(dict.fromkeys(settings.student))
    shown = report.students if len(report.students) == len(names) else tuple(map(_short, names))
    students = [of_student(name, title) for name, title in zip(names, shown, strict=True)]
    return replace(report, targets=targets.combined(sizes, students), profiles=profiles)


def for_others(report: Report, target: Sequence[str] = (), profile: Sequence[str] = ()) -> Report:
    """A report to be read for other sizes, or with other evidence of the user's own; nothing given changes nothing.

    Raises:
        HfscoreError: A size or a file cannot be read.
    """
    sizes, profiles = asked(Settings(target=tuple(target), profile=tuple(profile)))
    students = [one for one in report.targets if one.students]
    return replace(
        report,
        targets=targets.combined(sizes, students) if sizes else report.targets,
        profiles=profiles or report.profiles,
    )


def of_student(name: str, title: str) -> Target:
    """The target that a student implies: its size as counted in its weights, else as its name has it.

    Args:
        name: As it was given: a Hub id, a folder.
        title: What to call it.
    """
    size = model_size(name)
    return targets.of_model(title, weights=size.weights, experts=size.experts)


def _short(name: str) -> str:
    return Path(name).resolve().name if Path(name).is_dir() else name.partition("@")[0]
