"""Nothing people read claims more than evidence bears: cards, reports and terminals of many generated reports."""

from __future__ import annotations

import ast
import dataclasses
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from rich.console import Console

from hfscore import escape
from hfscore.card import reading, render
from hfscore.cli import output
from hfscore.profiles import sentences
from hfscore.report import Report, from_json, to_json
from tests import reports
from tests.claims import CLAIMS, claimed
from tests.generated_reports import FAMILIES, Names, any_report
from tests.markup import MARKDOWN, check
from tests.reports import URL

ROOT = Path(__file__).parents[1]
WIDTH, WIDE = 80, 10_000


def terminal_of(report: Report, width: int = WIDTH) -> str:
    """What `hfscore score` prints of a report on a terminal of 80 columns."""
    screen = Console(file=io.StringIO(), width=width, highlight=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(output, "stdout", lambda: screen)
        patched.setattr(output, "TERMINAL", width)
        output.report_table(report)
    return screen.file.getvalue()  # type: ignore[attr-defined]


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


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("6b_verification", "6b_|verification"),
        ("owner/some-model-8B-Instruct", "owner/some-|model-8B-|Instruct"),
        ("short", "short"),
        ("two words of it", "two words of|it"),
        ("x" * 20, "x" * 20),
        ("", ""),
    ],
)
def test_a_column_head_ends_its_lines_where_words_do(name: str, lines: str) -> None:
    assert output.head(name, 13).splitlines() == [line for line in lines.split("|") if line]


# A user's own words

BOASTS = ("The best, optimal set", "A validated, significant one (p < 0.01)", "will train a better model")
MARKUP = "The best <b>set</b> [here](https://evil.example) \x1b[31m"
OWN = (*BOASTS, MARKUP, "high-quality", "recommended")


@given(report=any_report(Names(MARKUP, OWN, *OWN[4:], MARKUP, ((), BOASTS[:1])), most=len(OWN)))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_users_own_words_are_escaped_and_never_taken_for_a_claim_of_ours(report: Report) -> None:
    section, screen = render.render_section(report), terminal_of(report, WIDE)
    assert claimed(section, own=OWN) == []
    assert claimed(screen, own=OWN) == []
    assert "\x1b" not in screen
    check(section, links=URL)
    said = "".join(prose(section)).replace(escape.WORD_JOINER, "")
    names = "|".join(re.escape(escape.plain(name)) for name in OWN)
    said = re.sub(rf"“({names})”|\(({names})(, ({names}))*\)", "", said)  # in quotes or brackets it is a name
    assert [word for word in BOASTS if word in said] == []
    assert any(word in section for word in OWN)


def prose(section: str) -> Iterator[str]:
    """What a section's sentences say: no code, no link's text, no table, whose heads are names."""
    table = False
    for token in MARKDOWN.parse(section):
        table = {"table_open": True, "table_close": False}.get(token.type, table)
        linked = 0
        for child in () if table else token.children or ():
            linked += {"link_open": 1, "link_close": -1}.get(child.type, 0)
            if child.type == "text" and not linked:
                yield child.content


# The search itself


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


BOAST = "The best set."


def test_a_claim_planted_in_a_card_or_a_terminal_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = reports.targeted()
    assert claimed(render.render_section(sound)) == claimed(terminal_of(sound)) == claimed(to_json(sound)) == []
    metrics = tuple(dataclasses.replace(one, title=BOAST) for one in sound.metrics)
    report = dataclasses.replace(sound, metrics=metrics)
    assert claimed(render.render_section(report))
    assert claimed(to_json(report))
    monkeypatch.setattr("hfscore.cli.reading.SIGNS", dict.fromkeys(("up", "down", "none", "contested"), BOAST))
    assert claimed(terminal_of(sound))


# What is written in the source, printed in a test or not

PROGRAMS = ("hfscore", "space")
UNPRINTED = ("text", "loopback", "columns")  # patterns and names of other people's words; a Hub that speaks like one
READ_OR_DENIED = {
    "hfscore/attribution/seen.py": {"nan"},
    "hfscore/card/identity.py": {"inf", "infinity", "nan"},
    "hfscore/evidence/tables.py": {"nan"},
    "hfscore/judge/limiter.py": {"inf"},
    "hfscore/profiles/file.py": {"inf"},
    "hfscore/judge/rules.py": {"overall score"},  # of a judge's question, which rules answer too
    "hfscore/demo/__init__.py": {"best"},
    "space/app.py": {"better model"},  # "nothing here says that ..."
    "space/compare_tab.py": {"better model"},  # "to find out what ..., train on both"
}


def literals(path: Path) -> Iterator[str]:
    """Every string of a program but its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    docstrings = {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_no_sentence_in_the_source_claims_what_evidence_does_not_bear() -> None:
    found: dict[str, set[str]] = {}
    for path in (path for program in PROGRAMS for path in (ROOT / program).rglob("*.py")):
        name = path.relative_to(ROOT)
        if name.parts[1] not in UNPRINTED:
            words = {one.split(": ", 1)[1].lower() for text in literals(path) for one in claimed(text)}
            words -= READ_OR_DENIED.get(name.as_posix(), set())
            found |= {name.as_posix(): words} if words else {}
    assert found == {}
    templates = {path.name: claimed(path.read_text()) for path in (ROOT / "templates").glob("*.jinja")}
    denied = {"section.md.jinja": ["a better model: better model"]}  # a noun stands inside the denial
    assert {name: words for name, words in templates.items() if words} == denied
