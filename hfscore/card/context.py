"""Everything a template may use: plain values, each with a line of help. `views.context` makes them from a report.

Text from the dataset stands here as it is, only folded to one line and cut at a bounded length: a template's output
is escaped by `render`. Numbers that are measured stand here as they are to be printed, counts as whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Layout = Literal["none", "one", "columns", "rows"]


def _help(text: str) -> dict[str, str]:
    return {"help": text}


@dataclass(frozen=True, slots=True)
class Address:
    """A text that is a link where there is an address for it."""

    text: str = field(metadata=_help("what to print"))
    url: str | None = field(metadata=_help("where it leads, or none"))


@dataclass(frozen=True, slots=True)
class Draw:
    """How rows were chosen."""

    design: Literal["questions", "rows", "all", "mixed"] = field(
        metadata=_help("what was drawn at random; `all` if nothing was, `mixed` if parts differ")
    )
    same: bool = field(metadata=_help("whether the numbers below hold for every part"))
    drawn: int = field(metadata=_help("questions (or rows) read, of the first part"))
    total: int | None = field(
        metadata=_help("questions (or rows) there are in the first part; none if they were not counted")
    )


@dataclass(frozen=True, slots=True)
class PartRow:
    """One config and split that was measured."""

    label: str = field(metadata=_help("short name, different for every part"))
    config: str = field(metadata=_help("config"))
    split: str = field(metadata=_help("split"))
    kind: str = field(metadata=_help("kind of layout that was recognised"))
    columns: tuple[tuple[str, tuple[str, ...]], ...] = field(
        metadata=_help("(role, column paths) as they were read; no empty ones")
    )
    questions: int = field(metadata=_help("distinct questions read"))
    questions_total: int | None = field(
        metadata=_help("distinct questions there are, or none if they were not counted")
    )
    rows: int = field(metadata=_help("rows read"))
    rows_total: int | None = field(metadata=_help("rows there are, or none if they were not counted"))
    traces: int = field(metadata=_help("traces in the rows read"))


@dataclass(frozen=True, slots=True)
class Cell:
    """One metric over one part, or over a group of it."""

    mean: str | None = field(metadata=_help("mean over scored traces; none if no trace was scored"))
    interval: str | None = field(
        metadata=_help("its 95% interval, or that all values are alike; none below five questions")
    )
    median: str | None = field(metadata=_help("median over scored traces; none where a trace is 0 or 1"))
    spread: str | None = field(
        metadata=_help("5th to 95th percentile over scored traces; none where a trace is 0 or 1")
    )
    scored: int = field(metadata=_help("scored traces"))
    unscored: int = field(metadata=_help("traces without a number"))


@dataclass(frozen=True, slots=True)
class Gap:
    """A metric's paired difference: the first part minus the second, over the questions they share."""

    mean: str = field(metadata=_help("the difference, with its sign"))
    size: str = field(metadata=_help("the difference without its sign"))
    interval: str = field(metadata=_help("its 95% interval"))
    span: str = field(metadata=_help("the interval of the difference without its sign: higher mean minus lower"))
    pairs: int = field(metadata=_help("questions scored on both sides"))
    clear: bool = field(metadata=_help("whether the interval leaves out 0"))
    higher: str = field(metadata=_help("label of the part with the higher mean"))
    lower: str = field(metadata=_help("label of the other part"))


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric, as it describes itself, with what was measured."""

    id: str = field(metadata=_help("id, also its column in scores.parquet"))
    title: str = field(metadata=_help("a few words"))
    name: str = field(metadata=_help("the title up to its colon, where that is clear enough for a sentence"))
    formula: str = field(metadata=_help("how it is computed"))
    reading: str = field(metadata=_help("what a value says, and what it does not"))
    direction: str = field(
        metadata=_help("`up`, `down`, `contested` or `none`: what published evidence counts as better")
    )
    grade: str = field(metadata=_help("grade of that evidence"))
    evidence: str = field(metadata=_help("where the grade comes from"))
    headline: bool = field(metadata=_help("whether the metric asks for a place in the first table"))
    statistic: str = field(
        metadata=_help("what stands in the first table: `mean` (with interval) or `median` (with percentiles)")
    )
    cells: tuple[Cell, ...] = field(metadata=_help("one per part, in the order of `parts`"))
    gap: Gap | None = field(
        metadata=_help("the paired difference of two parts' means; none without five shared questions")
    )
    lowest: str | None = field(metadata=_help("lowest mean (or median) of all parts; none if nothing was scored"))
    highest: str | None = field(metadata=_help("highest mean (or median) of all parts"))
    constant: str = field(metadata=_help("`none` or `every` where it is true of no trace or of all; else empty"))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Metrics whose evidence is the same."""

    metrics: tuple[str, ...] = field(metadata=_help("their names in a sentence"))
    direction: str = field(metadata=_help("as of a metric"))
    grade: str = field(metadata=_help("as of a metric"))
    words: str = field(metadata=_help("what the grade stands for"))
    evidence: str = field(metadata=_help("as of a metric"))


@dataclass(frozen=True, slots=True)
class Statement:
    """What is published of metrics for a student of one size, beside what was measured here."""

    name: str = field(
        metadata=_help(
            "the metrics' names, several where all else is the same; with the value where one part stands alone"
        )
    )
    direction: str = field(metadata=_help("as of a metric, at this size"))
    grade: str = field(metadata=_help("as of a metric, at this size"))
    evidence: str = field(metadata=_help("where it comes from, one sentence of the reviewed list"))
    said: bool = field(metadata=_help("whether that sentence stands further up in the same table"))
    gap: Gap | None = field(metadata=_help("the paired difference that was measured here"))
    ceiling: bool = field(metadata=_help("whether 95% of traces of every part are at the highest possible value"))
    extrapolated: bool = field(metadata=_help("whether it was seen on models of other sizes only"))
    why: str = field(metadata=_help("what keeps it from being evidence at this size; empty if nothing more"))


@dataclass(frozen=True, slots=True)
class OwnStatement:
    """What a profile of the user's own says of a metric."""

    profile: str = field(metadata=_help("name of the profile"))
    name: str = field(metadata=_help("the metric's name in a sentence"))
    direction: str = field(metadata=_help("as of a metric"))
    grade: str = field(metadata=_help("as its author graded it"))
    rests: str = field(metadata=_help("number of datasets, what so few bear, and sizes seen"))
    conflict: bool = field(metadata=_help("whether published evidence at this size has the opposite sign"))


@dataclass(frozen=True, slots=True)
class Student:
    """Students of one size."""

    size: str = field(metadata=_help("the size, or a range of sizes"))
    models: tuple[str, ...] = field(metadata=_help("students of this size that were measured against"))
    remark: str = field(metadata=_help("how the size is read, a few words; empty for a range"))
    signed: tuple[Statement, ...] = field(metadata=_help("metrics for which a sign is known at this size"))
    contested: tuple[Statement, ...] = field(metadata=_help("metrics whose evidence is contested or from other sizes"))
    unknown: tuple[str, ...] = field(metadata=_help("names of metrics for which no sign is known at this size"))
    own: tuple[OwnStatement, ...] = field(metadata=_help("what profiles of the user's own say"))
    aside: tuple[str, ...] = field(
        metadata=_help("names of metrics of which nothing is read, since controls leave them uninformative here")
    )


@dataclass(frozen=True, slots=True)
class GradeText:
    """A grade of evidence that is in use."""

    grade: str = field(metadata=_help("the letter"))
    words: str = field(metadata=_help("what it stands for"))


