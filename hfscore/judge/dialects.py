"""What servers of one chat route differ in: how an answer is constrained, what is counted, how many calls they take.

A constraint has several spellings; which of them a server obeys is found out by asking (`server.probe`), since servers
answer 200 to spellings that they ignore. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Dialect = Literal["tgi", "vllm", "sglang", "llama.cpp", "transformers", "inference-providers", "openai"]
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Server:
    """What a judge's server was found to be.

    Args:
        dialect: Which server it is, as far as it tells.
        model: The model's name, as it is asked for and reported.
        revision: What the server says of the weights' revision, or None.
        version: The server's own version, or None.
        concurrency: Calls that it takes at once, or None if unknown.
        input_tokens: Tokens of a prompt, at most, or None if unknown.
        total_tokens: Tokens of prompt and answer together, at most, or None if unknown.
        labels: Key of `LABELS` for the spelling of a choice that it was seen to enforce, or None.
        schema: Key of `SCHEMAS` for the spelling of a JSON schema that it was seen to enforce, or None.
        logprobs: Alternatives a token for which it gives log-probabilities, 0 for none.
        repeats: Whether one request, sent twice at temperature 0, got one answer.
        prefix_cache: Whether it was seen to reuse a prompt.
        thinks: Whether it thought before its answers although asked not to.
        notes: What it cannot do, and what is done instead, sentences for the report.
    """

    dialect: Dialect
    model: str
    revision: str | None = None
    version: str | None = None
    concurrency: int | None = None
    input_tokens: int | None = None
    total_tokens: int | None = None
    labels: str | None = None
    schema: str | None = None
    logprobs: int = 0
    repeats: bool | None = None
    prefix_cache: bool = False
    thinks: bool = False
    notes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """What names the build that answers: kind and version of the server, and revision of the model."""
        return " ".join(filter(None, (self.dialect, self.version, self.revision)))


def _choice(labels: Sequence[str]) -> str:
    return "(" + "|".join(map(re.escape, labels)) + ")"


def _gbnf(labels: Sequence[str]) -> str:
    return "root ::= " + " | ".join(json.dumps(label, ensure_ascii=False) for label in labels)


LABELS: Final[Mapping[str, Callable[[Sequence[str]], dict[str, Any]]]] = {
    "response_format regex": lambda labels: {"response_format": {"type": "regex", "value": _choice(labels)}},  # TGI
    "structured_outputs": lambda labels: {"structured_outputs": {"choice": list(labels)}},  # vLLM 0.12 and later
    "guided_choice": lambda labels: {"guided_choice": list(labels)},  # vLLM before
    "regex": lambda labels: {"regex": _choice(labels)},  # SGLang
    "grammar": lambda labels: {"grammar": _gbnf(labels)},  # llama.cpp's GBNF
}
"""Spellings of "one of these labels and nothing else"."""

SCHEMAS: Final[Mapping[str, Callable[[Schema], dict[str, Any]]]] = {
    "response_format value": lambda schema: {"response_format": {"type": "json", "value": schema}},  # TGI
    "json_schema": lambda schema: {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": schema},
        }
    },  # OpenAI
    "json_object": lambda schema: {"response_format": {"type": "json_object", "schema": schema}},  # llama-cpp-python
    "structured_outputs json": lambda schema: {"structured_outputs": {"json": schema}},
    "guided_json": lambda schema: {"guided_json": schema},
}
"""Spellings of "a JSON value of this schema and nothing else"."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a kind of server before it is asked.

    Args:
        labels: Spellings of a choice to try, in order.
        schemas: Spellings of a schema to try, in order.
        alternatives: Most `top_logprobs` that it accepts.
        quiet: Fields of a body that keep a model from thinking at length before it answers.
        concurrency: Calls that it takes at once where it does not say, or None.
    """

    labels: tuple[str, ...] = ("structured_outputs", "guided_choice", "regex", "grammar")
    schemas: tuple[str, ...] = ("json_schema", "json_object")
    alternatives: int = 20
    quiet: Mapping[str, Any] = field(default_factory=dict)
    concurrency: int | None = None


_NO_THINKING: Final = {"chat_template_kwargs": {"enable_thinking": False}}  # read by Qwen3's template and its like

TRAITS: Final[Mapping[Dialect, Traits]] = {
    "tgi": Traits(("response_format regex",), ("response_format value",), alternatives=5),
    "vllm": Traits(
        ("structured_outputs", "guided_choice"),
        ("json_schema", "structured_outputs json", "guided_json"),
        quiet=_NO_THINKING,
    ),
    "sglang": Traits(("regex",), ("json_schema",), quiet=_NO_THINKING),
    "llama.cpp": Traits(("grammar",), ("json_schema", "json_object"), quiet=_NO_THINKING),
    "transformers": Traits((), ("json_schema",), alternatives=5, concurrency=8),  # 5.23 ignores both, with a 200
    "inference-providers": Traits(alternatives=5),
    "openai": Traits(("structured_outputs", "guided_choice", "regex", "grammar", "response_format regex")),
}


def constrain_labels(body: Mapping[str, Any], labels: Sequence[str], server: Server) -> dict[str, Any]:
    """The body, asking for one of the labels and nothing else; without a constraint where the server enforces none."""
    spelled = LABELS[server.labels](labels) if server.labels else {}
    return {**quiet(body, server), **spelled}


def constrain_schema(body: Mapping[str, Any], schema: Schema, server: Server) -> dict[str, Any]:
    """The body, asking for JSON of the schema; without a constraint where the server enforces none."""
    spelled = SCHEMAS[server.schema](schema) if server.schema else {}
    return {**quiet(body, server), **spelled}


def quiet(body: Mapping[str, Any], server: Server) -> dict[str, Any]:
    """The body, asking the model not to think at length first, where the server has a word for it."""
    return {**body, **TRAITS[server.dialect].quiet}
