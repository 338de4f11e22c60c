"""The values of this package: what was decided about a split, and what comes out of a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hfscore.columns.agents import Reading
from hfscore.columns.markers import Pair, ThinkSpan
from hfscore.columns.paths import Path
from hfscore.records import Turn

Kind = Literal["single_trace", "multi_generation", "multi_turn", "agent_trajectory", "question_only", "not_reasoning"]
Rule = Literal["plain", "think", "headings", "final", "line", "answer_tag", "react"]
Form = Literal["text", "steps", "chat", "turns", "agent", "agent_steps"]


@dataclass(frozen=True, slots=True)
class Overrides:
    """Column paths a person asked for; an empty tuple leaves the field to detection."""

    question: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    response: tuple[str, ...] = ()
    reference: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where traces come from, and how they are cut.

    Args:
        path: Leads to a text (or several: one trace each), to a list of steps, or to a chat.
        form: "text"; "steps" one list is one trace; "chat" the last answer that shows reasoning;
            "turns" every such answer; "agent" a chat, "agent_steps" a list of structs as a trajectory.
        rule: How a text is cut: "plain" all of it is reasoning; "think" at think spans; "headings";
            "line" before a last line like "#### 18"; "final" all of it is reasoning and its final answer
            the response; "answer_tag" before <answer>; "react" at Thought/Action/Observation labels.
        response: Leads to the responses of these traces, or None where the text itself holds them.
        pairs: Think markers seen in the sample.
        reading: How an agent's turns are read.
    """

    path: Path
    form: Form = "text"
    rule: Rule = "plain"
    response: Path | None = None
    pairs: tuple[Pair, ...] = ()
    reading: Reading = field(default_factory=Reading)


@dataclass(frozen=True, slots=True)
class Pick:
    """One piece of a question or of a reference.

    Args:
        path: Leads to a text or a number, or to a chat.
        how: "cell" the value itself; "final" its final answer; "last_user" or "first_user" that message
            of a chat; "agent_task" the message an agent's trajectory answers.
    """

    path: Path
    how: Literal["cell", "final", "last_user", "first_user", "agent_task"] = "cell"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a split is laid out, decided once.

    Args:
        kind: What a row holds.
        mapping: question, reasoning, response, reference_answer -> paths; an empty tuple for none.
        why: For "not_reasoning" and "question_only": the reason; else "".
        notes: Decisions a person should see, whole sentences, with the override that decides otherwise.
        columns: Top-level columns that `extract` needs.
        question_columns: Top-level columns that `question_of` needs.
        question: Pieces of the question; they join with a blank line.
        sources: Where traces come from.
        reference: Places of the reference answer; the first that holds one counts.
        flag: Column that says whether reasoning is on in a row, or None.
        options: Leads to the options of a test, where they stand in a column of their own; else None.
    """

    kind: Kind
    mapping: Mapping[str, tuple[str, ...]]
    why: str = ""
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    question_columns: tuple[str, ...] = ()
    question: tuple[Pick, ...] = ()
    sources: tuple[Source, ...] = ()
    reference: tuple[Pick, ...] = ()
    flag: str | None = None
    options: Path | None = None


@dataclass(frozen=True, slots=True)
class ExtractedTrace:
    """One trace of a row.

    Args:
        reasoning: The text; for an agent its reasoning turns alone, role "reasoning".
        response: What is set apart from the reasoning, "" if that is empty, None if nothing is.
        marks: What is noteworthy, such as "unclosed think span".
        problem: Why there is no reasoning to score, or None.
        think_span: How the think span was found, where markers are this layout's rule.
        turns: An agent's whole trajectory: system, user, reasoning, action, observation, assistant.
        question: The question of this very trace in a chat of several turns; else None.
    """

    reasoning: str | tuple[Turn, ...]
    response: str | None = None
    marks: tuple[str, ...] = ()
    problem: str | None = None
    think_span: ThinkSpan | None = None
    turns: tuple[Turn, ...] = ()
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Extracted:
    """A row, taken apart: its question, traces (at least one in a layout with traces), reference, and options."""

    question: str | None
    traces: tuple[ExtractedTrace, ...] = field(default=())
    reference: str | None = None
    options: tuple[str, ...] = ()
