"""Known answers for formats, reflection, flags, spans, languages, duplicates: English, Polish, adversarial."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfscore.metrics import duplicates, flags, language, structure, think_span
from hfscore.metrics import format as formats
from hfscore.records import Scored, Trace, Unscored
from hfscore.spec import Family
from hfscore.text import degenerate
from hfscore.text.formats import format_of, options
from hfscore.text.reflection import reflection_density, reflections
from tests.fakes import tools, trace

CHINESE = "然后我们把两个数字加在一起再除以二得到平均值因此答案是二十四"
JAPANESE = "日本語のカタカナとひらがなと漢字を混ぜて書く文章です。"
RUSSIAN = " потом мы делим сумму на два и получаем"
SORRY = "I’m sorry, but I can’t help."
NIESTETY = "Niestety nie mogę pomóc w tej sprawie."
ENGLISH = "First we add the two numbers and then we divide the sum by two, which gives the mean of the pair."
POLISH = "Najpierw dodajemy obie liczby, a potem dzielimy sumę przez dwa, co daje średnią arytmetyczną tej pary."


def facts(family: Family, traces: list[Trace]) -> dict[str, float | None]:
    assert family.fold is not None
    state = family.fold.start(tools())
    for start in range(0, len(traces), 7):  # batches change nothing
        batch = traces[start : start + 7]
        scores = family.score(batch, tools(), None)
        family.fold.add(state, batch, family.fold.read(batch, scores) if family.fold.read else scores)
    return {fact.id: fact.value for fact in family.fold.finish(state)}


@pytest.mark.parametrize(
    ("question", "response", "reference", "expected"),
    [
        ("What is 2+2?\nA) 3\nB) 4\nC) 5", "The answer is (B).", None, "multiple_choice"),
        ("Which one? (A) red (B) green (C) blue (D) none", None, "C", "multiple_choice"),
        ("Która odpowiedź jest poprawna?\na) pies\nb) kot\nc) ryba", "Odpowiedź: b", None, "multiple_choice"),
        ("Stolica Polski to:\n1. Kraków\n2. Warszawa\n3. Gdańsk", None, "Warszawa", "multiple_choice"),
        ("What is 6 times 7?", "It is 42.\n#### 42", "42", "free_form"),
        ("Ile to 5/2?", "Odpowiedź: 2,5", "2,5", "free_form"),
        ("Write a Python function that doubles n.", "```python\ndef f(n):\n    return 2 * n\n```", None, "code"),
        ("Napisz funkcję w języku Python, która podwaja n.", "```python\ndef f(n): return 2*n\n```", None, "code"),
        ("Prove that the sum of two even numbers is even.", "Let a = 2m and b = 2n.", None, "proof"),
        ("Wykaż, że suma dwóch liczb parzystych jest parzysta.", "Niech a = 2m.", None, "proof"),
        ("Find the weather.", "Action: search\nAction Input: weather", None, "tool"),
        ("Tell me about the war.", "It began in spring. " * 30, None, "other"),
        (None, "x", "y", "unknown"),
        ("What?", None, None, "unknown"),
    ],
)
def test_formats(question: str | None, response: str | None, reference: str | None, expected: str) -> None:
    assert format_of(question, "Some thoughts.", response, reference) == expected


def test_options_in_a_column_of_their_own_make_multiple_choice() -> None:
    listed = ("A)30 km/h", "B)45 km/h", "C)40 km/h")
    assert format_of("What is its speed?", "60 / 1.5 = 40.", "C", "C", listed=listed) == "multiple_choice"
    assert format_of("What is its speed?", "60 / 1.5 = 40.", "40", "40", listed=("30", "45", "40")) == "multiple_choice"
    assert format_of("What is its speed?", "60 / 1.5 = 40.", "40", "40", listed=listed[:2]) == "free_form"


def test_options_inside_a_trace_make_no_multiple_choice() -> None:
    thoughts = "A) I thought of adding first. B) then I thought of doubling. C) I did both."
    assert format_of("How many apples are left?", thoughts, "#### 4", "4") == "free_form"


def test_numbered_conditions_make_no_multiple_choice() -> None:
    question = "Find n such that\n1. n is even\n2. n > 10\n3. n < 13"
    assert options(question) == ("1", "2", "3")
    assert format_of(question, "It is twelve.", "#### 12", "12") == "free_form"


def test_reflection_counts_whole_phrases_once_in_both_languages() -> None:
    assert reflections("Wait, let me double-check. Actually, await the waiter.") == 3
    assert reflections("Zaraz, sprawdźmy to jeszcze raz. Czy na pewno?") == 4
    assert reflections(ENGLISH + POLISH) == 0
    assert reflection_density("wait " * 5 + "word " * 45) == pytest.approx(10)


@pytest.mark.parametrize(
    ("flag", "good", "bad"),
    [
        ("flag_loop", trace(ENGLISH), trace("So we try again with the other one. " * 9)),
        ("flag_loop", trace(POLISH * 2), trace("Well, " + "ha" * 3 + "a" * 300)),
        ("flag_cut_off", trace(ENGLISH * 3), trace(ENGLISH * 3 + " And then we take the")),
        ("flag_cut_off", trace("ok"), trace("some", think_span="unclosed")),
        ("flag_cut_off", trace("w", response="-def add(a, b): return a + b + 1\n" * 3 + "+def add(a, b): return a + b"),
            trace("We know that each of the boxes holds twelve eggs, and then we multiply the result by the")),
        ("flag_cut_off", trace("```\nx\n```"), trace("```python\nx = 1\n")),
        ("flag_script_mix", trace("Let α be the angle of the triangle."), trace(ENGLISH + CHINESE)),
        ("flag_script_mix", trace(JAPANESE), trace(POLISH + RUSSIAN)),
        ("flag_refusal", trace("I cannot tell x from y yet, but 3 is odd."), trace("x", response=SORRY)),
        ("flag_refusal", trace("Nie mogę się pomylić."), trace("x", response=NIESTETY)),
        ("flag_self_naming", trace("Claude has 3 apples. I am sure."), trace("As an AI language model, I think.")),
        ("flag_self_naming", trace("Gemini is a sign of the zodiac."), trace("I am DeepSeek-R1, and I reason.")),
        ("flag_self_naming", trace("Model ma dwa parametry."), trace("Jestem modelem językowym i liczę.")),
    ],
)  # fmt: skip
def test_flags(flag: str, good: Trace, bad: Trace) -> None:
    readings = flags.score([good, bad], tools(), None)[flag]
    assert readings == [Scored(0.0), Scored(1.0)]


def test_chinese_question_allows_chinese_thoughts() -> None:
    mixed = trace(ENGLISH + CHINESE, question="平均值是多少？")
    assert flags.score([mixed], tools(), None)["flag_script_mix"] == [Scored(0.0)]


def test_think_spans_are_shares_that_sum_to_one() -> None:
    states = ["valid", "valid", "empty", "missing", "unclosed"]
    scores = think_span.score([trace("x", think_span=state) for state in states], tools(), None)
    assert [sum(reading.value for reading in scores[f"think_{state}"]) for state in think_span.STATES] == [2, 1, 1, 1]  # type: ignore[union-attr]
    assert isinstance(think_span.score([trace("x")], tools(), None)["think_valid"][0], Unscored)


def test_structure_by_hand() -> None:
    scores = structure.score([trace("Add 2 and 2. Get 4.\nTak więc wynik to 4."), trace("  ")], tools(), None)
    assert scores["words"] == [Scored(11.0), structure.EMPTY]
    assert scores["bytes"][0] == Scored(41.0)
    assert scores["steps"][0] == Scored(3.0)


def test_languages() -> None:
    found = facts(language.FAMILY, [trace(ENGLISH)] * 3 + [trace(POLISH)])
    assert found == {"language_en": 0.75, "language_pl": 0.25}


def test_duplicates_within_the_sample() -> None:
    other = [f"{ENGLISH} It is number {i}: " + " ".join(f"w{i}x{k}" for k in range(60)) for i in range(10)]
    near = other[0].replace("w0x30", "changed")
    traces = [trace(text, row=i) for i, text in enumerate([*other, other[3].upper(), near])]
    found = facts(duplicates.FAMILY, traces)
    assert found["duplicates_exact"] == pytest.approx(1 / 12)
    assert found["duplicates_near"] == pytest.approx(1 / 12)


def test_format_gap_is_cohens_d_by_hand() -> None:
    assert formats.cohens_d((4, 10.0, 30.0), (4, 2.0, 2.0)) == pytest.approx(2.0 / (6 / 6) ** 0.5)
    choice = [trace("wait " + "w " * (9 + i % 3), question="Q? A) 1 B) 2 C) 3", response="A", row=i) for i in range(20)]
    free = [trace("word " * (9 + i % 3), question="Q?", response="#### 7", row=i) for i in range(25)]
    assert (facts(formats.FAMILY, choice + free)["format_strategy_gap"] or 0) < -5
    assert facts(formats.FAMILY, choice)["format_strategy_gap"] is None


@given(st.text(max_size=2000), st.one_of(st.none(), st.text(max_size=200)))
def test_any_text_gets_flags_and_formats(text: str, question: str | None) -> None:
    one = trace(text, question=question, response=text[:50])
    for family in (flags.FAMILY, formats.FAMILY, structure.FAMILY):
        assert all(len(readings) == 1 for readings in family.score([one], tools(), None).values())


@pytest.mark.parametrize("unit", ["a", " ", "\n", "A) ", "I am ", "```", "(", "wait ", "1. ", "\u4e2d", "SELECT "])
def test_hostile_text_takes_no_time(unit: str) -> None:
    text = unit * (300_000 // len(unit))
    one = trace(text, question=text, response=text)
    language.language(text)  # its model loads once
    started = time.process_time()
    for family in (flags.FAMILY, formats.FAMILY, structure.FAMILY):
        family.score([one], tools(), None)
    language.language(text)
    reflections(text)
    degenerate.scripts(text)
    assert time.process_time() - started < 4
