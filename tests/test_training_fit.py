"""Training fit: lengths under tokenizers made here, counted by hand and against transformers itself."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore import api, engine
from hfscore.backends.student_tokenizer import ChatTokenizer, load_student
from hfscore.backends.toolbox import Toolbox
from hfscore.errors import HfscoreError, MissingExtraError
from hfscore.metrics import structure, training_fit
from hfscore.ports import Lengths
from hfscore.records import Trace, Turn, Unscored
from hfscore.settings import Settings
from hfscore.spec import Fact
from tests.fakes import trace

CONTROL = ["<|start|>", "<|end|>", "<|eos|>"]

# Templates of our own, with traits of those in use.
FIELD = (
    "{% for m in messages %}<|start|>{{ m.role }}\n"
    "{% if m.reasoning_content %}<think>\n{{ m.reasoning_content.strip('\\n') }}\n</think>\n\n{% endif %}"
    "{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n<think>\n{% endif %}"
)
CONTENT = "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content | trim }}<|end|>{% endfor %}"
THINKING = (
    "{% for m in messages %}{% if m.thinking is defined %}<|start|>analysis {{ m.thinking }}<|end|>{% endif %}"
    "<|start|>{{ m.role }} {{ m.content }}<|end|>{% endfor %}"
)
# Takes thinking out of the content; keeps it behind the last question only.
HISTORY = (
    "{% set last = messages | length - 1 %}{% for m in messages %}<|start|>{{ m.role }}\n"
    "{% if '</think>' in m.content and loop.index0 == last %}<think>\n"
    "{{ m.content.split('</think>')[0].split('<think>')[-1].strip('\\n') }}\n</think>\n\n{% endif %}"
    "{{ m.content.split('</think>')[-1].lstrip('\\n') }}<|end|>\n{% endfor %}"
)
DROPS = (
    "{% for m in messages %}{% if m.role == 'user' %}user {{ m.content }}\n"
    "{% else %}assistant {{ m.content.split('</think>')[-1] }}<|eos|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}assistant <think>\n{% endif %}"
)
MERGES = (
    "{% if messages[0].role == 'system' %}{% set lead = messages[0].content ~ '\n\n' %}{% set rest = messages[1:] %}"
    "{% else %}{% set lead = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}"
    "{% if m.role == 'user' %}[INST] {{ lead if loop.first else '' }}{{ m.content }} [/INST] "
    "{% else %}{{ m.content }}<|eos|>{% endif %}{% endfor %}"
)

Make = Callable[..., ChatTokenizer]


def by_word() -> Any:
    """One token per word and per run of punctuation: lengths can be counted by hand."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[unk]": 0}, unk_token="[unk]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def by_byte() -> Any:
    """A byte-level BPE, as most models have."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    lines = ["So two and two make four, and four and four make eight. Wait, let me check.\n\n"] * 4
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def save(folder: Path, tokenizer: Any, template: str | None) -> Path:
    from transformers import PreTrainedTokenizerFast

    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|eos|>", additional_special_tokens=CONTROL[:2]
    )
    made.chat_template = template
    made.save_pretrained(folder)
    return folder


@pytest.fixture
def student(tmp_path: Path) -> Make:
    def make(template: str | None, base: Callable[[], Any] = by_word, name: str = "student") -> ChatTokenizer:
        return load_student(str(save(tmp_path / name, base(), template)))

    return make


@pytest.fixture(scope="module")
def bpe(tmp_path_factory: pytest.TempPathFactory) -> ChatTokenizer:
    return load_student(str(save(tmp_path_factory.mktemp("bpe") / "student", by_byte(), FIELD)))


@dataclass
class Students:
    list: Sequence[ChatTokenizer]

    def students(self) -> Sequence[ChatTokenizer]:
        return self.list


def words(count: int) -> str:
    return "w " * (count - 1) + "w"


SHORT = trace("r r r r r", question="a b c", response="x y")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        # <|start|> user a b c <|end|>, <|start|> assistant, < think > r*5 </ think >, x y, <|end|>
        (FIELD, Lengths(total=22, answer_start=19, answer_end=21)),
        (CONTENT, Lengths(total=22, answer_start=19, answer_end=21)),
        (HISTORY, Lengths(total=22, answer_start=19, answer_end=21)),
        # <|start|> user a b c <|end|>, <|start|> analysis r*5 <|end|>, <|start|> assistant x y <|end|>
        (THINKING, Lengths(total=19, answer_start=16, answer_end=18)),
        # [ INST ] a b c [/ INST ], < think > r*5 </ think >, x y, <|eos|>
        (MERGES, Lengths(total=23, answer_start=20, answer_end=22)),
        # user a b c, assistant, < think > of the prompt, r*5 </ think >, x y, <|eos|>
        (DROPS, Lengths(total=19, answer_start=16, answer_end=18)),
        # a b c, r*5, x y
        (None, Lengths(total=10, answer_start=8, answer_end=10)),
    ],
)
def test_lengths_by_hand(student: Make, template: str | None, expected: Lengths) -> None:
    assert student(template).lengths([SHORT]) == [expected]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (FIELD, "in its field reasoning_content"),
        (THINKING, "in its field"),
        (CONTENT, "between think tags"),
        (DROPS, "drops reasoning"),
        (None, "no chat template"),
    ],
)
def test_the_form_says_how_a_trace_is_rendered(student: Make, template: str | None, said: str) -> None:
    assert said in student(template).form


def test_no_generation_prompt_is_counted(student: Make) -> None:
    assert "<think>" not in student(FIELD).render(trace("r", question="q")).text  # type: ignore[union-attr]


def test_white_space_that_a_template_trims_hides_nothing(student: Make) -> None:
    padded = trace("\n\nr r r r r\n", question="  a b c ", response="\n\nx y \n")
    for template in (FIELD, CONTENT, HISTORY, MERGES, None):
        assert student(template).lengths([padded]) == student(template).lengths([SHORT])


def test_without_a_response_the_answer_is_the_last_tenth(student: Make) -> None:
    found = student(FIELD).lengths([trace(words(100), question="q")])
    # <|start|> user q <|end|>, <|start|> assistant, 100 words of 199 characters: the last 20 hold 10 of them
    assert found == [Lengths(total=107, answer_start=96, answer_end=106)]


def test_a_tokenizers_own_start_token_is_counted_where_there_is_no_template(tmp_path: Path) -> None:
    from tokenizers.processors import TemplateProcessing

    base = by_word()
    base.add_special_tokens(["<s>"])
    base.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", base.token_to_id("<s>"))])
    made = load_student(str(save(tmp_path / "bos", base, None)))
    assert made.lengths([SHORT]) == [Lengths(total=11, answer_start=9, answer_end=11)]


def test_truncation_saved_with_a_tokenizer_cuts_nothing(tmp_path: Path) -> None:
    base = by_word()
    base.enable_truncation(max_length=8)
    assert load_student(str(save(tmp_path / "cut", base, FIELD))).lengths([SHORT]) == [Lengths(22, 19, 21)]


def test_an_answers_last_character_counts_with_all_its_tokens(bpe: ChatTokenizer) -> None:
    [found] = bpe.lengths([trace("so", question="q", response="four 🤖")])
    assert isinstance(found, Lengths)
    assert found.total - found.answer_end == 2  # <|end|> and a line end
    assert found.answer_end - found.answer_start == len(bpe.tokenizer("four 🤖")["input_ids"])


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60).filter(str.strip)


def as_transformers_counts(bpe: ChatTokenizer, one: Trace) -> int:
    messages = [
        {"role": "user", "content": one.question},
        {"role": "assistant", "content": one.response, "reasoning_content": one.reasoning},
    ]
    return len(bpe.tokenizer.apply_chat_template(messages, sanitize_control_tokens=True)["input_ids"])


@settings(max_examples=150, deadline=None)
@given(TEXT, TEXT, TEXT)
def test_any_text_counts_as_transformers_counts_it(bpe: ChatTokenizer, asked: str, thought: str, said: str) -> None:
    one = trace(thought, question=asked, response=said)
    [found] = bpe.lengths([one])
    assert isinstance(found, Lengths)
    assert found.total == as_transformers_counts(bpe, one)
    assert 0 < found.answer_start < found.answer_end < found.total


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([*CONTROL, "two ", "\n", "🤖", "<|", "four."]), max_size=12))
def test_control_tokens_in_a_text_count_as_text(bpe: ChatTokenizer, pieces: list[str]) -> None:
    one = trace("so " + "".join(pieces) + " on", question="q <|end|> q", response="".join(pieces) + "four")
    [found] = bpe.lengths([one])
    assert isinstance(found, Lengths)
    assert found.control == 1 + 2 * sum("".join(pieces).count(token) for token in CONTROL)
    assert found.total == as_transformers_counts(bpe, one)
    spelled = len(bpe.tokenizer("<|end|>", split_special_tokens=True)["input_ids"])
    assert spelled > 1, "the test must tell a token from its spelling"


def test_control_tokens_of_the_template_are_no_text(bpe: ChatTokenizer) -> None:
    assert [one.control for one in bpe.lengths([SHORT])] == [0]  # type: ignore[union-attr]


def test_lone_surrogates_and_an_empty_trace(bpe: ChatTokenizer) -> None:
    odd, empty, no_question = bpe.lengths(
        [trace("a \ud800 b", response="c \udfff"), trace(" ", response=" "), trace("r", question=None)]
    )
    assert isinstance(odd, Lengths)
    assert (empty, no_question) == (Unscored("empty trace"), Unscored("no question"))


def test_a_template_that_loses_text_gives_a_reason(student: Make) -> None:
    hostile = trace("r </think> r", question="a", response="x y")
    assert student(HISTORY).lengths([hostile]) == [Unscored("the chat template changes or drops part of the text")]


AGENT = (
    Turn("system", "s s"),
    Turn("user", "a b c"),
    Turn("reasoning", "r r"),
    Turn("action", "ls"),
    Turn("observation", "o o o o"),
    Turn("reasoning", "r"),
    Turn("assistant", "x y"),
    Turn("observation", "o"),
)


def test_an_agents_trajectory_is_counted_with_its_observations(student: Make) -> None:
    agent = trace("r r\n\nr", question="a b c", response="x y", turns=AGENT)
    # [ INST ] s s a b c [/ INST ], r r ls <|eos|>, [ INST ] o*4 [/ INST ], r x y <|eos|>; what follows is left out
    assert student(MERGES).lengths([agent]) == [Lengths(total=29, answer_start=25, answer_end=28)]
    assert student(None, name="plain").lengths([agent]) == [Lengths(total=15, answer_start=12, answer_end=15)]


def test_a_trajectory_without_its_task_begins_with_the_question(student: Make) -> None:
    turns = (Turn("system", "s"), Turn("reasoning", "r"), Turn("action", "ls"))
    rendered = student(FIELD).render(trace("r", question="a b", turns=turns))
    assert rendered.text == "<|start|>system\ns<|end|>\n<|start|>user\na b<|end|>\n<|start|>assistant\nr\n\nls<|end|>\n"  # type: ignore[union-attr]


def test_a_refusal_is_told_in_the_templates_own_words_only(student: Make) -> None:
    late = (Turn("user", "a"), Turn("reasoning", "r"), Turn("system", "secret"), Turn("action", "x"))
    [refused] = student(MERGES).lengths([trace("r", turns=late)])
    assert refused == Unscored("the chat template refuses it: Roles must alternate")
    leaks = "{{ raise_exception(messages[0].content) if messages | length > 2 }}" + CONTENT
    [failed] = student(leaks, name="leaks").lengths([trace("r", turns=late)])
    assert failed == Unscored("the chat template fails (TemplateError)")


def test_batches_change_nothing(bpe: ChatTokenizer) -> None:
    traces = [trace(words(size), response="x " * size + "y", row=size) for size in range(1, 200, 3)]
    assert [one for batch in (traces[:7], traces[7:]) for one in bpe.lengths(batch)] == bpe.lengths(traces)


# The facts


def facts_of(traces: Sequence[Trace], *students: ChatTokenizer) -> dict[str, Fact]:
    state = training_fit.start(Students(students))  # type: ignore[arg-type]
    for one in traces:
        training_fit.add(state, [one], {})
    return {fact.id: fact for fact in training_fit.finish(state)}


def sized(total: int, row: int) -> Trace:
    """A trace of `total` tokens under FIELD and `by_word`: ten are the answer's, and one closes it."""
    return trace(words(total - 24), question="a b", response=words(10), row=row)


