"""Control tokens of chat templates, and characters that nobody sees: what must not reach a model as part of a text."""

from __future__ import annotations

import re
from typing import Final

_LEFT, _RIGHT, _BAR = "[<＜﹤]", "[>＞﹥]", "[|｜]"  # a tokenizer that normalises makes one of each
_NAMES = (
    "/?s",
    "(?:start|begin|end)_of_[a-z]{2,12}",
    "(?:bos|eos|pad|unk|mask|sop|eop)(?:_token)?",
    "(?:extra_id|special|reserved)_[0-9]{1,4}",
    f"{_BAR}?/?(?:system|user|assistant|tool){_BAR}?",
)
_BRACKETED = "INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|THINK|IMG|gMASK"
_CONTROL_TOKEN: Final = re.compile(
    # ChatML, Llama, Phi, Command, Qwen, GLM; DeepSeek with its wide bars; Gemma with a bar on one side.
    rf"{_LEFT}{_BAR}[^|｜<>＜＞\n]{{1,48}}{_BAR}{_RIGHT}"
    rf"|{_LEFT}{_BAR}[a-z_]{{2,32}}{_RIGHT}|{_LEFT}[a-z_]{{2,32}}{_BAR}{_RIGHT}"
    # Llama 2, Mistral, Gemma, T5, Nemotron, Baichuan.
    rf"|{_LEFT}(?:{'|'.join(_NAMES)}){_RIGHT}|\[/?(?:{_BRACKETED})\]|{_LEFT}{{2}}/?SYS{_RIGHT}{{2}}",
    re.IGNORECASE,
)
_PASSES: Final = 4
_BRACKETS: Final = str.maketrans("<＜﹤>＞﹥[]", "‹‹‹›››()")

_INVISIBLE: Final = re.compile(
    # Controls but tab and line ends, soft hyphens, fillers, joiners, marks of direction, selectors, tags.
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)


def without_control(text: str, instead: str) -> str:
    """A text without what nobody sees, its control tokens replaced, in linear time.

    Args:
        text: Any text.
        instead: What stands for a control token.

    Returns:
        The text. Where tokens are nested so deep that replacing them keeps making new ones, all its brackets are
        turned into others instead.
    """
    text = _INVISIBLE.sub("", text)
    for _ in range(_PASSES):
        text, found = _CONTROL_TOKEN.subn(instead, text)
        if not found:
            return text
    return text.translate(_BRACKETS) if _CONTROL_TOKEN.search(text) else text
