"""The values of a request: what each server refuses, and the call that is left.

TGI's bounds and words are facts of text-generation-inference 3.3 (router/src/validation.rs). The other two dialects are
sketches: one of a server with OpenAI's form of constraint, one of a server that takes any constraint and obeys none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from hfscore.loopback.tgi_grammar import Constraint, GrammarError, from_regex, from_schema
from hfscore.loopback.tgi_model import Message, Sampling, count, template
from hfscore.loopback.tgi_wire import NATIVE, Refused, check_fields, invalid, shape, tagged

Dialect = Literal["tgi", "openai", "unconstrained"]

MOST_STOPS: Final = 4
MOST_ALTERNATIVES: Final = {"tgi": 5, "openai": 20, "unconstrained": 20}
MOST_BEST_OF: Final = 2
DEFAULT_ROOM: Final = 1024
NATIVE_ROOM: Final = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server takes: tokens of a prompt, tokens of prompt and answer together, and its dialect."""

    input_tokens: int
    total_tokens: int
    dialect: Dialect = "tgi"


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was understood.

    Args:
        messages: What is asked.
        prompt: The same as one text.
        prompt_tokens: Its tokens.
        constraint: What the answer must be, or None.
        sampling: How it is drawn.
        logprobs: Whether log-probabilities are asked for.
        stream: Whether a stream is asked for.
        details: Whether the native route is to list tokens.
        full: Whether the native route is to repeat the prompt.
        best_of: How many answers the native route draws.
    """

    messages: Sequence[Message]
    prompt: str
    prompt_tokens: int
    constraint: Constraint | None
    sampling: Sampling
    logprobs: bool = False
    stream: bool = False
    details: bool = False
    full: bool = False
    best_of: int = 1


def check_chat(data: Mapping[str, Any], messages: Sequence[Message], limits: Limits, size: int, draw: int) -> Call:
    """A chat whose shape is right, its values checked; `draw` seeds it where it names no seed.

    Raises:
        Refused: A value is out of bounds.
    """
    temperature = data.get("temperature")
    _check_values({**data, "temperature": temperature or None}, ("temperature", "top_p", "frequency_penalty"))
    room = _room(data)
    top = data.get("top_logprobs") or 0
    _check_counts(room, data.get("stop") or (), top)
    constraint = _constraint(tagged(data.get("response_format"), "response_format", size))
    prompt = template(messages)
    tokens, room = _fitted(prompt, room, limits)
    seed = data.get("seed")
    sampling = Sampling(
        room,
        1.0 if temperature is None else temperature,
        draw if seed is None else seed,
        tuple(data.get("stop") or ()),
        top,
    )
    wants = bool(data.get("logprobs"))
    return Call(messages, prompt, tokens, constraint, sampling, wants, bool(data.get("stream")))


def check_native(inputs: str, given: Mapping[str, Any], limits: Limits, size: int, draw: int) -> Call:
    """A native request whose shape is right, its values checked.

    Raises:
        Refused: A value is out of bounds.
    """
    best_of, seed = given.get("best_of") or 1, given.get("seed")
    sampled = bool(given.get("do_sample")) or any(
        given.get(name) is not None for name in ("temperature", "top_k", "top_p", "typical_p")
    )
    if best_of > MOST_BEST_OF:
        raise invalid(f"`best_of` must be > 0 and <= {MOST_BEST_OF}. Given: {best_of}")
    if best_of > 1 and not sampled:
        raise invalid("you must use sampling when `best_of` is > 1")
    _check_values(given, tuple(_BOUNDS))
    if seed is not None and best_of > 1:
        raise invalid("`seed` must not be set when `best_of` > 1")
    room, top = given.get("max_new_tokens", NATIVE_ROOM), given.get("top_n_tokens") or 0
    _check_counts(room, given.get("stop") or (), top)
    if not inputs:
        raise invalid("`inputs` cannot be empty")
    truncate = given.get("truncate")
    if truncate is not None and not 0 < truncate <= limits.input_tokens:
        raise invalid(f"`truncate` must be strictly positive and less than {limits.input_tokens}. Given: {truncate}")
    constraint = _constraint(tagged(given.get("grammar"), "parameters.grammar", size))
    tokens, room = _fitted(inputs, room, limits, truncate)
    temperature = (given.get("temperature") or 1.0) if sampled else 0.0
    sampling = Sampling(room, temperature, draw if seed is None else seed, tuple(given.get("stop") or ()), top)
    return Call(
        [{"role": "user", "content": inputs}],
        inputs,
        tokens,
        constraint,
        sampling,
        details=bool(given.get("details") or given.get("decoder_input_details")),
        full=bool(given.get("return_full_text")),
        best_of=best_of,
    )


def check_completion(data: Mapping[str, Any], limits: Limits, size: int, draw: int) -> Call:
    """A request for a text completion, of one prompt: the native route under other names.

    Raises:
        Refused: Its shape is wrong, or a value is out of bounds.
    """
    prompt = data.get("prompt")
    if not isinstance(prompt, str):
        raise shape("missing field `prompt`" if prompt is None else "prompt: this server takes one string", size)
    names = {
        "max_tokens": "max_new_tokens",
        "temperature": "temperature",
        "top_p": "top_p",
        "seed": "seed",
        "stop": "stop",
    }
    given = {ours: data[name] for name, ours in names.items() if data.get(name) is not None}
    check_fields(given, NATIVE, size)
    return check_native(prompt, given, limits, size, draw)


_BOUNDS: Final[Mapping[str, tuple[Callable[[float], bool], str]]] = {
    "temperature": (lambda value: value > 0, "must be strictly positive"),
    "repetition_penalty": (lambda value: value > 0, "must be strictly positive"),
    "frequency_penalty": (lambda value: -2 <= value <= 2, "must be >= -2.0 and <= 2.0"),
    "top_p": (lambda value: 0 < value < 1, "must be > 0.0 and < 1.0"),
    "typical_p": (lambda value: 0 < value < 1, "must be > 0.0 and < 1.0"),
    "top_k": (lambda value: value > 0, "must be strictly positive"),
}


def _check_values(data: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in names:
        holds, words = _BOUNDS[name]
        if data.get(name) is not None and not holds(data[name]):
            raise invalid(f"`{name}` {words}")


def _check_counts(room: int | None, stop: Sequence[str], top: int) -> None:
    if room == 0:
        raise invalid("`max_new_tokens` must be strictly positive")
    if len(stop) > MOST_STOPS:
        raise invalid(f"`stop` supports up to {MOST_STOPS} stop sequences. Given: {len(stop)}")
    if top > MOST_ALTERNATIVES["tgi"]:
        raise invalid(f"`top_n_tokens` must be >= 0 and <= {MOST_ALTERNATIVES['tgi']}. Given: {top}")


def _room(data: Mapping[str, Any]) -> int | None:
    """Tokens of an answer, at most, under either name."""
    named: int | None = data.get("max_tokens")
    return data.get("max_completion_tokens") if named is None else named


def _fitted(prompt: str, room: int | None, limits: Limits, truncate: int | None = None) -> tuple[int, int]:
    """Tokens of the prompt and of the answer, at most.

    Raises:
        Refused: Together they are too many.
    """
    tokens = min(count(prompt), truncate or limits.input_tokens + limits.total_tokens)
    left = max(0, limits.total_tokens - tokens)
    room = min(left, DEFAULT_ROOM) if room is None else room
    if tokens + room > limits.total_tokens:
        raise invalid(
            f"`inputs` tokens + `max_new_tokens` must be <= {limits.total_tokens}. "
            f"Given: {tokens} `inputs` tokens and {room} `max_new_tokens`"
        )
    if tokens > limits.input_tokens:
        raise invalid(f"`inputs` must have less than {limits.input_tokens} tokens. Given: {tokens}")
    return tokens, room


def _constraint(grammar: tuple[str, Any] | None) -> Constraint | None:
    if grammar is None:
        return None
    kind, value = grammar
    try:
        if kind == "regex":
            return from_regex(value)
        value = json.loads(value) if isinstance(value, str) else value
        constraint = from_schema(value)
    except ValueError as problem:
        raise invalid(f"grammar is not valid: {problem}") from None
    except GrammarError as problem:
        raise invalid(f"grammar is not valid: {problem}") from None
    if "properties" not in value:
        raise invalid("grammar is not valid: Grammar must have a 'properties' field")
    return constraint


def check_openai(data: Mapping[str, Any], messages: Sequence[Message], limits: Limits, draw: int) -> Call:
    """A chat as a server with OpenAI's forms takes it: fields it does not know are ignored, TGI's constraints too.

    Raises:
        Refused: A value is out of bounds, with status 400.
    """
    room, top = _room(data), data.get("top_logprobs") or 0
    if top > MOST_ALTERNATIVES[limits.dialect]:
        raise wrong(f"top_logprobs must be at most {MOST_ALTERNATIVES[limits.dialect]}", "invalid_value")
    prompt = template(messages)
    tokens = count(prompt)
    left = limits.total_tokens - tokens
    if left < (room or 1):
        words = f"This model's maximum context length is {limits.total_tokens} tokens, not {tokens + (room or 1)}."
        raise wrong(words, "context_length_exceeded")
    temperature, seed, stop = data.get("temperature"), data.get("seed"), data.get("stop") or ()
    sampling = Sampling(
        room or left,
        1.0 if temperature is None else temperature,
        draw if seed is None else seed,
        (stop,) if isinstance(stop, str) else tuple(stop),
        top,
    )
    obeys = limits.dialect == "openai"
    constraint = _openai_constraint(data.get("response_format")) if obeys else None
    wants = obeys and bool(data.get("logprobs"))
    return Call(messages, prompt, tokens, constraint, sampling, wants, bool(data.get("stream")))


def _openai_constraint(form: Any) -> Constraint | None:
    kind = form.get("type") if isinstance(form, Mapping) else None
    try:
        if kind == "json_schema" and isinstance(form.get("json_schema"), Mapping):
            return from_schema(form["json_schema"].get("schema"))
        return from_schema({"type": "object"}) if kind == "json_object" else None
    except GrammarError as problem:
        raise wrong(f"Invalid schema for response_format: {problem}", "invalid_json_schema") from None


def wrong(words: str, code: str) -> Refused:
    """A refusal as OpenAI's API words it."""
    return Refused(400, {"error": {"message": words, "type": "invalid_request_error", "param": None, "code": code}})
