"""Decide how a split is laid out, from a few of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hfscore.columns import overrides as asked_for
from hfscore.columns import reasons, words
from hfscore.columns.choice import NOTHING, Choice, Picked
from hfscore.columns.fields import reference, response
from hfscore.columns.layout import Layout, Overrides
from hfscore.columns.leaves import Leaf
from hfscore.columns.paths import Path, column_of, parse
from hfscore.columns.questions import question
from hfscore.columns.survey import survey
from hfscore.columns.traces import choose

NO_OVERRIDES = Overrides()


def detect(rows: Sequence[Mapping[str, Any]], overrides: Overrides = NO_OVERRIDES) -> Layout:
    """Decide the layout of a split.

    Args:
        rows: Sample rows, some fifty are enough; columns may be missing and values may be anything.
        overrides: Paths a person asked for; what they leave open is detected.

    Returns:
        The layout. Data without traces give kind "question_only" or "not_reasoning", with the reason.

    Raises:
        ColumnsError: An override is no path, names an unknown column, or finds nothing in the rows.
    """
    asked_for.check(rows, overrides)
    leaves = survey(rows)
    choice = asked_for.reasoning(rows, leaves, overrides) if overrides.reasoning else choose(leaves)
    asked = asked_for.question(rows, overrides) or question(leaves, choice)
    if choice is None:
        return _without_traces(leaves, asked, overrides, rows)
    if overrides.response:
        choice, said = asked_for.response(choice, rows, overrides)
    else:
        choice, said = response(leaves, choice, asked)
    refers = asked_for.reference(rows, overrides) or reference(leaves, choice, asked, said)
    flag = _flag(leaves)
    notes = reasons.notes(leaves, choice, asked, said, refers)
    return _layout(choice, asked, said, refers, flag=flag, options=_options(leaves), notes=notes)


def _layout(
    choice: Choice,
    asked: Picked,
    said: Picked,
    refers: Picked,
    *,
    flag: str | None,
    options: Path | None,
    notes: tuple[str, ...],
) -> Layout:
    mapping = {
        "question": asked.paths,
        "reasoning": choice.reasoning,
        "response": said.paths,
        "reference_answer": refers.paths,
    }
    question_columns = _columns(p.path for p in asked.picks)
    paths: list[Path] = [source.path for source in choice.sources]
    paths += [source.response for source in choice.sources if source.response]
    paths += [pick.path for pick in refers.picks]
    paths += [options] if options else []
    columns = dict.fromkeys((*question_columns, *_columns(paths), *((flag,) if flag else ())))
    return Layout(
        choice.kind,
        mapping,
        notes=notes,
        columns=tuple(columns),
        question_columns=question_columns,
        question=asked.picks,
        sources=choice.sources,
        reference=refers.picks,
        flag=flag,
        options=options,
    )


def _columns(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column_of(path) for path in paths))


def _options(leaves: Sequence[Leaf]) -> Path | None:
    """The texts of a test's options, in a column of their own."""
    for leaf in leaves:
        if leaf.name.role == "options" and leaf.form in ("text", "list") and (leaf.many or leaf.form == "list"):
            return parse(leaf.path)
    return None


def _flag(leaves: Sequence[Leaf]) -> str | None:
    """A top-level column named like reasoning whose cells only say on or off."""
    for leaf in leaves:
        if len(leaf.parts) > 1 or leaf.name.role != "reasoning" or leaf.name.noise:
            continue
        values = {text.strip().lower() for text in leaf.texts}
        if leaf.form == "bool" or (leaf.form == "text" and values and values <= words.FLAG_VALUES):
            return leaf.column
    return None


def _without_traces(
    leaves: Sequence[Leaf], asked: Picked, overrides: Overrides, rows: Sequence[Mapping[str, Any]]
) -> Layout:
    refers = asked_for.reference(rows, overrides) or reference(leaves, None, asked, NOTHING)
    verdict = reasons.verdict(leaves, asked, refers)
    if verdict.kind == "not_reasoning":
        asked = refers = NOTHING
    mapping = {
        "question": asked.paths,
        "reasoning": (),
        "response": (),
        "reference_answer": refers.paths,
    }
    columns = _columns(p.path for p in (*asked.picks, *refers.picks))
    return Layout(
        verdict.kind,
        mapping,
        why=verdict.why,
        notes=verdict.notes,
        columns=columns,
        question_columns=_columns(p.path for p in asked.picks),
        question=asked.picks,
        reference=refers.picks,
    )
