"""One run: a source's rows become traces, traces become tables, tables become a report's parts and values."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hfscore import columns, controls, engine
from hfscore.attribution import Seen, attribute, read_card
from hfscore.columns import Layout, Overrides, paths
from hfscore.errors import ColumnsError, HfscoreError, NotReasoningError, SourceError
from hfscore.pool import Batch, Map, workers
from hfscore.ports import Tools
from hfscore.records import Trace, Turn
from hfscore.report import Attribution, Control, Part, Skipped
from hfscore.settings import Settings
from hfscore.shards import Shards, Share
from hfscore.sources import UNREADABLE, Source, SplitRef
from hfscore.sources.sampling import Sample, key_of, sample
from hfscore.spec import Family

Progress = Callable[[str, int, int | None], None]  # (what is being done, how much is done, of how much)
Sink = Callable[[Sequence[Trace], engine.Table, int], None]


def mute(sentence: str) -> None:
    """Say nothing."""


LONGEST_LABEL = 80  # characters of a group's name; a long text is no group
HEAD_ROWS = 50  # rows that decide the layout
ROLES = ("question", "reasoning", "response", "reference_answer")
FIRST_ROWS = 3  # rows shown of a layout
KEEP_UP_TO = 2000  # questions; a sample of that size is read once and kept in memory


@dataclass(frozen=True, slots=True)
class Detected:
    """A config and split with the layout of its rows and its first rows."""

    ref: SplitRef
    layout: Layout
    head: Sequence[Mapping[str, Any]]

    @property
    def name(self) -> str:
        """config/split."""
        return f"{self.ref.config}/{self.ref.split}"


def detect(opened: Source, settings: Settings) -> list[Detected]:
    """Recognise the columns of every selected config and split."""
    given = Overrides(settings.question, settings.reasoning, settings.response, settings.reference)
    found = []
    for ref in opened.splits:
        head = [row for row in opened.head(ref, HEAD_ROWS) if UNREADABLE not in row]
        if not head:
            _refuse_unreadable(opened, ref)
        found.append(Detected(ref, columns.detect(head, given), head))
    return found


def first_rows(one: Detected, count: int = FIRST_ROWS) -> dict[str, Any]:
    """What was recognised in a part, as plain data: its mapping, and what the first rows give by it.

    Text of the dataset stands here as it is.
    """
    if one.layout.kind == "not_reasoning":
        return {"kind": one.layout.kind, "why": one.layout.why}
    rows = []
    for data in one.head[:count]:
        found = columns.extract(one.layout, data)
        traces = [_shown(trace) for trace in found.traces]
        rows.append({"question": found.question, "traces": traces, "reference": found.reference})
    mapping = {name: _names(one.layout.mapping.get(name, ())) for name in ROLES}
    why = {"why": one.layout.why} if one.layout.why else {}
    return {"kind": one.layout.kind, **why, "mapping": mapping, "rows": rows, "notes": list(one.layout.notes)}


def _shown(trace: Any) -> dict[str, Any]:
    reasoning: Any = trace.reasoning
    if isinstance(reasoning, tuple):
        reasoning = [turn.text if isinstance(turn, Turn) else turn for turn in reasoning]
    entry = {"reasoning": reasoning, "response": trace.response}
    return {**entry, "problem": trace.problem} if trace.problem else entry


def _names(found: Sequence[str]) -> str | list[str] | None:
    return (found[0] if len(found) == 1 else list(found)) if found else None


def _refuse_unreadable(opened: Source, ref: SplitRef) -> None:
    """Say what is wrong with a split that gives no row at all."""
    _, first = next(opened.scan(ref, None), (0, {}))
    if UNREADABLE in first:
        raise SourceError(f"No row of {ref.config}/{ref.split} could be read: {first[UNREADABLE]}.", "Mend the file.")
    raise SourceError(f"{ref.config}/{ref.split} has no rows.", "Check the file, or choose another split.")


def usable(detected: Sequence[Detected]) -> tuple[list[Detected], list[Skipped]]:
    """Parts that hold traces, and the others with their reason.

    Raises:
        NotReasoningError: No part holds traces.
    """
    good = [one for one in detected if one.layout.mapping["reasoning"]]
    bad = [Skipped(one.name, one.layout.why) for one in detected if not one.layout.mapping["reasoning"]]
    if not good:
        whys = "; ".join(sorted({one.why for one in bad})) or "there are no rows"
        raise NotReasoningError(
            f"There are no reasoning traces to score: {whys}.",
            "If there are, say where: --reasoning COLUMN ('hfscore columns SOURCE' shows what was seen).",
        )
    return good, bad


def release(opened: Source, detected: Sequence[Detected]) -> Attribution:
    """What the release says about itself: its card, and the first rows of every part."""
    return attribute(read_card(opened.card()), [seen(one) for one in detected])


def seen(one: Detected) -> Seen:
    """What the first rows of a part hold, for its attribution."""
    found = [columns.extract(one.layout, row) for row in one.head]
    references = [row.reference for row in found if row.reference and row.reference.strip()]
    filled = {
        "question": sum(bool(row.question and row.question.strip()) for row in found),
        "reasoning": sum(any(columns.reasoning_text(trace.reasoning) for trace in row.traces) for row in found),
        "response": sum(any(trace.response for trace in row.traces) for row in found),
        "reference_answer": len(references),
    }
    return Seen(one.ref.config, one.ref.split, one.layout.kind, one.layout.mapping, one.head, filled, references)


def traces_of(layout: Layout, ref: SplitRef, row: int, data: Mapping[str, Any], by: Sequence[str]) -> list[Trace]:
    """The traces of one row. A row without any gives one that says why."""
    if UNREADABLE in data:
        unread = dict.fromkeys(by, "(unreadable)")
        return [Trace(ref.config, ref.split, row, 0, None, "", by=unread, problem="row could not be read")]
    found = columns.extract(layout, data)
    labels = {path: _label(path, data) for path in by}
    own = own_reference(layout)
    same = layout.mapping["reasoning"] == layout.mapping["response"]
    if not found.traces:
        return [Trace(ref.config, ref.split, row, 0, found.question, "", by=labels, problem="no trace in this row")]
    return [
        Trace(
            config=ref.config,
            split=ref.split,
            row=row,
            index=index,
            question=one.question or found.question,
            reasoning=columns.reasoning_text(one.reasoning),
            response=one.response,
            reference=found.reference,
            own_response=same and one.think_span is None,
            own_reference=own,
            options=found.options,
            turns=one.turns,
            by=labels,
            think_span=one.think_span,
            marks=one.marks,
            problem=one.problem,
        )
        for index, one in enumerate(found.traces)
    ]


def check_groups(detected: Sequence[Detected], by: Sequence[str]) -> None:
    """Refuse a column to break numbers down by that no part has.

    Raises:
        ColumnsError: It is in none of the first rows.
    """
    for path in by:
        column = paths.column_of(paths.parse(path))
        if not any(column in row for one in detected for row in one.head):
            names = sorted({name for one in detected for row in one.head for name in row})
            raise ColumnsError(
                f"There is no column '{column}' to break numbers down by.", f"Columns: {', '.join(names)}."
            )


def own_reference(layout: Layout) -> bool:
    """Whether the reference is read from a column that holds the trace or its response: agreement says nothing."""
    mapping = layout.mapping
    return not {*mapping["reasoning"], *mapping["response"]}.isdisjoint(mapping["reference_answer"])


def _label(path: str, data: Mapping[str, Any]) -> str:
    values = [str(value) for value in paths.resolve(paths.parse(path), data) if value is not None]
    text = ", ".join(values).encode("utf-8", "replace").decode() if values else "(none)"
    return text if len(text) <= LONGEST_LABEL else f"{text[:LONGEST_LABEL]}…"


class Ready(NamedTuple):
    """A part that can be scored: where its readings are kept, its traces, and what makes its pools."""

    one: Detected
    kept: Shards | None
    traces: Iterable[Trace]
    pools: Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Run:
    """Everything one pass over a source needs.

    Args:
        opened: The source.
        detected: Its usable parts.
        settings: What decides the numbers.
        families: What to measure.
        tools: What the families may ask for.
        progress: Told how far the run is.
        say: Told what is about to be read.
        cores: Processes for what needs no model, where a run is long enough to pay for starting them.
        shards: Where readings are kept while the run lasts, or None.
        merging: Whether every reading must be kept already.
        elsewhere: Part's number -> its batches, read and scored by families that need no model on other machines;
            None for here.
    """

    opened: Source
    detected: Sequence[Detected]
    settings: Settings
    families: Sequence[Family]
    tools: Tools
    progress: Progress
    say: Callable[[str], None]
    cores: int = 1
    shards: Path | None = None
    merging: bool = False
    elsewhere: Callable[[int], Iterator[Batch]] | None = None

    def draw(self, rows: int | None, announce: Callable[[str], None]) -> Mapping[SplitRef, Sample]:
        """Sample `rows` questions of every part, the same ones where parts share them."""
        by = [paths.column_of(paths.parse(path)) for path in self.settings.by]
        return sample(
            self.opened,
            [one.ref for one in self.detected],
            rows=rows,
            seed=self.settings.seed,
            columns={one.ref: sorted({*one.layout.columns, *by}) for one in self.detected},
            question_columns={one.ref: one.layout.question_columns for one in self.detected},
            question_of={one.ref: _question_reader(one.layout) for one in self.detected},
            announce=announce,
        )

    def traces(self, one: Detected, drawn: Sample) -> Iterator[Trace]:
        """The traces of the drawn rows, in row order."""
        for row, data in drawn.rows():
            yield from traces_of(one.layout, one.ref, row, data, self.settings.by)

    def score(self, sink: Sink | None) -> tuple[list[Part], list[engine.Table]]:
        """Score every part; `sink` sees each batch once its readings are in the table."""
        parts, tables = [], []
        drawn = self.draw(self.settings.rows, self.say)
        with workers(self.families, 1 if self._small or self.elsewhere else self.cores) as spread:
            for number, (one, kept, traces, pools) in enumerate(self._ready(drawn)):
                table = engine.score_part(
                    traces,
                    self.families,
                    self.tools,
                    pools(),
                    config=one.ref.config,
                    split=one.ref.split,
                    sink=self._watched(one, sink, len(traces) if isinstance(traces, list) else None),
                    spread=self._from_elsewhere(number) or spread,
                    kept=kept,
                )
                tables.append(table)
                parts.append(_part(one, drawn[one.ref], table))
        return parts, tables

    def score_share(self, share: Share) -> None:
        """Score this run's share of every part, and keep it for a merge; so the controls, each part's by one share."""
        for one, kept, traces, pools in self._ready(self.draw(self.settings.rows, self.say)):
            assert kept is not None, "a share is kept somewhere"
            stage, total = f"scoring {one.name}", len(traces) if isinstance(traces, list) else None
            engine.score_share(
                traces,
                self.families,
                self.tools,
                pools(),
                kept=kept,
                share=share,
                done=lambda count, stage=stage, total=total: self.progress(stage, count, total),  # type: ignore[misc]
            )
        if self.settings.controls:
            self._controls(controls.covered(self.families), share.holds)

    def _from_elsewhere(self, number: int) -> Map | None:
        if self.elsewhere is None:
            return None
        batches = self.elsewhere(number)
        return lambda traces: batches

    def batches(self, number: int) -> Iterator[list[Trace]]:
        """The batches of one part, cut as in every run of these families."""
        one = self.detected[number]
        return engine.batches(self.traces(one, self.draw(self.settings.rows, mute)[one.ref]), self.families)

    def pools(self, number: int) -> dict[str, Any]:
        """What the families that compare a trace with others of one part compare it with."""
        one = self.detected[number]
        drawn = self.draw(self.settings.rows if self._small else engine.POOL_QUESTIONS, mute)
        return self._pools(self.traces(one, drawn[one.ref]))

    def sample(self) -> Iterator[Trace]:
        """Every trace of the drawn rows, part after part."""
        drawn = self.draw(self.settings.rows, self.say)
        for one in self.detected:
            yield from self.traces(one, drawn[one.ref])

    def estimate(self) -> Sequence[str]:
        """What the judge would be asked about the sample, whole sentences."""
        traces = [trace for trace in self.sample() if trace.problem is None]
        return self.tools.judge().estimate(traces, self.settings.price)

    def controls(self) -> tuple[list[Control], list[Skipped]]:
        """Damaged copies of a sample of every part beside the originals, and those that could not be read.

        Nothing where they were not asked for. Under a budget the judge's metrics are left out, since the budget is for
        the data.
        """
        if not self.settings.controls:
            return [], []
        families, skipped = controls.covered(self.families), []
        if self.settings.budget is not None:
            skipped = [
                Skipped(f"Controls of {family.title} ({family.id})", "The budget is for the data.")
                for family in families
                if "judge" in family.needs
            ]
            families = [family for family in families if "judge" not in family.needs]
        found = self._controls(families, lambda number: True)
        parts = [(one.ref.config, one.ref.split) for one in self.detected]
        return found, [*skipped, *controls.missing(families, found, parts)]

    def _controls(self, families: Sequence[Family], mine: Callable[[int], bool]) -> list[Control]:
        """The controls of those parts that are `mine`: as they are kept, or measured now and then kept."""
        drawn = self.draw(min(self.settings.rows or controls.QUESTIONS, controls.QUESTIONS), mute)
        result: list[Control] = []
        for number, one in enumerate(self.detected):
            if not mine(number):
                continue
            traces = list(self.traces(one, drawn[one.ref]))
            kept = None if self.shards is None else Shards(self.shards, number)
            found = None if kept is None else kept.load_controls(traces)
            if found is None:
                self.progress(f"controls of {one.name}", 0, None)
                pools = engine.build_pools(families, traces, self.tools, rank=self._rank)
                found = controls.measure(traces, families, self.tools, pools, seed=self.settings.seed)
                if kept is not None:
                    kept.save_controls(traces, found)
            result += found
        return result

    @property
    def _small(self) -> bool:
        """Whether the sample is read once and kept in memory."""
        return self.settings.rows is not None and self.settings.rows <= KEEP_UP_TO

    def _ready(self, drawn: Mapping[SplitRef, Sample]) -> Iterable[Ready]:
        """Part after part, so that one at a time is in memory; all of them where a budget is shared among them."""
        pooled = any(family.pool is not None for family in self.families)
        for_pool = drawn if self._small or not pooled else self.draw(engine.POOL_QUESTIONS, mute)

        def parts() -> Iterator[Ready]:
            for number, one in enumerate(self.detected):
                kept = Shards(self.shards, number, complete=self.merging) if self.shards else None
                traces: Iterable[Trace] = self.traces(one, drawn[one.ref])
                if self._small and self.elsewhere is None:
                    traces = list(traces)
                reference = traces if self._small or not pooled else self.traces(one, for_pool[one.ref])
                yield Ready(one, kept, traces, functools.partial(self._pools, reference if pooled else ()))

        return parts() if self.settings.budget is None else self._within_budget(list(parts()))

    def _pools(self, reference: Iterable[Trace]) -> dict[str, Any]:
        return engine.build_pools(self.families, reference, self.tools, rank=self._rank) if not self.merging else {}

    def _rank(self, question: str) -> Any:
        return key_of(question, self.settings.seed)

    def _within_budget(self, ready: Sequence[Ready]) -> list[Ready]:
        """Order all traces by the rank of their questions, and let the judge choose how many it can afford."""
        if not self._small:
            raise HfscoreError(
                "A budget needs a sample, so that what it is enough for is drawn at random.",
                f"Give --rows, at most {KEEP_UP_TO}.",
            )
        if not any("judge" in family.needs for family in self.families):
            return list(ready)
        ordered = [
            one._replace(traces=sorted(one.traces, key=lambda trace: self._rank(trace.question_id))) for one in ready
        ]
        together = [trace for one in ordered for trace in one.traces]
        for sentence in self.tools.judge().plan(sorted(together, key=lambda trace: self._rank(trace.question_id))):
            self.say(sentence)
        return ordered

    def _watched(self, one: Detected, sink: Sink | None, total: int | None) -> Sink:
        self.progress(f"scoring {one.name}", 0, total)

        def watched(batch: Sequence[Trace], table: engine.Table, start: int) -> None:
            if sink is not None:
                sink(batch, table, start)
            self.progress(f"scoring {one.name}", start + len(batch), total)

        return watched


def _question_reader(layout: Layout) -> Callable[[Mapping[str, Any]], str | None]:
    return lambda data: None if UNREADABLE in data else columns.question_of(layout, data)


def _part(one: Detected, drawn: Sample, table: engine.Table) -> Part:
    return Part(
        config=one.ref.config,
        split=one.ref.split,
        kind=one.layout.kind,
        mapping=dict(one.layout.mapping),
        design=drawn.design,
        rows_total=drawn.rows_total,
        questions_total=drawn.questions_total,
        rows=len(np.unique(np.frombuffer(table.rows, dtype=np.int64))),
        questions=len(np.unique(np.frombuffer(table.questions, dtype=np.uint64))),
        traces=len(table),
        bytes_read=drawn.bytes_planned,
        notes=(*one.layout.notes, *drawn.notes),
    )
