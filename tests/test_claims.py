"""Nothing people read claims more than evidence bears: cards, reports and terminals of many generated reports."""

from __future__ import annotations

import dataclasses
import io
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from hfscore import catalog, targets
from hfscore.card import reading, render
from hfscore.cli import output
from hfscore.profiles import Entry, Profile, sentences
from hfscore.report import Difference, Part, PartFact, Report, Value, from_json, to_json
from hfscore.spec import Fact, Metric
from tests import reports

ROOT = Path(__file__).parents[1]
CLAIMS = tomllib.loads((Path(__file__).parent / "data" / "forbidden_claims.toml").read_text())["claim"]
WIDTH = 80
FAMILIES = {family.id: family for family in catalog.families()}
SIZES = ("0.6B", "3B", "8B", "9B", "10.9B", "11B", "14B", "70B", "30B-A3B", "unknown")
GRADED: tuple[Metric, ...] = tuple(
    metric for family in FAMILIES.values() if family.for_student is None for metric in family.metrics
)


def claimed(text: str) -> list[str]:
    """What a text claims that it may not."""
    text = re.sub(r"\s+", " ", text)
    found = []
    for claim in CLAIMS:
        left = re.sub(claim["but"], "", text) if "but" in claim else text
        found += [f"{claim['claims']}: {hit[0]}" for hit in re.finditer(claim["pattern"], left, flags=re.IGNORECASE)]
    return found


def terminal_of(report: Report) -> str:
    """What `hfscore score` prints of a report on a terminal of 80 columns."""
    screen = Console(file=io.StringIO(), width=WIDTH, highlight=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(output, "stdout", lambda: screen)
        output.report_table(report)
    return screen.file.getvalue()  # type: ignore[attr-defined]


@st.composite
def numbers(draw: st.DrawFn, metric: Metric) -> tuple[float, ...]:
    low = metric.lowest if metric.lowest is not None else -1.0
    high = metric.highest if metric.highest is not None else low + 10
    return tuple(sorted(draw(st.floats(low, high)) for _ in range(5)))


@st.composite
def value(draw: st.DrawFn, metric: Metric, of: Part) -> Value:
    if not draw(st.integers(0, 8)):
        return reports.value(metric.id, of, None, unscored={"empty trace": of.traces})
    p5, low, mean, high, p95 = draw(numbers(metric))
    ceiling = metric.highest is not None and draw(st.booleans())
    p5 = metric.highest if ceiling and metric.highest is not None else p5
    found = reports.value(metric.id, of, mean)
    return dataclasses.replace(found, low=low, high=high, p5=p5, median=max(p5, mean), p95=max(p5, p95))


@st.composite
def difference(draw: st.DrawFn, metric: Metric, parts: list[Part]) -> Difference:
    low, mean, high = sorted(draw(st.floats(-2, 2)) for _ in range(3))
    first, second = ((one.config, one.split) for one in parts)
    return Difference(metric.id, first, second, mean, low, high, draw(st.integers(5, 400)))


@st.composite
def own_profile(draw: st.DrawFn) -> Profile:
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
    return Profile("mine", draw(st.sampled_from([(0.0, 8.0), (6.0, None), (100.0, 200.0)])), tuple(entries))


@st.composite
def any_report(draw: st.DrawFn) -> Report:
    """One to four parts, any metrics of the catalogue, students and sizes; a judge that may be rules."""
    parts = [reports.part(name) for name in ("full", "concise", "third", "fourth")[: draw(st.integers(1, 4))]]
    students = draw(st.sampled_from([(), ("example/student-8b",), reports.STUDENTS, ("example/mixture-30B-A3B",)]))
    measured = draw(st.lists(st.sampled_from(GRADED), unique_by=lambda one: one.id, min_size=1, max_size=12))
    for place, name in enumerate(students):
        for family in ("student_fit", "student_context"):
            maker = FAMILIES[family].for_student
            assert maker is not None
            measured += maker(place, name).metrics
    values = [draw(value(metric, part)) for metric in measured for part in parts]
    gaps = [draw(difference(metric, parts)) for metric in measured if len(parts) == 2 and draw(st.booleans())]
    asked = [targets.parse(one) for one in draw(st.lists(st.sampled_from(SIZES), unique=True, max_size=3))]
    implied = [targets.of_model(name, weights=None, experts="mixture" in name) for name in students]
    facts = [PartFact("full", "train", Fact("rsr_of_set", "Rank-surprisal ratio of the set", 3.1, "", 400, "A note."))]
    families: dict[str, dict[str, Any]] = {"fvcu": {"version": "1", "judge": "rules"}}
    if draw(st.booleans()):
        families["fvcu"]["about"] = "Rules, not a language model."
    return reports.report(
        parts,
        values,
        metrics=tuple(measured),
        differences=tuple(gaps),
        facts=tuple(facts),
        families=families,
        judge=draw(st.sampled_from([None, "example/judge-32b"])),
        students=students,
        targets=targets.combined(asked, implied),
        profiles=tuple(draw(st.lists(own_profile(), max_size=1))),
    )


@given(report=any_report())
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_card_report_or_terminal_claims_what_evidence_does_not_bear(report: Report) -> None:
    section, screen = render.render_section(report), terminal_of(report)
    assert claimed(section) == []
    assert claimed(screen) == []
    assert claimed(to_json(dataclasses.replace(report, profiles=()))) == []  # a user's own words stay the user's
    assert from_json(to_json(report)) == report
    assert max(map(len, screen.splitlines()), default=0) <= WIDTH
    if len(report.parts) == 1 and "Read for your student" in section:
        assert "a dataset measured alone is described, not ranked" in section


@given(report=any_report())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_statement_has_a_grade_and_a_sentence_of_the_reviewed_list(report: Report) -> None:
    allowed = set(sentences().values())
    for row in reading.read(report):
        for one in row.signed:
            assert one.grade in ("A", "B", "C")
            assert one.direction in ("up", "down")
            assert one.evidence in allowed
        for one in row.contested:
            assert one.why or one.evidence
            left = one.evidence
            for sentence in allowed:
                left = left.replace(sentence, "")
            assert not left.strip()


@given(report=any_report())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_student_stands_only_in_the_row_of_its_own_size(report: Report) -> None:
    for row in reading.read(report):
        said = " ".join([*(one.name for one in (*row.signed, *row.contested)), *row.unknown])
        if report.targets:
            assert all(name in row.models for name in report.students if f"({name})" in said)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["claims"])
def test_every_pattern_can_fire(claim: dict[str, str]) -> None:
    assert any(found.startswith(claim["claims"]) for found in claimed(claim["example"]))


def test_every_golden_card_and_reviewed_sentence() -> None:
    texts = {path.name: path.read_text() for path in (ROOT / "tests" / "golden").glob("*.md")}
    texts |= sentences()
    assert {name: found for name, text in texts.items() if (found := claimed(text))} == {}


def test_what_metrics_say_of_themselves() -> None:
    for family in FAMILIES.values():
        for metric in family.metrics:
            for text in (metric.title, metric.reading, metric.evidence):
                assert claimed(text) == [], metric.id
            assert metric.evidence, metric.id
