"""How good is the judge: against labelled sets, and against a maintainer's own labels on this very dataset."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from hfscore import report as reports
from hfscore import step_scores
from hfscore.backends.judges import close_judge, open_judge
from hfscore.errors import HfscoreError, ReportError
from hfscore.judge import blind_labels, labelled, labelling
from hfscore.judge.blind_labels import Audit, Drawn, Label
from hfscore.judge.check import check
from hfscore.judge.check_result import CheckResult
from hfscore.judge.estimates import Estimate
from hfscore.judge.prompts import rubric
from hfscore.ports import Judge
from hfscore.prepare import Say, prepare
from hfscore.records import Trace
from hfscore.report import PartFact, Report
from hfscore.run import mute
from hfscore.settings import Settings, from_json
from hfscore.spec import Fact

OTHER_RUBRIC = {"en": "pl", "pl": "en"}


def check_judge(
    settings: Settings, files: Sequence[Path] = (), *, both_rubrics: bool = False, say: Say = mute
) -> CheckResult:
    """Let a judge judge labelled steps, and compare.

    Args:
        settings: With a judge named.
        files: Labelled sets; those that come with the package for none.
        both_rubrics: Whether to compare with the same judge under the other rubric.
        say: Told what the judge's server cannot do, and what it was asked.

    Raises:
        HfscoreError: No judge is named or reached, or a file is no labelled set.
    """
    if settings.judge is None:
        raise HfscoreError("There is no judge to check.", "Name one: --judge URL, --judge hf:MODEL or --judge rules.")
    if both_rubrics and settings.judge == "rules":
        raise HfscoreError("The rule judge reads no rubric.", "Leave --both-rubrics out.")
    sets = [labelled.load(path) for path in files] or [labelled.shipped(name) for name in labelled.SHIPPED]
    opened: list[Judge] = []
    try:
        opened.append(open_judge(settings, say))
        if both_rubrics:
            other = dataclasses.replace(settings, judge_rubric=OTHER_RUBRIC[settings.judge_rubric])
            opened.append(open_judge(other, mute))
        return check(opened[0], sets, second=opened[1] if both_rubrics else None, seed=settings.seed)
    finally:
        for judge in opened:
            close_judge(judge, say)


def label_steps(
    folder: Path,
    *,
    keys: TextIO,
    screen: TextIO,
    source: Any = None,
    labels: Path | None = None,
    count: int = blind_labels.COUNT,
    token: str | None = None,
    say: Say = mute,
) -> Report:
    """Ask a person about steps that a judge has judged, and correct its shares by the answers.

    Args:
        folder: A report with steps.parquet; the report there is written anew, with what the labels say.
        keys: Where answers are typed, a line each.
        screen: Where steps are shown, never with the judge's verdict.
        source: Where the traces are read again; None for the report's own.
        labels: File of the labels, gone on with where it exists; `labels.jsonl` in the folder by default.
        count: Steps to label.
        token: Token of the Hub.
        say: Told what was read.

    Returns:
        The report with its new facts.

    Raises:
        HfscoreError: There is no report or no judged step, or the data are not those that were judged.
    """
    made, verdicts, drawn, traces = _drawn(folder, source, count, token=token, say=say)
    given = labelling.run(drawn, traces, labels or folder / "labels.jsonl", keys=keys, screen=screen)
    return _corrected(folder, made, verdicts, given)


@dataclass(frozen=True, slots=True)
class ToLabel:
    """A step that somebody is asked about, with what a judge was shown and without its verdict.

    Args:
        drawn: The step and the criterion.
        rubric: What the criterion means.
        question: The problem, or None.
        reference: The reference answer, or None.
        before: The reasoning before the step.
        step: The step.
        behind: What follows; empty unless the step's use is asked about, since it would give the others away.
    """

    drawn: Drawn
    rubric: str
    question: str | None
    reference: str | None
    before: str
    step: str
    behind: str


def label_sheet(
    folder: Path, *, source: Any = None, count: int = blind_labels.COUNT, token: str | None = None, say: Say = mute
) -> list[ToLabel]:
    """Draw the steps that somebody is to label, as `label_steps` asks about them.

    Args:
        folder: A report with steps.parquet.
        source: As of `label_steps`.
        count: As of `label_steps`.
        token: As of `label_steps`.
        say: As of `label_steps`.

    Raises:
        HfscoreError: As of `label_steps`.
    """
    _, _, drawn, traces = _drawn(folder, source, count, token=token, say=say)
    shown, means = labelling.locate(drawn, traces), rubric("en")["criteria"]
    return [
        ToLabel(
            drawn=one,
            rubric=means[one.criterion].strip(),
            question=shown[one].trace.question,
            reference=shown[one].trace.reference,
            before=shown[one].before,
            step=shown[one].step,
            behind=shown[one].behind if one.criterion == "utility" else "",
        )
        for one in drawn
    ]


def apply_labels(folder: Path, sheet: Sequence[ToLabel], answers: Sequence[bool | None]) -> Report:
    """Correct a judge's shares by labels.

    Args:
        folder: The report that the sheet was drawn from; it is written anew.
        sheet: What was asked, in order.
        answers: Whether each criterion holds, None where it was skipped; may end before the sheet does.

    Returns:
        The report with its new facts.

    Raises:
        HfscoreError: There is no report or no judged step.
    """
    pairs = zip(sheet, answers, strict=False)
    labels = [Label(one.drawn, holds, blind_labels.digest(one.step)) for one, holds in pairs]
    made, rows = _judged(folder)
    return _corrected(folder, made, blind_labels.verdicts_of(rows), labels)


def _judged(folder: Path) -> tuple[Report, list[dict[str, Any]]]:
    made = reports.load(folder)
    if not (folder / step_scores.STEPS_FILE).exists():
        raise ReportError(f"{folder} holds no judged steps.", "Make some: hfscore score SOURCE --judge URL --out DIR")
    return made, step_scores.read(folder)


def _drawn(
    folder: Path, source: Any, count: int, *, token: str | None, say: Say
) -> tuple[Report, blind_labels.Verdicts, list[Drawn], list[Trace]]:
    """A report, its verdicts, the steps drawn from them, and their traces read again."""
    made, rows = _judged(folder)
    verdicts = blind_labels.verdicts_of(rows)
    settings = from_json(made.settings)
    drawn = blind_labels.draw(verdicts, count, seed=settings.seed)
    wanted = {one.place[0] for one in drawn}
    return made, verdicts, drawn, _traces(made, settings, source, wanted, token=token, say=say)


def _corrected(folder: Path, made: Report, verdicts: blind_labels.Verdicts, given: Sequence[Label]) -> Report:
    """Write the report anew, with what the labels say of the judge."""
    seed = from_json(made.settings).seed
    facts = [fact for fact in made.facts if not fact.fact.id.endswith("_labelled")]
    for part in made.parts:
        prefix = f"{part.config}/{part.split}/"
        own = {place: holds for place, holds in verdicts.items() if place.place[0].startswith(prefix)}
        said = [label for label in given if label.drawn.place[0].startswith(prefix)]
        facts += [PartFact(part.config, part.split, _fact(one)) for one in blind_labels.audit(said, own, seed=seed)]
    made = dataclasses.replace(made, facts=tuple(facts))
    reports.save(made, folder)
    return made


def _traces(
    made: Report, settings: Settings, source: Any, wanted: set[str], *, token: str | None, say: Say
) -> list[Trace]:
    plain = dataclasses.replace(settings, metric=("structure",), judge=None, budget=None)
    revision = made.source.revision.removeprefix("git:") if made.source.revision else None
    with prepare(source or made.source.id, plain, revision=revision, token=token, say=say) as prepared:
        return [trace for trace in prepared.run.sample() if trace.id in wanted]


def _fact(one: Audit) -> Fact:
    title = f"{one.criterion.capitalize()} over all steps, corrected by labels"
    name = f"{one.criterion}_labelled"
    known = one.labelled.n if isinstance(one.labelled, Estimate) else 0
    if not isinstance(one.corrected, Estimate):
        return Fact(name, title, None, "share", known, f"Not measured: {one.corrected.reason}.")
    agreement = (
        f" The judge agrees with {one.agreement.value:.0%} of them." if isinstance(one.agreement, Estimate) else ""
    )
    note = f"Prediction-powered: {known} blind labels by hand and {one.steps:,} verdicts.{agreement}"
    return Fact(name, title, one.corrected.value, "share", known, note, low=one.corrected.low, high=one.corrected.high)
