"""A trace or a passage as the pieces of text that a model reads, and which of them are scored.

With a chat template, a conversation is rendered twice: as it is, and with a marker for each of the dataset's texts.
The second shows where the texts stand, however short they are; the first must equal it with the texts put in, or else
the template changes a text and nothing is scored. Without a template, or without a question, the text is plain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hfscore.ports import ANSWER_CUE, Passage
from hfscore.records import Trace, Turn, Unscored
from hfscore.text.chat_form import TEMPLATE_ERRORS, Form, apply, refusal, render
from hfscore.text.training_text import CHANGED, Message, clean, conversation

EMPTY = Unscored("empty trace")
QUESTION, NO_QUESTION = "Question: {}\nAnswer: ", "Answer: "  # the plain form of a prompt
BETWEEN = "\n\n"  # the texts of one trace, where no template joins them
REASONING, RESPONSE, ANSWER = range(3)  # the parts of a trace

_MARKER = "hfscore-text-{}-end"
_MARKED = re.compile(_MARKER.format(r"(\d+)"))
_SHAPES = 256  # of conversations that are remembered; ordinary traces have two

Write = Callable[[Sequence[str]], list[Message]]  # texts -> the conversation that holds them


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that is tokenised on its own.

    Args:
        text: The text.
        part: Number of the scored part it belongs to; None where it is only given.
        at: Character of the part's text at which it begins.
        literal: Whether control tokens spelled out in it are text, as in everything that a dataset holds.
    """

    text: str
    part: int | None = None
    at: int = 0
    literal: bool = True


@dataclass(frozen=True, slots=True)
class Layout:
    """What a model reads.

    Args:
        pieces: In order, up to the last that is scored.
        parts: Number of scored parts, some of which may have no piece.
        start: Whether the tokenizer's start token comes first; a template writes its own.
    """

    pieces: tuple[Piece, ...]
    parts: int
    start: bool