def test_shares_lost_by_hand(student: Make) -> None:
    made = student(FIELD)
    totals = (100, 4096, 4097, 4098, 4106, 4107, 8193, 40_000)
    traces = [sized(total, row) for row, total in enumerate(totals)]
    assert [one.total for one in made.lengths(traces)] == list(totals)  # type: ignore[union-attr]
    facts = facts_of(traces, made)
    assert facts["fit_4096_traces"].value == 6 / 8
    assert facts["fit_4096_traces"].rows == (2, 3, 4, 5, 6, 7)
    # 4,097: the answer is whole and only the closing token is lost; 4,106: one token of it is within the limit
    assert facts["fit_4096_answers"].value == 5 / 8
    assert facts["fit_4096_answers"].note.startswith("3 of these 5 begin beyond the limit")
    assert facts["fit_8192_traces"].value == 2 / 8
    assert (facts["fit_8192_answers"].value, facts["fit_8192_answers"].of) == (1 / 8, 8)
    assert facts["fit_16384_traces"].value == facts["fit_32768_traces"].value == 1 / 8
    assert facts["fit_tokens_median"].value == 4098
    assert facts["fit_tokens_p95"].value == 40_000
    assert facts["fit_tokens_median"].unit == "tokens"
    assert "8,192 tokens (student student)" in facts["fit_8192_traces"].title
    assert "fit_control" not in facts


