"""The form of text the model is trained on and scored with, and GSM8K read into its parts.

A sequence is a list of segments, each tokenised on its own: so no token straddles two of them, and a trace has
the same tokens whatever stands around it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hfscore.errors import SourceError
from hfscore.ports import ANSWER_CUE

QUESTION: Final = "Question: {}\nAnswer: "
NO_QUESTION: Final = "Answer: "

_FIELDS = "A line is a JSON object with the texts question and answer, as in openai/grade-school-math."
_NOTE = re.compile(r"<<[^<>\n]*>>")
_MARK = "\n#### "


@dataclass(frozen=True, slots=True)
class Item:
    """One problem of GSM8K.

    Args:
        question: The problem.
        notes: Its solution with the calculator notes, such as `9 * 2 = $<<9*2=18>>18`.
        answer: The final answer, as it stands behind `####`.
    """

    question: str
    notes: str
    answer: str

    @property
    def solution(self) -> str:
        """The solution without calculator notes."""
        return _NOTE.sub("", self.notes)


def prompt(question: str | None) -> str:
    """The segment before a trace; without a question only what announces a trace."""
    return NO_QUESTION if question is None else QUESTION.format(question)


def with_cue(question: str | None, trace: str) -> list[str]:
    """The segments before a reference answer."""
    return [prompt(question), trace, ANSWER_CUE]


def read_gsm8k(path: Path) -> list[Item]:
    """Read `train.jsonl` or `test.jsonl` of openai/grade-school-math.

    Raises:
        SourceError: The file cannot be read, or a line is no problem of GSM8K.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    return [_item(path, number, line) for number, line in enumerate(lines, 1) if line]


def _item(path: Path, number: int, line: str) -> Item:
    try:
        row = json.loads(line)
        notes, mark, answer = row["answer"].rpartition(_MARK)
        question = row["question"].strip()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SourceError(f"Line {number} of {path} is no problem of GSM8K.", _FIELDS) from error
    if not mark:
        raise SourceError(f"Line {number} of {path} has no '####' before its answer.", _FIELDS)
    return Item(question, notes.strip(), answer.strip())
