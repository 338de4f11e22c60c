"""What kind of task a record is: multiple choice, code, proof, tool use, free form, other, unknown.

Rules on question, response and reference; a trace that lists cases "A) ... B) ..." makes no multiple choice.
"""

from __future__ import annotations

import re
import string
from typing import Literal

from hfscore.text.answer_text import final_answer

Format = Literal["multiple_choice", "code", "proof", "tool", "free_form", "other", "unknown"]
FORMATS: tuple[Format, ...] = ("multiple_choice", "code", "proof", "tool", "free_form", "other", "unknown")

SHORT_ANSWER = 20  # words
FEWEST_OPTIONS = 3
LONGEST_OPTION = 200  # characters

# An option: its label at the start of a line or behind white space, "A)", "(a)", "B.", "1)", and some text.
_OPTION = re.compile(r"(?:(?<=\s)|\A)[(\[]?([A-Ja-j]|[1-9])[)\].:]\s*(?=\S)")
_LINE_OPTION = re.compile(r"^[ \t>*-]*[(\[]?([A-Ja-j]|[1-9])[)\].:]\s*(?=\S)", re.MULTILINE)
_LABEL = re.compile(r"\W*(?:\\boxed\{)?\W*(?:\\text\{)?\W*([A-Ja-j]|[1-9])\W*(?:$|[).:\s])")
_PROOF = re.compile(
    r"\b(?:prove|proof|show that|demonstrate that|disprove|udowodnij|wykaż|wykazać|pokaż,? że|dowód)\b", re.IGNORECASE
)
_CODE_TASK = re.compile(
    r"\b(?:programming|python|java|javascript|typescript|c\+\+|rust|golang|sql|bash|function|program|script|algorithm|code|implement|"
    r"stdin|stdout|funkcj[ęa]|kod|zaimplementuj|skrypt)\b",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"^[ \t]*(?:```\w+|def \w+\(|class \w+|import \w+|from \w+ import|#include|public (?:static|class)|"
    r"fn \w+\(|func \w+\(|function \w+\(|SELECT\b.*\bFROM\b|int main\()",
    re.MULTILINE,
)
_LISTING = re.compile(r"```\w+\n(?:(?!```).)*+```", re.DOTALL)
_TOOL = re.compile(r"<tool_call>|<function_call|^Action(?: Input)?:|\"tool_calls\"|<\|tool", re.MULTILINE)
TOOL_ROLES = frozenset({"tool", "function", "observation", "environment", "ipython"})


def options(question: str) -> tuple[str, ...]:
    """Labels of the options a question offers, in order; empty if they are no run from the first label on."""
    for pattern in (_LINE_OPTION, _OPTION):
        labels = [match[1].upper() for match in pattern.finditer(question)]
        for first in ("A", "1"):
            run: list[str] = []
            expected = first
            for label in labels:
                if label == expected:
                    run.append(label)
                    expected = chr(ord(expected) + 1)
            if len(run) >= FEWEST_OPTIONS:
                return tuple(run)
    return ()


def is_label(answer: str | None, labels: tuple[str, ...]) -> bool:
    """Whether an answer names one of the labels, alone or before its text."""
    if not answer:
        return False
    found = final_answer(answer) or answer
    match = _LABEL.match(found.strip())
    return match is not None and match[1].upper() in labels


def _is_multiple_choice(question: str, answers: tuple[str | None, ...], listed: tuple[str, ...]) -> bool:
    labels = tuple(string.ascii_uppercase[: len(listed)]) if len(listed) >= FEWEST_OPTIONS else options(question)
    if not labels:
        return False
    if any(is_label(answer, labels) for answer in answers):
        return True
    texts = [answer.strip() for answer in answers if answer]
    # the answer is an option's text rather than its label
    return any(0 < len(text) <= LONGEST_OPTION and (text in listed or text in question) for text in texts)


def _is_code(question: str, answers: tuple[str | None, ...]) -> bool:
    """Whether the answer is code: a task that asks for it, or an answer that is a listing and states nothing else."""
    shown = [answer for answer in answers if answer and _CODE.search(answer)]
    if not shown:
        return False
    return _CODE_TASK.search(question) is not None or any(_LISTING.fullmatch(answer.strip()) for answer in shown)


def format_of(
    question: str | None,
    reasoning: str,
    response: str | None,
    reference: str | None,
    roles: frozenset[str] = frozenset(),
    listed: tuple[str, ...] = (),
) -> Format:
    """The format of one record.

    Args:
        question: The question, or None.
        reasoning: The trace.
        response: What follows it, or None.
        reference: The reference answer, or None.
        roles: Roles of an agent's turns.
        listed: Options of a test that stand in a column of their own.
    """
    if roles & TOOL_ROLES or _TOOL.search(reasoning) or _TOOL.search(response or ""):
        return "tool"
    if not question or not question.strip():
        return "unknown"
    answers = (reference, response, None if response else reasoning)
    if _is_multiple_choice(question, answers, listed):
        return "multiple_choice"
    if _is_code(question, answers):
        return "code"
    if _PROOF.search(question):
        return "proof"
    answer = reference or final_answer(response or "") or final_answer(reasoning) or response
    if not answer or not answer.strip():
        return "unknown"
    return "free_form" if len(answer.split()) <= SHORT_ANSWER else "other"
