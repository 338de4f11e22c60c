"""A profile as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hfscore.spec import Direction, Grade

SCHEMA = 1
GRADES: Mapping[Grade, str] = {
    "A": "two independent studies and an intervention",
    "B": "one study with at least 8 data sets, or an intervention",
    "C": "one small study",
    "D": "no link to training results",
    "X": "studies disagree",
    "-": "no published link",
}
Range = tuple[float, float | None]  # billions of parameters, both ends included; None for no upper end


def holds(size: float, within: Range | None) -> bool:
    """Whether a size in billions lies in a range; no range holds for every size."""
    return within is None or (within[0] <= size and (within[1] is None or size <= within[1]))


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one metric for students of a profile's size.

    Args:
        metric: Metric id, without the name of a student.
        direction: As of `spec.Metric`; "contested" where studies disagree, "none" where one looked and saw no sign.
        grade: As of `spec.Metric`.
        sources: Where it was published, such as "arXiv 2601.14249"; of a user's profile, the tables it was fitted to.
        evidence: One sentence. Published profiles take it from `sentences.toml`; a user's is never printed in a card.
        languages: Languages of the data, ISO 639-1; empty if unknown.
        n: Datasets or variants compared; None where one intervention was made, or where it is unknown.
        size_seen_b: Smallest and largest model seen, billions of parameters; None if unknown.
        holds_b: Sizes it speaks of, where they are fewer than the profile's.
        contested_by: Sources that speak against it.
    """

    metric: str
    direction: Direction
    grade: Grade
    sources: tuple[str, ...]
    evidence: str
    languages: tuple[str, ...] = ()
    n: int | None = None
    size_seen_b: tuple[float, float] | None = None
    holds_b: Range | None = None
    contested_by: tuple[str, ...] = ()

    @property
    def signed(self) -> bool:
        """Whether it gives a sign with a link to training results that nobody contests."""
        return self.direction in ("up", "down") and self.grade in ("A", "B", "C") and not self.contested_by


@dataclass(frozen=True, slots=True)
class Profile:
    """Students of one range of sizes.

    Args:
        name: A word: "small", "larger", or the user's.
        size_b: Sizes it is for, billions of parameters.
        entries: One per metric.
        seen_from_b: Below this size its entries are extrapolated, where they were seen on larger models only.
        seen_to_b: Above this size its entries are extrapolated, where they were seen on smaller models only.
        schema: Version of this form.
    """

    name: str
    size_b: Range
    entries: tuple[Entry, ...]
    seen_from_b: float | None = None
    seen_to_b: float | None = None
    schema: int = SCHEMA

    def entry(self, metric: str) -> Entry | None:
        """What it says of a metric."""
        return next((one for one in self.entries if one.metric == metric), None)


def conflicts(own: Entry, other: Entry) -> bool:
    """Whether two entries give opposite signs. Both are then shown; they are never averaged."""
    return {own.direction, other.direction} == {"up", "down"}
