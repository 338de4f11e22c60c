"""From a report to what templates may use. A function of the report alone: no clock, no network, no files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from hfscore import escape
from hfscore.card import damaged, measured, reading
from hfscore.card import labels as naming
from hfscore.card.context import (
    Address,
    CardContext,
    Draw,
    FamilyRow,
    Look,
    Missing,
    Note,
    PartRow,
    Release,
    ReleasePlace,
    ReleaseRow,
    RowList,
)
from hfscore.card.labels import Key, name, sentence
from hfscore.informative import uninformative
from hfscore.report import REPORT_FILE, Attribution, Part, Report, RowNote

ROWS_LINKED = 5
PLACES_SHOWN = 2
HASH_LENGTH = len("sha256:") + 12

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)*/?")
_COMMIT = re.compile(r"git:([0-9a-f]{7,64})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=T|$)")


def context(report: Report, *, scores_repo: str = "") -> CardContext:
    """Everything a template may use.

    Args:
        report: What was measured; nothing else is looked at.
        scores_repo: The dataset that holds the scores of every trace, where there is one.
    """
    report = reading.by_rules(report)
    labels = naming.labels(report.parts)
    names = list(labels.values())
    values = measured.index(report)
    both = [(metric, measured.metric_row(report, metric, values, labels)) for metric in report.metrics]
    silent = uninformative(report.controls)
    telling = [one for one in both if one[0].id not in silent]
    first = [one for one in telling if one[0].headline] or telling
    students = reading.students(report, [row for _, row in both])
    rows = _rows(report)
    url = _url(report)
    day = _DAY.match(report.measured_at)
    return CardContext(
        dataset=name(report.source.id),
        scores_repo=name(scores_repo),
        url=url,
        on_hub=report.source.kind == "hub",
        version=name(report.version),
        date=day[0] if day else name(report.measured_at),
        revision=_revision(report, url),
        seed=name(str(report.settings.get("seed", "unknown"))),
        draw=_draw(report.parts),
        noun=naming.noun(report.parts),
        parts=tuple(_part(part, labels[part.config, part.split]) for part in report.parts),
        notes=_notes(report.parts, labels),
        layout=naming.layout(names),
        pair=(names[0], names[1]) if len(names) == 2 else None,
        metrics=tuple(row for _, row in both),
        first=tuple(row for _, row in first),
        length_ratio=measured.length_ratio(report, values),
        controls=damaged.controls(report, labels),
        uninformative=tuple(name(one) for one in sorted(silent)),
        why_uninformative=damaged.uninformative(report, labels),
        facts=measured.facts(report, labels),
        evidence=measured.evidence([row for _, row in both]),
        students=students,
        ranges=not report.targets,
        grades=reading.grades(students),
        unscored=measured.reasons(report, labels, lambda value: value.unscored),
        marked=measured.reasons(report, labels, lambda value: value.marked),
        skipped=_skipped(report),
        groups=measured.groups(report, values, labels, [metric for metric, _ in first]),
        look=_look(rows),
        rows=tuple(_row_list(note, labels, _linker(report, url)) for note in rows),
        release=_release(report.attribution),
        families=tuple(_family(family, settings) for family, settings in report.families.items()),
        judge=name(report.judge or ""),
        judge_notes=_judge_notes(report),
        model_notes=_model_notes(report),
        student_models=tuple(name(student) for student in report.students),
        command=escape.shell(report.command),
        settings_hash=name(report.settings_hash[:HASH_LENGTH]),
        report=Address(f".hfscore/{REPORT_FILE}", f"{url}/blob/main/.hfscore/{REPORT_FILE}" if url else None),
    )


def _judge_notes(report: Report) -> tuple[str, ...]:
    """What the judge is, how it errs on labelled steps, how often it contradicts itself."""
    settings = report.families.get("fvcu", {})
    notes = [sentence(settings[key]) for key in ("about", "errors") if settings.get(key)]
    flips = [one.fact.value for one in report.facts if one.fact.id == "judge_flips" and one.fact.value is not None]
    if flips and not any(flips):
        notes.append("Asked again, it turned round none of a sample of its verdicts.")
    elif flips:
        most = "at most " if len(flips) > 1 else ""
        notes.append(f"Asked again, it turned round {most}{max(flips):.1%} of a sample of its verdicts.")
    return tuple(notes)


def _skipped(report: Report) -> tuple[Missing, ...]:
    """What was not measured, once for each reason."""
    reasons: dict[str, list[str]] = {}
    for one in report.skipped:
        reasons.setdefault(sentence(one.why), []).append(sentence(one.what))
    return tuple(Missing("; ".join(titles), why) for why, titles in reasons.items())


def _model_notes(report: Report) -> tuple[str, ...]:
    """What the models say of themselves that a reader of their numbers should know."""
    told = [
        sentence(value)
        for family in report.families.values()
        for key, value in family.items()
        if key.endswith(", about") and value
    ]
    return tuple(dict.fromkeys(told))


def _url(report: Report) -> str | None:
    """The dataset's page, if the report names an address that can be nothing else."""
    url = report.source.url or ""
    return url.rstrip("/") if report.source.kind == "hub" and _ADDRESS.fullmatch(url) else None


