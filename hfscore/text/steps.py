r"""Cut a trace into sentence-like units and steps, losing no character.

Rules, no model: a cut stands behind a line's end, behind a sentence's end, and before a clause that
claims something of its own (", so x is even", "; then y follows", ": 7 * 9 = 63"), and never inside
a formula, a fenced code block or inline code. Time is linear in the text, on any text. Knows nothing
of what a step says.

White space belongs to the unit before it, so the units, joined, are the text.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import pairwise
from typing import Final, NamedTuple

from hfscore.text import protect
from hfscore.text.boundaries import NEXT, NO_START, ends_sentence, is_marker, parts_clauses
from hfscore.text.lexicon import CLAUSE_OPENERS, NOT_CLAUSES

SPLITTER_VERSION: Final = 2
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
_NOT_CLAUSES = "|".join(map(re.escape, NOT_CLAUSES))
# A set of characters comes first, so that the engine skips all others quickly; the lookbehinds tell
# which of them it was, and keep a run of stops from being tried again at its every character.
_MARK = re.compile(
    rf"""
    [{_NL}{_STOPS}{_WIDE_STOPS},;:{protect.OPENERS}]
    (?: (?P<line>(?<=[{_NL}])(?:[^\S{_NL}]*+[{_NL}])*+)
      | (?P<wide>(?<=[{_WIDE_STOPS}])(?<![{_WIDE_STOPS}].)[{_WIDE_STOPS}]*+{_CLOSERS}[^\S{_NL}]*+(?=\S))
      | (?P<stop>(?<=[{_STOPS}])(?<![{_STOPS}].)(?P<run>[{_STOPS}]*+)(?P<close>{_CLOSERS})[^\S{_NL}]++
          (?=[^\s{re.escape(NO_START)}])(?={NEXT}))
      | (?P<clause>(?:(?<=\S[;:])|(?<=,)(?=[^\S{_NL}]++(?!{_NOT_CLAUSES})(?:{_OPENERS})\b))[^\S{_NL}]++(?=\S))
      | (?P<code>{protect.CODE})
      | (?P<inline>{protect.INLINE})
      | (?P<display>{protect.DISPLAY})
      | (?P<environment>{protect.ENVIRONMENT})
      | {protect.OPEN_DOLLARS}
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
_SIGN = re.compile("[:#*<]")  # every label and tag has one
_WORD = re.compile(r"[^\W_]")


class Step(NamedTuple):
    """One step of a trace.

    Args:
        start: Offset of its first character, in code points.
        end: Offset behind its last character.
        text: The trace between them.
    """

    start: int
    end: int
    text: str


_step = partial(tuple.__new__, Step)  # a third of the time of the class's own, in Python


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
    for start, end in pairwise(_cuts(text)):
        unit = text[start:end]
        leads, follows, in_lower_case = _short_role(unit) if end - start <= MAX_LABEL else _role(unit)
        if waiting is None:
            if starts and (follows or (in_lower_case and _is_wrapped(text, start))):
                continue
            waiting = start
        if not leads:
            starts.append(waiting)
            waiting = None
    if waiting is not None and (not starts or _WORD.search(text, waiting)):
        starts.append(waiting)
    ends = [*starts[1:], len(text)]
    texts = [text[start:end] for start, end in zip(starts, ends, strict=False)]
    with _no_collection():
        return tuple(map(_step, zip(starts, ends, texts, strict=False)))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Suspend the search for cycles: among millions of new steps, which hold none, it takes longer than all else."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _role(unit: str) -> tuple[bool, bool, bool]:
    """Whether a unit only announces the next one, whether it only ends the one before, and begins in lower case."""
    if not _WORD.search(unit):
        return True, True, False
    bare = unit.strip()
    signed = _SIGN.search(bare) is not None
    leads = len(unit) <= MAX_LABEL and ((signed and _LABEL.fullmatch(bare) is not None) or is_marker(bare))
    follows = signed and _CLOSE_TAG.fullmatch(bare) is not None
    return leads, follows, unit[:2].islower() and unit[:2].isalpha()


_short_role = lru_cache(maxsize=4_096)(_role)


def _is_wrapped(text: str, start: int) -> bool:
    """Whether what goes on at `start` in lower case goes on with a line that an editor wrapped there."""
    if text[start - 1] != "\n":
        return False
    line_start = text.rfind("\n", 0, start - 1) + 1
    if start - line_start <= MIN_WRAPPED:
        return False
    line = text[line_start:start].rstrip()
    return len(line) >= MIN_WRAPPED and (line[-1].isalpha() or line[-1] == ",")


def _cuts(text: str) -> list[int]:
    """Offsets of all cuts, those at both ends of the text included."""
    cuts = [0]
    environments = protect.Environments(text)
    start = 0
    for fence_start, fence_end in [*protect.fences(text), (len(text), len(text))]:
        while start < fence_start:
            start = _cut_prose(text, start, fence_start, environments, cuts)
        start = fence_end
    if cuts[-1] < len(text):
        cuts.append(len(text))
    return cuts


def _cut_prose(text: str, start: int, end: int, environments: protect.Environments, cuts: list[int]) -> int:
    """Add the cuts from `start` on, as far as one search goes; return where the next one is to begin."""
    for mark in _MARK.finditer(text, start, end):
        kind = mark.lastgroup
        if kind == "line" or kind == "wide":
            cuts.append(mark.end())
        elif kind == "stop":
            if ends_sentence(text, cuts[-1], mark):
                cuts.append(mark.end())
        elif kind == "clause":
            if parts_clauses(text, cuts[-1], mark):
                cuts.append(mark.end())
        elif kind and kind != "code":
            anew = _pass_formula(text, mark, end, environments, cuts)
            if anew is not None:
                return anew
    return end


def _pass_formula(
    text: str, mark: re.Match[str], end: int, environments: protect.Environments, cuts: list[int]
) -> int | None:
    """Cut behind a formula where a sentence ends with it; return where to search anew, None to go on."""
    start, behind = mark.span()
    if mark.lastgroup == "environment":
        behind = environments.end(mark["name"], behind)
        if behind > end:
            return None
        _cut_behind(text, behind, cuts)
        return behind
    if mark.lastgroup == "display":
        _cut_behind(text, behind, cuts)
    elif protect.is_price(text, start, behind):
        return start + 1
    elif text[behind : behind + 1].isspace() and _ends_in_stop(text, start, behind):
        _cut_behind(text, behind, cuts)
    return None


def _ends_in_stop(text: str, start: int, end: int) -> bool:
    """Whether a sentence ends inside a formula, before its closing delimiter."""
    content_end = end - (1 if text[start] == "$" else 2)
    return text[max(start, content_end - 8) : content_end].rstrip()[-1:] in _STOPS


def _cut_behind(text: str, end: int, cuts: list[int]) -> None:
    """Cut behind a formula that ends a sentence, where white space and a capital follow."""
    gap = _AFTER_FORMULA.match(text, end)
    if gap is not None and text[gap.end()].isupper():
        cuts.append(gap.end())