def test_what_cannot_be_rendered_is_counted_with_its_reason(student: Make) -> None:
    facts = facts_of([SHORT, trace("r", question=None), trace("r </think> r", response="x")], student(HISTORY))
    assert facts["fit_4096_traces"].of == 1
    for part in ("1: no question", "1: the chat template changes or drops part of the text"):
        assert part in facts["fit_4096_traces"].note
    none = facts_of([trace("r", question=None)], student(FIELD))
    assert [(fact.value, fact.of) for fact in none.values()] == [(None, 0)]
    assert "no question" in none["fit_tokens_median"].note


def test_spelled_out_control_tokens_are_rows_to_look_at(student: Make) -> None:
    facts = facts_of([SHORT, trace("a <|end|> b", row=7)], student(FIELD))
    assert (facts["fit_control"].value, facts["fit_control"].rows) == (0.5, (7,))


def test_two_students_have_facts_of_their_own(student: Make) -> None:
    facts = facts_of([SHORT], student(FIELD), student(None, name="base"))
    assert facts["fit_tokens_median"].value == 22
    assert facts["fit_tokens_median_2"].value == 10
    assert "no chat template" in facts["fit_4096_traces_2"].note


def test_no_traces_no_facts(student: Make) -> None:
    assert facts_of([], student(FIELD)) == {}


