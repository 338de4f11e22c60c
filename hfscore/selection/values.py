"""What was chosen, as plain values, and as selection.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hfscore.report import SourceInfo, atomic
from hfscore.selection.rule import By

SUBSET, RANDOM = "subset", "random"
OWN = "hfscore_"  # what the columns begin with that stand beside the rows
KEY = "selection_of"  # names in a card what rows were chosen from
DATA = "data"  # folder of the rows, as the card has it
SELECTION_FILE = "selection.json"


@dataclass(frozen=True, slots=True)
class Size:
    """How much something holds.

    Args:
        rows: Rows.
        questions: Distinct questions.
        traces: Traces.
        tokens: In the unit of the selection.
        groups: Value of the columns that make groups -> rows; empty where none was named.
    """

    rows: int
    questions: int
    traces: int
    tokens: int
    groups: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Mean:
    """A metric's mean over traces; None where no trace has a number."""

    mean: float | None
    scored: int
    unscored: int


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric over all rows, over the subset and over the random one.

    Args:
        metric: Metric id.
        title: Its title.
        digits: Decimals to print.
        unit: As of `spec.Metric`.
        chosen_by: Whether rows were chosen by it: then its mean moved because it was meant to.
        every: Over all rows.
        subset: Over the subset.
        random: Over the random subset; None where there is none.
    """

    metric: str
    title: str
    digits: int
    unit: str
    chosen_by: bool
    every: Mean
    subset: Mean
    random: Mean | None


@dataclass(frozen=True, slots=True)
class Left:
    """Rows that could not be chosen, or were not because of what they are.

    Args:
        unusable: Reason -> rows that nobody can train on.
        unscored: Reason -> of the others, rows without a number for a metric that rows are chosen by.
        flags: Flag -> of the others, rows that carry it; empty where flagged rows were not dropped.
        flagged: Rows that carry any.
        unread: Of the others, rows for which some flag could not be told; they count as not flagged.
        copies: Of the others, rows whose question, reasoning and response are those of one that comes before.
        near: Rows that were passed over as near copies of a chosen one.
    """

    unscored: Mapping[str, int]
    unusable: Mapping[str, int]
    flags: Mapping[str, int]
    flagged: int
    unread: int
    copies: int
    near: int


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows that were chosen, and the random ones beside them.

    Args:
        version: Version of hfscore.
        source: What they were chosen from.
        config: Config.
        split: Split.
        target: Size of student that they were chosen for; empty for none.
        by: What they were chosen by; empty where flagged rows were dropped and nothing else.
        asked: How many, as it was asked for ("as many as 20% of all rows", "5,000 rows", "all without a flag").
        grouped: "" for no groups, "even" for the same number of each, "shares" for shares as in the source.
        columns: Columns that make groups.
        seed: Seed of the random subset.
        unit: What tokens are: "tokens of MODEL", or "words".
        every: All rows.
        subset: The chosen rows.
        random: The random subset, alike in rows, groups and tokens; None where none was found.
        both: Rows that are in both.
        pool: Rows that the random subset was drawn from.
        left: Rows left out.
        measured: Means of every metric.
        notes: What a reader should know, whole sentences.
        settings_hash: "sha256:..." of the settings that scored.
        measured_at: When.
        command: The command line that chooses the same rows; empty for objects in memory.
        files: "subset" and "random" -> name of the file in data/.
    """

    version: str
    source: SourceInfo
    config: str
    split: str
    target: str
    by: tuple[By, ...]
    asked: str
    grouped: str
    columns: tuple[str, ...]
    seed: int
    unit: str
    every: Size
    subset: Size
    random: Size | None
    both: int
    pool: int
    left: Left
    measured: tuple[Measured, ...]
    notes: tuple[str, ...]
    settings_hash: str
    measured_at: str
    command: str
    files: Mapping[str, str]


def save(selection: Selection, folder: Path) -> None:
    """Write selection.json whole or not at all; NaN and infinity are refused."""
    with atomic(folder / SELECTION_FILE) as temporary:
        text = json.dumps(asdict(selection), indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")
