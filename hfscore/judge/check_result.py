"""What a check of a judge found: figures with intervals, as a file and as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from hfscore import escape
from hfscore.errors import ReportError
from hfscore.judge.estimates import Count, Estimate, corrected_rate
from hfscore.ports import Criterion, ModelName
from hfscore.records import Unscored
from hfscore.report import atomic

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA: Final = 1
CHECK_FILE: Final = "judge_check.json"

Measure = Literal[
    "f1",
    "first_error_accuracy",
    "error_free_accuracy",
    "recall",
    "specificity",
    "balanced_accuracy",
    "brier",
    "ece",
    "flip_rate",
    "agreement",
    "kappa",
]
TITLES: Final[Mapping[Measure, str]] = {
    "f1": "F1 of first errors",
    "first_error_accuracy": "first error found, traces with one",
    "error_free_accuracy": "no step fails, traces without error",
    "recall": "wrong steps that fail",
    "specificity": "right steps that hold",
    "balanced_accuracy": "balanced accuracy, steps",
    "brier": "Brier score of P(holds)",
    "ece": "calibration error of P(holds)",
    "flip_rate": "verdicts that flip when asked again",
    "agreement": "verdicts both judges share",
    "kappa": "Cohen's kappa of both judges",
}
HEADER: Final = ("set", "criterion", "figure", "value", "95% interval", "n", "left out")


@dataclass(frozen=True, slots=True)
class SetInfo:
    """A labelled set as it was judged.

    Args:
        name: Its name.
        traces: Traces judged.
        erroneous: How many of them hold a wrong step.
        steps: Their steps.
        labelled: How many of these carry a label.
        doubtful: Traces labelled free of errors that end in a wrong answer: noise of the labels.
        unread: Reason -> traces of the file that could not be used.
    """

    name: str
    traces: int
    erroneous: int
    steps: int
    labelled: int
    doubtful: int
    unread: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number.

    Args:
        set: The labelled set.
        measure: What is measured.
        criteria: A step is read as failing where any of these fails.
        error: Class of error that it is restricted to, or None.
        value: The estimate, or why there is none; n counts traces for the first three measures, steps for the others.
        left_out: Reason -> traces or steps that have no verdict and are not in n.
    """

    set: str
    measure: Measure
    criteria: tuple[Criterion, ...]
    error: str | None
    value: Estimate | Unscored
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How good a judge is.

    Args:
        judge: The judge.
        settings: Whatever else decides its verdicts.
        second: The judge it was compared with, or None.
        second_settings: Its settings.
        sets: What they judged.
        figures: What was found.
        notes: What a reader should know, whole sentences.
        schema: Version of this form.
    """

    judge: ModelName
    settings: Mapping[str, str]
    second: ModelName | None
    second_settings: Mapping[str, str]
    sets: tuple[SetInfo, ...]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()
    schema: int = SCHEMA

    def figure(
        self, name: str, measure: Measure, criteria: Sequence[Criterion], error: str | None = None
    ) -> Figure | None:
        """The figure of a set by measure, criteria and class of error, if there is one."""
        key = (name, measure, tuple(criteria), error)
        return next((one for one in self.figures if (one.set, one.measure, one.criteria, one.error) == key), None)


def corrected_share(result: CheckResult, name: str, criterion: Criterion, observed: Count) -> Estimate | Unscored:
    """The share of steps for which a criterion holds, corrected for the errors that the judge made on a labelled set.

    Args:
        result: The check.
        name: Labelled set, of which the judge's errors are taken.
        criterion: The criterion.
        observed: (steps for which the judge says that it holds, steps judged), in independent observations.
    """
    # What is estimated is the share that holds: to say so of a right step is the hit.
    right = result.figure(name, "specificity", (criterion,))
    wrong = result.figure(name, "recall", (criterion,))
    for one in (right, wrong):
        if one is None:
            return Unscored("the judge was not checked by this criterion")
        if isinstance(one.value, Unscored):
            return one.value
    assert right and wrong and isinstance(right.value, Estimate) and isinstance(wrong.value, Estimate)
    return corrected_rate(observed, right.value.count, wrong.value.count)


def table(result: CheckResult) -> list[tuple[str, ...]]:
    """The figures as rows of plain text, the header first; where there is no number stands why.

    Names from files are made harmless for a terminal, not for the markup of a library that prints.
    """
    return [HEADER, *(_row(figure) for figure in result.figures)]


def _row(figure: Figure) -> tuple[str, ...]:
    value = figure.value
    title = TITLES[figure.measure] + (f": {escape.plain(figure.error)}" if figure.error else "")
    place = (escape.plain(figure.set), " or ".join(figure.criteria), title)
    left = "; ".join(f"{count} {escape.plain(reason)}" for reason, count in figure.left_out.items())
    if isinstance(value, Unscored):
        return (*place, value.reason, "", "", left)
    return (*place, f"{value.value:.3f}", f"{value.low:.3f} to {value.high:.3f}", str(value.n), left)


def remarks(result: CheckResult) -> list[str]:
    """What was judged and what a reader should know, a line each."""
    lines = []
    for one in result.sets:
        line = f"{escape.plain(one.name)}: {one.traces:,} traces, {one.erroneous:,} of them with an error; "
        line += f"{one.steps:,} steps, {one.labelled:,} of them labelled."
        if one.doubtful:
            line += f" {one.doubtful:,} traces labelled free of errors end in a wrong answer."
        for reason, count in one.unread.items():
            line += f" {count:,} more cannot be used: {escape.plain(reason)}."
        lines.append(line)
    return [*lines, *result.notes]


def _adapter() -> TypeAdapter[CheckResult]:
    from pydantic import TypeAdapter  # a tenth of a second that `--help` need not spend

    return TypeAdapter(CheckResult)


def save(result: CheckResult, path: Path) -> Path:
    """Write a result to a file, or into a folder as `CHECK_FILE`, whole or not at all."""
    file = path / CHECK_FILE if path.is_dir() else path
    data = _adapter().dump_python(result, mode="json")
    with atomic(file) as temporary:
        temporary.write_text(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    return file


def load(path: Path) -> CheckResult:
    """Read a result from a file, or from `CHECK_FILE` in a folder.

    Raises:
        ReportError: There is none, or none that this version reads.
    """
    from pydantic import ValidationError

    file, hint = path / CHECK_FILE if path.is_dir() else path, "Make one with 'hfscore judge check'."
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ReportError(f"{file} cannot be read ({error}).", hint) from error
    found = data.get("schema") if isinstance(data, dict) else None
    if found != SCHEMA:
        raise ReportError(f"{file} has schema {found!r}; this version reads {SCHEMA}.", hint)
    try:
        return _adapter().validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ReportError(f"{file} is no check of a judge: {where}: {first['msg']}.", hint) from error
