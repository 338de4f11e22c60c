"""The section: complete, deterministic, honest in its words, and deaf to what stands in a dataset."""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import jinja2.meta
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from hfscore import escape
from hfscore.card import render, splice
from hfscore.card.context import CardContext
from hfscore.card.context_docs import context_docs
from hfscore.card.figures import Style, number, style
from hfscore.card.page import html_page
from hfscore.card.views import context
from hfscore.errors import HfscoreError
from hfscore.report import Difference, Part, PartFact, Report, RowNote, Skipped, SourceInfo, Value, from_json, to_json
from hfscore.spec import Fact, Metric
from tests import reports
from tests.test_escape import NASTY, TEXTS

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden"
URL = "https://huggingface.co/datasets/example-org/algebra-traces"
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def in_step(path: Path, text: str, switch: str) -> None:
    if os.environ.get(switch):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == text, f"if this is meant: {switch}=1 python -m pytest {__file__}"


# What it says.


@pytest.mark.parametrize("name", ["one", "pair", "four", "many", "nothing"])
def test_golden(name: str) -> None:
    report = getattr(reports, name)()
    section = render.render_section(report)
    in_step(GOLDEN / f"{name}.md", section, "HFSCORE_UPDATE_GOLDEN")
    assert section == render.render_section(from_json(to_json(report)))
    assert "\r" not in section
    assert section.split("<details>")[0].count("\n") < 50


def test_golden_scores_card() -> None:
    in_step(GOLDEN / "scores.md", render.scores_card(reports.pair(), "example-org/scores"), "HFSCORE_UPDATE_GOLDEN")


def test_words_that_measurements_do_not_bear() -> None:
    for path in GOLDEN.glob("*.md"):
        text = path.read_text(encoding="utf-8").lower()
        for word in (
            "significant",
            "optimal",
            "validated",
            "high quality",
            "arxiv",
            "recommend",
            "/100",
            " best",
            "p =",
        ):
            assert word not in text, f"{path.name}: {word}"
        claims = re.findall(r"[^.]*(?:better model|trains a)[^.]*\.", text)
        assert all("none of them shows" in claim for claim in claims), claims


def test_plain_redundancy_says_beside_its_number_that_it_grows_with_length() -> None:
    lines = [line for line in render.render_section(reports.one()).split("\n") if line.startswith("| `redundancy` | 0")]
    assert len(lines) == 1
    assert "grows with length" in lines[0]


def test_a_difference_is_named_only_where_its_interval_leaves_out_0() -> None:
    section = render.render_section(reports.pair())
    assert "0.00 (−0.01 to 0.02): not distinguishable" in section
    assert "| +0.03 (0.02–0.04) | 389 |" in section
    assert "`full` has the higher mean, by 0.03" in section


def test_a_difference_held_the_other_way_round_reads_the_same() -> None:
    report = reports.pair()
    turned = tuple(
        Difference(one.metric, one.second, one.first, -one.mean, -one.high, -one.low, one.pairs)
        for one in report.differences
    )
    assert render.render_section(dataclasses.replace(report, differences=turned)) == render.render_section(report)


def test_nothing_scored_is_no_number() -> None:
    section = render.render_section(reports.nothing())
    assert "not scored" in section
    assert "Without a number for any trace of a config: every metric (empty trace)." in section
    table = section.split("**Not scored")[0]
    assert not re.search(r"\| 0", table)
    assert "Read for your student" not in section  # nothing was measured that evidence could bear on


def test_a_value_that_is_not_finite_is_no_number() -> None:
    report = reports.one()
    broken = dataclasses.replace(report.values[0], mean=float("nan"))
    row = context(dataclasses.replace(report, values=(broken,))).metrics[0]
    assert row.cells[0].mean is None
    assert row.lowest is None


def test_every_reason_is_counted_or_said_to_be_left_out() -> None:
    report = reports.one()
    many = dataclasses.replace(report.values[0], unscored={f"reason {n}": n + 1 for n in range(9)})
    section = render.render_section(dataclasses.replace(report, values=(many,)))
    assert "- reason 8: 9 of 400 traces" in section
    assert "the six most frequent of 9 reasons." in section
    assert "reason 2:" not in section


