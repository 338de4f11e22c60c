"""Orders of candidates: by one metric, by length alone, and by a Borda count where somebody asks for one order."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hfscore.comparison.values import Order, Pair, Ranking, Statement
from hfscore.report import Report, Value
from hfscore.spec import Metric

Tiers = tuple[tuple[str, ...], ...]
PairsOf = Mapping[str, Mapping[tuple[str, str], Pair]]  # metric -> (first, second) -> difference


def by_metric(pairs: Sequence[Pair]) -> PairsOf:
    """The differences, each found under both orders of its labels."""
    found: dict[str, dict[tuple[str, str], Pair]] = {}
    for one in pairs:
        turned = replace(
            one,
            first=one.second,
            second=one.first,
            mean=-one.mean,
            low=-one.high,
            high=-one.low,
            joint_low=-one.joint_high,
            joint_high=-one.joint_low,
        )
        found.setdefault(one.metric, {})[one.first, one.second] = one
        found[one.metric][one.second, one.first] = turned
    return found


def length_metric(report: Report) -> Metric | None:
    """The metric that says how long a trace is."""
    return next((one for one in report.metrics if one.unit == "words" and one.headline), None)


def lengths(report: Report) -> tuple[str, ...]:
    """Labels by median length, longest first; empty where it was not measured."""
    metric = length_metric(report)
    values = {} if metric is None else values_of(report, metric.id)
    medians = {label: value.median for label, value in values.items() if value.median is not None}
    if len(medians) < len(report.parts):
        return ()
    return tuple(sorted(medians, key=lambda label: -medians[label]))


def values_of(report: Report, metric: str) -> dict[str, Value]:
    """Label -> the metric's value over the whole candidate."""
    return {value.config: value for value in report.values if value.metric == metric and value.by is None}


def orders(report: Report, pairs: PairsOf, longest_first: Sequence[str]) -> list[Order]:
    """Candidates by every metric that at least two have a number for."""
    found = []
    for metric in report.metrics:
        means = {label: one.mean for label, one in values_of(report, metric.id).items() if one.mean is not None}
        labels = tuple(sorted(means, key=lambda label: -means[label]))
        if len(labels) < 2:
            continue
        known = pairs.get(metric.id, {})
        clear = tuple(_above(known.get(two)) for two in itertools.pairwise(labels))
        tied = tuple(two for two in itertools.combinations(labels, 2) if not _above(known.get(two)))
        like = metric != length_metric(report) and alike(labels, longest_first)
        found.append(Order(metric.id, labels, clear, tied, like))
    return found


def _above(pair: Pair | None) -> bool:
    return pair is not None and pair.joint_low > 0


def alike(labels: Sequence[str], longest_first: Sequence[str]) -> bool:
    """Whether an order of at least three, or its reverse, is that of the lengths."""
    return len(labels) > 2 and list(longest_first) in (list(labels), list(reversed(labels)))


def borda(
    labels: Sequence[str],
    signed: Sequence[Statement],
    unsigned: Sequence[Statement],
    pairs: PairsOf,
    family_of: Mapping[str, str],
    longest_first: Sequence[str],
) -> Ranking:
    """Points over metrics with a sign and a grade of C or above, equal weight per family.

    Args:
        labels: The candidates.
        signed: Metrics with a sign at this size.
        unsigned: The others.
        pairs: By metric.
        family_of: Metric id -> family, one for a family that was measured under several students.
        longest_first: Labels by length.
    """
    left_out = {one.metric: "no sign known at this size" for one in unsigned}
    every = len(labels) * (len(labels) - 1)
    counted = [one for one in signed if len(pairs.get(one.metric, {})) == every]
    left_out |= {one.metric: "not scored for every set" for one in signed if one not in counted}
    per_metric = {one.metric: _points(labels, one, pairs[one.metric]) for one in counted}
    if not per_metric:
        return Ranking({}, (), (), left_out, {}, like_length=False)
    points = _total(labels, per_metric, family_of)
    tiers = _tiers(points)
    without = {
        name: _tiers(_total(labels, {other: own for other, own in per_metric.items() if other != name}, family_of))
        for name in per_metric
        if len(per_metric) > 1
    }
    flat = [tier[0] for tier in tiers if len(tier) == 1]
    like = len(flat) == len(labels) and alike(flat, longest_first)
    return Ranking(points, tiers, tuple(per_metric), left_out, without, like)


def _points(labels: Sequence[str], one: Statement, pairs: Mapping[tuple[str, str], Pair]) -> dict[str, float]:
    up = one.direction == "up"
    return {
        label: sum(
            0.5 if not pairs[label, other].clear else float((pairs[label, other].mean > 0) == up)
            for other in labels
            if other != label
        )
        for label in labels
    }


def _total(
    labels: Sequence[str], per_metric: Mapping[str, Mapping[str, float]], family_of: Mapping[str, str]
) -> dict[str, float]:
    families: dict[str, list[Mapping[str, float]]] = {}
    for metric, points in per_metric.items():
        families.setdefault(family_of[metric], []).append(points)
    return {
        label: sum(sum(one[label] for one in members) / len(members) for members in families.values())
        for label in labels
    }


def _tiers(points: Mapping[str, float]) -> Tiers:
    rounded = {label: round(value, 9) for label, value in points.items()}
    return tuple(
        tuple(label for label in points if rounded[label] == value)
        for value in sorted(set(rounded.values()), reverse=True)
    )
