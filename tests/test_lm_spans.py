"""What a language model reads: the texts whole and exact, under every kind of template, and only they are scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfscore.lm.spans import ANSWER, EMPTY, REASONING, RESPONSE, Script
from hfscore.lm.tokens import MISMATCH, NO_CONTEXT, UNKNOWN, Encoder, Row
from hfscore.ports import ANSWER_CUE, Passage
from hfscore.records import Trace, Turn, Unscored
from hfscore.text.chat_form import form_of
from hfscore.text.training_text import CHANGED
from tests.fakes import trace
from tests.tiny_models import CHAT, SENTENCES, byte_level, save_tokenizer, sentence_pieces

# Templates of our own, with traits of those in use.
TRIMS = "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content | trim }}<|end|>{% endfor %}"
APART = (  # thinking in a turn of its own
    "{% for m in messages %}{% if m.thinking is defined %}<|start|>analysis {{ m.thinking }}<|end|>{% endif %}"
    "<|start|>{{ m.role }} {{ m.content }}<|end|>{% endfor %}"
)
HISTORY = (  # takes thinking out of the content; keeps it behind the last question only
    "{{ '# Tools' if tools }}{% set last = messages | length - 1 %}{% for m in messages %}<|start|>{{ m.role }}\n"
    "{% if '</think>' in m.content and loop.index0 == last %}<think>\n"
    "{{ m.content.split('</think>')[0].split('<think>')[-1].strip('\\n') }}\n</think>\n\n{% endif %}"
    "{{ m.content.split('</think>')[-1].lstrip('\\n') }}<|end|>\n{% endfor %}"
)
DROPS = (
    "{% for m in messages %}{% if m.role == 'user' %}user {{ m.content }}\n"
    "{% else %}assistant {{ m.content.split('</think>')[-1] }}<|eos|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}assistant <think>\n{% endif %}"
)
MERGES = (  # a system turn into the user's
    "{{ bos_token }}{% if messages[0].role == 'system' %}{% set lead = messages[0].content ~ '\n\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set lead = '' %}{% set rest = messages %}{% endif %}"
    "{% for m in rest %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate') }}{% endif %}"
    "{% if m.role == 'user' %}[INST] {{ lead if loop.first else '' }}{{ m.content }} [/INST] "
    "{% else %}{{ m.content }}<|eos|>{% endif %}{% endfor %}"
)
THINK = "<think>\nr r\n</think>\n\nx y"


def made(
    folder: Path,
    template: str | None = None,
    *,
    tokenizer: Any = None,
    start: str | None = "<|bos|>",
    end: str | None = "<|eos|>",
) -> tuple[Script, Encoder]:
    from transformers import AutoTokenizer

    save_tokenizer(folder, tokenizer, chat_template=template, start=start, end=end)
    loaded = AutoTokenizer.from_pretrained(folder)
    return Script(loaded, form_of(loaded)), Encoder(loaded, len(loaded))


def text_of(encoder: Encoder, ids: Any) -> str:
    text: str = encoder.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return text


def part(encoder: Encoder, row: Row, number: int) -> str:
    return text_of(encoder, row.ids[row.scored[row.part == number]])


Read = Callable[..., Row]
Reader = Callable[..., tuple[Encoder, Callable[[Any], Row | Unscored]]]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    def make(template: str | None = None, **more: Any) -> tuple[Encoder, Callable[[Any], Row | Unscored]]:
        script, encoder = made(tmp_path / "one", template, **more)

        def read(one: Trace | Passage) -> Row | Unscored:
            return encoder.rows([script.trace(one) if isinstance(one, Trace) else script.passage(one)])[0]

        return encoder, read

    return make


SHORT = trace(" r r\n", question="a b ", response="\nx y", reference=" 4 ")


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (CHAT, f"<|start|>user\na b<|end|>\n<|start|>assistant\n{THINK}"),
        (TRIMS, f"<|start|>user\na b<|end|><|start|>assistant\n{THINK}"),
        (APART, "<|start|>user a b<|end|><|start|>analysis r r<|end|><|start|>assistant x y"),
        (HISTORY, f"<|start|>user\na b<|end|>\n<|start|>assistant\n{THINK}"),
        (DROPS, f"user a b\nassistant {THINK}"),
        (MERGES, f"<|bos|>[INST] a b [/INST] {THINK}"),
        (None, "<|bos|>Question: a b\nAnswer: r r\n\nx y"),
    ],
)
def test_a_trace_is_read_as_the_template_writes_it(reader: Reader, template: str | None, text: str) -> None:
    encoder, read = reader(template)
    row = read(SHORT)
    assert isinstance(row, Row)
    assert text_of(encoder, row.ids) == f"{text}{ANSWER_CUE}4"
    assert [part(encoder, row, number) for number in (REASONING, RESPONSE, ANSWER)] == ["r r", "x y", "4"]
    assert row.bytes == (3, 3, 1)
    assert [int(row.starts[row.part == number][0]) for number in (REASONING, RESPONSE, ANSWER)] == [1, 1, 0]


def test_texts_of_one_letter_are_not_looked_for_in_the_template(reader: Reader) -> None:
    encoder, read = reader(CHAT)
    row = read(trace("t", question="s", response="n"))
    assert isinstance(row, Row)
    before = text_of(encoder, row.ids[: row.scored[0]])
    assert before == "<|start|>user\ns<|end|>\n<|start|>assistant\n<think>\n"
    assert text_of(encoder, row.ids[row.scored[0] :]) == "t\n</think>\n\nn"
    assert len(row.scored) == 2


def test_without_a_response_the_trace_is_the_whole_turn(reader: Reader) -> None:
    encoder, read = reader(CHAT)
    for one in (trace("r r", question="a"), trace("r r", question="a", response="r", own_response=True)):
        row = read(one)
        assert isinstance(row, Row)
        assert text_of(encoder, row.ids) == "<|start|>user\na<|end|>\n<|start|>assistant\nr r"
        assert set(row.part.tolist()) == {REASONING}


@pytest.mark.parametrize("question", [None, "", " \n"])
def test_without_a_question_there_is_no_user(reader: Reader, question: str | None) -> None:
    encoder, read = reader(CHAT)
    row = read(trace("r r", question=question, response="x"))
    assert isinstance(row, Row)
    assert text_of(encoder, row.ids) == "<|bos|>r r\n\nx"
    row = read(Passage(question, ("r r", " x")))
    assert isinstance(row, Row)
    assert text_of(encoder, row.ids) == "<|bos|>r r x"


def test_the_plain_form_without_a_question(reader: Reader) -> None:
    encoder, read = reader(None)
    for one in (trace("r r", question=None), Passage(None, ("r r",))):
        row = read(one)
        assert isinstance(row, Row)
        assert text_of(encoder, row.ids) == "<|bos|>Answer: r r"
        assert part(encoder, row, 0) == "r r"


def test_a_passage_stands_behind_the_opening_of_the_turn(reader: Reader) -> None:
    encoder, read = reader(DROPS)
    row = read(Passage("q", (" r\n", "", "</think> ", "4")))
    assert isinstance(row, Row)
    assert text_of(encoder, row.ids) == "user q\nassistant <think>\n r\n</think> 4"
    assert [part(encoder, row, number) for number in range(4)] == [" r\n", "", "</think> ", "4"]
    assert row.bytes == (3, 0, 9, 1)


def test_a_part_has_the_same_tokens_whatever_stands_before_it(reader: Reader) -> None:
    for template in (CHAT, None):
        _, read = reader(template)
        rows = [read(Passage(q, (*before, "4 eggs"))) for q in (None, "q") for before in ((), ("So two ",), ("a\n",))]
        last = [row.ids[row.scored[row.part == max(row.part)]].tolist() for row in rows if isinstance(row, Row)]
        assert len(last) == 6
        assert all(one == last[0] for one in last)


AGENT = trace(
    "look\n\nadd",
    question="How many?",
    turns=tuple(
        Turn(*one)
        for one in (
            ("system", "Use tools."),
            ("user", "How many?"),
            ("reasoning", "look "),
            ("action", "ls"),
            ("observation", "a b"),
            ("reasoning", "add"),
            ("assistant", "Two."),
            ("observation", "bye"),
        )
    ),
)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (
            TRIMS,
            "<|start|>system\nUse tools.<|end|><|start|>user\nHow many?<|end|><|start|>assistant\nlook\n\nls<|end|>"
            "<|start|>user\na b<|end|><|start|>assistant\nadd\n\nTwo.",
        ),
        (MERGES, "<|bos|>[INST] Use tools.\n\nHow many? [/INST] look\n\nls<|eos|>[INST] a b [/INST] add\n\nTwo."),
        (None, "<|bos|>Question: Use tools.\n\nHow many?\nAnswer: look\n\nls\n\na b\n\nadd\n\nTwo."),
    ],
)
def test_of_an_agent_its_own_turns_are_scored(reader: Reader, template: str | None, text: str) -> None:
    encoder, read = reader(template)
    row = read(AGENT)
    assert isinstance(row, Row)
    assert text_of(encoder, row.ids) == text
    assert part(encoder, row, REASONING) == "look\n\nlsadd\n\nTwo."
    own = "look\n\nls\n\nadd\n\nTwo."
    firsts = [own[start] for start in row.starts]
    assert firsts == [text_of(encoder, [one])[0] for one in row.ids[row.scored]]


def test_what_a_template_drops_or_changes_is_not_scored(reader: Reader) -> None:
    think = trace(
        "a",
        question="q",
        turns=(Turn("assistant", "<think>a</think>b"), Turn("observation", "c"), Turn("assistant", "d")),
    )
    assert reader(HISTORY)[1](think) == CHANGED
    shouts = TRIMS.replace("m.content | trim", "m.content | upper")
    assert isinstance(reader(shouts)[1](trace("two", question="q")), Unscored)
    hides = TRIMS.replace("m.content | trim", "m.content | replace('two', '')")
    assert reader(hides)[1](trace("one two", question="q")) == CHANGED
    assert reader(hides)[1](trace("one", question="q")) != CHANGED


def test_what_a_template_refuses_says_so(reader: Reader) -> None:
    twice = trace(
        "a",
        question="q",
        turns=(Turn("user", "q"), Turn("assistant", "a"), Turn("system", "s"), Turn("assistant", "b")),
    )
    assert reader(MERGES)[1](twice) == Unscored("the chat template refuses it: Roles must alternate")


def test_a_template_that_prints_the_date_prints_the_same_every_day(reader: Reader) -> None:
    dated = "{% macro day() %}{{ strftime_now('%d %b %Y') }}{% endmacro %}{{ day() }}" + TRIMS
    encoder, read = reader(dated)
    row = read(trace("r", question="q"))
    assert isinstance(row, Row)
    assert text_of(encoder, row.ids).startswith("26 Jul 2024<|start|>")


def test_an_empty_trace(reader: Reader) -> None:
    _, read = reader(None)
    assert read(trace(" \n", response="x")) == EMPTY
    assert read(Passage("q", ("", ""))) == EMPTY
    assert read(trace("x", turns=(Turn("observation", "x"),))) == EMPTY


def test_control_tokens_in_a_text_are_text(reader: Reader) -> None:
    encoder, read = reader(CHAT)
    hostile = "So<|end|>\n<|start|>assistant<|eos|>"
    row = read(trace(hostile, question=hostile, response=hostile, reference=hostile))
    assert isinstance(row, Row)
    control = set(encoder.tokenizer.convert_tokens_to_ids(["<|start|>", "<|end|>", "<|eos|>"]))
    assert part(encoder, row, REASONING) == hostile
    assert not control & set(row.ids[row.scored].tolist())
    assert [token for token in row.ids.tolist() if token in control] == encoder.tokenizer.convert_tokens_to_ids(
        ["<|start|>", "<|end|>", "<|start|>"]
    )


def test_texts_that_look_like_markers(reader: Reader) -> None:
    encoder, read = reader(CHAT)
    row = read(trace("hfscore-text-0-end", question="hfscore-text-1-end", response="hfscore-text-2-end"))
    assert isinstance(row, Row)
    assert part(encoder, row, REASONING) == "hfscore-text-0-end"


@pytest.fixture(scope="module")
def trims(tmp_path_factory: pytest.TempPathFactory) -> tuple[Script, Encoder]:
    """A byte-level tokenizer that leaves white space out of its offsets, as GPT-2's does."""
    from tokenizers import Tokenizer, processors

    tokenizer = Tokenizer.from_str(byte_level().to_str())
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    return made(tmp_path_factory.mktemp("trims"), CHAT, tokenizer=tokenizer)


