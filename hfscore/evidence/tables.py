"""The two tables of user evidence: read from CSV, JSONL or Parquet, or given as rows, and checked.

A cell that is missing is counted with its reason and takes part in nothing; it is never 0.
"""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hfscore.errors import HfscoreError

Rows = Path | str | Iterable[Mapping[str, Any]]

SCORES = ("variant_id", "metric_id", "value")
OUTCOMES = ("variant_id", "model_id", "benchmark", "score")
ROLES = ("candidate", "control", "null")
_MISSING = {"", "na", "n/a", "nan", "none", "null", "-"}


@dataclass(frozen=True, slots=True)
class Score:
    """A metric of a variant.

    Args:
        variant: Variant id.
        metric: Metric id.
        value: As measured.
        scorer: Model it was measured with, or empty.
        how: Version and configuration; values of one metric share them.
        family: Family of the variant (its teacher, or how it was rewritten), or empty.
        role: "candidate", "control" (damaged on purpose) or "null" (a random subset).
        language: ISO 639-1, or empty.
    """

    variant: str
    metric: str
    value: float
    scorer: str
    how: tuple[str, str]
    family: str
    role: str
    language: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A benchmark score of a model that was trained on a variant; higher is better.

    Args:
        variant: Variant id.
        model: Model id.
        benchmark: Benchmark.
        score: As measured.
        seed: Seed of the training, as written.
        size_b: Parameters in billions, or None.
        family: Family of the model, or empty.
        train_tokens: Tokens trained on, or None.
        source: Where the result stands, or empty.
    """

    variant: str
    model: str
    benchmark: str
    score: float
    seed: str
    size_b: float | None
    family: str
    train_tokens: float | None
    source: str


def read(rows: Rows) -> Iterator[Mapping[str, Any]]:
    """Rows of a table.

    Args:
        rows: Path of a .csv (lines before the header that begin with "#" are comments), .jsonl, .ndjson or .parquet
            file, or the rows themselves.

    Raises:
        HfscoreError: The file cannot be read.
    """
    if not isinstance(rows, Path | str):
        yield from rows
        return
    path = Path(rows)
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            yield from pq.read_table(path).to_pylist()
        elif path.suffix in (".jsonl", ".ndjson"):
            with path.open(encoding="utf-8") as file:
                yield from (json.loads(line) for line in file if line.strip())
        elif path.suffix == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                start = file.tell()
                while file.readline().startswith("#"):
                    start = file.tell()
                file.seek(start)
                yield from csv.DictReader(file)
        else:
            raise HfscoreError(f"'{path}' is not a table.", "Give a .csv, .jsonl or .parquet file.")
    except (OSError, ValueError, csv.Error) as error:
        raise HfscoreError(f"The table '{path}' cannot be read ({error}).") from error


def scores(rows: Rows, missing: Counter[str]) -> list[Score]:
    """Read scores; what is missing is counted by reason.

    Raises:
        HfscoreError: The table lacks a column, holds a word where a number belongs, a value twice, or values of one
            metric under several settings.
    """
    found = []
    for where, row in _checked(rows, "scores", SCORES):
        value = number(row.get("value"), where, "value")
        if value is None:
            missing["scores without a value"] += 1
            continue
        role = _text(row, "role") or "candidate"
        if role not in ROLES:
            raise HfscoreError(f"{where} has the role '{role}'.", f"Roles are {', '.join(ROLES)}.")
        found.append(
            Score(
                variant=_text(row, "variant_id"),
                metric=_text(row, "metric_id"),
                value=value,
                scorer=_text(row, "scorer_model"),
                how=(_text(row, "metric_version"), _text(row, "config_hash")),
                family=_text(row, "variant_family"),
                role=role,
                language=_text(row, "language"),
            )
        )
    _unique(((one.variant, one.metric, one.scorer) for one in found), "scores", "variant_id, metric_id, scorer_model")
    _one_setting(found)
    _one_each("variant_family", ((one.variant, one.family) for one in found))
    _one_each("role", ((one.variant, one.role) for one in found))
    return found


def outcomes(rows: Rows, missing: Counter[str]) -> list[Outcome]:
    """Read outcomes; what is missing is counted by reason.

    Raises:
        HfscoreError: As of `scores`.
    """
    found = []
    for where, row in _checked(rows, "outcomes", OUTCOMES):
        score = number(row.get("score"), where, "score")
        if score is None:
            missing["outcomes without a score"] += 1
            continue
        found.append(
            Outcome(
                variant=_text(row, "variant_id"),
                model=_text(row, "model_id"),
                benchmark=_text(row, "benchmark"),
                score=score,
                seed=_text(row, "seed"),
                size_b=number(row.get("params_total_b"), where, "params_total_b"),
                family=_text(row, "family"),
                train_tokens=number(row.get("train_tokens"), where, "train_tokens"),
                source=_text(row, "source"),
            )
        )
    _unique(
        ((one.variant, one.model, one.benchmark, one.seed) for one in found),
        "outcomes",
        "variant_id, model_id, benchmark, seed",
    )
    return found


def _checked(rows: Rows, table: str, needed: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rows with their place in words, each with the columns that are needed."""
    for index, row in enumerate(read(rows), 1):
        where = f"Row {index} of {table}"
        if not isinstance(cast(object, row), Mapping):
            raise HfscoreError(f"{where} is no object.")
        if absent := [name for name in needed if name not in row]:
            raise HfscoreError(f"{where} lacks {', '.join(absent)}.", f"Columns needed: {', '.join(needed)}.")
        if blank := [name for name in needed[:-1] if not _text(row, name)]:
            raise HfscoreError(f"{where} has no {blank[0]}.")
        yield where, row


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None or value != value else str(value).strip()


def number(value: Any, where: str, name: str) -> float | None:
    """A finite number, or None for a cell that is missing.

    Raises:
        HfscoreError: The cell holds something else.
    """
    if value is None or (isinstance(value, str) and value.strip().lower() in _MISSING):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise HfscoreError(f"{where}: {name} is {value!r}, not a number.", "Leave a missing cell empty.") from None
    return found if math.isfinite(found) else None


def _unique(keys: Iterable[tuple[str, ...]], table: str, columns: str) -> None:
    double = next((key for key, count in Counter(keys).items() if count > 1), None)
    if double:
        raise HfscoreError(
            f"The {table} hold {' / '.join(filter(None, double))} twice.", f"One row for each {columns}."
        )


def _one_setting(found: Sequence[Score]) -> None:
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for one in found:
        if seen.setdefault((one.metric, one.scorer), one.how) != one.how:
            raise HfscoreError(
                f"The scores hold '{one.metric}' under two versions or configurations.",
                "They cannot be compared: score all variants alike, or give each its own metric_id.",
            )


def _one_each(column: str, pairs: Iterable[tuple[str, str]]) -> None:
    seen: dict[str, str] = {}
    for variant, value in pairs:
        if seen.setdefault(variant, value) != value:
            raise HfscoreError(f"Variant '{variant}' has two values of {column}: '{seen[variant]}' and '{value}'.")
