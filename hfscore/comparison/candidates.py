"""What is compared: saved reports as they are, everything else scored first with the same settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfscore import api, report
from hfscore.errors import HfscoreError, ReportError
from hfscore.prepare import Say
from hfscore.report import REPORT_FILE, SCORES_FILE, Part, Report
from hfscore.run import Progress
from hfscore.settings import Settings

# label=source:config/split; a path that exists as it is written is never cut
_LABEL = re.compile(r"(?P<label>[\w.-]+)=(?P<rest>.+)")
_PART = re.compile(r"(?P<source>.+?):(?P<config>[\w.-]+)(?:/(?P<split>[\w.-]+))?")


@dataclass(frozen=True, slots=True)
class Selector:
    """One source of a comparison.

    Args:
        source: What `hfscore score` takes, a folder with a report, or objects in memory.
        config: Config to take; None for every one that is scored.
        split: Split to take; None for every one that is scored.
        label: What to call it; None for a name made of the source's.
    """

    source: Any
    config: str | None = None
    split: str | None = None
    label: str | None = None


def parse_selector(text: str) -> Selector:
    """Read "[LABEL=]SOURCE[:CONFIG[/SPLIT]]", such as `full=owner/name@main:full/train`."""
    if Path(text).exists():
        return Selector(text)
    label = None
    if found := _LABEL.fullmatch(text):
        label, text = found["label"], found["rest"]
    if not Path(text).exists() and (found := _PART.fullmatch(text)):
        return Selector(found["source"], found["config"], found["split"], label)
    return Selector(text, label=label)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One part of one source, with the numbers of its traces.

    Args:
        label: Different for every candidate.
        report: The report it stands in.
        part: Which part.
        rows: (n,) row numbers.
        questions: (n,) question ids.
        scores: Metric id -> (n,) numbers, NaN inside this package alone where a trace has none.
        folder: Where its report and scores stand.
    """

    label: str
    report: Report
    part: Part
    rows: NDArray[np.int64]
    questions: NDArray[np.str_]
    scores: Mapping[str, NDArray[np.float64]]
    folder: Path = Path()

    @property
    def name(self) -> str:
        """What it is, in full."""
        info = self.report.source
        revision = f"@{info.revision.removeprefix('git:')[:7]}" if info.revision else ""
        return f"{info.id}{revision} {self.part.config}/{self.part.split}"


def gather(
    selectors: Sequence[Selector],
    settings: Settings,
    folder: Path,
    *,
    token: str | None,
    progress: Progress,
    say: Say,
    cores: int,
) -> list[Candidate]:
    """Score what is not scored yet, and read the numbers of every trace.

    Args:
        selectors: The sources.
        settings: Of whatever is scored now.
        folder: Where reports that are made now go, numbered in the order of the sources.
        token: As of `api.score`.
        progress: As of `api.score`.
        say: As of `api.score`.
        cores: As of `api.score`.

    Raises:
        HfscoreError: A source cannot be scored or read, or fewer than two candidates come of it.
    """
    found: list[tuple[Selector, Report, Part, Path]] = []
    for number, one in enumerate(selectors, 1):
        where = saved(one.source)
        if where is None:
            own = settings
            if one.config or one.split:
                config, split = (one.config,) if one.config else own.config, (one.split,) if one.split else own.split
                own = replace(own, config=config, split=split)
            where = folder / str(number)
            name = None if isinstance(one.source, str | Path) else one.label or f"set {number}"
            api.score(one.source, own, token=token, out=where, name=name, progress=progress, say=say, cores=cores)
        loaded = report.load(where)
        parts = [part for part in loaded.parts if one.config in (None, part.config) and one.split in (None, part.split)]
        if not parts:
            names = ", ".join(f"{part.config}/{part.split}" for part in loaded.parts)
            raise HfscoreError(f"{loaded.source.id} has no part {one.config}/{one.split}.", f"Parts: {names}.")
        found += [(one, loaded, part, where) for part in parts]
    if len(found) < 2:
        raise HfscoreError("There is only one set of traces, so nothing to compare it with.", "Name at least two.")
    labels = _labels(found)
    return [read(label, loaded, part, where) for label, (_, loaded, part, where) in zip(labels, found, strict=True)]


