"""A chat completion as the rest of the judge may trust it: types checked, numbers finite, texts encodable. Pure.

A server may send anything. What is needed and wrong makes the whole reply garbage; what is only of interest and wrong
counts as not sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Finish = Literal["stop", "length", "other"]
Position = Mapping[str, Any]

_FINISH: Final[Mapping[str, Finish]] = {
    "stop": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",  # TGI's name for a stop string
    "length": "length",
    "max_tokens": "length",
}
HEADERS: Final = ("x-queue-time", "x-inference-time", "x-total-time", "x-request-id", "x-inference-provider")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_HAIR = 1e-3  # rounding may lift a log-probability of 0 a little above it
_NEVER = -1e6  # a log-probability below this says "impossible"
_MOST_TOKENS = 10**9


class GarbageError(Exception):
    """A reply that is no chat completion; its message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Args:
        content: The text; empty where a model spent its room on thinking.
        finish: Why it ended.
        logprobs: An entry a token with "token", "logprob" and "top_logprobs" (a list of the first two), natural
            logarithms, None for minus infinity; None where the server gives none.
        prompt_tokens: Tokens sent, or None.
        completion_tokens: Tokens answered, or None.
        cached_tokens: Tokens sent that a prefix cache held, or None.
        model: The model the server says answered; may be empty.
        fingerprint: The server's word for its own build or weights, or None.
        thinking: Whether the server set a thinking part apart from the text.
        headers: Those of `HEADERS` that came.
        tries: How often the call was sent.
        seconds: From sending to the whole answer, of the last try.
    """

    content: str
    finish: Finish
    logprobs: tuple[Position, ...] | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    model: str = ""
    fingerprint: str | None = None
    thinking: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    tries: int = 1
    seconds: float = 0.0


def parse(payload: bytes, headers: Mapping[str, str], clean: Callable[[str], str]) -> Reply:
    """Read the body of a 200.

    Args:
        payload: The body, whole.
        headers: The answer's headers, names in any case as its mapping allows.
        clean: What every text passes through, such as the removal of a key.

    Raises:
        GarbageError: It is no chat completion.
    """

    def text(value: Any) -> str:
        return clean(_SURROGATE.sub("\ufffd", value)) if isinstance(value, str) else ""

    data = load(payload)
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise GarbageError("no choices")
    choice = choices[0]
    message = choice.get("message")
    if not isinstance(message, dict):
        raise GarbageError("no message")
    thinking = any(isinstance(message.get(name), str) and message[name] for name in ("reasoning_content", "reasoning"))
    if not isinstance(message.get("content"), str) and not (message.get("content") is None and thinking):
        raise GarbageError("no text in the message")
    reason = choice.get("finish_reason")
    if not isinstance(reason, str):
        raise GarbageError("no finish_reason")
    usage = _mapping(data.get("usage"))
    return Reply(
        content=text(message.get("content")),
        finish=_FINISH.get(reason, "other"),
        logprobs=_positions(choice.get("logprobs"), text),
        prompt_tokens=count(usage.get("prompt_tokens")),
        completion_tokens=count(usage.get("completion_tokens")),
        cached_tokens=count(_mapping(usage.get("prompt_tokens_details")).get("cached_tokens")),
        model=text(data.get("model"))[:200],
        fingerprint=text(data.get("system_fingerprint"))[:200] or None,
        thinking=thinking,
        headers={name: text(headers[name])[:200] for name in HEADERS if name in headers},
    )


def load(payload: bytes) -> dict[str, Any]:
    """A JSON object from bytes that may be anything.

    Raises:
        GarbageError: They are none.
    """
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):  # not UTF-8, not JSON, a number of 5,000 digits, 100,000 brackets
        raise GarbageError("no JSON" if payload.strip() else "an empty body") from None
    if not isinstance(data, dict):
        raise GarbageError("no JSON object")
    return data


def count(value: Any) -> int | None:
    """A plausible count, or None."""
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _positions(logprobs: Any, text: Callable[[Any], str]) -> tuple[Position, ...] | None:
    if logprobs is None:
        return None
    if not isinstance(logprobs, dict):
        raise GarbageError("logprobs are no object")
    content = logprobs.get("content")
    if content is None:
        return None
    if not isinstance(content, list):
        raise GarbageError("logprobs are no list")
    return tuple(
        _entry(entry, text)
        | {"top_logprobs": [_entry(top, text) for top in _listed(_mapping(entry).get("top_logprobs"))]}
        for entry in content
    )


def _listed(value: Any) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise GarbageError("top_logprobs are no list")
    return value or []


def _entry(entry: Any, text: Callable[[Any], str]) -> dict[str, Any]:
    if not isinstance(entry, dict) or not isinstance(entry.get("token"), str):
        raise GarbageError("a log-probability without its token")
    value = entry.get("logprob")
    if value is not None and (type(value) not in (int, float) or not value <= _HAIR):
        raise GarbageError("a log-probability that is none")
    # Behind a grammar's mask TGI writes null, as JSON has no infinity, and llama.cpp the lowest number it has.
    if value is None or value < _NEVER:
        return {"token": text(entry["token"]), "logprob": None}
    return {"token": text(entry["token"]), "logprob": min(0.0, float(value))}
