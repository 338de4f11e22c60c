"""Known answers of what is read off language models, under models whose probabilities are worked out by hand."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hfscore.tokens
from hfscore import catalog, engine, stats
from hfscore.damage import DOSES, plant
from hfscore.metrics import (
    answer_gain,
    contrast,
    decision_tokens,
    forking,
    perplexity,
    step_gain,
    student_context,
    student_fit,
)
from hfscore.ports import TokenScores, TraceScores
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.spec import Fact, Family
from hfscore.text.steps import split_steps
from hfscore.tokens import onsets
from tests.fake_lm import FakeLM, FakeLMTools, copying, counting, uniform
from tests.fakes import trace
from tests.test_known_damage import solutions

V = 1000
FAMILIES = (perplexity, forking, answer_gain, step_gain, contrast, student_fit, student_context, decision_tokens)
OF_STUDENTS = (student_fit, student_context, decision_tokens)


def measured(family: Family, traces: Sequence[Trace], model: FakeLM, **more: Any) -> dict[str, list[Reading]]:
    tools: Any = FakeLMTools(model, more.get("students", [copy(model)]))
    pool = family.pool(traces, tools) if family.pool else None
    scores = family.score(traces, tools, pool)
    assert scores.keys() == {metric.id for metric in family.metrics}
    return {key: list(readings) for key, readings in scores.items()}


def value(reading: Reading) -> float:
    assert isinstance(reading, Scored), reading
    return reading.value


def tokens(
    nll: Sequence[float],
    *,
    ranks: Sequence[int] = (),
    entropy: Sequence[float] = (),
    starts: Sequence[int] = (),
    windowed: bool = False,
) -> TokenScores:
    size = len(nll)
    return TokenScores(
        np.array(nll, dtype=np.float32),
        np.array(entropy or [0.0] * size, dtype=np.float32),
        np.array(ranks or [1] * size, dtype=np.int32),
        np.array(starts or range(size), dtype=np.int32),
        10,
        windowed,
    )


def only(scores: TokenScores) -> TraceScores:
    return TraceScores(scores, None, None)


def row(measure: Callable[..., Any], scores: TokenScores, text: str = "some words") -> dict[str, Reading]:
    found = measure(trace(text), only(scores))
    assert not isinstance(found, Unscored)
    return dict(found)


# Perplexity ---------------------------------------------------------------------------------------


def test_a_uniform_model_has_perplexity_v_and_entropy_ln_v() -> None:
    one = trace("a b c. D e f.", response="g h")
    found = measured(perplexity.FAMILY, [one], FakeLM(uniform, V))
    assert value(found["perplexity"][0]) == pytest.approx(V, rel=1e-5)
    assert value(found["surprisal"][0]) == pytest.approx(math.log(V))
    assert value(found["clipped_rank"][0]) == 1
    entropies = measured(forking.FAMILY, [one], FakeLM(uniform, V))
    for name in ("entropy", "entropy_p50", "entropy_p80", "entropy_p95"):
        assert value(entropies[name][0]) == pytest.approx(math.log(V))
    assert value(entropies["fork_rate"][0]) == 1
    assert value(entropies["decided_share"][0]) == 0


def test_a_certain_model_has_perplexity_one_and_no_fork() -> None:
    found = row(perplexity.measure, tokens([0.0] * 4))
    assert [value(found[name]) for name in ("perplexity", "surprisal", "bits_per_byte")] == [1, 0, 0]
    found = row(forking.measure, tokens([0.0] * 4))
    assert value(found["fork_rate"]) == 0
    assert value(found["decided_share"]) == 1
    assert found["fork_surprisal"] == found["early_forks"] == Unscored("no fork")


def test_perplexity_reads_reasoning_and_response_by_the_token() -> None:
    scores = TraceScores(tokens([1.0, 2.0, 3.0]), tokens([6.0]), None)
    found = perplexity.measure(trace("a b c", response="d"), scores)
    assert not isinstance(found, Unscored)
    assert value(found["perplexity"]) == pytest.approx(math.exp(12 / 4))
    assert value(found["bits_per_byte"]) == pytest.approx(12 / math.log(2) / 20)
    scores = TraceScores(tokens([1.0]), tokens([6.0], windowed=True), None)
    found = perplexity.measure(trace("a", response="d"), scores)
    assert not isinstance(found, Unscored)
    assert found["surprisal"] == Scored(3.5, "longer than the model's window")


def test_bits_per_byte_do_not_depend_on_how_a_text_is_cut() -> None:
    """One model over bytes, two tokenizers: the surprisals of a token's bytes add up."""
    by_byte = [0.5, 1.5, 2.0, 0.25, 3.0, 0.75, 1.0, 1.0, 0.0, 2.0]
    by_pair = [sum(by_byte[start : start + 2]) for start in range(0, 10, 2)]
    fine, coarse = (row(perplexity.measure, tokens(nll)) for nll in (by_byte, by_pair))
    assert value(fine["bits_per_byte"]) == pytest.approx(value(coarse["bits_per_byte"]))
    assert value(fine["perplexity"]) < value(coarse["perplexity"])


# Forks --------------------------------------------------------------------------------------------


