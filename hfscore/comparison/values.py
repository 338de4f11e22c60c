"""What a comparison says, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hfscore.report import Report
from hfscore.spec import Direction, Grade


@dataclass(frozen=True, slots=True)
class Pair:
    """One metric of two candidates, first minus second.

    Args:
        metric: Metric id.
        first: Label of a candidate.
        second: Label of another.
        paired: Whether the same questions are compared with each other; otherwise two independent means.
        questions: Questions scored on both sides where paired, else those of the smaller side.
        mean: Difference of means over questions.
        low: Lower end of the 95% interval of this comparison alone (bootstrap over questions).
        high: Upper end.
        joint_low: Lower end of the interval that holds for all pairs of this metric at once, at 95% (max-T).
        joint_high: Upper end.
    """

    metric: str
    first: str
    second: str
    paired: bool
    questions: int
    mean: float
    low: float
    high: float
    joint_low: float
    joint_high: float

    @property
    def clear(self) -> bool:
        """Whether the two can be told apart: the joint interval leaves out 0."""
        return self.joint_low > 0 or self.joint_high < 0


@dataclass(frozen=True, slots=True)
class Order:
    """The candidates by one number, highest first.

    Args:
        metric: Metric id.
        labels: Highest first.
        clear: For each neighbouring two, whether they can be told apart.
        tied: Pairs of labels, neighbours or not, that cannot be told apart.
        like_length: Whether the order, or its reverse, is that of the lengths.
    """

    metric: str
    labels: tuple[str, ...]
    clear: tuple[bool, ...]
    tied: tuple[tuple[str, str], ...]
    like_length: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """What is known of one metric at one size, beside the order that was measured.

    Args:
        metric: Metric id.
        direction: The sign of the evidence at this size.
        grade: Its grade.
        evidence: Where it comes from, one sentence.
    """

    metric: str
    direction: Direction
    grade: Grade
    evidence: str


@dataclass(frozen=True, slots=True)
class OwnStatement:
    """What a profile of the user's own says of one metric; it never counts in an order.

    Args:
        profile: Its name.
        metric: Metric id.
        direction: Its sign.
        grade: Its grade, as the profile states it.
        rests: What it rests on, a few words.
        conflict: Whether published evidence has the opposite sign.
    """

    profile: str
    metric: str
    direction: Direction
    grade: Grade
    rests: str
    conflict: bool


@dataclass(frozen=True, slots=True)
class Ranking:
    """A Borda count, made on request only.

    Args:
        points: Label -> points, mean over families of the mean over their metrics of (candidates below + half of
            those tied).
        tiers: Labels with equal points together, most points first.
        metrics: Metrics that were counted.
        left_out: Metric id -> why it was not.
        without: Metric id -> tiers when that metric is left out.
        like_length: Whether the order, or its reverse, is that of the lengths alone.
    """

    points: Mapping[str, float]
    tiers: tuple[tuple[str, ...], ...]
    metrics: tuple[str, ...]
    left_out: Mapping[str, str]
    without: Mapping[str, tuple[tuple[str, ...], ...]]
    like_length: bool

    @property
    def stable(self) -> bool:
        """Whether leaving out any one metric changes nothing."""
        return all(tiers == self.tiers for tiers in self.without.values())


@dataclass(frozen=True, slots=True)
class TargetReading:
    """What published evidence says at one size.

    Args:
        target: As asked for, such as "8B".
        size: The sizes whose evidence is read, in words.
        note: What a reader should know of that size, or empty.
        signed: Metrics with a sign and a grade of C or above at this size.
        unsigned: Metrics that are contested, or of which nothing is known.
        ranking: The order over the signed ones, where it was asked for.
        own: What profiles of the user's own say at this size.
    """

    target: str
    size: str
    note: str
    signed: tuple[Statement, ...]
    unsigned: tuple[Statement, ...]
    ranking: Ranking | None = None
    own: tuple[OwnStatement, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One question that moved between two revisions.

    Args:
        metric: Metric id.
        question_id: 16 hex digits.
        before: Its mean in the first.
        after: Its mean in the second.
        rows_before: Its rows in the first.
        rows_after: Its rows in the second.
    """

    metric: str
    question_id: str
    before: float
    after: float
    rows_before: tuple[int, ...]
    rows_after: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class History:
    """Two revisions of one part of one dataset, in the order in which they were given.

    Args:
        first: Label.
        second: Label.
        only_first: Questions that were scored in the first only.
        only_second: Questions that were scored in the second only.
        shared: Questions in both.
        moved: Metric id -> shared questions whose number moved.
        changes: The largest moves of every metric.
    """

    first: str
    second: str
    only_first: int
    only_second: int
    shared: int
    moved: Mapping[str, int]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several candidates, measured alike.

    Args:
        labels: The candidates, in the order in which they were given.
        sources: Label -> what it is: "owner/name@revision config/split".
        report: All candidates as parts of one report; a part's config is its label.
        pairs: Differences of every two, for every metric that was scored in both.
        orders: Candidates by each metric.
        lengths: Labels by their length, longest first; empty where no length was measured.
        readings: One per target.
        history: Where two candidates are revisions of one dataset.
        notes: What a reader should know, whole sentences.
    """

    labels: tuple[str, ...]
    sources: Mapping[str, str]
    report: Report
    pairs: tuple[Pair, ...]
    orders: tuple[Order, ...]
    lengths: tuple[str, ...]
    readings: tuple[TargetReading, ...] = ()
    history: tuple[History, ...] = ()
    notes: tuple[str, ...] = ()
