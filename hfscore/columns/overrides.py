"""Column paths a person asked for: checked against the rows, then read like detected ones."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hfscore.columns import choice as reading
from hfscore.columns import traces
from hfscore.columns.agents import is_agent_step
from hfscore.columns.choice import MOST, SOME, Choice, Picked
from hfscore.columns.fields import cells_of
from hfscore.columns.layout import Overrides, Pick, Rule
from hfscore.columns.leaves import Leaf, Spelling
from hfscore.columns.paths import Field, Path, Where, column_of, parse, resolve
from hfscore.columns.steps import is_step_list
from hfscore.columns.survey import leaf_at
from hfscore.errors import ColumnsError

Rows = Sequence[Mapping[str, Any]]
_FLAGS = {
    "question": "--question",
    "reasoning": "--reasoning",
    "response": "--response",
    "reference": "--reference",
}


def check(rows: Rows, overrides: Overrides) -> None:
    """Check every override.

    Raises:
        ColumnsError: It is no path, its column is unknown, or it finds nothing in the sample.
    """
    for name, flag in _FLAGS.items():
        for text in getattr(overrides, name):
            path = read(rows, text)
            if rows and not any(v is not None for row in rows for v in resolve(path, row)):
                raise ColumnsError(
                    f"{flag} {text!r} finds nothing in the first {len(rows)} rows.",
                    "The column exists, but what the path asks for inside it is missing or null.",
                )


def read(rows: Rows, text: str) -> Path:
    """Read a path; a text that is exactly a column's name is that column, whatever it contains.

    Raises:
        ColumnsError: The text is no path, or its column is in no row.
    """
    columns = list(dict.fromkeys(key for row in rows for key in row if isinstance(key, str)))
    if text in columns:
        return (Field(text),)
    path = parse(text)
    column = column_of(path)
    if rows and column not in columns:
        close = difflib.get_close_matches(column, columns, n=3, cutoff=0.4) or columns[:10]
        raise ColumnsError(
            f"There is no column {column!r}.",
            f"Closest: {', '.join(map(repr, close))}." if close else "The rows have no columns.",
        )
    return path


def question(rows: Rows, overrides: Overrides) -> Picked | None:
    """The question asked for, or None if that is left to detection."""
    if not overrides.question:
        return None
    found = [_leaf(rows, text) for text in overrides.question]
    picks = tuple(Pick(parse(f.path), "last_user" if f.form == "chat" else "cell") for f in found)
    return Picked(picks, tuple(overrides.question), tuple(found))


def reference(rows: Rows, overrides: Overrides) -> Picked | None:
    """The reference asked for, or None if that is left to detection."""
    if not overrides.reference:
        return None
    found = [cells_of([_leaf(rows, text)]) for text in overrides.reference]
    picks = tuple(pick for one in found for pick in one.picks)
    return Picked(picks, tuple(overrides.reference), tuple(leaf for one in found for leaf in one.leaves))


def response(choice: Choice, rows: Rows, overrides: Overrides) -> tuple[Choice, Picked]:
    """Put the responses asked for beside the sources, one each.

    Raises:
        ColumnsError: There are more or fewer of them than sources.
    """
    asked, sources = overrides.response, choice.sources
    if len(asked) != len(sources):
        raise ColumnsError(
            f"{len(asked)} response columns for {len(sources)} reasoning columns.",
            "Give --response once for each --reasoning, in the same order.",
        )
    paired = [
        source if (path := read(rows, text)) == source.path else replace(source, response=path)
        for source, text in zip(sources, asked, strict=True)
    ]
    return replace(choice, sources=tuple(paired)), Picked(paths=tuple(asked))


def reasoning(rows: Rows, leaves: Sequence[Leaf], overrides: Overrides) -> Choice:
    """Read the reasoning columns asked for, each by what it holds.

    Raises:
        ColumnsError: A column holds neither text, nor lists of text, nor chats.
    """
    parts = [_choice(rows, leaves, text) for text in overrides.reasoning]
    if len(parts) == 1:
        return replace(parts[0], reasoning=overrides.reasoning)
    own = all(part.response for part in parts)
    return Choice(
        "multi_generation",
        tuple(source for part in parts for source in part.sources),
        tuple(leaf for part in parts for leaf in part.leaves),
        overrides.reasoning,
        overrides.reasoning if own else (),
        parts[0].tier,
    )


def _choice(rows: Rows, leaves: Sequence[Leaf], text: str) -> Choice:
    path = read(rows, text)
    chat = _chat_around(path, text.strip(), leaves)
    if chat:
        return traces.agent_chat(chat) or _chat(chat)
    leaf = _leaf(rows, text.strip().removesuffix("[*]") if text.strip().endswith("[*]") else text)
    leaf = next((f for f in leaves if (f.path, f.form) == (leaf.path, leaf.form)), leaf)
    if leaf.form == "chat":
        return traces.agent_chat(leaf) or _chat(leaf)
    if leaf.form == "structs" and any(is_agent_step(i) for cell in leaf.cells for v in cell for i in v):
        found = traces.agent_steps(leaf)
        if found:
            return found
    if leaf.form in ("list", "structs") and (not text.strip().endswith("[*]") or is_step_list(leaf, leaves)):
        return reading.steps_choice(leaf)
    if leaf.form == "text" and is_step_list(leaf, leaves):
        return reading.steps_choice(leaf)
    if leaf.form not in ("text", "list"):
        raise ColumnsError(
            f"--reasoning {text!r} holds no text.",
            "Name a column of texts, of lists of texts, or of chats.",
        )
    return reading.text_choice([leaf], lambda found: _rule(found, leaves), "named")


def _chat_around(path: Path, text: str, leaves: Sequence[Leaf]) -> Leaf | None:
    """The chat whose answers a path selects: their content or thought, the last or all of them."""
    if not any(isinstance(step, Where) for step in path):
        return None
    chats = (leaf for leaf in leaves if leaf.form == "chat" and leaf.spelled and text.startswith(f"{leaf.path}["))
    for leaf in chats:
        spelled = leaf.spelled or Spelling()
        ends = (spelled.select("", "assistant", which, inner) for which in ("[-1]", "[*]") for inner in _inner(spelled))
        if text.removeprefix(leaf.path) in ends:
            return leaf
    return None


def _inner(spelled: Spelling) -> tuple[str, ...]:
    return (spelled.content, spelled.thought) if spelled.thought else (spelled.content,)


def _chat(leaf: Leaf) -> Choice:
    if reading.thinking(leaf) >= SOME:
        return reading.chat_choice(leaf, "think", "think")
    return reading.chat_choice(leaf, "final", "untagged")


def _rule(leaf: Leaf, leaves: Sequence[Leaf]) -> Rule:
    """What the contents say; a text without any sign is all reasoning."""
    if leaf.spans >= SOME:
        return "think"
    if leaf.headings >= MOST:
        return "headings"
    if leaf.name.role == "reasoning":
        return reading.named_rule(leaf)
    rule = reading.untagged_rule(leaf)
    beside = any(f.name.role == "response" and f.path != leaf.path and f.form == "text" for f in leaves)
    return "plain" if rule == "final" and beside else rule


def _leaf(rows: Rows, text: str) -> Leaf:
    path = read(rows, text)
    shown = text if path != (Field(text),) else ""
    return leaf_at(rows, path, shown)
