"""Damage by sentences that say nothing, and white space folding, which damages nothing."""

from __future__ import annotations

import re
import unicodedata
from random import Random
from typing import Final

from hfscore.damage.draws import permuted
from hfscore.text.steps import split_steps

TAIL_SHARE: Final = 0.5
"""Length of the checking sentences appended, as a share of the trace's."""

CHECK_EVERY: Final = 4
"""Restated steps to a checking sentence."""

MIN_CHECKS: Final = 6
"""Fewest checking sentences appended."""

MAX_MARKS: Final = 30
"""Longest run of combining marks that is normalised (UAX #15, section 13): a longer one is no
language's, and Python sorts it in quadratic time."""

FILLER = {
    "en": (
        "Let us look at the numbers.",
        "This is easy.",
        "We do it step by step.",
        "First we think about it.",
        "Then we add things up.",
        "That is how it works.",
        "Now we know a bit more.",
        "It is good to go slowly.",
    ),
    "pl": (
        "Popatrzmy na liczby.",
        "To jest łatwe.",
        "Robimy to krok po kroku.",
        "Najpierw o tym myślimy.",
        "Potem wszystko dodajemy.",
        "Tak to właśnie działa.",
        "Teraz wiemy trochę więcej.",
        "Dobrze jest iść powoli.",
    ),
}
"""Sentences without a detail or a number, in the manner of a child's explanation."""

TAIL = {
    "en": "And so it is all very easy and clear and good to see and to know in the end.",
    "pl": "I tak to wszystko jest bardzo proste i jasne i dobre do zobaczenia na koniec.",
}
"""Plain ASCII, so that any number of bytes can be cut from it."""

CHECKS = {
    "en": (
        "Let me check this once more.",
        "The steps above are the same, and so is the result.",
        "Let me verify it again to be sure.",
        "Everything is as before.",
    ),
    "pl": (
        "Sprawdzę to jeszcze raz.",
        "Kroki powyżej są te same i wynik też.",
        "Sprawdźmy to ponownie dla pewności.",
        "Wszystko jest tak jak przedtem.",
    ),
}
"""Sentences that check nothing new."""

_POLISH = re.compile("[ąćęłńśźżĄĆĘŁŃŚŹŻ]")
_BREAKS = re.compile(r"\r\n?")
_RUN = re.compile(r"(?<=\S)[^\S\n]++(?=\S)")
_BEFORE_BREAK = re.compile(r"(?<![^\S\n])[^\S\n]++(?=\n|\Z)")
_BLANK_LINES = re.compile(r"\n{3,}+")


def language(text: str) -> str:
    """ "pl" where at least one letter in a hundred is a Polish one, "en" otherwise."""
    head = text[:4_000]
    return "pl" if len(_POLISH.findall(head)) * 100 > len(head) else "en"


def size(text: str) -> int:
    """Bytes of a text in UTF-8, three for a lone surrogate."""
    return len(text.encode("utf-8", "surrogatepass"))


def filler(text: str, rng: Random) -> str:
    """Replace a text by simple sentences of exactly as many bytes in UTF-8.

    The constant length is what tells a metric of content from one of size.
    """
    words = language(text)
    sentences: list[str] = []
    left = size(text)
    turn: list[str] = []
    while True:
        turn = turn or permuted(rng, FILLER[words])
        if size(turn[-1]) + 1 >= left:
            break
        sentences.append(turn.pop())
        left -= size(sentences[-1]) + 1
    tail = TAIL[words][: max(0, left - 1)].rstrip(" .")
    return " ".join([*sentences, tail.ljust(left, ".")]) if left else ""


def tail_checking(text: str) -> str:
    """Append checks that restate the trace's own steps from the first on, half as long together as the text."""
    checks = CHECKS[language(text)]
    steps = [step.text.strip() for step in split_steps(text) if step.text.strip()] or [text]
    added: list[str] = []
    wanted = int(len(text) * TAIL_SHARE)
    while wanted > 0 or len(added) < MIN_CHECKS:
        # a check a step would outweigh the steps: the tail repeats the trace, not itself
        opening = f"{checks[len(added) // CHECK_EVERY % len(checks)]} " if len(added) % CHECK_EVERY == 0 else ""
        added.append(f"{opening}{steps[len(added) % len(steps)]}")
        wanted -= len(added[-1]) + 1
    return f"{text}\n\n{' '.join(added)}"


def normalise_whitespace(text: str) -> str | None:
    """Unicode form NFC; one space for a run inside a line, none at its end, at most one blank line.

    Indentation stays, for code and lists mean something by it. None for a text with a run of more
    than `MAX_MARKS` combining marks.
    """
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks > MAX_MARKS:
            return None
    text = _BREAKS.sub("\n", unicodedata.normalize("NFC", text))
    text = _BEFORE_BREAK.sub("", _RUN.sub(" ", text))
    return _BLANK_LINES.sub("\n\n", text)
