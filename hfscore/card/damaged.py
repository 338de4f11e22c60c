"""Controls in a card: damaged copies of the dataset's own traces beside the originals."""

from __future__ import annotations

from collections.abc import Mapping

from hfscore.card.context import ControlRow, Uninformative
from hfscore.card.figures import style
from hfscore.card.labels import Key, name, sentence
from hfscore.damage import DAMAGES
from hfscore.informative import failures, told
from hfscore.report import Control, Report

_WORDS = {"+": "rise", "-": "fall", "0": "stay", "-0": "fall or stay"}


def controls(report: Report, labels: Mapping[Key, str]) -> tuple[ControlRow, ...]:
    """One row a part, metric and corruption that should move it, or should not and did; a quarter damaged beside it."""
    found = {(one.metric, one.config, one.split, one.damage, one.dose): one for one in report.controls}
    rows = []
    for metric in report.metrics:
        own = [one for one in told(report.controls) if one.metric == metric.id]
        if not own:
            continue
        written = style(metric.digits, metric.unit, [(one.difference_low, one.difference_high) for one in own])
        for one in own:
            low: Control | None = found.get((one.metric, one.config, one.split, one.damage, 0.25))
            rows.append(
                ControlRow(
                    metric=name(metric.id),
                    label=labels.get((one.config, one.split), name(one.config)),
                    damage=sentence(DAMAGES[one.damage].title if one.damage in DAMAGES else one.damage),
                    original=written.number(one.original),
                    quarter=written.number(low.mean) if low else None,
                    full=written.number(one.mean),
                    interval=written.span(one.low, one.high),
                    difference=written.gap(one.difference),
                    difference_interval=written.gap_span(one.difference_low, one.difference_high),
                    traces=one.traces,
                    expected=_WORDS[one.expected],
                    moved=one.moved == "yes",
                )
            )
    return tuple(rows)


def uninformative(report: Report, labels: Mapping[Key, str]) -> tuple[Uninformative, ...]:
    """Metrics that controls leave uninformative, each with what failed, and in which parts where there are several."""
    found: dict[str, dict[str, list[str]]] = {}
    for one in failures(report.controls):
        label = labels.get((one.control.config, one.control.split), name(one.control.config))
        found.setdefault(one.control.metric, {}).setdefault(sentence(one.words), []).append(label)
    several = len(report.parts) > 1
    return tuple(
        Uninformative(
            metric=name(metric),
            why=tuple(f"{words} ({', '.join(where)})" if several else words for words, where in reasons.items()),
        )
        for metric, reasons in sorted(found.items())
    )
