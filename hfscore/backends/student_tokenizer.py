"""Lengths of training sequences under a model's own tokenizer and chat template; no weights are loaded.

Templates differ in where they take reasoning from, and some drop it, so each is first tried on a short conversation,
and every rendered trace is checked to hold its text whole.

A control token that a trace spells out, such as an end-of-turn marker, is counted as the text it is. A trainer that
tokenizes the rendered string would read it as the token itself and end the turn there; the count of such traces is
reported, and the length is that of the text the dataset holds. The count is exact with byte-level tokenizers, and off
by a token or two for each such marker with those that write spaces as signs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Any

from hfscore.errors import HfscoreError, MissingExtraError
from hfscore.ports import Lengths, ModelName
from hfscore.records import Trace, Unscored
from hfscore.text.chat_form import TEMPLATE_ERRORS, Form, form_of, refusal, render
from hfscore.text.training_text import Message, Rendered, Span, answer_of, clean, conversation, locate, texts_of

BATCH_TEXTS, BATCH_CHARACTERS = 64, 500_000  # an encoding takes some 100 bytes a token

NO_QUESTION = Unscored("no question")
EMPTY = Unscored("empty trace")


@dataclass(slots=True)
class ChatTokenizer:
    """A `ports.StudentTokenizer` over a transformers tokenizer.

    Args:
        tokenizer: A fast tokenizer.
        name: The student.
        how: How a trace becomes text.
        around: Tokens that the tokenizer itself puts (before, around) a text without a template.
        control: Ids of its control tokens.
    """

    tokenizer: Any
    name: ModelName
    how: Form
    around: tuple[int, int]
    control: Mapping[int, str]
    _as_text: dict[int, int] = field(default_factory=dict)

    @property
    def form(self) -> str:
        """How a trace becomes a sequence, a whole sentence."""
        return _sentence(self.how)

    def lengths(self, traces: Sequence[Trace]) -> list[Lengths | Unscored]:
        """Measure training sequences; see `ports.StudentTokenizer`."""
        rendered = [self.render(trace) for trace in traces]
        texts = [one.text for one in rendered if isinstance(one, Rendered)]
        encoded = self._encode(texts)
        return [self._measure(one, *next(encoded)) if isinstance(one, Rendered) else one for one in rendered]

    def _encode(self, texts: Sequence[str]) -> Iterator[tuple[Any, list[int]]]:
        """(encoding, token ids) of every text, whole, in batches of bounded size."""
        start = 0
        while start < len(texts):
            end, size = start, 0
            while end < len(texts) and end - start < BATCH_TEXTS and size < BATCH_CHARACTERS:
                size += len(texts[end])
                end += 1
            batch = self.tokenizer(list(texts[start:end]), add_special_tokens=False, truncation=False, verbose=False)
            yield from zip(batch.encodings, batch["input_ids"], strict=True)
            start = end

    def _measure(self, one: Rendered, encoding: Any, ids: list[int]) -> Lengths:
        more_before = more = control = 0
        for position, token in enumerate(ids):
            if token in self.control and _is_inside(at := encoding.token_to_chars(position), one.spans):
                control += 1
                more += self._text_tokens(token) - 1
                more_before += (self._text_tokens(token) - 1) * (at[0] < one.answer[0])
        before, around = self.around if self.how.through == "text" else (0, 0)
        return Lengths(
            total=len(ids) + more + around,
            answer_start=_tokens_before(encoding, one.answer[0]) + more_before + before,
            answer_end=_tokens_before(encoding, one.answer[1]) + more + before,
            control=control,
        )

    def _text_tokens(self, token: int) -> int:
        """Tokens of a control token's name as plain text."""
        if token not in self._as_text:
            text = self.control[token]
            found = self.tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False)
            self._as_text[token] = max(1, len(found["input_ids"]))
        return self._as_text[token]

    def render(self, trace: Trace) -> Rendered | Unscored:
        """Write a trace as the student would be trained on it, or say why that cannot be done."""
        if not (trace.question or "").strip():
            return NO_QUESTION
        if not (trace.reasoning.strip() or (trace.response or "").strip()):
            return EMPTY
        messages = conversation(trace, self.how.field)
        try:
            text, closing = self._text(trace, messages)
        except TEMPLATE_ERRORS as error:
            return Unscored(refusal(self.tokenizer, error))
        return locate(clean(text), closing, texts_of(trace, messages), answer_of(trace, messages))

    def _text(self, trace: Trace, messages: list[Message]) -> tuple[str, str]:
        """(the sequence, what closes it)."""
        if self.how.through == "text":
            return "\n\n".join(text for _, text in texts_of(trace, messages)), ""
        apart = not trace.turns and bool((trace.response or "").strip())
        return render(self.tokenizer, self.how, messages, apart=apart)


