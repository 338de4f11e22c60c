"""How a metric describes itself. Everything that shows a metric reads these values.

A family is one file in `hfscore/metrics/` ending in `FAMILY = Family(...)`: metrics that come out of
one computation. A metric is one number per trace, and one column of `scores.parquet`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hfscore.ports import Tools
from hfscore.records import Reading, Trace

Need = Literal["embedder"]
Direction = Literal["up", "down", "none", "contested"]
Grade = Literal["A", "B", "C", "D", "X", "-"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number per trace.

    Args:
        id: snake_case name, the same in code, CLI, report, card and docs.
        alias: Code of the catalogue, such as "B2w".
        title: A few words for a table's first column.
        formula: How it is computed, one line of plain text.
        reading: What a value says, and what it does not, in words for the card.
        lowest: Smallest possible value, or None.
        highest: Largest possible value, or None.
        direction: "up" if published evidence counts higher as better, "down" if lower, "contested" where
            studies disagree, "none" where no sign is known.
        grade: Grade of that evidence: A two independent studies and an intervention; B one study of at
            least 8 data sets, or an intervention; C a small study; D no link to training outcomes;
            X conflicting; "-" a control.
        evidence: Where the grade comes from, one sentence.
        headline: Whether the metric stands in the card's first table.
        digits: Decimals to print.
    """

    id: str
    alias: str
    title: str
    formula: str
    reading: str
    lowest: float | None
    highest: float | None
    direction: Direction
    grade: Grade
    evidence: str
    headline: bool = False
    digits: int = 2


Scores = Mapping[str, Sequence[Reading]]


@dataclass(frozen=True, slots=True)
class Family:
    """Metrics of one computation.

    Args:
        id: snake_case name, equal to the file's.
        title: A few words.
        source: Paper and section, or the library, that the formulas come from.
        version: Raised whenever a change moves a score.
        metrics: What comes out; their ids are the keys of what `score` returns.
        score: (traces, tools, pool) -> one reading per metric and trace. Same numbers whatever the batch.
        needs: Tools that `score` and `pool` ask for.
        pool: Optional (reference traces, tools) -> a value handed to every call of `score`. The reference
            traces are a bounded random draw from the sample, the same however the run is cut.
        settings: (tools) -> whatever else decides the numbers (model, library version), for the report.
    """

    id: str
    title: str
    source: str
    version: int
    metrics: tuple[Metric, ...]
    score: Callable[[Sequence[Trace], Tools, Any], Scores]
    needs: tuple[Need, ...] = ()
    pool: Callable[[Sequence[Trace], Tools], Any] | None = None
    settings: Callable[[Tools], Mapping[str, str]] = lambda tools: {}