@dataclass(frozen=True, slots=True)
class PartCount:
    """A number of traces of one part."""

    label: str = field(metadata=_help("label of the part"))
    count: int = field(metadata=_help("how many traces"))
    traces: int = field(metadata=_help("of how many"))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why traces have no number, or under which reservation they have one."""

    why: str = field(metadata=_help("a few words"))
    parts: tuple[PartCount, ...] = field(metadata=_help("the parts it concerns"))
    count: int = field(metadata=_help("how many traces of these parts"))
    traces: int = field(metadata=_help("of how many"))
    metrics: tuple[str, ...] = field(metadata=_help("names of the metrics it concerns"))
    every: bool = field(metadata=_help("whether these are all metrics"))
    all: bool = field(metadata=_help("whether these are all traces of these parts"))


@dataclass(frozen=True, slots=True)
class FactCell:
    """A fact about one part."""

    value: str | None = field(metadata=_help("the number; none if it could not be measured"))
    interval: str | None = field(metadata=_help("its 95% interval; none where there is none"))
    of: int = field(metadata=_help("on how many traces, questions or fields it rests"))


@dataclass(frozen=True, slots=True)
class FactRow:
    """What was found in parts as a whole; no mean over traces."""

    title: str = field(metadata=_help("a few words"))
    cells: tuple[FactCell, ...] = field(metadata=_help("one per part, in the order of `parts`"))
    notes: tuple[str, ...] = field(metadata=_help("what it rests on, or why it was not measured"))


@dataclass(frozen=True, slots=True)
class ControlRow:
    """Damaged copies of a sample of the traces beside the originals."""

    metric: str = field(metadata=_help("id of the metric"))
    label: str = field(metadata=_help("label of the part"))
    damage: str = field(metadata=_help("what was planted, in a few words"))
    original: str = field(metadata=_help("mean of the unharmed traces"))
    quarter: str | None = field(metadata=_help("mean where a quarter of the traces is damaged, or none"))
    full: str = field(metadata=_help("mean where all are that can be"))
    interval: str = field(metadata=_help("its 95% interval"))
    difference: str = field(metadata=_help("all damaged less unharmed, with its sign"))
    difference_interval: str = field(metadata=_help("its 95% interval, paired"))
    traces: int = field(metadata=_help("traces scored on both sides"))
    expected: str = field(metadata=_help("what it should do: `rise`, `fall`, `stay`, or `fall or stay`"))
    moved: bool = field(metadata=_help("whether it did"))


@dataclass(frozen=True, slots=True)
class Uninformative:
    """A metric that damaged copies of these very traces leave uninformative."""

    metric: str = field(metadata=_help("id of the metric"))
    why: tuple[str, ...] = field(metadata=_help("each response that failed, without a full stop; says in which parts"))


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader should know of some parts."""

    text: str = field(metadata=_help("a whole sentence"))
    labels: tuple[str, ...] = field(metadata=_help("labels of the parts; empty where it holds for all"))


@dataclass(frozen=True, slots=True)
class Look:
    """A reason to look at rows."""

    why: str = field(metadata=_help("a few words"))
    count: int = field(metadata=_help("how many rows, in all parts"))


