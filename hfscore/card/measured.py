"""What a report says of its metrics, as rows and cells of a card's tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Literal

from hfscore.card.context import (
    Cell,
    Evidence,
    FactCell,
    FactRow,
    Gap,
    Grouping,
    GroupRow,
    MetricRow,
    PartCount,
    Reason,
)
from hfscore.card.figures import NOTHING, Style, number, style
from hfscore.card.labels import Key, name, sentence
from hfscore.profiles import GRADES
from hfscore.report import Difference, Report, Value
from hfscore.spec import Fact, Metric

GROUPS_SHOWN = 40
ALIKE = "all alike"  # no interval: a bootstrap of equal values claims more certainty than a sample can give
LENGTHS_ALIKE = 1.2  # below this ratio of median lengths nothing is said of length

Values = Mapping[tuple[str, str, str, tuple[str, str] | None], Value]


def index(report: Report) -> Values:
    """(metric, config, split, group) -> value."""
    return {(value.metric, value.config, value.split, value.by): value for value in report.values}


def metric_row(report: Report, metric: Metric, values: Values, labels: Mapping[Key, str]) -> MetricRow:
    """One metric over all parts."""
    found = [values.get((metric.id, config, split, None)) for config, split in labels]
    printed = style(metric.digits, metric.unit, (ends for one in found if (ends := _ends(one))))
    standing = [number for one in found if (number := _standing(one, metric)) is not None]
    gap = next((one for one in report.differences if one.metric == metric.id and len(labels) == 2), None)
    return MetricRow(
        id=name(metric.id),
        title=sentence(metric.title),
        name=short_title(report, metric),
        formula=sentence(metric.formula),
        reading=sentence(metric.reading),
        direction=metric.direction,
        grade=metric.grade,
        evidence=sentence(metric.evidence),
        headline=metric.headline,
        statistic=metric.statistic,
        cells=tuple(_cell(one, printed) for one in found),
        gap=_gap(gap, metric, labels) if gap else None,
        lowest=printed.number(min(standing)) if standing else None,
        highest=printed.number(max(standing)) if standing else None,
        constant=_constant(metric, found),
    )


def _constant(metric: Metric, found: Sequence[Value | None]) -> Literal["", "none", "every"]:
    """Whether a share is 0 or 1 for all traces of all parts."""
    if metric.unit != "share" or not found or any(one is None or one.unscored for one in found):
        return ""
    means = {one.mean for one in found if one}
    return "none" if means == {0.0} else "every" if means == {1.0} else ""


def short_title(report: Report, metric: Metric) -> str:
    """The title up to its colon, unless another title begins the same way."""
    title = sentence(metric.title)
    short = title.split(":")[0].strip()
    alike = sum(sentence(one.title).split(":")[0].strip() == short for one in report.metrics)
    return short if short and alike == 1 else title


def _ends(value: Value | None) -> tuple[float, float] | None:
    return _both(value.low, value.high) if value else None


def _both(low: float | None, high: float | None) -> tuple[float, float] | None:
    return (low, high) if low is not None and high is not None and isfinite(low) and isfinite(high) else None


def _finite(number: float | None) -> float | None:
    return number if number is not None and isfinite(number) else None


def _standing(value: Value | None, metric: Metric) -> float | None:
    """What stands for a part in the first table, mean or median."""
    if value is None or _finite(value.mean) is None:
        return None
    return _finite(value.median if metric.statistic == "median" else value.mean)


def _cell(value: Value | None, printed: Style) -> Cell:
    if value is None:
        return Cell(None, None, None, None, 0, 0)
    unscored = sum(value.unscored.values())
    mean, median, interval = _finite(value.mean), _finite(value.median), _ends(value)
    if mean is None:
        return Cell(None, None, None, None, value.scored, unscored)
    spread = _both(value.p5, value.p95)
    if {value.p5, value.median, value.p95} <= {0.0, 1.0}:
        median = spread = None  # 0 or 1 per trace: percentiles say nothing that the mean does not
    return Cell(
        mean=printed.number(mean),
        interval=None if interval is None else printed.span(*interval) if interval[0] < interval[1] else ALIKE,
        median=None if median is None else printed.number(median),
        spread=printed.span(*spread) if spread else None,
        scored=value.scored,
        unscored=unscored,
    )


def _gap(found: Difference, metric: Metric, labels: Mapping[Key, str]) -> Gap | None:
    """A difference as first part minus second, whichever way the report holds it."""
    first, second = labels
    if {found.first, found.second} != {first, second} or not isfinite(found.mean + found.low + found.high):
        return None
    mean, low, high = found.mean, found.low, found.high
    if found.first == second:
        mean, low, high = -mean, -high, -low
    printed = style(metric.digits, metric.unit, [(low, high)])
    higher, lower = (first, second) if mean >= 0 else (second, first)
    return Gap(
        mean=printed.gap(mean),
        size=printed.gap(abs(mean)).lstrip("+"),
        interval=printed.gap_span(low, high),
        span=printed.gap_span(low, high) if mean >= 0 else printed.gap_span(-high, -low),
        pairs=found.pairs,
        clear=low > NOTHING or high < -NOTHING,
        higher=labels[higher],
        lower=labels[lower],
    )


def length_ratio(report: Report, values: Values) -> str:
    """How many times the longest part's median length is the shortest's: "2.7"; empty where they are alike."""
    metric = next((one for one in report.metrics if one.unit == "words" and one.headline), None)
    if metric is None or len(report.parts) < 2:
        return ""
    found = [values.get((metric.id, part.config, part.split, None)) for part in report.parts]
    medians = [median for one in found if one and (median := _finite(one.median)) and median > 0]
    if len(medians) < 2 or max(medians) < LENGTHS_ALIKE * min(medians):
        return ""
    return number(max(medians) / min(medians), 1)


def evidence(metrics: Sequence[MetricRow]) -> tuple[Evidence, ...]:
    """Metrics by what their evidence says."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    words = {str(grade): text for grade, text in GRADES.items()}
    for metric in metrics:
        groups.setdefault((metric.direction, metric.grade, metric.evidence), []).append(metric.name)
    return tuple(
        Evidence(tuple(titles), direction, grade, words[grade], said)
        for (direction, grade, said), titles in sorted(groups.items(), key=lambda one: list(words).index(one[0][1]))
    )