def test_fork_rate_at_the_ends() -> None:
    entropy = np.array([0.0, 0.5, 0.7, 3.0], dtype=np.float32)
    assert forking.fork_rate(entropy, math.inf) == 0
    assert forking.fork_rate(entropy, -1) == 1
    assert forking.fork_rate(entropy) == 0.5


def test_the_share_of_forks_follows_the_text_and_no_quantile_of_it() -> None:
    """A quantile of the text itself would give one share whatever the scale of its entropies."""
    entropy = np.linspace(0.1, 1.0, 100)
    low, high = (row(forking.measure, tokens([1.0] * 100, entropy=list(entropy * by))) for by in (0.5, 10))
    assert value(low["fork_rate"]) == 0
    assert value(high["fork_rate"]) == pytest.approx(np.mean(entropy * 10 > 0.672))
    assert "672" in forking.settings(FakeLMTools())["fork"]  # type: ignore[arg-type]
    assert "quantile" not in forking.fork_rate.__code__.co_varnames


def test_early_forks_and_their_surprisal_by_hand() -> None:
    entropy = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]  # two of ten are early; one of them is a fork
    found = row(forking.measure, tokens([float(k) for k in range(10)], entropy=entropy))
    assert value(found["early_forks"]) == 1 / 4
    assert value(found["fork_surprisal"]) == (0 + 2 + 6 + 9) / 4


def test_entropy_at_the_onset_of_steps_by_hand() -> None:
    text = "We add two. So it is four."
    starts = [match for match, _ in enumerate(text) if match in (0, 2, 6, 11, 14, 17, 20)]  # " So" begins before "So"
    assert [step.text for step in split_steps(text)] == ["We add two. ", "So it is four."]
    scores = tokens([1.0] * 7, entropy=[3.0, 1.0, 1.0, 5.0, 1.0, 1.0, 1.0], starts=starts)
    assert list(onsets(scores, text)) == [True, False, False, True, False, False, False]
    assert value(row(forking.measure, scores, text)["step_onset_entropy"]) == 4.0 - 1.0
    assert row(forking.measure, scores, "One step alone")["step_onset_entropy"] == Unscored("fewer than two steps")
    both = tokens([1.0] * 2, starts=[0, 12])
    assert row(forking.measure, both, text)["step_onset_entropy"] == Unscored("every token begins a step")


def test_tokens_that_share_a_character_begin_a_step_once() -> None:
    text = "Yes.\n🤖 agrees now."
    scores = tokens([1.0] * 7, starts=[0, 3, 5, 5, 5, 6, 13])
    assert list(onsets(scores, text)) == [True, False, True, False, False, False, False]


# Answer gain --------------------------------------------------------------------------------------

SUM = "What is two plus two?"


def test_a_trace_that_states_the_answer_gains_about_what_the_answer_lacked() -> None:
    """Under a copying model p(a*) is 1/V/(n+1) where it never occurred, and 1/(n+1) where it did once."""
    one = trace("So we get four.", question=SUM, reference="four")
    found = measured(answer_gain.FAMILY, [one], FakeLM(copying, V))
    said = len(f"{SUM} So we get four. The answer is:".split())
    asked = len(f"{SUM} The answer is:".split())
    after = math.log((said + 1) / 1)
    unseen = (1 - asked / (asked + 1)) / (V - len({*SUM.split(), "The", "answer", "is:"} - {"is"}))
    assert value(found["answer_gain"][0]) == pytest.approx(-math.log(unseen) - after, rel=1e-3)
    assert value(found["answer_known"][0]) == 0


def test_blanking_the_answer_out_takes_the_copying_away() -> None:
    copied = trace("So we get four.", question=SUM, reference="four")
    silent = trace("So we add both.", question=SUM, reference="four", row=1)
    model = FakeLM(copying, V)
    found = measured(answer_gain.FAMILY, [copied, silent], model)
    gain, blanked = found["answer_gain"], found["answer_gain_masked"]
    assert value(gain[0]) > 4
    assert abs(value(blanked[0])) < 1
    assert value(blanked[1]) == value(gain[1])
    assert model.passes == 2 + 2 + 1, "a trace without the answer needs no pass of its own"


@pytest.mark.parametrize(
    ("text", "answer", "expected"),
    [
        ("It is 12, not 2.", "2", "It is 12, not ___."),
        ("2.5 and 2,000 and 0.2 and 2", "2", "2.5 and 2,000 and 0.2 and ___"),
        ("x = $72; 72%", "72", "x = $___; ___%"),
        ("so (B). But B2 stays", "B", "so (___). But B2 stays"),
        (r"\frac{1}{2} is \frac{1}{2}", r"\frac{1}{2}", "___ is ___"),
        ("Two is two", "two", "Two is ___"),
        ("four\nfours", "four", "___\nfours"),
    ],
)
def test_what_is_blanked_out(text: str, answer: str, expected: str) -> None:
    assert answer_gain.masked(text, answer) == expected


@given(st.text(max_size=60), st.text(min_size=1, max_size=4).map(str.strip).filter(bool))
def test_blanking_any_text_loses_nothing_else(text: str, answer: str) -> None:
    pieces = answer_gain.masked(text, answer)
    if answer_gain.BLANK not in text and answer not in answer_gain.BLANK:
        assert pieces.replace(answer_gain.BLANK, answer) == text


