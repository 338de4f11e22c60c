"""The judge's client: every fault ends as a reply after retries or as a failure with its reason, never in a hang."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore.errors import HfscoreError
from hfscore.judge import background
from hfscore.judge.address import parse_address
from hfscore.judge.client import Client, Patience
from hfscore.judge.faults import CAUSES, POLICY, Failure, Kind, from_status
from hfscore.judge.limiter import cap_for
from hfscore.judge.reply import GarbageError, Reply, parse
from hfscore.judge.transport import LARGEST, retry_after
from tests.judge_servers import (
    Handler,
    always,
    completion,
    cut,
    dripping,
    endless,
    hang_up,
    hanging,
    in_turn,
    limited,
    no_http,
    respond,
    serving,
)

FAST = Patience(deadline=8, timeout=5, connect=1, first_wait=0.001, longest_wait=0.002)
HASTY = replace(FAST, timeout=0.3)
BODY = {"model": "tiny", "messages": [{"role": "user", "content": "Zażółć gęślą jaźń"}], "max_tokens": 1}
TOP = {"token": "0", "logprob": -2.3}
TGI_LONG = '{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 64. Given: 99"}'
LLAMA_LONG = '{"error":{"code":400,"message":"request (99)","type":"exceed_context_size_error"}}'
VLLM_LONG = '{"error":{"message":"This model\'s maximum context length is 64 tokens. However, you requested 99"}}'
VLLM_MODEL = '{"error":{"message":"The model `big` does not exist.","type":"NotFoundError","code":404}}'

FAULTS: dict[str, tuple[Handler, Kind]] = {
    "429": (always(429, {"error": "Model is overloaded", "error_type": "overloaded"}), "refused"),
    "429 quota": (always(429, {"error": {"code": "insufficient_quota"}}), "configuration"),
    "424": (always(424, {"error": "CUDA out of memory", "error_type": "generation"}), "generation"),
    "500": (always(500, {"error": "Incomplete generation"}), "server"),
    "502 page": (always(502, "<html><body>Bad Gateway</body></html>"), "server"),
    "503": (always(503, {"error": "unhealthy"}), "server"),
    "504": (always(504, ""), "server"),
    "408": (always(408, ""), "server"),
    "501": (always(501, ""), "request"),
    "slow": (hanging, "timeout"),
    "dripping": (dripping, "timeout"),
    "cut mid-body": (cut, "connection"),
    "hang up": (hang_up, "connection"),
    "no HTTP": (no_http, "garbage"),
    "truncated JSON": (always(200, json.dumps(completion())[:-20]), "garbage"),
    "HTML": (always(200, "<!doctype html><title>Sign in</title>"), "garbage"),
    "empty": (always(200, ""), "garbage"),
    "not UTF-8": (always(200, b'{"choices": "\xff\xfe"}'), "garbage"),
    "a list": (always(200, "[1, 2]"), "garbage"),
    "100,000 brackets": (always(200, "[" * 100_000), "garbage"),
    "a huge number": (always(200, '{"choices": ' + "9" * 5000 + "}"), "garbage"),
    "an error in a 200": (always(200, {"error": {"message": "worker died"}}), "garbage"),
    "text is a number": (always(200, completion(1)), "garbage"),
    "choices are text": (always(200, completion(choices="none")), "garbage"),
    "a gzip nobody asked for": (always(200, b"\x1f\x8b" + b"0" * 99, {"Content-Encoding": "gzip"}), "garbage"),
    "endless": (endless, "garbage"),
    "400 too long": (always(400, LLAMA_LONG), "context"),
    "400 too long for vLLM": (always(400, VLLM_LONG), "context"),
    "422 too long": (always(422, TGI_LONG), "context"),
    "413": (always(413, "length limit exceeded"), "context"),
    "422 of the framework": (always(422, "Failed to deserialize: missing field `value`"), "configuration"),
    "422 of transformers": (always(422, {"detail": "Unexpected fields in the request: {'x'}"}), "configuration"),
    "400 of transformers": (always(400, {"detail": "Server is pinned to './a'; requested 'b'."}), "configuration"),
    "422 of the server": (always(422, {"error": "`top_p` must be > 0.0 and < 1.0"}), "request"),
    "401": (always(401, ""), "configuration"),
    "402": (always(402, {"error": "no credits"}), "configuration"),
    "403": (always(403, {"error": "forbidden"}), "configuration"),
    "404 route": (always(404, "Not Found"), "configuration"),
    "404 model": (always(404, VLLM_MODEL), "configuration"),
    "307": (always(307, "", {"Location": "http://127.0.0.1:9/elsewhere"}), "configuration"),
    "400": (always(400, {"error": "temperature must be positive"}), "request"),
}


def ask(handler: Handler, patience: Patience = FAST, body: dict[str, Any] = BODY) -> tuple[Reply | Failure, list[str]]:
    """One call to a server of its own, and the paths that were asked."""

    async def run() -> tuple[Reply | Failure, list[str]]:
        async with serving(handler) as server, Client(parse_address(server.url), None, patience) as client:
            return await asyncio.wait_for(client.chat(body), 20), server.paths

    return asyncio.run(run())


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_stays_is_a_failure_with_its_reason(name: str) -> None:
    handler, kind = FAULTS[name]
    outcome, paths = ask(handler, HASTY if kind == "timeout" else FAST)
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.tries) == (kind, POLICY[kind].retries + 1)
    assert len(paths) >= outcome.tries  # aiohttp may try a broken connection once more of itself
    assert outcome.reason
    assert "\n" not in outcome.said


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_costs_one_retry_or_was_never_retried(name: str) -> None:
    handler, kind = FAULTS[name]
    outcome, _ = ask(in_turn(handler, always()), HASTY if kind == "timeout" else FAST)
    if POLICY[kind].retries:
        assert isinstance(outcome, Reply)
        assert (outcome.content, outcome.tries) == ("1", 2)
    else:
        assert isinstance(outcome, Failure)
        assert outcome.tries == 1


def test_nobody_there() -> None:
    async def run() -> Reply | Failure:
        async with Client(parse_address("http://127.0.0.1:9"), None, FAST) as client:
            return await client.chat(BODY)

    outcome = asyncio.run(run())
    assert isinstance(outcome, Failure)
    assert (outcome.cause, outcome.said, outcome.tries) == ("down", "connection refused", 9)


def test_an_unknown_host(refused: list[str]) -> None:
    async def run() -> Reply | Failure:
        async with Client(parse_address("http://judge.invalid"), None, FAST) as client:
            return await client.chat(BODY)

    outcome = asyncio.run(run())
    refused.clear()
    assert isinstance(outcome, Failure)
    assert outcome.cause == "unknown_host"


def test_what_is_sent_is_the_body_and_what_comes_back_is_read() -> None:
    sent: list[Any] = []

    async def answer(request: Any) -> Any:
        sent.append((request.path, await request.json()))
        usage = {"prompt_tokens": 40, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 32}}
        entry = {"token": "1", "logprob": -0.1, "top_logprobs": [{"token": "1", "logprob": -0.1, "bytes": [49]}, TOP]}
        choice = {"message": {"content": "1"}, "finish_reason": "eos_token", "logprobs": {"content": [entry]}}
        return respond(200, completion(choices=[choice], usage=usage), {"X-Queue-Time": "3"})

    outcome, _ = ask(answer)
    assert sent == [("/v1/chat/completions", BODY)]
    assert isinstance(outcome, Reply)
    assert (outcome.content, outcome.finish, outcome.model, outcome.fingerprint) == ("1", "stop", "tiny", "build-1")
    assert (outcome.prompt_tokens, outcome.completion_tokens, outcome.cached_tokens) == (40, 2, 32)
    assert outcome.logprobs == (
        {"token": "1", "logprob": -0.1, "top_logprobs": [{"token": "1", "logprob": -0.1}, TOP]},
    )
    assert outcome.headers == {"x-queue-time": "3"}
    assert outcome.seconds > 0


def test_a_lone_surrogate_in_a_trace_is_sent_as_something_json_can_hold() -> None:
    outcome, _ = ask(always(), body={"messages": [{"role": "user", "content": "\ud800"}]})
    assert isinstance(outcome, Reply)


def test_an_impossible_request_is_ours_to_mend() -> None:
    with pytest.raises(ValueError, match="JSON"):
        ask(always(), body={"temperature": math.nan})


def test_no_log_probabilities_is_a_reply_without_them() -> None:
    for given_ in (None, {"content": None}, {}):
        choice = {"message": {"content": "1"}, "finish_reason": "length", "logprobs": given_}
        outcome, _ = ask(always(200, completion(choices=[choice])))
        assert isinstance(outcome, Reply)
        assert outcome.logprobs is None


def test_retry_after_holds_the_call_and_its_neighbours() -> None:
    async def run() -> tuple[float, int]:
        answers = in_turn(always(429, {"error": "slow down"}, {"Retry-After": "0.2"}), always())
        async with serving(answers) as server, Client(parse_address(server.url), None, FAST) as client:
            started = time.monotonic()
            first = asyncio.create_task(client.chat(BODY))
            while not client.tally.refusals:
                await asyncio.sleep(0.001)
            assert isinstance(await client.chat(BODY), Reply)
            waited = time.monotonic() - started
            await first
            return waited, client.tally.refusals

    waited, refusals = asyncio.run(run())
    assert waited >= 0.2
    assert refusals == 1


def test_a_wait_beyond_the_deadline_is_not_waited_for_and_ends_the_run_soon() -> None:
    started = time.monotonic()
    outcome, _ = ask(always(503, "", {"Retry-After": "3600"}))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.tries, outcome.wait) == ("server", 1, 3600)
    with pytest.raises(HfscoreError, match="keeps refusing"):
        run_all(always(429, "quota for this hour is used", {"Retry-After": "3600"}), 10_000)
    assert time.monotonic() - started < 6


def test_the_deadline_ends_the_retries() -> None:
    outcome, _ = ask(always(429, "{}"), Patience(deadline=0.3, timeout=1, first_wait=0.2, longest_wait=0.2))
    assert isinstance(outcome, Failure)
    assert 1 <= outcome.tries < 12


def test_a_run_has_only_so_many_retries() -> None:
    patience = Patience(deadline=5, timeout=1, first_wait=0.001, longest_wait=0.001, spare_retries=3)
    outcome, paths = ask(always(500, "{}"), patience)
    assert isinstance(outcome, Failure)
    assert len(paths) == outcome.tries == 1 + 1 + 3  # one retry for the call, three to spare


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    assert retry_after("2.5", 0) == 2.5
    assert retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 50) == 10
    assert [retry_after(text, 0) for text in (None, "", "soon", "nan", "inf", "-4", "1e9")] == [
        *(None,) * 5,
        0,
        3600,
    ]


# A whole run


def bodies(count: int) -> Iterator[dict[str, Any]]:
    return ({**BODY, "user": str(index)} for index in range(count))


def run_all(
    handler: Handler, count: int, *, cap: int = 16, patience: Patience = FAST
) -> tuple[dict[int, Reply | Failure], Client, int]:
    """A run of `count` calls: outcomes by number, the client, most calls that the server saw at once."""

    async def run() -> tuple[list[Reply | Failure], Client, int]:
        address = parse_address
        async with serving(handler) as server, Client(address(server.url), None, patience, cap=cap) as client:
            calls = background.in_turn(bodies(count), client.chat, at_once=client.cap)
            return await asyncio.wait_for(calls, 30), client, server.most_at_once

    outcomes, client, most = asyncio.run(run())
    return dict(enumerate(outcomes)), client, most


def test_verdicts_of_a_server_that_refuses_are_all_had_and_under_one_in_a_hundred_refused() -> None:
    outcomes, client, most = run_all(limited(20, 0.004), 1500, cap=cap_for(20))
    assert sorted(outcomes) == list(range(1500))
    assert all(isinstance(outcome, Reply) for outcome in outcomes.values())
    assert client.tally.refusals < 15
    assert most <= 18


def test_a_cap_beyond_the_slots_finds_the_slots() -> None:
    outcomes, client, _ = run_all(limited(8, 0.004), 600, cap=64)
    assert all(isinstance(outcome, Reply) for outcome in outcomes.values())
    assert 0 < client.tally.refusals < 120


def test_faults_scattered_over_a_run_cost_no_row() -> None:
    kinds: list[Handler] = [FAULTS[name][0] for name in ("429", "424", "503", "cut mid-body", "HTML", "hang up")]
    turn = iter(range(10**6))

    async def answer(request: Any) -> Any:
        number = next(turn)
        return await (kinds[number // 7 % len(kinds)] if number % 7 == 0 else always())(request)

    outcomes, client, _ = run_all(answer, 300)
    assert all(isinstance(outcome, Reply) for outcome in outcomes.values())
    assert client.tally.retries >= 300 // 7


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("401", "wants a key"),
        ("404 route", "no chat route"),
        ("404 model", "does not serve the model tiny"),
        ("307", "redirects to http://127.0.0.1:9/elsewhere"),
        ("402", "wants payment"),
        ("422 of the framework", "does not understand the request"),
    ],
)
def test_what_would_fail_every_row_ends_the_run_with_one_sentence(name: str, sentence: str) -> None:
    with pytest.raises(HfscoreError, match=sentence) as caught:
        run_all(FAULTS[name][0], 10_000, cap=4)
    assert caught.value.hint


def test_a_judge_that_goes_away_ends_the_run() -> None:
    with pytest.raises(HfscoreError, match="cuts its answers"):
        run_all(hang_up, 10_000)


def test_rows_that_fail_for_themselves_do_not_end_the_run() -> None:
    async def answer(request: Any) -> Any:
        number = int((await request.json())["user"])
        return await (always(422, TGI_LONG) if number % 10 else always())(request)

    outcomes, _, _ = run_all(answer, 200)
    failed = [outcome for outcome in outcomes.values() if isinstance(outcome, Failure)]
    assert (len(failed), {outcome.kind for outcome in failed}) == (180, {"context"})


def test_an_interrupt_leaves_no_call_on_its_way() -> None:
    async def run() -> tuple[int, int]:
        patience = Patience(deadline=60, timeout=60)
        async with serving(hanging) as server:
            async with Client(parse_address(server.url), None, patience, cap=8) as client:
                task = asyncio.create_task(background.in_turn(bodies(100), client.chat, at_once=8))
                while server.at_once < 4:  # the limiter starts at half the cap
                    await asyncio.sleep(0.005)
                before = server.at_once
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asyncio.wait_for(task, 2)
            for _ in range(200):
                if not server.at_once:
                    break
                await asyncio.sleep(0.01)
            return before, server.at_once

    before, after = asyncio.run(run())
    assert (before, after) == (4, 0)


# Hostile replies

HOSTILE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["stop", "length", "1", 10**30, -(10**30), "\ud800", math.inf]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "message",
                    "content",
                    "finish_reason",
                    "logprobs",
                    "token",
                    "logprob",
                    "top_logprobs",
                    "usage",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
ENTRY = st.fixed_dictionaries({"token": st.text(max_size=3) | HOSTILE, "logprob": st.floats() | HOSTILE})
NEARLY = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries(
                {
                    "message": st.fixed_dictionaries({"content": st.text(max_size=4) | HOSTILE}),
                    "finish_reason": st.sampled_from(["stop", "length", "weird"]) | HOSTILE,
                    "logprobs": st.none() | st.fixed_dictionaries({"content": st.lists(ENTRY, max_size=3) | HOSTILE}),
                }
            ),
            max_size=2,
        )
        | HOSTILE,
        "usage": HOSTILE,
        "model": HOSTILE,
    }
)


@settings(max_examples=300)
@given(HOSTILE | NEARLY)
def test_whatever_a_server_sends_is_a_sound_reply_or_garbage(data: Any) -> None:
    payload = json.dumps(data).encode()
    try:
        reply = parse(payload, {}, lambda text: text)
    except GarbageError as error:
        assert str(error)
        return
    stored = json.dumps([reply.content, reply.logprobs, reply.model], allow_nan=False, ensure_ascii=False)
    assert stored.encode()
    assert reply.finish in ("stop", "length", "other")
    for entry in reply.logprobs or ():
        assert entry["logprob"] is None or (math.isfinite(entry["logprob"]) and entry["logprob"] <= 0)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_reply_or_garbage(payload: bytes) -> None:
    with pytest.raises(GarbageError):
        parse(payload, {}, lambda text: text)


@pytest.mark.parametrize(
    ("spelled", "read"),
    [("null", None), ("-Infinity", None), ("-3.4028234663852886e38", None), ("-0.5", -0.5), ("0.0004", 0.0), ("-0", 0)],
)
def test_every_spelling_of_a_log_probability(spelled: str, read: float | None) -> None:
    choice = {"message": {"content": "1"}, "finish_reason": "stop", "logprobs": {"content": [{"token": "1"}]}}
    payload = json.dumps(completion(choices=[choice])).replace(
        '{"token": "1"}', f'{{"token": "1", "logprob": {spelled}}}'
    )
    reply = parse(payload.encode(), {}, lambda text: text)
    assert reply.logprobs is not None
    assert reply.logprobs[0]["logprob"] == read


@pytest.mark.parametrize("spelled", ["NaN", "Infinity", "0.7", "true", '"-1"', "[]"])
def test_what_is_no_log_probability(spelled: str) -> None:
    choice = {"message": {"content": "1"}, "finish_reason": "stop", "logprobs": {"content": [{"token": "1"}]}}
    payload = json.dumps(completion(choices=[choice])).replace(
        '{"token": "1"}', f'{{"token": "1", "logprob": {spelled}}}'
    )
    with pytest.raises(GarbageError, match="log-probability"):
        parse(payload.encode(), {}, lambda text: text)


def test_a_model_that_only_thought_answered_nothing() -> None:
    choice = {"message": {"content": None, "reasoning_content": "Hmm"}, "finish_reason": "length"}
    reply = parse(json.dumps(completion(choices=[choice])).encode(), {}, lambda text: text)
    assert (reply.content, reply.finish, reply.thinking) == ("", "length", True)


@given(st.integers(100, 999), st.text(max_size=300))
def test_every_status_has_a_cause(status: int, text: str) -> None:
    failure = from_status(status, text, keyed=False)
    assert failure.cause in CAUSES
    assert len(failure.said) <= 240
    assert not set(failure.said) & set("\n\r\x1b\x07")


def test_a_reply_without_end_is_not_read_to_it() -> None:
    outcome, _ = ask(endless, Patience(timeout=10, first_wait=0.001, longest_wait=0.001))
    assert isinstance(outcome, Failure)
    assert outcome.cause == "too_large"


def test_a_large_reply_within_the_bound_is_read() -> None:
    outcome, _ = ask(always(200, completion("x" * (LARGEST - 1000))), Patience(timeout=10))
    assert isinstance(outcome, Reply)
    assert len(outcome.content) == LARGEST - 1000


def test_the_sentences_are_whole() -> None:
    for name, cause in CAUSES.items():
        message: Callable[..., str] = cause.message.format
        text = message(base="B", host="H", model="M", said="S")
        assert "{" not in text, name
        assert cause.kind in POLICY