def reasons(
    report: Report, labels: Mapping[Key, str], counts: Callable[[Value], Mapping[str, int]]
) -> tuple[Reason, ...]:
    """Reasons with their counts per part; metrics with the same counts stand together."""
    found: dict[str, dict[str, dict[Key, int]]] = {}
    for value in report.values:
        part = (value.config, value.split)
        if value.by is None and part in labels:
            for why, count in counts(value).items():
                found.setdefault(why, {}).setdefault(value.metric, {})[part] = count
    names = {metric.id: short_title(report, metric) for metric in report.metrics}
    traces = {(part.config, part.split): part.traces for part in report.parts}
    result = []
    for why, by_metric in found.items():
        alike: dict[tuple[tuple[Key, int], ...], list[str]] = {}
        for metric, by_part in by_metric.items():
            alike.setdefault(tuple(by_part.items()), []).append(names.get(metric, name(metric)))
        for concerned, metrics in alike.items():
            parts = tuple(PartCount(labels[key], count, traces[key]) for key, count in concerned)
            total, of = sum(part.count for part in parts), sum(part.traces for part in parts)
            every = len(metrics) == len(report.metrics)
            result.append(Reason(sentence(why), parts, total, of, tuple(metrics), every, total == of))
    return tuple(sorted(result, key=lambda one: (one.all, -one.count, one.why, one.metrics)))


def groups(
    report: Report, values: Values, labels: Mapping[Key, str], metrics: Sequence[Metric]
) -> tuple[Grouping, ...]:
    """One table per column asked for with `--by`; rows in the order of the report."""
    wanted: dict[str, dict[tuple[str, Key], None]] = {}
    for value in report.values:
        if value.by is not None and (value.config, value.split) in labels:
            wanted.setdefault(value.by[0], {})[value.by[1], (value.config, value.split)] = None
    groupings = []
    for column, keys in wanted.items():
        rows = []
        for label, part in list(keys)[:GROUPS_SHOWN]:
            found = [(metric, values.get((metric.id, *part, (column, label)))) for metric in metrics]
            cells = tuple(_cell(value, Style(metric.digits, metric.unit)) for metric, value in found)
            traces = max((cell.scored + cell.unscored for cell in cells), default=0)
            rows.append(GroupRow(name(label), labels[part], traces, cells))
        groupings.append(Grouping(name(column), tuple(rows), len(keys) - len(rows)))
    return tuple(groupings)


def facts(report: Report, labels: Mapping[Key, str]) -> tuple[FactRow, ...]:
    """What was found in parts as a whole, one row per fact."""
    found: dict[str, dict[Key, Fact]] = {}
    for one in report.facts:
        found.setdefault(one.fact.id, {})[one.config, one.split] = one.fact
    rows = []
    for by_part in found.values():
        some = next(iter(by_part.values()))
        notes = dict.fromkeys(sentence(fact.note) for fact in by_part.values())
        cells = tuple(_fact_cell(by_part.get(part)) for part in labels)
        rows.append(FactRow(sentence(some.title), cells, tuple(notes)))
    return tuple(rows)


def _fact_cell(fact: Fact | None) -> FactCell:
    value = _finite(fact.value) if fact else None
    if fact is None or value is None:
        return FactCell(None, None, fact.of if fact else 0)
    whole = value == int(value)
    written = Style(1 if fact.unit == "share" else 0 if whole else 2, fact.unit)
    low, high = _finite(fact.low), _finite(fact.high)
    span = written.span(low, high) if low is not None and high is not None else None
    return FactCell(written.number(value), span, fact.of)
