"""What published evidence says of a metric for students of one size. Data, with one rule for reading it.

A metric says of itself which sign its evidence gives, and of which grade. That holds for both sizes unless a profile
knows better, as where a study saw one size only. Nothing is interpolated between sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hfscore.spec import Direction, Grade, Metric


@dataclass(frozen=True, slots=True)
class Sign:
    """What is known of one metric at one size.

    Args:
        direction: As in `spec.Metric`.
        grade: As in `spec.Metric`.
        evidence: Where it comes from, one sentence.
    """

    direction: Direction
    grade: Grade
    evidence: str


@dataclass(frozen=True, slots=True)
class Profile:
    """Students of one size.

    Args:
        size: As printed.
        signs: Metric id -> what is known at this size, where that is not what the metric says of itself.
    """

    size: str
    signs: Mapping[str, Sign] = field(default_factory=dict)


UNKNOWN = Sign("none", "-", "No sign is known at this size.")

# arXiv 2605.13290 names semantic alignment and factuality for its 8B model only, validity and coherence for its 11B.
PROFILES = (
    Profile("≤ 8B", dict.fromkeys(("validity", "coherence"), UNKNOWN)),
    Profile("≥ 11B", dict.fromkeys(("alignment_margin", "alignment_question_trace", "factuality"), UNKNOWN)),
)

GRADES: Mapping[Grade, str] = {
    "A": "two independent studies and an intervention",
    "B": "one study with at least 8 data sets, or an intervention",
    "C": "one small study",
    "D": "no link to training results",
    "X": "studies disagree",
    "-": "no published link",
}


def sign(profile: Profile, metric: Metric) -> Sign:
    """What is known of a metric for students of one size."""
    return profile.signs.get(metric.id) or Sign(metric.direction, metric.grade, metric.evidence)