def _is_inside(token: Span, spans: Sequence[Span]) -> bool:
    """Whether one of the spans, which are ascending, holds a token whole."""
    last = bisect_right(spans, token[0], key=lambda span: span[0]) - 1
    return last >= 0 and token[1] <= spans[last][1]


def _tokens_before(encoding: Any, character: int) -> int:
    """How many tokens begin before a character."""
    return bisect_left(range(len(encoding)), character, key=lambda token: encoding.token_to_chars(token)[0])


def load_student(name: str) -> ChatTokenizer:
    """Load a model's tokenizer by its Hub id ("owner/model" or "owner/model@revision") or its folder.

    Raises:
        MissingExtraError: transformers is not installed.
        HfscoreError: There is no such tokenizer, it needs code of its own, or it cannot say where its tokens stand.
    """
    if find_spec("transformers") is None:
        raise MissingExtraError("A student's tokenizer needs transformers.", 'Install it: pip install "hfscore[embed]"')
    from transformers import AutoTokenizer

    local = Path(name).is_dir()
    model_id, _, revision = (name, "", "") if local else name.partition("@")
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            model_id, trust_remote_code=False, **({"revision": revision} if revision else {})
        )
    except Exception as error:  # tokenizers raises no narrower class for a damaged file
        first_line = (str(error).strip().splitlines() or [""])[0]
        raise HfscoreError(
            f"The tokenizer of the student '{name}' could not be loaded ({type(error).__name__}: {first_line[:160]}).",
            "Check the name and the network; --student takes a Hub id[@revision] or a folder.",
        ) from error
    if not tokenizer.is_fast:
        raise HfscoreError(
            f"The tokenizer of the student '{name}' does not say where its tokens stand.",
            "Name a model with a tokenizer.json.",
        )
    commit = None if local else _commit(model_id, revision or None)
    shown = ModelName(Path(name).name if local else model_id, f"git:{commit}" if commit else None)
    control = {token: added.content for token, added in tokenizer.added_tokens_decoder.items() if added.special}
    return ChatTokenizer(tokenizer, shown, form_of(tokenizer), _around(tokenizer), control)


def _commit(model_id: str, revision: str | None) -> str | None:
    """The commit that the Hub's cache holds for a revision."""
    from huggingface_hub import try_to_load_from_cache

    for file in ("tokenizer_config.json", "tokenizer.json"):
        found = try_to_load_from_cache(model_id, file, revision=revision)
        if isinstance(found, str):
            return Path(found).parent.name
    return None


def _around(tokenizer: Any) -> tuple[int, int]:
    """Special tokens that the tokenizer puts (before, around) a text."""
    mask = tokenizer("a", return_special_tokens_mask=True)["special_tokens_mask"]
    return sum(takewhile(bool, mask)), sum(mask)


def _sentence(form: Form) -> str:
    where = f"the reasoning in its field {form.field}" if form.field else "the reasoning between think tags"
    return {
        "template": f"Rendered with the model's own chat template, {where}.",
        "prompt": "The model's chat template drops reasoning: trained through it, a student would see none. Counted "
        "here are the template's prompt, the reasoning between think tags, the response and the end token.",
        "text": "The tokenizer has no chat template: question, reasoning and response are joined by blank lines.",
        "refused": "The model's chat template renders not even a short question and answer.",
    }[form.through]
