"""A judge's server is believed only what it was seen to do."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from hfscore.errors import HfscoreError
from hfscore.judge.address import parse_address
from hfscore.judge.background import in_turn
from hfscore.judge.client import Client, Patience
from hfscore.judge.dialects import LABELS, SCHEMAS, TRAITS, Server, constrain_labels, constrain_schema
from hfscore.judge.faults import Failure
from hfscore.judge.limiter import cap_for
from hfscore.judge.reply import Reply
from hfscore.judge.server import _read, count_tokens, probe
from hfscore.loopback.tgi import LoopbackTGI
from tests.judge_servers import always, completion, respond, serving

FAST = Patience(deadline=5, timeout=1, connect=1, first_wait=0.001, longest_wait=0.002)
TGI_INFO = {
    "model_id": "Qwen/tiny",
    "model_sha": "abc123",
    "max_concurrent_requests": 128,
    "max_input_tokens": 4095,
    "max_total_tokens": 4096,
    "router": "text-generation-router",
    "version": "3.3.6",
}


def spelled_choice(body: Mapping[str, Any]) -> tuple[str, list[str]] | None:
    """The spelling of a choice in a body and its labels, read independently of the code under test."""
    form = body.get("response_format", {})
    if form.get("type") == "regex":
        return "response_format regex", re.findall(r"\w+", form["value"])
    if "choice" in body.get("structured_outputs", {}):
        return "structured_outputs", body["structured_outputs"]["choice"]
    for name in ("guided_choice", "regex", "grammar"):
        if name in body:
            text = body[name]
            return name, text if isinstance(text, list) else re.findall(r"\w+", text.removeprefix("root"))
    return None


def spelled_schema(body: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The spelling of a schema in a body and the schema."""
    form = body.get("response_format", {})
    if form.get("type") == "json" and "value" in form:
        return "response_format value", form["value"]
    if form.get("type") == "json_schema":
        return "json_schema", form["json_schema"]["schema"]
    if form.get("type") == "json_object" and "schema" in form:
        return "json_object", form["schema"]
    if "json" in body.get("structured_outputs", {}):
        return "structured_outputs json", body["structured_outputs"]["json"]
    return ("guided_json", body["guided_json"]) if "guided_json" in body else None


@dataclass
class Model:
    """A server that answers "Blue" unless it obeys a constraint.

    Args:
        routes: GET route -> JSON.
        obeys: Spellings that it enforces.
        rejects: Spellings that it answers 422; any other is ignored with a 200, as real servers do.
        alternatives: Most `top_logprobs` that it accepts; 0 for a server that ignores the field.
        sampled: Whether it answers the same request differently each time.
        message: Fields to add to each message.
        cached: `cached_tokens` of a repeated request, or None for a server that does not say.
    """

    routes: Mapping[str, Any] = field(default_factory=dict)
    obeys: frozenset[str] = frozenset()
    rejects: frozenset[str] = frozenset()
    alternatives: int = 0
    sampled: bool = False
    message: Mapping[str, Any] = field(default_factory=dict)
    cached: int | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.path in self.routes:
            route = self.routes[request.path]
            return respond(200, route(await request.json()) if callable(route) else route)
        if request.path != "/v1/chat/completions":
            return respond(404, {"detail": "Not Found"})
        body = await request.json()
        self.asked.append(body)
        if body.get("top_logprobs", 0) > self.alternatives > 0:
            return respond(422, {"error": f"`top_n_tokens` must be >= 0 and <= {self.alternatives}"})
        return self.chat(body)

    def chat(self, body: Mapping[str, Any]) -> web.Response:
        choice, schema = spelled_choice(body), spelled_schema(body)
        spelling = (choice or schema or ("",))[0]
        if spelling in self.rejects:
            return respond(422, f"Failed to deserialize the JSON body: unknown variant {spelling}")
        text = f"Blue {len(self.asked)}" if self.sampled else "Blue"
        if spelling in self.obeys and choice:
            text = choice[1][-1]
        elif spelling in self.obeys and schema:
            text = json.dumps({key: rule["enum"][0] for key, rule in schema[1]["properties"].items()}, indent=1)
        entry: dict[str, Any] = {"token": text, "logprob": -0.2}
        if self.alternatives and body.get("logprobs"):
            tops = [{"token": name, "logprob": None} for name in "abcdefghijklmnopqrstuvwxyz"]
            entry["top_logprobs"] = tops[: body["top_logprobs"]]
        logprobs = {"content": [entry]} if "top_logprobs" in entry else None
        usage: dict[str, Any] = {"prompt_tokens": 9, "completion_tokens": 1}
        if self.cached is not None and body in self.asked[:-1]:
            usage["prompt_tokens_details"] = {"cached_tokens": self.cached}
        choices = [{"message": {"content": text, **self.message}, "finish_reason": "stop", "logprobs": logprobs}]
        return respond(200, completion(choices=choices, usage=usage))