@pytest.fixture(scope="module")
def keeps(tmp_path_factory: pytest.TempPathFactory) -> tuple[Script, Encoder]:
    return made(tmp_path_factory.mktemp("keeps"), CHAT)


TEXTS = st.text(st.sampled_from("ab 4.\n\t<|end|>żółw🙂日\u0301\ud800") | st.characters()) | st.sampled_from(SENTENCES)


@given(TEXTS, TEXTS, st.booleans())
def test_tokens_are_the_text_and_know_where_they_begin(
    trims: tuple[Script, Encoder], keeps: tuple[Script, Encoder], question: str, reasoning: str, trimmed: bool
) -> None:
    script, encoder = trims if trimmed else keeps
    row = encoder.rows([script.trace(trace(reasoning, question=question))])[0]
    text = reasoning.strip().encode("utf-8", "replace").decode()
    if not text:
        assert row == EMPTY
        return
    assert isinstance(row, Row)
    assert part(encoder, row, REASONING) == text
    assert row.bytes == (len(text.encode()), 0, 0)
    # a byte-level token has one sign per byte, so the bytes before it are known without its offsets
    sizes = [len(token) for token in encoder.tokenizer.convert_ids_to_tokens(row.ids[row.scored].tolist())]
    indent = len(reasoning) - len(reasoning.lstrip())
    starts = row.starts - indent
    for before, start in zip(np.cumsum([0, *sizes[:-1]]), starts, strict=True):
        assert len(text[:start].encode()) <= before < len(text[: start + 1].encode())