def test_a_metric_of_another_file_appears_without_a_change_of_template() -> None:
    report = reports.four()
    dropped = Metric(
        id="tail_share",
        alias="Z1",
        title="Tail: share after the answer",
        formula="tail / all",
        reading="late checking counts too",
        lowest=0.0,
        highest=1.0,
        direction="down",
        grade="B",
        evidence="One intervention removed the tail.",
        headline=True,
        digits=1,
        unit="share",
    )
    values = [reports.value("tail_share", part, 0.31) for part in report.parts]
    section = render.render_section(dataclasses.replace(report, metrics=(dropped,), values=tuple(values)))
    assert "| **Tail: share after the answer:** late checking counts too | 31.0% (29.7–32.4%) |" in section
    assert "Tail: mean 31.0% in every config." in section
    assert "| **≤ 8B** | Tail (B): One intervention removed the tail. | – |" in section
    assert "B: one study with at least 8 data sets" in section


def test_facts_are_shown_with_what_they_rest_on() -> None:
    fact = Fact("duplicates", "Exact duplicates", 0.031, "share", 400, "of all traces", rows=(3, 17))
    missing = Fact("near", "Near duplicates", None, "share", 0, "too few traces")
    found = tuple(PartFact("default", "train", one) for one in (fact, missing))
    section = render.render_section(dataclasses.replace(reports.one(), facts=found))
    assert "| Exact duplicates | 3.1% of 400 | of all traces |" in section
    assert "| Near duplicates | – | too few traces |" in section
    assert f"[17]({URL}/viewer/default/train?p=0&row=17)" in section


def test_judge_and_students_are_named_where_they_took_part() -> None:
    report = dataclasses.replace(reports.one(), judge="example/judge", students=("example/student-8b",))
    section = render.render_section(report)
    assert "- judge: `example/judge`" in section
    assert "- students: `example/student-8b`" in section
    assert render.identity(report)["students"] == ["example/student-8b"]
    assert not {"judge", "students"} & render.identity(reports.one()).keys()


def test_a_local_source_has_no_links() -> None:
    section = render.render_section(reports.nothing())
    assert "](" not in section
    assert "hfscore status" not in section


def test_an_address_is_a_link_only_where_it_can_be_nothing_else() -> None:
    source = reports.one().source
    for url in (
        "javascript:alert(1)",
        "https://e.example/a b",
        "https://e.example/x?y",
        "//e.example",
        "https://e.example/)x",
    ):
        assert context(dataclasses.replace(reports.one(), source=dataclasses.replace(source, url=url))).url is None
    local = dataclasses.replace(source, kind="files")
    assert "](" not in render.render_section(dataclasses.replace(reports.one(), source=local))


@pytest.mark.parametrize(("config", "row"), [("..", 1), (".", 1), ("", 1), ("default", -1)])
def test_a_row_that_no_address_can_name_is_a_number(config: str, row: int) -> None:
    rows = (RowNote("why", config, "train", (row,), 1),)
    (note,) = context(dataclasses.replace(reports.one(), rows=rows)).rows
    assert note.rows[0].url is None


def test_the_viewer_is_linked_where_there_is_one() -> None:
    report = dataclasses.replace(reports.one(), rows=(RowNote("why", "a/b c", "train", (881,), 1),))
    assert context(report).rows[0].rows[0].url == f"{URL}/viewer/a%2Fb%20c/train?p=8&row=881"
    without = dataclasses.replace(report, source=dataclasses.replace(report.source, viewer=False))
    assert context(without).rows[0].rows[0].url is None


def test_parts_that_are_not_two_have_no_difference() -> None:
    report = dataclasses.replace(reports.four(), differences=reports.pair().differences)
    assert all(metric.gap is None for metric in context(report).metrics)


def test_groups_do_not_count_twice() -> None:
    report = reports.one()
    group = dataclasses.replace(report.values[0], by=("source", "web"), unscored={"empty trace": 3})
    assert context(dataclasses.replace(report, values=(*report.values, group))).unscored == context(report).unscored


# Numbers.


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.4149, 2, "0.41"), (-0.041, 2, "−0.04"), (-0.001, 2, "0.00"), (12345.6, 0, "12,346"), (1e300, 2, "1e+300")],
)
def test_number(value: float, digits: int, text: str) -> None:
    assert number(value, digits) == text


def test_styles() -> None:
    share, bare = Style(1, "share"), Style(2)
    assert (share.number(0.916), share.span(0.901, 0.93)) == ("91.6%", "90.1–93.0%")
    assert (share.gap(-0.008), share.gap_span(-0.014, 0.03)) == ("−0.8 points", "−1.4 to 3.0")
    assert (bare.gap(0.02), bare.gap(0.0), bare.span(-0.04, 0.0)) == ("+0.02", "0.00", "−0.04 to 0.00")
    assert style(2, "", [(0.4101, 0.4131)]).span(0.4101, 0.4131) == "0.410–0.413"  # two ends, not one
    assert style(2, "", [(0.001, 0.05)]).span(0.001, 0.05) == "0.001–0.050"  # 0 is outside
    assert style(2, "", [(0.4, 0.4)]).digits == 2
    assert style(2, "", [(0.4, 0.4 + 1e-12)]).digits == 4


