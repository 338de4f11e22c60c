from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hfscore import engine
from hfscore.catalog import families
from hfscore.records import Scored, Trace, Unscored
from hfscore.spec import Family, Metric
from tests.fakes import tools, trace


def toy(score: Any, **more: Any) -> Family:
    metric = Metric("toy", "T1", "Toy", "f", "r", 0.0, None, "none", "-", "none")
    return Family(id="toys", title="Toy", source="here", version=1, metrics=(metric,), score=score, **more)


def lengths(traces: Sequence[Trace], tools: Any, pool: Any) -> dict[str, list[Any]]:
    return {
        "toy": [
            Scored(len(t.reasoning), "short" if len(t.reasoning) < 3 else None) if t.reasoning else Unscored("empty")
            for t in traces
        ]
    }


def run(traces: Sequence[Trace], family: Family) -> engine.Table:
    pools = engine.build_pools([family], traces, tools())
    return engine.score_part(traces, [family], tools(), pools, config="c", split="s")


def test_no_trace_is_dropped_and_every_reason_is_counted() -> None:
    traces = [trace("a" * (i % 4), row=i, question=f"q{i}") for i in range(40)]
    traces += [trace("", row=40 + i, problem="row could not be read") for i in range(3)]
    (value,) = engine.summarise(run(traces, toy(lengths)), seed=0)
    assert value.scored == 30
    assert value.unscored == {"empty": 10, "row could not be read": 3}
    assert value.marked == {"short": 20}
    assert value.mean == 2.0


def test_by_groups_add_up() -> None:
    traces = [trace("ab" * i, row=i, question=f"q{i}", by={"source": "xy"[i % 2]}) for i in range(20)]
    values = engine.summarise(run(traces, toy(lengths)), seed=0)
    assert [value.by for value in values] == [None, ("source", "x"), ("source", "y")]
    assert values[0].scored == values[1].scored + values[2].scored


def test_a_family_that_drops_a_trace_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="toy gave 1 readings for 2 traces"):
        run([trace("a"), trace("b", row=1)], toy(lambda traces, tools, pool: {"toy": [Scored(1.0)]}))


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        Scored(float("nan"))


def test_the_pool_does_not_depend_on_order_or_on_questions_beyond_it() -> None:
    seen: list[list[str]] = []
    family = toy(lengths, pool=lambda traces, tools: seen.append([t.question or "" for t in traces]))
    many = [trace("a", row=i, question=f"q{i}") for i in range(1000)]
    engine.build_pools([family], many, tools())
    engine.build_pools([family], many[::-1], tools())
    assert seen[0] == seen[1]
    assert len(seen[0]) == engine.POOL_QUESTIONS


def test_batch_size_changes_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    traces = [trace(f"step {i} of the work " * (i + 1), row=i, question=f"what is step {i}") for i in range(30)]
    results = []
    for size in (1, 7, 256):
        monkeypatch.setattr(engine, "BATCH_TRACES", size)
        pools = engine.build_pools(families(), traces, tools())
        table = engine.score_part(traces, families(), tools(), pools, config="c", split="s")
        results.append(engine.summarise(table, seed=0))
    assert results[0] == results[1] == results[2]
