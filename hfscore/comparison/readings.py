"""What evidence, published and the user's own, says of the metrics at the size of a target."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hfscore import targets
from hfscore.card import damaged, labels
from hfscore.card.context import ControlRow, Uninformative
from hfscore.card.reading import by_rules, rests
from hfscore.comparison.values import OwnStatement, Statement, TargetReading
from hfscore.informative import uninformative
from hfscore.profiles import GRADES, Profile, conflicts
from hfscore.report import Report
from hfscore.spec import Grade, Metric
from hfscore.targets import Target

UNINFORMATIVE = "uninformative here by the controls, so nothing is read from it"


@dataclass(frozen=True, slots=True)
class Interpretation:
    """A report as people are shown it.

    Args:
        metrics: As they describe themselves; where rules stood in for a language model, without its evidence.
        targets: What evidence says of them at each size that the report is read for.
        grades: Grade in use -> what it stands for.
        controls: Where damaged copies land, if they were asked for.
        uninformative: Metrics that damaged copies leave uninformative, each with what failed.
    """

    metrics: tuple[Metric, ...]
    targets: tuple[TargetReading, ...]
    grades: Mapping[str, str]
    controls: tuple[ControlRow, ...]
    uninformative: tuple[Uninformative, ...]


def interpret(report: Report) -> Interpretation:
    """Read a report, of one dataset or of several side by side, for the sizes that it names.

    Args:
        report: What was measured.
    """
    shown, names = by_rules(report), labels.labels(report.parts)
    silent = uninformative(shown.controls)
    read = tuple(reading(one, shown.metrics, shown.profiles, silent) for one in shown.targets)
    used = {one.grade for one in shown.metrics} | {it.grade for one in read for it in (*one.signed, *one.unsigned)}
    return Interpretation(
        metrics=shown.metrics,
        targets=read,
        grades={grade: words for grade, words in GRADES.items() if grade in used},
        controls=damaged.controls(shown, names),
        uninformative=damaged.uninformative(shown, names),
    )


def reading(
    target: Target, metrics: Sequence[Metric], profiles: Sequence[Profile] = (), silent: Collection[str] = ()
) -> TargetReading:
    """The metrics whose sign is known at a size, and the others; controls make no claim and are left out.

    Args:
        target: The size.
        metrics: What was measured.
        profiles: Evidence of the user's own, which stands beside the published and changes nothing of it.
        silent: Metrics that controls leave uninformative: nothing is read from them.
    """
    found = [(targets.known(target, base(one.id)), one) for one in metrics if one.grade != "-"]
    signed = tuple(
        Statement(one.id, known.entries[0].direction, _weakest(known), known.entries[0].evidence)
        for known, one in found
        if known.where == "evidence" and one.id not in silent
    )
    unsigned = tuple(
        Statement(
            one.id,
            "contested" if known.where == "contested" else "none",
            _weakest(known),
            UNINFORMATIVE if one.id in silent else _why(known),
        )
        for known, one in found
        if known.where != "evidence" or one.id in silent
    )
    own = tuple(one for metric in metrics if metric.id not in silent for one in _own(target, metric.id, profiles))
    return TargetReading(target.text, _size(target), _note(target), signed, unsigned, own=own)


def _own(target: Target, metric: str, profiles: Sequence[Profile]) -> list[OwnStatement]:
    others = targets.known(target, base(metric)).entries
    return [
        OwnStatement(
            profile.name,
            metric,
            entry.direction,
            entry.grade,
            rests(entry),
            any(conflicts(entry, other) for other in others),
        )
        for profile, entry in targets.own(target, profiles, base(metric))
    ]


def base(metric: str) -> str:
    """A metric's id without the name of a student."""
    return metric.split("__")[0]


def _weakest(known: targets.Known) -> Grade:
    return max((entry.grade for entry in known.entries), key="ABCDX-".index, default="-")


def _why(known: targets.Known) -> str:
    return known.why or (known.entries[0].evidence if known.entries else "nothing is known at this size")


def _size(target: Target) -> str:
    profiles = targets.profiles_of(target)
    return " and ".join(profile.name for profile in profiles) or "none"


def _note(target: Target) -> str:
    if target.total_b is None:
        return "The size is unknown: no evidence."
    profiles = targets.profiles_of(target)
    if not profiles:
        return "No evidence for mixtures of experts."
    if len(profiles) > 1:
        return "Between the sizes that were studied: no evidence where the two differ, and nothing is interpolated."
    seen = profiles[0].seen_to_b
    return f"Extrapolated: no study here saw a model above {seen:g}B." if seen and target.total_b > seen else ""
