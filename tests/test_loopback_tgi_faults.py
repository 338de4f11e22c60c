"""The loopback TGI under load and on demand broken, its other dialects, and real clients that talk to it."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from http.client import IncompleteRead

import aiohttp
import pytest

from hfscore.judge import labels
from hfscore.judge.prompts import ask
from hfscore.loopback import LoopbackTGI
from hfscore.loopback.tgi import fixed
from hfscore.loopback.tgi_brains import CHAT
from hfscore.loopback.tgi_faults import GARBAGE, Kind
from hfscore.ports import Verdict
from tests.tgi_client import CHAT_ROUTE, COLOUR, LABEL, ONLY_LABELS, SHOWN, Answer, chat, send


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackTGI]:
    with LoopbackTGI() as running:
        yield running


@pytest.fixture
def tgi(server: LoopbackTGI) -> Iterator[LoopbackTGI]:
    server.clear()
    yield server
    server.clear()


VALUE = "Input validation error: "


def test_a_long_prompt_is_refused() -> None:
    with LoopbackTGI(max_input_tokens=20, max_total_tokens=40) as tgi:
        long = chat(tgi, [{"role": "user", "content": "word " * 18}], max_tokens=4)
        both = chat(tgi, max_tokens=40)
        assert long.status == both.status == 422
        assert long.json["error"].startswith(f"{VALUE}`inputs` must have less than 20 tokens.")
        assert re.fullmatch(
            VALUE
            + r"`inputs` tokens \+ `max_new_tokens` must be <= 40\. Given: \d+ `inputs` tokens and 40 `max_new_tokens`",
            both.json["error"],
        )


async def together(tgi: LoopbackTGI, times: int) -> list[tuple[int, str, Mapping[str, str], float]]:
    async def one(session: aiohttp.ClientSession) -> tuple[int, str, Mapping[str, str], float]:
        start = time.perf_counter()
        async with session.post(tgi.url + CHAT_ROUTE, json={"messages": COLOUR}) as answer:
            text = await answer.text()
            return answer.status, text, answer.headers, time.perf_counter() - start

    async with aiohttp.ClientSession() as session:
        return await asyncio.gather(*(one(session) for _ in range(times)))


def test_a_full_server_refuses_at_once() -> None:
    with LoopbackTGI(max_concurrent_requests=3, latency=0.5) as tgi:
        answers = asyncio.run(together(tgi, 8))
        refused = [answer for answer in answers if answer[0] == 429]
        assert [answer[0] for answer in answers].count(200) == 3
        assert len(refused) == 5
        for _, text, headers, seconds in refused:
            assert json.loads(text) == {"error": "Model is overloaded", "error_type": "overloaded"}
            assert "Retry-After" not in headers
            assert seconds < 0.4
        assert (tgi.counters.most_in_flight, tgi.counters.in_flight) == (3, 0)
        assert tgi.counters.failure["overloaded"] == 5


def test_a_caller_that_goes_frees_its_slot() -> None:
    async def leave(tgi: LoopbackTGI) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.2)) as session:
            with pytest.raises(TimeoutError):
                await session.post(tgi.url + CHAT_ROUTE, json={"messages": COLOUR})

    with LoopbackTGI(max_concurrent_requests=1, latency=30) as tgi:
        asyncio.run(leave(tgi))
        tgi.latency = 0
        deadline = time.monotonic() + 5
        while tgi.counters.in_flight and time.monotonic() < deadline:
            time.sleep(0.01)
        assert chat(tgi).status == 200
        assert [one.status for one in tgi.requests] == [0, 200]


@pytest.mark.parametrize(
    ("kind", "status", "error_type"),
    [
        ("429", 429, "overloaded"),
        ("424", 424, "generation"),
        ("500", 500, "incomplete_generation"),
        ("503", 503, "healthcheck"),
    ],
)
def test_faults_in_tgis_own_words(tgi: LoopbackTGI, kind: Kind, status: int, error_type: str) -> None:
    fault = tgi.fail(kind, times=2)
    answers = [chat(tgi) for _ in range(3)]
    assert [answer.status for answer in answers] == [status, status, 200]
    assert answers[0].json["error_type"] == error_type
    assert fault.struck == 2


def test_faults_of_the_wire(tgi: LoopbackTGI) -> None:
    whole = chat(tgi).body
    tgi.fail("cut")
    with pytest.raises(IncompleteRead):
        chat(tgi)
    assert tgi.requests[-1].status == 0
    tgi.fail("truncated")
    part = chat(tgi)
    assert part.status == 200
    assert len(part.body) == len(whole) // 2
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(part.body)
    tgi.fail("garbage", times=len(GARBAGE))
    bodies = [chat(tgi).body for _ in GARBAGE]
    assert sorted(bodies) == sorted(body for body, _ in GARBAGE)
    tgi.fail("redirect", location="http://127.0.0.2:9/elsewhere")
    moved = chat(tgi)
    assert (moved.status, moved.headers["Location"]) == (307, "http://127.0.0.2:9/elsewhere")
    tgi.fail("slow", delay_s=0.3)
    start = time.perf_counter()
    assert chat(tgi).status == 200
    assert time.perf_counter() - start > 0.3


def test_faults_of_the_answer(tgi: LoopbackTGI) -> None:
    messages = ask("en", SHOWN, "label", "validity", first=1)

    def answer(kind: Kind) -> Answer:
        tgi.fail(kind)
        return chat(tgi, messages, **LABEL, **ONLY_LABELS)

    assert answer("wrong_label").content == "perhaps"
    assert answer("no_logprobs").choice["logprobs"] is None
    assert answer("length").choice["finish_reason"] == "length"
    assert answer("drop_constraints").content == "Let me see."[:12] or answer("drop_constraints").content.startswith(
        "Let"
    )
    assert chat(tgi, messages, **LABEL, **ONLY_LABELS).content == "1"


def test_a_fault_strikes_what_it_is_told_to(tgi: LoopbackTGI) -> None:
    fault = tgi.fail("500", times=None, every=3, match="colour")
    assert [chat(tgi).status for _ in range(7)] == [200, 200, 500, 200, 200, 500, 200]
    assert chat(tgi, [{"role": "user", "content": "Name a sound."}]).status == 200
    assert (fault.seen, fault.struck) == (7, 2)
    assert send(f"{tgi.url}/info").status == 200
    tgi.clear()
    assert [chat(tgi).status for _ in range(3)] == [200] * 3
    with pytest.raises(ValueError, match="there is no fault"):
        tgi.fail("fire")  # type: ignore[arg-type]


SCHEMA = {"type": "object", "properties": {"qz": {"const": "7"}}, "required": ["qz"], "additionalProperties": False}
OPENAI_SCHEMA = {
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": SCHEMA}}
}


def test_a_server_with_openais_forms() -> None:
    with LoopbackTGI(dialect="openai") as server:
        assert [send(server.url + path).status for path in ("/info", "/metrics", "/health")] == [404, 404, 200]
        assert chat(server, **OPENAI_SCHEMA).json["choices"][0]["message"]["content"] == '{"qz": "7"}'
        assert chat(server, response_format={"type": "regex", "value": "(qz7|kx4)"}).content == CHAT.text
        assert chat(server, unheard_of=1, top_p=1.0, logprobs=True, top_logprobs=20).status == 200
        many = chat(server, logprobs=True, top_logprobs=21)
        long = chat(server, max_tokens=40_000)
        assert (many.status, long.status) == (400, 400)
        assert long.json["error"]["code"] == "context_length_exceeded"


def test_a_server_that_obeys_no_constraint() -> None:
    with LoopbackTGI(dialect="unconstrained") as server:
        answer = chat(server, logprobs=True, top_logprobs=5, **OPENAI_SCHEMA)
        assert (answer.status, answer.content, answer.choice["logprobs"]) == (200, CHAT.text, None)
        assert chat(server, ask("en", SHOWN, "label", "validity", first=2), **LABEL).content == "0"


def test_a_queue_makes_callers_wait() -> None:
    with LoopbackTGI(dialect="openai", max_concurrent_requests=2, latency=0.1) as server:
        assert {answer[0] for answer in asyncio.run(together(server, 6))} == {200}
        assert server.counters.most_in_flight == 2


def test_a_fixed_brain() -> None:
    with LoopbackTGI(brain=fixed("0", 0.8)) as server:
        answer = chat(server, ask("en", SHOWN, "label", "validity", first=1), **LABEL, **ONLY_LABELS)
        said = labels.read_label(answer.content, answer.choice["logprobs"]["content"])
        assert isinstance(said, Verdict)
        assert (said.holds, said.probability) == (False, pytest.approx(0.2))
        assert chat(server).content == CHAT.text


def test_hub_client(tgi: LoopbackTGI) -> None:
    hub = pytest.importorskip("huggingface_hub")
    client = hub.InferenceClient(base_url=tgi.url, token="-")
    answer = client.chat_completion(
        ask("en", SHOWN, "label", "validity", first=2), max_tokens=1, temperature=0, logprobs=True, top_logprobs=5
    )
    assert answer.choices[0].message.content == "0"
    assert answer.choices[0].logprobs.content[0].top_logprobs[0].token == "0"


def test_openai_client(tgi: LoopbackTGI) -> None:
    openai = pytest.importorskip("openai")
    with openai.OpenAI(base_url=f"{tgi.url}/v1", api_key="-", max_retries=0) as client:
        messages = ask("en", SHOWN, "label", "validity", first=2)
        answer = client.chat.completions.create(
            model="tgi",
            messages=messages,
            max_tokens=1,
            temperature=0,
            logprobs=True,
            top_logprobs=5,
            extra_body=ONLY_LABELS,
        )
        assert answer.choices[0].message.content == "0"
        assert answer.usage.completion_tokens == 1
        with pytest.raises(openai.UnprocessableEntityError):
            client.chat.completions.create(model="tgi", messages=messages, response_format={"type": "json_object"})
        chunks = list(client.chat.completions.create(model="tgi", messages=COLOUR, temperature=0, stream=True))
        assert "".join(chunk.choices[0].delta.content for chunk in chunks) == CHAT.text
        assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, "stop"]


def test_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "hfscore.loopback.tgi", "--brain", "fails"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert send(f"{url}/info").json["model_id"] == "loopback/rules"
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_the_package_loads_no_aiohttp() -> None:
    loaded = "print('aiohttp' in sys.modules)"
    code = f"import sys, hfscore.loopback; {loaded}; hfscore.loopback.LoopbackTGI; {loaded}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_a_port_that_is_taken(tgi: LoopbackTGI) -> None:
    with pytest.raises(OSError, match="address already in use"):
        LoopbackTGI(port=int(tgi.url.rsplit(":", 1)[1])).start()


def test_many_calls_are_quick(tgi: LoopbackTGI) -> None:
    body = {"messages": ask("en", SHOWN, "label", "validity", first=2), **LABEL, **ONLY_LABELS}

    async def ask_many() -> None:
        async with aiohttp.ClientSession(json_serialize=lambda value: json.dumps(value)) as session:
            for _ in range(300):
                async with session.post(tgi.url + CHAT_ROUTE, json=body) as answer:
                    await answer.read()

    start = time.process_time()
    asyncio.run(ask_many())
    assert time.process_time() - start < 5
    assert len(tgi.requests) == 300
