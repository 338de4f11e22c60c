"""The splitter: lossless on any text, the expected cuts in English and Polish, linear time."""

from __future__ import annotations

import random
import time
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore.text.steps import Step, _steps, split_steps, split_units

# Each list is one text, cut where a reader of the trace would cut it.
ENGLISH = {
    "reasoning model": [
        "Okay, so I need to find the sum of the first 5 primes. ",
        "Let me recall... the primes are 2, 3, 5, 7, 11, ... and so on.\n\n",
        "Hmm. ",
        "Wait, is 1 a prime? ",
        "No, it isn't, ",
        "so the list is right.\n\n",
        "First, 2 + 3 = 5, ",
        "so the partial sum is 5. ",
        "Let me double-check: ",
        "2 + 3 + 5 + 7 + 11 = 28. ",
        "That's 18... ",
        "wait, no, that's 28. ",
        'Now "Why?" he asked. ',
        "It works, ",
        "which means the total is 28; ",
        "then we are done.",
    ],
    "numbers and letters": [
        "A pear costs $1.50 and 2 pears cost $3. ",
        "x = 3. ",
        "f(2) = 5. ",
        "y is 4. ",
        "λ is 3 nm, e.g. here, ",
        "so n=5, ",
        "so m=6. ",
        "40% of 5.5 is 2.2. ",
        "12 of them left at 11:30 a.m. and came back. ",
        "n! ways are too many. ",
        "So there are 5! = 120 ways and 3! ways. ",
        "Is it n! or (n-1)!? ",
        "It is n!. ",
        "The remainder is 3. ",
        "-2 is the same modulo 5. ",
        "Take angle A. ",
        "Draw the line through Class B. ",
        "Then stop! ",
        "Version 2.0.1 of run.py is at https://a.org/x.y?z=1. ",
        "See 1, 2, ..., n and the rest.",
    ],
    "abbreviations": [
        "See Fig. 3, Eq. (2) and No. 5, e.g. the U.S. dollar, i.e. $1.24, vs. the pound. ",
        "Dr. Jane F. Kennedy and Prof. J. Smith met Mr. Roper, etc. in Mt. Vernon. ",
        "He sold pens, etc. ",
        "Then he left the U.S. ",
        "We use approx. 5 kg. ",
        "No. ",
        "That is wrong (see above). ",
        '"It is." ',
        "He left.",
    ],
    "math": [
        "We have $a = 1. B$ and \\(x. Y\\) here, ",
        "so $x=6$. ",
        "The area is $$A = \\pi r^2. \\quad B = 2$$ ",
        "Now we get $c = 1.5.$ ",
        "It follows\n",
        "\\[\n",
        "x = 3.\n\n",
        "An \\[ opener too. ",
        "Closed: \\[ x = 1. \\quad Y \\] ",
        "Then nothing is kept whole here. ",
        "Next.\n",
        "\\begin{align*}\na &= b. \\\\\nC &= d.\n\n\\end{align*}\n",
        "It costs $5. ",
        "He has 6$ left.",
    ],
    "markdown": [
        "## Solution in three plain parts\n\n",
        "**Step 1: Add.** ",
        "We add 2 and 3. ",
        "It is 5.\n",
        "1. First item. ",
        "More of it.\n",
        "2) Second item\n",
        "- **Bold**: a note. ",
        "Another.\n",
        "a) sub item. ",
        "End.\n\n",
        "```python\nx = 1. \ny = 'Hello. World'\n\n```\n",
        "The call `f(a. B)` is fine.\n",
        "> Quoted. ",
        "Text.\n",
        "| a | b |\n",
        "#### 56",
    ],
    "no capitals": ["ok so x is 3. ", "then we add 4. ", "so it is 7. each one costs approx. the same."],
    "clauses that stay": [
        "Okay, so I try. ",
        "We wrote it down, so that we see it (it is 5, so it is odd). ",
        "It is not only odd, but also prime. ",
        "Case 2: n = 4. ",
        "Final answer: 5 = x. ",
        "The values are: 2, 3 and 5. ",
        "Choose from [1; 2 or 3] and &lt; is fine.",
    ],
    "other scripts": ["我们需要计算。", "然后,x = 3。", "“好的。”", "他说!OK。", "Next?\u2028", "यह है। ", "ठीक।"],
}
POLISH = {
    "liczby": [
        "Mamy 2,5 kg jabłek, tj. 2500 g, a 1 kg kosztuje 3,20 zł. ",
        "Zatem koszt to 2,5 · 3,20 zł = 8 zł, ",
        "więc reszta to 2 zł. ",
        "Razem 1 000 000 zł (1\u00a0000 tys. zł). ",
        "Ile to będzie? ",
        "12 jabłek.",
    ],
    "skróty": [
        "Dnia 3. maja, 12.05.2024 r. kupiono np. jabłka, gruszki itd. ",
        "Potem wrócił na ul. Długą 5, tzn. ok. 20 km stąd, wg św. Jana. ",
        "Dziś m.in. Kraków, m. in. Łódź oraz prof. Nowak, por. rys. 3 i wzór nr 5. ",
        "W 1939 r. Niemcy napadły. ",
        "Było to w 2020 r. ",
        "Następnie obliczamy pole.",
    ],
    "rozumowanie": [
        "Krok 1. Obliczamy pole.\n",
        "Krok 2: Obliczamy obwód prostokąta.\n",
        "Czekaj, to źle... ",
        "nie, jednak dobrze. ",
        "Liczba jest parzysta, ",
        "czyli dzieli się przez 2; ",
        "dalej dzielimy przez 3. ",
        "Teraz sprawdzamy wynik dzielenia: ",
        "12 : 3 = 4.",
    ],
}


