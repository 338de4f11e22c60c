"""Which way a chat template takes a trace, found by trying it on a short conversation.

Templates differ in where they take reasoning from, and some drop it. Knows no model library: a tokenizer is anything
with `get_chat_template` and `apply_chat_template` as transformers has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jinja2 import TemplateError

from hfscore.records import Trace
from hfscore.text.training_text import Message, conversation

FIELDS = ("reasoning_content", "thinking", "reasoning")  # of a message, as templates in use name them

# What a template can raise: its own refusals, and the errors of the expressions in it.
TEMPLATE_ERRORS = (TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

# Some templates print the date; a fixed one keeps a text, and so its scores, the same on every day.
_DAY = {
    "%Y": "2024",
    "%m": "07",
    "%d": "26",
    "%B": "July",
    "%b": "Jul",
    "%A": "Friday",
    "%H": "12",
    "%M": "00",
    "%S": "00",
}
_ON_THAT_DAY = (
    "{% macro strftime_now(form) %}{{ form"
    + "".join(f" | replace('{sign}', '{word}')" for sign, word in _DAY.items())
    + " }}{% endmacro %}"
)

_QUESTION, _REASONING, _RESPONSE = "Which number is asked for?", "Two threes make six.", "The number is six."
_PROBE = Trace("", "", 0, 0, _QUESTION, _REASONING, _RESPONSE)


@dataclass(frozen=True, slots=True)
class Form:
    """How a trace becomes text.

    Args:
        through: The chat "template"; the template's "prompt" with the rest behind it, where the template drops
            reasoning; "text", where there is no template; "refused", where it renders not even a short conversation.
        field: Field of the assistant's message that takes the reasoning; None for think tags in its content.
        closing: What follows the last turn.
    """

    through: Literal["template", "prompt", "text", "refused"]
    field: str | None = None
    closing: str = ""


def template_of(tokenizer: Any) -> str | None:
    """The chat template; None where there is none, or several and no default."""
    try:
        template: str = tokenizer.get_chat_template()
    except ValueError:
        return None
    return template


def apply(tokenizer: Any, messages: Sequence[Message], *, add_generation_prompt: bool = False) -> str:
    """Render a conversation.

    Raises:
        TEMPLATE_ERRORS: The template refuses it, or fails.
    """
    template = template_of(tokenizer) or ""
    text: str = tokenizer.apply_chat_template(
        list(messages),
        chat_template=_ON_THAT_DAY + template if "strftime_now" in template else template or None,
        tokenize=False,
        add_generation_prompt=add_generation_prompt,
    )
    return text


def refusal(tokenizer: Any, error: BaseException) -> str:
    """Why a template failed; in its own words only where they stand in the template and so hold no row's text."""
    said = str(error).strip()
    template = template_of(tokenizer) or ""
    if f"'{said}'" in template or f'"{said}"' in template:
        return f"the chat template refuses it: {said[:100]}"
    return f"the chat template fails ({type(error).__name__})"


def render(tokenizer: Any, form: Form, messages: list[Message], *, apart: bool) -> tuple[str, str]:
    """Write a conversation as a model would be trained on it.

    Args:
        tokenizer: The model's.
        form: Its `form_of`, with a template.
        messages: From `conversation`.
        apart: Whether the last message holds reasoning and a response set apart from it.

    Returns:
        The text, and what closes it.

    Raises:
        TEMPLATE_ERRORS: The template refuses it, or fails.
    """
    if form.through != "prompt" or not apart:
        return apply(tokenizer, messages), form.closing
    closing = tokenizer.eos_token or ""
    return "".join(prompt_and_rest(tokenizer, messages)) + closing, closing


def prompt_and_rest(tokenizer: Any, messages: Sequence[Message]) -> tuple[str, str]:
    """The template's prompt, and the answer behind it without the think tag that the prompt may end in.

    Raises:
        TEMPLATE_ERRORS: The template refuses it, or fails.
    """
    prompt = apply(tokenizer, messages[:1], add_generation_prompt=True)
    opening = next((end for end in ("<think>\n", "<think>") if prompt.endswith(end)), "")
    return prompt, messages[-1]["content"].removeprefix(opening)


def form_of(tokenizer: Any) -> Form:
    """Try a template on a short conversation: which way does it keep reasoning and response?"""
    template = template_of(tokenizer)
    if template is None:
        return Form("text")
    for field_name in (*(one for one in FIELDS if one in template), None):
        before, found, closing = _tried(tokenizer, conversation(_PROBE, field_name)).rpartition(_RESPONSE)
        if found and _QUESTION in before and _REASONING in before:
            return Form("template", field_name, closing)
    plain = _tried(tokenizer, [*conversation(_PROBE, None)[:1], {"role": "assistant", "content": _RESPONSE}])
    if _RESPONSE not in plain:
        return Form("refused")
    return Form("prompt", None, plain.rpartition(_RESPONSE)[2])


def _tried(tokenizer: Any, messages: list[Message]) -> str:
    try:
        return apply(tokenizer, messages)
    except TEMPLATE_ERRORS:
        return ""
