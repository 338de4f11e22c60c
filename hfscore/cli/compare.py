"""`hfscore compare`: sets of traces side by side."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from hfscore.cli import output
from hfscore.cli.options import takes_settings
from hfscore.errors import HfscoreError, MissingExtraError
from hfscore.escape import clip

if TYPE_CHECKING:
    from hfscore.comparison import Comparison, History, Order, OwnStatement, Ranking, TargetReading
    from hfscore.settings import Settings
    from hfscore.spec import Metric

NAME, CELL, MOST_COLUMNS = 28, 9, 4  # letters of a line: 28 + 4 · 9 + an order of 16 fit 80
CHANGES = 8
COUNTS = {
    "up": "evidence counts higher",
    "down": "evidence counts lower",
    "none": "evidence gives no sign",
    "contested": "evidence is contested",
}
Letters = Mapping[str, str]  # label -> the letter that stands for it


def _one_source(values: Mapping[str, Any]) -> tuple[str, str | None] | None:
    """The dataset that all sets come from, if it is one: its settings file goes with the run."""
    from hfscore.comparison import parse_selector

    found = {str(parse_selector(one).source) for one in values["sources"]}
    names = {name.partition("@")[0] if not Path(name).exists() else name for name in found}
    return (min(found), None) if len(names) == 1 else None


@takes_settings(source=_one_source)
def compare(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Two or more: \\[LABEL=]SOURCE\\[:CONFIG\\[/SPLIT]]; a Hub id with or without @revision, a file, or "
            "the folder of a saved report."
        ),
    ],
    settings: Settings,
    order: Annotated[
        bool, typer.Option("--order", help="One order for each --target, by a Borda count over graded evidence.")
    ] = False,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Folder for comparison.json, the figures, and one report of all sets, for 'hfscore card'."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The comparison on stdout as JSON.")] = False,
) -> None:
    """Compare sets of traces, question by question where they ask the same."""
    from hfscore import comparison

    if order and not settings.target:
        raise HfscoreError("An order is made for a size of student.", "Add --target 8B.")
    with output.progress() as progress:
        found = comparison.compare(
            sources,
            settings,
            order=order,
            out=out,
            progress=progress,
            say=output.say,
            cores=os.cpu_count() or 1,
        )
    if as_json:
        output.raw(comparison.to_json(found))
    else:
        show(found)
    if out is not None:
        _figures(found, out)


def _figures(found: Comparison, out: Path) -> None:
    from hfscore.comparison.figures import write_figures

    try:
        write_figures(found, out)
    except MissingExtraError as error:
        output.say(f"No figures: {error.message} {error.hint}")
    output.say(f"Written: {out}. Next: hfscore card {out} --readme README.md")


def show(found: Comparison) -> None:
    """A comparison at 80 columns: the numbers, what cannot be told apart, the readings, the rows that moved."""
    letters = dict(zip(found.labels, _letters(), strict=False))
    for label, letter in letters.items():
        output.line(f"{letter}  {label}: {found.sources[label]}")
    matched = [one.questions for one in found.pairs if one.paired]
    if matched:
        output.line(f"Paired by question: {min(matched):,} to {max(matched):,} questions match, by metric and pair.")
    measured = [one for one in found.report.metrics if any(order.metric == one.id for order in found.orders)]
    telling = [one for one in measured if one.headline or any(p.clear for p in found.pairs if p.metric == one.id)]
    for start in range(0, len(found.labels), MOST_COLUMNS):
        _numbers(found, telling, letters, found.labels[start : start + MOST_COLUMNS])
    if len(found.labels) == 2:
        _differences(found, telling, letters)
    rest = [one.id for one in measured if one not in telling]
    if rest:
        output.line("")
        output.line(f"Not distinguishable between any two: {', '.join(rest)}.")
    if len(found.labels) > 2:
        _ties(found, [one.id for one in telling], letters)
    _lengths(found, letters)
    for reading in found.readings:
        _reading(found, reading, letters)
    for history in found.history:
        _history(history)
    for note in found.notes:
        output.line("")
        output.line(f"{note}")


def _letters() -> Sequence[str]:
    return [*ascii_uppercase, *("".join(two) for two in itertools.product(ascii_uppercase, repeat=2))]


def _numbers(found: Comparison, metrics: Sequence[Metric], letters: Letters, labels: Sequence[str]) -> None:
    ordered = 2 < len(found.labels) <= MOST_COLUMNS
    output.line("")
    head = "  highest first" if ordered else ""
    output.line(f"{'mean over traces':<{NAME}}" + "".join(f"{letters[label]:>{CELL}}" for label in labels) + head)
    means = {(one.metric, one.config): one.mean for one in found.report.values if one.by is None}
    orders = {order.metric: order for order in found.orders}
    for metric in metrics:
        cells = "".join(f"{output.number(means.get((metric.id, label)), metric):>{CELL}}" for label in labels)
        order = f"  {_order(orders[metric.id], letters)}" if ordered else ""
        output.line(f"{_name(metric.id)}{cells}{order}")


def _order(order: Order, letters: Letters) -> str:
    """ "D > B ≈ C"."""
    signs = (" > " if clear else " ≈ " for clear in order.clear)
    rest = (f"{sign}{letters[label]}" for sign, label in zip(signs, order.labels[1:], strict=True))
    return letters[order.labels[0]] + "".join(rest)


def _name(metric: str) -> str:
    return f"{clip(metric, NAME - 1):<{NAME}}"


def _differences(found: Comparison, metrics: Sequence[Metric], letters: Letters) -> None:
    from hfscore.card.figures import style

    first, second = (letters[label] for label in found.labels)
    of = {pair.metric: pair for pair in found.pairs}
    output.line("")
    output.line(f"{f'{first} − {second} (95% interval)':<{NAME}}")
    for metric in metrics:
        if (pair := of.get(metric.id)) is None:
            output.line(f"{_name(metric.id)}fewer than five questions")
            continue
        printed = style(metric.digits, metric.unit, [(pair.low, pair.high)])
        words = "" if pair.clear else ": not distinguishable"
        output.line(f"{_name(metric.id)}{printed.gap(pair.mean)} ({printed.gap_span(pair.low, pair.high)}){words}")


def _ties(found: Comparison, metrics: Sequence[str], letters: Letters) -> None:
    output.line("")
    output.line("> told apart at 95%, ≈ not. Not distinguishable, neighbours or not:")
    for order in found.orders:
        if order.metric not in metrics:
            continue
        everyone = len(order.tied) == len(order.labels) * (len(order.labels) - 1) // 2
        two = ", ".join(f"{letters[first]}–{letters[second]}" for first, second in order.tied)
        like = "; the order is that of the lengths" if order.like_length else ""
        if len(found.labels) > MOST_COLUMNS:
            like += f"; {_order(order, letters)}"
        output.line(f"  {_name(order.metric)}{'any two' if everyone else two or 'none'}{like}")


def _lengths(found: Comparison, letters: Letters) -> None:
    if found.lengths:
        by_length = ", ".join(letters[label] for label in found.lengths)
        output.line("")
        output.line(f"By length alone, longest first: {by_length}. Length moves many of these numbers.")


def _reading(found: Comparison, reading: TargetReading, letters: Letters) -> None:
    output.line("")
    output.line(f"For a student of {reading.target} (evidence on {reading.size} students)")
    if reading.note:
        output.line(f"  {reading.note}")
    of = {order.metric: order for order in found.orders}
    for one in reading.signed:
        if one.metric not in of:
            continue
        line = _read_by(of[one.metric], one.direction, letters)
        output.line(f"  {one.metric}: {COUNTS[one.direction]} (grade {one.grade}): {line}. {one.evidence}")
    for own in reading.own:
        if own.metric in of:
            output.line(f"  {_own(own, of[own.metric], letters)}")
    contested = [one.metric for one in reading.unsigned if one.direction == "contested" and one.metric in of]
    if contested:
        output.line(f"  Contested at this size: {', '.join(contested)}.")
    if not any(one.metric in of for one in reading.signed):
        output.line("  Nothing that was measured has a known sign at this size.")
    if reading.ranking is not None:
        _ranking(reading.ranking, letters)


def _own(one: OwnStatement, order: Order, letters: Letters) -> str:
    line = f": {_read_by(order, one.direction, letters)}" if one.direction in ("up", "down") else ""
    conflict = " Published evidence has the opposite sign; both stand." if one.conflict else ""
    said = f"{one.metric}: {COUNTS[one.direction]} (grade {one.grade}; {one.rests})"
    return f"Your own evidence ({one.profile}): {said}{line}.{conflict}"


def _read_by(order: Order, direction: str, letters: Letters) -> str:
    """ "A then B ≈ C", by a sign."""
    labels, clear = (order.labels[::-1], order.clear[::-1]) if direction == "down" else (order.labels, order.clear)
    signs = (" then " if sure else " ≈ " for sure in clear)
    rest = (f"{sign}{letters[label]}" for sign, label in zip(signs, labels[1:], strict=True))
    return letters[labels[0]] + "".join(rest)


def _ranking(ranking: Ranking, letters: Letters) -> None:
    if not ranking.tiers:
        output.line("  No order: no metric with a sign and a grade of C or above was scored for every set.")
        return
    output.line(
        f"  Borda count, as asked for: {_tiers(ranking.tiers, letters)}. Counted: {', '.join(ranking.metrics)}."
    )
    moved = [name for name, tiers in ranking.without.items() if tiers != ranking.tiers]
    if not ranking.without:
        output.line("  It rests on one metric alone.")
    elif moved:
        for name in moved:
            output.line(f"  Without {name}: {_tiers(ranking.without[name], letters) or 'no order'}.")
    else:
        output.line("  Leaving out any one metric changes nothing.")
    if ranking.like_length:
        output.line("  Warning: this is the order by length alone, or its reverse; length may be all it shows.")


def _tiers(tiers: Sequence[Sequence[str]], letters: Letters) -> str:
    return ", then ".join(" and ".join(letters[label] for label in tier) for tier in tiers)


def _history(history: History) -> None:
    output.line("")
    output.line(f"From {history.first} to {history.second}")
    apart = f"{history.only_first:,} only before, {history.only_second:,} only after"
    output.line(f"  {history.shared:,} questions in both, {apart}")
    if not history.moved:
        output.line("  No number moved on any shared question.")
    for metric, count in history.moved.items():
        output.line(f"  {metric}: moved on {count:,} of {history.shared:,} questions")
        for change in [one for one in history.changes if one.metric == metric][:CHANGES]:
            rows = f"row {_rows(change.rows_before)} → {_rows(change.rows_after)}"
            output.line(f"    {rows}: {change.before:.4g} → {change.after:.4g}")


def _rows(rows: Sequence[int]) -> str:
    return ", ".join(map(str, rows))
