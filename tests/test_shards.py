"""Kept readings come back as they were, belong to their traces, and let a killed run go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfscore import engine, shards
from hfscore.errors import HfscoreError
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.report import Control
from hfscore.shards import Shards, Share, parse_share
from hfscore.spec import Fact, Family, Fold, Metric, Scores
from tests.fakes import tools, trace

LENGTH = Metric(
    id="letters",
    alias="L",
    title="Letters",
    formula="letters",
    reading="many or few",
    lowest=0.0,
    highest=None,
    direction="none",
    grade="-",
    evidence="None.",
)


@dataclass
class Costly:
    """A family that needs a tool, counts how often it is asked, and stops where it is told to."""

    asked: list[int] = field(default_factory=list)
    stop_at: int | None = None

    def score(self, traces: Sequence[Trace], tools: Any, pool: Any) -> Scores:
        if self.stop_at is not None and traces[0].row >= self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(traces[0].row // 8 * 8)  # the first row of the batch may be unreadable
        found: list[Reading] = [
            Unscored("odd") if one.row % 3 == 1 else Scored(len(one.reasoning), "marked" if one.row % 3 else None)
            for one in traces
        ]
        return {"letters": found}

    @property
    def family(self) -> Family:
        def add(state: list[float], traces: Sequence[Trace], scores: Scores) -> None:
            state.append(sum(one.value for one in scores["letters"] if isinstance(one, Scored)))

        fold = Fold(
            start=lambda tools: [], add=add, finish=lambda state: [Fact("sum", "Sum", sum(state), "", len(state), "")]
        )
        return Family("costly", "Costly", "ours", 1, (LENGTH,), self.score, needs=("embedder",), fold=fold)


def traces(count: int) -> list[Trace]:
    return [
        replace(trace("x" * (row % 7 + 1), row=row), problem="unreadable" if row % 5 == 4 else None)
        for row in range(count)
    ]


def table_of(one: Costly, kept: Shards | None, count: int = 40) -> engine.Table:
    return engine.score_part(traces(count), [one.family], tools(), {}, config="c", split="s", kept=kept)


def seen(table: engine.Table) -> tuple[Any, ...]:
    column = table.columns["letters"]
    reasons = [column.reason(position) for position in range(len(table))]
    return column.values.tolist(), reasons, column.marks, table.facts, table.problems


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BATCH_TRACES", 8)


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = table_of(Costly(), None)
    first = Costly(stop_at=20)
    with pytest.raises(KeyboardInterrupt):
        table_of(first, Shards(tmp_path, 0))
    assert first.asked == [0, 8, 16]
    second = Costly()
    assert seen(table_of(second, Shards(tmp_path, 0))) == seen(whole)
    assert second.asked == [24, 32]


def test_four_shares_make_one_run(tmp_path: Path) -> None:
    kept = Shards(tmp_path, 0)
    for index in (3, 1, 4, 2):
        one = Costly()
        engine.score_share(
            traces(40), [one.family], tools(), {}, kept=kept, share=Share(index, 4), done=lambda count: None
        )
        assert one.asked == [8 * batch for batch in range(5) if batch % 4 == index - 1]
    nobody = Costly(stop_at=0)
    merged = table_of(nobody, replace(kept, complete=True))
    assert seen(merged) == seen(table_of(Costly(), None))


def test_a_missing_share_is_named(tmp_path: Path) -> None:
    one = Costly()
    engine.score_share(
        traces(40), [one.family], tools(), {}, kept=Shards(tmp_path, 0), share=Share(1, 2), done=lambda count: None
    )
    with pytest.raises(HfscoreError, match="traces 8 to 15 of part 1 are missing"):
        table_of(Costly(), Shards(tmp_path, 0, complete=True))


def test_scores_never_land_on_other_traces(tmp_path: Path) -> None:
    kept = Shards(tmp_path, 0)
    batch = traces(3)
    kept.save(0, batch, {"letters": [Scored(1.0)] * 3})
    with pytest.raises(HfscoreError, match="other traces"):
        kept.load(0, [batch[0], replace(batch[1], reasoning="changed"), batch[2]])


@given(
    st.lists(
        st.builds(Scored, st.floats(allow_nan=False, allow_infinity=False), st.none() | st.text(max_size=5))
        | st.builds(Unscored, st.text(max_size=5)),
        min_size=1,
        max_size=6,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
def test_readings_come_back_as_they_were(tmp_path: Path, readings: list[Reading]) -> None:
    kept = Shards(tmp_path, 0)
    batch = traces(len(readings))
    kept.save(7, batch, {"letters": readings})
    assert kept.load(7, batch) == {"letters": readings}


def test_controls_of_a_part_come_back_for_the_same_traces_only(tmp_path: Path) -> None:
    kept, batch = Shards(tmp_path, 3), traces(3)
    one = Control("letters", "c", "s", "filler", 1.0, 2.0, 1.0, 0.1 + 0.2, 1.5, -1.0, -1.7, -0.5, 3, 3, 0, "-", "yes")
    assert kept.load_controls(batch) is None
    kept.save_controls(batch, [one])
    assert kept.load_controls(batch) == [one]
    assert Shards(tmp_path, 2).load_controls(batch) is None
    assert kept.load_controls([*batch[:2], replace(batch[2], reasoning="changed")]) is None
    assert not kept.starts()


def test_another_run_is_refused_and_the_difference_named(tmp_path: Path) -> None:
    shards.begin(tmp_path, {"settings": {"rows": 200, "seed": 0}, "data": None})
    shards.begin(tmp_path, {"settings": {"rows": 200, "seed": 0}, "data": None})
    with pytest.raises(HfscoreError, match=r"settings\.rows \(200 there, 500 here\)"):
        shards.begin(tmp_path, {"settings": {"rows": 500, "seed": 0}, "data": None})


@pytest.mark.parametrize("text", ["", "0/4", "5/4", "1", "a/b", "1/0", "1/4/2", "-1/4", "²/4"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(HfscoreError, match="no share"):
        parse_share(text)