def listing(*names: str, **more: Any) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": name, "object": "model", **more} for name in names]}


def probed(model: Model, named: str | None = None) -> Server:
    async def run() -> Server:
        async with serving(model.__call__) as server, Client(parse_address(server.url), None, FAST) as client:
            return await asyncio.wait_for(probe(client, named), 10)

    return asyncio.run(run())


TGI = Model(
    {"/info": TGI_INFO, "/v1/models": listing("Qwen/tiny")},
    obeys=frozenset({"response_format regex", "response_format value"}),
    rejects=frozenset({"json_schema"}),
    alternatives=5,
)
VLLM = Model(
    {"/version": {"version": "0.14.0"}, "/v1/models": listing("big", max_model_len=8192)},
    obeys=frozenset({"structured_outputs", "json_schema"}),
    alternatives=20,
    cached=48,
)
OLD_VLLM = replace(VLLM, obeys=frozenset({"guided_choice", "guided_json"}), asked=[])
SGLANG = Model(
    {"/get_model_info": {"model_path": "/models/big"}, "/v1/models": listing("big", max_model_len=4096)},
    obeys=frozenset({"regex", "json_schema"}),
    alternatives=5,
)
LLAMA = Model(
    {
        "/props": {"total_slots": 4, "default_generation_settings": {"n_ctx": 2048}, "build_info": "b7000-abc"},
        "/v1/models": listing("tiny.gguf"),
        "/health": {"status": "ok"},
    },
    obeys=frozenset({"grammar", "json_schema"}),
    alternatives=30,
    cached=5,
)
TRANSFORMERS = Model(
    {"/health": {"status": "ok"}, "/openapi.json": {"paths": {"/load_model": {}}}, "/v1/models": listing("tiny")}
)


def test_tgi() -> None:
    server = probed(TGI)
    assert replace(server, notes=()) == Server(
        "tgi",
        "Qwen/tiny",
        revision="abc123",
        version="3.3.6",
        concurrency=128,
        input_tokens=4095,
        total_tokens=4096,
        labels="response_format regex",
        schema="response_format value",
        logprobs=5,
        repeats=True,
    )
    assert server.notes == ()
    assert server.fingerprint == "tgi 3.3.6 abc123"
    for body in TGI.asked:
        assert body["temperature"] == 0  # TGI samples where none is given
        assert "top_p" not in body


def test_vllm_new_and_old() -> None:
    server = probed(VLLM)
    assert (server.dialect, server.model, server.total_tokens) == ("vllm", "big", 8192)
    assert (server.labels, server.schema, server.logprobs) == ("structured_outputs", "json_schema", 20)
    assert server.prefix_cache
    assert (server.version, server.revision) == ("0.14.0", None)
    assert server.notes == ()
    old = probed(OLD_VLLM)
    assert (old.labels, old.schema) == ("guided_choice", "guided_json")