def saved(source: Any) -> Path | None:
    """The folder of a saved report, or None."""
    if not isinstance(source, str | Path):
        return None
    path = Path(source)
    if path.name == REPORT_FILE and path.is_file():
        return path.parent
    return path if (path / REPORT_FILE).is_file() else None


def _labels(found: Sequence[tuple[Selector, Report, Part, Path]]) -> list[str]:
    """Short names, each different: the label given, else whatever tells the candidates apart."""
    parts_of: dict[int, int] = {}
    for one, _, _, _ in found:
        parts_of[id(one)] = parts_of.get(id(one), 0) + 1
    several = len({loaded.source.id for _, loaded, _, _ in found}) > 1
    revisions = len({loaded.source.revision for _, loaded, _, _ in found}) > 1
    configs = len({part.config for _, _, part, _ in found}) > 1
    splits = len({part.split for _, _, part, _ in found}) > 1
    labels: list[str] = []
    for one, loaded, part, _ in found:
        words = [Path(loaded.source.id).name.removesuffix(".jsonl")] if several else []
        if revisions and not several and loaded.source.revision:
            words.append(loaded.source.revision.removeprefix("git:")[:7])
        words += [part.config] * configs + [part.split] * splits
        if one.label:
            words = [one.label] if parts_of[id(one)] == 1 else [one.label, part.config, part.split]
        labels.append(" ".join(words) or part.config)
    seen: dict[str, int] = {}
    for index, label in enumerate(labels):
        seen[label] = seen.get(label, 0) + 1
        if labels.count(label) > 1:
            labels[index] = f"{label} ({seen[label]})"
    return labels


def read(label: str, loaded: Report, part: Part, folder: Path) -> Candidate:
    """The numbers of every trace of one part, from the scores beside its report.

    Raises:
        ReportError: There are none, or they are not that report's.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = folder / SCORES_FILE
    if not path.exists():
        raise ReportError(f"There is no {SCORES_FILE} beside {folder}/{REPORT_FILE}.", "Score it again with --out.")
    wanted = [metric.id for metric in loaded.metrics]
    table = pq.read_table(path, columns=["config", "split", "row", "question_id", *wanted])
    table = table.filter((pc.field("config") == part.config) & (pc.field("split") == part.split))
    if table.num_rows != part.traces:
        raise ReportError(f"{path} does not belong to the report beside it.", "Score it again with --out.")
    return Candidate(
        label,
        loaded,
        part,
        table["row"].to_numpy(),
        np.asarray(table["question_id"].to_pylist(), dtype=np.str_),
        {name: table[name].to_numpy().astype(np.float64) for name in wanted},
        folder,
    )


def refuse_unlike(candidates: Sequence[Candidate]) -> list[str]:
    """Refuse numbers that were not measured alike.

    Returns:
        Metrics that only some candidates have, as sentences.

    Raises:
        HfscoreError: A family that two candidates share has another version, model or setting; it is named.
    """
    first = candidates[0]
    for other in candidates[1:]:
        for family in first.report.families.keys() & other.report.families.keys():
            mine, theirs = first.report.families[family], other.report.families[family]
            for name in sorted(mine.keys() | theirs.keys()):
                if mine.get(name) != theirs.get(name):
                    raise HfscoreError(
                        f"{first.label} and {other.label} were not measured alike: {family}, {name} is "
                        f"{mine.get(name, 'not set')} in one and {theirs.get(name, 'not set')} in the other.",
                        "Score both again with the same settings.",
                    )
    everywhere = set.intersection(*({metric.id for metric in one.report.metrics} for one in candidates))
    somewhere = {metric.id for one in candidates for metric in one.report.metrics}
    missing = sorted(somewhere - everywhere)
    if not everywhere:
        raise HfscoreError("The reports have no metric in common.", "Score all with the same --metric.")
    return [f"Measured for some only, and left out: {', '.join(missing)}."] if missing else []
