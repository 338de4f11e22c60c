"""Random samples of questions: uniform, reproducible, and the same in every config that asks them.

Every question gets a key, a hash of its text keyed by the seed, and the sample is the N questions with the
smallest keys ("bottom-k" or coordinated sampling; Cohen & Kaplan, "Summarizing data using bottom-k sketches",
PODC 2007). The keys do not depend on the order of rows, on shards or on formats; a smaller sample is part of a
larger one; and configs that share questions share the sample as far as it goes, which is what lets them be
compared question by question. All rows of a drawn question are kept.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from hfscore.records import question_id
from hfscore.sources.bottom_k import Distinct, Lowest
from hfscore.sources.source import UNREADABLE, Row, Source, SplitRef

MOST_QUESTION_BYTES = 100 * 10**6  # of question columns that are fetched from a Hub just to draw

Say = Callable[[str], None]
Design = Literal["questions", "rows", "all"]


@dataclass(frozen=True, slots=True)
class Sample:
    """What is drawn from one split.

    Args:
        design: "questions" (a random sample of questions, all rows of each), "rows" or "all".
        seed: The seed.
        wanted: Number of questions (or rows) asked for, or None for all.
        rows_total: Rows in the split, or None where they were not counted.
        questions_total: Distinct questions in the split, or None where they were not counted.
        bytes_planned: Bytes that drawing and reading the sample moves, or None where unknown.
        notes: What a reader should know, whole sentences.
        read: Opens a pass over the drawn rows.
        keys: Keys of the drawn questions, for comparing samples.
    """

    design: Design
    seed: int
    wanted: int | None
    rows_total: int | None
    questions_total: int | None
    bytes_planned: int | None
    notes: tuple[str, ...]
    read: Callable[[], Iterator[tuple[int, Row]]] = field(repr=False)
    keys: frozenset[int] = field(default=frozenset(), repr=False)

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Stream the drawn rows as (number in the split, row), in the split's order; may be called again."""
        return self.read()


@dataclass(frozen=True, slots=True)
class _Job:
    """A split to draw from, and how its rows are read."""

    source: Source
    ref: SplitRef
    wanted: int | None
    seed: int
    columns: Sequence[str]
    question_columns: Sequence[str]
    question_of: Callable[[Row], str | None]
    announce: Say

    def key(self, number: int, row: Row) -> int:
        question = None if UNREADABLE in row else self.question_of(row)
        return key_of(question_id(question, fallback=f"{self.ref}/{number}"), self.seed)

    def say(self, size: int | None, why: str) -> None:
        """Announce bytes that have to come from a Hub."""
        if self.source.info.kind == "hub" and size:
            self.announce(f"{self.ref}: {_megabytes(size)} to read, {why}.")

    def bytes(self, columns: Sequence[str], numbers: Sequence[int] | None = None) -> int | None:
        return self.source.column_bytes(self.ref, columns, numbers)

    def reader(self, numbers: Sequence[int]) -> Callable[[], Iterator[tuple[int, Row]]]:
        return lambda: self.source.take(self.ref, numbers, self.columns)


def sample(
    source: Source,
    refs: Sequence[SplitRef],
    *,
    rows: int | None,
    seed: int,
    columns: Mapping[SplitRef, Sequence[str]],
    question_columns: Mapping[SplitRef, Sequence[str]],
    question_of: Mapping[SplitRef, Callable[[Row], str | None]],
    announce: Say = lambda sentence: None,
) -> dict[SplitRef, Sample]:
    """Draw from every split.

    Args:
        source: The source.
        refs: Splits to draw from.
        rows: Number of questions to draw from each; None for all.
        seed: The seed. The same seed draws the same questions.
        columns: Columns that the drawn rows need.
        question_columns: Those among them that hold the question; none where there is no question, and
            then every row is a question of its own.
        question_of: Reads the question off a row that has the question columns.
        announce: Told, before anything large is read, what it is.

    Returns:
        One sample per split. Memory is bounded by the sample, not by the split.

    Raises:
        SourceError: A file is damaged, or the Hub stopped answering.
        ValueError: `rows` is not positive.
    """
    if rows is not None and rows < 1:
        raise ValueError(f"a sample has at least 1 question, not {rows}")
    return _with_shared(
        {
            ref: _draw(_Job(source, ref, rows, seed, columns[ref], question_columns[ref], question_of[ref], announce))
            for ref in refs
        }
    )


def key_of(question: str, seed: int) -> int:
    """Return the 64-bit key of a question id under a seed."""
    return int.from_bytes(hashlib.blake2b(question.encode(), key=str(seed).encode()[:64], digest_size=8).digest())


