"""Figures of a comparison: a panel a metric, a row a candidate, means with their 95% intervals, labels at the dots."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from hfscore import catalog
from hfscore.card.figures import Style, style
from hfscore.comparison.orders import values_of
from hfscore.comparison.values import Comparison
from hfscore.errors import MissingExtraError
from hfscore.escape import clip, plain
from hfscore.report import Value, atomic
from hfscore.spec import Metric

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PANELS = 8
LONGEST_LABEL = 28
TITLE_LETTERS = 46  # a line of a panel's title
ROUNDING: Final = 1e-9
WIDTH, TITLE, ROW, FOOT = 9.0, 0.62, 0.3, 0.42  # inches: the figure, a panel's title, one candidate, the note


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one mode. One hue for all dots: rows are told apart by their labels, so no eye is left out."""

    paper: str
    ink: str
    quiet: str
    rule: str
    dot: str


# Blue and sky blue of Okabe and Ito (2008), each with a contrast above 4.5 on its paper.
PALETTES: Final = {
    "light": Palette("#ffffff", "#1f2328", "#59636e", "#d1d9e0", "#0072b2"),
    "dark": Palette("#0d1117", "#f0f6fc", "#9198a1", "#3d444d", "#56b4e9"),
}
FORMATS: Final[tuple[Literal["png", "svg"], ...]] = ("png", "svg")


def write_figures(comparison: Comparison, folder: Path) -> list[Path]:
    """Write comparison.light.png, .svg and comparison.dark.png, .svg.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise MissingExtraError("Figures need matplotlib.", 'pip install "hfscore[figures]"') from error
    written = []
    # No label is read as a formula; equal input gives equal bytes.
    plain_text: Any = {"text.parse_math": False, "svg.hashsalt": "hfscore", "font.family": ["DejaVu Sans"]}
    with mpl.rc_context(plain_text):
        for mode, palette in PALETTES.items():
            drawn = draw(comparison, palette)
            for form in FORMATS:
                path = folder / f"comparison.{mode}.{form}"
                with atomic(path) as temporary:
                    metadata = {"Date": None} if form == "svg" else {"Software": None}
                    drawn.savefig(temporary, format=form, dpi=160, facecolor=palette.paper, metadata=metadata)
                written.append(path)
    return written


def draw(comparison: Comparison, palette: Palette) -> Figure:
    """One figure, a panel for each of the metrics `chosen`."""
    from matplotlib.figure import Figure

    report, shown = comparison.report, chosen(comparison)
    columns = min(2, len(shown)) or 1
    lines = -(-len(shown) // columns) or 1
    height = lines * (TITLE + ROW * len(comparison.labels)) + FOOT
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(shown):
            axes.set_axis_off()
            continue
        values = values_of(report, shown[place].id)
        _panel(axes, shown[place], comparison.labels, values, palette, named=place % columns == 0)
    note = "Dot: mean over traces. Line: its 95% interval, by a bootstrap over questions."
    figure.supxlabel(note, fontsize=8, color=palette.quiet, x=0.01, ha="left")
    return figure


def chosen(comparison: Comparison) -> list[Metric]:
    """Headline metrics, then what else tells two sets apart in families without a headline; the first few of them."""
    report = comparison.report
    family = catalog.family_of()
    scored = {one.metric for one in report.values if one.by is None and one.mean is not None}
    there = [one for one in report.metrics if one.id in scored]
    heads = [one for one in there if one.headline]
    seen = {family.get(one.id) for one in heads}
    clear = {one.metric for one in comparison.pairs if one.clear}
    rest = [one for one in there if one.id in clear and one.grade != "-" and family.get(one.id) not in seen]
    return ([*heads, *rest] or there)[:MOST_PANELS]


def _panel(
    axes: Any, metric: Metric, labels: Sequence[str], values: dict[str, Value], palette: Palette, *, named: bool
) -> None:
    spans = [(one.low, one.high) for one in values.values() if one.low is not None and one.high is not None]
    printed = style(metric.digits, metric.unit, spans)
    for row, label in enumerate(labels):
        _dot(axes, row, values.get(label), printed, palette)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_yticks(range(len(labels)), [clip(plain(one), LONGEST_LABEL) for one in labels] if named else [])
    axes.set_title(textwrap.fill(metric.title, TITLE_LETTERS), loc="left", fontsize=9, color=palette.ink)
    axes.margins(x=0.3)
    axes.set_facecolor(palette.paper)
    low = -math.inf if metric.lowest is None else metric.lowest - ROUNDING
    high = math.inf if metric.highest is None else metric.highest + ROUNDING
    axes.xaxis.set_major_formatter(lambda value, _: printed.number(value) if low <= value <= high else "")
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(axis="x", colors=palette.quiet, labelsize=7, length=0)
    axes.tick_params(axis="y", colors=palette.ink, labelsize=8.5, length=0)
    axes.grid(visible=True, axis="x", color=palette.rule, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _dot(axes: Any, row: int, value: Value | None, printed: Style, palette: Palette) -> None:
    if value is None or value.mean is None:
        axes.annotate(
            "not scored", (0.02, row), xycoords=axes.get_yaxis_transform(), va="center", fontsize=8, color=palette.quiet
        )
        return
    if value.low is not None and value.high is not None:
        axes.plot([value.low, value.high], [row, row], color=palette.dot, linewidth=2.2, solid_capstyle="butt")
    axes.plot([value.mean], [row], "o", color=palette.dot, markersize=5.5)
    axes.annotate(
        printed.number(value.mean),
        (value.mean, row),
        xytext=(0, 4.5),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=7.5,
        color=palette.ink,
    )