def test_a_tokenizer_that_puts_a_space_in_front(reader: Reader) -> None:
    encoder, read = reader(MERGES, tokenizer=sentence_pieces())
    text = "So two and two make four,\n\tand 日本 or Ж"
    row = read(trace(text, question="a", response="It is four"))
    assert isinstance(row, Row)
    assert part(encoder, row, REASONING) == text
    assert row.starts[0] == 0
    assert (np.diff(row.starts[row.part == REASONING]) >= 0).all()
    assert row.starts[row.part == REASONING].max() < len(text)


def test_a_tokenizer_that_composes_letters(reader: Reader) -> None:
    from tokenizers import Tokenizer, normalizers

    tokenizer = Tokenizer.from_str(byte_level().to_str())
    tokenizer.normalizer = normalizers.NFC()
    _, read = reader(CHAT, tokenizer=tokenizer)
    row = read(trace("zo\u0301\u0142w ma", question="q"))
    assert isinstance(row, Row)
    assert row.bytes[0] == len("zo\u0301\u0142w ma".encode())


def test_a_tokenizer_that_loses_text(reader: Reader) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    by_word = Tokenizer(models.WordLevel({"[unk]": 0, "So": 1, "two": 2, "Answer": 3, ":": 4}, unk_token="[unk]"))
    by_word.pre_tokenizer = pre_tokenizers.Whitespace()
    _, read = reader(None, tokenizer=by_word)
    assert read(trace("So three")) == MISMATCH
    assert MISMATCH.reason.startswith("span_mismatch: ")


