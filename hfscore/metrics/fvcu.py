"""Factuality, validity, coherence, utility of every atomic step, as a judge sees them (catalogue A0 to A5).

A trace's score is the share of its steps for which a criterion holds. The mean over traces (macro) stands in the
tables, the share over all steps (micro) beside it. A step without a verdict is missing, never a failure. What the judge
is worth is measured apart (`hfscore judge check`); a small sample is judged twice in every run.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hfscore import stats
from hfscore.ports import CRITERIA, Criterion, Judge, Judged, Tools, Verdict
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Direction, Fact, Family, Fold, Grade, Metric, Scores

LEAST_VERBATIM, LEAST_COVERAGE = 0.95, 0.8  # gate of catalogue A0
MISSING = "some steps without a verdict"
PARTIAL = "judged in windows"
SPENT = Unscored("the judge's budget was spent")
REPEATED = 8  # traces judged twice for the flip rate

LETTERS: Mapping[Criterion, str] = {"factuality": "A1", "validity": "A2", "coherence": "A3", "utility": "A4"}
TITLES: Mapping[Criterion, str] = {
    "factuality": "Factuality: steps whose facts are true",
    "validity": "Validity: steps without an error of their own",
    "coherence": "Coherence: steps that follow from what was there",
    "utility": "Utility: steps that bring the answer nearer",
}
READINGS: Mapping[Criterion, str] = {
    "factuality": "depends on what the judge knows, on language and on how finely steps are cut",
    "validity": "one error is counted once; trivial steps are valid, so finer steps raise it",
    "coherence": "a lenient criterion: look at the share of traces at 100%",
    "utility": "counts repetition against a trace by construction; read it with redundancy",
}
EVIDENCE: Mapping[Criterion, str] = {
    "factuality": "Went with better results of an 8B student in one study of four data variants (arXiv 2605.13290).",
    "validity": "Went with better results of an 11B student in one study of four data variants (arXiv 2605.13290).",
    "coherence": "Went with better results of an 11B student in one study of four data variants (arXiv 2605.13290).",
    "utility": "A hint against it at 8B in one study of four data variants (arXiv 2605.13290); others conflict.",
}


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Readings of a batch."""
    judged = tools.judge().judge(traces)
    scores: dict[str, list[Reading]] = {
        "atomizer_verbatim": [one if isinstance(one, Unscored) else Scored(one.verbatim) for one in judged],
        "atomizer_coverage": [one if isinstance(one, Unscored) else Scored(one.coverage) for one in judged],
    }
    for criterion in CRITERIA:
        readings = [_readings(one, criterion) for one in judged]
        for name, column in zip(_names(criterion), zip(*readings, strict=True), strict=True):
            scores[name] = list(column)
    return scores


def _names(criterion: Criterion) -> tuple[str, str, str]:
    return criterion, f"{criterion}_probability", f"{criterion}_before_failure"


def _readings(judged: Judged | Unscored, criterion: Criterion) -> tuple[Reading, Reading, Reading]:
    """Share, mean probability and place of the first failure of one trace by one criterion."""
    if isinstance(judged, Unscored):
        return judged, judged, judged
    if judged.verbatim < LEAST_VERBATIM or judged.coverage < LEAST_COVERAGE:
        low = Unscored("the atomizer's steps are not the trace's own words")
        return low, low, low
    if any(one == SPENT for step in judged.steps for one in step.verdicts.values()):
        return SPENT, SPENT, SPENT  # what a budget cuts short is no sample of the trace's steps
    asked = [
        (number, step.verdicts[criterion]) for number, step in enumerate(judged.steps, 1) if criterion in step.verdicts
    ]
    given = [(number, verdict) for number, verdict in asked if isinstance(verdict, Verdict)]
    if not given:
        reasons = Counter(verdict.reason for _, verdict in asked if isinstance(verdict, Unscored))
        none = Unscored(reasons.most_common(1)[0][0] if reasons else "a single step has nothing to cohere with")
        return none, none, none
    marks = [MISSING] if len(given) < len(asked) else [PARTIAL] if any(step.partial for step in judged.steps) else []
    mark = marks[0] if marks else None
    share = Scored(sum(verdict.holds for _, verdict in given) / len(given), mark)
    chances = [verdict.probability for _, verdict in given if verdict.probability is not None]
    chance = Scored(sum(chances) / len(chances), mark) if len(chances) == len(given) else Unscored("no probabilities")
    before = next((number - 1 for number, verdict in given if not verdict.holds), len(judged.steps))
    return share, chance, Scored(before / len(judged.steps), mark)


