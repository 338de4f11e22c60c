"""Overlap of questions and traces with evaluation sets, through an index that the user builds (catalogue I).

One run of words in common is a hit: it finds copies, whole or in part, and no paraphrase (arXiv 2311.04850 shows how
easily rephrased test items pass n-gram checks). A hit is a row to look at, no verdict.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hfscore.contamination import LONG, SHORT, EvaluationSet, Flags, Index
from hfscore.ports import Tools
from hfscore.records import Trace
from hfscore.spec import Fact, Family, Fold, Scores

ROWS = 20


@dataclass(slots=True)
class Tally:
    """Hits of the questions, or of the traces, with every set.

    Args:
        rows: set -> first rows with a hit, and under None of any set.
        hits: The same -> ids of what hit.
        compared: Ids of all that is long enough to be compared.
        short: Ids of what is not.
    """

    rows: dict[int | None, list[int]] = field(default_factory=dict)
    hits: dict[int | None, set[int]] = field(default_factory=dict)
    compared: array[int] = field(default_factory=lambda: array("Q"))
    short: array[int] = field(default_factory=lambda: array("Q"))

    def count(self, row: int, key: int, found: Flags, *, long_enough: bool) -> None:
        """Add one text that stands in `row` and counts once under `key`."""
        if not long_enough:
            self.short.append(key)
            return
        self.compared.append(key)
        owners = np.flatnonzero(found).tolist()
        for owner in (None, *owners) if owners else ():
            self.hits.setdefault(owner, set()).add(key)
            rows = self.rows.setdefault(owner, [])
            if len(rows) < ROWS and row not in rows:
                rows.append(row)


@dataclass(slots=True)
class State:
    """The index, and what was found with it."""

    index: Index
    questions: Tally = field(default_factory=Tally)
    traces: Tally = field(default_factory=Tally)
    seen: int = 0


def start(tools: Tools) -> State:
    """Nothing compared yet."""
    return State(tools.contamination())


def add(state: State, traces: Sequence[Trace], scores: Scores) -> None:
    """Compare the distinct questions of a batch, and every trace with the response that follows it."""
    first: dict[str, Trace] = {}
    for trace in traces:
        if trace.question and trace.question.strip():
            first.setdefault(trace.question_id, trace)
    found, enough = state.index.overlaps([trace.question or "" for trace in first.values()])
    for (key, trace), row, long_enough in zip(first.items(), found, enough, strict=True):
        state.questions.count(trace.row, int(key, 16), row, long_enough=bool(long_enough))

    count = len(traces)
    texts = [trace.reasoning for trace in traces] + [trace.response or "" for trace in traces]
    found, enough = state.index.overlaps(texts)
    either, enough = found[:count] | found[count:], enough[:count] | enough[count:]
    for trace, row, long_enough in zip(traces, either, enough, strict=True):
        state.traces.count(trace.row, state.seen, row, long_enough=bool(long_enough))
        state.seen += 1


def finish(state: State) -> list[Fact]:
    """For questions and for traces: the share with any hit and, of several sets, with each that was hit."""
    if not state.seen:
        return []
    sets = state.index.sets
    return [*_facts("questions", state.questions, sets), *_facts("traces", state.traces, sets)]


def _facts(what: str, tally: Tally, sets: Sequence[EvaluationSet]) -> list[Fact]:
    of = len(np.unique(np.asarray(tally.compared)))
    short = len(np.unique(np.asarray(tally.short)))
    untold = f" {short:,} {what} of fewer than {SHORT} words could not be compared." if short else ""
    if not of:
        note = f"Not measurable: no {what} of at least {SHORT} words.{untold}"
        return [Fact(f"contamination_{what}", f"Overlap of {what} with evaluation sets", None, "share", 0, note)]

    def fact(id: str, name: str, owner: int | None, note: str) -> Fact:
        share = len(tally.hits.get(owner, ())) / of
        rows = tuple(tally.rows.get(owner, ()))
        return Fact(id, f"{what.capitalize()} that overlap with {name}", share, "share", of, note, rows)

    rule = (
        f"A run of {LONG} words in common ({SHORT} where the item is shorter). N-gram overlap finds copies, "
        "not paraphrases."
    )
    clean = [one.name for owner, one in enumerate(sets) if owner not in tally.hits]
    unhit = f" No overlap with: {', '.join(clean)}." if clean else ""
    whole = sets[0].name if len(sets) == 1 else f"any of {len(sets)} evaluation sets"
    facts = [fact(f"contamination_{what}", whole, None, rule + unhit + untold)]
    for owner in sorted(one for one in tally.hits if one is not None and len(sets) > 1):
        one = sets[owner]
        slug = re.sub(r"\W+", "_", one.name.lower()).strip("_")
        facts.append(fact(f"contamination_{what}_{owner}_{slug}", one.name, owner, f"{one.items:,} items indexed."))
    return facts


def settings(tools: Tools) -> Mapping[str, str]:
    """What was compared with."""
    index = tools.contamination()
    listed = ", ".join(
        f"{one.name} ({one.items:,} items, {one.left_out:,} of them too short or too common to be found)"
        for one in index.sets
    )
    return {"evaluation sets": listed, "index": index.digest}


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Nothing per trace: an overlap is a row to look at, no measure of a trace."""
    return {}


FAMILY = Family(
    id="contamination",
    title="Overlap with evaluation sets",
    source="arXiv 2005.14165 App. C (n-grams); catalogue I (controls)",
    version=1,
    metrics=(),
    score=score,
    needs=("contamination",),
    fold=Fold(start=start, add=add, finish=finish),
    settings=settings,
)