@pytest.mark.parametrize("units", [*ENGLISH.values(), *POLISH.values()], ids=[*ENGLISH, *POLISH])
def test_units_are_cut_where_a_reader_cuts(units: list[str]) -> None:
    assert split_units("".join(units)) == units


def test_a_line_may_end_in_two_characters() -> None:
    units = ["Run it.\r\n", "```\r\nx = 1. Y\r\n\r\n```\r\n", "It works. ", "Done.\r\n"]
    assert split_units("".join(units)) == units


@pytest.mark.parametrize(
    "steps",
    [
        ["\n\n<think>\nOkay, I start. ", "I go on.\n</think>\n\n", "#### 56"],
        [
            "### Solution\n\nSo:\nx = 3\n---\n",
            "1.\nTake it.\n\n  \n",
            "**Step 2:**\n- \nAdd five. ",
            "Done.\n",
            "**Final Answer**\n28 pears.\n",
            "**Answer:**",
        ],
        [
            "It is long. ",
            "The line goes on, and an editor wrapped it somewhere in\nthe middle, without a stop. ",
            "So.\n",
            "so it is",
        ],
        ["apples\n", "pears\n", "x = 3\n", "y = 4\n"],
        ["  \n\n"],
        ["1."],
        ["..."],
        [],
    ],
    ids=["tags", "labels", "wrapped", "short lines", "blank", "marker alone", "no words", "empty"],
)
def test_steps_join_what_is_no_step(steps: list[str]) -> None:
    found = split_steps("".join(steps))
    assert [step.text for step in found] == steps
    assert [step.end for step in found] == list(accumulate(map(len, steps)))


TEXTS = st.one_of(
    st.text(alphabet=st.characters(), max_size=200),  # lone surrogates and NUL included
    st.lists(
        st.sampled_from(
            [
                *[
                    "word ",
                    "Then",
                    " ",
                    ". ",
                    ".",
                    "? ",
                    "!",
                    "...",
                    ", so ",
                    "; ",
                    ": ",
                    "\n",
                    "\r\n",
                    "\n\n",
                    "$",
                    "$$",
                ],
                *[
                    "\\[",
                    "\\]",
                    "\\(",
                    "\\)",
                    "\\begin{align}",
                    "\\end{align}",
                    "```",
                    "\n```\n",
                    "`",
                    "e.g. ",
                    "No. 5",
                ],
                *[
                    "1. ",
                    "- ",
                    "(",
                    ")",
                    "\ud800",
                    "\x00",
                    "。",
                    "x = 3",
                    "Step 1:",
                    "<think>",
                    "**",
                    "#",
                    "\u00a0",
                    "~~~",
                ],
            ]
        ),
        max_size=60,
    ).map("".join),
)


@settings(deadline=None)
@given(TEXTS)
def test_nothing_is_lost(text: str) -> None:
    units = split_units(text)
    assert "".join(units) == text
    assert all(units)
    steps = split_steps(text)
    assert "".join(step.text for step in steps) == text
    assert all(step == Step(step.start, step.end, text[step.start : step.end]) for step in steps)
    starts = set(accumulate(map(len, units), initial=0))
    assert all(step.start in starts for step in steps)


