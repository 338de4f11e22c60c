r"""Tokens of the arithmetic in a sentence: plain text, Unicode signs, LaTeX, calculator notes.

One pass of one pattern whose every quantifier is possessive, so its time is linear in the text.
Knows signs and numerals, not what an equation is.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from hfscore.text.numerals import NUMERAL

# Kinds of token, and the operators. OF multiplies (20% of 50), IMPLICIT has no sign (2(3 + 4)), and
# TIGHT is an `x` that touches a neighbour: a sign in 3x4, a variable in 2x1?
NUMBER, WORD, OPERATOR, OPEN, CLOSE = "number", "word", "operator", "open", "close"
EQUAL, ABOUT, PERCENT, NOTE = "equal", "about", "percent", "note"
# RELATION (<, ≠, →) and BREAK (a comma, a quote) end an equation cleanly; OPAQUE stands for what
# cannot be read (√, !, \sum) and spoils what it touches.
RELATION, BREAK, OPAQUE = "relation", "break", "opaque"
# What words turn out to be in their place.
VARIABLE, UNIT = "variable", "unit"
TIMES, DIVIDE, OF, POWER, RATIO = "*", "/", "of", "^", ":"
IMPLICIT, TIGHT = "implicit", "tight"


# Brackets or operators in a row beyond this are no arithmetic.
MAX_DEPTH = 64


class Token(NamedTuple):
    """A token and where it stands.

    Args:
        kind: One of the constants above.
        value: Its text, or the operator it stands for.
        start: Offset of its first character.
        end: Offset behind its last character.
        gap: Whether white space stands before it.
    """

    kind: str
    value: str
    start: int
    end: int
    gap: bool


_PATTERN = re.compile(
    rf"""
      (?P<space>[ \t\r\u00a0\u2009\u202f]++ | \\[ ,;:!()\[\]] | \{{,\}} | [$€£¥₹&`] | \\\$)
    | (?P<note><<[^<>\n]{{0,200}}+>>)
    | (?P<number>{NUMERAL})
    | (?P<label>\\(?:text|textrm|mathrm|mbox)\ ?+\{{[^{{}}0-9\\\n]{{0,60}}+\}})
    | (?P<command>\\[A-Za-z]++)
    | (?P<times>(?<![^\W\d_])[xX](?=\s?+(?:[0-9(.$]|-[0-9(])))
    | (?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹]++)
    | (?P<word>[^\W\d_](?:\w++(?:['’/-][^\W\d_]\w*+)*+)?+)
    | (?P<relation>[<>!≠≤≥]=|=[<>]|->|[<>≠≤≥≡→⇒⟹⇔])
    | (?P<about>[≈≅≃]|~=|=~|~)
    | (?P<rule>={{3,}}+)
    | (?P<equal>={{1,2}}+)
    | (?P<heap>[(\[{{]{{{MAX_DEPTH},}}+ | [)\]}}]{{{MAX_DEPTH},}}+ | [-+*/^]{{{MAX_DEPTH},}}+)
    | (?P<operator>\*\*|[-−–+*×·•∙⋅/⁄÷:^])
    | (?P<percent>\\?%)
    | (?P<open>[(\[{{])
    | (?P<close>[)\]}}])
    | (?P<dots>\.{{2,}}+)
    | (?P<other>.|\n)
    """,
    re.VERBOSE,
)
# These need no look at what stands beside them.
_PLAIN_SIGNS = {"+": "+", "-": "-", "−": "-", "^": POWER} | dict.fromkeys("×·•∙⋅", TIMES) | dict.fromkeys("/⁄÷", DIVIDE)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_TIMES_COMMANDS = {r"\times", r"\cdot", r"\ast"}
_SILENT_COMMANDS = {
    *(r"\left", r"\right", r"\big", r"\Big", r"\bigg", r"\bigl", r"\bigr", r"\displaystyle"),
    *(r"\boxed", r"\mathbf", r"\textbf", r"\text", r"\mathrm"),
}
_RELATION_COMMANDS = {
    *(r"\le", r"\ge", r"\ne", r"\neq", r"\leq", r"\geq", r"\lt", r"\gt", r"\equiv"),
    *(r"\to", r"\Rightarrow", r"\rightarrow", r"\implies", r"\iff"),
}
_FRACTIONS = {r"\frac", r"\dfrac", r"\tfrac", r"\cfrac"}
_FRACTION = "fraction"
_BETWEEN = "between the two parts of a fraction"
_BREAK_COMMANDS = {r"\quad", r"\qquad", r"\newline"}
_OPERAND_NEXT = re.compile(r"\s*+[\w(.$\\\[{+−–-]")
_OPAQUE_SIGNS = "!…'_@"


def tokenize(text: str, start: int, end: int) -> list[Token]:
    """Cut text[start:end] to tokens, in linear time.

    Args:
        text: The text.
        start: Offset to begin at.
        end: Offset to end before.

    Returns:
        The tokens; currency signs, LaTeX spacing and Markdown emphasis leave none.
    """
    tokens: list[Token] = []
    brackets: list[str] = []
    in_fractions = text.find("frac", start, end) >= 0
    gap, emphasis = True, False
    for match in _PATTERN.finditer(text, start, end):
        kind, value = match.lastgroup or "", match[0]
        if kind == "space":
            gap = gap or value[0] not in "$€£¥₹&`\\{"
            continue
        at, to = match.span()
        if kind == OPERATOR and value in _PLAIN_SIGNS:
            value = _PLAIN_SIGNS[value]
        elif kind not in _READY:
            kind, value = _read(text, match, tokens[-1] if tokens else None, emphasis=emphasis)
            if kind == "skip":
                emphasis = emphasis or value[0] == "*"
                continue
            if kind == POWER:
                tokens.append(Token(OPERATOR, POWER, at, at, gap=False))
                kind = NUMBER
        token = Token(kind, value, at, to, gap)
        gap = False
        if in_fractions and (kind in (OPEN, CLOSE) or (brackets and brackets[-1] == _BETWEEN)):
            tokens += _bracketed(token, tokens[-1] if tokens else None, brackets)
        else:
            tokens.append(token)
    return tokens


# What the pattern finds is a token as it stands.
_READY = frozenset((NUMBER, WORD, EQUAL, ABOUT, PERCENT, NOTE, RELATION, OPEN, CLOSE))


def _read(text: str, match: re.Match[str], last: Token | None, *, emphasis: bool) -> tuple[str, str]:
    """The kind and value of what else the pattern finds; of kind "skip" what leaves no token."""
    kind, value = match.lastgroup, match[0]
    if kind == OPERATOR:
        return _operator(text, match, last, emphasis=emphasis)
    if kind == "power":
        return POWER, value.translate(_SUPERSCRIPTS)
    if kind == "command":
        return _command(value)
    if kind == "label":
        return WORD, value[value.index("{") + 1 : -1].strip() or "_"
    if kind == "times":
        return OPERATOR, TIGHT if _is_tight(text, *match.span()) else TIMES
    if kind == "rule":
        return BREAK, value
    if kind in ("heap", "dots"):
        return OPAQUE, value
    return _other(value), value


@lru_cache(maxsize=1024)
def _other(sign: str) -> str:
    """The kind of a character that no rule knows."""
    if sign == "°":
        return WORD
    unreadable = sign in _OPAQUE_SIGNS or sign.isnumeric() or unicodedata.category(sign) == "Sm"
    return OPAQUE if unreadable else BREAK


def _is_tight(text: str, start: int, end: int) -> bool:
    return not (text[start - 1 : start].isspace() and text[end : end + 1].isspace())


def _command(value: str) -> tuple[str, str]:
    r"""What a LaTeX command stands for; what is unknown (\sqrt, \sum, \pi) is opaque."""
    if value in _TIMES_COMMANDS:
        return OPERATOR, TIMES
    if value == r"\div":
        return OPERATOR, DIVIDE
    if value == r"\approx":
        return ABOUT, value
    if value in _SILENT_COMMANDS:
        return "skip", value
    if value in _FRACTIONS:
        return OPEN, _FRACTION
    if value in _BREAK_COMMANDS:
        return BREAK, value
    return (RELATION if value in _RELATION_COMMANDS else OPAQUE), value


def _operator(text: str, match: re.Match[str], last: Token | None, *, emphasis: bool) -> tuple[str, str]:
    """Tell operators from Markdown emphasis, labels' colons and dashes."""
    value = match[0]
    start, end = match.span()
    before, after = text[start - 1 : start].isspace(), text[end : end + 1].isspace()
    has_left = last is not None and last.kind in (NUMBER, CLOSE, WORD, PERCENT)
    if value in ("*", "**"):
        goes_on = _OPERAND_NEXT.match(text, end) is not None
        closes = not before and after and emphasis
        opens = before and not after and last is not None and last.kind == WORD
        if not has_left or closes or opens or not goes_on:
            return "skip", value
        return OPERATOR, TIMES if value == "*" else POWER
    if value == ":":
        return (OPERATOR, RATIO) if before == after and has_left else (BREAK, value)
    return (OPERATOR, "-") if before == after else (BREAK, value)  # an en dash


def _bracketed(token: Token, previous: Token | None, brackets: list[str]) -> list[Token]:
    r"""Rewrite \frac{a}{b} to ((a)/(b)); `brackets` is the stack of what is open."""
    start, end = token.start, token.end
    if brackets and brackets[-1] == _BETWEEN:
        brackets.pop()
        if token.value != "{":
            return [Token(OPAQUE, "", start, start, gap=False), token]
        brackets.append("bottom")
        return [Token(OPERATOR, DIVIDE, start, start, gap=False), token]
    if token.kind == OPEN and token.value != _FRACTION:
        is_top = previous is not None and previous.kind == OPEN and previous.value == _FRACTION
        brackets.append("top" if is_top and token.value == "{" else "")
    elif token.kind == CLOSE and brackets:
        role = brackets.pop()
        if role == "top":
            brackets.append(_BETWEEN)
        elif role == "bottom":
            return [token, Token(CLOSE, ")", end, end, gap=False)]
    return [token]
