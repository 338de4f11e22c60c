"""Known answers for coverage: forks by hand, and with the real offline encoder."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfscore import api, engine
from hfscore.backends.embedder import OFFLINE_ENCODER, load_encoder
from hfscore.metrics import coverage, structure
from hfscore.records import Trace
from hfscore.settings import Settings
from hfscore.spec import Fact
from tests.fakes import FakeTools, tools, trace

OPEN, ADD, DRAW, LIST = (
    "We read the problem first.",
    "Let us add both numbers together.",
    "A picture of the triangle helps here.",
    "Every divisor below ten is listed.",
)


def of(traces: list[Trace], batch: int = 3, use: FakeTools | None = None) -> dict[str, Fact]:
    state = coverage.start(use or tools())
    for start in range(0, len(traces), batch):
        coverage.add(state, traces[start : start + batch], {})
    return {fact.id: fact for fact in coverage.finish(state)}


def asked(*texts: str, question: str = "q") -> list[Trace]:
    return [trace(text, question=question, row=row) for row, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "ways", "shared"),
    [
        ((f"{OPEN} {ADD}", f"{OPEN} {ADD}", f"{OPEN} {DRAW}"), 2 / 3, 1),
        ((f"{OPEN} {ADD}", f"{OPEN} {LIST}", f"{OPEN} {DRAW}"), 3 / 3, 1),
        ((ADD, DRAW), 2 / 2, 0),
        ((f"{OPEN} {ADD}",) * 4, 1 / 4, 2),  # they never part
        ((OPEN, f"{OPEN} {ADD}", f"{OPEN} {ADD}"), 2 / 3, 1),  # one ends where the others go on
        ((f"{ADD} {OPEN}", f"Us let add  both numbers together. {OPEN}"), 1 / 2, 2),  # like steps are shared, too
    ],
)
def test_ways_by_hand(texts: tuple[str, ...], ways: float, shared: float) -> None:
    facts = of(asked(*texts))
    assert facts["coverage"].value == pytest.approx(ways)
    assert facts["coverage"].of == 1
    assert facts["coverage_shared_steps"].value == shared


def test_the_mean_is_over_questions() -> None:
    facts = of([*asked(ADD, DRAW, LIST), *asked(ADD, ADD, question="other")])
    assert facts["coverage"].value == pytest.approx((1 + 1 / 2) / 2)
    assert facts["coverage"].of == 2
    assert "2.5 on average" in facts["coverage"].note


def test_one_trace_per_question_is_not_measurable() -> None:
    use = tools()
    facts = of([*asked(ADD), *asked(ADD, question="other")], use=use)
    assert [(fact.value, fact.of) for fact in facts.values()] == [(None, 2)]
    assert facts["coverage"].note == "Not measurable: every question has one trace."
    assert use.encoder.calls == 0, "nothing to embed"


def test_traces_without_text_are_none() -> None:
    assert of(asked(ADD, " "))["coverage"].value is None
    assert of(asked(" ")) == {}
    assert of([]) == {}


def test_traces_beyond_the_eighth_are_not_looked_at() -> None:
    facts = of(asked(*[ADD] * coverage.TRACES, DRAW, LIST))
    assert facts["coverage"].value == 1 / coverage.TRACES


def test_order_and_batches_do_not_change_the_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "QUESTIONS", 10)
    monkeypatch.setattr(coverage, "HELD", 40)
    texts = (ADD, DRAW, LIST)
    pairs = [asked(*texts[: 1 + n % 3], question=f"q{n}") for n in range(300)]
    ordered = [one for pair in pairs for one in pair]
    expected = of(ordered)
    assert expected["coverage"].of == 10
    assert "random draw" in expected["coverage"].note
    for seed in range(3):
        random.Random(seed).shuffle(pairs)
        assert of([one for pair in pairs for one in pair], batch=17) == expected
    state = coverage.start(tools())
    for one in ordered:
        coverage.add(state, [one], {})
        assert len(state.steps) == len(state.order) <= 40
    assert sorted(state.steps) == state.order


def test_a_draw_without_forks_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "HELD", 40)
    facts = of([asked(ADD, question=f"q{n}")[0] for n in range(100)])
    assert facts["coverage"].of == 40
    assert "A random draw of 40 questions was looked at" in facts["coverage"].note


def test_clusters_join_through_others() -> None:
    angles = np.radians([0, 25, 50, 120])  # cos 25° = 0.906, cos 50° = 0.643
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert coverage.clusters(vectors) == 2
    assert coverage.clusters(vectors[[0, 2, 3]]) == 3


@given(
    st.lists(st.lists(st.sampled_from([OPEN, ADD, DRAW, "🤖", "\n\n", "<b>", "1 + 1 = 2."]), max_size=6), max_size=9)
)
def test_ways_lie_between_one_and_the_number_of_traces(drawn: list[list[str]]) -> None:
    facts = of(asked(*(" ".join(steps) for steps in drawn)))
    if facts and facts["coverage"].value is not None:
        assert 1 / coverage.TRACES <= facts["coverage"].value <= 1
        assert 0 <= facts["coverage_shared_steps"].value <= coverage.STEPS  # type: ignore[operator]


def test_real_encoder_tells_a_rewording_from_another_way() -> None:
    use = FakeTools(load_encoder(OFFLINE_ENCODER))  # type: ignore[arg-type]
    start = "A baker sells 12 rolls at 2 dollars each."
    same = ("So he earns 12 * 2 = 24 dollars in total.", "So he earns a total of 12 * 2 = 24 dollars.")
    other = "First find the cost of the flour."
    assert of(asked(f"{start} {same[0]}", f"{start} {same[1]}"), use=use)["coverage"].value == 1 / 2
    facts = of(asked(f"{start} {same[0]}", f"{start} {same[1]}", f"{start} {other}"), use=use)
    assert facts["coverage"].value == pytest.approx(2 / 3)
    assert facts["coverage_shared_steps"].value == 1
    assert OFFLINE_ENCODER in facts["coverage"].note


def test_without_an_encoder_it_is_not_measured() -> None:
    runs, skipped = engine.check_needs([coverage.FAMILY, structure.FAMILY], {"embedder": "No encoder."})
    assert runs == [structure.FAMILY]
    assert [one.what for one in skipped] == ["Coverage"]


def test_a_run_over_rows_with_several_traces() -> None:
    rows = [{"question": f"What is {n}?", "reasoning": text} for n in range(6) for text in (ADD, DRAW)]
    report = api.score(rows, Settings(metric=("coverage",), encoder=OFFLINE_ENCODER), name="forks")
    found = {one.fact.id: one.fact for one in report.facts}
    assert (found["coverage"].value, found["coverage"].of) == (1.0, 6)
    assert report.families["coverage"]["encoder"] == OFFLINE_ENCODER
