"""Tables with a row for each student and teacher, such as that of arXiv 2601.14249, into scores and outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import as_file, files
from typing import Any

from hfscore.errors import HfscoreError
from hfscore.evidence.tables import Rows, number, read

SHIPPED = "arxiv_2601_14249.csv"
SOURCE = "arXiv 2601.14249"

_MODEL, _SIZE, _VARIANT, _SCORE = "student", "student_size_b", "teacher", "downstream_score"
# Columns that are metrics of hfscore under other names.
_IDS = {"avg_surprisal": "student_surprisal", "avg_rank_clipped": "student_rank"}
_TEACHERS = {"GPT": "GPT-OSS", "QwQ": "Qwen", "Qwen3": "Qwen"}  # first part of a name -> maker's family

Row = Mapping[str, Any]


def shipped() -> list[Row]:
    """The table that comes with the package: facts of arXiv 2601.14249; its header says how far to trust it."""
    with as_file(files("hfscore.evidence") / SHIPPED) as path:
        return list(read(path))


def is_shipped(rows: Rows) -> bool:
    """Whether a table holds results of the shipped one, with or without its header and under any order of rows."""
    known = {_key(row) for row in shipped()}
    return any(_key(row) in known for row in read(rows))


def _key(row: Row) -> tuple[str, ...]:
    return tuple(str(row.get(name)) for name in (_MODEL, _VARIANT, _SCORE))


def from_wide(rows: Rows, *, source: str = SOURCE) -> tuple[list[Row], list[Row]]:
    """Convert a table with columns student, student_size_b, teacher, downstream_score and one for each metric.

    A metric that is the same for every student is the teacher's own; any other was scored by the student.

    Args:
        rows: As of `tables.read`.
        source: Where the results stand.

    Returns:
        Rows of scores and of outcomes, with `variant_family` from the teacher's name and `family` from the student's.

    Raises:
        HfscoreError: A column is missing, or a student and teacher stand there twice.
    """
    table = list(read(rows))
    needed = (_MODEL, _SIZE, _VARIANT, _SCORE)
    if not table or (absent := [name for name in needed if name not in table[0]]):
        lacking = ", ".join(absent) if table else "rows"
        raise HfscoreError(f"The wide table lacks {lacking}.", f"Columns needed: {', '.join(needed)}.")
    scores: list[Row] = []
    for name in table[0]:
        if name and name not in needed:
            scores += _scores(table, name)
    outcomes: list[Row] = [
        {
            "variant_id": row[_VARIANT],
            "model_id": row[_MODEL],
            "params_total_b": row[_SIZE],
            "family": str(row[_MODEL]).split("-")[0],
            "benchmark": _SCORE,
            "score": row[_SCORE],
            "source": source,
        }
        for row in table
    ]
    return scores, outcomes


def _scores(table: list[Row], name: str) -> Iterator[Row]:
    by_teacher: dict[str, set[Any]] = {}
    for row in table:
        by_teacher.setdefault(row[_VARIANT], set()).add(number(row[name], f"Teacher {row[_VARIANT]}", name))
    own = all(len(values) == 1 for values in by_teacher.values())
    seen = set()
    for row in table:
        scorer = "" if own else row[_MODEL]
        if (row[_VARIANT], scorer) in seen and own:
            continue
        seen.add((row[_VARIANT], scorer))
        first = str(row[_VARIANT]).split("-")[0]
        yield {
            "variant_id": row[_VARIANT],
            "variant_family": _TEACHERS.get(first, first),
            "role": "candidate",
            "metric_id": _IDS.get(name, name),
            "scorer_model": scorer,
            "value": row[name],
            "language": "en",
        }
