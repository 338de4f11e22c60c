"""An index of evaluation sets as hashed n-grams: how one is made, kept in a file, and asked.

The index holds no text, only 64-bit hashes of runs of words, so it can be shared without sharing the tests. It finds
copies, never paraphrases. Knows no dataset format and no metric.

n follows GPT-3 (arXiv 2005.14165, App. C): 13 words, and 8 for items too short for that; fewer words collide by
chance. A run that stands in more than ten items of its set is taken for an instruction and left out, as there.

File: a NumPy .npz without pickles: "about" (JSON as UTF-8 bytes), and for n in 13, 8 the arrays "hashes_N" (uint64,
ascending) and "owners_N" (uint16, which set of "about" each hash belongs to).
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfscore.errors import HfscoreError

LONG, SHORT = 13, 8  # words
COMMON = 10  # items that may share a run before it counts as an instruction
FORMAT = 1
NORMALISATION = "nfkc-casefold-words-1"  # raised whenever `words` or the hashes change
SETS = 1000  # in one index

Hashes = NDArray[np.uint64]
Owners = NDArray[np.uint16]
Flags = NDArray[np.bool_]

_NOTHING = np.zeros(0, dtype=np.uint64)
_REBUILD = "Build it again: hfscore contamination build FILE... --out INDEX"

# Signs that belong to the word they stand in but are no letters to `re`: accents, points, vowel signs.
_MARKS = r"\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0e00-\u0eff"
# Chinese and Japanese are written without spaces: each character is a word. Thai and its neighbours are not cut.
_SINGLE = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_LETTER = rf"[^\W_{_SINGLE}]"
_WORD = re.compile(rf"[{_SINGLE}]|{_LETTER}+(?:[{_MARKS}]+{_LETTER}*)*")
_PIECE = re.compile(r"\s+|\S{1,200}")
_APOSTROPHES = re.compile("['’‘ʼ`´]")
_REMEMBERED = 64  # characters; longer words are hashed anew, or hostile text would fill the memory
_BASE = 0x9E3779B97F4A7C15  # odd, so that multiplying by it loses nothing


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """One set of an index.

    Args:
        name: What to call it.
        items: Items read.
        short: Items compared by runs of 8 words, because they have fewer than 13.
        left_out: Items that cannot be found: fewer than 8 words, or nothing but instructions.
    """

    name: str
    items: int
    short: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Grams:
    """Hashes of runs of n words, ascending, and the set each belongs to; a hash in two sets stands twice."""

    hashes: Hashes
    owners: Owners


@dataclass(frozen=True, slots=True)
class Index:
    """What texts are compared with.

    Args:
        sets: The evaluation sets.
        grams: n -> its runs, for n in (13, 8).
    """

    sets: tuple[EvaluationSet, ...]
    grams: dict[int, Grams]

    @property
    def digest(self) -> str:
        """ "sha256:..." over all that decides a hit."""
        digest = hashlib.sha256(_about(self))
        for n in (LONG, SHORT):
            digest.update(self.grams[n].hashes.tobytes())
            digest.update(self.grams[n].owners.tobytes())
        return f"sha256:{digest.hexdigest()}"

    def overlaps(self, texts: Sequence[str]) -> tuple[Flags, Flags]:
        """Compare texts with every set.

        Args:
            texts: k texts.

        Returns:
            (k, sets) whether a text and a set have a run of words in common, and (k,) whether the text is long
            enough to tell.
        """
        hashed = [hash_words(words(text)) for text in texts]
        found = np.zeros((len(texts), len(self.sets)), dtype=bool)
        sizes = np.array([len(one) for one in hashed], dtype=np.int64)
        if not sizes.sum():
            return found, sizes >= SHORT
        flat = np.concatenate(hashed)
        text_of = np.repeat(np.arange(len(texts)), sizes)
        for n, grams in self.grams.items():
            runs = ngrams(flat, n)
            inside = text_of[: len(runs)] == text_of[n - 1 : n - 1 + len(runs)]
            _mark(found, grams, runs[inside], text_of[: len(runs)][inside])
        return found, sizes >= SHORT


def _mark(found: Flags, grams: Grams, runs: Hashes, text_of: NDArray[Any]) -> None:
    """Set found[text, set] for every run that stands in the set."""
    at = np.searchsorted(grams.hashes, runs)
    while len(at):
        alive = at < len(grams.hashes)
        alive[alive] = grams.hashes[at[alive]] == runs[alive]
        at, runs, text_of = at[alive], runs[alive], text_of[alive]
        found[text_of, grams.owners[at]] = True
        at = at + 1  # the same hash may stand there for the next set


def words(text: str) -> list[str]:
    """Words as they are compared: compatibility forms and case folded, apostrophes and all punctuation dropped.

    Args:
        text: Any text; time is linear in it.

    Returns:
        Its words; of Chinese and Japanese its characters.
    """
    text = _APOSTROPHES.sub("", text)
    if not text.isascii():
        # By pieces: a long run of combining marks takes `normalize` quadratic time.
        text = "".join(unicodedata.normalize("NFKC", piece) for piece in _PIECE.findall(text))
    return _WORD.findall(text.casefold())


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


_hash_short = lru_cache(maxsize=1 << 16)(_hash)


def hash_words(found: Sequence[str]) -> Hashes:
    """(k,) one hash per word."""
    hashes = (_hash_short(word) if len(word) <= _REMEMBERED else _hash(word) for word in found)
    return np.fromiter(hashes, dtype=np.uint64, count=len(found))


def ngrams(hashes: Hashes, n: int) -> Hashes:
    """(max(k - n + 1, 0),) a hash for every run of n words: sum of h[i + j] * base^j modulo 2^64."""
    count = max(len(hashes) - n + 1, 0)
    result = np.zeros(count, dtype=np.uint64)
    for j in range(n):
        result += hashes[j : j + count] * np.uint64(pow(_BASE, j, 1 << 64))
    return result


def build(name: str, items: Iterable[Sequence[str]]) -> Index:
    """Index one evaluation set.

    Args:
        name: What to call it.
        items: The texts of every item: its question alone, or its answer, too. An item that repeats an earlier one
            is counted, and indexed once.

    Returns:
        An index of this set.
    """
    distinct: dict[int, dict[bytes, Hashes]] = {LONG: {}, SHORT: {}}
    copies: Counter[bytes] = Counter()
    count = left_out = 0
    for texts in items:
        count += 1
        hashed = [hash_words(words(text)) for text in texts]
        n = LONG if any(len(one) >= LONG for one in hashed) else SHORT
        runs = np.unique(np.concatenate([_NOTHING, *(ngrams(one, n) for one in hashed)]))
        key = hashlib.blake2b(runs.tobytes(), digest_size=16).digest()
        if len(runs):
            copies[key] += 1
            distinct[n][key] = runs
        else:
            left_out += 1
    grams = {}
    for n, found in distinct.items():
        rare, findable = _rare([*found.values()])
        grams[n] = Grams(rare, np.zeros(len(rare), np.uint16))
        left_out += sum(copies[key] for key, good in zip(found, findable, strict=True) if not good)
    short = sum(copies[key] for key in distinct[SHORT])
    return Index((EvaluationSet(name, count, short, left_out),), grams)


def _rare(items: Sequence[Hashes]) -> tuple[Hashes, Flags]:
    """The runs that at most `COMMON` items share, and which of the items have such a run."""
    if not items:
        return _NOTHING, np.zeros(0, dtype=bool)
    hashes, place, counts = np.unique(np.concatenate(items), return_inverse=True, return_counts=True)
    keep = counts <= COMMON
    starts = np.cumsum([0, *(len(runs) for runs in items[:-1])])
    findable: Flags = np.logical_or.reduceat(keep[place], starts)
    return hashes[keep], findable


def merge(indexes: Sequence[Index]) -> Index:
    """One index of all their sets.

    Raises:
        HfscoreError: Two sets carry one name, or there are too many.
    """
    sets = tuple(one for index in indexes for one in index.sets)
    names = [one.name for one in sets]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise HfscoreError(f"Two evaluation sets are called '{twice[0]}'.", "Name them apart: NAME=FILE.")
    if len(sets) > SETS:
        raise HfscoreError(f"An index holds at most {SETS} evaluation sets.", "Merge some, or use fewer.")
    grams = {}
    for n in (LONG, SHORT):
        first = np.cumsum([0, *(len(index.sets) for index in indexes)])
        hashes = np.concatenate([index.grams[n].hashes for index in indexes])
        owners = np.concatenate([i.grams[n].owners + start for i, start in zip(indexes, first, strict=False)])
        order = np.lexsort((owners, hashes))
        grams[n] = Grams(hashes[order], owners[order].astype(np.uint16))
    return Index(sets, grams)


def _about(index: Index) -> bytes:
    about = {
        "format": FORMAT,
        "normalisation": NORMALISATION,
        "words": [LONG, SHORT],
        "sets": [asdict(one) for one in index.sets],
    }
    return json.dumps(about, ensure_ascii=False).encode("utf-8", "replace")


def save(index: Index, path: Path) -> None:
    """Write an index.

    Raises:
        HfscoreError: The file cannot be written.
    """
    arrays: dict[str, Any] = {"about": np.frombuffer(_about(index), dtype=np.uint8)}
    for n, grams in index.grams.items():
        arrays |= {f"hashes_{n}": grams.hashes, f"owners_{n}": grams.owners}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:  # a path would be given the suffix .npz
            np.savez(file, **arrays)
    except OSError as error:
        raise HfscoreError(f"{path} cannot be written ({error.strerror}).") from error


def load(path: Path) -> Index:
    """Read an index, and check that it is one.

    Raises:
        HfscoreError: The file cannot be read, is no index, is damaged, or is of another version.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(arrays["about"].tobytes())
        if (about["format"], about["normalisation"], about["words"]) != (FORMAT, NORMALISATION, [LONG, SHORT]):
            raise HfscoreError(f"{path} was made by another version of hfscore.", _REBUILD)
        sets = tuple(_set(one) for one in about["sets"])
        return Index(sets, {n: _checked(arrays, n, len(sets)) for n in (LONG, SHORT)})
    except OSError as error:
        raise HfscoreError(f"{path} cannot be read ({error.strerror or error}).", _REBUILD) from error
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise HfscoreError(f"{path} is no index of evaluation sets, or is damaged.", _REBUILD) from error


def _set(data: Any) -> EvaluationSet:
    one = EvaluationSet(**{field.name: data[field.name] for field in fields(EvaluationSet)})
    if not isinstance(one.name, str) or not all(
        type(n) is int and n >= 0 for n in (one.items, one.short, one.left_out)
    ):
        raise ValueError("a set is not described as it should be")
    return one


def _checked(arrays: dict[str, Any], n: int, sets: int) -> Grams:
    hashes, owners = arrays[f"hashes_{n}"], arrays[f"owners_{n}"]
    good = hashes.dtype == np.uint64 and owners.dtype == np.uint16 and hashes.ndim == 1 and hashes.shape == owners.shape
    if not good or (hashes[1:] < hashes[:-1]).any() or (owners >= sets).any():
        raise ValueError("the arrays are not as they should be")
    return Grams(hashes, owners)
