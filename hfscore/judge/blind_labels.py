"""Labels by people for steps drawn at random, and what they say of a judge's shares.

A label knows its step and criterion, never the judge's verdict. Steps are drawn uniformly from all that have a verdict,
in an order that is random too: whoever stops early has still labelled a simple random sample, as prediction-powered
inference asks. `labels.jsonl` holds one line a label, synced when it is given, and no text of the dataset.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hfscore.errors import ReportError
from hfscore.judge.agreement import cohen_kappa
from hfscore.judge.estimates import Estimate, ppi_mean, share
from hfscore.ports import CRITERIA, Criterion
from hfscore.records import Unscored

LABELS_FILE: Final = "labels.jsonl"
COUNT: Final = 25
"""Steps drawn; with four criteria, a hundred labels."""

_TYPES: Final = {"trace": str, "start": int, "end": int, "criterion": str, "label": bool | None, "text": str}

Place = tuple[str, int, int]
"""A step: its trace's id, its first character in the reasoning, the character behind its last."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A step drawn to be labelled by one criterion.

    Args:
        place: The step.
        criterion: The criterion.
    """

    place: Place
    criterion: Criterion


@dataclass(frozen=True, slots=True)
class Label:
    """What somebody said of a step.

    Args:
        drawn: The step and the criterion.
        holds: Whether the criterion holds; None where that was skipped.
        digest: Of the step's text.
    """

    drawn: Drawn
    holds: bool | None
    digest: str


@dataclass(frozen=True, slots=True)
class Audit:
    """A judge's share of steps for which a criterion holds, against labels.

    Args:
        criterion: The criterion.
        steps: Steps with a verdict.
        skipped: Steps drawn that nobody could label.
        gone: Labels of steps that the judge gave no verdict on, or that it does not have any more.
        judged: The judge's share over all steps.
        labelled: The share among labels alone.
        corrected: Labels and verdicts together: prediction-powered inference.
        agreement: Share of labels that the judge agrees with.
        kappa: Cohen's kappa of labels and judge.
    """

    criterion: Criterion
    steps: int
    skipped: int
    gone: int
    judged: Estimate | Unscored
    labelled: Estimate | Unscored
    corrected: Estimate | Unscored
    agreement: Estimate | Unscored
    kappa: Estimate | Unscored


Verdicts = Mapping[Drawn, bool]


def verdicts_of(rows: Iterable[Mapping[str, Any]]) -> dict[Drawn, bool]:
    """The verdicts in the rows of `steps.parquet`: what has none is not there."""
    found: dict[Drawn, bool] = {}
    for row in rows:
        place = (f"{row['config']}/{row['split']}/{row['row']}#{row['trace']}", row["start"], row["end"])
        found |= {Drawn(place, one): row[one] for one in CRITERIA if row[one] is not None}
    return found


def draw(verdicts: Verdicts, count: int = COUNT, *, criteria: Sequence[Criterion] = CRITERIA, seed: int) -> list[Drawn]:
    """Draw steps, each as likely as any other, whatever the judge said of it.

    Args:
        verdicts: All steps that have a verdict.
        count: How many steps; each is asked about by every criterion it has a verdict by.
        criteria: The criteria asked about.
        seed: Seed. The order is that of a hash, so that the same seed draws the same steps from the same data.
    """
    asked = [one for one in CRITERIA if one in criteria]
    places = sorted({one.place for one in verdicts if one.criterion in asked}, key=lambda place: _rank(place, seed))
    everything = (Drawn(place, criterion) for place in places[:count] for criterion in asked)
    return [one for one in everything if one in verdicts]


def _rank(place: Place, seed: int) -> tuple[bytes, Place]:
    text = f"{seed} {place[1]} {place[2]} {place[0]}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(), place


def digest(text: str) -> str:
    """16 hex digits that tell whether a step still reads as it did."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def audit(labels: Sequence[Label], verdicts: Verdicts, *, seed: int) -> list[Audit]:
    """What the labels say of the judge's shares, by each criterion that has a label.

    Args:
        labels: All labels.
        verdicts: All verdicts of the run that the steps were drawn from.
        seed: Seed of the bootstrap.
    """
    return [_audit(one, labels, verdicts, seed) for one in CRITERIA if any(one == it.drawn.criterion for it in labels)]


def _audit(criterion: Criterion, labels: Sequence[Label], verdicts: Verdicts, seed: int) -> Audit:
    own = {one.drawn: one.holds for one in labels if one.drawn.criterion == criterion}
    judged = {one: holds for one, holds in verdicts.items() if one.criterion == criterion}
    known = {one: holds for one, holds in own.items() if holds is not None and one in judged}
    rest = [one for one in judged if one not in known]
    said, verdict = [*known.values()], [judged[one] for one in known]
    clusters, others = [_row(one) for one in known], [_row(one) for one in rest]
    return Audit(
        criterion=criterion,
        steps=len(judged),
        skipped=sum(holds is None for holds in own.values()),
        gone=sum(one not in judged for one in own),
        judged=share([*judged.values()], [_row(one) for one in judged]),
        labelled=share(said, clusters),
        corrected=ppi_mean(said, verdict, [judged[one] for one in rest], clusters=(clusters, others), binary=True),
        agreement=share([one == other for one, other in zip(said, verdict, strict=True)], clusters),
        kappa=cohen_kappa(said, verdict, clusters, seed=seed),
    )


def _row(one: Drawn) -> str:
    """The row of a step's trace: traces of one row answer one question."""
    return one.place[0].rpartition("#")[0]


def read(path: Path) -> list[Label]:
    """Read the labels of a file in the order given; none if there is no file. A torn last line is no label.

    Raises:
        ReportError: A line is no label, or a step has two.
    """
    labels: dict[Drawn, Label] = {}
    for number, line in enumerate(_lines(path), 1):
        label = _parsed(line)
        if label is None or label.drawn in labels:
            what = "is no label" if label is None else "labels a step that has a label already"
            raise ReportError(f"Line {number} of {path} {what}.", "Remove the line, or begin a new file.")
        labels[label.drawn] = label
    return [*labels.values()]


def append(path: Path, label: Label) -> None:
    """Add a label, and wait until the disk has it. A torn last line, left by a crash, goes first."""
    (trace, start, end), criterion = label.drawn.place, label.drawn.criterion
    data = {"trace": trace, "start": start, "end": end, "criterion": criterion, "label": label.holds}
    line = json.dumps({**data, "text": label.digest}) + "\n"
    _cut(path, len(_lines(path)))
    with path.open("ab") as file:
        file.write(line.encode())
        file.flush()
        os.fsync(file.fileno())


def withdraw(path: Path) -> None:
    """Take the last label back."""
    _cut(path, len(_lines(path)) - 1)


def _lines(path: Path) -> list[bytes]:
    """The whole lines of a file."""
    try:
        return path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ReportError(f"{path} cannot be read ({error}).") from error


def _cut(path: Path, lines: int) -> None:
    """Cut a file behind so many lines."""
    if path.exists():
        size = sum(len(line) + 1 for line in _lines(path)[:lines])
        if size != path.stat().st_size:
            os.truncate(path, size)


def _parsed(line: bytes) -> Label | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or any(not isinstance(row.get(name), kind) for name, kind in _TYPES.items()):
        return None
    if "label" not in row or row["criterion"] not in CRITERIA:
        return None
    return Label(Drawn((row["trace"], row["start"], row["end"]), row["criterion"]), row["label"], row["text"])
