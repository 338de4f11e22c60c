"""What a column's name says: its role, which of several variants it is, and whether it is a label."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from hfscore.columns import words
from hfscore.columns.words import Role

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z]{3})(?=[A-Z]{2})")
_TRAILING_NUMBER = re.compile(r"(?<=[a-z]{3})(?=\d+(?:_|$))")
# Vowel signs of Indic and Thai script are no \w, yet part of the word.
_TOKEN = re.compile(r"(?:[^\W_]|[ऀ-෿฀-๿])+")
_UNSPACED = re.compile(r"[぀-ヿ㐀-鿿가-힯؀-ۿ฀-๿]")
_PLAIN_LATIN = str.maketrans("łøđßıœæ", "lodsioa")
_LONGEST_PHRASE = 4


@dataclass(frozen=True, slots=True)
class Name:
    """A column's name, read.

    Args:
        tokens: Its words, folded.
        role: What it says it holds, or None.
        strength: How surely, 1 to 3; 0 without a role.
        key: Words that tell variants of one role apart, such as ("gemini",) or ("2",).
        base: Words that name the role itself; equal among variants.
        version: Words that say "the same in another language or wording".
        noise: It ends like a label, a number or provenance.
        judge: It speaks of judging or checking.
    """

    tokens: tuple[str, ...]
    role: Role | None
    strength: int
    key: tuple[str, ...]
    base: tuple[str, ...]
    version: tuple[str, ...]
    noise: bool
    judge: bool


@lru_cache(maxsize=8192)
def fold(name: str) -> tuple[str, ...]:
    """Split a name into lower-case words without Latin accents: "Réponse_correcteV2" -> 3 words."""
    spaced = _CAMEL.sub("_", unicodedata.normalize("NFKC", name[:200])).lower()
    plain = "".join(_bare(char) for char in spaced).translate(_PLAIN_LATIN)
    return tuple(_TOKEN.findall(_TRAILING_NUMBER.sub("_", plain)))


def _bare(char: str) -> str:
    if "\u00c0" <= char <= "\u024f" or "\u1e00" <= char <= "\u1eff":
        return unicodedata.normalize("NFKD", char)[0]
    return char


def _phrases() -> dict[tuple[str, ...], tuple[Role, int]]:
    table: dict[tuple[str, ...], tuple[Role, int]] = {}
    for role, by_strength in words.ROLES.items():
        for strength, names in by_strength.items():
            for name in names:
                table.setdefault(fold(name), (role, strength))
                table.setdefault(("".join(fold(name)),), (role, strength))
    return table


_PHRASES = _phrases()
_UNSPACED_PHRASES = sorted(
    ((key[0], value) for key, value in _PHRASES.items() if len(key) == 1 and _UNSPACED.search(key[0])),
    key=lambda item: -len(item[0]),
)


@lru_cache(maxsize=8192)
def read_name(parts: tuple[str, ...]) -> Name:
    """Read the name of a column, or of a field inside structs.

    Args:
        parts: The column and the fields that lead to the value, outermost first; at least one.

    Returns:
        Its reading; a hollow field ("text") takes the role of the struct around it.
    """
    own = _read_part(fold(parts[-1]))
    if len(parts) == 1:
        return own
    outer = read_name(parts[:-1])
    hollow = not own.tokens or set(own.tokens) <= words.HOLLOW_WORDS
    takes_outer = outer.role is not None and not own.noise and (hollow or own.role is None)
    giver = outer if takes_outer else own
    plain = tuple(t for t in own.tokens if t not in own.version)
    inner_key = plain if takes_outer and not hollow else own.key
    return Name(
        own.tokens,
        giver.role,
        giver.strength,
        key=(*outer.key, *inner_key),
        base=giver.base,
        version=(*outer.version, *own.version),
        noise=own.noise,
        judge=own.judge or outer.judge,
    )


def _read_part(tokens: tuple[str, ...]) -> Name:
    version = _version(tokens)
    matches = _matches(tokens)
    covered = {i for start, end, _, _ in matches for i in range(start, end)}
    if not matches:
        key = tuple(t for t in tokens if t not in version)
        return Name(tokens, None, 0, key, (), version, _noise(tokens, covered), _judge(tokens, covered))
    solid = [m for m in matches if not words.HOLLOW_WORDS.issuperset(tokens[m[0] : m[1]])] or matches
    start, end, head, strength = max(solid, key=lambda m: (m[1], m[1] - m[0]))
    rest = [t for i, t in enumerate(tokens) if not start <= i < end]
    role, strength = _modified(head, strength, rest)
    same = (head, "reference") if role == "reference" else (head,)
    own = {i for s, e, r, _ in solid if r in same for i in range(s, e)}
    mute = words.MODEL_MADE_WORDS | words.GOLD_WORDS | words.HOLLOW_WORDS | set(version)
    key = tuple(t for i, t in enumerate(tokens) if i not in own and t not in mute)
    base = tuple(t for i, t in enumerate(tokens) if i in own)
    noise, judge = _noise(tokens, covered), _judge(tokens, covered)
    return Name(tokens, role, strength, key, base, version, noise, judge)


def _modified(role: Role, strength: int, rest: Sequence[str]) -> tuple[Role, int]:
    """A gold answer is a reference; a generated or a model's solution is a response."""
    if role not in ("answer", "worked", "response"):
        return role, strength
    if words.GOLD_WORDS.intersection(rest):
        return "reference", 3
    if role != "response" and (words.MODEL_MADE_WORDS | words.MODEL_WORDS).intersection(rest):
        return "response", 2
    return role, strength


def _version(tokens: Sequence[str]) -> tuple[str, ...]:
    ends = {*tokens[:1], *tokens[-1:]}
    return tuple(t for t in tokens if t in words.VERSION_WORDS or (t in ends and t in words.LANGUAGES))


def _matches(tokens: Sequence[str]) -> list[tuple[int, int, Role, int]]:
    found: list[tuple[int, int, Role, int]] = []
    for start in range(len(tokens)):
        for end in range(start + 1, min(len(tokens), start + _LONGEST_PHRASE) + 1):
            if hit := _PHRASES.get(tuple(tokens[start:end])):
                found.append((start, end, *hit))
        if not any(s == start for s, *_ in found) and _UNSPACED.search(tokens[start]):
            hit = _unspaced(tokens[start])
            if hit:
                found.append((start, start + 1, *hit))
    return found


def _unspaced(token: str) -> tuple[Role, int] | None:
    """The role word that ends last inside a word of a script without spaces."""
    hits = [(token.rfind(p) + len(p), len(p), role) for p, role in _UNSPACED_PHRASES if p in token]
    return max(hits, key=lambda hit: hit[:2])[2] if hits else None


def _noise(tokens: Sequence[str], covered: set[int]) -> bool:
    if not tokens or tokens[0] in words.PREDICATE_WORDS:
        return bool(tokens)
    last = len(tokens) - 1
    while last > 0 and (tokens[last].isdigit() or tokens[last] in words.LANGUAGES):
        last -= 1
    return last not in covered and tokens[last] in words.NOISE_HEADS


def _judge(tokens: Sequence[str], covered: set[int]) -> bool:
    return any(t in words.JUDGE_WORDS for i, t in enumerate(tokens) if i not in covered)
