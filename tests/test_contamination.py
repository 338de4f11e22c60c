"""Overlap with evaluation sets: what is found, what is not, and what the index gives away."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from hfscore import api, contamination, engine
from hfscore.backends.toolbox import Toolbox
from hfscore.cli.contamination import app
from hfscore.contamination import Index, build, load, merge, save, words
from hfscore.errors import ColumnsError, HfscoreError, SourceError
from hfscore.evaluation_sets import index_of
from hfscore.metrics import contamination as family
from hfscore.metrics import structure
from hfscore.records import Trace
from hfscore.settings import Settings
from hfscore.spec import Fact
from tests.fakes import trace

GSM8K = Path(__file__).parent / "data" / "gsm8k_head.jsonl"
ITEMS = [json.loads(line) for line in GSM8K.read_text().splitlines()]
QUESTIONS = [item["question"] for item in ITEMS]
SHORT = "Who painted the ceiling of the old chapel there?"  # 9 words


def gsm8k() -> Index:
    return build("gsm8k", [[question] for question in QUESTIONS])


def found(text: str, index: Index | None = None) -> bool:
    return bool((index or gsm8k()).overlaps([text])[0].any())


# What is found


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        str.upper,
        lambda text: text.replace(" ", "\n\t  "),
        lambda text: text.replace(",", " ;").replace(".", "!").replace("?", ""),
        lambda text: text.replace("'", "’"),
        lambda text: text.replace("'", ""),
        lambda text: "**" + text.replace(" ", "** **") + "**",
        lambda text: f"Solve this.\n\n{text}\n\nThink step by step.",
        lambda text: " ".join(text.split()[3:]),
        lambda text: text.replace("fi", "ﬁ"),  # a ligature
    ],
)
def test_a_copy_is_found_however_it_is_written(change: object) -> None:
    changed = [change(question) for question in QUESTIONS]  # type: ignore[operator]
    assert gsm8k().overlaps(changed)[0].all()


def test_a_paraphrase_is_not_found() -> None:
    original = QUESTIONS[0]
    assert "ducks lay 16 eggs per day" in original
    reworded = (
        "Each day the ducks that Janet keeps give her sixteen eggs. Three of them are her breakfast, four go into the "
        "muffins that she makes for friends, and what is left she brings to market, where an egg sells for two "
        "dollars. What does she take in daily?"
    )
    assert found(original)
    assert not found(reworded)


def test_twelve_words_in_common_are_no_hit_and_thirteen_are() -> None:
    tokens = words(QUESTIONS[0])
    assert not found("before " + " ".join(tokens[5:17]) + " after and on it goes")
    assert found("before " + " ".join(tokens[5:18]) + " after and on it goes")


def test_a_short_item_is_found_by_eight_words() -> None:
    index = build("short", [[SHORT]])
    assert index.sets[0].short == 1
    assert found(f"Tell me: who painted the ceiling of the old chapel? {QUESTIONS[0]}", index)
    assert not found(f"Who painted the ceiling of the chapel there? {QUESTIONS[0]}", index)
    assert not found(" ".join(words(QUESTIONS[0])[:9]), gsm8k()), "long items are not looked for by eight words"


def test_words_of_two_texts_do_not_join() -> None:
    tokens = words(QUESTIONS[0])
    both = [" ".join(tokens[:10]), " ".join(tokens[10:20])]
    assert not gsm8k().overlaps(both)[0].any()
    assert found(" ".join(both))


def test_other_scripts() -> None:
    russian = "Сколько стоит один килограмм яблок, если три килограмма стоят двести десять рублей и десять копеек?"
    chinese = "小明有十二个苹果，他给了小红五个，又买了三个，请问他现在一共有多少个苹果？"
    hindi = "राम के पास बारह सेब हैं और वह पाँच सेब श्याम को देता है तो अब उसके पास कितने सेब बचे हैं"
    composed = "Zażółć gęślą jaźń, a potem policz, ile razy w tym zdaniu występuje litera, którą właśnie czytasz."
    index = build("scripts", [[russian], [chinese], [hindi], [composed]])
    import unicodedata

    for text in (russian.upper(), chinese.replace("，", " , "), f"- {hindi}!", unicodedata.normalize("NFD", composed)):
        assert found(text, index)
    assert words(hindi)[:3] == ["राम", "के", "पास"], "vowel signs belong to their words"
    assert words("苹果 a1") == ["苹", "果", "a1"]


def test_instructions_that_many_items_share_are_no_hit() -> None:
    lead = "Answer the following question and put the letter of the right option into a box at the end."
    index = build("exam", [[f"{lead} {question}"] for question in QUESTIONS])
    assert not found(lead, index)
    assert found(QUESTIONS[3], index)
    assert index.sets[0].left_out == 0


def test_items_that_cannot_be_found_are_counted() -> None:
    lead = " ".join(f"w{n}" for n in range(13))
    items = [[lead], [lead], *([f"{lead} x{n}"] for n in range(10)), ["too short"], []]
    assert build("mixed", items).sets == (contamination.EvaluationSet("mixed", items=14, short=0, left_out=4),)
    assert build("fewer", items[:-3]).sets[0].left_out == 0, "a run that ten items share is no instruction"
    assert build("none", []).sets == (contamination.EvaluationSet("none", 0, 0, 0),)


def test_time_is_linear_in_hostile_text() -> None:
    index = gsm8k()

    def seconds(text: str) -> float:
        start = time.perf_counter()
        index.overlaps([text])
        return time.perf_counter() - start

    million = 1_000_000
    for text in (
        "a" * million,
        "a\u0300\u0316" * (million // 3),
        "a" + "\u0300\u0316" * (million // 2),
        "' " * million,
    ):
        assert seconds(text) < 5
    distinct = " ".join(map(str, range(150_000)))
    assert seconds(distinct) < 5


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_item_finds_itself_and_no_text_fails(item: str, around: str) -> None:
    index = build("any", [[item]])
    hits, long_enough = index.overlaps([item, f"{around} {item}\n{around}"])
    assert hits.any(axis=1).tolist() == [bool(long_enough[0])] * 2
    assert index.sets[0].left_out == (not long_enough[0])


@given(st.lists(st.text("ab .", max_size=80), max_size=20))
def test_batches_change_nothing(texts: list[str]) -> None:
    index = build("ab", [["a b a b b a b a b b a a b"], ["b a b a a a a b"]])
    whole, enough = index.overlaps(texts)
    for text, row, long_enough in zip(texts, whole, enough, strict=True):
        alone, one_enough = index.overlaps([text])
        assert alone[0].tolist() == row.tolist()
        assert one_enough[0] == long_enough


# The file


def test_an_index_comes_back_as_it_was_and_holds_no_text(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.idx"
    index = merge([gsm8k(), build("short", [[SHORT]])])
    save(index, path)
    again = load(path)
    assert again.sets == index.sets
    assert again.digest == index.digest
    assert found(QUESTIONS[0], again)
    data = path.read_bytes()
    for word in {word for question in [*QUESTIONS, SHORT] for word in words(question) if len(word) > 6}:
        for spelled in (word, word.capitalize()):
            assert spelled.encode() not in data
            assert spelled.encode("utf-16-le") not in data
    assert b"gsm8k" in data, "names are kept"


def test_fifty_thousand_items_load_within_a_second(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    hashes = np.sort(draw.integers(0, 2**64, 50_000 * 48, dtype=np.uint64))  # 60 words an item
    long = contamination.Grams(hashes, np.zeros(len(hashes), np.uint16))
    none = contamination.Grams(np.zeros(0, np.uint64), np.zeros(0, np.uint16))
    about = contamination.EvaluationSet("big", 50_000, 0, 0)
    save(Index((about,), {13: long, 8: none}), tmp_path / "big.idx")
    start = time.perf_counter()
    assert load(tmp_path / "big.idx").sets == (about,)
    assert time.perf_counter() - start < 1


def damaged(path: Path, **changes: object) -> Path:
    save(gsm8k(), path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path.open("wb"), **{name: a for name, a in (arrays | changes).items() if a is not None})
    return path


def about(**changes: object) -> np.ndarray:  # type: ignore[type-arg]
    data = json.loads(contamination._about(gsm8k())) | changes
    return np.frombuffer(json.dumps(data).encode(), np.uint8)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hashes_13": np.array([2, 1], np.uint64), "owners_13": np.zeros(2, np.uint16)}, "damaged"),
        ({"owners_13": np.zeros(3, np.uint16)}, "damaged"),
        ({"hashes_8": np.zeros(0, np.int64)}, "damaged"),
        ({"hashes_8": None}, "damaged"),
        ({"about": np.frombuffer(b"{", np.uint8)}, "damaged"),
        ({"about": about(sets=[{"name": 3, "items": 1, "short": 0, "left_out": 0}])}, "damaged"),
        ({"about": about(sets=[])}, "damaged"),  # hashes of no set
        ({"about": about(normalisation="other")}, "another version"),
        ({"about": np.array([{}], dtype=object)}, "damaged"),  # a pickle
    ],
)
def test_a_damaged_index_is_refused(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(HfscoreError, match=said) as caught:
        load(damaged(tmp_path / "bad.idx", **changes))
    assert "hfscore contamination build" in caught.value.hint


def test_what_is_no_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HfscoreError, match="is no index"):
        load(GSM8K)
    with pytest.raises(HfscoreError, match="cannot be read"):
        load(tmp_path / "missing.idx")
    whole = damaged(tmp_path / "cut.idx")
    whole.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(HfscoreError, match="is no index"):
        load(whole)


def test_two_sets_of_one_name_are_refused() -> None:
    with pytest.raises(HfscoreError, match="'gsm8k'"):
        merge([gsm8k(), gsm8k()])


# The facts


class Sets:
    def __init__(self, index: Index) -> None:
        self.index = index

    def contamination(self) -> Index:
        return self.index


def facts_of(traces: list[Trace], index: Index) -> dict[str, Fact]:
    state = family.start(Sets(index))  # type: ignore[arg-type]
    for start in range(0, len(traces), 3):
        family.add(state, traces[start : start + 3], {})
    return {fact.id: fact for fact in family.finish(state)}


CLEAN = "A train leaves the station at noon and reaches the coast after three hours of travel through the hills."


def test_shares_and_rows_by_hand() -> None:
    traces = [
        trace(CLEAN, question=QUESTIONS[0], row=0),
        trace(f"{CLEAN} Recall: {QUESTIONS[1]}", question=CLEAN, row=1),
        trace(CLEAN, question=QUESTIONS[0], row=2),  # the same question once more
        trace(CLEAN, question=f"{CLEAN} Why?", row=3, response=f"As in {QUESTIONS[2]}"),
        trace("short", question="Too short to tell", row=4),
        trace(CLEAN, question=None, row=5),
    ]
    facts = facts_of(traces, gsm8k())
    questions, answers = facts["contamination_questions"], facts["contamination_traces"]
    assert (questions.value, questions.of, questions.rows) == (1 / 3, 3, (0,))
    assert (answers.value, answers.of, answers.rows) == (2 / 5, 5, (1, 3))
    assert questions.title == "Questions that overlap with gsm8k"
    assert "N-gram overlap finds copies, not paraphrases." in questions.note
    assert "1 questions of fewer than 8 words could not be compared" in questions.note
    assert len(facts) == 2


def test_every_set_that_was_hit_has_a_share_of_its_own() -> None:
    index = merge([gsm8k(), build("art", [[SHORT]]), build("half", [[QUESTIONS[0]]])])
    facts = facts_of([trace(CLEAN, question=QUESTIONS[n], row=n) for n in range(2)], index)
    shares = {fact.title: fact.value for fact in facts.values()}
    assert shares == {
        "Questions that overlap with any of 3 evaluation sets": 1.0,
        "Questions that overlap with gsm8k": 1.0,
        "Questions that overlap with half": 0.5,
        "Traces that overlap with any of 3 evaluation sets": 0.0,
    }
    assert "No overlap with: art." in facts["contamination_questions"].note
    assert "No overlap with: gsm8k, art, half." in facts["contamination_traces"].note


def test_data_without_questions_are_not_measurable() -> None:
    facts = facts_of([trace(CLEAN, question=None)], gsm8k())
    assert facts["contamination_questions"].value is None
    assert facts["contamination_questions"].note.startswith("Not measurable")
    assert facts["contamination_traces"].value == 0
    assert facts_of([], gsm8k()) == {}


def test_without_an_index_it_is_skipped_with_the_next_step() -> None:
    problem = Toolbox().problem("contamination")
    assert problem is not None
    assert "--contamination INDEX" in problem
    assert "hfscore contamination build" in problem
    runs, skipped = engine.check_needs([structure.FAMILY, family.FAMILY], {"contamination": problem})
    assert runs == [structure.FAMILY]
    assert [one.what for one in skipped] == ["Overlap with evaluation sets"]


# The command, and a run


def build_with(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["build", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_built_on_the_command_line_and_used_in_a_run(tmp_path: Path) -> None:
    one, other = str(tmp_path / "one.idx"), str(tmp_path / "other.idx")
    shown = build_with(f"gsm8k={GSM8K}", "--out", one)
    assert "gsm8k: 60 items indexed from question." in " ".join(shown.split())
    csv = tmp_path / "art.csv"
    csv.write_text(f"id,text\n1,{SHORT}\n2,too short\n")
    shown = " ".join(build_with(str(csv), "--field", "text", "--out", other).split())
    assert "art: 2 items indexed from text; 1 by runs of 8 words" in shown
    assert "1 cannot be found" in shown

    rows = [{"question": QUESTIONS[n % 30], "reasoning": f"{CLEAN} {n}"} for n in range(40)]
    rows += [{"question": f"{CLEAN} And what of {n} trains?", "reasoning": f"{SHORT} {n}"} for n in range(10)]
    chosen = Settings(metric=("contamination",), contamination=(one, other), rows=None)
    report = api.score(rows, chosen, name="mixed")
    shares = {found.fact.title: found.fact.value for found in report.facts}
    assert shares["Questions that overlap with gsm8k"] == 30 / 40
    assert shares["Traces that overlap with art"] == 10 / 50
    assert report.families["contamination"]["index"].startswith("sha256:")
    assert "gsm8k (60 items" in report.families["contamination"]["evaluation sets"]
    assert "--contamination one.idx --contamination other.idx" in report.command


def test_several_fields_make_one_item() -> None:
    index, notes = index_of([f"gsm8k={GSM8K}"], ["question", "answer"])
    assert index.sets[0].items == 60
    assert notes == ["gsm8k: 60 items indexed from question, answer."]
    assert found(ITEMS[0]["answer"] + " and " + ITEMS[1]["answer"], index)


def test_wrong_sources_are_told(tmp_path: Path) -> None:
    with pytest.raises(ColumnsError, match="'nope' finds nothing") as caught:
        index_of([str(GSM8K)], ["nope"])
    assert "question, answer" in caught.value.hint
    numbers = tmp_path / "numbers.jsonl"
    numbers.write_text('{"a": 1}\n{"a": 2}\n')
    with pytest.raises(ColumnsError, match="No question was found") as caught:
        index_of([str(numbers)])
    assert "--field COLUMN" in caught.value.hint
    with pytest.raises(SourceError):
        index_of([str(tmp_path / "missing.jsonl")])
    with pytest.raises(HfscoreError, match="Two evaluation sets"):
        index_of([str(GSM8K), str(GSM8K)])


def test_a_file_whose_name_has_an_equals_sign(tmp_path: Path) -> None:
    odd = tmp_path / "level=5.jsonl"
    odd.write_text(GSM8K.read_text())
    index, _ = index_of([str(odd), f"named={odd}"])
    assert [one.name for one in index.sets] == ["level=5", "named"]


def test_a_scan_of_rows_is_cheap() -> None:
    draw = random.Random(0)
    vocabulary = [f"word{n}" for n in range(5000)]
    rows = [" ".join(draw.choices(vocabulary, k=190)) for _ in range(200)]  # about 1.5 kB
    index = gsm8k()
    index.overlaps(rows)
    start = time.perf_counter()
    index.overlaps(rows)
    assert (time.perf_counter() - start) / len(rows) < 0.003