def test_sglang() -> None:
    server = probed(SGLANG)
    assert (server.dialect, server.labels, server.schema) == ("sglang", "regex", "json_schema")
    assert (server.logprobs, server.total_tokens, server.concurrency) == (5, 4096, None)  # 20 were refused


def test_llama_cpp() -> None:
    server = probed(LLAMA)
    assert (server.dialect, server.model, server.version) == ("llama.cpp", "tiny.gguf", "b7000-abc")
    assert (server.labels, server.schema, server.total_tokens) == ("grammar", "json_schema", 2048)
    assert server.concurrency == 8


def test_a_server_that_ignores_what_it_is_asked_with_a_200() -> None:
    server = probed(TRANSFORMERS)
    assert server.dialect == "transformers"
    assert (server.labels, server.schema, server.logprobs) == (None, None, 0)
    assert [bool(re.search(word, " ".join(server.notes))) for word in ("choice", "schema", "log-prob")] == [True] * 3


def test_an_unknown_server_is_asked_every_spelling() -> None:
    for spelling in TRAITS["openai"].labels:
        server = probed(Model({"/v1/models": listing("m")}, obeys=frozenset({spelling})))
        assert (server.dialect, server.labels) == ("openai", spelling)


def test_a_server_that_says_one_of_our_words_whatever_it_is_asked_enforces_nothing() -> None:
    class Parrot(Model):
        def chat(self, body: Mapping[str, Any]) -> web.Response:
            return respond(200, completion("kx4"))

    assert probed(Parrot({"/v1/models": listing("m")})).labels is None


def test_a_server_that_answers_differently_each_time_is_named() -> None:
    server = probed(replace(TGI, sampled=True, asked=[]))
    assert server.repeats is False
    assert any("temperature 0" in note for note in server.notes)


def test_a_server_that_thinks_is_named() -> None:
    server = probed(replace(VLLM, message={"reasoning_content": "Hmm."}, asked=[]))
    assert server.thinks
    assert any("thinks" in note for note in server.notes)
    assert all(body["chat_template_kwargs"] == {"enable_thinking": False} for body in VLLM.asked)


def test_a_fault_in_passing_costs_no_capability() -> None:
    class Shaky(Model):
        def chat(self, body: Mapping[str, Any]) -> web.Response:
            return respond(503, "") if len(self.asked) % 3 == 2 else super().chat(body)

    server = probed(Shaky(VLLM.routes, obeys=VLLM.obeys, alternatives=20))
    assert (server.labels, server.schema, server.logprobs) == ("structured_outputs", "json_schema", 20)


def test_a_server_without_room_is_not_one_without_constraints() -> None:
    class Full(Model):
        def chat(self, body: Mapping[str, Any]) -> web.Response:
            return respond(429, "{}") if len(self.asked) > 2 else super().chat(body)

    with pytest.raises(HfscoreError, match="keeps refusing"):
        probed(Full(VLLM.routes, obeys=VLLM.obeys))


@pytest.mark.parametrize(
    ("model", "named", "sentence"),
    [
        (TGI, "other/model", "serves Qwen/tiny, not other/model"),
        (VLLM, "small", "serves big, not small"),
        (LLAMA, "qwen", "serves tiny.gguf, not qwen"),
        (Model({"/v1/models": listing("a", "b")}), None, "serves several models: a, b"),
        (Model(), None, "does not say which model"),
    ],
)
def test_one_sentence_about_the_model(model: Model, named: str | None, sentence: str) -> None:
    with pytest.raises(HfscoreError, match=sentence) as caught:
        probed(model, named)
    assert "--judge-model" in caught.value.hint