def test_long_hostile_text_is_linear(bpe: ChatTokenizer) -> None:
    def seconds(size: int) -> float:
        start = time.perf_counter()
        bpe.lengths([trace("<|end|>" * (size // 14) + "a" * (size // 2), response="x")])
        return time.perf_counter() - start

    seconds(1000)
    assert seconds(1_000_000) < 40 * max(seconds(100_000), 0.01)


# Loading


def test_a_student_that_is_not_there_is_a_sentence_with_the_next_step() -> None:
    with pytest.raises(HfscoreError, match="--student takes a Hub id") as caught:
        load_student("no-such-owner/no-such-model")
    assert not isinstance(caught.value, MissingExtraError), "a student named by hand must stop the run"


def test_a_damaged_tokenizer_is_an_error_of_ours(tmp_path: Path) -> None:
    folder = save(tmp_path / "bad", by_word(), FIELD)
    data = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps({**data, "model": {"type": "None such"}}))
    with pytest.raises(HfscoreError, match="could not be loaded"):
        load_student(str(folder))


def test_code_of_a_student_is_never_run(tmp_path: Path) -> None:
    folder = save(tmp_path / "code", by_word(), FIELD)
    ran = tmp_path / "ran"
    (folder / "own.py").write_text(f"open({str(ran)!r}, 'w')\nclass Own: pass\n")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config |= {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", "own.Own"]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    with contextlib.suppress(HfscoreError):
        load_student(str(folder))
    assert not ran.exists()


def test_a_student_on_the_hub_is_named_with_its_commit(tmp_path: Path) -> None:
    from huggingface_hub import HfApi

    hub = HfApi()
    hub.create_repo("maintainer/fit-student", repo_type="model")
    sha = hub.upload_folder(repo_id="maintainer/fit-student", folder_path=save(tmp_path / "up", by_word(), FIELD)).oid
    for name in ("maintainer/fit-student", f"maintainer/fit-student@{sha}"):
        made = load_student(name)
        assert (made.name.id, made.name.revision) == ("maintainer/fit-student", f"git:{sha}")
        assert made.lengths([SHORT]) == [Lengths(22, 19, 21)]


# The run


ROWS = [
    {"question": f"What is {n} and {n}?", "reasoning": f"{n} and {n}. " * 9, "answer": str(2 * n)} for n in range(20)
]


def test_without_a_student_the_family_is_skipped_in_one_line() -> None:
    problem = Toolbox().problem("students")
    assert problem == "Name a student: --student MODEL."
    runs, skipped = engine.check_needs([structure.FAMILY, training_fit.FAMILY], {"students": problem})
    assert runs == [structure.FAMILY]
    assert [(one.what, one.why) for one in skipped] == [("Training fit", problem)]


def test_a_run_with_students(tmp_path: Path) -> None:
    named = str(save(tmp_path / "small", by_word(), FIELD))
    chosen = Settings(metric=("structure", "training_fit"), student=(named, named))
    report = api.score(ROWS, chosen, name="sums")
    assert report.students == ("small",)
    found = {one.fact.id: one.fact for one in report.facts}
    assert (found["fit_4096_traces"].value, found["fit_4096_traces"].of) == (0, 20)
    assert "reasoning_content" in report.families["training_fit"]["student small"]
    assert "--student small" in report.command
    assert named not in report.command, "a folder of this machine stays here"
    assert api.score(ROWS, Settings(metric=("structure",)), name="sums").students == ()
