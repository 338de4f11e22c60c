"""Text inside a trace that speaks to whoever judges it: forged labels and markers, turns of a chat, requests.

A deterministic scan, linear in the text. What it finds is flagged for a reader and never punished: a score is what
the judge gave, with or without such text. It sees through common disguises (`disguise`), not through base64, pictures
made of letters, or a request that is only implied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from hfscore.text.addressed_forms import forms
from hfscore.text.addressed_requests import requests
from hfscore.text.addressed_rules import Family, Rule, Stems
from hfscore.text.disguise import View, spelled_out, view

FAMILIES: Final[tuple[Family, ...]] = ("label", "marker", "role", "override", "grader")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LEET: Final = _words("""
    ignore ignoring disregard forget override previous previously prior above instruction instructions prompt prompts
    system assistant judge judges grader graders evaluator label verdict score rating rate mark grade correct valid
    positive validity factuality coherence utility must should answer output respond reply always only step steps
    solution reasoning full marks points maximum this everything as all the
""")
_SPELLED: Final = re.compile(
    "ignore|disregard|instruction|previous|override|systemprompt|verdict|validity|factuality|grader|evaluator|fullmarks"
    "|maximumscore|answerone|ascorrect|asvalid|positive|thejudge|dearjudge|ratethis|markthis|gradethis|scorethis"
)
_WORD: Final = re.compile(r"\w+")
_STOP: Final = re.compile(r"[.!?](?=\s)|。|\n\s*\n|\Z")
_UNSPACED: Final = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_HEAD: Final = 6
_WINDOW, _OVERLAP, _AHEAD = 600, 300, 40


@dataclass(frozen=True, slots=True)
class Addressed:
    """A stretch of a text that speaks to a grader.

    Args:
        start: Offset of its first character, in code points.
        end: Offset behind its last character.
        family: "label" a forged verdict; "marker" a forged end or beginning of what is judged; "role" a forged turn of
            a chat; "override" a call to forget the task; "grader" a request to whoever grades.
    """

    start: int
    end: int
    family: Family


def addressed(text: str) -> list[Addressed]:
    """Find text that speaks to a grader, in time linear in the text.

    Args:
        text: Any text.

    Returns:
        What was found, by start; stretches of different families may overlap, those of one do not.
    """
    seen = view(text, _LEET)
    found = {(*seen.span(start, end), family) for start, end, family in _found(seen)}
    result: list[Addressed] = []
    ends = dict.fromkeys(FAMILIES, -1)
    for start, end, family in sorted(found, key=lambda each: (each[0], -each[1], each[2])):
        if start >= ends[family]:
            result.append(Addressed(start, end, family))
            ends[family] = end
    return result


def _found(seen: View) -> Iterator[tuple[int, int, Family]]:
    for rule in forms():
        text = seen.cased if rule.cased else seen.text
        if _holds(text, rule):
            for match in _compiled(rule.pattern).finditer(text):
                yield match.start(), match.end(), rule.family
    for start, end in _windows(seen.text):
        for rule in _candidates(seen.text, start, end):
            for match in _compiled(rule.pattern).finditer(seen.text, start, end + _AHEAD):
                yield match.start(), match.end(), rule.family
    for start, end, letters in spelled_out(seen.text):
        if _SPELLED.search(letters):
            yield start, end, "grader"


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Sentences, so that few rules need be tried on each; a long one is cut into pieces that overlap."""
    start = 0
    for stop in _STOP.finditer(text):
        end = stop.end()
        while end - start > _WINDOW:
            yield start, start + _WINDOW
            start += _WINDOW - _OVERLAP
        yield start, end
        start = end


def _candidates(text: str, start: int, end: int) -> Iterator[Rule]:
    """Rules of which a window holds a word of every class."""
    present = 0
    for word in _WORD.findall(text, start, end):
        present |= _classes_of(word)
    part = text[start:end]
    for rule in (*_rules_for(present), *_unspaced()) if _UNSPACED.search(part) else _rules_for(present):
        if _holds(part, rule):
            yield rule


def _holds(text: str, rule: Rule) -> bool:
    for stems in rule.stems:
        for stem in stems:
            if stem in text:
                break
        else:
            return False
    return True


@lru_cache(maxsize=2**16)
def _classes_of(word: str) -> int:
    """Bits of the classes that a word hints at."""
    heads = _spaced()[1]
    present = 0
    for length in range(1, min(len(word), _HEAD) + 1):
        present |= heads.get(word[:length], 0)
    return present


@lru_cache(maxsize=2**12)
def _rules_for(present: int) -> tuple[Rule, ...]:
    return tuple(rule for mask, rule in _spaced()[0] if mask & present == mask)


@cache
def _spaced() -> tuple[list[tuple[int, Rule]], dict[str, int]]:
    """Rules of languages with blanks, each with the bits of its classes; and head of a word -> bits of its classes."""
    every = list(requests(spaced=True))
    bits: dict[Stems, int] = {}
    heads: dict[str, int] = {}
    for stems in (stems for rule in every for stems in rule.stems):
        bit = bits.setdefault(stems, 1 << len(bits))
        for stem in stems:
            head = max(_WORD.findall(stem), key=len)[:_HEAD]  # the most telling word of a phrase
            heads[head] = heads.get(head, 0) | bit
    return [(sum(bits[stems] for stems in set(rule.stems)), rule) for rule in every], heads


@cache
def _unspaced() -> tuple[Rule, ...]:
    return tuple(requests(spaced=False))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled when first needed: most texts hold the words of no language but their own."""
    return re.compile(pattern)
