r"""Cut a trace into sentence-like units and steps, losing no character.

Rules, no model: a cut stands behind a line's end, behind a sentence's end, and before a clause that
claims something of its own (", so x is even", "; then y follows", ": 7 * 9 = 63"), and never inside
a formula, a fenced code block or inline code. Time is linear in the text, on any text. Knows nothing
of what a step says.

White space belongs to the unit before it, so the units, joined, are the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from hfscore.text.boundaries import ends_sentence, is_marker, parts_clauses
from hfscore.text.lexicon import CLAUSE_OPENERS
from hfscore.text.protect import Span, protected

SPLITTER_VERSION: Final = 1
"""Raised whenever a cut moves."""

REMEMBERED: Final = 512
"""Texts whose steps are kept: several families of metrics cut the same batch."""

MIN_WRAPPED: Final = 60
"""Shortest line taken for one that an editor wrapped in the middle of a sentence."""

MAX_LABEL: Final = 60
"""Longest label or heading that is joined to what follows."""

_NL = r"\n\r\x0b\x0c\x85\u2028\u2029"
_CLOSERS = r"""["'”’»)\]}*_」』）】]*+"""
_STOPS = ".!?…"
_WIDE_STOPS = "。！？｡।؟۔"
_OPENERS = "|".join(map(re.escape, CLAUSE_OPENERS))
# A set of characters comes first, so that the engine skips all others quickly; the lookbehinds tell
# which of them it was, and keep a run of stops from being tried again at its every character.
_CUT = re.compile(
    rf"""
    [{_NL}{_STOPS}{_WIDE_STOPS},;:]
    (?: (?P<line>(?<=[{_NL}])(?:[^\S{_NL}]*+[{_NL}])*+)
      | (?P<wide>(?<=[{_WIDE_STOPS}])(?<![{_WIDE_STOPS}].)[{_WIDE_STOPS}]*+{_CLOSERS}[^\S{_NL}]*+(?=\S))
      | (?P<stop>(?<=[{_STOPS}])(?<![{_STOPS}].)(?P<run>[{_STOPS}]*+)(?P<close>{_CLOSERS})[^\S{_NL}]++(?=\S))
      | (?P<clause>(?:(?<=\S[;:])|(?<=,)(?=[^\S{_NL}]++(?:{_OPENERS})\b))[^\S{_NL}]++(?=\S))
    )
    """,
    re.VERBOSE,
)
_AFTER_FORMULA = re.compile(rf"[^\S{_NL}]++(?=[^\W\d_])")
_LABEL = re.compile(
    r"[#>*_ ]*+[^\W\d_]++(?: [^\W\d_]++)?[*_ ]*+:[*_ ]*+"  # So:
    r"|#{1,6}+ [*_]*+[^\W\d_]++(?: [^\W\d_]++){0,2}[*_:# ]*+"  # ### Final answer
    r"|\*\*[^\W\d_]++(?: [^\W\d_]++){0,2}\*\*"  # **Final answer**
    r"|<[A-Za-z_]{1,40}+>"
)
_CLOSE_TAG = re.compile(r"</[A-Za-z_]{1,40}+>")
_WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trace.

    Args:
        start: Offset of its first character, in code points.
        end: Offset behind its last character.
        text: The trace between them.
    """

    start: int
    end: int
    text: str


def split_units(text: str) -> list[str]:
    """Cut a text into the smallest pieces worth judging apart.

    Args:
        text: Any text, lone surrogates included.

    Returns:
        Its units in order, none of them empty; joined, they are the text.
    """
    cuts = _cuts(text)
    return [text[start:end] for start, end in pairwise(cuts)]


def split_steps(text: str) -> list[Step]:
    """Cut a text into steps: its units, each that is no step of its own joined to a neighbour.

    Joined to what follows, if anything does: a list marker or a label alone ("1.", "**Step 2:**",
    "So:"), a heading of up to three words, an opening tag. Joined to what precedes: a unit without a
    letter or digit, a closing tag, and a line that goes on in lower case where the one before was wrapped.

    Args:
        text: Any text, lone surrogates included.

    Returns:
        The steps in order; their texts, joined, are the text.
    """
    return list(_steps(text))


@lru_cache(maxsize=REMEMBERED)
def _steps(text: str) -> tuple[Step, ...]:
    starts: list[int] = []
    waiting: int | None = None
    start = 0
    for unit in split_units(text):
        if waiting is not None or not starts or not _follows(text, start, unit):
            waiting = start if waiting is None else waiting
            if not _leads(unit):
                starts.append(waiting)
                waiting = None
        start += len(unit)
    if waiting is not None and (not starts or _WORD.search(text, waiting)):
        starts.append(waiting)
    ends = [*starts[1:], len(text)]
    return tuple(Step(start, end, text[start:end]) for start, end in zip(starts, ends, strict=False))


def _leads(unit: str) -> bool:
    """Whether a unit only announces the next one."""
    if not _WORD.search(unit):
        return True
    if len(unit) > MAX_LABEL:
        return False
    label = unit.strip()
    return _LABEL.fullmatch(label) is not None or is_marker(label)


def _follows(text: str, start: int, unit: str) -> bool:
    """Whether a unit only ends the step before it, or goes on with it in a wrapped line."""
    if not _WORD.search(unit) or _CLOSE_TAG.fullmatch(unit.strip()):
        return True
    if text[start - 1] != "\n" or not (unit[:2].islower() and unit[:2].isalpha()):
        return False
    line = text[text.rfind("\n", 0, start - 1) + 1 : start].rstrip()
    return len(line) >= MIN_WRAPPED and (line[-1].isalpha() or line[-1] == ",")


def _cuts(text: str) -> list[int]:
    """Offsets of all cuts, those at both ends of the text included."""
    cuts = [0]
    beyond = len(text) + 1
    spans = [*protected(text), Span(beyond, beyond, beyond)]
    passed = 0
    for match in _CUT.finditer(text):
        while spans[passed].end <= match.start():
            _cut_behind(text, spans[passed], cuts)
            passed += 1
        if match.start() < spans[passed].start and _is_cut(text, cuts[-1], match):
            cuts.append(match.end())
    for span in spans[passed:-1]:
        _cut_behind(text, span, cuts)
    if cuts[-1] < len(text):
        cuts.append(len(text))
    return cuts


def _is_cut(text: str, start: int, match: re.Match[str]) -> bool:
    if match.lastgroup == "stop":
        return ends_sentence(text, start, match)
    return match.lastgroup != "clause" or parts_clauses(text, start, match)


def _cut_behind(text: str, span: Span, cuts: list[int]) -> None:
    """Cut behind a formula that a sentence ended in or with, where a capital follows."""
    gap = _AFTER_FORMULA.match(text, span.end)
    if gap is None or text[span.start] not in "$\\":
        return
    last = text[max(span.start, span.content_end - 8) : span.content_end].rstrip()[-1:]
    if (span.display or last in _STOPS) and text[gap.end()].isupper():
        cuts.append(gap.end())