@dataclass(slots=True)
class Counts:
    """Steps and verdicts of one criterion over a part: 24 bytes a trace."""

    holds: array[float] = field(default_factory=lambda: array("d"))
    given: array[float] = field(default_factory=lambda: array("d"))
    questions: array[int] = field(default_factory=lambda: array("Q"))
    missing: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class State:
    """What the facts of a part rest on."""

    judge: Judge
    counts: dict[Criterion, Counts] = field(default_factory=lambda: {criterion: Counts() for criterion in CRITERIA})
    repeated: list[tuple[Trace, Judged]] = field(default_factory=list)


def add(state: State, traces: Sequence[Trace], scores: Scores) -> None:
    """Count a batch's steps; the judge remembers its last batch."""
    for trace, judged in zip(traces, state.judge.judge(traces), strict=True):
        if isinstance(judged, Unscored) or judged.verbatim < LEAST_VERBATIM or judged.coverage < LEAST_COVERAGE:
            continue
        if len(state.repeated) < REPEATED:
            state.repeated.append((trace, judged))
        for criterion, counts in state.counts.items():
            verdicts = [step.verdicts[criterion] for step in judged.steps if criterion in step.verdicts]
            given = [verdict for verdict in verdicts if isinstance(verdict, Verdict)]
            counts.missing.update(verdict.reason for verdict in verdicts if isinstance(verdict, Unscored))
            if given:
                counts.holds.append(sum(verdict.holds for verdict in given))
                counts.given.append(len(given))
                counts.questions.append(int(trace.question_id, 16))


def finish(state: State) -> list[Fact]:
    """Shares over all steps, traces at the ceiling, and how often a second judgement differs."""
    facts = []
    for criterion, counts in state.counts.items():
        micro = _micro(criterion, counts)
        facts += [micro, *_corrected(state.judge, criterion, micro)]
    facts.append(_ceiling(state.counts["coherence"]))
    facts.append(_flips(state))
    return facts


def _micro(criterion: Criterion, counts: Counts) -> Fact:
    title = f"{criterion.capitalize()} over all steps"
    left = "; ".join(f"{count:,}: {reason}" for reason, count in sorted(counts.missing.items()))
    without = f" Steps without a verdict, {left}." if left else ""
    name = f"{criterion}_micro"
    if not counts.given:
        return Fact(name, title, None, "share", 0, f"No step has a verdict.{without}")
    holds, given = np.asarray(counts.holds), np.asarray(counts.given)
    interval = stats.ratio_interval(holds, given, np.asarray(counts.questions), seed=0)
    low, high = interval or (None, None)
    steps = int(given.sum())
    note = f"Every step weighs the same, so long traces weigh more; {steps:,} steps.{without}"
    return Fact(name, title, float(holds.sum() / given.sum()), "share", len(given), note, low=low, high=high)


def _corrected(judge: Judge, criterion: Criterion, micro: Fact) -> list[Fact]:
    """The share over all steps corrected for the judge's errors, where they were checked."""
    title = f"{criterion.capitalize()} over all steps, corrected for the judge's errors"
    name = f"{criterion}_corrected"
    if micro.value is None or micro.low is None or micro.high is None:
        return []
    # What the steps are worth as independent ones: the variance that the bootstrap over questions found.
    variance = ((micro.high - micro.low) / (2 * 1.96)) ** 2
    worth = micro.value * (1 - micro.value) / variance if variance > 0 else float(micro.of)
    found = judge.corrected(criterion, (micro.value * worth, worth))
    if found is None:
        return []
    if isinstance(found, Unscored):
        return [Fact(name, title, None, "share", micro.of, f"Not measured: {found.reason}.")]
    note = f"By its errors on {found.source}, which are not from this data; the interval holds both uncertainties."
    return [Fact(name, title, found.value, "share", micro.of, note, low=found.low, high=found.high)]


def _ceiling(counts: Counts) -> Fact:
    title = "Traces whose every step coheres"
    if not counts.given:
        return Fact("coherence_ceiling", title, None, "share", 0, "No step has a verdict.")
    at_top = np.asarray(counts.holds) == np.asarray(counts.given)
    note = "Near 100% the criterion tells traces apart no longer."
    return Fact("coherence_ceiling", title, float(at_top.mean()), "share", len(at_top), note)


