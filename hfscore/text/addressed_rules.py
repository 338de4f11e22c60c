"""From word lists to patterns: a rule is a few classes of words with small gaps between them.

A class is a list of fragments parted by white space; in a fragment "_" is a blank and the rest a regular expression
that begins with plain letters. A template reads from left to right:

    ignore ~5 instruction    a word of the one, at most five words, a word of the other
    label|verdict            a word of either
    a & b & c ~6             all three in any order, at most six words between two neighbours
    very*3                   at most three words of the class, none is fine
    !unit                    what went before is not followed by one
    :  ,  @                  a colon, dash or equals sign; a comma or colon; the start of a clause
    author                   the clause has no subject before its verb that makes it the author's own work

Every repetition is bounded, so the time is linear in the text. A pattern is tried only on a text that holds, of each
class, the plain beginning of one of its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

from hfscore.text.disguise import plain

Family = Literal["label", "marker", "role", "override", "grader"]
Stems = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """What to look for.

    Args:
        family: What a match is.
        stems: Sets of plain strings; every match holds one of each set.
        pattern: A regular expression, linear: every repetition is bounded.
        cased: Whether it is searched with the letters' case kept.
    """

    family: Family
    stems: tuple[Stems, ...]
    pattern: str
    cased: bool = False


GAP = r"[^\w.!?]{1,8}"
_WORD = r"[^\W_]{1,20}"
_MARKS = {":": r"\s{0,3}(?::|--?|=|\n)", ",": r"\s?[,:]", "@": r"(?:^|[.!?\n;:>\-#*|({\[\"'/,]\s{0,3})"}
_SUBJECTS = (
    *(
        "i",
        "we",
        "he",
        "she",
        "they",
        "can",
        "could",
        "would",
        "might",
        "may",
        "let me",
        "'ll",
        "'d",
        "let's",
        "let us",
    ),
)
_AUTHOR = "".join(rf"(?<!{subject} )" for subject in _SUBJECTS)
_PLAIN = re.compile(r"[^\\()\[\]{}|?*+.^$]*(?![?*{])")


def rules(
    vocabulary: Mapping[str, str], templates: Mapping[Family, Sequence[str]], *, spaced: bool = True
) -> Iterator[Rule]:
    """Turn templates into rules.

    Args:
        vocabulary: Class -> its fragments.
        templates: Family -> templates.
        spaced: Whether the language puts blanks between words.
    """
    for family, lines in templates.items():
        for line in lines:
            for tokens in _orders(line):
                yield _rule(family, tokens, vocabulary, spaced)


def _orders(line: str) -> Iterator[list[str]]:
    if "&" not in line:
        yield line.split()
        return
    *classes, gap = line.replace("&", " ").split()
    for order in permutations(classes):
        yield [token for each in order for token in (each, gap)][:-1]


def _rule(family: Family, template: Sequence[str], vocabulary: Mapping[str, str], spaced: bool) -> Rule:
    parts: list[str] = []
    stems: list[Stems] = []
    joined = True  # whether a gap, or nothing, has just been written
    for part in template:
        kind, name = part[0], part[1:]
        if kind == "~":
            parts.append(_gap(int(name), spaced))
        elif part in _MARKS:
            parts.append(_MARKS[part])
        elif part == "author":
            parts.append(_AUTHOR)
        elif kind == "!":
            parts.append(rf"(?!{GAP}{_any([name], vocabulary, spaced)})")
        else:
            parts.append("" if joined else _gap(0, spaced))
            name, _, times = part.partition("*")
            words = _any(name.split("|"), vocabulary, spaced)
            parts.append(rf"(?:{words}{_gap(0, spaced)}){{0,{times}}}" if times else words)
            if not times:
                stems.append(tuple(sorted({_stem(word) for word in _words(name.split("|"), vocabulary)})))
        joined = kind in "~@" or "*" in part or part == "author"
    return Rule(family, tuple(stems), "".join(parts))


def _gap(words: int, spaced: bool) -> str:
    if spaced:
        return rf"(?:{GAP}{_WORD}){{0,{words}}}?{GAP}"
    return rf"[^.!?。\n]{{0,{2 + 3 * words}}}?"


def _any(names: Sequence[str], vocabulary: Mapping[str, str], spaced: bool) -> str:
    words = "|".join(_words(names, vocabulary))
    return rf"(?<!\w)(?:{words})(?!\w)" if spaced else f"(?:{words})"


def _words(names: Sequence[str], vocabulary: Mapping[str, str]) -> list[str]:
    return [plain(word.replace("_", " ")) for name in names for word in vocabulary[name].split()]


def _stem(word: str) -> str:
    head = _PLAIN.match(word)
    if not head or not head[0].strip():
        raise ValueError(f"{word!r} does not begin with plain letters")
    return head[0]
