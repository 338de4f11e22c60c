"""Known answers for the final-answer family, on real solutions and by hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from importlib.resources import files

import pytest

from hfscore.metrics import final_answer
from hfscore.records import Scored, Trace, Unscored
from hfscore.text.answers import Verifier
from tests.fakes import FakeTools, WordEmbedder, trace


class RealTools(FakeTools):
    def __init__(self, verifier: Verifier) -> None:
        super().__init__(WordEmbedder())
        self.real = verifier

    def verifier(self) -> Verifier:  # type: ignore[override]
        return self.real


@pytest.fixture(scope="module")
def real() -> Iterator[RealTools]:
    with Verifier(1) as verifier:
        yield RealTools(verifier)


def match(one: Trace, use: RealTools, metric: str = "final_answer") -> object:
    return final_answer.score([one], use, None)[metric][0]


@pytest.mark.parametrize(
    ("response", "reference", "expected"),
    [
        ("So there are 18.\n#### 18", "Janet sells 9 * 2.\n#### 18", 1.0),
        ("The answer is \\boxed{\\frac{1}{2}}.", "0.5", 1.0),
        ("Odpowiedź: 2,5 zł", "2.5", 1.0),
        ("Odpowiedź: 2,5 zł", "25", 0.0),
        ("The answer is (C).", "C", 1.0),
        ("The answer is (B).", "C", 0.0),
        ("1,000", "1000", 1.0),
        ("x = \\boxed{2\\sqrt{3}}", "\\sqrt{12}", 1.0),
    ],
)
def test_answers_by_hand(real: RealTools, response: str, reference: str, expected: float) -> None:
    assert match(trace("Some work.", response=response, reference=reference), real) == Scored(expected)


def test_what_cannot_be_compared_says_why(real: RealTools) -> None:
    essay = "Because the war had lasted long, and the king wanted peace with all of his neighbours in the north. " * 3
    assert match(trace("w", response="#### 4"), real) == Unscored("no reference answer")
    assert match(trace("w", response="#### 4", reference=essay), real) == final_answer.NOT_CHECKABLE
    assert match(trace("I do not know at all.", reference="4"), real) == Unscored("no final answer found")


def test_a_pair_that_never_ends_is_unscored_and_the_next_one_is_not(real: RealTools) -> None:
    bomb = trace("w", response="\\boxed{10^{10^{10^{10}}} + x}", reference="10^{10^{10^{9}}} + x")
    good = trace("w", response="\\boxed{4}", reference="4", row=1)
    readings = final_answer.score([bomb, good], real, None)["final_answer"]
    assert isinstance(readings[0], Unscored)
    assert readings[1] == Scored(1.0)


def test_a_trace_that_contradicts_its_record_is_found(real: RealTools) -> None:
    said = "First 2 + 2 = 4. The answer is 4."
    assert match(trace(said, response="\\boxed{4}"), real, "answer_consistency") == Scored(1.0)
    assert match(trace(said, response="\\boxed{5}"), real, "answer_consistency") == Scored(0.0)
    assert match(trace(said, response=said), real, "answer_consistency") == final_answer.NO_RESPONSE


def suspects(answers: list[str], reference: str) -> final_answer.Fact:
    state: dict[str, final_answer.Answers] = {}
    traces = [trace("w", response=f"#### {one}", reference=reference, row=7) for one in answers]
    final_answer.add(state, traces, {})
    return final_answer.finish(state)[0]


def test_a_reference_that_agreeing_generations_contradict_is_suspect() -> None:
    assert suspects(["5", "5.0", "5", "4"], "4").value == 1.0
    assert suspects(["5", "5.0", "5", "4"], "4").rows == (7,)
    assert suspects(["5", "6", "5", "4"], "4").value == 0.0
    assert suspects(["4", "4", "4"], "4").value == 0.0
    assert suspects(["5", "5"], "4").value is None


def test_swapped_traces_lower_final_answers_monotonically(real: RealTools) -> None:
    from hfscore.damage import DOSES, plant

    packed = files("hfscore.demo").joinpath("gsm8k.jsonl.gz").read_bytes()
    rows = [json.loads(line) for line in gzip.decompress(packed).decode().splitlines()]
    traces = [
        trace(row["175b_verification"], question=row["question"], reference=row["reference"], row=i)
        for i, row in enumerate(rows)
    ]
    means = []
    for dose in DOSES:
        damaged = [one.trace for one in plant(traces, "swap_traces", dose)]
        readings = final_answer.score(damaged, real, None)["final_answer"]
        means.append(sum(r.value for r in readings if isinstance(r, Scored)) / len(readings))
    assert means == sorted(means, reverse=True)
    assert means[0] > 0.5
    assert means[-1] < 0.1
