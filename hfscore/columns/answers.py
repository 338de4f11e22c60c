"""Untagged texts: whether a text shows reasoning at all, by its words and by what it ends in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hfscore.text.answer_text import final_answer

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_STEP = re.compile(
    r"(?:^|\n)[ \t]{0,4}(?:#{1,6} ?|\*\*)?(?:step|schritt|étape|paso|krok|шаг|passo|步骤|第|ステップ|단계)[ \t]?"
    r"(?:\d|one|two|three|first|[一二三四五])",
    re.IGNORECASE,
)
_EQUATION = re.compile(
    r"\d[\d\s.,)}%°$]{0,6}(?:[-+*/×÷·^]|\\(?:cdot|times|frac|div))[^=\n]{1,60}=\s?[-\\$({]{0,3}[\dA-Za-z]"
)
_SELF_TALK = re.compile(
    r"\b(?:wait|hmm+|let me|let's|let us|okay, so|i need to|i should|i think|we need to|we have|we get|"
    r"first,|next,|attends|voyons|moment mal|momento|zastanówmy|najpierw|подожди|сначала)\b"
    r"|首先|等等|让我|接下来|まず|待って|먼저|잠깐",
    re.IGNORECASE,
)
_CONNECTIVE = re.compile(
    r"\b(?:therefore|hence|thus|so|because|since|then|implies|which means|it follows|donc|car|alors|"
    r"daher|also|weil|deshalb|folglich|por lo tanto|porque|entonces|zatem|więc|ponieważ|stąd|quindi|"
    r"portanto|logo|следовательно|потому|поэтому|значит)\b|因此|所以|因为|由于|したがって|なので|따라서|때문에",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?。！？](?:\s|$)|\n|[。！？]")
_WORD = re.compile(r"[^\W_]+")
_CJK = re.compile(r"[぀-ヿ㐀-鿿가-힯]")
_CODE_LINE = re.compile(
    r"^\s*(?:def |class |import |from \S+ import|#include|public |private |return\b|for ?\(|while ?\(|"
    r"if ?\(|using |fn |let |const |var |print\(|\}|\{|//|@|function |package |"
    r"[\w.]+\(.*\);?\s*$|[\w\[\]]+ ?[-+*/]?= ?\S)"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much a text looks like reasoning.

    Args:
        words: Words, or characters of a script without spaces.
        sentences: Sentences and lines.
        concludes: It ends in a final answer, and something leads up to it.
        hard: Signs that ordinary prose lacks: final answer, numbered steps, arithmetic, thinking aloud.
        soft: Signs that ordinary prose may show: several sentences, connectives, length.
        code: It is program text.
    """

    words: int
    sentences: int
    concludes: bool
    hard: int
    soft: int
    code: bool


def evidence(text: str) -> Evidence:
    """Weigh a text; only its first and last 20,000 characters are read."""
    text = text if len(text) <= 40_000 else text[:20_000] + "\n" + text[-20_000:]
    prose = _FENCE.sub("\n", text)
    words = count_words(prose)
    sentences = len(_SENTENCE_END.findall(prose.strip() + "\n"))
    final = final_answer(prose)
    concludes = final is not None and words - count_words(final) >= 4
    several = sentences >= 2
    signs = (
        concludes,
        len(_STEP.findall(prose)) >= 2,
        several and bool(_EQUATION.search(prose)),
        several and len(_SELF_TALK.findall(prose)) >= 2,
    )
    connectives = len(_CONNECTIVE.findall(prose))
    soft = several + (connectives >= 1) + (connectives >= 4) + (words >= 60)
    return Evidence(words, sentences, concludes, sum(signs), soft, is_code(text))


def count_words(text: str) -> int:
    """Words of a text; each character counts where a script writes no spaces."""
    unspaced = len(_CJK.findall(text))
    return len(_WORD.findall(text)) + unspaced if unspaced else len(_WORD.findall(text))


def is_code(text: str) -> bool:
    """Whether most lines are program text, a fence around them left aside."""
    lines = [line for line in text.splitlines()[:200] if line.strip() and not line.startswith("```")]
    if not lines:
        return False
    hits = sum(bool(_CODE_LINE.match(line)) or line.startswith(("    ", "\t")) for line in lines)
    return hits * 2 > len(lines)


def fenced(text: str) -> list[str]:
    """The contents of fenced blocks, without their info strings."""
    parts = text.split("```")[1::2]
    return [part.partition("\n")[2] for part in parts]
