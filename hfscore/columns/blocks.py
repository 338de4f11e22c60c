"""Contents of messages: plain text, or lists of typed blocks, thoughts and calls among them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hfscore.columns.paths import is_list

_REASONING_BLOCKS = frozenset({"thinking", "reasoning", "thought", "summary_text", "reasoning_text", "think"})
_ACTION_BLOCKS = frozenset(
    {"tool_use", "tool_call", "toolCall", "function_call", "server_tool_use", "local_shell_call"}
    | {"custom_tool_call", "web_search_call"}
)
_OBSERVATION_BLOCKS = frozenset(
    {"tool_result", "function_call_output", "tool_response", "toolResult", "custom_tool_call_output"}
)
_TEXT_KEYS = ("text", "thinking", "reasoning", "content", "summary", "parts", "value", "output", "data")
_DEPTH = 6  # nesting of blocks that is still read


class Blocks:
    """Collects the pieces of a content: plain text, or a list of typed blocks."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.thought: list[str] = []
        self.called: list[str] = []
        self.seen: list[str] = []

    def read(self, content: Any, depth: int = 0) -> None:
        """Sort one content into text, thoughts, calls and observations."""
        if isinstance(content, str):
            if content.strip():
                self.text.append(content.strip())
        elif is_list(content) and depth < _DEPTH:
            for block in content:
                self.read(block, depth + 1)
        elif isinstance(content, Mapping) and depth < _DEPTH:
            self._block(content, depth)

    def _block(self, block: Mapping[str, Any], depth: int) -> None:
        kind = block.get("type")
        if kind in _REASONING_BLOCKS if isinstance(kind, str) else False:
            self.thought.append(text_of(block).strip())
            self.thought = [part for part in self.thought if part]
        elif kind in _ACTION_BLOCKS if isinstance(kind, str) else False:
            self.called.append(call_text(block))
        elif kind in _OBSERVATION_BLOCKS if isinstance(kind, str) else False:
            self.seen.append(text_of(block).strip())
        else:
            inner = next((block[k] for k in _TEXT_KEYS if block.get(k)), "")
            self.read(inner, depth + 1)


def text_of(value: Any, depth: int = 0) -> str:
    """The text of a string, of a list of texts, or of a struct that holds some."""
    if isinstance(value, str):
        return value
    if depth >= _DEPTH:
        return ""
    if is_list(value):
        return "\n\n".join(filter(None, (text_of(item, depth + 1) for item in value)))
    if isinstance(value, Mapping):
        for key in _TEXT_KEYS:
            if value.get(key) and (text := text_of(value[key], depth + 1)):
                return text
    return ""


def call_text(value: Any, depth: int = 0) -> str:
    """A call as text, `name(arguments)`; several on lines of their own."""
    if isinstance(value, str):
        return value.strip()
    if is_list(value):
        return "\n".join(filter(None, (call_text(item, depth + 1) for item in value if depth < _DEPTH)))
    if not isinstance(value, Mapping):
        return ""
    call = value["function"] if isinstance(value.get("function"), Mapping) else value
    name = call.get("name")
    arguments = next((call[k] for k in ("arguments", "input", "parameters", "args") if k in call), None)
    if not isinstance(name, str):
        return _dump(value)
    return f"{name}({arguments if isinstance(arguments, str) else _dump(arguments)})"


def _dump(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str) if value is not None else ""
    except (ValueError, TypeError, RecursionError):
        return ""
