"""The values that flow from a source to the metrics, and what a metric says about one trace."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of an agent's trajectory: who spoke, and what."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Trace:
    """One piece of reasoning with the question it answers.

    Args:
        config: Configuration the row stands in; "default" where the source has none.
        split: Split the row stands in.
        row: Index of the row in its split, counted from 0 in file order.
        index: Which of the row's traces this is, counted from 0.
        question: The question, or None where the data has none.
        reasoning: The trace's text; an agent's turns joined by a blank line.
        response: What follows the reasoning, or None where nothing is set apart from it.
        reference: The reference answer, or None.
        own_response: Whether the response is the end of the same text, with no marker to set it apart.
        own_reference: Whether the reference is read from the column of the trace or its response.
        options: Options of a test that stand in a column of their own.
        turns: The whole trajectory of an agent, observations included; empty otherwise.
        by: Values of the columns asked for with `--by`, as text.
        think_span: "valid", "empty", "missing" or "unclosed" where the layout marks thinking; None where columns do.
        marks: What is noteworthy about the extraction, such as "unclosed think span".
        problem: Why nothing can be scored here, or None.
    """

    config: str
    split: str
    row: int
    index: int
    question: str | None
    reasoning: str
    response: str | None = None
    reference: str | None = None
    own_response: bool = False
    own_reference: bool = False
    options: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
    by: Mapping[str, str] = field(default_factory=dict)
    think_span: str | None = None
    marks: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def id(self) -> str:
        """Stable name of the trace inside its source: config/split/row#index."""
        return f"{self.config}/{self.split}/{self.row}#{self.index}"

    @property
    def question_id(self) -> str:
        """16 hex digits naming the question, equal in every config that asks it.

        A trace without a question is a cluster of its own row.
        """
        return question_id(self.question, fallback=f"{self.config}/{self.split}/{self.row}")


def question_id(question: str | None, fallback: str) -> str:
    """Hash a question, white space folded, to 16 hex digits; `fallback` stands in for no question."""
    words = " ".join(question.split()) if question else ""
    return hashlib.blake2b((words or fallback).encode("utf-8", "replace"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Scored:
    """A finite number, perhaps with a mark that says under which reservation it was got."""

    value: float
    mark: str | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"a score must be finite, not {self.value}: use Unscored with a reason")


@dataclass(frozen=True, slots=True)
class Unscored:
    """No number, and why: a few words that are counted and shown."""

    reason: str


Reading = Scored | Unscored
