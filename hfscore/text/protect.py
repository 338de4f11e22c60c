r"""What no cut may enter: fenced code, LaTeX, inline code.

Fences are found by line. The rest are parts of one pattern that the splitter searches a text for, once and from left
to right. Each of them ends at the first delimiter of its own kind, or fails there, so the time is linear in the text
however the delimiters are nested or left open. An opener without its closer protects nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_DOLLARS = 500
"""Longest `$...$` taken for a formula; two prices further apart than this are not."""

_ENVIRONMENTS = (
    *("align", "aligned", "alignat", "eqnarray", "equation", "flalign", "gather", "gathered", "multline", "split"),
    *("array", "cases", "matrix", "bmatrix", "Bmatrix", "pmatrix", "vmatrix", "Vmatrix", "smallmatrix"),
    *("displaymath", "math", "code", "lstlisting", "tabular", "verbatim"),
)
_SAME_PARAGRAPH = r"\n(?![^\S\n]*+\n)"
_IN_ROUND = rf"[^\\\n]++|\\(?![()])|(?<=\\)\\(?=\()|{_SAME_PARAGRAPH}"
_IN_SQUARE = rf"[^\\\n]++|\\(?![\[\]])|(?<=\\)\\(?=\[)|{_SAME_PARAGRAPH}"
_NO_DOLLAR = rf"[^$\\\n]++|\\++\$?+|{_SAME_PARAGRAPH}"

# Each goes on behind one character of `OPENERS`, already taken: the engine skips all others quickly.
OPENERS = r"\\$`"
CODE = r"(?<=`)(?<!`.)(?P<ticks>`*+)[^`\n]*+`(?P=ticks)(?!`)"
# Inline formulas are told from prices as pandoc does (manual, `tex_math_dollars`).
INLINE = (
    rf"(?<!\\.)(?:(?<=\$)(?![\s$])(?:{_NO_DOLLAR})*+(?<!\s)\$(?!\d)"
    rf"|(?<=\\)\((?:{_IN_ROUND})*+\\\))"
)
DISPLAY = (
    rf"(?<!\\.)(?:(?<=\$)\$(?!\$)(?:{_NO_DOLLAR}|\$(?!\$))*+\$\$"
    rf"|(?<=\\)\[(?:{_IN_SQUARE})*+\\\])"
)
OPEN_DOLLARS = r"(?<=\$)(?<!\\.)\$++"
ENVIRONMENT = rf"(?<=\\)begin\{{(?P<name>{'|'.join(_ENVIRONMENTS)})\*?\}}"

_END = {name: re.compile(rf"\\end\{{{name}\*?\}}") for name in _ENVIRONMENTS}
_FENCE = re.compile(r"^[^\S\n]*+(`{3,}+|~{3,}+)([^\n]*+)", re.MULTILINE)
# A sentence's end, then a word: "$5. He has 6$" is prose between two prices.
_PROSE = re.compile(r"[a-z0-9][.?!]\s+[A-Z][a-z]|\b[a-z]{2,}+ [a-z]{2,}+ [a-z]{2,}+ [a-z]{2,}+\b")
_SHORTEST_PROSE = len("a. He")


def fences(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of fenced code blocks (CommonMark 0.31, section 4.5), closed ones only."""
    opener: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        mark, info = fence[1], fence[2].strip()
        if opener is None:
            opener = fence if mark[0] == "~" or "`" not in info else None
        elif mark.startswith(opener[1]) and not info:
            yield opener.start(), fence.end()
            opener = None


def is_price(text: str, start: int, end: int) -> bool:
    """Whether text[start:end], which `INLINE` matches, is no formula: the text from one price to the next."""
    if text[start] != "$":
        return False
    length = end - start - 2
    return (
        length > MAX_DOLLARS
        or text[end : end + 1].isdigit()
        or (length >= _SHORTEST_PROSE and _PROSE.search(text, start + 1, end - 1) is not None)
    )


class Environments:
    r"""Finds the end of a LaTeX environment; one that was found is remembered until it is passed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends: dict[str, tuple[int, int]] = {}

    def end(self, name: str, start: int) -> int:
        r"""Offset behind the first \end{name} from `start` on; beyond the text where there is none."""
        found = self._ends.get(name, (-1, -1))
        if found[0] < start:
            match = _END[name].search(self._text, start)
            found = match.span() if match else (len(self._text) + 1,) * 2
            self._ends[name] = found
        return found[1]
