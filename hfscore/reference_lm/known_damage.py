"""How far damage moves the scores that the reference language model gives: the second table of its card.

Every corruption is planted in single traces at doses within the trace (`doses`), and each trace compared with itself
unharmed, through the families of metrics themselves. Knows which cells ought to rise, fall or stay (`EXPECTED`), and
says of each whether it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, cast

import numpy as np

from hfscore.damage import DAMAGES
from hfscore.damage.expected import EXPECTED as TABLED
from hfscore.metrics import answer_gain, contrast, perplexity
from hfscore.ports import LanguageModel, Tools
from hfscore.records import Reading, Scored, Trace
from hfscore.reference_lm.doses import DOSES_OF, planted
from hfscore.reference_lm.form import Item
from hfscore.stats import Floats, mean_interval

CONTRASTED: Final = 100
"""Traces that G2 and G3 are measured on, the first: each is read seven times a dose."""

BATCH_TOKENS: Final = 2048  # the fastest on one core

MEASURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "surprisal": "E1",
        "answer_gain": "D1",
        "answer_gain_masked": "D5",
        "order_sensitivity": "G2",
        "trace_specificity": "G3",
    }
)
"""Metric id -> the short name in the table."""

HEADS: Final = ("E1, surprisal", "D1, answer gain", "D5, the same with the answer blanked out", "G2, %", "G3")
"""Heads of their columns."""

TOLERANCE: Final[Mapping[str, float]] = MappingProxyType({"E1": 0.05, "D1": 0.05, "G2": 0.15, "G3": 0.05})
"""How far from 0 a mean may lie that should not move: nats per token; of G2, a share of what sound traces have."""

EXPECTED: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        damage: {short: TABLED[name][damage] for name, short in MEASURES.items() if damage in TABLED.get(name, {})}
        for damage in DAMAGES
    }
)
"""Corruption -> measure -> + rises, - falls, 0 stays, -0 falls or stays; what is not here is not predicted."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a corruption at a dose does to a measure, each trace compared with itself.

    Args:
        damage: The corruption.
        dose: Share of the trace's steps or numbers that are damaged.
        measure: E1, D1, D5, G2 or G3.
        changes: (n,) damaged less sound, one a trace that has both; of G2, as a share of the sound traces' mean.
        interval: 95% bootstrap interval of their mean, or None below five questions.
    """

    damage: str
    dose: float
    measure: str
    changes: Floats
    interval: tuple[float, float] | None

    @property
    def mean(self) -> float:
        """Mean change."""
        return float(self.changes.mean())

    @property
    def expected(self) -> str:
        """+, -, 0, -0, or ? where nothing is predicted."""
        return EXPECTED[self.damage].get(self.measure, "?")

    @property
    def holds(self) -> bool | None:
        """Whether it is as expected, None if unknown: the whole interval beyond 0, or the mean within the tolerance.

        Where it may fall or stay, the mean must not rise by more than the tolerance.
        """
        if self.expected == "?" or self.interval is None:
            return None
        low, high = self.interval
        most = TOLERANCE[self.measure]
        return {"+": low > 0, "-": high < 0, "0": abs(self.mean) <= most, "-0": self.mean <= most}[self.expected]


@dataclass(frozen=True, slots=True)
class _OneModel:
    """All that the families measured here ask for."""

    model: LanguageModel

    def reference_lm(self) -> LanguageModel:
        return self.model


def _scores(
    model: LanguageModel, traces: Sequence[Trace], others: Mapping[str, str | None]
) -> list[dict[str, Reading]]:
    """measure -> reading, a dict a trace; G2 and G3 for those alone that `others` has another question for."""
    tools = cast(Tools, _OneModel(model))
    columns = {**perplexity.score(traces, tools, None), **answer_gain.score(traces, tools, None)}
    columns |= contrast.score(traces, tools, others)
    return [{short: columns[name][place] for name, short in MEASURES.items()} for place in range(len(traces))]


def _layers(wanted: Mapping[int, list[Trace]]) -> Iterator[dict[int, Trace]]:
    """The traces of every place, one a place at a time: the families tell traces apart by their ids."""
    for number in range(max(map(len, wanted.values()))):
        yield {place: traces[number] for place, traces in wanted.items() if number < len(traces)}


def cells(
    model: LanguageModel,
    items: Sequence[Item],
    *,
    contrasted: int = CONTRASTED,
    doses: Mapping[str, Sequence[float]] = DOSES_OF,
) -> list[Cell]:
    """Plant every corruption at every dose and measure what it changes.

    Args:
        model: The reference model.
        items: At least three problems with different questions.
        contrasted: How many of them, the first, G2 and G3 are measured on.
        doses: Corruption -> the doses it is planted at.

    Returns:
        The cells that have a number; one that no trace can be damaged or measured for is missing.
    """
    traces = [
        Trace("default", "test", row, 0, item.question, item.solution, reference=item.answer)
        for row, item in enumerate(items)
    ]
    # the question after next: a swapped trace comes from the next one, and would be at home there
    others = {one.id: traces[(place + 2) % len(traces)].question for place, one in enumerate(traces[:contrasted])}
    damaged = {(damage, dose): planted(traces, damage, dose) for damage, chosen in doses.items() for dose in chosen}
    wanted = {
        place: list(
            dict.fromkeys([trace.reasoning, *(found[place].reasoning for found in damaged.values() if place in found)])
        )
        for place, trace in enumerate(traces)
    }
    read: dict[tuple[int, str], dict[str, Reading]] = {}
    for layer in _layers({p: [replace(traces[p], reasoning=text) for text in texts] for p, texts in wanted.items()}):
        for (place, trace), found in zip(layer.items(), _scores(model, list(layer.values()), others), strict=True):
            read[place, trace.reasoning] = found
    sound = {place: read[place, trace.reasoning] for place, trace in enumerate(traces)}
    result = []
    for (damage, dose), harmed in damaged.items():
        after = {place: read[place, trace.reasoning] for place, trace in harmed.items()}
        for measure in MEASURES.values():
            cell = _cell(traces, sound, after, key=(damage, dose, measure))
            result.extend([cell] if cell else [])
    return result


def _cell(
    traces: Sequence[Trace],
    sound: Mapping[int, Mapping[str, Reading]],
    harmed: Mapping[int, Mapping[str, Reading]],
    *,
    key: tuple[str, float, str],
) -> Cell | None:
    """Compare the traces that have a number both before and after; None where there are none."""
    measure = key[2]
    pairs = {}
    for place, readings in harmed.items():
        before, after = sound[place][measure], readings[measure]
        if isinstance(before, Scored) and isinstance(after, Scored):
            pairs[place] = (before.value, after.value)
    if not pairs:
        return None
    values = np.array(list(pairs.values()))
    changes = values[:, 1] - values[:, 0]
    if measure == "G2":
        changes = changes / values[:, 0].mean()
    return Cell(*key, changes, mean_interval(changes, [traces[place].question_id for place in pairs], seed=0))


def failures(found: Sequence[Cell]) -> dict[tuple[str, str], str]:
    """The cells that are not as expected.

    Args:
        found: What `cells` gives.

    Returns:
        (damage, measure) -> what is wrong: that it cannot be planted or measured, at which doses it is not as
        expected (or has too few traces for an interval), or that more damage moves it back.
    """
    wrong = {}
    for damage, row in EXPECTED.items():
        for measure, sign in row.items():
            own = [cell for cell in found if (cell.damage, cell.measure) == (damage, measure)]
            doses = [f"{cell.dose:.0%}" for cell in own if not cell.holds]
            moves = np.diff([cell.mean for cell in own]) * {"+": 1, "-": -1}.get(sign, 0)
            if not own:
                wrong[damage, measure] = "there is no trace it can be planted and measured in"
            elif doses:
                wrong[damage, measure] = f"not as expected at {', '.join(doses)}"
            elif (moves < 0).any():
                wrong[damage, measure] = "a higher dose moves it back"
    return wrong


def _words(cell: Cell | None) -> str:
    """A cell of the table: mean, interval, the sign expected and whether it holds."""
    if cell is None:
        return "no trace"
    scale, digits = (100, 0) if cell.measure == "G2" else (1, 3)
    low, high = ("?", "?") if cell.interval is None else (f"{end * scale:+.{digits}f}" for end in cell.interval)
    mark = "" if cell.expected == "?" else " ✓" if cell.holds else " ✗"
    expected = cell.expected.replace("-0", "- or 0")
    return f"{cell.mean * scale:+.{digits}f} ({low} to {high}) {expected}{mark}"


def _row(damage: str, dose: float, row: Mapping[str, Cell]) -> str:
    counts = " / ".join(str(len(row[measure].changes)) if measure in row else "0" for measure in ("E1", "G2", "G3"))
    rises = f"{(row['E1'].changes > 0).mean():.2f}" if row else "-"
    columns = [_words(row.get(measure)) for measure in MEASURES.values()]
    return f"| {DAMAGES[damage].title} | {dose:.0%} | {counts} | {rises} | {' | '.join(columns)} |"


def markdown(found: Sequence[Cell]) -> list[str]:
    """The table and the list of the cells that fail, lines of Markdown."""
    rows: dict[tuple[str, float], dict[str, Cell]] = {
        (damage, dose): {} for damage, doses in DOSES_OF.items() for dose in doses
    }
    for cell in found:
        rows[cell.damage, cell.dose][cell.measure] = cell
    heads = ["corruption", "dose", "traces: E1 and D1 / G2 / G3", "E1 rises in", *map("change of {}".format, HEADS)]
    return [
        f"| {' | '.join(heads)} |",
        "| --- | ---: | ---: | ---: | --- | --- | --- | --- | --- |",
        *(_row(*key, row) for key, row in rows.items()),
        "",
        "Cells that fail:",
        "",
        *(failed_line(*key, why) for key, why in failures(found).items()),
    ]


def failed_line(damage: str, measure: str, why: str) -> str:
    """How a cell that fails is named in the card."""
    return f"* {measure}, {DAMAGES[damage].title}: {why};"


def table(items: Sequence[Item], folder: Path) -> list[str]:
    """Measure the model of a folder on the CPU; lines of Markdown."""
    from hfscore.lm import load

    return markdown(cells(load(str(folder), device="cpu", budget=BATCH_TOKENS), items))