# What a template may use.


def template_names() -> set[str]:
    environment = render._environment()
    sources = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "templates").glob("*.jinja"))]
    assert len(sources) > 5
    return set().union(*(jinja2.meta.find_undeclared_variables(environment.parse(source)) for source in sources))


def test_templates_use_every_name_of_the_context_and_no_other() -> None:
    assert template_names() == {field.name for field in dataclasses.fields(CardContext)}


def test_docs_list_every_name() -> None:
    text = context_docs()
    in_step(ROOT / "docs" / "templates.md", text, "HFSCORE_UPDATE_DOCS")
    for field in dataclasses.fields(CardContext):
        assert f"| `{field.name}` |" in text
    targets = re.findall(r"\]\(#([a-z]+)\)", text)
    assert {f"## {target}" for target in targets} <= {line.lower() for line in text.split("\n")}


def test_a_template_of_ones_own() -> None:
    template = '{% extends "section.md.jinja" %}{% block short %}Parts: {{ parts | length }}.\n{% endblock %}'
    section = render.render_section(reports.pair(), template)
    assert "\nParts: 2.\n" in section
    assert "**In short.**" not in section
    assert "## Reasoning quality" in section


@pytest.mark.parametrize(
    "template",
    ["{{ datset }}", "{{ dataset.nme }}", "{{ 1 / 0 }}", "{% if %}", '{% include "../pyproject.toml" %}', "{{ url }}"],
)
def test_a_template_that_cannot_be_rendered_is_an_error_with_the_names(template: str) -> None:
    with pytest.raises(HfscoreError, match="template cannot be rendered") as error:
        render.render_section(reports.nothing(), template)
    assert "settings_hash" in error.value.hint


@pytest.mark.parametrize(
    "template",
    ["{{ dataset }}", "{{ 'x' ~ dataset }}", "{{ [dataset, dataset | code] | join }}", "{{ dataset | upper }}"],
)
def test_what_a_template_prints_is_escaped_whatever_it_does(template: str) -> None:
    report = reports.nothing()
    hostile = dataclasses.replace(report, source=dataclasses.replace(report.source, id="<b>|[x](http://e.example)"))
    section = render.render_section(hostile, template)
    assert not set(section) & set("<>|[]")


@pytest.mark.parametrize("content", ["a ``` b", "````", "`" * 9, "no ticks"])
def test_a_fence_cannot_be_closed_by_what_it_holds(content: str) -> None:
    (token,) = MARKDOWN.parse(render._fence(content, "bash"))
    assert (token.type, token.content, token.info) == ("fence", content + "\n", "bash")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://e.example/) [x](y", "http://e.example/a b", None, ""])
def test_a_link_to_what_is_no_address_is_its_text(url: str | None) -> None:
    assert render._link("text", url) == "text"


# Whole cards.


def test_card_is_metadata_and_section_and_comes_off_again() -> None:
    report = reports.pair()
    card = render.render_card(report)
    assert render.render_section(report) in card
    assert splice.read_identity(card.encode()) == render.identity(report)
    assert splice.remove(card.encode()) == b""


def test_scores_card_names_its_data_and_whose_scores_they_are() -> None:
    card = render.scores_card(reports.pair(), "example-org/scores")
    metadata = yaml.safe_load(card.split("---\n")[1])
    assert metadata["configs"] == [{"config_name": "default", "data_files": "data/scores.parquet"}]
    identity = splice.read_identity(card.encode())
    assert identity is not None
    assert identity["scores_of"] == "example-org/algebra-traces"
    assert "| `by_source` |" in card
    check(card.split("---\n", 2)[2], links=f"{URL}", heading="Scores of the traces of example-org/algebra-traces")


# Hostile reports.

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


def check(section: str, *, links: str, heading: str = "Reasoning quality") -> None:
    """Assert that a section holds our structure only, whatever the data says."""
    assert "<!--" not in section
    assert "-->" not in section
    assert "hfscore:begin" not in section or "&" in section
    hidden = {one for one in section if unicodedata.category(one) in ("Cc", "Cf", "Cs")}
    assert hidden <= {"\n", escape.WORD_JOINER}
    tokens = MARKDOWN.parse(section)
    for token in tokens:
        check_block(token)
        for child in token.children or ():
            check_inline(child, links)
    headings = [tokens[n + 1] for n, token in enumerate(tokens) if token.type == "heading_open"]
    text = "".join(child.content for token in headings for child in token.children or ())
    assert text == heading
    assert sum(token.type == "fence" for token in tokens) == 1
    check_tables(section)


