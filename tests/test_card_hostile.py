"""Reports full of hostile text, of huge and of missing numbers: nothing of it becomes markup."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hfscore import escape
from hfscore.card import render, splice
from hfscore.card.views import context
from hfscore.report import Difference, Part, PartFact, Report, RowNote, Skipped, SourceInfo, Value
from hfscore.spec import Fact, Metric
from tests import reports
from tests.markup import MARKDOWN, check
from tests.reports import URL
from tests.test_escape import NASTY, TEXTS

COUNTS = st.one_of(st.integers(0, 500), st.sampled_from([-3, 10**30]))
NUMBERS = st.one_of(
    st.none(), st.floats(-2, 2), st.sampled_from([1e300, -1e-12, 5e8, float("nan"), float("inf"), 0.0, 1.0, -0.0])
)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
REASONS = st.dictionaries(TEXTS, COUNTS, max_size=3)


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    text = [draw(TEXTS) for _ in range(6)]
    return Metric(
        *text[:5],
        lowest=None,
        highest=None,
        direction=draw(st.sampled_from(["up", "down", "none", "contested"])),
        grade=draw(st.sampled_from(["A", "B", "C", "D", "X", "-"])),
        evidence=text[5],
        headline=draw(st.booleans()),
        digits=draw(st.integers(0, 4)),
        unit=draw(st.sampled_from(["", "share", "words"])),
        statistic=draw(st.sampled_from(["mean", "median"])),
    )


@st.composite
def parts(draw: st.DrawFn, place: tuple[str, str]) -> Part:
    return Part(
        *place,
        kind=draw(TEXTS),
        mapping=draw(st.dictionaries(TEXTS, st.lists(TEXTS, max_size=2).map(tuple), max_size=2)),
        design=draw(st.sampled_from(["questions", "rows", "all"])),
        rows_total=draw(st.none() | COUNTS),
        questions_total=draw(st.none() | COUNTS),
        rows=draw(COUNTS),
        questions=draw(COUNTS),
        traces=draw(COUNTS),
        notes=tuple(draw(st.lists(TEXTS, max_size=2))),
    )


@st.composite
def values(draw: st.DrawFn, metric: str, place: tuple[str, str], by: tuple[str, str] | None) -> Value:
    numbers = [draw(NUMBERS) for _ in range(6)]
    return Value(metric, *place, by, *numbers, draw(COUNTS), draw(COUNTS), draw(REASONS), draw(REASONS))


@st.composite
def hostile(draw: st.DrawFn) -> Report:
    places = draw(
        st.lists(st.tuples(TEXTS, TEXTS), min_size=0, max_size=draw(st.sampled_from([1, 2, 4, 12])), unique=True)
    )
    measured = draw(st.lists(metrics(), max_size=3, unique_by=lambda metric: metric.id))
    groups = [None, *draw(st.lists(st.tuples(TEXTS, TEXTS), max_size=2, unique=True))]
    found = [
        draw(values(metric.id, place, by))
        for metric in measured
        for place in places
        for by in groups
        if draw(st.integers(0, 5))
    ]
    gaps = [
        Difference(one.id, *places, draw(FINITE), draw(FINITE), draw(FINITE), draw(COUNTS))
        for one in measured
        if len(places) == 2
    ]
    somewhere = st.sampled_from(places) if places else st.tuples(TEXTS, TEXTS)
    rows = st.builds(
        lambda why, place, rows, total: RowNote(why, *place, tuple(rows), total),
        TEXTS,
        somewhere,
        st.lists(COUNTS, max_size=7),
        COUNTS,
    )
    facts = st.builds(
        lambda place, texts, value, unit, of: PartFact(
            *place, Fact(texts[0], texts[1], value, unit, of, texts[2], (1,))
        ),
        somewhere,
        st.tuples(TEXTS, TEXTS, TEXTS),
        NUMBERS,
        st.sampled_from(["", "share"]),
        COUNTS,
    )
    url = draw(
        st.sampled_from([URL, URL + "/", None, "javascript:alert(1)", "http://e.example/](x", "http://127.0.0.1:8/d"])
    )
    return reports.report(
        [draw(parts(place)) for place in places],
        found,
        source=SourceInfo(
            draw(st.sampled_from(["hub", "files", "python"])),
            draw(TEXTS),
            draw(st.sampled_from([None, "git:4f2a9c1e7b", "git:../..", "git:zz"])),
            "sha256:00",
            url,
            viewer=draw(st.booleans()),
        ),
        metrics=tuple(measured),
        families=draw(st.dictionaries(TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=2), max_size=2)),
        differences=tuple(gaps),
        facts=tuple(draw(st.lists(facts, max_size=2))),
        rows=tuple(draw(st.lists(rows, max_size=3))),
        skipped=tuple(draw(st.lists(st.builds(Skipped, TEXTS, TEXTS), max_size=8))),
        settings=draw(st.dictionaries(st.sampled_from(["seed", "rows"]), st.one_of(TEXTS, COUNTS, st.none()))),
        settings_hash=draw(TEXTS),
        command=draw(TEXTS),
    )


@given(report=hostile())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_in_a_report_becomes_markup(report: Report) -> None:
    section = render.render_section(report)
    links = (report.source.url or "").rstrip("/")
    check(section, links=links if links.startswith(("https://huggingface.co", "http://127")) else "no link")
    readme = b"---\nlicense: mit\n---\n\n# A card\n"
    plain = dataclasses.replace(
        report, source=dataclasses.replace(report.source, revision=None), settings_hash="sha256:0"
    )
    spliced = splice.splice(readme, section=section, identity=render.identity(plain))
    assert splice.remove(spliced) == readme


@pytest.mark.parametrize("text", NASTY)
def test_a_hostile_text_in_every_place_at_once(text: str) -> None:
    report = reports.pair()
    place = (text, "train")
    moved = [dataclasses.replace(one, config=text) if one.config == "full" else one for one in report.values]
    section = render.render_section(
        dataclasses.replace(
            report,
            parts=(dataclasses.replace(report.parts[0], config=text, kind=text, notes=(text,)), report.parts[1]),
            values=tuple(dataclasses.replace(one, unscored={text: 1}, by=one.by and (text, text)) for one in moved),
            differences=tuple(dataclasses.replace(one, first=place) for one in report.differences),
            rows=tuple(RowNote(text, *place, (1, 2), 9) for _ in range(2)),
            skipped=(Skipped(text, text),),
            judge=text,
            command=text,
            source=dataclasses.replace(report.source, id=text),
        )
    )
    check(section, links=URL)
    shown = "".join(
        child.content for token in MARKDOWN.parse(section) for child in token.children or () if child.content
    ).replace(escape.WORD_JOINER, "")
    assert escape.clip(escape.plain(text), 60) in shown


@given(text=TEXTS)
@example(text="]: x")
def test_a_link_shows_its_text_whatever_it_is(text: str) -> None:
    for made in (escape.plain(text), render._code(text)):
        (_, token, _) = MARKDOWN.parse(render._link(made, "http://ok.example"))
        assert [child.type for child in token.children or ()][:1] == ["link_open"]
        shown = "".join(child.content for child in token.children or ())
        assert escape.plain(text) in shown.replace(escape.WORD_JOINER, "")


def test_two_parts_whose_names_look_alike_are_told_apart() -> None:
    names = ("a\u200b", "a", "x" * 100 + "1" + "y" * 50, "x" * 100 + "2" + "y" * 50)
    report = reports.report([reports.part(name) for name in names], [])
    labels = [part.label for part in context(report).parts]
    assert len(set(labels)) == 4
    assert labels[:2] == ["a", "a (2)"]


def test_a_hundred_parts_fold() -> None:
    section = render.render_section(reports.many(100))
    check(section, links=URL)
    assert section.split("<details>")[0].count("\n") < 12
    assert "<b>All 100 configs</b>" in section
    assert len(section) < 60_000