@pytest.mark.parametrize(
    ("status", "body", "sentence", "hint"),
    [
        (404, "Not Found", "no chat route at http://127.0.0.1:.*/v1/chat/completions", "/v1/chat/completions"),
        (401, "", "wants a key", "--judge-key-env"),
        (403, "", "wants a key", "--judge-key-env"),
        (404, {"error": {"message": "The model `m` does not exist."}}, "does not serve the model m", "model"),
        (400, {"error": "exceed_context_size_error"}, "longer than the judge's context", "longer context"),
        (200, "<html>hello</html>", "no chat route: no JSON", "--judge"),
        (500, "{}", "server at .* fails", "again"),
        (302, "", "redirects to", "--judge"),
    ],
)
def test_one_sentence_about_each_wrong_judge(status: int, body: Any, sentence: str, hint: str) -> None:
    async def run() -> None:
        async with serving(always(status, body)) as server, Client(parse_address(server.url), None, FAST) as client:
            await probe(client, "m")

    with pytest.raises(HfscoreError, match=sentence) as caught:
        asyncio.run(run())
    assert hint in caught.value.hint


def test_nobody_at_the_address_is_said_at_once() -> None:
    async def run() -> None:
        async with Client(parse_address("http://127.0.0.1:9/v1")) as client:
            await asyncio.wait_for(probe(client, "m"), 2)

    with pytest.raises(
        HfscoreError, match=r"No judge answers at http://127.0.0.1:9/v1: connection refused\."
    ) as caught:
        asyncio.run(run())
    assert "Start the server" in caught.value.hint


def test_an_unknown_host_is_said(refused: list[str]) -> None:
    async def run() -> None:
        async with Client(parse_address("https://judge.invalid")) as client:
            await probe(client, "m")

    with pytest.raises(HfscoreError, match=r"The host judge\.invalid in --judge is not known\."):
        asyncio.run(run())
    refused.clear()


WORDS = st.lists(st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1, max_size=3), min_size=1)


@given(WORDS)
def test_labels_are_spelled_so_that_they_can_be_read_back(labels: list[str]) -> None:
    pattern = re.compile(LABELS["regex"](labels)["regex"])
    assert all(pattern.fullmatch(label) for label in labels)
    assert not pattern.fullmatch("".join(labels) + "?")
    rules = LABELS["grammar"](labels)["grammar"].removeprefix("root ::= ")
    assert json.loads("[" + ",".join(re.findall(r'"(?:\\.|[^"\\])*"', rules)) + "]") == labels


def test_only_what_is_enforced_is_sent_and_the_body_is_left_alone() -> None:
    body, schema = {"model": "m"}, {"type": "object", "properties": {}}
    assert constrain_labels(body, ("1", "0"), Server("tgi", "m")) == body
    assert constrain_schema(body, schema, Server("tgi", "m")) == body
    tgi = Server("tgi", "m", labels="response_format regex", schema="response_format value")
    assert constrain_labels(body, ("1", "0"), tgi)["response_format"] == {"type": "regex", "value": "(1|0)"}
    assert constrain_schema(body, schema, tgi)["response_format"] == {"type": "json", "value": schema}
    assert body == {"model": "m"}
    for traits in TRAITS.values():
        assert set(traits.labels) <= set(LABELS)
        assert set(traits.schemas) <= set(SCHEMAS)


def counted(model: Model, server: Server) -> int | None:
    async def run() -> int | None:
        async with serving(model.__call__) as recorder, Client(parse_address(recorder.url), None, FAST) as client:
            return await count_tokens(client, server, [{"role": "user", "content": "one two three"}])

    return asyncio.run(run())


def words(body: Mapping[str, Any]) -> list[str]:
    return str(body["messages"][0]["content"]).split()


def test_tokens_are_counted_by_the_server() -> None:
    route: Callable[[Any], Any] = lambda body: {"templated_text": "", "tokenize_response": words(body)}  # noqa: E731
    assert counted(Model({"/chat_tokenize": route}), Server("tgi", "m")) == 3
    assert counted(Model({"/tokenize": lambda body: {"count": len(words(body))}}), Server("vllm", "m")) == 3
    llama = Model(
        {
            "/apply-template": lambda body: {"prompt": "<s> " + " ".join(words(body))},
            "/tokenize": lambda body: {"tokens": body["content"].split()},
        }
    )
    assert counted(llama, Server("llama.cpp", "m")) == 4


