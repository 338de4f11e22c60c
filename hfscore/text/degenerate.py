"""Signs that a trace went wrong: loops, cut-offs, a change of script, refusals, a teacher naming itself.

Each is a rule that a reader can check by eye; each function is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from hfscore.text.words import AS_A_MODEL, MADE_BY, MAKERS, MODEL_NAMES, REFUSAL, SELF

LOOP_TIMES = 5  # a span repeated as often as this ...
LOOP_SHARE = 0.2  # ... that makes up this share of the text is a loop
LOOP_WORDS = 3  # shorter steps ("So:") may repeat
RUN_LENGTH = 200  # one character in a row
CUT_BYTES = 60  # a shorter text may end as it likes
PROSE_WORDS = 3
FOREIGN_LETTERS = 20
FOREIGN_SHARE = 0.02
HEAD = 300  # characters in which a refusal stands

_RUN = re.compile(rf"([^\s=\-_*#.])\1{{{RUN_LENGTH - 1}}}")
_ENDS = re.compile(r"""(?:[.!?…。！？।॥؟۔՞։።:;)\]}>"'”’»）」』】`_|$%°0-9]|\S\*)\s*\Z""")
_STOPLESS = frozenset({"THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"})  # scripts that end a sentence with no mark


def loops(steps: Sequence[str]) -> bool:
    """Whether one step returns again and again, or one character runs on.

    Args:
        steps: The trace, cut into steps.
    """
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    total = 0
    for step in steps:
        words = step.split()
        total += len(step)
        if len(words) >= LOOP_WORDS:
            folded = " ".join(words)
            counts[folded] += 1
            sizes[folded] += len(step)
    repeated = sum(sizes[step] for step, times in counts.items() if times >= LOOP_TIMES)
    return repeated >= LOOP_SHARE * total > 0 or any(_RUN.search(step) for step in steps)


def cut_off(reasoning: str, response: str | None, *, unclosed: bool) -> bool:
    """Whether the record breaks off: thinking never closed, a code block left open, or a sentence without an end."""
    last = (response if response and response.strip() else reasoning).rstrip()
    fences = (line.lstrip() for line in last.splitlines())
    if unclosed or sum(line.startswith("```") and "```" not in line[3:] for line in fences) % 2:
        return True
    if last and last[-1].isalpha() and _script(last[-1]) in _STOPLESS:
        return False
    return len(last.encode("utf-8", "replace")) > CUT_BYTES and _is_prose(last) and not _ENDS.search(last[-3:])


def _is_prose(text: str) -> bool:
    """Whether the last line is a sentence: code, patches and formulas end as they like."""
    tokens = text[-2000:].rsplit("\n", 1)[-1].split()
    words = sum(token.strip(",;()").isalpha() for token in tokens)
    return words >= PROSE_WORDS and 2 * words >= len(tokens)


@cache
def _script(letter: str) -> str:
    """Script of a letter, from the first word of its Unicode name; Chinese and Japanese count as one."""
    name = unicodedata.name(letter, "UNKNOWN").split(" ", 1)[0]
    return "CJK" if name in ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK", "IDEOGRAPHIC") else name


def scripts(text: str) -> Counter[str]:
    """Letters by script; Greek and mathematical letters are left out, for formulas use them."""
    found: Counter[str] = Counter()
    folded = unicodedata.normalize("NFKC", text)  # ℝ and full-width letters are letters of their plain form
    for letter, times in Counter(folded).items():
        if letter.isalpha():
            script = _script(letter)
            if script not in ("GREEK", "MATHEMATICAL", "MODIFIER", "SUPERSCRIPT", "SUBSCRIPT", "MICRO", "SCRIPT"):
                found[script] += times
    return found


def mixes_scripts(question: str | None, reasoning: str) -> bool:
    """Whether a second script that the question does not use appears in earnest."""
    found = scripts(reasoning)
    if len(found) < 2:
        return False
    asked = set(scripts(question or ""))
    main, _ = found.most_common(1)[0]
    total = sum(found.values())
    return any(
        times >= FOREIGN_LETTERS and times >= FOREIGN_SHARE * total
        for script, times in found.items()
        if script != main and script not in asked
    )


def _any_of(phrases: Iterable[str]) -> str:
    return "(?:" + "|".join(re.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True)) + ")"


def _all(lists: Mapping[str, Sequence[str]]) -> list[str]:
    return [phrase for phrases in lists.values() for phrase in phrases]


@cache
def _refusal() -> re.Pattern[str]:
    opener = r"\W*(?:(?:sorry|i'm sorry|i am sorry|i apologi[sz]e|unfortunately|przepraszam|niestety)\b[^.!?\n]{0,40})?"
    return re.compile(opener + _any_of(_all(REFUSAL)) + r"(?!\w)", re.IGNORECASE)


@cache
def _self_naming() -> re.Pattern[str]:
    names, makers = _any_of(MODEL_NAMES), _any_of(MAKERS)
    # "My name is Claude Shannon" names a person: a capital follows
    named_start = rf"{_any_of(_all(SELF))}[ ,]{{1,2}}(?:an? )?{names}"
    made = rf"(?:i was|i am|i'm|i've been|jestem|zostałem|zostałam)\b[^.!?\n]{{0,40}}?{_any_of(_all(MADE_BY))} {makers}"
    return re.compile(rf"(?<!\w)(?:(?i:{made}|{_any_of(_all(AS_A_MODEL))})|(?i:{named_start})(?! [A-Z]))(?!\w)")


def refuses(reasoning: str, response: str | None) -> bool:
    """Whether the response, or the trace where there is none, opens with a refusal."""
    text = response if response and response.strip() else reasoning
    return _refusal().match(text.replace("’", "'")[:HEAD].lstrip()) is not None


def names_itself(text: str) -> bool:
    """Whether the text speaks as a named model, or as a language model."""
    return _self_naming().search(text.replace("’", "'")) is not None