def test_a_probable_answer_is_known_before_the_trace() -> None:
    found = measured(answer_gain.FAMILY, [trace("1 2 3.", question="1", reference="4")], FakeLM(counting, V))
    assert value(found["answer_known"][0]) == 0
    sure = FakeLM(lambda words: {"four": 0.6}, V)
    found = measured(answer_gain.FAMILY, [trace("Hm.", question=SUM, reference="four")], sure)
    assert value(found["answer_known"][0]) == 1
    assert value(found["answer_gain"][0]) == 0


def test_an_answer_of_its_own_record_is_marked_and_missing_ones_have_their_reasons() -> None:
    traces = [
        trace("So four.", question=SUM, reference="four", own_reference=True),
        trace("So four.", question=SUM, row=1),
        trace("So four.", question=None, reference="four", row=2),
        trace(" ", question=SUM, reference="four", row=3),
    ]
    for family in (answer_gain.FAMILY, step_gain.FAMILY):
        for readings in measured(family, traces, FakeLM(copying, V)).values():
            assert readings[1:] == [Unscored(why) for why in ("no reference answer", "no question", "empty trace")]
            assert isinstance(readings[0], Unscored) or readings[0].mark == answer_gain.OWN


# Gains of steps -----------------------------------------------------------------------------------

LONG = "We have two apples.\nWe have two pears.\nSo we get four.\nThat is four fruits.\nWe are done."


def test_gains_of_steps_add_up_to_the_gain_and_infogain_needs_two_passes() -> None:
    one = trace(LONG, question=SUM, reference="four fruits")
    model = FakeLM(copying, V)
    steps = split_steps(LONG)
    log_p = step_gain.log_probabilities(model.passages(step_gain.passages(one)))
    assert not isinstance(log_p, Unscored)
    assert model.passes == len(steps) + 1
    found = measured(answer_gain.FAMILY, [one], model)
    assert np.diff(log_p).sum() == pytest.approx(value(found["answer_gain"][0]), abs=1e-6)
    perplexities = np.exp(-log_p)
    published = -np.diff(perplexities).mean()
    assert value(found["infogain"][0]) == pytest.approx(published, rel=1e-6)
    assert answer_gain.infogain(2.0, 2.0, 7) == 0


def test_where_the_answer_is_settled_by_hand() -> None:
    log_p = np.log([0.01, 0.02, 0.95, 0.5, 0.99])
    assert step_gain.settled_step(log_p) == 2
    assert step_gain.settled_step(log_p[:2]) == Unscored("the answer is never settled")
    assert step_gain.settled_step(log_p[2:]) == Unscored("the answer is settled before the first step")


def test_the_tail_is_what_follows_the_settling_step() -> None:
    """The model is sure of the answer once it has read "four."."""
    sure = FakeLM(lambda words: {"four": 0.95} if "four." in words else {}, V)
    one = trace(LONG, question=SUM, reference="four")
    found = measured(step_gain.FAMILY, [one], sure)
    assert value(found["settled_step"][0]) == 3
    assert value(found["tail_share"][0]) == pytest.approx((4 + 3) / 19)
    assert value(found["step_gain_positive"][0]) == 1 / 5
    assert value(found["step_gain_gini"][0]) == pytest.approx(1 - 1 / 5)


def test_gains_and_losses_by_hand() -> None:
    """Gains 1, −2, 3 nats: two of three steps gain, and the Gini coefficient is that of 1, 0, 3."""
    read = [(tokens([one, one + 2]),) for one in (3.0, 2.0, 4.0, 1.0)]
    found = step_gain.measure(trace("One. Two. Three."), tokens([1.0] * 3), read)
    assert not isinstance(found, Unscored)
    assert value(found["step_gain_positive"]) == pytest.approx(2 / 3)
    assert value(found["step_gain_gini"]) == pytest.approx(2 * (1 * 0 + 2 * 1 + 3 * 3) / (3 * 4) - 4 / 3)
    falling = step_gain.measure(trace("One. Two. Three."), tokens([1.0] * 3), [(tokens([n]),) for n in (1.0, 2.0, 3.0)])
    assert not isinstance(falling, Unscored)
    assert falling["step_gain_gini"] == Unscored("no step makes the answer more probable")


def test_gini_by_hand() -> None:
    assert step_gain.gini(np.array([1.0, 1.0, 1.0])) == pytest.approx(0)
    assert step_gain.gini(np.array([0.0, 0.0, 0.0, 2.0])) == pytest.approx(3 / 4)
    assert step_gain.gini(np.array([3.0, 1.0])) == pytest.approx(1 / 4)


def test_a_trace_of_very_many_steps_is_refused_in_words() -> None:
    one = trace("Go on.\n" * (step_gain.MOST_STEPS + 1), question=SUM, reference="four")
    model = FakeLM(copying, V)
    assert measured(step_gain.FAMILY, [one], model)["tail_share"] == [Unscored("more than 400 steps")]
    assert model.passes == 1


# Order and specificity ----------------------------------------------------------------------------

NUMBERS = "\n".join(f"{n} {n + 1} {n + 2}." for n in range(1, 31, 3))


