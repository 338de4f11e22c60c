"""Apply a layout to a row. A row from which nothing can be taken is a trace with a problem, never lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hfscore.columns import words
from hfscore.columns.agents import (
    Reading,
    Trajectory,
    read_react,
    read_steps,
    read_trajectory,
)
from hfscore.columns.chats import Chat, Message, read_chat
from hfscore.columns.layout import Extracted, ExtractedTrace, Layout, Pick, Rule, Source
from hfscore.columns.markers import (
    Split,
    bare_thought,
    clean_response,
    has_span,
    split_answer_tag,
    split_headings,
    split_think,
)
from hfscore.columns.paths import Json, Path, column_of, is_list, resolve
from hfscore.records import Turn
from hfscore.text.answer_text import final_answer, final_line

NO_REASONING = "no reasoning in this row"
OFF = "reasoning is off in this row"
NOT_A_STRING = "not a string"
NOT_A_CHAT = "not a chat"
NO_FINAL_LINE = "no final answer line"
_LONGEST_NUMBER = 4_000  # bits; Python refuses to write out much longer ones


def extract(layout: Layout, row: Mapping[str, Any]) -> Extracted:
    """Take a row apart.

    Args:
        layout: What `detect` decided.
        row: The row; any values in any column.

    Returns:
        Question, traces and reference. A layout with traces gives one trace or more for every row,
        with `problem` set where there is nothing to score.
    """
    traces = [trace for source in layout.sources for trace in _traces(source, row)]
    if any(trace.problem for trace in traces) and _is_off(layout, row):
        traces = [replace(trace, problem=OFF) if trace.problem else trace for trace in traces]
    return Extracted(question_of(layout, row), tuple(traces), _reference(layout, row), _options(layout, row))


def _options(layout: Layout, row: Mapping[str, Any]) -> tuple[str, ...]:
    found = resolve(layout.options, row) if layout.options else []
    items = [item for value in found for item in (value if isinstance(value, list) else [value])]
    return tuple(text for item in items if (text := cell_text(item)))


def question_of(layout: Layout, row: Mapping[str, Any]) -> str | None:
    """The question of a row, its pieces joined by a blank line; None if it has none."""
    parts = [text for pick in layout.question if (text := _picked(pick, row, words.PLACEHOLDERS))]
    return "\n\n".join(parts) or None


def reasoning_text(reasoning: str | tuple[Turn, ...]) -> str:
    """Reasoning as one text: an agent's reasoning turns joined by a blank line."""
    if isinstance(reasoning, str):
        return reasoning
    return "\n\n".join(turn.text for turn in reasoning if turn.role == "reasoning")


def _reference(layout: Layout, row: Mapping[str, Any]) -> str | None:
    return next((text for p in layout.reference if (text := _picked(p, row, words.NO_ANSWER))), None)


def _picked(pick: Pick, row: Mapping[str, Any], missing: frozenset[str]) -> str | None:
    for value in resolve(pick.path, row):
        plain = pick.how in ("cell", "final")
        text = cell_text(value, missing) if plain else _asked(read_chat(value), pick.how)
        if text and (text := final_answer(text) if pick.how == "final" else text):
            return text
    return None


def _asked(chat: Chat, how: str) -> str | None:
    if how == "agent_task":
        return read_trajectory(chat, Reading()).question
    asked = [m.text for m in chat if m.role == "user" and m.text]
    if not asked:
        return None
    if how == "first_user" or len(asked) == 1:
        return asked[0]
    return next((q for m, q in _answers(chat) if q and (m.reasoning or has_span(m.text))), asked[-1])


def cell_text(value: Any, missing: frozenset[str] = words.PLACEHOLDERS) -> str | None:
    """A cell as text: strings stripped, numbers written out, the first of several; None if missing."""
    if isinstance(value, str):
        text = value.strip()
        return None if len(text) < 8 and text.lower() in missing else text
    if isinstance(value, bool | int):
        return str(value) if value.bit_length() < _LONGEST_NUMBER else None
    if isinstance(value, float):
        return None if value != value else str(int(value)) if value.is_integer() else str(value)
    if is_list(value):
        plain = (item for item in value[:20] if not is_list(item))
        return next((found for item in plain if (found := cell_text(item, missing))), None)
    return None


