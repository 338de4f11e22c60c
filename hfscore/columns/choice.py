"""A reading of the sample: where the traces are, and how their texts are cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hfscore.columns.chats import Chat
from hfscore.columns.extract import split_answer
from hfscore.columns.layout import Kind, Pick, Rule, Source
from hfscore.columns.leaves import Leaf, Spelling
from hfscore.columns.markers import answer_tag_at, has_span, pairs_in, split_think
from hfscore.columns.paths import Path, parse
from hfscore.text.answer_text import final_line

MOST = 0.5  # share of the sample that must show a sign before it is the layout's rule
SOME = 0.05  # share of think spans that is no accident: rows with reasoning switched off may dominate


@dataclass(frozen=True)
class Choice:
    """A reading of the sample.

    Args:
        kind: What a row holds.
        sources: Where the traces are; responses of sibling columns are still open.
        leaves: The place of each source.
        reasoning: Paths to show, one per source.
        response: Paths to show where the trace's own text holds the response; () if a sibling may.
        tier: Name of the rule that found it.
    """

    kind: Kind
    sources: tuple[Source, ...]
    leaves: tuple[Leaf, ...]
    reasoning: tuple[str, ...]
    response: tuple[str, ...]
    tier: str


@dataclass(frozen=True)
class Picked:
    """Pieces of one field: what to read, the paths to show, and the places they stand in."""

    picks: tuple[Pick, ...] = ()
    paths: tuple[str, ...] = ()
    leaves: tuple[Leaf, ...] = ()


NOTHING = Picked()


def chat_choice(leaf: Leaf, rule: Rule, tier: str) -> Choice:
    """Read a chat by its last answer, or by all of them where several show their thinking."""
    pairs = pairs_in(m.text for chat in leaf.chats for m in chat if m.role == "assistant")
    source = Source(parse(leaf.path), "chat", rule, pairs=pairs)
    turns = max((_answers_that_think(chat, source) for chat in leaf.chats), default=0)
    spelled = leaf.spelled or Spelling()
    several = turns > 1 and tier == "think"
    which = "[*]" if several else "[-1]"
    path = spelled.select(leaf.path, "assistant", which)
    thought = spelled.select(leaf.path, "assistant", which, spelled.thought or None)
    kind: Kind = "multi_turn" if several else "single_trace"
    if not several and any(len(cell) > 1 for cell in leaf.cells):
        kind = "multi_generation"
    source = replace(source, form="turns" if several else "chat")
    return Choice(kind, (source,), (leaf,), (thought,), (path,), tier)


def chats_choice(group: Sequence[Leaf]) -> Choice:
    """Read chats with think spans: one alone, or one generation of each, such as chosen and rejected."""
    choices = [chat_choice(leaf, "think", "think") for leaf in group]
    if len(choices) == 1:
        return choices[0]
    shown = tuple(path for choice in choices for path in choice.reasoning)
    said = tuple(path for choice in choices for path in choice.response)
    sources = tuple(source for choice in choices for source in choice.sources)
    return Choice("multi_generation", sources, tuple(group), shown, said, "think")


def _answers_that_think(chat: Chat, source: Source) -> int:
    answered = [m for m in chat if m.role == "assistant"]
    counted = [m for m in answered if m.trained] or answered
    return sum(bool(split_answer(m, source).reasoning) for m in counted)


def text_choice(group: Sequence[Leaf], rule_of: Callable[[Leaf], Rule], tier: str) -> Choice:
    """Read each text of some places as one trace."""
    sources = tuple(_text_source(leaf, rule_of(leaf)) for leaf in group)
    shown = tuple(shown_path(leaf) for leaf in group)
    own = all(_holds_response(leaf, source) for leaf, source in zip(group, sources, strict=True))
    return Choice(generations(group), sources, tuple(group), shown, shown if own else (), tier)


def _text_source(leaf: Leaf, rule: Rule) -> Source:
    return Source(items_path(leaf), "text", rule, pairs=pairs_in(leaf.texts) if rule == "think" else ())


def _holds_response(leaf: Leaf, source: Source) -> bool:
    """Whether something follows the reasoning in the texts themselves."""
    if source.rule == "plain":
        return False
    if source.rule != "think":
        return True
    splits = [split_think(text, source.pairs) for text in leaf.texts]
    closed = [s for s in splits if s.span == "valid"]
    if not closed:
        return leaf.name.role != "reasoning"
    return sum(bool(s.response) for s in closed) >= MOST * len(closed)


def items_path(leaf: Leaf) -> Path:
    """The path to each text of a place."""
    return parse(shown_path(leaf))


def shown_path(leaf: Leaf) -> str:
    """The path to each text of a place, as text."""
    return f"{leaf.path}[*]" if leaf.form == "list" else leaf.path


def generations(group: Sequence[Leaf]) -> Kind:
    """Several generations: several columns, or a list that holds more than one in some row."""
    several = len(group) > 1 or any(
        (sum(len(v) for v in cell) if leaf.form == "list" else len(cell)) > 1 for leaf in group for cell in leaf.cells
    )
    return "multi_generation" if several else "single_trace"


def steps_choice(leaf: Leaf) -> Choice:
    """One trace per list; a text inside structs is read through its list."""
    path = leaf.path
    if leaf.form == "text":
        path = path[: path.rindex("[*]")]
    shown = leaf.path if leaf.form == "text" else f"{leaf.path}[*]"
    source = Source(parse(path), "steps")
    return Choice("single_trace", (source,), (leaf,), (shown,), (), "steps")


def thoughts(chat: Chat) -> int:
    """Answers of a chat that show their thinking by a field or a span."""
    return sum(bool(m.reasoning) or has_span(m.text) for m in chat if m.role == "assistant")


def thinking(leaf: Leaf) -> float:
    """Share of the chats in which some answer shows its thinking."""
    return sum(thoughts(chat) > 0 for chat in leaf.chats) / len(leaf.chats) if leaf.chats else 0.0


def named_rule(leaf: Leaf) -> Rule:
    """How a text in a column named after reasoning is cut: at a last answer line, or not at all."""
    return "line" if leaf.share(_has_line) >= MOST else "plain"


def _has_line(text: str) -> bool:
    found = final_line(text)
    return found is not None and bool(found[0])


def untagged_rule(leaf: Leaf) -> Rule:
    """How an untagged text is cut: at a last line, at an answer tag, or not at all."""
    if leaf.share(_has_line) >= MOST:
        return "line"
    if leaf.share(lambda text: answer_tag_at(text) > 0) >= MOST:
        return "answer_tag"
    return "final"
