r"""Spans of a trace that no cut may enter: fenced code, LaTeX, inline code.

Each kind of delimiter is searched for once, from left to right, so the time is linear in the text
however the delimiters are nested or left open. An opener without its closer protects nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_DOLLARS = 500
"""Longest `$...$` taken for a formula; two prices further apart than this are not."""

_ENVIRONMENTS = (
    *("align", "aligned", "alignat", "eqnarray", "equation", "flalign", "gather", "gathered", "multline", "split"),
    *("array", "cases", "matrix", "bmatrix", "Bmatrix", "pmatrix", "vmatrix", "Vmatrix", "smallmatrix"),
    *("displaymath", "math", "code", "lstlisting", "tabular", "verbatim"),
)
_FENCE = re.compile(r"^[^\S\n]*+(`{3,}+|~{3,}+)([^\n]*+)", re.MULTILINE)
# One set of characters comes first, so that the engine skips all others quickly.
_OPENER = re.compile(
    rf"[\\$`](?:(?<=\\)begin\{{(?P<name>{'|'.join(_ENVIRONMENTS)})\*?\}}|(?<=\\)(?<!\\.)[\[(]"
    r"|(?<=\$)(?<!\\.)\$*+|(?<=`)(?<!`.)`*+)"
)
_END = {name: re.compile(rf"\\end\{{{name}\*?\}}") for name in _ENVIRONMENTS}
_OPEN = {mark: re.compile(r"(?<!\\)" + re.escape(mark)) for mark in (r"\[", r"\(")}
_CLOSE = {mark: re.compile(re.escape(close)) for mark, close in ((r"\[", r"\]"), (r"\(", r"\)"))}
_DOLLAR = re.compile(r"\$(?<!\\.)")
_DOLLARS = re.compile(r"\$\$(?<!\\..)")
_TICKS = re.compile(r"`++")
_NEWLINE = re.compile(r"\n")
_BLANK_LINE = re.compile(r"\n[^\S\n]*+\n")
# A sentence's end, then a word: "$5. He has 6$" is prose between two prices.
_PROSE = re.compile(r"[a-z0-9][.?!]\s+[A-Z][a-z]|\b[a-z]{2,}+ [a-z]{2,}+ [a-z]{2,}+ [a-z]{2,}+\b")


@dataclass(frozen=True, slots=True)
class Span:
    """Part of a text that stays whole.

    Args:
        start: Offset of its first character.
        end: Offset behind its last character.
        content_end: Offset behind its content, where the closing delimiter begins.
        display: Whether it is a formula set apart from the line, after which a sentence may begin.
    """

    start: int
    end: int
    content_end: int
    display: bool = False


class _Finder:
    """Finds the next match of a pattern, and remembers it until the search has passed it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._found: dict[re.Pattern[str], tuple[int, int]] = {}

    def after(self, pattern: re.Pattern[str], start: int) -> tuple[int, int]:
        """Start and end of the next match from `start` on; beyond the text where there is none."""
        found = self._found.get(pattern, (-1, -1))
        if found[0] < start:
            match = pattern.search(self.text, start)
            found = match.span() if match else (len(self.text) + 1,) * 2
            self._found[pattern] = found
        return found


def protected(text: str) -> list[Span]:
    """Find the spans that stay whole, in time linear in the text.

    Args:
        text: Any text.

    Returns:
        Disjoint spans in order.
    """
    spans: list[Span] = []
    finder = _Finder(text)
    start = 0
    for fence in [*_fences(text), Span(len(text), len(text), len(text))]:
        while opener := _OPENER.search(text, start, fence.start):
            span = _span(opener, finder)
            start = opener.end()
            if span and span.end <= fence.start:
                spans.append(span)
                start = span.end
        if fence.end > fence.start:
            spans.append(fence)
            start = fence.end
    return spans


def _fences(text: str) -> Iterator[Span]:
    """Fenced code blocks (CommonMark 0.31, section 4.5), closed ones only."""
    opener: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        mark, info = fence[1], fence[2].strip()
        if opener is None:
            opener = fence if mark[0] == "~" or "`" not in info else None
        elif mark.startswith(opener[1]) and not info:
            yield Span(opener.start(), fence.end(), fence.start())
            opener = None


def _span(opener: re.Match[str], finder: _Finder) -> Span | None:
    mark, name = opener[0], opener["name"]
    start, inside = opener.span()
    if name:
        close, end = finder.after(_END[name], inside)
        return Span(start, end, close, display=True) if end <= len(finder.text) else None
    if mark[0] == "`":
        close, end = finder.after(_TICKS, inside)
        whole = end - close == len(mark) and finder.after(_NEWLINE, inside)[0] > close
        return Span(start, end, close) if whole else None
    if mark[0] == "$":
        return _dollars(start, inside, finder)
    close, end = finder.after(_CLOSE[mark], inside)
    nested = min(finder.after(_OPEN[mark], inside)[0], finder.after(_BLANK_LINE, inside)[0])
    return Span(start, end, close, display=mark == r"\[") if close < nested else None


def _dollars(start: int, inside: int, finder: _Finder) -> Span | None:
    r"""A formula between dollars, told from prices as pandoc does (manual, `tex_math_dollars`)."""
    text = finder.text
    display = inside - start == 2
    close, end = finder.after(_DOLLARS if display else _DOLLAR, inside)
    if inside - start > 2 or finder.after(_BLANK_LINE, inside)[0] < close or end > len(text):
        return None
    if display:
        return Span(start, end, close, display=True)
    prices = text[inside].isspace() or text[close - 1].isspace() or text[end : end + 1].isdigit()
    if prices or close - inside > MAX_DOLLARS or _PROSE.search(text, inside, close):
        return None
    return Span(start, end, close)