def _revision(report: Report, url: str | None) -> Address | None:
    if not report.source.revision:
        return None
    commit = _COMMIT.fullmatch(report.source.revision)
    if commit is None:
        return Address(name(report.source.revision), None)
    return Address(commit[1][:7], f"{url}/tree/{commit[1]}" if url else None)


def _draw(parts: Sequence[Part]) -> Draw:
    if not parts:
        return Draw("all", True, 0, 0)
    designs = {part.design for part in parts}
    of_rows = "questions" not in designs and "rows" in designs
    drawn = [(part.rows, part.rows_total) if of_rows else (part.questions, part.questions_total) for part in parts]
    counted = {(*one, part.rows, part.traces) for one, part in zip(drawn, parts, strict=True)}
    design: Literal["questions", "rows", "all", "mixed"] = parts[0].design if len(designs) == 1 else "mixed"
    return Draw(design, len(counted) == 1 and design != "mixed", *drawn[0])


def _part(part: Part, label: str) -> PartRow:
    columns = ((role.replace("_", " "), paths) for role, paths in part.mapping.items() if paths)
    return PartRow(
        label=label,
        config=name(part.config),
        split=name(part.split),
        kind=name(part.kind.replace("_", " ")),
        columns=tuple((name(role), tuple(name(path) for path in paths)) for role, paths in columns),
        questions=part.questions,
        questions_total=part.questions_total,
        rows=part.rows,
        rows_total=part.rows_total,
        traces=part.traces,
    )


def _notes(parts: Sequence[Part], labels: Mapping[Key, str]) -> tuple[Note, ...]:
    """Notes of all parts, each once."""
    found: dict[str, list[str]] = {}
    for part in parts:
        for note in dict.fromkeys(part.notes):
            found.setdefault(sentence(note), []).append(labels[part.config, part.split])
    return tuple(Note(note, tuple(of) if len(of) < len(parts) else ()) for note, of in found.items())


def _rows(report: Report) -> list[RowNote]:
    """Rows to look at, those that a fact names among them."""
    of_facts = [
        RowNote(one.fact.title, one.config, one.split, one.fact.rows, len(one.fact.rows))
        for one in report.facts
        if one.fact.rows
    ]
    return [*report.rows, *of_facts]


def _look(rows: Sequence[RowNote]) -> tuple[Look, ...]:
    """Reasons to look at rows, the most frequent first, all parts together."""
    totals: dict[str, int] = {}
    for note in rows:
        totals[note.why] = totals.get(note.why, 0) + note.total
    return tuple(Look(sentence(why), total) for why, total in sorted(totals.items(), key=lambda one: (-one[1], one[0])))


def _linker(report: Report, url: str | None) -> Callable[[str, str, int], str | None]:
    """What gives the viewer's address of a row, or None where there is none."""

    def link(config: str, split: str, row: int) -> str | None:
        if url is None or not report.source.viewer or row < 0 or {config, split} & {"", ".", ".."}:
            return None
        place = f"{escape.url_part(config)}/{escape.url_part(split)}"
        return f"{url}/viewer/{place}?p={row // 100}&row={row}"

    return link


def _row_list(note: RowNote, labels: Mapping[Key, str], link: Callable[[str, str, int], str | None]) -> RowList:
    shown = note.rows[:ROWS_LINKED]
    rows = tuple(Address(str(row), link(note.config, note.split, row)) for row in shown)
    label = labels.get((note.config, note.split), name(f"{note.config}/{note.split}"))
    return RowList(sentence(note.why), label, rows, max(note.total - len(shown), 0))


def _release(found: Attribution | None) -> Release | None:
    if found is None:
        return None
    states = [one.state for one in found.fields]
    rows = tuple(
        ReleaseRow(
            title=sentence(one.title),
            state=one.state,
            places=tuple(ReleasePlace(place.where, name(place.name)) for place in one.places[:PLACES_SHOWN]),
            more=max(len(one.places) - PLACES_SHOWN, 0),
            next=sentence(one.next),
        )
        for one in found.fields
    )
    notes = tuple(sentence(note) for note in found.notes)
    return Release(found.contract, sentence(found.why), states.count("found"), states.count("mentioned"), rows, notes)


def _family(family: str, settings: Mapping[str, str]) -> FamilyRow:
    rest = tuple((name(key), sentence(value)) for key, value in settings.items() if key != "version")
    return FamilyRow(name(family), name(settings.get("version", "")), rest)