@settings(deadline=None)
@given(TEXTS)
def test_no_step_is_blank_unless_the_text_is(text: str) -> None:
    blank = [step for step in split_steps(text) if not step.text.strip()]
    assert not blank or not text.strip()


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_a_paragraph_is_cut_alike_wherever_it_stands(first: str, second: str) -> None:
    if set(first + second) & set("`~$\\") or not second.strip() or second[0].isspace():
        return  # an open delimiter reaches across paragraphs
    before = split_units(first.rstrip() + ".\n\n")
    assert split_units("".join(before) + second) == before + split_units(second)


MEGABYTE = 1_000_000
ALPHABET = "".join(map(chr, range(32, 127))) + "\n"
HOSTILE = {
    **{f"{char!a} repeated": char * MEGABYTE for char in 'a.$\n (`\\,;:"*?!…。#_-1\t~['},
    "random ASCII": "".join(random.Random(0).choices(ALPHABET, k=MEGABYTE)),
    "random Unicode": "".join(map(chr, random.Random(0).choices(range(0x3000), k=MEGABYTE))),
    "a trace repeated": "".join(map("".join, [*ENGLISH.values(), *POLISH.values()])) * (MEGABYTE // 3_200),
    "white space, then a stop": " " * (MEGABYTE // 2) + "." + " " * (MEGABYTE // 2),
    "a long beginning, then colons": "#" * (MEGABYTE // 2) + " a b c: d = e" * (MEGABYTE // 26),
    "one line break, then white space": "a,\n" + " " * MEGABYTE,
}
OPEN_DELIMITERS = ["\\[", "\\( ", "$a ", "$$ ", "\\begin{align}", "` ``", "```a\n", "(, so x y ", "[a b; cd ef ", ".) "]


def seconds(text: str) -> float:
    _steps.cache_clear()
    start = time.process_time()
    split_steps(text)
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_megabyte_of_anything_takes_half_a_second(text: str) -> None:
    assert min(seconds(text) for _ in range(3)) < 0.5


# Two to six characters that ask for a decision each time.
DENSE = [
    *[
        "I. ",
        "A. ",
        "a. ",
        "1. ",
        "np. ",
        "e.g. ",
        "a. B",
        '". "',
        "(a) ",
        "a! ",
        "5! A",
        "?! A",
        "... A",
        "a。",
        "! ",
        "; ",
    ],
    *["a: ", "=: ", " a;", "a; b ", "x: y = ", "a, so b ", "so, ", "(=: ", "a;b"],
    *["$a", "5$", "$?", "$$", "$a$ ", "$a.$ A", "\\(a\\)", "\\[a\\] A", "\\(", "`a", "`a` ", "```\n", "~~~\n"],
    *["a\n", "- x\n", "1.\n", "So:\n", "**a**\n", "<a>\n", "\n \n", "$\n", "`\n", "a\r\n"],
]


@pytest.mark.slow
@pytest.mark.parametrize("pattern", DENSE)
def test_dense_signs_cost_as_little(pattern: str) -> None:
    text = pattern * (MEGABYTE // 10 // len(pattern))
    assert min(seconds(text) for _ in range(3)) < 0.15  # 10 MB take under 5 s on an idle core: a third of this


def distinct(count: int, first: int, last: int, after: str) -> str:
    draw = random.Random(0)
    return "".join("".join(chr(draw.randint(first, last)) for _ in range(3)) + after for _ in range(count))


@pytest.mark.slow
@pytest.mark.parametrize("text", [distinct(50_000, 0x61, 0x7A, ". "), distinct(60_000, 0x4E00, 0x9FFF, "\n")])
def test_units_that_never_repeat_cost_as_little(text: str) -> None:
    assert min(seconds(text) for _ in range(3)) < 0.15 * len(text) / 100_000


@pytest.mark.slow
@pytest.mark.parametrize("opener", OPEN_DELIMITERS)
def test_open_delimiters_take_linear_time(opener: str) -> None:
    short = min(seconds(opener * 4_000) for _ in range(3))
    long = min(seconds(opener * 32_000) for _ in range(2))
    assert long < 24 * short  # 8 times the text; quadratic would be 64
