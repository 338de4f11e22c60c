"""What a benchmark found, as a value, and its two renderings. Knows no benchmark and measures nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Figures = Mapping[str, Any]  # heading's key -> number, text, truth, or None where it was not measured


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for.

    Args:
        device: "cpu" or "cuda".
        quick: Sizes so small that nothing is measured, to see that all of it runs.
        full: The long form of a benchmark that has one.
        rows: Rows of a benchmark over a file; None for its own number.
        format: Form of that file, "parquet" or "jsonl".
    """

    device: str = "cpu"
    quick: bool = False
    full: bool = False
    rows: int | None = None
    format: str = "parquet"


@dataclass(frozen=True, slots=True)
class Table:
    """Figures of things of one kind.

    Args:
        title: What they are.
        headings: key of a figure -> heading, unit included, in order.
        rows: The figures.
    """

    title: str
    headings: Mapping[str, str]
    rows: Sequence[Figures]


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that a figure should keep.

    Args:
        what: The figure.
        value: Its value, or None where it was not measured.
        sense: On which side of the bound it should be.
        bound: The bound.
    """

    what: str
    value: float | None
    sense: Literal["<=", ">="]
    bound: float

    @property
    def verdict(self) -> str:
        """Whether it does: "met", "not met" or "not measured"."""
        if self.value is None:
            return "not measured"
        kept = self.value <= self.bound if self.sense == "<=" else self.value >= self.bound
        return "met" if kept else "not met"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a benchmark found.

    Args:
        title: What was compared, one sentence.
        tables: The figures.
        checks: What must be true of every design for its figures to count -> whether it is.
        targets: Bounds.
        ceiling: What the machine gave at best during the run: name with unit -> number.
        notes: What else there is to say, whole sentences.
        skipped: Why nothing was measured, or None.
    """

    title: str
    tables: Sequence[Table] = ()
    checks: Mapping[str, bool] = field(default_factory=dict)
    targets: Sequence[Target] = ()
    ceiling: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()
    skipped: str | None = None

    @property
    def correct(self) -> bool:
        """Whether all checks hold."""
        return all(self.checks.values())

    def data(self) -> dict[str, Any]:
        """Everything, as JSON data."""
        return {
            "title": self.title,
            "skipped": self.skipped,
            "correct": self.correct,
            "checks": dict(self.checks),
            "ceiling": dict(self.ceiling),
            "tables": [
                {"title": table.title, "headings": dict(table.headings), "rows": [dict(row) for row in table.rows]}
                for table in self.tables
            ],
            "targets": [
                {"what": one.what, "value": one.value, "sense": one.sense, "bound": one.bound, "verdict": one.verdict}
                for one in self.targets
            ],
            "notes": list(self.notes),
        }


def shown(value: Any) -> str:
    """A figure as a cell of a table; at most three digits that mean something."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    if value and abs(value) < 0.001:
        return f"{value:.1e}"
    return f"{value:#.3g}".removesuffix(".")


def render(name: str, outcome: Outcome, *, markdown: bool) -> str:
    """An outcome as Markdown, or as text for a terminal."""
    parts = [f"## {name}\n\n{outcome.title}" if markdown else f"=== {name}: {outcome.title}"]
    if outcome.skipped:
        return "\n\n".join([*parts, f"Not measured: {outcome.skipped}"])
    if outcome.ceiling:
        best = "; ".join(f"{what} {shown(value)}" for what, value in outcome.ceiling.items())
        parts.append(f"Best of this machine, during the run: {best}.")
    tables = [*outcome.tables, *_targets(outcome.targets)]
    parts += [f"{table.title}\n{_table(table, markdown)}" for table in tables]
    failed = [what for what, holds in outcome.checks.items() if not holds]
    if outcome.checks:
        parts.append(f"WRONG: {'; '.join(failed)}." if failed else f"Correct: all checks hold ({len(outcome.checks)}).")
    parts += outcome.notes
    return "\n\n".join(parts)


def facts(heads: Mapping[str, Any], *, markdown: bool) -> str:
    """Named facts, a line each."""
    lead = "- " if markdown else ""
    return "\n".join(f"{lead}{name}: {value}" for name, value in heads.items() if value is not None)


def _targets(targets: Sequence[Target]) -> Iterator[Table]:
    if targets:
        rows = [
            {
                "what": one.what,
                "value": one.value,
                "target": f"{one.sense} {one.bound:.3g}",
                "verdict": one.verdict,
            }
            for one in targets
        ]
        yield Table("Targets", {"what": "figure", "value": "measured", "target": "target", "verdict": "verdict"}, rows)


def _table(table: Table, markdown: bool) -> str:
    cells = [list(table.headings.values())]
    cells += [[shown(row.get(key)) for key in table.headings] for row in table.rows]
    if markdown:
        cells.insert(1, ["---"] * len(table.headings))
        return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in cells)
    widths = [max(len(line[place]) for line in cells) for place in range(len(table.headings))]
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )
