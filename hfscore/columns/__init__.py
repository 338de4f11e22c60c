"""From the columns of a dataset to question, reasoning, response and reference.

`detect` looks at a few rows and decides once how a split is laid out; `extract` applies that decision
to one row. Neither knows any dataset by name: names of columns count by role, contents by evidence.
"""

from __future__ import annotations

from hfscore.columns.detect import detect
from hfscore.columns.extract import extract, question_of, reasoning_text
from hfscore.columns.layout import Extracted, ExtractedTrace, Layout, Overrides
from hfscore.columns.paths import parse, resolve

__all__ = [
    "Extracted",
    "ExtractedTrace",
    "Layout",
    "Overrides",
    "detect",
    "extract",
    "parse",
    "question_of",
    "reasoning_text",
    "resolve",
]
