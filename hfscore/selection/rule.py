"""What rows are chosen by: metrics with a sign, taken from the evidence at a size or said by the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from hfscore import catalog, read_for, targets
from hfscore.backends.toolbox import NO_MODEL
from hfscore.card.reading import by_rules
from hfscore.comparison.readings import base, reading
from hfscore.comparison.values import Statement
from hfscore.errors import HfscoreError
from hfscore.informative import uninformative
from hfscore.report import Report
from hfscore.settings import Settings
from hfscore.spec import Family, Grade, Metric, suffix_of
from hfscore.targets import Target

ENDS = ("up", "down")


@dataclass(frozen=True, slots=True)
class By:
    """A metric that rows are chosen by.

    Args:
        metric: Metric id.
        title: Its title.
        family: Its family, without the name of a student.
        direction: Which end is chosen.
        basis: Whether the sign is that of published evidence, or the user's own word.
        grade: Grade of that evidence; "-" for the user's own.
        evidence: One sentence.
    """

    metric: str
    title: str
    family: str
    direction: Literal["up", "down"]
    basis: Literal["evidence", "asked"]
    grade: Grade
    evidence: str


def parse_metric(text: str) -> tuple[str, Literal["up", "down"] | None]:
    """Read "METRIC" or "METRIC=up|down".

    Raises:
        HfscoreError: It is neither.
    """
    name, equals, direction = (word.strip() for word in text.partition("="))
    if not name or (equals and direction not in ENDS):
        raise HfscoreError(f"'{text}' does not say which end to choose.", f"Give {name or 'METRIC'}=up or =down.")
    return name, "up" if direction == "up" else "down" if direction == "down" else None


def target_of(settings: Settings) -> Target | None:
    """The size that rows are chosen for.

    Raises:
        HfscoreError: There are several.
    """
    if len(settings.target) > 1:
        raise HfscoreError("Rows are chosen for one size of student.", "Name one --target; choose again for another.")
    return targets.parse(settings.target[0]) if settings.target else None


def families_for(settings: Settings, metrics: Sequence[str], *, flags: bool) -> tuple[list[str], list[str]]:
    """Families to score, and metrics with a sign that these settings cannot measure, as sentences.

    Args:
        settings: The judge, the students and the target.
        metrics: As the user named them.
        flags: Whether flags are needed.

    Raises:
        HfscoreError: A metric is not known, or nothing with a sign can be measured.
    """
    target = target_of(settings)
    named = [parse_metric(one)[0] for one in metrics]
    wanted = {family.id for family in catalog.choose(named)} if named else set()
    notes: list[str] = []
    if target is not None and not named:
        signed = [one for one in catalog.families() if any(_signed(target, metric) for metric in one.metrics)]
        lacking = {one.id: _lacks(one, settings, target) for one in signed}
        wanted |= {name for name, options in lacking.items() if not options}
        notes = [f"{one.title}: left out, it needs {lacking[one.id]}." for one in signed if lacking[one.id]]
        if not wanted:
            raise HfscoreError(
                f"No metric with a known sign at {target.text} can be measured with these options.",
                " ".join(notes) or "Name a metric and the end to choose: --metric M=up.",
            )
    if flags:
        raising = [one for one in catalog.families() if any(metric.flag for metric in one.metrics)]
        lacking = {one.id: _lacks(one, settings, None) for one in raising}
        wanted |= {name for name, options in lacking.items() if not options}
        notes += [
            f"Flags of {one.title}: not looked at, they need {lacking[one.id]}." for one in raising if lacking[one.id]
        ]
    return sorted(wanted), notes


def check_named(metrics: Sequence[str], settings: Settings) -> None:
    """Refuse metrics that no evidence gives a sign at the target and that were named without an end.

    Raises:
        HfscoreError: There is one.
    """
    target = target_of(settings)
    of = {
        name: metric for family in catalog.families() for metric in family.metrics for name in (metric.id, metric.alias)
    }
    for text in metrics:
        name, said = parse_metric(text)
        metric = of.get(base(name))
        if said is None and metric is not None and (target is None or _signed(target, metric) is None):
            _refuse_signless(name, metric.id, target)


def _refuse_signless(name: str, metric: str, target: Target | None) -> NoReturn:
    where = f" at {target.text}" if target else ""
    raise HfscoreError(
        f"No evidence gives {metric} a sign{where} that could choose rows.",
        f"Say which end to choose, --metric {name}=up or --metric {name}=down"
        + ("." if target else ", or for which size, --target 8B."),
    )


def _signed(target: Target, metric: Metric) -> Statement | None:
    return next(iter(reading(target, [metric]).signed), None)


def _lacks(family: Family, settings: Settings, target: Target | None) -> str:
    """Options without which a family cannot be measured, or is measured for nobody that rows are chosen for."""
    given = {
        "judge": settings.judge,
        "students": settings.student,
        "student_lms": [one for one in settings.student if target is None or _is_of(one, target)],
        "contamination": settings.contamination,
        "reference_lm": settings.reference_lm != NO_MODEL,
    }
    fitting = f"--student of {target.text}" if target else "--student"
    options = {"student_lms": f"a {fitting}", "students": "--student", "reference_lm": "a --reference-lm"}
    missing = [options.get(need, f"--{need}") for need in family.needs if need in given and not given[need]]
    return ", ".join(dict.fromkeys(missing))


def _is_of(student: str, target: Target) -> bool:
    size = read_for.of_student(student, student).total_b
    return size is not None and target.total_b is not None and targets.alike(size, target.total_b)


def ruled(report: Report, metrics: Sequence[str], target: Target | None) -> tuple[list[By], list[str]]:
    """The metrics of a report to choose by, and what was left out, whole sentences.

    Args:
        report: What was measured.
        metrics: As the user named them; none takes all that have a sign at the target.
        target: The size, or None.

    Raises:
        HfscoreError: A metric was not measured, or has no sign and none was said.
    """
    families = catalog.family_of()
    report = by_rules(report)  # evidence on a judge says nothing of rules that stand in for one
    if metrics:
        named = [_named(report, text, target, families) for text in metrics]
        if double := next(
            (one.metric for one in named if [other.metric for other in named].count(one.metric) > 1), None
        ):
            raise HfscoreError(f"{double} is named twice.", "Name it once.")
        return named, []
    if target is None:
        return [], []
    notes, found = [], []
    for metric in report.metrics:
        if (said := _signed(target, metric)) is None:
            continue
        if metric.id in uninformative(report.controls):
            notes.append(f"{metric.id} is left out: it is uninformative here by the controls.")
            continue
        if (other := _other_student(report, metric, target)) is not None:
            notes.append(f"{metric.id} is left out: it is measured for {other}, whose size is not {target.text}.")
        else:
            found.append(_by(metric, said, families))
    if not found:
        raise HfscoreError(
            f"Nothing that was measured has a known sign at {target.text}.",
            " ".join(notes) or "Name a metric and the end to choose: --metric M=up.",
        )
    return found, notes


def _other_student(report: Report, metric: Metric, target: Target) -> str | None:
    """The student of another size that a metric is measured for, or None."""
    if "__" not in metric.id:
        return None
    for row in report.targets:
        for student in row.students:
            if metric.id.endswith(suffix_of(student)):
                sizes = (row.total_b, target.total_b)
                return None if None not in sizes and targets.alike(*sizes) else student  # type: ignore[arg-type]
    return None


def _by(metric: Metric, said: Statement, families: dict[str, str]) -> By:
    direction: Literal["up", "down"] = "up" if said.direction == "up" else "down"
    return By(metric.id, metric.title, _family(metric, families), direction, "evidence", said.grade, said.evidence)


def _named(report: Report, text: str, target: Target | None, families: dict[str, str]) -> By:
    name, said = parse_metric(text)
    found = [one for one in report.metrics if name in (one.id, one.alias)]
    found = found or [one for one in report.metrics if name in (base(one.id), base(one.alias))]
    if len(found) != 1:
        several = ", ".join(one.id for one in found)
        raise HfscoreError(
            f"'{name}' was measured for several students." if found else f"The report has no metric '{name}'.",
            f"Name one of {several}." if found else "'hfscore metrics' shows all; score again with it.",
        )
    metric = found[0]
    family = _family(metric, families)
    if said:
        return By(metric.id, metric.title, family, said, "asked", "-", "The end was named by who chose the rows.")
    if target is not None and (statement := _signed(target, metric)) is not None:
        return _by(metric, statement, families)
    _refuse_signless(name, metric.id, target)


def _family(metric: Metric, families: dict[str, str]) -> str:
    return families.get(base(metric.id), metric.id)
