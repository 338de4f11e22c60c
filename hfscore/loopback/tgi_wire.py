"""The shape of a request to TGI: what its web framework and its router refuse before a value is looked at.

Facts of text-generation-inference 3.3 (router/src/server.rs, lib.rs). A body of the wrong shape is refused by the web
framework in plain text; a body of the right shape with wrong values by the router in JSON. Of the fields that the
router knows and this server does nothing with, the types are still checked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final


class Refused(Exception):  # noqa: N818 - an answer, not an error of ours
    """A request is refused.

    Args:
        status: Status to answer with.
        body: A text as the framework writes it, or a JSON object as the router does.
    """

    def __init__(self, status: int, body: str | Mapping[str, Any]) -> None:
        super().__init__(body)
        self.status = status
        self.body = body


def error(words: str, kind: str) -> dict[str, str]:
    """A JSON error as the router writes it."""
    return {"error": words, "error_type": kind}


def invalid(words: str) -> Refused:
    """A right shape with a wrong value."""
    return Refused(422, error(f"Input validation error: {words}", "validation"))


def shape(words: str, size: int) -> Refused:
    """A wrong shape, in the framework's plain text."""
    where = f" at line 1 column {size}"
    return Refused(422, f"Failed to deserialize the JSON body into the target type: {words}{where}")


def load(body: bytes, content_type: str) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        Refused: It is none, or is not said to be one.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Refused(415, "Expected request with `Content-Type: application/json`")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise Refused(400, f"Failed to parse the request body as JSON: {problem}") from None
    if not isinstance(data, dict):
        raise shape("invalid type: expected a map", len(body))
    return data


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


Check = tuple[Callable[[Any], bool], str]
_TEXT: Final[Check] = (lambda value: isinstance(value, str), "a string")
_FLAG: Final[Check] = (lambda value: isinstance(value, bool), "a boolean")
_COUNT: Final[Check] = (_is_count, "u32")
_WHOLE: Final[Check] = (lambda value: type(value) is int, "i32")
_NUMBER: Final[Check] = (_is_number, "f32")
_TEXTS: Final[Check] = (_is_texts, "a sequence")
_LIST: Final[Check] = (lambda value: isinstance(value, list), "a sequence")
_NUMBERS: Final[Check] = (lambda value: isinstance(value, list) and all(map(_is_number, value)), "a sequence")

CHAT: Final[Mapping[str, Check]] = {
    "model": _TEXT,
    "messages": _LIST,
    "frequency_penalty": _NUMBER,
    "presence_penalty": _NUMBER,
    "logit_bias": _NUMBERS,
    "logprobs": _FLAG,
    "top_logprobs": _COUNT,
    "max_tokens": _COUNT,
    "max_completion_tokens": _COUNT,
    "n": _COUNT,
    "stop": _TEXTS,
    "stream": _FLAG,
    "seed": _COUNT,
    "temperature": _NUMBER,
    "top_p": _NUMBER,
    "tools": _LIST,
    "tool_prompt": _TEXT,
    "guideline": _TEXT,
}
NATIVE: Final[Mapping[str, Check]] = {
    "best_of": _COUNT,
    "temperature": _NUMBER,
    "repetition_penalty": _NUMBER,
    "frequency_penalty": _NUMBER,
    "top_k": _WHOLE,
    "top_p": _NUMBER,
    "typical_p": _NUMBER,
    "do_sample": _FLAG,
    "max_new_tokens": _COUNT,
    "return_full_text": _FLAG,
    "stop": _TEXTS,
    "truncate": _COUNT,
    "watermark": _FLAG,
    "details": _FLAG,
    "decoder_input_details": _FLAG,
    "seed": _COUNT,
    "top_n_tokens": _COUNT,
    "adapter_id": _TEXT,
}


def check_fields(data: Mapping[str, Any], table: Mapping[str, Check], size: int, prefix: str = "") -> None:
    """Refuse a field of the wrong type; null is no field."""
    for name, (holds, expected) in table.items():
        value = data.get(name)
        if value is not None and not holds(value):
            shown = json.dumps(value)[:60]
            raise shape(f"{prefix}{name}: invalid type: {shown}, expected {expected}", size)


def read_messages(data: Mapping[str, Any], size: int) -> list[dict[str, str]]:
    """The messages of a chat; the parts of a message that are texts are joined."""
    if data.get("messages") is None:
        raise shape("missing field `messages`", size)
    messages = []
    for place, one in enumerate(data["messages"]):
        if not isinstance(one, dict) or not isinstance(one.get("role"), str):
            raise shape(f"messages[{place}]: missing field `role`", size)
        content = one.get("content") or ""
        if isinstance(content, list):
            content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
        if not isinstance(content, str):
            raise shape(f"messages[{place}].content: data did not match any variant of untagged enum", size)
        messages.append({"role": one["role"], "content": content})
    return messages


def read_chat(data: Mapping[str, Any], size: int) -> list[dict[str, str]]:
    """The messages of a chat whose every field has the right type, before its values are looked at.

    Raises:
        Refused: The shape is wrong, or tools and a constraint are asked for together.
    """
    check_fields(data, CHAT, size)
    messages = read_messages(data, size)
    grammar = tagged(data.get("response_format"), "response_format", size)
    if grammar and data.get("tools") is not None:
        raise Refused(422, error("Tool error: Grammar and tools are mutually exclusive", "tool_error"))
    if not messages:
        raise Refused(422, error("Template error: the template needs a message", "template_error"))
    return messages


def read_native(data: Mapping[str, Any], size: int) -> Mapping[str, Any]:
    """The parameters of a native request, their types checked."""
    if "inputs" not in data:
        raise shape("missing field `inputs`", size)
    parameters = data.get("parameters", {})
    if not isinstance(data["inputs"], str) or not isinstance(parameters, dict):
        raise shape("invalid type, expected a string", size)
    check_fields(parameters, NATIVE, size, "parameters.")
    tagged(parameters.get("grammar"), "parameters.grammar", size)
    return parameters


def tagged(grammar: Any, name: str, size: int) -> tuple[str, Any] | None:
    """Kind and value of a constraint in TGI's form; OpenAI's form lacks the value.

    Raises:
        Refused: It has another form.
    """
    if grammar is None:
        return None
    if not isinstance(grammar, dict) or "type" not in grammar:
        raise shape(f"{name}: missing field `type`", size)
    kind = {"json_object": "json"}.get(grammar["type"], grammar["type"])
    if kind not in ("json", "json_schema", "regex"):
        raise shape(f"{name}: unknown variant `{kind}`, expected one of `json`, `json_schema`, `regex`", size)
    if "value" not in grammar:
        raise shape(f"{name}: missing field `value`", size)
    value = grammar["value"]
    if kind == "regex" and not isinstance(value, str):
        raise shape(f"{name}: invalid type: {json.dumps(value)[:60]}, expected a string", size)
    if kind == "json_schema":
        if not isinstance(value, dict) or "schema" not in value:
            raise shape(f"{name}: missing field `schema`", size)
        return "json", value["schema"]
    return kind, value