def _flips(state: State) -> Fact:
    title = "Verdicts that a second judgement turns round"
    again = state.judge.repeat([trace for trace, _ in state.repeated]) if state.repeated else []
    pairs = [
        (before.holds, after.holds)
        for (_, first), second in zip(state.repeated, again, strict=True)
        if isinstance(second, Judged) and len(second.steps) == len(first.steps)
        for one, other in zip(first.steps, second.steps, strict=True)
        for criterion in one.verdicts.keys() & other.verdicts.keys()
        for before, after in [(one.verdicts[criterion], other.verdicts[criterion])]
        if isinstance(before, Verdict) and isinstance(after, Verdict)
    ]
    if not pairs:
        return Fact("judge_flips", title, None, "share", 0, "Nothing could be judged twice.")
    flips = sum(before != after for before, after in pairs)
    note = f"{len(pairs):,} verdicts on {len(state.repeated)} traces asked again, past the store. Stable is not right."
    return Fact("judge_flips", title, flips / len(pairs), "share", len(state.repeated), note)


def settings(tools: Tools) -> Mapping[str, str]:
    """The judge and whatever decides its verdicts."""
    judge = tools.judge()
    return {"judge": judge.name.id, "judge revision": judge.name.revision or "unknown", **judge.settings}


def _metrics(criterion: Criterion) -> tuple[Metric, ...]:
    direction: Direction = "contested" if criterion == "utility" else "up"
    grade: Grade = "X" if criterion == "utility" else "C"
    code, evidence = LETTERS[criterion], EVIDENCE[criterion]
    return (
        Metric(
            id=criterion,
            alias=code,
            title=TITLES[criterion],
            formula=f"share of atomic steps for which the judge says that {criterion} holds"
            + (", from the second step on" if criterion == "coherence" else ""),
            reading=READINGS[criterion],
            lowest=0.0,
            highest=1.0,
            direction=direction,
            grade=grade,
            evidence=evidence,
            headline=True,
            digits=1,
            unit="share",
        ),
        Metric(
            id=f"{criterion}_probability",
            alias=f"{code}p",
            title=f"{criterion.capitalize()}, mean probability",
            formula="mean over steps of P(criterion holds), from the log-probabilities of the labels",
            reading="finer than the share of labels, calibrated only as far as the judge is",
            lowest=0.0,
            highest=1.0,
            direction=direction,
            grade=grade,
            evidence=evidence,
            digits=3,
        ),
        Metric(
            id=f"{criterion}_before_failure",
            alias=f"{code}f",
            title=f"{criterion.capitalize()}, steps before the first failing one",
            formula="steps before the first for which the criterion fails / steps; 1 where none fails",
            reading="where a trace goes wrong first; what follows may only repeat it",
            lowest=0.0,
            highest=1.0,
            direction="none",
            grade="-",
            evidence="A description; no published link to training outcomes.",
            digits=1,
            unit="share",
        ),
    )


def _fidelity(name: str, code: str, *, title: str, formula: str) -> Metric:
    return Metric(
        id=name,
        alias=code,
        title=title,
        formula=formula,
        reading="1 by construction where rules cut the steps; below the gate (0.95 and 0.8) a trace is not scored",
        lowest=0.0,
        highest=1.0,
        direction="up",
        grade="-",
        evidence="A gate before the other four, not a quality.",
        digits=1,
        unit="share",
    )


FAMILY = Family(
    id="fvcu",
    title="Factuality, validity, coherence, utility by a judge",
    source="arXiv 2605.13290, criteria after arXiv 2502.12289 section 3; catalogue A0 to A5",
    version=1,
    rank=12,
    metrics=(
        *(metric for criterion in CRITERIA for metric in _metrics(criterion)),
        _fidelity(
            "atomizer_verbatim",
            "A0v",
            title="Steps in the trace's own words",
            formula="share of steps that stand in the trace, in order",
        ),
        _fidelity(
            "atomizer_coverage",
            "A0c",
            title="Characters that the steps cover",
            formula="characters covered / characters of the trace",
        ),
    ),
    score=score,
    needs=("judge",),
    fold=Fold(start=lambda tools: State(tools.judge()), add=add, finish=finish),
    settings=settings,
)
