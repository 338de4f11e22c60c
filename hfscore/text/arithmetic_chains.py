"""Chains of equal members in running text: `so 16 - 3 = 13 eggs` holds the chain `16 - 3 = 13`.

Cuts a sentence to chains, and tells the words that are units or variables from the prose around a
chain. Where prose may change what a number means ("half of 20 + 5"), the
chain's end is marked doubtful. Computes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hfscore.text.arithmetic_tokens import (
    ABOUT,
    BREAK,
    CLOSE,
    DIVIDE,
    EQUAL,
    IMPLICIT,
    NOTE,
    NUMBER,
    OF,
    OPAQUE,
    OPEN,
    OPERATOR,
    PERCENT,
    POWER,
    RELATION,
    UNIT,
    VARIABLE,
    WORD,
    Token,
    tokenize,
)
from hfscore.text.arithmetic_words import (
    APPROXIMATELY,
    CONDITIONS,
    GRAMMAR,
    LINKS,
    MODIFIERS,
    NUMBERED,
    PERCENT_WORDS,
    SCALES,
    TOTALS,
)
from hfscore.text.numerals import VULGAR

MAX_SENTENCE = 4_000
MAX_MEMBERS = 64
MAX_UNIT_WORDS = 3

_OPERANDS = {NUMBER, CLOSE, PERCENT, VARIABLE, UNIT}

_LABEL = re.compile(r"\s*+(?:>\s*+)?+(?:[*•#]++\s++)?+(?:\(?[0-9]{1,3}[.)]\s++|\(?[a-zA-Z]\)\s++)?+")
_DASH = re.compile(r"[-–]\s++")


@dataclass(frozen=True, slots=True)
class Chain:
    """Members held equal.

    Args:
        members: The tokens of each; empty where a member is prose.
        about: For each sign between two members, whether it says "about equal".
        doubt_left: Whether what precedes the first member may belong to it.
        doubt_right: Whether what follows the last member may belong to it.
        dash: Whether a dash precedes the first member that is a bullet or a minus.
        result: For a calculator note, `<<2*3=6>>6`, the offset of the number behind it.
    """

    members: tuple[tuple[Token, ...], ...]
    about: tuple[bool, ...]
    doubt_left: bool
    doubt_right: bool
    dash: bool = False
    result: int | None = None


@dataclass(frozen=True, slots=True)
class TooLong:
    """A sentence or chain with an equals sign that is out of bounds, and where it stands."""

    start: int
    end: int


def find_chains(text: str, start: int, end: int, *, dangling: bool) -> Iterator[Chain | TooLong]:
    """Yield the chains of a sentence, text[start:end]; those of its calculator notes come first."""
    if end - start > MAX_SENTENCE:
        yield TooLong(start, end)
        return
    label = _LABEL.match(text, start, end)
    start = label.end() if label else start
    dash = _DASH.match(text, start, end)
    tokens = tokenize(text, dash.end() if dash else start, end)
    for index, note in enumerate(tokens):
        if note.kind == NOTE:
            result = tokens[index + 1].start if index + 1 < len(tokens) else None
            for chain in _chains(tokenize(text, note.start + 2, note.end - 2)):
                yield replace(chain, result=result) if isinstance(chain, Chain) else chain
    visible = [token for token in tokens if token.kind != NOTE]
    yield from _chains(visible, doubt=dangling, dash=dash is not None)


def _chains(tokens: list[Token], *, doubt: bool = False, dash: bool = False) -> list[Chain | TooLong]:
    builder = _Builder(doubt=doubt, dash=dash)
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.kind == WORD:
            words = index
            while index < len(tokens) and tokens[index].kind == WORD:
                index += 1
            builder.text(tokens[words:index], tokens[index] if index < len(tokens) else None)
            continue
        builder.take(token, tokens[index + 1] if index + 1 < len(tokens) else None)
        index += 1
    builder.cut(doubt=False)
    return builder.done


class _Builder:
    """The chain being gathered, token by token."""

    def __init__(self, *, doubt: bool, dash: bool) -> None:
        self.done: list[Chain | TooLong] = []
        self._start(doubt=doubt, dash=dash)

    def _start(self, *, doubt: bool, dash: bool = False) -> None:
        self.members: list[list[Token]] = [[]]
        self.about: list[bool] = []
        self.doubt_left = doubt
        self.dash = dash

    @property
    def last(self) -> str:
        """Kind of the last token of the chain; the sign between members counts."""
        member = self.members[-1]
        if member:
            return member[-1].kind
        return EQUAL if self.about else ""

    def cut(self, *, doubt: bool, doubt_next: bool = False) -> None:
        """End the chain here."""
        if len(self.members) > MAX_MEMBERS:
            first, last = next((m for m in self.members if m), None), self.members[-1] or self.members[-2]
            if first:
                self.done.append(TooLong(first[0].start, last[-1].end if last else first[-1].end))
        elif len(self.members) > 1:
            members = tuple(tuple(member) for member in self.members)
            self.done.append(Chain(members, tuple(self.about), self.doubt_left, doubt, self.dash))
        self._start(doubt=doubt_next)

    def take(self, token: Token, following: Token | None) -> None:
        """Add a token that is no word."""
        kind = token.kind
        if kind in (OPERATOR, CLOSE):
            self.members[-1].append(token)
            return
        last = self.last
        if kind in (EQUAL, ABOUT):
            self._relate(token)
        elif kind in (BREAK, RELATION):
            # "14, 400 / 80" may be one number.
            doubt_next = last in (OPERATOR, EQUAL, OPEN) or (token.value == "," and last == NUMBER)
            self.cut(doubt=False, doubt_next=doubt_next)
        elif kind == OPAQUE:
            self.cut(doubt=True, doubt_next=True)
        elif kind == PERCENT:
            modulus = token.gap and following is not None and following.kind in (NUMBER, OPEN)
            if last not in (NUMBER, CLOSE) or modulus:
                self.cut(doubt=True, doubt_next=True)
            else:
                self._push(token)
        elif kind in (NUMBER, OPEN) and last in _OPERANDS:
            self._juxtapose(token, last)
        else:
            self._push(token)

    def _push(self, token: Token) -> None:
        self.members[-1].append(token)

    def _relate(self, token: Token) -> None:
        if self.last == EQUAL and token.kind == ABOUT:  # = ~3.33
            self.about[-1] = True
        elif not self.members[-1] and token.kind == ABOUT:  # ~3.33
            self._start(doubt=True)
        else:
            self.about.append(token.kind == ABOUT)
            self.members.append([])

    def _juxtapose(self, token: Token, last: str) -> None:
        """Two operands without a sign: a product before a bracket, otherwise two texts."""
        if token.kind == OPEN and last in (NUMBER, CLOSE) and not token.gap:
            self._push(Token(OPERATOR, IMPLICIT, token.start, token.start, gap=False))
            self._push(token)
            return
        self.cut(doubt=True, doubt_next=True)
        self._push(token)

    def text(self, words: list[Token], following: Token | None) -> None:
        """Add a run of words: an operator, a unit, a variable, or the prose that ends a chain."""
        names = [word.value.lower() for word in words]
        last = self.last
        goes_on = following is not None and (
            following.kind in (OPERATOR, EQUAL, ABOUT, CLOSE, PERCENT) or (following.kind == OPEN and not following.gap)
        )
        if last == EQUAL and APPROXIMATELY.issuperset(names):
            self.about[-1] = True
        elif names == ["of"] and self._is_share() and following and following.kind in (NUMBER, OPEN):
            self._push(words[0]._replace(kind=OPERATOR, value=OF))
        elif last in _OPERANDS and last != VARIABLE:
            raised = following is not None and following.value == POWER  # 5 m^2, 3x^2
            self._measured(words, names, goes_on=goes_on, raised=raised)
        else:
            self._worded(words, names, goes_on=goes_on)

    def _is_share(self) -> bool:
        """Whether "of" multiplies here: 20% of, 3/4 of, ½ of."""
        member = self.members[-1]
        if self.last != NUMBER:
            return self.last == PERCENT
        return member[-1].value[-1] in VULGAR or (len(member) > 1 and member[-2].value == DIVIDE)

    def _measured(self, words: list[Token], names: list[str], *, goes_on: bool, raised: bool) -> None:
        """Words behind an operand: a unit, and perhaps prose that ends the chain."""
        if names[0] in PERCENT_WORDS and self.last == NUMBER:
            self._push(words[0]._replace(kind=PERCENT))
            if names[1:] == ["of"]:
                self._push(words[1]._replace(kind=OPERATOR, value=OF))
                return
            words, names = words[1:], names[1:]
        if names[:1] == ["of"] or raised:
            self.cut(doubt=True, doubt_next=True)
            return
        if goes_on and _ends_in_letter(names) and not GRAMMAR.isdisjoint(names[:-1]):
            self.cut(doubt=not SCALES.isdisjoint(names[:3]), doubt_next=_makes_unclear(names[:-1]))
            self._push(words[-1]._replace(kind=VARIABLE))  # A = 5 and B = 4
            return
        for word in words[:MAX_UNIT_WORDS]:
            self._push(word._replace(kind=UNIT))
        if not goes_on or len(words) > MAX_UNIT_WORDS or not GRAMMAR.isdisjoint(names):
            doubt_next = goes_on or _changes_meaning(names) or not LINKS.isdisjoint(names[-3:])
            self.cut(doubt=not SCALES.isdisjoint(names[:3]), doubt_next=doubt_next)

    def _worded(self, words: list[Token], names: list[str], *, goes_on: bool) -> None:
        """Words where an operand may stand: variables, or prose that ends the chain."""
        inside = self.last in (OPERATOR, EQUAL, OPEN)
        if inside and len(names[0]) == 1:
            self._push(words[0]._replace(kind=VARIABLE))
            if goes_on and len(words) == 1:
                return
            self.cut(doubt=False)
            words, names, inside = words[1:], names[1:], False
        is_variable = goes_on and _ends_in_letter(names)
        if is_variable:
            self.cut(doubt=inside, doubt_next=inside or _makes_unclear(names[:-1]))
            self._push(words[-1]._replace(kind=VARIABLE))
        else:
            self.cut(doubt=inside, doubt_next=inside or goes_on or _changes_meaning(names))


def _ends_in_letter(names: list[str]) -> bool:
    return bool(names) and len(names[-1]) == 1


def _makes_unclear(names: list[str]) -> bool:
    """Whether prose before a letter leaves open what it stands for."""
    return _changes_meaning(names) or not CONDITIONS.isdisjoint(names)


def _changes_meaning(names: list[str]) -> bool:
    """Whether prose bears on the number behind it; "a total of" does not."""
    if names[-1:] == ["of"] and len(names) > 1 and names[-2] in TOTALS:
        return False
    return not MODIFIERS.isdisjoint(names[-3:]) or not NUMBERED.isdisjoint(names[-1:])