def _is_off(layout: Layout, row: Mapping[str, Any]) -> bool:
    if layout.flag is not None:
        value = row.get(layout.flag)
        if isinstance(value, bool | str):
            return str(value).strip().lower() in words.OFF_VALUES
    chats = (value for s in layout.sources if s.form == "chat" for value in resolve(s.path, row))
    texts = (m.text[-200:].lower() for v in chats for m in read_chat(v) if m.role in ("system", "user"))
    return any(off in text for text in texts for off in words.OFF_PROMPTS)


def _traces(source: Source, row: Mapping[str, Any]) -> Iterable[ExtractedTrace]:
    values = resolve(source.path, row)
    if not any(value is not None for value in values):
        return (ExtractedTrace("", _single_response(source, row), problem=_why_nothing(source.path, row)),)
    if source.form == "chat":
        traces = [_from_chat(source, read_chat(value)) for value in values]
    elif source.form == "turns":
        traces = [trace for value in values for trace in _from_turns(source, read_chat(value))]
    elif source.form in ("agent", "agent_steps"):
        traces = [_from_agent(source, value) for value in values]
    elif source.form == "steps":
        traces = [_from_steps(value) for value in values]
    else:
        texts = [t for value in values for t in (value if is_list(value) else (value,))]
        traces = [_from_text(text, source) for text in texts]
    if not traces:
        traces = [ExtractedTrace("", problem=NO_REASONING)]
    return traces if source.response is None else _with_responses(traces, source.response, row)


def _why_nothing(path: Path, row: Mapping[str, Any]) -> str:
    """Why a path found nothing: JSON that cannot be read, or nothing there."""
    for i, step in enumerate(path):
        if isinstance(step, Json):
            before = [v for v in resolve(path[:i], row) if isinstance(v, str) and cell_text(v)]
            if before and not resolve(path[: i + 1], row):
                return f"bad JSON in column {column_of(path)}"
    return NO_REASONING


def _single_response(source: Source, row: Mapping[str, Any]) -> str | None:
    found = resolve(source.response, row) if source.response else []
    return cell_text(found[0], words.NO_ANSWER) if len(found) == 1 else None


def _with_responses(traces: Sequence[ExtractedTrace], path: Path, row: Mapping[str, Any]) -> list[ExtractedTrace]:
    """Put sibling responses beside their traces; a count that does not match pairs with nothing."""
    found = resolve(path, row)
    if len(found) == 1 and is_list(found[0]) and len(found[0]) == len(traces) > 1:
        found = list(found[0])
    texts = [_said(value) for value in found]
    if len(texts) != len(traces):
        texts = [None] * len(traces)
    pairs = zip(traces, texts, strict=True)
    return [t if text is None else replace(t, response=text) for t, text in pairs]


def _said(value: Any) -> str | None:
    if is_list(value) and (chat := read_chat(value)):
        value = next((m.text for m in reversed(chat) if m.role == "assistant"), None)
    text = cell_text(value, words.NO_ANSWER)
    return clean_response(text) if text else text


def _from_split(split: Split) -> ExtractedTrace:
    problem = split.problem or (None if split.reasoning else NO_REASONING)
    return ExtractedTrace(split.reasoning, split.response, split.marks, problem, split.span)


def _from_text(value: Any, source: Source) -> ExtractedTrace:
    if not isinstance(value, str):
        return ExtractedTrace("", problem=NO_REASONING if value is None else NOT_A_STRING)
    if source.rule == "react":
        return _from_trajectory(read_react(value))
    if cell_text(value) is None:
        return ExtractedTrace("", problem=NO_REASONING)
    return _from_split(split_by_rule(value, source.rule, source))


