"""The loopback TGI over HTTP: its routes, what it refuses and how, its answers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from hfscore.judge import labels
from hfscore.judge.prompts import ask, follow_up, keys
from hfscore.judge.rules import verdicts
from hfscore.loopback import LoopbackTGI
from hfscore.loopback.tgi_brains import CHAT, SURE
from hfscore.loopback.tgi_model import count, template
from hfscore.ports import CRITERIA, Verdict
from tests.tgi_client import CHAT_ROUTE, COLOUR, LABEL, NONCE, ONLY_LABELS, QUESTION, SHOWN, STEPS, chat, send


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackTGI]:
    with LoopbackTGI() as running:
        yield running


@pytest.fixture
def tgi(server: LoopbackTGI) -> Iterator[LoopbackTGI]:
    server.clear()
    yield server
    server.clear()


def test_open_routes(tgi: LoopbackTGI) -> None:
    info = send(f"{tgi.url}/info").json
    assert info["model_id"] == "loopback/rules"
    assert (info["max_concurrent_requests"], info["max_total_tokens"]) == (128, 32_768)
    assert info["router"] == "text-generation-router"
    for path in ("/", "/health", "/ping"):
        assert (send(tgi.url + path).status, send(tgi.url + path).body) == (200, b"")
    assert [entry["id"] for entry in send(f"{tgi.url}/v1/models").json["data"]] == ["loopback/rules"]
    assert (send(f"{tgi.url}/version").status, send(f"{tgi.url}/version").body) == (404, b"")


def test_an_unhealthy_server_says_so(tgi: LoopbackTGI) -> None:
    tgi.healthy = False
    answer = send(f"{tgi.url}/health")
    tgi.healthy = True
    assert (answer.status, answer.json) == (503, {"error": "unhealthy", "error_type": "healthcheck"})


def metrics(tgi: LoopbackTGI) -> dict[str, float]:
    text = send(f"{tgi.url}/metrics").body.decode()
    rows = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in rows}


def test_metrics_count(tgi: LoopbackTGI) -> None:
    assert chat(tgi).status == 200
    before = metrics(tgi)
    chat(tgi, max_tokens=5)
    chat(tgi, top_p=1.0)
    after = metrics(tgi)
    assert after["tgi_request_count"] == before["tgi_request_count"] + 2
    assert after["tgi_request_success"] == before["tgi_request_success"] + 1
    assert after["tgi_request_generated_tokens_sum"] == before["tgi_request_generated_tokens_sum"] + 5
    failed = 'tgi_request_failure{err="validation"}'
    assert after[failed] == before.get(failed, 0) + 1


PLAIN = "Failed to deserialize the JSON body into the target type: "
VALUE = "Input validation error: "


@pytest.mark.parametrize(
    ("fields", "words", "kind"),
    [
        ({"response_format": {"type": "json_object"}}, f"{PLAIN}response_format: missing field `value`", None),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
            f"{PLAIN}response_format: missing field `value`",
            None,
        ),
        ({"response_format": {"type": "choice", "value": []}}, f"{PLAIN}response_format: unknown variant", None),
        (
            {"response_format": {"type": "json_schema", "value": {}}},
            f"{PLAIN}response_format: missing field `schema`",
            None,
        ),
        ({"messages": None}, f"{PLAIN}missing field `messages`", None),
        ({"messages": "hi"}, f"{PLAIN}messages: invalid type", None),
        ({"stop": "x"}, f"{PLAIN}stop: invalid type", None),
        ({"max_tokens": -1}, f"{PLAIN}max_tokens: invalid type", None),
        ({"temperature": "0"}, f"{PLAIN}temperature: invalid type", None),
        ({"logit_bias": {"1": 5}}, f"{PLAIN}logit_bias: invalid type", None),
        ({"top_p": 1.0}, f"{VALUE}`top_p` must be > 0.0 and < 1.0", "validation"),
        ({"top_p": 0.0}, f"{VALUE}`top_p` must be", "validation"),
        ({"temperature": -0.1}, f"{VALUE}`temperature` must be strictly positive", "validation"),
        ({"logprobs": True, "top_logprobs": 6}, f"{VALUE}`top_n_tokens` must be >= 0 and <= 5. Given: 6", "validation"),
        ({"stop": list("abcde")}, f"{VALUE}`stop` supports up to 4 stop sequences. Given: 5", "validation"),
        ({"max_tokens": 0}, f"{VALUE}`max_new_tokens` must be strictly positive", "validation"),
        ({"max_tokens": 32_768}, f"{VALUE}`inputs` tokens + `max_new_tokens` must be <= 32768.", "validation"),
        ({"response_format": {"type": "regex", "value": "(1"}}, f"{VALUE}grammar is not valid", "validation"),
        ({"response_format": {"type": "regex", "value": "(?=1)"}}, f"{VALUE}grammar is not valid", "validation"),
        (
            {"response_format": {"type": "json", "value": {"type": "object"}}},
            f"{VALUE}grammar is not valid",
            "validation",
        ),
        ({"response_format": {"type": "json", "value": "{"}}, f"{VALUE}grammar is not valid", "validation"),
        ({"response_format": {"type": "json", "value": {"properties": {}, "$ref": "#"}}}, VALUE, "validation"),
        ({"tools": [], **ONLY_LABELS}, "Tool error: Grammar and tools are mutually exclusive", "tool_error"),
        ({"messages": []}, "Template error", "template_error"),
    ],
)
def test_refused_with_422(tgi: LoopbackTGI, fields: dict[str, Any], words: str, kind: str | None) -> None:
    answer = chat(tgi, **fields)
    assert answer.status == 422
    if kind is None:
        assert answer.headers.get_content_type() == "text/plain"  # type: ignore[attr-defined]
        assert answer.body.decode().startswith(words)
    else:
        assert answer.json["error"].startswith(words)
        assert answer.json["error_type"] == kind


def test_refused_by_the_framework_in_plain_text(tgi: LoopbackTGI) -> None:
    url = tgi.url + CHAT_ROUTE
    syntax = send(url, b'{"messages": [')
    untyped = send(url, b"{}", **{"Content-Type": "text/plain"})
    large = send(url, b" " * 2_000_001)
    assert [one.status for one in (syntax, untyped, large)] == [400, 415, 413]
    for answer, words in (
        (syntax, b"Failed to parse"),
        (untyped, b"Expected request with"),
        (large, b"Failed to buffer"),
    ):
        assert answer.body.startswith(words)


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({}, 200),
        ({"temperature": 0}, 422),
        ({"temperature": 0.5, "top_p": 0.9}, 200),
        ({"top_p": 1.0}, 422),
        ({"top_k": 0}, 422),
        ({"top_n_tokens": 6}, 422),
        ({"best_of": 2}, 422),
        ({"best_of": 2, "do_sample": True}, 200),
        ({"best_of": 2, "do_sample": True, "seed": 1}, 422),
        ({"best_of": 3, "do_sample": True}, 422),
        ({"truncate": 0}, 422),
        ({"max_new_tokens": 0}, 422),
        ({"repetition_penalty": 0.0}, 422),
        ({"frequency_penalty": 2.5}, 422),
        ({"grammar": {"type": "regex"}}, 422),
        ({"max_new_tokens": "7"}, 422),
    ],
)
def test_native_parameters(tgi: LoopbackTGI, parameters: dict[str, Any], status: int) -> None:
    assert send(f"{tgi.url}/generate", {"inputs": "Say one.", "parameters": parameters}).status == status


def test_the_native_route_answers(tgi: LoopbackTGI) -> None:
    body = {
        "inputs": "Say one.",
        "parameters": {
            "details": True,
            "top_n_tokens": 2,
            "return_full_text": True,
            "grammar": {"type": "regex", "value": "[01]"},
        },
    }
    answer = send(f"{tgi.url}/generate", body).json
    assert answer["generated_text"] == "Say one.0"
    details = answer["details"]
    assert (details["finish_reason"], details["generated_tokens"], details["prefill"]) == ("eos_token", 1, [])
    assert [token["text"] for token in details["top_tokens"][0]] == ["0", "1"]
    assert math.isclose(details["tokens"][0]["logprob"], math.log(0.5))
    assert send(f"{tgi.url}/", body).json == [answer]
    assert send(f"{tgi.url}/generate", {"inputs": ""}).json["error"] == f"{VALUE}`inputs` cannot be empty"
    text = send(f"{tgi.url}/v1/completions", {"prompt": "Say one.", "max_tokens": 3}).json["choices"][0]
    assert (text["text"], text["finish_reason"]) == ("That is a", "length")


def test_a_key_opens_what_needs_one() -> None:
    with LoopbackTGI(api_key="Secret") as tgi:
        for path in ("/info", "/health", "/metrics", "/v1/models"):
            assert send(tgi.url + path).status == 200
        assert send(f"{tgi.url}/chat_tokenize", {"messages": COLOUR}).status == 200
        for path, body in (
            (CHAT_ROUTE, {"messages": COLOUR}),
            ("/generate", {"inputs": "a"}),
            ("/tokenize", {"inputs": "a"}),
        ):
            refused = send(tgi.url + path, body, Authorization="Bearer other")
            assert (refused.status, refused.body) == (401, b"")
            assert send(tgi.url + path, body).status == 401
            assert send(tgi.url + path, body, Authorization="bearer sECRET").status == 200
        assert [one.authorization_present for one in tgi.requests][-3:] == [True, False, True]


def test_labels_are_the_rule_judges(tgi: LoopbackTGI) -> None:
    found = verdicts(QUESTION, STEPS)
    for step in range(1, len(STEPS) + 1):
        for criterion in CRITERIA:
            answer = chat(tgi, ask("en", SHOWN, "label", criterion, first=step), **LABEL, **ONLY_LABELS)
            said = labels.read_label(answer.content, answer.choice["logprobs"]["content"])
            assert isinstance(said, Verdict)
            holds = found[step - 1][criterion]
            expected = 0.5 if holds is None else SURE if holds else 1 - SURE
            assert (said.probability, said.mass) == (pytest.approx(expected), pytest.approx(1))
            assert said.holds is (holds is not False)
    assert {(one.criterion, one.step) for one in tgi.requests} == {
        (name, step) for name in CRITERIA for step in (1, 2, 3, 4)
    }
    assert {(one.kind, one.nonce, one.status) for one in tgi.requests} == {("label", NONCE, 200)}
    assert [own["validity"] for own in found] == [True, False, False, True]
    assert [own["utility"] for own in found] == [True, True, False, True]


def test_log_probabilities_are_those_behind_the_mask(tgi: LoopbackTGI) -> None:
    messages = ask("en", SHOWN, "label", "validity", first=2)
    [masked] = chat(tgi, messages, **LABEL, **ONLY_LABELS).choice["logprobs"]["content"]
    tops = {one["token"]: one["logprob"] for one in masked["top_logprobs"]}
    assert len(tops) == 5
    assert math.isclose(sum(math.exp(value) for value in tops.values() if value is not None), 1)
    assert [token for token, value in tops.items() if value is not None] == ["0", "1"]
    [free] = chat(tgi, messages, **LABEL).choice["logprobs"]["content"]
    tops = {one["token"]: one["logprob"] for one in free["top_logprobs"]}
    assert math.isclose(math.exp(tops["0"]) + math.exp(tops["1"]), 0.98)
    assert None not in tops.values()
    assert math.isclose(math.exp(free["logprob"]), 0.98 * SURE)
    [other] = chat(tgi, messages, **LABEL, response_format={"type": "regex", "value": "(1|maybe)"}).choice["logprobs"][
        "content"
    ]
    assert (other["token"], other["logprob"]) == ("1", 0.0)


GRADE = (0.9 * 4 + 0.025 * (1 + 2 + 3 + 5) - 1) / 4  # 12 of the 15 verdicts hold: a four


def test_other_questions_are_answered_in_their_form(tgi: LoopbackTGI) -> None:
    batch = chat(tgi, ask("en", SHOWN, "batch", "utility", first=1, last=4)).content
    assert [one.holds for one in labels.read_batch(batch, keys(1, 4))] == [True, True, False, True]  # type: ignore[union-attr]
    thoughts = ask("en", SHOWN, "reason", "validity", first=2)
    reason = chat(tgi, thoughts).content
    assert "does not hold" in reason
    second = chat(tgi, follow_up("en", thoughts, reason, 2)).content
    assert labels.read_review(second, STEPS[1]) == Verdict(holds=False, tier=2)
    graded = chat(tgi, ask("en", SHOWN, "holistic", "rigour"), **LABEL)
    assert labels.read_grade(graded.content, graded.choice["logprobs"]["content"]) == pytest.approx(GRADE)
    assert json.loads(chat(tgi, ask("en", SHOWN, "merge")).content) == {"join": []}
    assert json.loads(chat(tgi, ask("pl", SHOWN, "atomize")).content) == {"steps": list(STEPS)}
    assert [one.kind for one in tgi.requests] == ["batch", "reason", "verdict", "holistic", "merge", "atomize"]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"type": "regex", "value": "(qz7|kx4)"}, "qz7"),
        ({"type": "regex", "value": "[01]{3}-x+"}, "000-x"),
        ({"type": "regex", "value": r"\d\.(?:a|b)?"}, "0."),
        (
            {
                "type": "json_object",
                "value": {"type": "object", "properties": {"a": {"const": "q"}}, "required": ["a"]},
            },
            '{"a": "q"}',
        ),
        ({"type": "json", "value": '{"properties": {"a": {"enum": ["x", "y"]}}, "required": ["a"]}'}, '{"a": "x"}'),
        (
            {
                "type": "json_schema",
                "value": {"name": "n", "schema": {"properties": {"b": {"type": "integer"}}, "required": ["b"]}},
            },
            '{"b": 0}',
        ),
    ],
)
def test_constraints_are_enforced_on_chatter(tgi: LoopbackTGI, form: dict[str, Any], expected: str) -> None:
    answer = chat(tgi, response_format=form)
    assert (answer.content, answer.choice["finish_reason"]) == (expected, "stop")
    assert chat(tgi).content == CHAT.text


def test_a_schema_keeps_what_fits_it(tgi: LoopbackTGI) -> None:
    schema = {
        "type": "object",
        "properties": {
            "quote": {"type": "string", "maxLength": 9},
            "label": {"enum": ["1", "0"]},
            "sure": {"type": "number", "minimum": 2},
        },
        "required": ["quote", "label", "sure"],
    }
    messages = follow_up("en", ask("en", SHOWN, "reason", "validity", first=2), "hm", 2)
    content = chat(tgi, messages, response_format={"type": "json", "value": schema}).content
    assert json.loads(content) == {"quote": "She makes", "label": "0", "sure": 2}


def test_room_and_stops(tgi: LoopbackTGI) -> None:
    cut = chat(tgi, max_tokens=3)
    assert (cut.content, cut.choice["finish_reason"], cut.json["usage"]["completion_tokens"]) == (
        "That is a",
        "length",
        3,
    )
    stopped = chat(tgi, stop=["good"])
    assert (stopped.content, stopped.choice["finish_reason"]) == ("That is a good", "stop_sequence")


def test_sampling_follows_the_seed(tgi: LoopbackTGI) -> None:
    messages = ask("en", SHOWN, "label", "coherence", first=1)  # undecided: even odds
    drawn = [chat(tgi, messages, temperature=0.7, seed=seed, max_tokens=1).content for seed in range(20)]
    assert set(drawn) == {"0", "1"}
    assert drawn == [chat(tgi, messages, temperature=0.7, seed=seed, max_tokens=1).content for seed in range(20)]


def test_prompts_are_counted_as_they_are_tokenized(tgi: LoopbackTGI) -> None:
    messages = ask("pl", SHOWN, "label", "validity", first=2)
    told = send(f"{tgi.url}/chat_tokenize", {"messages": messages}).json
    answer = chat(tgi, messages, max_tokens=1)
    assert len(told["tokenize_response"]) == answer.json["usage"]["prompt_tokens"] == count(told["templated_text"])
    assert answer.headers["x-prompt-tokens"] == str(len(told["tokenize_response"]))
    assert answer.headers["x-generated-tokens"] == "1"
    assert told["templated_text"] == template(messages)


def test_token_offsets_count_bytes(tgi: LoopbackTGI) -> None:
    text = "Zażółć gęślą jaźń: 2·3"
    tokens = send(f"{tgi.url}/tokenize", {"inputs": text}).json
    assert [text.encode()[one["start"] : one["stop"]].decode() for one in tokens] == [one["text"] for one in tokens]
    assert "".join(one["text"] for one in tokens) == text
