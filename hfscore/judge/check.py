"""How good is a judge? Its verdicts against labelled steps, against its own second reading, against another judge.

What has no verdict is left out and counted, never taken for an error of the judge's: for figures on steps the step, for
figures on traces every trace with such a step up to its first error. The first error of a trace is one of validity or
of fact, since it is labelled whatever its kind; it is read both ways, and by validity alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hfscore.errors import SourceError
from hfscore.judge import agreement, estimates
from hfscore.judge.check_result import CheckResult, Figure, Measure, SetInfo
from hfscore.judge.estimates import Estimate
from hfscore.judge.given_steps import SEPARATOR, Criteria, StepVerdicts, fails, on_steps
from hfscore.judge.labelled import FACTS_OR_VALIDITY, FIRST_ERROR, VALIDITY, Item, LabelledSet
from hfscore.ports import CRITERIA, Judge, Judged, Verdict
from hfscore.records import Trace, Unscored

REPEATS: Final = 50
"""Traces of a set that are judged twice."""
NO_PROBABILITY: Final = "no probability"
NO_PROBABILITIES: Final = Unscored("the judge gives no probabilities")


def check(
    judge: Judge, sets: Sequence[LabelledSet], *, second: Judge | None = None, repeats: int = REPEATS, seed: int = 0
) -> CheckResult:
    """Judge labelled sets and compare.

    Args:
        judge: The judge.
        sets: The labelled sets.
        second: Another judge (or the same with another rubric) to compare with, or None.
        repeats: Traces of each set to judge once more, drawn at random; 0 for none.
        seed: Seed of this draw and of all intervals.

    Raises:
        SourceError: Two sets have one name.
    """
    if len({one.name for one in sets}) < len(sets):
        raise SourceError("Two of the labelled sets have the same name.", "Rename one of the files.")
    traces = {one.name: [_trace(one.name, row, item) for row, item in enumerate(one.items)] for one in sets}
    everything = [trace for part in traces.values() for trace in part]
    # A budget is spent in the order given: on some of every set.
    everything = [everything[index] for index in np.random.default_rng(seed).permutation(len(everything))]
    notes = [*judge.plan(everything), *(second.plan(everything) if second else ())]
    figures: list[Figure] = []
    for one in sets:
        whole = traces[one.name]
        first = _read(one.items, judge.judge(whole))
        figures += [*_first_errors(one, first, seed), *_steps(one, first, seed)]
        if repeats:
            chosen = _drawn(len(whole), repeats, seed)
            part = LabelledSet(one.name, tuple(one.items[index] for index in chosen), {})
            again = _read(part.items, judge.repeat([whole[index] for index in chosen]))
            figures += _compared(part, [first[index] for index in chosen], again, ("flip_rate",), seed)
        if second:
            other = _read(one.items, second.judge(whole))
            figures += _compared(one, first, other, ("agreement", "kappa"), seed)
    return CheckResult(
        judge=judge.name,
        settings=dict(judge.settings),
        second=second.name if second else None,
        second_settings=dict(second.settings) if second else {},
        sets=tuple(_info(one) for one in sets),
        figures=tuple(figures),
        notes=tuple(dict.fromkeys(notes)),
    )


def _trace(name: str, row: int, item: Item) -> Trace:
    return Trace("labelled", name, row, 0, item.question, SEPARATOR.join(item.steps))


def _info(one: LabelledSet) -> SetInfo:
    return SetInfo(
        name=one.name,
        traces=len(one.items),
        erroneous=sum(item.first is not None for item in one.items),
        steps=sum(len(item.steps) for item in one.items),
        labelled=sum(label is not None for item in one.items for label in item.wrong),
        doubtful=sum(item.doubtful for item in one.items),
        unread=one.unread,
    )


def _drawn(count: int, size: int, seed: int) -> list[int]:
    chosen = np.random.default_rng(seed).choice(count, min(count, size), replace=False)
    return sorted(int(index) for index in chosen)


def _read(items: Sequence[Item], judged: Sequence[Judged | Unscored]) -> list[list[StepVerdicts]]:
    """The verdicts on every labelled step of every trace."""
    return [on_steps(item.steps, one) for item, one in zip(items, judged, strict=True)]


@dataclass(frozen=True, slots=True)
class _Hits:
    """What was hit and what was not, what belongs together, and what is left out."""

    hits: list[bool]
    clusters: list[str]
    left_out: dict[str, int]

    @property
    def share(self) -> Estimate | Unscored:
        return estimates.share(self.hits, self.clusters)


def _hits(found: Iterable[tuple[str, bool | Unscored]]) -> _Hits:
    """Sort (cluster, hit) into what is known and what is not."""
    hits, clusters, left_out = [], [], Counter[str]()
    for cluster, hit in found:
        if isinstance(hit, Unscored):
            left_out[hit.reason] += 1
        else:
            hits.append(hit)
            clusters.append(cluster)
    return _Hits(hits, clusters, dict(left_out))


def _both(one: _Hits, other: _Hits) -> dict[str, int]:
    return dict(Counter(one.left_out) + Counter(other.left_out))


def _cluster(item: Item) -> str:
    return " ".join(item.question.split())


def _of_two(one: _Hits, other: _Hits, combine: estimates.Combine, seed: int) -> Estimate | Unscored:
    first, second = one.share, other.share
    if isinstance(first, Unscored):
        return first
    return second if isinstance(second, Unscored) else estimates.of_two(combine, first, second, seed=seed)


def _first_errors(one: LabelledSet, read: Sequence[Sequence[StepVerdicts]], seed: int) -> Iterator[Figure]:
    """ProcessBench's figures: F1 is the harmonic mean of the accuracies on traces with an error and without."""
    pairs = [(item, verdicts) for item, verdicts in zip(one.items, read, strict=True) if item.error == FIRST_ERROR]
    if not pairs:
        return
    for criteria in (VALIDITY, FACTS_OR_VALIDITY):
        found = [(item, _first_is_hit(item, verdicts, criteria)) for item, verdicts in pairs]
        erroneous = _hits((_cluster(item), hit) for item, hit in found if item.first is not None)
        free = _hits((_cluster(item), hit) for item, hit in found if item.first is None)
        f1 = _of_two(erroneous, free, estimates.harmonic, seed)
        yield Figure(one.name, "f1", criteria, None, f1, _both(erroneous, free))
        yield Figure(one.name, "first_error_accuracy", criteria, None, erroneous.share, erroneous.left_out)
        yield Figure(one.name, "error_free_accuracy", criteria, None, free.share, free.left_out)