@dataclass(frozen=True, slots=True)
class Missing:
    """A part or a metric that was not measured."""

    what: str = field(metadata=_help("which, several with one reason together"))
    why: str = field(metadata=_help("why"))


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One value of a column asked for with `--by`, in one part."""

    value: str = field(metadata=_help("the value"))
    label: str = field(metadata=_help("label of the part"))
    traces: int = field(metadata=_help("traces in the group"))
    cells: tuple[Cell, ...] = field(metadata=_help("one per metric of `first`"))


@dataclass(frozen=True, slots=True)
class Grouping:
    """A column asked for with `--by`."""

    column: str = field(metadata=_help("the column"))
    rows: tuple[GroupRow, ...] = field(metadata=_help("its values"))
    more: int = field(metadata=_help("values that are in the report only"))


@dataclass(frozen=True, slots=True)
class RowList:
    """Rows to look at first, for one reason, in one part."""

    why: str = field(metadata=_help("a few words"))
    label: str = field(metadata=_help("label of the part"))
    rows: tuple[Address, ...] = field(metadata=_help("row numbers, linked to the viewer where there is one"))
    more: int = field(metadata=_help("rows that are not named here"))


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """Metrics of one computation, with the models and libraries that decide the numbers."""

    id: str = field(metadata=_help("id of the family"))
    version: str = field(metadata=_help("raised whenever a change moves a score"))
    settings: tuple[tuple[str, str], ...] = field(metadata=_help("(name, value) of models, libraries and the like"))


@dataclass(frozen=True, slots=True)
class ReleasePlace:
    """Where the release says something about itself."""

    where: str = field(metadata=_help("`column`, `metadata`, `heading` or `mention` (words in the card's prose)"))
    name: str = field(metadata=_help("column, key, heading, or the words"))


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """One thing that a release should say about itself."""

    title: str = field(metadata=_help("a few words"))
    state: str = field(metadata=_help("`found`, `mentioned` (in prose only) or `missing`"))
    places: tuple[ReleasePlace, ...] = field(metadata=_help("where it is said, the first few"))
    more: int = field(metadata=_help("places that are in the report only"))
    next: str = field(metadata=_help("what to do, whole sentences; empty where there is nothing to do"))


@dataclass(frozen=True, slots=True)
class Release:
    """What the release says about itself: read, not judged."""

    contract: str = field(
        metadata=_help("what checks the answers: `programmatic`, `environmental`, `judgement`, `mixed` or `none`")
    )
    why: str = field(metadata=_help("what that rests on, a sentence"))
    found: int = field(metadata=_help("fields found in columns, metadata or under a heading"))
    mentioned: int = field(metadata=_help("fields mentioned in prose only"))
    rows: tuple[ReleaseRow, ...] = field(metadata=_help("all fields that apply to this kind of data"))
    notes: tuple[str, ...] = field(metadata=_help("what could not be read, whole sentences"))


@dataclass(frozen=True, slots=True)
class CardContext:
    """All names of a template."""

    dataset: str = field(metadata=_help("id of the dataset, or the name of a local source"))
    scores_repo: str = field(
        metadata=_help("id of the dataset that holds the scores of every trace; empty where there is none")
    )
    url: str | None = field(metadata=_help("address of the dataset's page, or none"))
    on_hub: bool = field(metadata=_help("whether the dataset is on the Hub"))
    version: str = field(metadata=_help("version of hfscore"))
    date: str = field(metadata=_help("day of the measurement"))
    revision: Address | None = field(
        metadata=_help("revision that was measured, proven; none for data without revisions")
    )
    seed: str = field(metadata=_help("seed of the draw and of every interval"))
    draw: Draw = field(metadata=_help("how rows were chosen"))
    noun: str = field(metadata=_help("what parts differ in: `config`, `split` or `part` (a config and split)"))
    parts: tuple[PartRow, ...] = field(metadata=_help("what was measured"))
    notes: tuple[Note, ...] = field(metadata=_help("what a reader should know of the parts"))
    layout: Layout = field(
        metadata=_help("how the first table stands: `one` part, parts as `columns` or as `rows`; `none` without parts")
    )
    pair: tuple[str, str] | None = field(metadata=_help("labels of the two parts, if there are exactly two"))
    metrics: tuple[MetricRow, ...] = field(metadata=_help("all metrics that were measured"))
    first: tuple[MetricRow, ...] = field(metadata=_help("metrics of the first table: those that ask for it, else all"))
    length_ratio: str = field(
        metadata=_help("how many times the longest part's median length is the shortest's; empty if alike")
    )
    controls: tuple[ControlRow, ...] = field(metadata=_help("where damaged copies land; empty without `--controls`"))
    uninformative: tuple[str, ...] = field(
        metadata=_help("ids of metrics that controls leave uninformative here; none of them is in `first`")
    )
    why_uninformative: tuple[Uninformative, ...] = field(metadata=_help("the same metrics, with what failed"))
    facts: tuple[FactRow, ...] = field(metadata=_help("what was found in parts as a whole"))
    evidence: tuple[Evidence, ...] = field(metadata=_help("metrics by what their evidence says"))
    students: tuple[Student, ...] = field(metadata=_help("what is known for students of each size"))
    ranges: bool = field(metadata=_help("whether `students` are the two ranges of sizes, as no size was asked for"))
    grades: tuple[GradeText, ...] = field(metadata=_help("grades in use"))
    unscored: tuple[Reason, ...] = field(
        metadata=_help("why traces have no number; what concerns all traces of a part comes last")
    )
    marked: tuple[Reason, ...] = field(metadata=_help("reservations under which traces were scored"))
    skipped: tuple[Missing, ...] = field(metadata=_help("parts and metrics that were not measured"))
    groups: tuple[Grouping, ...] = field(metadata=_help("columns asked for with `--by`"))
    look: tuple[Look, ...] = field(metadata=_help("reasons to look at rows, the most frequent first"))
    rows: tuple[RowList, ...] = field(metadata=_help("rows to look at first"))
    release: Release | None = field(metadata=_help("what the release says about itself; none if it was not looked at"))
    families: tuple[FamilyRow, ...] = field(metadata=_help("models, libraries and versions"))
    judge: str = field(metadata=_help("the judge's name; empty without one"))
    model_notes: tuple[str, ...] = field(
        metadata=_help("what readers of the language models' numbers should know, whole sentences")
    )
    judge_notes: tuple[str, ...] = field(metadata=_help("what the judge is and how it errs, whole sentences"))
    student_models: tuple[str, ...] = field(metadata=_help("students measured against"))
    command: str = field(metadata=_help("the command that repeats the run, one line"))
    settings_hash: str = field(metadata=_help("first digits of the hash of all options that decide numbers"))
    report: Address = field(metadata=_help("the report in the dataset's repository"))