@dataclass(slots=True)
class Script:
    """Lays out traces and passages for one model.

    Args:
        tokenizer: The model's.
        form: Which way its chat template takes a trace, if it has one.
    """

    tokenizer: Any
    form: Form
    _shapes: dict[tuple[str, ...], list[str]] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """How a trace becomes text, in words."""
        where = f"the reasoning in its field {self.form.field}" if self.form.field else "reasoning between think tags"
        alone = "without a question the start token and the trace alone"
        return {
            "template": f"the model's own chat template, {where}; {alone}",
            "prompt": f"the prompt of the model's chat template and behind it the trace, {where}; {alone}",
            "text": f"plain text, {QUESTION.format('...')!r} and the trace; without a question {NO_QUESTION!r}",
            "refused": "none: the model's chat template renders not even a short conversation",
        }[self.form.through]

    def trace(self, trace: Trace) -> Layout | Unscored:
        """Lay out [question | reasoning | response | cue and reference answer], each without white space around it."""
        bare = _bare(trace)
        if not bare.reasoning:
            return EMPTY
        texts, kind, write = _trajectory(bare) if bare.turns else self._exchange(trace, bare)
        own = [place for place, text in enumerate(texts) if text.part is not None]
        if not own:
            return EMPTY
        asked = bool(bare.question) or any(turn.role == "user" and turn.text for turn in bare.turns)
        templated = self.form.through != "text" and asked
        pieces = self._templated(texts, kind, write) if templated else self._plain(texts, own[0])
        if isinstance(pieces, Unscored):
            return pieces
        while pieces[-1].part is None:
            pieces.pop()
        reference = _tidy(trace.reference)
        behind = (Piece(ANSWER_CUE), Piece(reference, ANSWER)) if reference else ()
        return Layout((*pieces, *behind), ANSWER + 1, start=not templated)

    def passage(self, passage: Passage) -> Layout | Unscored:
        """Lay out [question | parts], the parts as they are, behind the template's opening of the assistant's turn."""
        if not any(passage.parts):
            return EMPTY
        question = _tidy(passage.question)
        templated = self.form.through != "text" and bool(question)
        given: list[Piece] | Unscored = []
        if templated:
            given = self._templated([Piece(question)], ("prompt",), lambda texts: [_said("user", texts[0])])
        elif self.form.through == "text":
            given = [Piece(QUESTION.format(question) if question else NO_QUESTION)]
        if isinstance(given, Unscored):
            return given
        scored = [Piece(clean(text), part) for part, text in enumerate(passage.parts)]
        return Layout((*given, *scored), len(scored), start=not templated)

    def _exchange(self, trace: Trace, bare: Trace) -> tuple[list[Piece], tuple[str, ...], Write]:
        """A question and an answer to it: the texts, a name for their shape, and how they become a conversation."""
        texts = [Piece(bare.question or ""), Piece(bare.reasoning, REASONING, _indent(trace.reasoning))]
        if bare.response:
            texts.append(Piece(bare.response, RESPONSE, _indent(trace.response or "")))

        def write(contents: Sequence[str]) -> list[Message]:
            question, reasoning, response = (*contents, None)[:3]
            filled = replace(bare, question=question, reasoning=reasoning or "", response=response)
            return conversation(filled, self.form.field)

        return texts, ("apart" if bare.response else "whole",), write

    def _plain(self, texts: Sequence[Piece], first: int) -> list[Piece]:
        """The texts behind one another; what stands before the `first` own one is the question."""
        lead = BETWEEN.join(text.text for text in texts[:first] if text.text)
        pieces = [Piece(lead), Piece(BETWEEN)] if lead else []
        if self.form.through == "text":
            pieces = [Piece(QUESTION.format(lead) if lead else NO_QUESTION)]
        for text in texts[first:]:
            pieces += [text, Piece(BETWEEN)]
        return pieces

    def _templated(self, texts: Sequence[Piece], kind: tuple[str, ...], write: Write) -> list[Piece] | Unscored:
        """The texts and, between them, what the template writes."""
        try:
            if kind not in self._shapes:
                if len(self._shapes) >= _SHAPES:
                    self._shapes.clear()
                marks = [_MARKER.format(place) for place in range(len(texts))]
                self._shapes[kind] = _MARKED.split(self._rendered(kind, write(marks)))
            rendered = self._rendered(kind, write([text.text for text in texts]))
        except TEMPLATE_ERRORS as error:
            return Unscored(refusal(self.tokenizer, error))
        cut = self._shapes[kind]
        places = [int(place) for place in cut[1::2]]
        if sorted(places) != list(range(len(texts))):
            return CHANGED
        pieces = [Piece(cut[0], literal=False)]
        for place, behind in zip(places, cut[2::2], strict=True):
            pieces += [texts[place], Piece(behind, literal=False)]
        return pieces if "".join(piece.text for piece in pieces) == rendered else CHANGED

    def _rendered(self, kind: tuple[str, ...], messages: list[Message]) -> str:
        if kind == ("prompt",):
            return apply(self.tokenizer, messages, add_generation_prompt=True)
        return render(self.tokenizer, self.form, messages, apart=kind == ("apart",))[0]


def _trajectory(bare: Trace) -> tuple[list[Piece], tuple[str, ...], Write]:
    """An agent's turns: the texts, a name for their shape, and how they become a conversation."""
    messages = conversation(bare, None)
    roles = tuple(message["role"] for message in messages)
    texts, at = [], 0
    for role, content in ((message["role"], message["content"].strip()) for message in messages):
        texts.append(Piece(content, REASONING, at) if role == "assistant" else Piece(content))
        at += len(content) + len(BETWEEN) if role == "assistant" else 0
    return texts, ("turns", *roles), lambda contents: list(map(_said, roles, contents))


def _said(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _bare(trace: Trace) -> Trace:
    """The trace without white space around its texts, and without a response that is the end of the same text."""
    return replace(
        trace,
        question=_tidy(trace.question),
        reasoning=_tidy(trace.reasoning),
        response=None if trace.own_response else _tidy(trace.response) or None,
        turns=tuple(Turn(turn.role, _tidy(turn.text)) for turn in trace.turns),
    )


def _tidy(text: str | None) -> str:
    return clean((text or "").strip())


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())
