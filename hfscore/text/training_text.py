"""A trace as the conversation a student is trained on, and where its texts stand once a template has rendered it.

Knows no tokenizer and no template: a template is whatever made a text out of the conversation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from operator import itemgetter

from hfscore.records import Trace, Unscored

CHANGED = Unscored("the chat template changes or drops part of the text")

Message = dict[str, str]
Span = tuple[int, int]

_ROLES = {"system": "system", "user": "user", "observation": "user"}  # any other role of a turn is the assistant's


@dataclass(frozen=True, slots=True)
class Rendered:
    """A training sequence.

    Args:
        text: All of it.
        spans: Where the dataset's own texts stand, in characters, ascending.
        answer: Where the answer stands.
    """

    text: str
    spans: tuple[Span, ...]
    answer: Span


def conversation(trace: Trace, reasoning_field: str | None) -> list[Message]:
    """The turns of a trace: user, assistant; of an agent all turns up to its last, observations as the user's.

    Args:
        trace: A trace with a question.
        reasoning_field: Field of the assistant's message for the reasoning; None writes it between think tags into
            the content. A trace without a response is the content itself.
    """
    if trace.turns:
        return _trajectory(trace)
    asked: Message = {"role": "user", "content": trace.question or ""}
    if not (trace.response or "").strip():
        return [asked, {"role": "assistant", "content": trace.reasoning}]
    response = trace.response or ""
    if reasoning_field is None:
        return [asked, {"role": "assistant", "content": f"<think>\n{trace.reasoning}\n</think>\n\n{response}"}]
    return [asked, {"role": "assistant", "content": response, reasoning_field: trace.reasoning}]


def _trajectory(trace: Trace) -> list[Message]:
    turns = [(_ROLES.get(turn.role, "assistant"), turn.text) for turn in trace.turns]
    if not any(turn.role == "user" for turn in trace.turns):
        leading = sum(1 for _ in takewhile(lambda turn: turn[0] == "system", turns))
        turns.insert(leading, ("user", trace.question or ""))
    while turns and turns[-1][0] != "assistant":
        turns.pop()
    grouped = groupby(turns, key=itemgetter(0))
    return [{"role": role, "content": "\n\n".join(text for _, text in group)} for role, group in grouped]


def texts_of(trace: Trace, messages: Sequence[Message]) -> list[tuple[str, str]]:
    """(role, text) of the dataset's own texts, in order and stripped, without what stands between them."""
    if trace.turns:
        return [(message["role"], message["content"].strip()) for message in messages]
    parts = (("user", trace.question), ("assistant", trace.reasoning), ("assistant", trace.response))
    return [(role, text.strip()) for role, text in parts if text and text.strip()]


def answer_of(trace: Trace, messages: Sequence[Message]) -> str:
    """The response; without one the last tenth of the trace's characters; an agent's last turn."""
    if trace.turns:
        return messages[-1]["content"].strip() if messages else ""
    if trace.response and trace.response.strip():
        return trace.response.strip()
    whole = trace.reasoning.strip()
    return whole[-max(1, -(-len(whole) // 10)) :]


def locate(text: str, closing: str, texts: Sequence[tuple[str, str]], answer: str) -> Rendered | Unscored:
    """Find the texts in a sequence, in their order; a system turn may be moved."""
    body = text.removesuffix(closing).rstrip()
    answer = clean(answer)
    if not answer or not body.endswith(answer):
        return CHANGED
    spans, at = [], 0
    for role, raw in texts:
        part = clean(raw)
        start = body.find(part, 0 if role == "system" else at)
        if start < 0:
            return CHANGED
        spans.append((start, start + len(part)))
        at = at if role == "system" else start + len(part)
    return Rendered(text, tuple(sorted(spans)), (len(body) - len(answer), len(body)))


def clean(text: str) -> str:
    """Tokenizers refuse lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")
