"""Renders a report as Markdown. The same report gives the same bytes: no clock, no network, no random number."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from hfscore import escape
from hfscore.card import identity as identity_block
from hfscore.card import splice
from hfscore.card.context import CardContext
from hfscore.card.figures import count
from hfscore.card.refusal import refuse
from hfscore.card.views import context
from hfscore.errors import HfscoreError
from hfscore.report import REPORT_FILE, SCORES_FILE, Report

SECTION = "section.md.jinja"
SCORES = "scores.md.jinja"
SCORES_DATA = f"configs:\n- config_name: default\n  data_files: data/{SCORES_FILE}\n"

_TEMPLATE_NAME = re.compile(r"[a-z_]+\.md\.jinja")
_LINK = re.compile(r"https?://[A-Za-z0-9.:/_~%?=&-]+")


class _Markdown(str):
    """Text that is Markdown already: what a filter or a macro made. Everything else is escaped when printed."""

    __slots__ = ()


def render_section(report: Report, template: str | None = None) -> str:
    """The section of a card, without the markers around it.

    Args:
        report: What was measured.
        template: Text of a template in place of `templates/section.md.jinja`.

    Raises:
        HfscoreError: The template uses a name that is not there, or is no template.
    """
    environment = _environment()
    try:
        chosen = environment.get_template(SECTION) if template is None else environment.from_string(template)
        return _rendered(chosen, report)
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        if template is None:
            raise
        line = f" (line {error.lineno})" if isinstance(error, jinja2.TemplateSyntaxError) else ""
        names = ", ".join(field.name for field in dataclasses.fields(CardContext))
        raise HfscoreError(
            f"The template cannot be rendered{line}: {error}.", f"A template may use: {names}; see docs/templates.md."
        ) from error


def identity(report: Report) -> dict[str, str | int | list[str]]:
    """What goes under `hfscore:` in the card's metadata: who measured what, no score.

    Scores stay out: those of different encoders, judges or students cannot be compared.
    """
    block: dict[str, str | int | list[str] | None] = {
        "schema": identity_block.SCHEMA,
        "version": report.version,
        "measured_at": report.measured_at,
        "data_revision": report.source.revision,
        "data_fingerprint": report.source.fingerprint,
        "settings": report.settings_hash,
        "report": f".hfscore/{REPORT_FILE}",
        "judge": report.judge,
        "students": list(report.students) or None,
    }
    return {name: value for name, value in block.items() if value is not None}


def render_card(report: Report) -> str:
    """A card for a repository that has none: the metadata block and the section, nothing claimed beyond them.

    Raises:
        CardError: The report's identity cannot stand in a card.
    """
    return splice.splice(b"", section=render_section(report), identity=identity(report)).decode()


def scores_card(report: Report, repo_id: str) -> str:
    """README.md of a dataset that holds the scores of every trace in `data/scores.parquet`.

    Args:
        report: The run that gave the scores.
        repo_id: "owner/name" of the dataset of scores.

    Raises:
        CardError: The report's identity cannot stand in a card.
    """
    head = block({**identity(report), "report": REPORT_FILE, "scores_of": report.source.id})
    body = _rendered(_environment().get_template(SCORES), report, scores_repo=repo_id)
    return f"---\n{SCORES_DATA}{head}---\n\n{body}"


def block(said: identity_block.Identity) -> str:
    """The `hfscore:` block of a card that is all ours, as YAML.

    Raises:
        CardError: A value cannot stand in a card.
    """
    if problem := identity_block.flaw(said):
        refuse(f"What the card says of itself cannot stand in it: {problem}.", "Rename it there.")
    return identity_block.rendered(said, column=0, eol="\n")


def page(template: str, names: Mapping[str, Any]) -> str:
    """A page of ours by one of the package's templates; whatever it prints is escaped."""
    return _tidy(_environment().get_template(template).render(dict(names)))


def _rendered(template: jinja2.Template, report: Report, *, scores_repo: str = "") -> str:
    view = context(report, scores_repo=scores_repo)
    names = {field.name: getattr(view, field.name) for field in dataclasses.fields(view)}
    return _tidy(template.render(names))


def _tidy(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        undefined=jinja2.StrictUndefined,
        finalize=_printed,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 (Markdown, not HTML: `finalize` escapes whatever is printed)
    )
    environment.filters.update(code=_code, link=_link, fence=_fence, safe=_Markdown)
    return environment


def _source(name: str) -> str | None:
    """Text of a template: inside the installed package, or beside it in a checkout."""
    if not _TEMPLATE_NAME.fullmatch(name):
        return None
    for folder in (files("hfscore") / "_templates", Path(__file__).parents[2] / "templates"):
        file = folder / name
        if file.is_file():
            return file.read_text(encoding="utf-8")
    return None


def _printed(value: Any) -> Any:
    """What a template prints, made harmless."""
    if isinstance(value, _Markdown | jinja2.Undefined):
        return value  # an undefined name raises when it is turned into text
    if value is None or isinstance(value, bool):
        raise jinja2.TemplateRuntimeError(f"{value} is not text: ask for it with 'if'")
    return count(value) if isinstance(value, int) else escape.markdown(str(value))


def _code(value: Any) -> _Markdown:
    """A name as code; in quotes where that cannot be, so that nobody takes it for part of our sentence."""
    made = escape.code(str(value))
    return _Markdown(made if made.startswith("`") or made == "(empty)" else f"“{made}”")


def _link(value: Any, url: str | None) -> _Markdown:
    text = _printed(value)
    if set(text) & set("[]"):  # a code span: "[`]: x`](...)" would define a link reference
        text = escape.markdown(text.strip("`"))
    return _Markdown(f"[{text}]({url})" if url and _LINK.fullmatch(url) else text)


def _fence(value: Any, language: str = "") -> _Markdown:
    text = str(value)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return _Markdown(f"{ticks}{language}\n{text}\n{ticks}")
