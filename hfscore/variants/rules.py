"""Variants made by rules: deterministic, in time linear in the text, for English and Polish words.

The last step stays where it states the final answer, so that a variant differs in its reasoning alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Final

from hfscore.damage.draws import permuted
from hfscore.damage.filler import CHECKS, FILLER, language
from hfscore.records import Unscored
from hfscore.text.answer_text import final_answer
from hfscore.text.steps import split_steps

RULES_VERSION: Final = 1
"""Raised whenever a variant of the same trace changes."""

LENGTHY: Final = 2.0
"""Length of a lengthy variant, as a multiple of the trace's."""

CHECK_EVERY: Final = 3
"""Restated steps to a checking sentence."""

AGAIN = {"en": "In other words: ", "pl": "Innymi słowy: "}

# Words that carry no detail, left out of a summary; none that stands in a formula or in code.
_SMALL: Final = {
    "en": "the an so then now thus hence also just that this these those there here very really well first next "
    "finally therefore which who has have had was were been being does did let us we they them their of",
    "pl": "więc wtedy teraz zatem także też tylko który która które to ten ta te jest są był była było były bardzo "
    "najpierw następnie wreszcie dlatego nam nas oni ich",
}
_PATTERNS: Final = {
    name: re.compile(rf"\b(?:{'|'.join(words.split())})\b(?![-'’])[^\S\n]?", re.IGNORECASE)
    for name, words in _SMALL.items()
}
_FORMAL: Final = re.compile(r"[`\\${}]")
_DIGIT: Final = re.compile(r"\d")

Rule = Callable[[str, Random], str | Unscored]


def divided(text: str) -> tuple[str, str]:
    """A trace up to its last step, and that step if it states the final answer."""
    steps = [step.text for step in split_steps(text)]
    if len(steps) > 1 and final_answer(steps[-1]) is not None:
        return text[: len(text) - len(steps[-1])], steps[-1]
    return text, ""


def summarized(text: str, rng: Random) -> str | Unscored:
    """Steps with figures, without words that carry no detail; every second step where there are no figures."""
    body, end = divided(text)
    steps = [step.text for step in split_steps(body)]
    kept = [step for step in steps if _DIGIT.search(step)] or steps[::2]
    small = _PATTERNS[language(text)]
    short = "".join(step if _FORMAL.search(step) else small.sub("", step) for step in kept)
    found = short + end
    return found if short.strip() and len(found) < len(text) else Unscored("nothing to leave out")


def babythink(text: str, rng: Random) -> str | Unscored:
    """Simple sentences without a detail or a number, of exactly as many characters."""
    body, end = divided(text)
    words = body.rstrip()
    return simple_sentences(len(words), language(text), rng) + body[len(words) :] + end


def simple_sentences(characters: int, words: str, rng: Random) -> str:
    """Exactly so many characters of filler in a language."""
    sentences: list[str] = []
    turn: list[str] = []
    size = 0
    while size < characters:
        turn = turn or permuted(rng, FILLER[words])
        sentences.append(turn.pop())
        size += len(sentences[-1]) + 1
    cut = " ".join(sentences)[:characters].rstrip()
    return cut.ljust(characters, ".")


def lengthy(text: str, rng: Random) -> str | Unscored:
    """About twice as long: steps said again, and checks that check nothing new."""
    body, end = divided(text)
    words = language(text)
    checks, again = CHECKS[words], AGAIN[words]
    left = int(len(text) * (LENGTHY - 1))
    written: list[str] = []
    said = 0
    for step in split_steps(body):
        bare = step.text.strip()
        written.append(step.text)
        if not bare or left <= 0:
            continue
        check = f" {checks[said // CHECK_EVERY % len(checks)]}" if said % CHECK_EVERY == 0 else ""
        added = f"{again}{bare}{check}"
        gap = step.text[len(step.text.rstrip()) :] or " "
        written[-1] = f"{step.text.rstrip()}{gap if gap.strip(' ') else ' '}{added}{gap}"
        left -= len(added) + 1
        said += 1
    if not said:
        return Unscored("nothing to say again")
    return "".join(written) + end


VARIANTS: Mapping[str, Rule] = MappingProxyType({"summarized": summarized, "babythink": babythink, "lengthy": lengthy})
"""Every variant by its name."""
