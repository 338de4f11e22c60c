"""What a student trained at a usual maximum length would not see (catalogue I: truncated at the model's window).

A trainer cuts a sequence that is too long at its end, where the answer stands. Tokens are those of a named student,
whole training sequences under its own chat template; only its tokenizer is loaded.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfscore.ports import StudentTokenizer, Tools
from hfscore.records import Trace, Unscored
from hfscore.spec import Fact, Family, Fold, Scores

LIMITS = (4096, 8192, 16384, 32768)  # tokens; lengths at which reasoning models are commonly fine-tuned
ROWS = 20


@dataclass(slots=True)
class Measured:
    """Lengths of a part's traces under one student, in tokens: 24 bytes a trace."""

    student: StudentTokenizer
    totals: array[int] = field(default_factory=lambda: array("i"))
    answer_starts: array[int] = field(default_factory=lambda: array("i"))
    answer_ends: array[int] = field(default_factory=lambda: array("i"))
    rows: array[int] = field(default_factory=lambda: array("q"))
    unscored: Counter[str] = field(default_factory=Counter)
    spelled: int = 0
    spelled_rows: list[int] = field(default_factory=list)


def start(tools: Tools) -> list[Measured]:
    """Nothing measured yet, for every student."""
    return [Measured(student) for student in tools.students()]


def add(state: list[Measured], traces: Sequence[Trace], scores: Scores) -> None:
    """Measure a batch under every student."""
    for one in state:
        for trace, found in zip(traces, one.student.lengths(traces), strict=True):
            if isinstance(found, Unscored):
                one.unscored[found.reason] += 1
                continue
            one.totals.append(found.total)
            one.answer_starts.append(found.answer_start)
            one.answer_ends.append(found.answer_end)
            one.rows.append(trace.row)
            if found.control:
                one.spelled += 1
                if len(one.spelled_rows) < ROWS:
                    one.spelled_rows.append(trace.row)


def finish(state: list[Measured]) -> list[Fact]:
    """What is lost at every limit, and how long sequences are, student by student."""
    facts: list[Fact] = []
    for number, one in enumerate(state, start=1):
        if one.totals or one.unscored:
            facts += _facts(one, "" if number == 1 else f"_{number}")
    return facts


def _facts(one: Measured, suffix: str) -> list[Fact]:
    who = f"(student {one.student.name.id})"
    left = "; ".join(f"{count:,}: {reason}" for reason, count in sorted(one.unscored.items()))
    left_out = f" Not counted, {left}." if left else ""
    totals, starts, ends = (np.asarray(kept) for kept in (one.totals, one.answer_starts, one.answer_ends))
    rows = np.asarray(one.rows)
    of = len(totals)
    if not of:
        return [Fact(f"fit_tokens_median{suffix}", f"Tokens per trace {who}", None, "tokens", 0, left_out.strip())]
    facts = []
    for limit in LIMITS:
        cut, lost, gone = totals > limit, ends > limit, starts >= limit
        title = f"Longer than {limit:,} tokens {who}"
        note = (one.student.form if limit == LIMITS[0] else "Cut at the end, as trainers do.") + left_out
        facts.append(
            Fact(f"fit_{limit}_traces{suffix}", title, float(cut.mean()), "share", of, note, _first(rows, cut))
        )
        title = f"Answer not whole within {limit:,} tokens {who}"
        note = (
            f"{int(gone.sum()):,} of these {int(lost.sum()):,} begin beyond the limit."
            if lost.any()
            else "None is cut."
        )
        facts.append(Fact(f"fit_{limit}_answers{suffix}", title, float(lost.mean()), "share", of, note + left_out))
    for name, quantile, words in (("median", 0.5, "median"), ("p95", 0.95, "95th percentile")):
        title = f"Tokens per trace, {words} {who}"
        value = float(np.quantile(totals, quantile, method="inverted_cdf"))
        facts.append(Fact(f"fit_tokens_{name}{suffix}", title, value, "tokens", of, one.student.form + left_out))
    if one.spelled:
        note = (
            "Counted as text here; a trainer that tokenizes the rendered string reads the token, and may end the turn."
        )
        title = f"Traces that spell out a control token {who}"
        spelled = tuple(one.spelled_rows)
        facts.append(Fact(f"fit_control{suffix}", title, one.spelled / of, "share", of, note, spelled))
    return facts


def _first(rows: NDArray[Any], cut: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(row) for row in dict.fromkeys(rows[cut].tolist()))[:ROWS]


def settings(tools: Tools) -> Mapping[str, str]:
    """The students as they were loaded, and how each renders a trace."""
    students = {
        f"student {one.name.id}": f"revision {one.name.revision or 'unknown'}. {one.form}" for one in tools.students()
    }
    return {**students, "tokenizers": version("tokenizers")}


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Nothing per trace: its columns would depend on which students were named."""
    return {}


FAMILY = Family(
    id="training_fit",
    title="Training fit",
    source="catalogue I (controls): truncated at the model's window",
    version=1,
    metrics=(),
    score=score,
    needs=("students",),
    fold=Fold(start=start, add=add, finish=finish),
    settings=settings,
)