def test_shuffled_steps_cost_a_model_that_counts() -> None:
    """In order every number follows; shuffled, most of the nine joints between steps break, and nothing else does."""
    traces = [trace(NUMBERS, question="0", row=row) for row in range(3)]
    found = measured(contrast.FAMILY, traces, FakeLM(counting, V))["order_sensitivity"]
    broken = -math.log(0.1 / (V - 2)) + math.log(0.6)  # a joint costs this much more when it breaks
    for reading in found:
        if isinstance(reading, Scored):
            assert 5 * broken / 30 < reading.value < 10.5 * broken / 30
    assert sum(isinstance(reading, Scored) for reading in found) == 1, "one trace of a question is drawn"
    assert found[1] == Unscored("not in the draw of 64 traces")


def test_a_trace_that_was_shuffled_before_is_less_sensitive() -> None:
    ordered = [trace(NUMBERS, question=f"0 {row}", row=row) for row in range(8)]
    rng = random.Random(1)
    jumbled = []
    for one in ordered:
        lines = NUMBERS.split("\n")
        rng.shuffle(lines)
        jumbled.append(replace(one, reasoning="\n".join(lines)))
    means = [
        np.mean(
            [value(reading) for reading in measured(contrast.FAMILY, some, FakeLM(counting, V))["order_sensitivity"]]
        )
        for some in (ordered, jumbled)
    ]
    assert means[0] > means[1] + 1


def test_the_orders_hang_on_the_id_of_a_trace_alone() -> None:
    one, other = trace(NUMBERS, question="0"), trace(NUMBERS, question="0", row=1)
    first = contrast.shuffles(one)
    assert not isinstance(first, Unscored)
    assert first == contrast.shuffles(replace(one, question="else")) != contrast.shuffles(other)
    assert len(set(first)) == contrast.SHUFFLES
    assert all(sorted(order.split()) == sorted(NUMBERS.split()) for order in first)


def test_few_steps_have_no_order_to_lose() -> None:
    found = measured(contrast.FAMILY, [trace("One. Two. Three.", question="q")], FakeLM(copying, V))
    assert found["order_sensitivity"] == [Unscored("fewer than 4 steps")]
    assert found["trace_specificity"] == [Unscored("no other question to compare with")]
    alike = [trace("Go.\nGo.\nGo.\nGo.\n", question="q")]
    assert measured(contrast.FAMILY, alike, FakeLM())["order_sensitivity"] == [Unscored("all steps are the same")]


def test_a_trace_on_its_own_question_is_specific_and_a_swapped_one_is_not() -> None:
    topics = [("bees honey hive", "bees make honey in a hive"), ("sky blue light", "blue light fills the sky")]
    topics += [("bread oven dough", "dough is bread from an oven"), ("tree leaf fall", "a leaf of the tree will fall")]
    own = [trace(text, question=asked, row=row) for row, (asked, text) in enumerate(topics)]
    swapped = [replace(one, reasoning=topics[row - 1][1]) for row, one in enumerate(own)]
    good, bad = (measured(contrast.FAMILY, some, FakeLM(copying, V))["trace_specificity"] for some in (own, swapped))
    assert min(map(value, good)) > 1
    assert np.mean([value(reading) for reading in bad]) < 0
    assert measured(contrast.FAMILY, [*own, trace("x", question=None, row=9)], FakeLM(copying))["trace_specificity"][
        4
    ] == Unscored("no question")


def test_the_draw_is_bounded_and_does_not_depend_on_order() -> None:
    traces = [trace("Some words.", question=f"q{row % 300}", row=row) for row in range(600)]
    drawn = contrast.pool(traces, FakeLMTools())  # type: ignore[arg-type]
    assert len(drawn) == contrast.DRAWN
    few = traces[:50] + traces[300:350]
    assert contrast.pool(few, FakeLMTools()) == contrast.pool(few[::-1], FakeLMTools())  # type: ignore[arg-type]
    assert all(other not in (None, f"q{row}") for row, other in enumerate(drawn.values()))