def _draw(job: _Job) -> Sample:
    ref = job.ref
    if job.wanted is None or (ref.rows is not None and ref.rows <= job.wanted):
        return _everything(job)
    if ref.format != "parquet" and not (ref.format == "memory" and ref.rows is not None):
        job.say(ref.size, "because only Parquet can be read in parts")
        return _draw_questions(job, job.wanted, job.columns, hold=True)
    size = job.bytes(job.question_columns)
    if job.source.info.kind == "hub" and size is not None and size > MOST_QUESTION_BYTES:
        return _draw_rows(job, job.wanted, why=f"its question columns alone are {_megabytes(size)}")
    job.say(size, "the questions to draw from")
    return _draw_questions(job, job.wanted, job.question_columns, hold=False)


def _everything(job: _Job) -> Sample:
    size = job.bytes(job.columns)
    job.say(size, "the whole split")
    return Sample(
        design="all",
        seed=job.seed,
        wanted=job.wanted,
        rows_total=job.ref.rows,
        questions_total=None,
        bytes_planned=size,
        notes=(),
        read=lambda: job.source.scan(job.ref, job.columns),
    )


def _draw_questions(job: _Job, wanted: int, scanned: Sequence[str], *, hold: bool) -> Sample:
    """Draw questions in one pass over the columns `scanned`; `hold` keeps the drawn rows of that pass."""
    lowest, distinct, total = Lowest(wanted, hold=hold), Distinct(), 0
    for number, row in job.source.scan(job.ref, scanned):
        key = job.key(number, row)
        distinct.add(key)
        lowest.offer(key, number, row)
        total += 1
    numbers, held, size = lowest.numbers(), lowest.held, job.bytes(scanned)
    read = job.reader(numbers)
    if held is not None:
        rows = [(number, held[number]) for number in numbers]
        read = rows.__iter__
    else:
        again = job.bytes(job.columns, numbers)
        job.say(again, f"for {len(numbers)} rows of the sample")
        size = None if size is None or again is None else size + again
    questions = distinct.count()
    drawn = f"A random sample of {wanted} of {questions} questions, with all rows of each"
    return Sample(
        design="questions" if questions > wanted else "all",
        seed=job.seed,
        wanted=wanted,
        rows_total=total,
        questions_total=questions,
        bytes_planned=size,
        notes=(f"{drawn}: {len(numbers)} of {total} rows.",) if questions > wanted else (),
        read=read,
        keys=lowest.keys(),
    )


def _draw_rows(job: _Job, wanted: int, *, why: str) -> Sample:
    """Draw rows without looking at their questions, because that alone would fetch too much."""
    total = job.source.count(job.ref)
    numbers = _draw_numbers(total, wanted, job.seed)
    size = job.bytes(job.columns, numbers)
    job.say(size, f"for {len(numbers)} rows of the sample")
    return Sample(
        design="rows" if len(numbers) < total else "all",
        seed=job.seed,
        wanted=wanted,
        rows_total=total,
        questions_total=None,
        bytes_planned=size,
        notes=(f"A random sample of {len(numbers)} of {total} rows, not of questions: {why}.",),
        read=job.reader(numbers),
    )


def _draw_numbers(total: int, wanted: int, seed: int) -> list[int]:
    """Draw distinct numbers below `total`, sorted; a smaller draw is part of a larger one."""
    if wanted >= total:
        return list(range(total))
    generator = random.Random(seed)  # noqa: S311 - a sample, not a secret
    drawn: set[int] = set()
    while len(drawn) < wanted:
        drawn.add(generator.randrange(total))
    return sorted(drawn)


def _with_shared(drawn: Mapping[SplitRef, Sample]) -> dict[SplitRef, Sample]:
    """Say in the notes of every sample how many of its questions all samples have."""
    keys = [one.keys for one in drawn.values() if one.keys]
    shared = frozenset.intersection(*keys) if len(keys) > 1 else frozenset()
    if not shared:
        return dict(drawn)
    said = f"{len(shared)} of the drawn questions are the same in all {len(keys)} sampled parts."
    return {ref: replace(one, notes=(*one.notes, said)) if one.keys else one for ref, one in drawn.items()}


def _megabytes(size: int) -> str:
    scale, unit = next((s, u) for s, u in ((10**9, "GB"), (10**6, "MB"), (1000, "kB"), (1, "bytes")) if size >= s)
    return f"{size / scale:,.1f} {unit}" if scale > 1 else f"{size} bytes"
