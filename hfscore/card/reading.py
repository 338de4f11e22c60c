"""What a report says for a student of one size: signs that evidence gives, beside the differences measured here.

No value is rated and no parts are ranked: a sign stands beside a number with its grade, and a difference with its
interval. The words come from the reviewed list of `profiles`; a user's own evidence stands apart from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from hfscore import targets
from hfscore.card import labels as naming
from hfscore.card import measured
from hfscore.card.context import GradeText, MetricRow, OwnStatement, Statement, Student
from hfscore.card.labels import name
from hfscore.informative import uninformative
from hfscore.ports import CRITERIA
from hfscore.profiles import GRADES, Entry, Profile, conflicts, published
from hfscore.report import Report
from hfscore.spec import Metric, suffix_of
from hfscore.targets import Known, Target

BY_RULES = "Judged by rules and not by a language model: what was published about this metric does not speak of it."
EXPLORATORY, CONCLUSIVE = 5, 8  # datasets; below the first nothing can be concluded from ranks

Row = tuple[Metric, MetricRow]


def by_rules(report: Report) -> Report:
    """The report with the judge's metrics as what they are where rules stood in for a language model."""
    if "about" not in report.families.get("fvcu", {}):
        return report
    metrics = [
        replace(metric, title=_tagged(metric.title), direction="none", grade="-", evidence=BY_RULES)
        if metric.id.partition("_")[0] in CRITERIA
        else metric
        for metric in report.metrics
    ]
    return replace(report, metrics=tuple(metrics))


def read(report: Report) -> tuple[Student, ...]:
    """A row for every size that a report is read for, or for the two ranges of sizes that evidence is about."""
    report = by_rules(report)
    labels, values = naming.labels(report.parts), measured.index(report)
    return students(report, [measured.metric_row(report, metric, values, labels) for metric in report.metrics])


def students(report: Report, rows: Sequence[MetricRow]) -> tuple[Student, ...]:
    """As `read`, from rows that are made: one for each metric of the report, in its order."""
    shown = [
        (metric, row)
        for metric, row in zip(report.metrics, rows, strict=True)
        if row.lowest is not None and metric.evidence != BY_RULES
    ]
    if report.targets:
        found = [_of_target(report, target, shown) for target in report.targets]
    else:
        found = [_of_range(report, profile, shown) for profile in published()]
    return _said_once(found) if any(one.signed or one.contested or one.own or one.aside for one in found) else ()


def grades(rows: Sequence[Student]) -> tuple[GradeText, ...]:
    """The grades that stand in the students' table."""
    used = {one.grade for row in rows for one in (*row.signed, *row.contested)}
    used |= {one.grade for row in rows for one in row.own}
    return tuple(GradeText(grade, words) for grade, words in GRADES.items() if grade in used - {"-"})


def unread(report: Report) -> tuple[Profile, ...]:
    """Profiles of the user's own that are for none of the sizes that the report is read for."""
    return tuple(profile for profile in report.profiles if not _reached(report, profile))


def _reached(report: Report, profile: Profile) -> bool:
    if not report.targets:
        return any(_overlap(profile, one) for one in published())
    return any(targets.own(one, [profile], entry.metric) for one in report.targets for entry in profile.entries)


def _of_range(report: Report, profile: Profile, rows: Sequence[Row]) -> Student:
    low, high = profile.size_b
    known = [(row, targets.in_profile(profile, _id(row[0]))) for row in rows]
    own = [
        (row, _own(row, one, entry, profile.entry(_id(row[0]))))
        for row in rows
        for one in report.profiles
        if _overlap(one, profile) and (entry := one.entry(_id(row[0])))
    ]
    size = f"≥ {targets.size(low)}" if high is None else f"≤ {targets.size(high)}"
    return _student(report, size, known, own)


def _of_target(report: Report, target: Target, rows: Sequence[Row]) -> Student:
    suffixes = tuple(map(suffix_of, target.students))
    mine = [row for row in rows if not _is_of_a_student(row[0]) or row[0].id.endswith(suffixes or ("\0",))]
    known = [(row, targets.known(target, _id(row[0]))) for row in mine]
    own = [
        (row, _own(row, profile, entry, *found.entries))
        for row, found in known
        for profile, entry in targets.own(target, report.profiles, _id(row[0]))
    ]
    student = _student(report, target.text if target.total_b is not None else "unknown size", known, own)
    return replace(student, models=tuple(map(name, target.students)), remark=_remark(target))


def _student(
    report: Report, size: str, known: Sequence[tuple[Row, Known]], own: Sequence[tuple[Row, OwnStatement]]
) -> Student:
    silent = uninformative(report.controls)
    said = [row for row, found in known if found.where in ("evidence", "contested")] + [row for row, _ in own]
    aside = dict.fromkeys(row.name for metric, row in said if metric.id in silent)
    known = [(row, found) for row, found in known if row[0].id not in silent]
    signed = [_signed(report, row, found) for row, found in known if found.where == "evidence"]
    contested = [_statement(row[1].name, found) for row, found in known if found.where == "contested"]
    return Student(
        size=size,
        models=(),
        remark="",
        signed=_merged(signed),
        contested=_merged(contested),
        unknown=tuple(
            row.name
            for (metric, row), found in known
            if found.where == "unknown" and row.headline and metric.grade != "-"
        ),
        own=tuple(one for (metric, _), one in own if metric.id not in silent),
        aside=tuple(aside),
    )