def _first_is_hit(item: Item, verdicts: Sequence[StepVerdicts], criteria: Criteria) -> bool | Unscored:
    """Whether the first failing step is the labelled one; whether none fails where there is none."""
    failing = []
    for label, given in zip(item.wrong, verdicts, strict=True):
        if label is None:
            break
        verdict = fails(given, criteria)
        if isinstance(verdict, Unscored):
            return verdict
        failing.append(verdict)
    return failing == [bool(label) for label in item.wrong[: len(failing)]]


def _steps(one: LabelledSet, read: Sequence[Sequence[StepVerdicts]], seed: int) -> Iterator[Figure]:
    """Recall by class of error, specificity, balanced accuracy, and how far P(holds) can be trusted."""
    pairs = [
        (item, label, given)
        for item, verdicts in zip(one.items, read, strict=True)
        for label, given in zip(item.wrong, verdicts, strict=True)
        if label is not None
    ]
    for criteria in _spoken_of(one.items):
        wrong = [(item, given) for item, label, given in pairs if label and criteria in _readings(item)]
        # A step that breaks none of several criteria breaks none of a few of them.
        right = [(item, given) for item, label, given in pairs if not label and set(criteria) <= set(item.criteria)]
        caught = _hits((_cluster(item), fails(given, criteria)) for item, given in wrong)
        kept = _hits((_cluster(item), _negated(fails(given, criteria))) for item, given in right)
        yield Figure(one.name, "recall", criteria, None, caught.share, caught.left_out)
        for error in sorted({item.error for item, _ in wrong} - {FIRST_ERROR}):
            part = _hits((_cluster(item), fails(given, criteria)) for item, given in wrong if item.error == error)
            yield Figure(one.name, "recall", criteria, error, part.share, part.left_out)
        yield Figure(one.name, "specificity", criteria, None, kept.share, kept.left_out)
        # Both come from the same traces, and are taken for independent.
        balanced = _of_two(caught, kept, estimates.average, seed)
        yield Figure(one.name, "balanced_accuracy", criteria, None, balanced, _both(caught, kept))
        if len(criteria) == 1:
            rows = [(_cluster(item), given[criteria[0]], False) for item, given in wrong]
            rows += [(_cluster(item), given[criteria[0]], True) for item, given in right]
            yield from _calibration(one.name, criteria, rows, seed)


