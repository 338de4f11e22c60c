"""The sentences of a text that may hold an equation.

All others are passed over at the speed of a search: what stands in a sentence is read elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# A sentence ends at a line's end or at a full stop before white space; a decimal point has none.
_SENTENCE_END = re.compile(r"[\n\u2028\u2029\x0b\x0c\x85 \t\r](?:(?<![ \t\r])|(?<=[.;?!].))")
_SIGN = re.compile(r"[=≈\\](?:(?<!\\)|approx)")
_OPERAND = re.compile(r"[^\W_]|°")
_LETTER = re.compile(r"[^\W\d_]|°")
_DANGLING = frozenset("+-−*×·/÷=^(")


def find_sentences(text: str) -> Iterator[tuple[int, int, bool]]:
    """Find the sentences with a sign of equality between operands, in time linear in the text.

    Args:
        text: Any text.

    Yields:
        Start and end of a sentence, and whether the one before it ends in an operator, so that it may go on with that.
    """
    sign = _find(_SIGN, text, 0)
    before = start = 0
    for stop in _SENTENCE_END.finditer(text):
        end = stop.start()
        if sign < end:
            if _may_hold(text, start, end, sign):
                yield start, end, _dangles(text, before, start)
            sign = _find(_SIGN, text, end)
        before, start = start, end + 1
    if sign < len(text) and _may_hold(text, start, len(text), sign):
        yield start, len(text), _dangles(text, before, start)


def _find(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Offset of the next match; the text's length where there is none."""
    match = pattern.search(text, start)
    return match.start() if match else len(text)


def _may_hold(text: str, start: int, end: int, sign: int) -> bool:
    """Whether an operand stands before a sign of equality, and another one behind it or a letter before it."""
    operand = _OPERAND.search(text, start, end)
    if operand is None:
        return False
    if sign < operand.start():
        later = _SIGN.search(text, operand.end(), end)
        if later is None:
            return False
        sign = later.start()
    return bool(_OPERAND.search(text, sign + 1, end) or _LETTER.search(text, start, sign))


def _dangles(text: str, start: int, end: int) -> bool:
    return text[start : max(0, end - 1)].rstrip(" .")[-1:] in _DANGLING
