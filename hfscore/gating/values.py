"""What a gate is asked and what it says, as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from hfscore.errors import HfscoreError

How = Literal["paired", "unpaired", "limit", "unscored", "part"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound for the mean of a metric.

    Args:
        metric: Metric id or alias.
        bound: The bound.
        below: Whether the mean may not be below it; otherwise not above.
    """

    metric: str
    bound: float
    below: bool


def parse_limit(text: str, *, below: bool) -> Limit:
    """Read "METRIC=VALUE"; a value may be a percentage.

    Raises:
        HfscoreError: It is none.
    """
    metric, _, value = text.partition("=")
    try:
        bound = float(value.strip().removesuffix("%")) / (100 if value.strip().endswith("%") else 1)
    except ValueError:
        bound = math.nan
    if not metric.strip() or not math.isfinite(bound):
        raise HfscoreError(f"'{text}' is no bound.", "Give METRIC=VALUE, such as arithmetic=0.95 or arithmetic=95%.")
    return Limit(metric.strip(), bound, below)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Args:
        metric: Metric id; empty where it is about a whole part.
        config: Configuration.
        split: Split.
        how: "paired" by question, "unpaired", a "limit", how much is "unscored", or a whole "part".
        passed: Whether it passed.
        before: The baseline's mean (or share), or the bound; None where there is none.
        now: The mean (or share) now; None where there is none.
        low: Lower end of the difference's interval, now less before; of all metrics at once at 96%. None without one.
        high: Upper end.
        questions: Questions it rests on.
        rows: Rows of the new data that fell most, or that are lowest where the baseline's rows are not known.
        why: A sentence.
    """

    metric: str
    config: str
    split: str
    how: How
    passed: bool
    before: float | None
    now: float | None
    low: float | None
    high: float | None
    questions: int
    rows: tuple[int, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Gate:
    """A verdict.

    Args:
        new: What was put before the gate.
        baseline: What it was compared with; empty where there was nothing.
        checks: Everything that was looked at.
        notes: What a reader should know, whole sentences.
    """

    new: str
    baseline: str
    checks: tuple[Check, ...]
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return all(one.passed for one in self.checks)
