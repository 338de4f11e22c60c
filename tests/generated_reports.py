"""Reports with any metrics of the catalogue, students, sizes and controls; numbers drawn, names given."""

from __future__ import annotations

import dataclasses
import shlex
from typing import Any

from hypothesis import strategies as st

from hfscore import catalog, targets
from hfscore.damage.expected import EXPECTED
from hfscore.profiles import Entry, Profile
from hfscore.report import Control, Difference, Part, PartFact, Report, Value
from hfscore.spec import Fact, Metric
from tests import reports

FAMILIES = {family.id: family for family in catalog.families()}
SIZES = ("0.6B", "3B", "8B", "9B", "10.9B", "11B", "14B", "70B", "30B-A3B", "unknown")
GRADED: tuple[Metric, ...] = tuple(
    metric for family in FAMILIES.values() if family.for_student is None for metric in family.metrics
)


@st.composite
def numbers(draw: st.DrawFn, metric: Metric) -> tuple[float, ...]:
    low = metric.lowest if metric.lowest is not None else -1.0
    high = metric.highest if metric.highest is not None else low + 10
    return tuple(sorted(draw(st.floats(low, high)) for _ in range(5)))


@st.composite
def value(draw: st.DrawFn, metric: Metric, of: Part, by: tuple[str, str] | None = None) -> Value:
    if not draw(st.integers(0, 8)):
        return reports.value(metric.id, of, None, by=by, unscored={"empty trace": of.traces})
    p5, low, mean, high, p95 = draw(numbers(metric))
    ceiling = metric.highest is not None and draw(st.booleans())
    p5 = metric.highest if ceiling and metric.highest is not None else p5
    found = reports.value(metric.id, of, mean, by=by)
    return dataclasses.replace(found, low=low, high=high, p5=p5, median=max(p5, mean), p95=max(p5, p95))


@st.composite
def difference(draw: st.DrawFn, metric: Metric, parts: list[Part]) -> Difference:
    low, mean, high = sorted(draw(st.floats(-2, 2)) for _ in range(3))
    first, second = ((one.config, one.split) for one in parts)
    return Difference(metric.id, first, second, mean, low, high, draw(st.integers(5, 400)))


@st.composite
def own_profile(draw: st.DrawFn, name: str) -> Profile:
    claims = "A better model: significant, p < 0.05, optimal. Score 82/100."  # of the user's; never printed
    entries = [
        Entry(
            metric,
            draw(st.sampled_from(["up", "down", "none", "contested"])),
            draw(st.sampled_from(["A", "B", "C", "D", "X"])),
            ("scores.csv",),
            claims,
            n=draw(st.none() | st.integers(1, 12)),
            size_seen_b=draw(st.sampled_from([None, (7.0, 7.0), (3.0, 14.0)])),
        )
        for metric in draw(st.lists(st.sampled_from([one.id for one in GRADED]), unique=True, max_size=3))
    ]
    return Profile(name, draw(st.sampled_from([(0.0, 8.0), (6.0, None), (100.0, 200.0)])), tuple(entries))


@st.composite
def controls(draw: st.DrawFn, measured: list[Metric], parts: list[Part]) -> tuple[Control, ...]:
    """Damaged copies at both doses, of some of what was measured, as it should move or not."""
    found = []
    for metric in measured:
        for damage, expected in EXPECTED.get(metric.id, {}).items():
            moved = draw(st.sampled_from(["yes", "no", None]))
            if moved is None:
                continue
            for part in parts:
                original, mean = draw(numbers(metric))[1:3]
                gap = mean - original
                given = (original, mean, mean, mean, gap, gap, gap, 50, draw(st.integers(1, 50)), 0)
                found += [
                    Control(metric.id, part.config, part.split, damage, dose, *given, expected=expected, moved=moved)  # type: ignore[arg-type]
                    for dose in (0.25, 1.0)
                ]
    return tuple(found)


@dataclasses.dataclass(frozen=True, slots=True)
class Names:
    """What a report's user called things."""

    source: str = "example-org/algebra-traces"
    parts: tuple[str, ...] = ("full", "concise", "third", "fourth")
    column: str = "source"
    profile: str = "mine"
    judge: str = "example/judge-32b"
    students: tuple[tuple[str, ...], ...] = (
        (),
        ("example/student-8b",),
        reports.STUDENTS,
        ("example/mixture-30B-A3B",),
    )


PLAIN = Names()


@st.composite
def any_report(draw: st.DrawFn, names: Names = PLAIN, most: int = 4) -> Report:
    """One to four parts, any metrics of the catalogue, students and sizes; a judge that may be rules."""
    parts = [reports.part(name) for name in names.parts[: draw(st.integers(1, most))]]
    students = draw(st.sampled_from(names.students))
    measured = draw(st.lists(st.sampled_from(GRADED), unique_by=lambda one: one.id, min_size=1, max_size=12))
    for place, name in enumerate(students):
        for family in ("student_fit", "student_context"):
            maker = FAMILIES[family].for_student
            assert maker is not None
            measured += maker(place, name).metrics
    groups = [None, *((names.column, label) for label in names.parts[: draw(st.integers(0, 2))])]
    values = [draw(value(metric, part, by)) for metric in measured for part in parts for by in groups]
    gaps = [draw(difference(metric, parts)) for metric in measured if len(parts) == 2 and draw(st.booleans())]
    asked = [targets.parse(one) for one in draw(st.lists(st.sampled_from(SIZES), unique=True, max_size=3))]
    implied = [targets.of_model(name, weights=None, experts="mixture" in name) for name in students]
    fact = Fact("rsr_of_set", "Rank-surprisal ratio of the set", 3.1, "", 400, "A note.")
    families: dict[str, dict[str, Any]] = {"fvcu": {"version": "1", "judge": "rules"}}
    if draw(st.booleans()):
        families["fvcu"]["about"] = "Rules, not a language model."
    plain = reports.report([], [])
    return reports.report(
        parts,
        values,
        source=dataclasses.replace(plain.source, id=names.source),
        metrics=tuple(measured),
        differences=tuple(gaps),
        facts=(PartFact(parts[0].config, "train", fact),),
        families=families,
        judge=draw(st.sampled_from([None, names.judge])),
        students=students,
        targets=targets.combined(asked, implied),
        profiles=tuple(draw(st.lists(own_profile(names.profile), max_size=1))),
        controls=draw(st.just(()) | controls(measured, parts)),
        command=shlex.join(["hfscore", "score", names.source, "--config", names.parts[0]]),
    )
