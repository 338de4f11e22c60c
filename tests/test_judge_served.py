"""A judge over HTTP: every step gets its verdicts, every fault is a retry or a reason, nothing is asked twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hfscore.errors import HfscoreError
from hfscore.judge import budget
from hfscore.judge.address import parse_address
from hfscore.judge.rules import RulesJudge
from hfscore.judge.served import Choice, open_judge
from hfscore.loopback import LoopbackTGI
from hfscore.loopback.tgi import fixed
from hfscore.loopback.tgi_faults import KINDS
from hfscore.ports import CRITERIA, Judged, Verdict
from hfscore.records import Unscored
from tests.fakes import trace
from tests.served import QUICK, holds, judging, solutions, steps_of


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackTGI]:
    with LoopbackTGI() as tgi:
        yield tgi


@pytest.fixture
def tgi(server: LoopbackTGI) -> Iterator[LoopbackTGI]:
    server.clear()
    yield server
    server.clear()


@pytest.mark.parametrize("mode", ["label", "batch"])
def test_verdicts_of_the_rules_arrive_over_http(tgi: LoopbackTGI, mode: str) -> None:
    traces = solutions(12)
    with judging(tgi, Choice(mode=mode, tiers=1)) as judge:
        found = judge.judge(traces)
    here = [
        {name: True if one == "the rules cannot decide this step" else one for name, one in step.items()}
        for step in holds(RulesJudge().judge(traces))
    ]
    assert [set(step) for step in holds(found)] == [set(step) for step in here]
    agree = [there[name] == step[name] for there, step in zip(holds(found), here, strict=True) for name in step]
    assert sum(agree) >= 0.99 * len(agree)  # a step that rules cannot decide is a coin's throw behind a route
    chances = [
        verdict.probability
        for step in steps_of(found)
        for verdict in step.verdicts.values()
        if isinstance(verdict, Verdict)
    ]
    assert all((chance is not None) == (mode == "label") for chance in chances)


def test_a_label_is_asked_once_for_each_step_and_criterion(tgi: LoopbackTGI) -> None:
    traces = solutions(6)
    with judging(tgi, Choice(tiers=1)) as judge:
        found = judge.judge(traces)
        assert judge.judge(traces) is found  # the last batch is remembered
    steps = [len(one.steps) for one in found if isinstance(one, Judged)]
    labels = [one for one in tgi.requests if one.kind == "label"]
    assert len(labels) == sum(4 * count - 1 for count in steps)
    places = {(one.nonce, one.criterion, one.step) for one in labels}
    assert len(places) == len(labels)


def test_the_first_call_of_a_trace_goes_ahead_alone(tgi: LoopbackTGI) -> None:
    tgi.latency = 0.1
    try:
        with judging(tgi, Choice(tiers=1)) as judge:
            judge.judge(solutions(1))
    finally:
        tgi.latency = 0.0
    times = sorted(one.time for one in tgi.requests if one.kind == "label")
    assert times[1] - times[0] >= 0.1
    assert times[-1] - times[1] < 0.1


def test_what_is_stored_is_not_asked_again(tgi: LoopbackTGI, tmp_path: Path) -> None:
    traces, store = solutions(5), tmp_path / "store.sqlite"
    with judging(tgi, store=store) as judge:
        first = judge.judge(traces)
    tgi.clear()
    with judging(tgi, store=store) as judge:
        assert judge.judge(traces) == first
        assert not [one for one in tgi.requests if one.kind]
        judge.repeat(traces[:1])  # a second judgement goes past the store
        assert [one for one in tgi.requests if one.kind]


def test_equal_traces_share_one_answer(tgi: LoopbackTGI) -> None:
    one = solutions(1)[0]
    with judging(tgi, Choice(tiers=1)) as judge:
        found = judge.judge([replace(one, row=row) for row in range(20)])
    assert all(other == found[0] for other in found)
    steps = len(steps_of(found[:1]))
    assert len([request for request in tgi.requests if request.kind == "label"]) == 4 * steps - 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("every", [1, 7])
def test_every_fault_is_retried_or_a_reason(tgi: LoopbackTGI, kind: str, every: int) -> None:
    traces = solutions(4)
    with judging(tgi, Choice(tiers=1)) as judge:
        clean = judge.judge(traces)
        # past the canaries; a fault that never ends strikes one step in seven, another strikes the first two tries
        tgi.fail(kind, times=2 if every == 1 else None, every=every, delay_s=0.05)  # type: ignore[arg-type]
        try:
            found = judge.repeat(traces)
        except HfscoreError as error:
            assert kind in ("redirect", "garbage"), (
                error
            )  # a configuration that cannot work ends the run, in a sentence
            assert error.hint
            return
    for before, after in zip(steps_of(clean), steps_of(found), strict=True):
        for name, verdict in after.verdicts.items():
            if isinstance(verdict, Unscored):
                assert verdict.reason
                continue
            expected = before.verdicts[name]
            assert isinstance(expected, Verdict)
            assert verdict.holds == expected.holds
    if kind in ("429", "424", "500", "503", "slow", "cut", "truncated"):
        assert holds(found) == holds(clean)  # what passes is retried


def test_without_log_probabilities_there_is_a_verdict_and_no_probability(tgi: LoopbackTGI) -> None:
    with judging(tgi, Choice(tiers=1)) as judge:
        tgi.fail("no_logprobs", times=None)
        found = judge.repeat(solutions(2))
    verdicts = [verdict for step in steps_of(found) for verdict in step.verdicts.values()]
    assert all(isinstance(verdict, Verdict) and verdict.probability is None for verdict in verdicts)


def test_a_server_that_ignores_constraints_is_named_and_read_strictly() -> None:
    said: list[str] = []
    with LoopbackTGI(dialect="unconstrained") as tgi, judging(tgi, said=said) as judge:
        assert judge.mode == "batch"  # no labels held, no probabilities: a call a window costs less
        found = judge.judge(solutions(2))
    assert any("enforces no" in sentence for sentence in said)
    assert any("no log-probabilities" in sentence for sentence in said)
    assert all(isinstance(one, Judged) for one in found)


def test_openai_dialect(tgi: LoopbackTGI) -> None:
    with LoopbackTGI(dialect="openai") as other, judging(other, Choice(mode="batch", tiers=1)) as judge:
        found = judge.judge(solutions(3))
    with judging(tgi, Choice(mode="batch", tiers=1)) as judge:
        assert holds(found) == holds(judge.judge(solutions(3)))


def test_doubtful_verdicts_are_asked_again_with_a_quote(tgi: LoopbackTGI) -> None:
    wrong = trace("She has 3 + 4 = 8 apples.\nShe eats 1 apple, so 8 - 1 = 7 are left.", question="3 and 4 apples?")
    with judging(tgi) as judge:
        (found,) = judge.judge([wrong])
    assert isinstance(found, Judged)
    verdict = found.steps[0].verdicts["validity"]
    assert isinstance(verdict, Verdict)
    assert (verdict.holds, verdict.tier) == (False, 2)
    assert verdict.probability is not None
    assert {one.kind for one in tgi.requests} >= {"reason", "verdict"}


def test_a_long_trace_is_judged_in_windows_and_marked() -> None:
    lines = [f"Then {n} + 1 = {n + 1}, which is one more than {n}." for n in range(400)]
    long = trace("\n".join(lines), question="Count.")
    with LoopbackTGI(max_input_tokens=3_500, max_total_tokens=4_500) as tgi, judging(tgi, Choice(tiers=1)) as judge:
        short, whole = judge.judge([trace("\n".join(lines[:3]), question="Count."), long])
        assert not [one for one in tgi.requests if one.status == 422]  # nothing was sent that does not fit
    assert isinstance(short, Judged)
    assert isinstance(whole, Judged)
    assert not any(step.partial for step in short.steps)
    assert all(step.partial for step in whole.steps)
    assert len(whole.steps) == 400
    assert all(isinstance(verdict, Verdict) for step in whole.steps for verdict in step.verdicts.values())


def test_a_step_longer_than_the_context_has_a_reason() -> None:
    vast = trace("word " * 5_000, question="Why?")
    with LoopbackTGI(max_input_tokens=3_500, max_total_tokens=4_500) as tgi, judging(tgi) as judge:
        found = judge.judge([vast])
    assert holds(found)[0] == dict.fromkeys(
        [name for name in CRITERIA if name != "coherence"], "a step is longer than the judge's context"
    )


def test_a_context_too_small_for_any_trace_is_one_sentence() -> None:
    with (
        LoopbackTGI(max_input_tokens=500, max_total_tokens=600) as tgi,
        pytest.raises(HfscoreError, match="too small"),
        judging(tgi),
    ):
        pass


def test_a_budget_takes_a_prefix_of_the_questions(tgi: LoopbackTGI) -> None:
    traces = solutions(10)
    with judging(tgi, Choice(tiers=1, budget=budget.parse("60k"))) as judge:
        (sentence,) = judge.plan(traces)
        found = judge.judge(traces)
        assert judge._calls.usage.sent <= 60_000
    judged = [isinstance(one, Judged) for one in found]
    assert 0 < sum(judged) < 10
    assert judged == sorted(judged, reverse=True)
    assert {one.reason for one in found if isinstance(one, Unscored)} == {"beyond the judge's budget"}
    assert f"{sum(judged)} of 10 questions" in sentence


def test_a_budget_that_estimates_missed_still_ends_the_spending(tgi: LoopbackTGI) -> None:
    with judging(tgi, Choice(tiers=1, budget=budget.parse("20k"))) as judge:
        found = judge.judge(solutions(10))  # unplanned
        assert judge._calls.usage.sent < 25_000  # estimates of what was under way may be a little low
    reasons = {one for step in holds(found) for one in step.values() if isinstance(one, str)}
    assert reasons == {"the judge's budget was spent"}


def test_an_estimate_counts_the_calls_that_are_then_made(tgi: LoopbackTGI) -> None:
    traces = solutions(8)
    with judging(tgi, Choice(tiers=1)) as judge:
        calls, tokens, money = judge.estimate(traces, (1.0, 2.0))
        judge.judge(traces)
        usage = judge._calls.usage
    assert calls.startswith(f"{usage.calls:,} calls")
    said = int(tokens.split()[1].replace(",", ""))
    assert 0.8 * usage.sent < said < 1.3 * usage.sent
    assert "a million tokens" in money


def test_a_polish_trace_is_judged_by_the_polish_rubric() -> None:
    polish = trace("Ania ma 2,5 zł, tj. 250 gr.\nWydaje np. 50 gr, więc zostaje 200 gr.", question="Ile ma Ania?")
    heard: list[str] = []

    def brain(messages):  # type: ignore[no-untyped-def]
        heard.extend(message["content"] for message in messages)
        return fixed("1")(messages)

    with LoopbackTGI(brain=brain) as tgi, judging(tgi, Choice(rubric="pl", tiers=1)) as judge:
        (found,) = judge.judge([polish])
        assert judge.settings["rubric"].startswith("pl")
    assert isinstance(found, Judged)
    assert "".join(polish.reasoning[step.start : step.end] for step in found.steps) == polish.reasoning
    texts = [polish.reasoning[step.start : step.end] for step in found.steps]
    assert texts == ["Ania ma 2,5 zł, tj. 250 gr.\n", "Wydaje np. 50 gr, ", "więc zostaje 200 gr."]
    assert any("Kryterium: validity" in text for text in heard)


@pytest.mark.parametrize("atomizer", ["merge", "paper"])
def test_other_atomizers_cover_the_trace(tgi: LoopbackTGI, atomizer: str) -> None:
    traces = solutions(3)
    with judging(tgi, Choice(atomizer=atomizer, tiers=1)) as judge:  # type: ignore[arg-type]
        found = judge.judge(traces)
    for one, judged in zip(traces, found, strict=True):
        assert isinstance(judged, Judged)
        assert "".join(one.reasoning[step.start : step.end] for step in judged.steps) == one.reasoning
        assert judged.coverage == pytest.approx(1.0, abs=0.05)


def test_an_overall_grade(tgi: LoopbackTGI) -> None:
    with judging(tgi) as judge:
        (grade,) = judge.holistic(solutions(1))
    assert isinstance(grade, float)
    assert 0.5 < grade <= 1.0


@pytest.mark.parametrize(
    ("address", "model", "words"),
    [
        ("http://127.0.0.1:9", None, "No judge answers"),
        ("URL/nothing/here", None, "no chat route"),
        ("URL", "another/model", "not another/model"),
    ],
)
def test_what_is_wrong_with_a_judge_is_one_sentence(
    tgi: LoopbackTGI, address: str, model: str | None, words: str
) -> None:
    where = parse_address(address.replace("URL", tgi.url))
    with pytest.raises(HfscoreError, match=words) as caught:
        open_judge(where, Choice(model=model), key=None, store=None, say=lambda sentence: None, patience=QUICK)
    assert caught.value.hint


def test_a_wrong_key_is_one_sentence() -> None:
    with LoopbackTGI(api_key="right") as tgi:
        for key, words in (("wrong", "refuses the key"), (None, "wants a key")):
            with pytest.raises(HfscoreError, match=words):
                open_judge(
                    parse_address(tgi.url), Choice(), key=key, store=None, say=lambda sentence: None, patience=QUICK
                )
