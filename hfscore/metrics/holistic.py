"""One overall grade of a trace by a judge (catalogue A6), in which length weighs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hfscore.ports import Tools
from hfscore.records import Scored, Trace, Unscored
from hfscore.spec import Family, Metric, Scores


def score(traces: Sequence[Trace], tools: Tools, pool: Any) -> Scores:
    """Readings of a batch."""
    grades = tools.judge().holistic(traces)
    return {"holistic": [one if isinstance(one, Unscored) else Scored(one) for one in grades]}


def settings(tools: Tools) -> Mapping[str, str]:
    """The judge."""
    judge = tools.judge()
    return {"judge": judge.name.id, **judge.settings}


FAMILY = Family(
    id="holistic",
    title="Overall grade by a judge",
    source="catalogue A6; criteria as in the comparison of arXiv 2601.14249",
    version=1,
    rank=90,
    metrics=(
        Metric(
            id="holistic",
            alias="A6",
            title="Overall grade by the judge",
            formula="mean grade for accuracy, rigour, completeness, efficiency and presentation, 1 to 5 read as 0 to 1",
            reading="went with length in the one study that tested it",
            lowest=0.0,
            highest=1.0,
            direction="contested",
            grade="X",
            evidence="Correlated with students' results over 11 teachers (0.52), not without the three most distant "
            "ones (0.06); arXiv 2601.14249, re-analysed.",
        ),
    ),
    score=score,
    needs=("judge",),
    costly=True,
    settings=settings,
)