def split_by_rule(text: str, rule: Rule, source: Source) -> Split:
    """Cut one text as its layout says."""
    match rule:
        case "think":
            return split_think(text, source.pairs)
        case "headings":
            return split_headings(text)
        case "answer_tag":
            return split_answer_tag(text)
        case "line":
            found = final_line(text)
            if found is None:
                return Split(text.strip(), final_answer(text), marks=(NO_FINAL_LINE,))
            return Split(found[0], found[1])
        case "final":
            return Split(text.strip(), final_answer(text) or text.strip())
    return Split(text.strip(), None)


def _from_steps(value: Any) -> ExtractedTrace:
    if isinstance(value, Mapping):
        value = list(value.values())
    if not is_list(value):
        return ExtractedTrace("", problem="not a list of steps")
    steps = [text for item in value if (text := step_text(item))]
    return ExtractedTrace("\n\n".join(steps), None, problem=None if steps else NO_REASONING)


def step_text(item: Any) -> str | None:
    """The text of one step: a string, or a struct's; of several candidates the chosen one."""
    if not isinstance(item, Mapping):
        return cell_text(item) if isinstance(item, str) else None
    for key in (*words.REASONING_KEYS, *words.STEP_TEXT_KEYS):
        if isinstance(item.get(key), str) and (text := cell_text(item[key])):
            return text
    candidates = next((v for v in item.values() if is_list(v) and v and isinstance(v[0], Mapping)), None)
    if candidates is None:
        return None
    chosen = item.get("chosen_completion")
    inside = isinstance(chosen, int) and 0 <= chosen < len(candidates)
    candidate = candidates[chosen] if inside else candidates[0]
    texts = (v for v in candidate.values() if isinstance(v, str)) if isinstance(candidate, Mapping) else ()
    return next((text for v in texts if (text := cell_text(v))), None)


def _answers(chat: Chat) -> list[tuple[Message, str | None]]:
    """Answers with the user message before each; flagged examples left aside where others count."""
    flagged = any(m.trained for m in chat if m.role == "assistant")
    found: list[tuple[Message, str | None]] = []
    asked: str | None = None
    for message in chat:
        if message.role == "user":
            asked = message.text or asked
        elif message.role == "assistant" and not (flagged and message.trained is False):
            found.append((message, asked))
    return found[::-1]


def split_answer(message: Message, source: Source) -> Split:
    """Cut one answer of a chat: at its own field of reasoning, else as a text."""
    if message.reasoning:
        reasoning = bare_thought(message.reasoning, source.pairs)
        said = split_think(message.text, source.pairs) if has_span(message.text) else None
        response = said.response if said else clean_response(message.text)
        return Split(reasoning, response or message.action or response)
    if source.rule == "plain":
        return Split("", clean_response(message.text), problem=NO_REASONING)
    return split_by_rule(message.text, source.rule, source)


def _from_chat(source: Source, chat: Chat) -> ExtractedTrace:
    """The last answer that shows reasoning; failing that, the last answer and why it has none."""
    splits = [split_answer(message, source) for message, _ in _answers(chat)]
    if not splits:
        return ExtractedTrace("", problem=NO_REASONING if chat else NOT_A_CHAT)
    return _from_split(next((s for s in splits if s.reasoning), splits[0]))


def _from_turns(source: Source, chat: Chat) -> list[ExtractedTrace]:
    """Every answer that shows reasoning, each with the user message before it."""
    found = [
        replace(_from_split(split), question=asked)
        for message, asked in reversed(_answers(chat))
        if (split := split_answer(message, source)).reasoning
    ]
    return found or [_from_chat(source, chat)]


def _from_agent(source: Source, value: Any) -> ExtractedTrace:
    if source.form == "agent_steps":
        return _from_trajectory(read_steps(value)) if is_list(value) else ExtractedTrace((), problem=NO_REASONING)
    chat = read_chat(value)
    if not chat:
        return ExtractedTrace((), problem=NOT_A_CHAT)
    return _from_trajectory(read_trajectory(chat, source.reading))


def _from_trajectory(found: Trajectory) -> ExtractedTrace:
    problem = None if found.reasoning else NO_REASONING
    return ExtractedTrace(found.reasoning, found.response, found.marks, problem, turns=found.turns)
