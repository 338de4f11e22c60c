"""What planted damage does to the metrics, cell by cell of the table of expected responses (catalogue §3b).

"+" and "−" ask for a monotone answer over the doses that ends clearly off its start; "0" for less than a tolerance,
which is a ninth of what the strongest damage moves. Cells the table leaves open are left out.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np
import pytest

from hfscore.backends.embedder import OFFLINE_ENCODER, load_encoder
from hfscore.damage import DAMAGES, DOSES, plant
from hfscore.damage.expected import EXPECTED
from hfscore.metrics import alignment, arithmetic, flags, redundancy
from hfscore.records import Scored, Trace
from tests.fakes import FakeTools, tools, trace

TABLE = {name: EXPECTED[name] for name in ("alignment_margin", "redundancy", "redundancy_windowed")}
TOLERANCE = {"alignment_margin": 0.06, "redundancy": 0.03, "redundancy_windowed": 0.03}
COUNT = 50


def solutions() -> list[Trace]:
    """Short real traces: the best solver's answers to sixty GSM8K questions."""
    packed = files("hfscore.demo").joinpath("gsm8k.jsonl.gz").read_bytes()
    rows = [json.loads(line) for line in gzip.decompress(packed).decode().splitlines()][:COUNT]
    return [
        trace(row["175b_verification"], question=row["question"], reference=row["reference"], row=i)
        for i, row in enumerate(rows)
    ]


def chains() -> list[Trace]:
    """Long traces of one style throughout, 3.5 kB each, so that windows are many and alike."""
    result = []
    for i in range(COUNT):
        draw, total, lines = random.Random(i), 7 + i, []
        for k in range(60):
            more = draw.randrange(2, 90)
            verb, noun = (
                draw.choice(["add", "take", "move", "count", "join", "share"]),
                draw.choice(["apples", "boxes", "coins"]),
            )
            lines.append(f"Step {k + 1}: we {verb} {more} {noun} and so {total} + {more} = {total + more}.")
            total += more
        result.append(trace("\n".join(lines), question=f"How many in the end, from {7 + i}?", row=i))
    return result


def mean(readings: Sequence[object]) -> float:
    return float(np.mean([reading.value for reading in readings if isinstance(reading, Scored)]))


@cache
def encoder_tools() -> FakeTools:
    return FakeTools(load_encoder(OFFLINE_ENCODER))  # type: ignore[arg-type]


@cache
def responses(short: bool, damage: str) -> dict[str, list[float]]:
    """Mean of every metric of a family at each dose; short traces for alignment, long ones for redundancy."""
    traces, use = (solutions(), encoder_tools()) if short else (chains(), tools())
    family = alignment.FAMILY if short else redundancy.FAMILY
    means: dict[str, list[float]] = {}
    for dose in DOSES:
        damaged = [one.trace for one in plant(traces, damage, dose)]
        pool = family.pool(damaged, use) if family.pool else None
        for metric, readings in family.score(damaged, use, pool).items():
            means.setdefault(metric, []).append(mean(readings) if metric in TABLE else 0.0)
    return means


@pytest.mark.parametrize(("metric", "damage"), [(metric, damage) for metric, row in TABLE.items() for damage in row])
@pytest.mark.xdist_group("damage")
def test_cell(metric: str, damage: str) -> None:
    means = responses(metric == "alignment_margin", damage)[metric]
    tolerance, sign = TOLERANCE[metric], TABLE[metric][damage]
    moves = np.diff(means)
    if sign == "0":
        assert max(abs(value - means[0]) for value in means) < tolerance
    elif sign == "-0":
        assert (moves < 1e-3).all()
    else:
        assert (moves * (1 if sign == "+" else -1) > 0).all(), means
        if damage != "duplicate_step":  # one step of sixty: monotone, and as small as it should be
            assert abs(means[-1] - means[0]) > tolerance


def test_every_damage_has_its_row() -> None:
    assert all(set(row) == set(DAMAGES) for row in TABLE.values())


def test_broken_results_lower_arithmetic_monotonically() -> None:
    means = []
    for dose in DOSES:
        damaged = [one.trace for one in plant(solutions(), "break_result", dose)]
        means.append(mean(arithmetic.score(damaged, tools(), None)["arithmetic"]))
    assert means == sorted(means, reverse=True)
    assert means[0] > 0.98
    assert means[-1] < 0.8


def test_duplicated_steps_raise_the_loop_flag_monotonically() -> None:
    """The same step doubled five times over stands 32 times in its trace."""
    shares = []
    for dose in DOSES:
        damaged = [trace(one.reasoning[:400], row=one.row) for one in chains()]
        for _ in range(5):
            damaged = [one.trace for one in plant(damaged, "duplicate_step", dose)]
        shares.append(mean(flags.score(damaged, tools(), None)["flag_loop"]))
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] > shares[1] > 0
