"""The report: every number of a run with what it rests on. The only input of a card."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hfscore.errors import ReportError
from hfscore.profiles import Profile
from hfscore.spec import Fact, Metric
from hfscore.targets import Target

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA = 1
REPORT_FILE = "report.json"
SCORES_FILE = "scores.parquet"


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What was read.

    Args:
        kind: "hub" for a dataset on a Hub, "files" for local files, "python" for objects in memory.
        id: "owner/name", or a name to print.
        revision: "git:<commit>" proven to be what was loaded, or None.
        fingerprint: "sha256:..." over the data files (not README.md, .gitattributes, .hfscore/); None if unknown.
        url: Address of the dataset's page, or None.
        viewer: Whether `{url}/viewer/{config}/{split}` exists, so that rows can be linked.
    """

    kind: Literal["hub", "files", "python"]
    id: str
    revision: str | None = None
    fingerprint: str | None = None
    url: str | None = None
    viewer: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One config and split as it was sampled.

    Args:
        config: Configuration.
        split: Split.
        kind: Kind of layout that was recognised ("single_trace", "multi_generation", ...).
        mapping: question / reasoning / response / reference_answer -> column paths.
        design: "questions" (a random sample of questions, all rows of each), "rows" or "all".
        rows_total: Rows in the split, or None where it was never counted.
        questions_total: Distinct questions in the split, or None where they were never counted.
        rows: Rows read.
        questions: Distinct questions among them.
        traces: Traces in those rows.
        bytes_read: Bytes of data read, or None where unknown.
        notes: What a reader should know, whole sentences.
    """

    config: str
    split: str
    kind: str
    mapping: Mapping[str, tuple[str, ...]]
    design: Literal["questions", "rows", "all"]
    rows_total: int | None
    questions_total: int | None
    rows: int
    questions: int
    traces: int
    bytes_read: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A config and split, or a metric, that was not measured, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Value:
    """One metric over one part, or over one group of it.

    Args:
        metric: Metric id.
        config: Configuration.
        split: Split.
        by: Column and value of a group asked for with `--by`, or None for the whole part.
        mean: Mean over scored traces, or None if there is none.
        low: Lower end of the 95% interval (bootstrap over questions), or None if not defined.
        high: Upper end.
        p5: 5th percentile over traces.
        median: Median over traces.
        p95: 95th percentile over traces.
        scored: Number of scored traces.
        questions: Number of distinct questions among them.
        unscored: Reason -> number of traces.
        marked: Mark -> number of scored traces that carry it.
    """

    metric: str
    config: str
    split: str
    by: tuple[str, str] | None
    mean: float | None
    low: float | None
    high: float | None
    p5: float | None
    median: float | None
    p95: float | None
    scored: int
    questions: int
    unscored: Mapping[str, int] = field(default_factory=dict)
    marked: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric, first part minus second, paired by question.

    Args:
        metric: Metric id.
        first: (config, split).
        second: (config, split).
        mean: Mean over pairs of the difference of question means.
        low: Lower end of the 95% interval (bootstrap over questions).
        high: Upper end.
        pairs: Questions scored on both sides.
    """

    metric: str
    first: tuple[str, str]
    second: tuple[str, str]
    mean: float
    low: float
    high: float
    pairs: int


@dataclass(frozen=True, slots=True)
class PartFact:
    """A fact about one part; see `spec.Fact`."""

    config: str
    split: str
    fact: Fact


@dataclass(frozen=True, slots=True)
class RowNote:
    """Rows to look at first: why, and which. Text of rows is never stored here.

    Args:
        why: A few words.
        config: Configuration.
        split: Split.
        rows: Up to 20 row numbers of the split.
        total: How many there are in all.
    """

    why: str
    config: str
    split: str
    rows: tuple[int, ...]
    total: int


Moved = Literal["yes", "no", "not predicted"]


@dataclass(frozen=True, slots=True)
class Control:
    """Where damaged copies of a sample of the dataset's own traces land beside the originals.

    Args:
        metric: Metric id.
        config: Configuration.
        split: Split.
        damage: Corruption that was planted; see `damage.DAMAGES`.
        dose: Share of the traces that it was planted in, where it could be.
        original: Mean over the unharmed traces of the sample that are scored on both sides.
        mean: Mean over the same traces, damaged.
        low: Lower end of its 95% interval (bootstrap over questions).
        high: Upper end.
        difference: `mean` less `original`.
        difference_low: Lower end of its 95% interval, paired by trace (bootstrap over questions).
        difference_high: Upper end.
        traces: Traces scored on both sides.
        damaged: Traces of the sample that were really damaged.
        unscored: Traces that have a number unharmed and none damaged.
        expected: "+", "-", "0", "-0" (falls or stays) or "?" (not predicted).
        moved: Whether it moved as expected.
    """

    metric: str
    config: str
    split: str
    damage: str
    dose: float
    original: float
    mean: float
    low: float
    high: float
    difference: float
    difference_low: float
    difference_high: float
    traces: int
    damaged: int
    unscored: int
    expected: Literal["+", "-", "0", "-0", "?"]
    moved: Moved = "not predicted"