# Calls of the model -------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [step_gain, contrast, student_context])
def test_how_many_traces_share_a_call_changes_no_number(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found, calls = [], []
    for bulk in (1, 400, 4_000_000):
        monkeypatch.setattr(hfscore.tokens, "BULK", bulk)
        model = FakeLM(copying, V)
        times: list[int] = []
        monkeypatch.setattr(model, "passages", lambda asked, m=model, n=times: n.append(1) or FakeLM.passages(m, asked))
        found.append(measured(module.FAMILY, AWKWARD, model))
        calls.append(len(times))
    assert found[0] == found[1] == found[2]
    assert calls[0] > calls[1] > calls[2] == 1


def test_the_identities_hold_under_a_real_model(tmp_path: Path) -> None:
    from hfscore.lm import load
    from tests.tiny_models import CHAT, tiny_model

    one = trace(LONG, question=SUM, reference="four fruits")
    for name, template in (("plain", None), ("chat", CHAT)):
        model: Any = load(str(tiny_model(tmp_path / name, "qwen3", chat_template=template)))
        log_p = step_gain.log_probabilities(model.passages(step_gain.passages(one)))
        assert not isinstance(log_p, Unscored)
        found = measured(answer_gain.FAMILY, [one], model)
        assert np.diff(log_p).sum() == pytest.approx(value(found["answer_gain"][0]), abs=1e-5)
        assert value(found["infogain"][0]) == pytest.approx(-np.diff(np.exp(-log_p)).mean(), rel=1e-4)
        scores = model.traces([one])[0]
        begun = {
            LONG[scores.reasoning.starts[place] :].lstrip()[:2]
            for place in np.flatnonzero(onsets(scores.reasoning, LONG))
        }
        assert begun == {"We", "So", "Th"}
        fit = measured(student_fit.FAMILY, [one], model)
        assert value(fit["rsr"][0]) == pytest.approx(value(fit["student_rank"][0]) / value(fit["student_surprisal"][0]))
        for family in FAMILIES:
            numbers = measured(family.FAMILY, [one], model).values()
            assert any(isinstance(reading, Scored) for readings in numbers for reading in readings), family


# The student --------------------------------------------------------------------------------------


def test_rank_surprisal_ratio_by_hand() -> None:
    found = row(student_fit.measure, tokens([0.5, 1.5, 4.0], ranks=[1, 2, 300]))
    assert value(found["rsr"]) == pytest.approx((1 + 2 + 100) / 6, abs=1e-6)
    assert value(found["rsr"]) == pytest.approx(17.167, abs=1e-3)
    assert value(found["student_rank"]) == pytest.approx(103 / 3)


def test_ranks_of_one_give_the_inverse_of_the_mean_surprisal_and_no_surprisal_no_ratio() -> None:
    found = row(student_fit.measure, tokens([0.5, 1.5, 4.0]))
    assert value(found["rsr"]) == pytest.approx(1 / 2)
    found = row(student_fit.measure, tokens([0.0, 0.0]))
    assert found["rsr"] == Unscored("undefined: no surprisal")
    assert value(found["student_surprisal"]) == 0


def facts(family: Family, batches: Sequence[Sequence[Trace]], scores: Sequence[dict[str, list[Reading]]]) -> list[Fact]:
    assert family.fold is not None
    state = family.fold.start(FakeLMTools())  # type: ignore[arg-type]
    for batch, found in zip(batches, scores, strict=True):
        family.fold.add(state, batch, found)
    return list(family.fold.finish(state))


def test_the_ratio_of_a_set_is_a_ratio_of_means() -> None:
    traces = [trace("a", question="p"), trace("b", question="q", row=1), trace("c", question="r", row=2)]
    scores: dict[str, list[Reading]] = {
        "student_rank": [Scored(2.0), Scored(30.0), Unscored("empty trace")],
        "student_surprisal": [Scored(4.0), Scored(1.0), Unscored("empty trace")],
    }
    (fact,) = facts(student_fit.FAMILY, [traces], [scores])
    assert fact.value == pytest.approx((2 + 30) / (4 + 1))
    assert fact.value != pytest.approx((2 / 4 + 30 / 1) / 2)
    assert (fact.of, fact.low, fact.high) == (2, None, None)


def test_the_ratio_of_a_set_does_not_depend_on_batches_and_lies_in_its_interval() -> None:
    rng = np.random.default_rng(0)
    traces = [trace("a", question=f"q{row // 2}", row=row) for row in range(60)]
    numbers = [(Scored(float(r)), Scored(float(s))) for r, s in rng.uniform(1, 5, (60, 2))]
    whole = {"student_rank": [r for r, _ in numbers], "student_surprisal": [s for _, s in numbers]}
    (one,) = facts(student_fit.FAMILY, [traces], [whole])  # type: ignore[list-item]
    halves = [{key: found[a:b] for key, found in whole.items()} for a, b in ((0, 23), (23, 60))]
    assert facts(student_fit.FAMILY, [traces[:23], traces[23:]], halves) == [one]  # type: ignore[arg-type]
    assert one.low is not None
    assert one.high is not None
    assert one.low < (one.value or 0) < one.high


def test_nothing_read_is_no_number() -> None:
    (fact,) = facts(student_fit.FAMILY, [], [])
    assert (fact.value, fact.of) == (None, 0)
    zeros: dict[str, list[Reading]] = {"student_rank": [Scored(1.0)], "student_surprisal": [Scored(0.0)]}
    (fact,) = facts(student_fit.FAMILY, [[trace("a")]], [zeros])
    assert (fact.value, fact.note) == (None, "Undefined: no surprisal.")


@given(st.permutations(list(range(24))))
def test_a_ratio_of_means_does_not_depend_on_order(order: list[int]) -> None:
    over, under = np.cos(np.arange(24.0)) + 2, np.sin(np.arange(24.0)) + 2
    questions = np.array([f"q{i % 7}" for i in range(24)])
    expected = stats.ratio_of_means(over, under, questions, seed=1, resamples=50)
    again = stats.ratio_of_means(over[order], under[order], questions[order], seed=1, resamples=50)
    assert again == expected


def test_the_interval_of_a_ratio_covers_it_at_its_nominal_rate_and_agrees_with_that_of_a_mean() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for trial in range(200):
        under = rng.uniform(1, 3, 60)
        over = 1.5 * under + rng.normal(0, 0.4, 60)
        found = stats.ratio_of_means(over, under, np.arange(60), seed=trial, resamples=400)
        assert found is not None
        assert found[1] is not None
        hits += found[1][0] <= 1.5 <= found[1][1]
    assert 0.89 <= hits / 200 <= 0.99
    mean, interval = stats.ratio_of_means(over, np.ones(60), np.arange(60), seed=5) or (0.0, None)
    assert mean == pytest.approx(over.mean())
    assert interval == pytest.approx(stats.mean_interval(over, np.arange(60), seed=5))
    mean, interval = stats.ratio_of_means(3 * under, under, np.arange(60), seed=0) or (0.0, None)
    assert (mean, *(interval or ())) == pytest.approx((3, 3, 3))


def test_denominators_of_nothing_give_no_interval() -> None:
    under = np.array([1.0, 2.0, 3.0, 4.0, *[0.0] * 40])
    assert stats.ratio_of_means(np.ones(44), under, np.arange(44), seed=0) == (4.4, None)
    assert stats.ratio_of_means(np.ones(5), np.zeros(5), np.arange(5), seed=0) is None


def test_surprisal_without_the_first_token_of_steps_by_hand() -> None:
    text = "We add. So it is."
    scores = tokens([9.0, 1.0, 7.0, 2.0, 3.0], starts=[0, 2, 7, 10, 13])
    found = row(student_fit.measure, scores, text)
    assert value(found["student_surprisal"]) == pytest.approx(22 / 5)
    assert value(found["student_drop"]) == pytest.approx((1 + 2 + 3) / 3)
    both = student_fit.measure(
        trace(text, response="It is."), TraceScores(scores, tokens([8.0, 4.0], starts=[0, 2]), None)
    )
    assert not isinstance(both, Unscored)
    assert value(both["student_drop"]) == pytest.approx((1 + 2 + 3 + 4) / 4)
    blank = student_fit.measure(trace(text, response=" "), TraceScores(scores, tokens([]), None))
    assert not isinstance(blank, Unscored)
    assert value(blank["student_drop"]) == pytest.approx((1 + 2 + 3) / 3)


def test_early_loss_reads_a_hundred_tokens() -> None:
    found = row(student_fit.measure, tokens([1.0] * 100 + [9.0] * 50))
    assert found["student_early_loss"] == Scored(1.0)
    found = row(student_fit.measure, tokens([1.0, 3.0]))
    assert found["student_early_loss"] == Scored(2.0, "shorter than 100 tokens")


def test_ifd_is_below_one_where_the_question_helps_and_one_where_it_does_not() -> None:
    helped = trace("bees make honey", question="how do bees make honey")
    found = measured(student_context.FAMILY, [helped], FakeLM(copying, V))
    assert value(found["ifd"][0]) < 0.5
    assert value(found["ifd"][0]) == value(found["ifd_512"][0])
    found = measured(student_context.FAMILY, [helped], FakeLM(uniform, V))
    assert value(found["ifd"][0]) == pytest.approx(1)
    assert measured(student_context.FAMILY, [trace("a", question=None)], FakeLM())["ifd"] == [Unscored("no question")]
    first, second = tokens([1.0] * 512 + [5.0] * 512), tokens([2.0] * 512 + [5.0] * 512)
    assert student_context.ifd(first, second) == pytest.approx(math.exp(-0.5))
    assert student_context.ifd(first, second, 512) == pytest.approx(math.exp(-1))


def test_local_surprisal_sees_the_last_steps_only() -> None:
    steps = ["Alpha.", "Beta.", "Gamma.", "Delta.", "Epsilon.", "Alpha."]
    one = trace("\n".join(steps), question="q")
    passages = student_context.local_passages(one)
    assert [passage.question for passage in passages] == ["q"] * 4 + [None] * 2
    assert passages[0].parts == ("Alpha.\n",)
    assert passages[5].parts == ("Beta.\nGamma.\nDelta.\nEpsilon.\n", "Alpha.")
    asked: list[int] = []
    seen = FakeLM(lambda words: asked.append(len(words)) or {}, V)  # type: ignore[func-returns-value]
    found = measured(student_context.FAMILY, [one], seen)
    assert value(found["student_local"][0]) == pytest.approx(math.log(V))
    assert max(asked[:24]) <= 5


def test_one_model_does_not_disagree_with_itself() -> None:
    one = FakeLM(counting, V)
    found = measured(decision_tokens.FAMILY, [trace("1 2", question="0")], one, students=[one])
    assert set(map(tuple, found.values())) == {(decision_tokens.ONE_MODEL,)}


# Decision tokens ----------------------------------------------------------------------------------


def test_equal_models_agree_and_certain_opposites_differ_by_ln_2() -> None:
    one = trace("1 2 3 4", question="0")
    found = measured(decision_tokens.FAMILY, [one], FakeLM(counting, V))
    assert [value(readings[0]) for readings in found.values()] == [0, 0, 0]
    left, right = (FakeLM(lambda words, word=word: {word: 1.0}, V) for word in ("left", "right"))  # type: ignore[misc]
    found = measured(decision_tokens.FAMILY, [one], left, students=[right])
    assert value(found["decision_share"][0]) == 1
    assert value(found["decision_mean"][0]) == pytest.approx(math.log(2))


def test_the_top_eight_percent_are_whole_tokens() -> None:
    divergence = np.arange(25, dtype=np.float32) / 100
    assert decision_tokens.top_mean(divergence) == pytest.approx((0.24 + 0.23) / 2)
    assert decision_tokens.top_mean(divergence[:3]) == pytest.approx(0.02)
    assert decision_tokens.top_mean(np.append(divergence, np.float32(0))) == pytest.approx((0.24 + 0.23 + 0.22) / 3)
    found = decision_tokens.measure(trace("x"), divergence)
    assert not isinstance(found, Unscored)
    assert value(found["decision_share"]) == pytest.approx(14 / 25)


def test_different_tokenizers_cannot_be_compared() -> None:
    found = measured(decision_tokens.FAMILY, [trace("a b")], FakeLM(size=10), students=[FakeLM(size=11)])
    assert found["decision_share"] == [Unscored("not measurable: the tokenizers differ")]


# All of them --------------------------------------------------------------------------------------

AWKWARD = [
    trace(LONG, question=SUM, reference="four", row=0),
    trace("4 5 6.\n7 8 9.\n10 11 12.\n13 14.", question="1 2 3", response="15", reference="15", row=1),
    trace("", question=SUM, row=2),
    trace("   \n ", question=SUM, row=3),
    trace("Żółw 🤖 równa się 2,5.\n数学。だから答えは四。", question=None, row=4),
    trace("word", question=" ", reference=" ", row=5),
    trace(LONG, question="another", reference="___", row=6),
]


@pytest.mark.parametrize("module", FAMILIES)
def test_order_and_batches_change_no_number(module: Any) -> None:
    model = FakeLM(copying, V)
    tools: Any = FakeLMTools(model, [FakeLM(counting, V)])
    family = module.FAMILY
    pool = family.pool(AWKWARD, tools) if family.pool else None
    whole = {key: list(found) for key, found in family.score(AWKWARD, tools, pool).items()}
    back = {key: list(found)[::-1] for key, found in family.score(AWKWARD[::-1], tools, pool).items()}
    alone = [family.score([one], tools, pool) for one in AWKWARD]
    assert whole == back
    assert whole == {key: [found[key][0] for found in alone] for key in whole}
    assert [len(found) for found in whole.values()] == [len(AWKWARD)] * len(family.metrics)
    for found in whole.values():
        assert found[2] in (Unscored("empty trace"), Unscored("not in the draw of 64 traces"))


@pytest.mark.parametrize("module", FAMILIES)
def test_what_the_model_could_not_read_keeps_its_reason(module: Any) -> None:
    class Broken(FakeLM):
        def traces(self, traces: Sequence[Trace]) -> list[TraceScores | Unscored]:
            return [Unscored("the chat template fails") for _ in traces]

        def passages(self, passages: Sequence[Any]) -> list[Any]:
            return [Unscored("the chat template fails") for _ in passages]

        def disagreement(self, other: Any, traces: Sequence[Trace]) -> list[Any]:
            return [Unscored("the chat template fails") for _ in traces]

    asked = [trace(LONG, question=q, reference="four", row=n) for n, q in enumerate(("a", "b"))]
    for readings in measured(module.FAMILY, asked, Broken()).values():
        assert readings == [Unscored("the chat template fails")] * 2


def test_a_token_without_probability_is_no_number() -> None:
    for bad in (math.inf, math.nan, 1e6):
        for measure in (perplexity.measure, forking.measure, student_fit.measure):
            found = measure(trace("a b"), only(tokens([1.0, bad])))
            assert found == Unscored("the model holds a token for impossible")
    assert perplexity.measure(trace("a"), only(tokens([]))) == Unscored("empty trace")


def test_what_is_longer_than_the_window_is_marked() -> None:
    one = [trace(LONG, question=SUM, reference="four")]
    for module in (perplexity, forking, answer_gain, student_fit):
        found = measured(module.FAMILY, one, FakeLM(copying, V, window=5))
        marks = {reading.mark for readings in found.values() for reading in readings if isinstance(reading, Scored)}
        assert "longer than the model's window" in marks
        found = measured(module.FAMILY, one, FakeLM(copying, V))
        marks = {reading.mark for readings in found.values() for reading in readings if isinstance(reading, Scored)}
        assert marks <= {None, student_fit.SHORT}


def test_an_agent_has_no_steps_to_place() -> None:
    from hfscore.records import Turn

    agent = trace(LONG, question=SUM, reference="four", turns=(Turn("assistant", LONG),))
    why = Unscored("not measured on an agent's turns")
    model = FakeLM(copying, V)
    for family, name in (
        (forking.FAMILY, "step_onset_entropy"),
        (answer_gain.FAMILY, "answer_gain"),
        (step_gain.FAMILY, "tail_share"),
        (contrast.FAMILY, "order_sensitivity"),
        (student_fit.FAMILY, "student_drop"),
        (student_context.FAMILY, "student_local"),
    ):
        assert measured(family, [agent], model)[name] == [why]


BETTER = {
    "answer_gain": ("So we get four.", "So we go on."),
    "infogain": ("So we get four.", "So we go on."),
    "order_sensitivity": (NUMBERS, "\n".join(reversed(NUMBERS.split("\n")))),
    "trace_specificity": ("two plus two is what", "nothing of the sort here"),
    "tail_share": ("Hm.\nSo four.\nYes.", "So four.\nHm.\nHm.\nYes."),
    "rsr": ("w3 w1 w7 w2.", "w293 w291 w297 w292."),
    "student_rank": ("0 1 2 3 4 5 6 7 8.", "0 1 7 2 9 4 4 8 1."),
    "student_drop": ("0 1 2 3 4 5 6 7 8.", "0 1 7 2 9 4 4 8 1."),
    "student_local": ("0 1 2 3 4 5 6 7 8.", "0 1 7 2 9 4 4 8 1."),
}


def test_every_direction_is_the_one_in_which_a_better_set_moves() -> None:
    """A published tool once had the rank-surprisal ratio the wrong way round."""
    said = {m.id: m.direction for module in FAMILIES for m in module.FAMILY.metrics if m.direction in ("up", "down")}
    assert said.keys() == BETTER.keys()
    flat = {f"w{place}": 0.003 - 1e-6 * place for place in range(300)}  # like surprise at every rank
    models = {
        "order_sensitivity": FakeLM(counting, V),
        "tail_share": FakeLM(lambda words: {"four": 0.95} if "four." in words else {}, V),
        "rsr": FakeLM(lambda words: flat, V),
    }
    for name, texts in BETTER.items():
        family = next(m.FAMILY for m in FAMILIES if any(one.id == name for one in m.FAMILY.metrics))
        student = name.startswith(("rsr", "student"))
        model = models.get(name, FakeLM(counting if student else copying, V))
        found = []
        for text in texts:
            other = trace("nothing", question="something else entirely", row=1)
            found.append(value(measured(family, [trace(text, question=SUM, reference="four"), other], model)[name][0]))
        better, worse = found
        assert (better > worse) if said[name] == "up" else (better < worse), (name, better, worse)


@pytest.mark.parametrize(
    ("damage", "signs"),
    [
        ("swap_traces", {"answer_gain": -1, "trace_specificity": -1, "surprisal": 1, "student_surprisal": 1}),
        ("duplicate_step", {"surprisal": -1, "student_surprisal": -1}),
        ("tail_checking", {"surprisal": -1, "student_surprisal": -1}),
        ("normalise_whitespace", {"answer_gain": 0, "trace_specificity": 0, "surprisal": 0, "rsr": 0, "infogain": 0}),
    ],
)
def test_planted_damage_moves_what_it_should(damage: str, signs: dict[str, int]) -> None:
    """Real traces, under a model that expects words to come again: the more are damaged, the further it moves."""
    traces, tools = solutions(), FakeLMTools(FakeLM(copying, 5000), [FakeLM(copying, 5000)])
    means: dict[str, list[float]] = {name: [] for name in signs}
    for dose in DOSES:
        damaged = [one.trace for one in plant(traces, damage, dose)]
        for module in (perplexity, answer_gain, contrast, student_fit):
            if signs.keys() & {metric.id for metric in module.FAMILY.metrics}:
                pool = contrast.pool(damaged, tools) if module is contrast else None  # type: ignore[arg-type]
                for name, readings in module.FAMILY.score(damaged, tools, pool).items():  # type: ignore[arg-type]
                    if name in signs:
                        means[name].append(np.mean([r.value for r in readings if isinstance(r, Scored)]))
    for name, sign in signs.items():
        moves = np.diff(means[name])
        assert (moves * sign > 0).all() if sign else np.allclose(moves, 0, atol=1e-3), (name, means[name])


def test_several_students_have_columns_of_their_own() -> None:
    for module in OF_STUDENTS:
        family = module.FAMILY.for_student(1, "Owner/Model-0.5B")
        assert family.for_student is None
        tools: Any = FakeLMTools(FakeLM(uniform, V), [FakeLM(uniform, V), FakeLM(counting, V)])
        traces = [trace(f"{n} {n + 1} {n + 2}.", question=f"{n - 1}", row=n) for n in range(1, 9)]
        table = engine.score_part(traces, [module.FAMILY, family], tools, {}, config="c", split="s")
        first, second = (
            {v.metric: v.mean for v in engine.summarise(table, seed=0) if v.metric in names}
            for names in ({m.id for m in module.FAMILY.metrics}, {m.id for m in family.metrics})
        )
        assert {f"{name}__owner_model_0_5b" for name in first} == set(second)
        assert list(first.values()) != list(second.values())
        assert all(metric.title.endswith("(Owner/Model-0.5B)") for metric in family.metrics)
        if family.fold:
            assert [fact.id for fact in table.facts] == ["rsr_of_set", "rsr_of_set__owner_model_0_5b"]
            assert None not in (table.facts[0].value, table.facts[1].value)
            assert table.facts[0].value != table.facts[1].value


def test_the_catalogue_holds_them_without_a_clash() -> None:
    found = {family.id: family for family in catalog.families()}
    for module in FAMILIES:
        assert found[module.FAMILY.id] is module.FAMILY
    assert {name for name, family in found.items() if family.costly} == {"holistic", "step_gain", "student_context"}