def check_block(token: Token) -> None:
    assert token.type.split("_open")[0].split("_close")[0] in {
        *("heading", "paragraph", "inline", "table", "thead", "tbody", "tr", "th", "td", "bullet_list", "list_item"),
        *("blockquote", "fence", "html_block"),
    }, token
    assert token.level <= 5
    if token.type == "html_block":
        for line in token.content.rstrip("\n").split("\n"):
            assert re.fullmatch(r"<details><summary><b>[^<>]*</b>[^<>]*</summary>|</details>", line), line
    if token.type == "fence":
        assert token.info == "bash"


def check_inline(token: Token, links: str) -> None:
    assert token.type in {
        *("text", "softbreak", "code_inline", "strong_open", "strong_close", "em_open", "em_close"),
        *("link_open", "link_close"),
    }, token
    if token.type == "link_open":
        assert str(token.attrs["href"]).startswith(
            (f"{links}/tree/", f"{links}/viewer/", f"{links}/blob/main/.hfscore/")
        ) or (token.attrs["href"] == links)


def check_tables(section: str) -> None:
    """Rows of one table have as many cells as its header, counted as GFM does: every bare pipe parts two cells."""
    lines = section.split("\n")
    counts = [len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0 for line in lines]
    for before, now in itertools.pairwise(counts):
        assert not (before and now) or before == now
    parsed = sum(token.type == "tr_open" for token in MARKDOWN.parse(section))
    delimiters = sum(bool(re.fullmatch(r"\|( -{3}:? \|)+", line)) for line in lines)
    assert parsed == sum(map(bool, counts)) - delimiters


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


# The page.


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


MARKUP = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "details",
        "summary",
        "pre",
        "code",
        "b",
        "br",
        "p",
        "h1",
        "h2",
    ),
    *("h3", "h4", "h5", "h6", "a", "em", "strong", "s", "i", "ul", "ol", "li", "blockquote", "hr", "div", "table"),
    *("thead", "tbody", "tr", "th", "td"),
}
CARDS = (
    "<script>alert(1)</script>\n\ntext <img src=x onerror=alert(1)> <b onclick=x>y</b>",
    "<details open>\n<summary><b>x</b></summary>\n\ntext\n\n</details>",
    "![pixel](http://e.example/p.png) [x](javascript:alert(1)) [y](http://e.example 'title')",
    "<!-- a comment -->\n\n<!-- never closed",
    "<details ontoggle=alert(1)><style>*{display:none}</style></details>",
    "---\na: <script>\n---\n# x",
    "> [!WARNING]\n> careful <script>",
    "<a href='http://e.example'>x</a>\n<iframe srcdoc='<script>'></iframe>",
    "<b\nonclick=x>y</b> <B>z</B> <br/> <br>",
)


@given(
    card=st.one_of(st.sampled_from(CARDS), TEXTS, st.lists(st.one_of(st.sampled_from(CARDS), TEXTS)).map("\n\n".join))
)
@settings(max_examples=150)
def test_a_page_runs_and_loads_nothing(card: str) -> None:
    tags = Tags()
    tags.feed(html_page(card, "<script>title"))
    for tag, attributes in tags.found:
        assert tag in MARKUP
        assert set(attributes) <= {
            *(
                "class",
                "href",
                "title",
                "rel",
                "style",
                "open",
                "start",
                "charset",
                "name",
                "content",
                "lang",
                "http-equiv",
            )
        }
        if tag == "a":
            assert not re.match(r"\s*(javascript|data|vbscript|file):", attributes["href"] or "", re.IGNORECASE)


def test_a_page_shows_a_card_as_the_hub_does() -> None:
    page = html_page("---\nlicense: mit\n---\n" + render.render_section(reports.pair()), "pair")
    assert "<pre>license: mit</pre>" in page
    assert page.count('<div class="scroll"><table>') == 8
    assert '<blockquote class="alert note">\n<p><b>Note</b><br>These are properties' in page
    assert "<details><summary><b>All measurements</b>" in page
    assert "[!NOTE]" not in page
    assert page.count("<details>") == page.count("</details>")


def test_html_that_is_not_allowed_is_shown_as_text() -> None:
    page = html_page(
        "<div align=\"center\">\n<script>alert('&amp;')</script>\n</div>\n\na <u>b</u> <br> <!-- gone -->", "x"
    )
    assert "&lt;script&gt;alert('&amp;')&lt;/script&gt;" in page
    assert "a &lt;u&gt;b&lt;/u&gt; <br> </p>" in page
    assert "gone" not in page