Contract = Literal["programmatic", "environmental", "judgement", "mixed", "none"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a release says something.

    Args:
        where: A "column", a key of the card's "metadata", a "heading" with text under it, or a "mention" in its prose.
        name: Path of the column, the key, the heading, or the words.
    """

    where: Literal["column", "metadata", "heading", "mention"]
    name: str


@dataclass(frozen=True, slots=True)
class ReleaseField:
    """One thing a release should say about itself.

    Args:
        id: snake_case name.
        group: "record" (catalogue H1), "verifier" (H2), "lineage" (H6), "trace", "difficulty" or "agent"; all are H7.
        title: A few words.
        state: "found" in columns, metadata or under a heading; "mentioned" in prose only; "missing".
        places: Where, columns first.
        rows: Rows looked at in which a column fills it.
        next: What to do, whole sentences; empty where there is nothing to do.
    """

    id: str
    group: Literal["record", "verifier", "lineage", "trace", "difficulty", "agent"]
    title: str
    state: Literal["found", "mentioned", "missing"]
    places: tuple[Place, ...]
    rows: int
    next: str


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a release says about itself, read and not judged.

    Args:
        fields: Every field that applies to this kind of data.
        rows: Rows looked at, of all parts together.
        contract: What checks the answers; "none" if nothing was seen that could.
        why: What that rests on, a sentence.
        notes: What could not be read, whole sentences.
    """

    fields: tuple[ReleaseField, ...]
    rows: int
    contract: Contract
    why: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run.

    Args:
        schema: Version of this form.
        version: Version of hfscore.
        measured_at: "YYYY-MM-DDTHH:MM:SSZ".
        source: What was read.
        parts: Configs and splits that were scored.
        metrics: Metrics that were measured, as they described themselves.
        families: family id -> version and settings (encoder, compressor...).
        values: Numbers.
        differences: Paired differences, where two parts share questions.
        facts: What was found in parts as a whole.
        rows: Rows to look at first.
        skipped: Parts and metrics not measured.
        settings: All options that decide numbers.
        settings_hash: "sha256:..." over them.
        command: The command line that repeats the run.
        environment: package -> version, and the device.
        judge: The judge's name, where one was used.
        students: Students measured against.
        attribution: What the release says about itself; None in reports without it.
        controls: Where damaged copies land, if they were asked for.
        targets: Sizes of student that it is read for; empty for the two ranges that evidence is about.
        profiles: Evidence of the user's own, shown beside what is published.
    """

    schema: int
    version: str
    measured_at: str
    source: SourceInfo
    parts: tuple[Part, ...]
    metrics: tuple[Metric, ...]
    families: Mapping[str, Mapping[str, str]]
    values: tuple[Value, ...]
    differences: tuple[Difference, ...]
    facts: tuple[PartFact, ...]
    rows: tuple[RowNote, ...]
    skipped: tuple[Skipped, ...]
    settings: Mapping[str, Any]
    settings_hash: str
    command: str
    environment: Mapping[str, str]
    judge: str | None = None
    students: tuple[str, ...] = ()
    attribution: Attribution | None = None
    controls: tuple[Control, ...] = ()
    targets: tuple[Target, ...] = ()
    profiles: tuple[Profile, ...] = ()


def _adapter() -> TypeAdapter[Report]:
    from pydantic import TypeAdapter  # a tenth of a second that `--help` need not spend

    return TypeAdapter(Report)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of report.json, as published in docs/report.schema.json."""
    schema = _adapter().json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def to_json(report: Report) -> str:
    """The report as JSON text; NaN and infinity are refused."""
    data = _adapter().dump_python(report, mode="json")
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str | bytes, *, name: str = REPORT_FILE) -> Report:
    """Read a report.

    Raises:
        ReportError: The text is no report of a schema this version reads.
    """
    from pydantic import ValidationError

    try:
        data = json.loads(text)
    except ValueError as error:
        raise ReportError(f"{name} is not JSON ({error}).", "Run 'hfscore score' again.") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else None
        raise ReportError(f"{name} has schema {found!r}; this version reads {SCHEMA}.", "Run 'hfscore score' again.")
    try:
        return _adapter().validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ReportError(f"{name} is no report of hfscore: {where}: {first['msg']}.") from error


def load(path: Path) -> Report:
    """Read the report in a folder, or a report file."""
    file = path / REPORT_FILE if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(
            f"{file} cannot be read ({error}).", "Make one with 'hfscore score SOURCE --out DIR'."
        ) from error
    return from_json(text, name=str(file))


def save(report: Report, folder: Path) -> Path:
    """Write report.json into a folder, whole or not at all."""
    with atomic(folder / REPORT_FILE) as temporary:
        temporary.write_text(to_json(report), encoding="utf-8")
    return folder / REPORT_FILE


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it is synced and renamed, on failure nothing stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def settings_hash(settings: Mapping[str, Any]) -> str:
    """ "sha256:..." over settings, whatever their order."""
    text = json.dumps(settings, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
