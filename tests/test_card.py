"""The section and the cards around it: complete, deterministic, honest in their words."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import jinja2
import jinja2.meta
import pytest
import yaml

from hfscore.card import render, splice
from hfscore.card.context import CardContext
from hfscore.card.context_docs import context_docs
from hfscore.card.figures import Style, number, style
from hfscore.card.views import context
from hfscore.errors import HfscoreError
from hfscore.report import Difference, PartFact, RowNote, from_json, to_json
from hfscore.spec import Fact, Metric
from tests import reports
from tests.markup import MARKDOWN, check
from tests.reports import URL

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden"


def in_step(path: Path, text: str, switch: str) -> None:
    if os.environ.get(switch):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == text, f"if this is meant: {switch}=1 python -m pytest {__file__}"


# What it says.


@pytest.mark.parametrize("name", ["one", "pair", "targeted", "four", "many", "nothing"])
def test_golden(name: str) -> None:
    report = getattr(reports, name)()
    section = render.render_section(report)
    in_step(GOLDEN / f"{name}.md", section, "HFSCORE_UPDATE_GOLDEN")
    assert section == render.render_section(from_json(to_json(report)))
    assert "\r" not in section
    assert section.split("<details>")[0].count("\n") < 50 + len(report.targets)


def test_golden_scores_card() -> None:
    in_step(GOLDEN / "scores.md", render.scores_card(reports.pair(), "example-org/scores"), "HFSCORE_UPDATE_GOLDEN")


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
    assert "| **Tail: share after the answer** – late checking counts too | 31.0% (29.7–32.4%) |" in section
    assert "Tail: mean 31.0% in every config." in section
    assert (
        "**Tail** (B): the sizes it was seen at are not recorded. Removing text after the answer was settled" in section
    )
    assert "B: one study with at least 8 data sets" in section


def test_a_metric_without_an_entry_has_no_sign_at_any_size() -> None:
    report = reports.one()
    own = dataclasses.replace(report.metrics[0], id="of_another_package", title="Another package's", grade="B")
    values = tuple(dataclasses.replace(one, metric=own.id) for one in report.values if one.metric == "alignment_margin")
    shown = dataclasses.replace(report, metrics=(*report.metrics, own), values=(*report.values, *values))
    for row in context(shown).students:
        assert own.title in row.unknown
        assert not any(own.title in one.name for one in (*row.signed, *row.contested))


def test_what_is_true_of_no_trace_is_one_line_and_no_interval() -> None:
    report = reports.four()
    flag = dataclasses.replace(report.metrics[0], id="flag", unit="share", headline=False)
    zero = [
        dataclasses.replace(reports.value("flag", part, 0.0), low=0.0, high=0.0, p5=0.0, median=0.0, p95=0.0)
        for part in report.parts
    ]
    shown = dataclasses.replace(report, metrics=(*report.metrics, flag), values=(*report.values, *zero))
    assert "True of no trace: `flag`." in render.render_section(shown)
    assert context(shown).metrics[-1].cells[0].interval == "all alike"
    one_unscored = (*zero[:3], dataclasses.replace(zero[3], unscored={"empty trace": 1}))
    assert context(dataclasses.replace(shown, values=(*report.values, *one_unscored))).metrics[-1].constant == ""


def test_a_note_of_all_parts_is_said_once() -> None:
    report = reports.four()
    first, *rest = (dataclasses.replace(part, notes=("The same.",)) for part in report.parts)
    section = render.render_section(dataclasses.replace(report, parts=(first, *rest)))
    assert section.count("- The same.\n") == 1
    other = dataclasses.replace(first, notes=("The same.", "Another."))
    assert "- `6b_finetuning`: Another.\n" in render.render_section(dataclasses.replace(report, parts=(other, *rest)))


def test_facts_are_shown_with_what_they_rest_on() -> None:
    fact = Fact("duplicates", "Exact duplicates", 0.031, "share", 400, "of all traces", rows=(3, 17))
    missing = Fact("near", "Near duplicates", None, "share", 0, "too few traces")
    found = tuple(PartFact("default", "train", one) for one in (fact, missing))
    section = render.render_section(dataclasses.replace(reports.one(), facts=found))
    assert "| Exact duplicates | 3.1% (400) | of all traces |" in section
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
    paths = {*(ROOT / "templates").glob("*.jinja")} - {ROOT / "templates" / "selection.md.jinja"}  # another context
    sources = [path.read_text(encoding="utf-8") for path in sorted(paths)]
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
    check(card.split("---\n", 2)[2], links=URL, heading="Scores of the traces of example-org/algebra-traces")