@pytest.mark.parametrize("dialect", list(TRAITS))
@pytest.mark.parametrize(
    "told", [{}, {"count": "many"}, {"count": -1}, {"tokens": 7, "tokenize_response": 7, "prompt": 7}]
)
def test_a_count_that_is_none_is_none(dialect: Any, told: dict[str, Any]) -> None:
    routes = dict.fromkeys(("/chat_tokenize", "/tokenize", "/apply-template"), told)
    assert counted(Model(routes), Server(dialect, "m")) is None


@given(
    st.dictionaries(
        st.sampled_from([*TGI_INFO, "default_generation_settings", "total_slots"]),
        st.sampled_from([None, 0, -1, 10**40, True, "x", [], {}, "\x1b[31mred", 3.5]),
    )
)
def test_hostile_figures_are_unknown_figures(facts: dict[str, Any]) -> None:
    client = Client(parse_address("http://127.0.0.1:9"))
    for dialect in ("tgi", "llama.cpp", "vllm"):
        server = _read(dialect, facts, client)
        for value in (server.concurrency, server.input_tokens, server.total_tokens):
            assert value is None or 0 < value < 10**9
        assert "\x1b" not in server.fingerprint


# Against the loopback TGI


def test_the_loopback_tgi_is_known_for_what_it_is_and_counts_tokens() -> None:
    async def run(url: str) -> tuple[Server, int | None]:
        async with Client(parse_address(url), "sekret", FAST) as client:
            server = await probe(client)
            return server, await count_tokens(client, server, [{"role": "user", "content": "one two"}])

    with LoopbackTGI(api_key="sekret", max_concurrent_requests=100) as tgi:
        server, tokens = asyncio.run(run(tgi.url))
    assert (server.dialect, server.labels, server.schema) == ("tgi", "response_format regex", "response_format value")
    assert (server.concurrency, server.logprobs, server.notes) == (100, 5, ())
    assert tokens is not None
    assert tokens > 2


@pytest.mark.parametrize("dialect", ["openai", "unconstrained"])
def test_a_loopback_server_of_another_dialect(dialect: Any) -> None:
    async def run(url: str) -> Server:
        async with Client(parse_address(url), None, FAST) as client:
            return await probe(client)

    with LoopbackTGI(dialect=dialect) as other:
        server = asyncio.run(run(other.url))
    assert (server.dialect, server.labels) == ("openai", None)
    assert (server.schema, server.logprobs > 0) == (("json_schema", True) if dialect == "openai" else (None, False))


@pytest.mark.parametrize("kind", ["429", "424", "500", "503", "slow", "cut", "truncated", "garbage", "length"])
def test_a_run_against_a_loopback_tgi_that_fails_every_fifth_request(kind: Any) -> None:
    body = {"model": "tgi", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4, "temperature": 0.0}

    async def run(url: str) -> list[Reply | Failure]:
        quick = replace(FAST, timeout=0.3)
        async with Client(parse_address(url), None, quick, cap=cap_for(16)) as client:
            bodies = ({**body, "seed": number} for number in range(60))
            return await asyncio.wait_for(in_turn(bodies, client.chat, at_once=client.cap), 20)

    with LoopbackTGI(max_concurrent_requests=16) as tgi:
        fault = tgi.fail(kind, times=None, every=5, delay_s=1.0)
        outcomes = asyncio.run(run(tgi.url))
        assert fault.struck >= 12
    assert len(outcomes) == 60
    assert all(isinstance(outcome, Reply) or outcome.tries == 3 for outcome in outcomes)
    assert sum(isinstance(outcome, Reply) for outcome in outcomes) >= 55