def _signed(report: Report, row: Row, found: Known) -> Statement:
    metric, shown = row
    title = f"{shown.name} {shown.lowest}" if len(report.parts) == 1 else shown.name
    return replace(_statement(title, found), gap=shown.gap, ceiling=_at_ceiling(report, metric))


def _statement(title: str, found: Known) -> Statement:
    return Statement(
        name=title,
        direction=found.entries[0].direction if found.entries else "none",
        grade=max((one.grade for one in found.entries), default="-"),  # of two the lower
        evidence=" ".join(dict.fromkeys(one.evidence for one in found.entries)),
        said=False,
        gap=None,
        ceiling=False,
        extrapolated=found.extrapolated,
        why=found.why,
    )


def _own(row: Row, profile: Profile, entry: Entry, *others: Entry | None) -> OwnStatement:
    return OwnStatement(
        profile=name(profile.name),
        name=row[1].name,
        direction=entry.direction,
        grade=entry.grade,
        rests=rests(entry),
        conflict=any(conflicts(entry, one) for one in others if one),
    )


def rests(entry: Entry) -> str:
    """How many datasets an entry rests on, what that bears, and at which sizes."""
    if entry.n is None:
        count = "number of datasets not stated"
    else:
        bears = "descriptive only" if entry.n < EXPLORATORY else "exploratory" if entry.n < CONCLUSIVE else ""
        count = f"{entry.n} dataset{'s'[: entry.n != 1]}" + (f", {bears}" if bears else "")
    if entry.size_seen_b is None:
        return count
    low, high = map(targets.size, entry.size_seen_b)
    return f"{count}, seen at {low}" + (f" to {high}" if high != low else "")


def _at_ceiling(report: Report, metric: Metric) -> bool:
    """Whether 95% of the traces of every part have the highest value that there can be."""
    found = [one for one in report.values if one.metric == metric.id and one.by is None and one.mean is not None]
    return bool(found) and metric.highest is not None and all(one.p5 == metric.highest for one in found)


def _merged(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Statements that differ in the metric alone become one, unless a difference was found."""
    result: list[Statement] = []
    for one in statements:
        for place, other in enumerate(result):
            plain = not (one.gap and one.gap.clear) and not (other.gap and other.gap.clear)
            if plain and bool(one.gap) == bool(other.gap) and replace(other, name=one.name, gap=one.gap) == one:
                result[place] = replace(other, name=f"{other.name}; {one.name}")
                break
        else:
            result.append(one)
    return tuple(result)


def _said_once(rows: Sequence[Student]) -> tuple[Student, ...]:
    """Every sentence of evidence where it first stands; behind that only that it was said."""
    before: set[str] = set()

    def mark(statements: Sequence[Statement]) -> tuple[Statement, ...]:
        marked = []
        for one in statements:
            marked.append(replace(one, said=one.evidence in before))
            before.update({one.evidence} - {""})
        return tuple(marked)

    return tuple(replace(row, signed=mark(row.signed), contested=mark(row.contested)) for row in rows)


def _remark(target: Target) -> str:
    """How a size is read, a few words."""
    if target.total_b is None:
        return "no evidence without a size"
    origin = ", size from its name" if target.basis == "name" else ""
    if target.active_b is not None:
        active = f"{targets.size(target.active_b)} active" if target.active_b else "active ones unknown"
        return f"mixture of experts, {targets.size(target.total_b)} parameters, {active}: no evidence{origin}"
    found = targets.profiles_of(target)
    small, larger = published()
    assert small.size_b[1] is not None, "small students end somewhere"
    low, high = targets.size(small.size_b[1]), targets.size(larger.size_b[0])
    if len(found) > 1:
        return f"between {low} and {high}: both profiles, nothing is interpolated{origin}"
    words = f"read as ≤ {low}" if found[0] == small else f"read as ≥ {high}"
    bottom, top = found[0].seen_from_b, found[0].seen_to_b
    if bottom is not None and target.total_b < bottom:
        words += f", extrapolated below {targets.size(bottom)}"
    if top is not None and target.total_b > top:
        words += f", extrapolated above {targets.size(top)}"
    return words + origin


def _overlap(one: Profile, other: Profile) -> bool:
    (low, high), (bottom, top) = one.size_b, other.size_b
    return (top is None or low <= top) and (high is None or bottom <= high)


def _id(metric: Metric) -> str:
    return metric.id.partition("__")[0]


def _is_of_a_student(metric: Metric) -> bool:
    return "__" in metric.id


def _tagged(title: str) -> str:
    """ "Validity (rule judge): ..."."""
    head, colon, rest = title.partition(":")
    return f"{head} (rule judge){colon}{rest}"