def _negated(value: bool | Unscored) -> bool | Unscored:
    return value if isinstance(value, Unscored) else not value


def _readings(item: Item) -> tuple[Criteria, ...]:
    """Which criteria a wrong step of an item is held against."""
    return (VALIDITY, FACTS_OR_VALIDITY) if item.error == FIRST_ERROR else (item.criteria,)


def _spoken_of(items: Sequence[Item]) -> list[Criteria]:
    """What the wrong steps of a set are held against, in the criteria's order, single ones first."""
    found = {criteria for item in items if item.first is not None for criteria in _readings(item)}
    return sorted(found, key=lambda criteria: (len(criteria), [CRITERIA.index(one) for one in criteria]))


def _calibration(
    name: str, criteria: Criteria, rows: Sequence[tuple[str, Verdict | Unscored, bool]], seed: int
) -> Iterator[Figure]:
    """Brier score and calibration error, where the judge gives probabilities."""
    left_out = Counter[str]()
    clusters: list[str] = []
    chances: list[float] = []
    outcomes: list[bool] = []
    for cluster, verdict, holds in rows:
        if isinstance(verdict, Unscored):
            left_out[verdict.reason] += 1
        elif verdict.probability is None:
            left_out[NO_PROBABILITY] += 1
        else:
            clusters.append(cluster)
            chances.append(verdict.probability)
            outcomes.append(holds)
    measures: tuple[Measure, Measure] = ("brier", "ece")
    for measure, function in zip(measures, (agreement.brier, agreement.calibration_error), strict=True):
        value = function(chances, outcomes, clusters, seed=seed) if chances else NO_PROBABILITIES
        yield Figure(name, measure, criteria, None, value, dict(left_out))


def _compared(
    one: LabelledSet,
    first: Sequence[Sequence[StepVerdicts]],
    other: Sequence[Sequence[StepVerdicts]],
    measures: Sequence[Measure],
    seed: int,
) -> Iterator[Figure]:
    """Two readings of the same steps, labelled or not, by each criterion."""
    places = [
        (_cluster(item), *both)
        for item, verdicts, others in zip(one.items, first, other, strict=True)
        for both in zip(verdicts, others, strict=True)
    ]
    for criterion in CRITERIA:
        left_out = Counter[str]()
        known: list[tuple[str, bool, bool]] = []
        for cluster, *both in places:
            x, y = (fails(given, (criterion,)) for given in both)
            if isinstance(x, Unscored):
                left_out[x.reason] += 1
            elif isinstance(y, Unscored):
                left_out[y.reason] += 1
            else:
                known.append((cluster, x, y))
        for measure in measures:
            yield Figure(one.name, measure, (criterion,), None, _likeness(measure, known, seed), dict(left_out))


def _likeness(measure: Measure, known: Sequence[tuple[str, bool, bool]], seed: int) -> Estimate | Unscored:
    clusters, one, other = ([row[0] for row in known], [row[1] for row in known], [row[2] for row in known])
    if measure == "kappa":
        return agreement.cohen_kappa(one, other, clusters, seed=seed)
    if measure == "flip_rate":
        return agreement.flip_rate(one, other, clusters)
    return estimates.share([x == y for x, y in zip(one, other, strict=True)], clusters)
