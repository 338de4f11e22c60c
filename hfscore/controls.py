"""Controls: known corruptions in a sample of the dataset's own traces, scored beside the originals.

A damaged copy is compared with its original, question by question, by the same families and tools. A metric that does
not move where the table of expected responses (`damage.expected`) gives a sign says little on these data.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from hfscore import stats
from hfscore.damage import DAMAGES, NOT_CHOSEN, plant
from hfscore.damage.expected import EXPECTED
from hfscore.ports import Tools
from hfscore.records import Reading, Scored, Trace
from hfscore.report import Control, Moved, Skipped
from hfscore.spec import Family

QUESTIONS: Final = 50  # a part; each trace is scored once more for every corruption
DOSES: Final = (0.25, 1.0)
TOLERANCE: Final = 1 / 9  # of the strongest move at full dose: what a metric that should stay may move
ROUNDING: Final = 1e-9
TOO_FEW: Final = "Fewer than five questions have a trace that can be damaged so and is scored before and after."

Readings = Mapping[str, Sequence[Reading]]


def covered(families: Sequence[Family]) -> list[Family]:
    """Families with a metric of which a response is tabled."""
    return [one for one in families if any(metric.id in EXPECTED for metric in one.metrics)]


def measure(
    traces: Sequence[Trace], families: Sequence[Family], tools: Tools, pools: Mapping[str, Any], *, seed: int
) -> list[Control]:
    """Plant every corruption in traces of one part and score what comes out.

    Args:
        traces: Traces of one config and split; those that cannot be read are left out.
        families: What is measured; those without a tabled metric are left out.
        tools: What the families may ask for.
        pools: family id -> its pool, made from the unharmed traces.
        seed: Seed of the damage and of the intervals.

    Returns:
        One value a metric, corruption and dose that has five pairs of questions.
    """
    usable = [trace for trace in traces if trace.problem is None]
    if not usable:
        return []
    chosen = covered(families)
    sound = _readings(usable, chosen, tools, pools)
    found: list[Control] = []
    for damage in DAMAGES:
        planted = plant(usable, damage, 1.0, seed)
        harmed = _readings([one.trace for one in planted], chosen, tools, pools)
        for dose in DOSES:
            at_dose = plant(usable, damage, dose, seed)
            # A trace chosen at a dose is damaged in the same way at full dose, so nothing is scored twice; swapped
            # traces come from the whole sample at either dose.
            picked = [one.touched and low.why_not != NOT_CHOSEN for one, low in zip(planted, at_dose, strict=True)]
            for metric in sound:
                one = _control(metric, damage, dose, usable, sound[metric], harmed[metric], picked, seed)
                found += [one] if one else []
    return [_judged(one, found) for one in found]


def missing(families: Sequence[Family], found: Sequence[Control], parts: Sequence[tuple[str, str]]) -> list[Skipped]:
    """Controls that should have moved a metric and could not be read, as what was not measured.

    Args:
        families: What is measured.
        found: What `measure` gave for all parts.
        parts: (config, split) of every part.
    """
    there = {(one.metric, one.damage, one.config, one.split) for one in found if one.dose == 1.0}
    skipped = []
    for metric in (metric for family in covered(families) for metric in family.metrics if metric.id in EXPECTED):
        for damage, expected in EXPECTED[metric.id].items():
            lacking = [part for part in parts if (metric.id, damage, *part) not in there]
            if expected in ("+", "-") and lacking:
                where = "" if len(lacking) == len(parts) else f" in {', '.join('/'.join(part) for part in lacking)}"
                skipped.append(Skipped(f"Control of {metric.id}: {DAMAGES[damage].title}{where}", TOO_FEW))
    return skipped


def _readings(
    traces: Sequence[Trace], families: Sequence[Family], tools: Tools, pools: Mapping[str, Any]
) -> dict[str, Sequence[Reading]]:
    found: dict[str, Sequence[Reading]] = {}
    for family in families:
        scores = family.score(traces, tools, pools.get(family.id))
        found |= {metric.id: scores[metric.id] for metric in family.metrics if metric.id in EXPECTED}
    return found


def _control(
    metric: str,
    damage: str,
    dose: float,
    traces: Sequence[Trace],
    sound: Sequence[Reading],
    harmed: Sequence[Reading],
    picked: Sequence[bool],
    seed: int,
) -> Control | None:
    mixed = [two if hit else one for one, two, hit in zip(sound, harmed, picked, strict=True)]
    pairs = [
        (trace.question_id, one.value, two.value)
        for trace, one, two in zip(traces, sound, mixed, strict=True)
        if isinstance(one, Scored) and isinstance(two, Scored)
    ]
    if not pairs or not any(picked):
        return None
    questions = [question for question, _, _ in pairs]
    before, after = np.array([one for _, one, _ in pairs]), np.array([two for _, _, two in pairs])
    intervals = stats.mean_intervals(np.stack([after, after - before], axis=1), questions, seed=seed)
    if intervals is None:
        return None
    (low, high), (fall, rise) = intervals
    lost = sum(isinstance(one, Scored) and not isinstance(two, Scored) for one, two in zip(sound, mixed, strict=True))
    return Control(
        metric=metric,
        config=traces[0].config,
        split=traces[0].split,
        damage=damage,
        dose=dose,
        original=float(before.mean()),
        mean=float(after.mean()),
        low=low,
        high=high,
        difference=float((after - before).mean()),
        difference_low=fall,
        difference_high=rise,
        traces=len(pairs),
        damaged=sum(picked),
        unscored=lost,
        expected=EXPECTED[metric].get(damage, "?"),
    )


def _judged(one: Control, found: Sequence[Control]) -> Control:
    """The control with whether it moved as tabled: read at full dose, and no other dose clearly moves it back."""
    doses = [other for other in found if (other.metric, other.damage) == (one.metric, one.damage)]
    full = [other for other in found if other.metric == one.metric and other.dose == 1.0]
    most = TOLERANCE * max((abs(other.difference) for other in full), default=0.0)
    moved: Moved = "not predicted"
    if one.expected != "?":
        stays = abs(one.difference) <= max(most, ROUNDING) or one.difference_low <= 0 <= one.difference_high
        holds = {
            "+": one.difference_low > ROUNDING and all(each.difference_high >= 0 for each in doses),
            "-": one.difference_high < -ROUNDING and all(each.difference_low <= 0 for each in doses),
            "0": stays,
            "-0": stays or one.difference < 0,
        }[one.expected]
        moved = "yes" if holds else "no"
    return dataclasses.replace(one, moved=moved)