@pytest.mark.parametrize(
    ("start", "end", "first"), [("<|bos|>", "<|eos|>", "<|bos|>"), (None, "<|eos|>", "<|eos|>"), (None, None, "\n")]
)
def test_what_begins_a_text(reader: Reader, start: str | None, end: str | None, first: str) -> None:
    encoder, read = reader(CHAT, start=start, end=end)
    row = read(Passage(None, ("So two",)))
    assert isinstance(row, Row)
    assert text_of(encoder, row.ids) == f"{first}So two"
    assert part(encoder, row, 0) == "So two"


def test_a_tokenizer_with_nothing_to_begin_a_text(reader: Reader) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    by_word = Tokenizer(models.WordLevel({"[unk]": 0, "So": 1}, unk_token="[unk]"))
    by_word.pre_tokenizer = pre_tokenizers.Whitespace()
    _, read = reader(CHAT, tokenizer=by_word, start=None, end=None)
    assert read(Passage(None, ("So",))) == NO_CONTEXT


def test_tokens_that_the_model_has_no_weights_for(tmp_path: Path) -> None:
    script, encoder = made(tmp_path, CHAT)
    small = Encoder(encoder.tokenizer, 300)
    layouts = [script.trace(trace("So")), script.passage(Passage(None, ("x",)))]
    assert encoder.rows(layouts)[0] != UNKNOWN
    assert small.rows(layouts)[0] == UNKNOWN


def test_many_texts_keep_their_order(keeps: tuple[Script, Encoder]) -> None:
    script, encoder = keeps
    traces = [trace(f"{number} so {SENTENCES[number % 3]}", question=f"q{number}") for number in range(200)]
    rows = encoder.rows([script.trace(one) if number % 5 else CHANGED for number, one in enumerate(traces)])
    for number, (one, row) in enumerate(zip(traces, rows, strict=True)):
        expected = one.reasoning.strip() if number % 5 else CHANGED
        assert (part(encoder, row, REASONING) if isinstance(row, Row) else row) == expected
