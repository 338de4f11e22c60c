"""Where keys go: the Hugging Face token to Hugging Face alone, another to the judge it is named for, none to texts."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants, get_token
from hypothesis import given
from hypothesis import strategies as st

from hfscore.errors import HfscoreError
from hfscore.judge.address import Address, key_for, parse_address, redact
from hfscore.judge.client import Client, Patience
from hfscore.judge.faults import Failure
from hfscore.judge.reply import Reply
from tests.judge_servers import Handler, Recorder, always, completion, serving

TOKEN = "hf_" + "Tok3n" * 6
KEY = "sk-judge/0123456789+abc="
FAST = Patience(deadline=3, timeout=1, first_wait=0.001, longest_wait=0.002)


def logged_in() -> str:
    return TOKEN


@pytest.mark.parametrize(
    ("text", "root", "base"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
        ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
        ("https://judge.example/some/path", "https://judge.example/some/path", "https://judge.example/some/path/v1"),
        ("https://judge.example/v1/chat/completions", "https://judge.example", "https://judge.example/v1"),
        ("HTTP://[::1]:1/v1", "http://[::1]:1", "http://[::1]:1/v1"),
    ],
)
def test_addresses(text: str, root: str, base: str) -> None:
    address = parse_address(text)
    assert (address.kind, address.root, address.base, address.model) == ("url", root, base, None)


def test_models_of_inference_providers_and_rules() -> None:
    address = parse_address("hf:Qwen/Qwen3-235B-A22B:novita")
    assert (address.kind, address.model) == ("hf", "Qwen/Qwen3-235B-A22B:novita")
    assert address.base == "https://router.huggingface.co/v1"
    assert parse_address("rules") == Address("rules")
    assert key_for(Address("rules"), "HF_TOKEN", {"HF_TOKEN": TOKEN}, logged_in) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "judge",
        "ftp://judge.example",
        "file:///etc/passwd",
        "http://",
        "http:///v1",
        "https://me:secret@judge.example/v1",
        "https://huggingface.co@judge.example/v1",
        "https://huggingface.co\\@judge.example/v1",
        "https://huggingface.co%2f@judge.example",
        "https://huggingfаce.co/v1",  # a Cyrillic letter
        "https://judge.example/v1?key=secret",
        "https://judge.example/v1#x",
        "https://judge.example:99999/v1",
        "https://judge.example:/v1",
        "https://judge example/v1",
        "https://judge.example/\nv1",
        "https://judge.example//v1",
        "hf:",
        "hf:model",
        "hf:owner/model/more",
        "hf:../../secret",
        "hf:owner/model?x",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(HfscoreError) as caught:
        parse_address(text)
    assert caught.value.hint
    assert "secret" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_sentence(text: str) -> None:
    for form in (text, f"https://{text}", f"hf:{text}"):
        try:
            address = parse_address(form)
        except HfscoreError:
            continue
        assert address.kind in ("rules", "hf", "url")
        assert key_for(address, None, {}, logged_in) in (None, TOKEN)
        if address.kind == "url":
            assert (key_for(address, None, {}, logged_in) == TOKEN) == (
                address.base.lower().split("/")[2].removesuffix(":443") in ("huggingface.co", "router.huggingface.co")
            )


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8080",
        "http://localhost:8080/v1",
        "https://judge.example/v1",
        "https://api-inference.huggingface.example/v1",
        "https://huggingface.co.judge.example/v1",
        "https://judge-huggingface.co/v1",
        "https://evil.huggingface.co/v1",
        "https://my.endpoints.huggingface.cloud/v1",
        "https://router.huggingface.co:8443/v1",
        "http://router.huggingface.co/v1",
        "http://huggingface.co/v1",
    ],
)
def test_no_token_without_its_name(text: str) -> None:
    environment = {"HF_TOKEN": TOKEN, "HUGGING_FACE_HUB_TOKEN": TOKEN, "OPENAI_API_KEY": KEY}
    assert key_for(parse_address(text), None, environment, logged_in) is None


@pytest.mark.parametrize("text", ["hf:owner/model", "https://router.huggingface.co/v1", "https://huggingface.co/v1"])
def test_the_token_goes_to_hugging_face(text: str) -> None:
    address = parse_address(text)
    assert key_for(address, None, {"HF_TOKEN": TOKEN}, lambda: None) == TOKEN
    assert key_for(address, None, {}, logged_in) == TOKEN
    assert key_for(address, "MINE", {"MINE": KEY, "HF_TOKEN": TOKEN}, logged_in) == KEY


def test_inference_providers_without_a_token() -> None:
    with pytest.raises(HfscoreError, match="need a Hugging Face token"):
        key_for(parse_address("hf:owner/model"), None, {}, lambda: None)


@pytest.mark.parametrize("name", ["HF_TOKEN", "MY_KEY"])
def test_a_named_key_goes_to_the_judge_over_https_or_on_this_machine(name: str) -> None:
    for text in ("https://judge.example", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"):
        assert key_for(parse_address(text), name, {name: KEY}, logged_in) == KEY
    for text in ("http://judge.example", "http://192.168.0.7", "http://localhost.example", "http://127.0.0.1.example"):
        with pytest.raises(HfscoreError, match="in the clear") as caught:
            key_for(parse_address(text), name, {name: KEY}, logged_in)
        assert KEY not in str(caught.value)


@pytest.mark.parametrize("value", ["", "  ", "abc", "two words", "line\nbreak", "zażółć", "a\x00bcd"])
def test_a_key_that_cannot_be_sent(value: str) -> None:
    with pytest.raises(HfscoreError) as caught:
        key_for(parse_address("https://judge.example"), "MY_KEY", {"MY_KEY": value}, logged_in)
    assert not value.strip() or value not in str(caught.value)


def seen(recorder: Recorder) -> str:
    """All that a server was sent, as one text."""
    return json.dumps([recorder.paths, [dict(headers) for headers in recorder.headers], recorder.bodies])


@pytest.fixture
def everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, str]]:
    """A machine that holds a Hugging Face token and other credentials in every place where a library looks."""
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"default login me password {TOKEN}\nmachine 127.0.0.1 login me password {TOKEN}\n")
    netrc.chmod(0o600)
    stored = Path(constants.HF_TOKEN_PATH)
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_text(TOKEN)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, TOKEN)
    monkeypatch.setenv("HF_TOKEN_PATH", str(stored))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    yield os.environ
    stored.unlink()


def test_the_machine_of_these_tests_would_give_its_token_away(everywhere: Mapping[str, str]) -> None:
    assert get_token() == TOKEN
    assert key_for(parse_address("hf:owner/model"), None, {}) == TOKEN  # by the stored login


def test_nothing_reaches_a_foreign_judge_nor_a_proxy(
    everywhere: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with serving(always()) as judge, serving(always()) as proxy:
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
                monkeypatch.setenv(name, proxy.url.replace("//", f"//me:{TOKEN}@"))
            address = parse_address(judge.url)
            async with Client(address, key_for(address, None, os.environ), FAST) as client:
                assert isinstance(await client.chat({"model": "m"}), Reply)
                await client.ask("/info")
            assert not proxy.paths
            assert judge.paths == ["/v1/chat/completions", "/info"]
            assert all("Authorization" not in headers and "Cookie" not in headers for headers in judge.headers)
            assert not leaks(seen(judge))

    asyncio.run(run())


def leaks(text: str) -> bool:
    """Whether a token stands in a text, plain or as basic credentials."""
    encoded = [base64.b64encode(f"{user}:{TOKEN}".encode()).decode()[8:-8] for user in ("me", "")]
    return TOKEN in text or any(part in text for part in encoded)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_neither_key_nor_text_along(everywhere: Mapping[str, str], status: int) -> None:
    async def run() -> None:
        async with serving(always()) as other:
            redirecting = always(status, "", {"Location": f"{other.url}/v1/chat/completions"})
            async with serving(redirecting) as judge:
                address = parse_address(judge.url)
                key = key_for(address, "HF_TOKEN", os.environ)
                async with Client(address, key, FAST) as client:
                    outcome = await client.chat({"model": "m"})
                    assert isinstance(outcome, Failure)
                    assert outcome.cause == "redirect"
                    assert other.url in outcome.said
                    await client.ask("/info")
                assert judge.headers[0]["Authorization"] == f"Bearer {TOKEN}"  # the user named it for this judge
                assert not other.paths

    asyncio.run(run())


def test_a_named_key_reaches_the_judge_and_no_cookie_comes_back(everywhere: Mapping[str, str]) -> None:
    async def run() -> None:
        async with serving(always(headers={"Set-Cookie": "session=1"})) as judge:
            address = parse_address(judge.url.replace("127.0.0.1", "localhost"))  # a name may have cookies
            async with Client(address, key_for(address, "MINE", {"MINE": KEY}), FAST) as client:
                await client.chat({"model": "m"})
                await client.chat({"model": "m"})
            assert [headers["Authorization"] for headers in judge.headers] == [f"Bearer {KEY}"] * 2
            assert all("Cookie" not in headers for headers in judge.headers)
            assert not leaks(seen(judge))

    asyncio.run(run())


@given(st.text("abcXYZ019-_./+=\"'\\%&<", min_size=4, max_size=40), st.text(max_size=30))
def test_no_spelling_of_a_key_survives(key: str, around: str) -> None:
    text = f"{around} {key} {json.dumps(key)} Bearer {key}, {around}"
    assert key not in redact(text, key).replace("[key]", "\0")


def test_a_token_is_struck_out_even_where_it_was_not_sent() -> None:
    assert redact(f"found {TOKEN}.", None) == "found [key]."
    assert redact("hf_hub and hf_short stay", None) == "hf_hub and hf_short stay"


@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 422, 429, 500])
def test_a_judge_that_echoes_its_key_gets_it_into_nothing(status: int) -> None:
    said = f"you sent {KEY}, that is {json.dumps(KEY)}"
    body: Any = completion(said, model=KEY, system_fingerprint=KEY) if status == 200 else {"error": said}
    handler: Handler = always(status, body, {"Location": f"/{KEY}", "X-Request-Id": KEY})

    async def run() -> None:
        async with serving(handler) as judge, Client(parse_address(judge.url), KEY, FAST) as client:
            outcome = await client.chat({"model": "m"})
            assert isinstance(outcome, Reply if status == 200 else Failure)
            assert KEY not in repr(outcome)
            if isinstance(outcome, Failure):
                assert KEY not in str(client.explain(outcome, "m"))
            assert KEY not in repr(client)

    asyncio.run(run())


def test_garbage_that_holds_the_key_is_cleaned_too() -> None:
    async def run() -> Reply | Failure:
        async with serving(always(200, f"<html>{KEY}")) as judge, Client(parse_address(judge.url), KEY, FAST) as client:
            return await client.chat({"model": "m"})

    outcome = asyncio.run(run())
    assert isinstance(outcome, Failure)
    assert KEY not in repr(outcome)
    assert "[key]" in outcome.said
