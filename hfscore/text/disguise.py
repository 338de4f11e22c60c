"""See through a disguise: one plain view of a text in which words can be looked for, and the way back to its offsets.

Invisible characters and accents go, compatibility forms become plain (NFKD), letters that look Latin become Latin,
digits inside a listed word become the letters they stand for. The view is for searching, never for reading: Russian
comes out as a mixture, but always as the same one, so what is looked for is put through `plain` too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

_TAGS = range(0xE0020, 0xE007F)  # Unicode tags spell ASCII that no font shows
_CAPITALS = (range(0x1F150, 0x1F16A), range(0x1F170, 0x1F18A), range(0x1F1E6, 0x1F200))  # in circles, squares, flags
_DROPPED = frozenset({"Mn", "Me", "Cf", "Cc"})
_FILLERS = "\u115f\u1160\u3164"
_LINE_ENDS = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"

_BOTH_CASES = dict(
    zip(
        "авсеԁнгіјкмпоруѕтхиԝԛѵ" + "łøđħŧ" + "օսհց",
        "abcedhrijkmnopystxuwqv" + "lodht" + "ouhg",
        strict=True,
    )
)
_LIKE = {
    **_BOTH_CASES,
    **{letter.upper(): latin.upper() for letter, latin in _BOTH_CASES.items()},
    **dict(zip("αβεηικνορτυχγωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abenikvoptuxywABEZHIKMNOPTYX", strict=True)),
    **dict(zip("ıɡɑɩʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢᴀ", "igaibcdefghijklmnoprstuvwyza", strict=True)),
    **dict.fromkeys("‘’ʼ′´", "'"),
    **dict.fromkeys("“”„«»″", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("‹⟨〈〈≺", "<"),
    **dict.fromkeys("›⟩〉〉≻", ">"),
    **dict.fromkeys("∣│❘", "|"),
    **dict.fromkeys(_LINE_ENDS, "\n"),
    **dict(zip("⁄∕∶\u2800_\n\t", "//:  \n\t", strict=True)),
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
}

_SIMPLE = re.compile(r"[^\t\n\x20-\x7e]")
_LEET = str.maketrans("013457@$!|", "oleastasil")
_LEET_I = str.maketrans("013457@$!|", "oieastasil")
_LEET_WORD = re.compile(
    r"(?<![a-z0-9@$!|])(?=[013457@$!|]{0,8}[a-z])(?=[a-z]{0,12}[013457@$!|])[a-z013457@$!|]{2,16}+(?![a-z0-9])"
)
_SPELLED = re.compile(r"(?<![^\W_])(?:[^\W\d_](?![^\W_])[^\w\n]{0,3}+){5,400}+")


@dataclass(frozen=True, slots=True)
class View:
    """A text without its disguise.

    Args:
        text: What to search, lower case, "_" as a blank.
        cased: The same, of the same length, its case kept.
        origins: For each of its characters the offset of the character it came from; None where all are the same.
    """

    text: str
    cased: str
    origins: list[int] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of the view, not empty, stands in the text."""
        if self.origins is None:
            return start, end
        return self.origins[start], self.origins[end - 1] + 1


def view(text: str, words: Collection[str] = ()) -> View:
    """See through the disguise of a text, in linear time.

    Args:
        text: Any text.
        words: Plain words that are also recognised with digits for letters.
    """
    origins = None
    if not _SIMPLE.search(text):
        cased = text.replace("_", " ")
    else:
        forms = {character: _form(character) for character in set(text)}
        cased = "".join([forms[character] for character in text])
        if any(len(form) != 1 for form in forms.values()):
            origins = [index for index, character in enumerate(text) for _ in forms[character]]
    return View(_unleeted(_lower(cased), words), cased, origins)


def plain(text: str) -> str:
    """A text as it stands in a view; ASCII, and so the signs of a regular expression, stays as it is."""
    return "".join(letter if letter.isascii() else _form(letter).lower() for letter in text)


def spelled_out(text: str) -> Iterator[tuple[int, int, str]]:
    """Runs of five or more single letters ("i g n o r e"), as (start, end, the letters joined)."""
    for match in _SPELLED.finditer(text):
        yield match.start(), match.end(), "".join(filter(str.isalpha, match[0]))


@lru_cache(maxsize=2**14)
def _form(character: str) -> str:
    known = _LIKE.get(character)
    if known is not None:
        return known
    code = ord(character)
    if code in _TAGS:
        return chr(code - 0xE0000)
    for capitals in _CAPITALS:
        if code in capitals:
            return chr(ord("A") + code - capitals.start)
    parts = (part for part in unicodedata.normalize("NFKD", character) if part not in _FILLERS)
    return "".join(" " if part.isspace() else _LIKE.get(part, part) for part in parts if _is_seen(part))


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in _DROPPED


def _lower(text: str) -> str:
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)


def _unleeted(text: str, words: Collection[str]) -> str:
    def word(match: re.Match[str]) -> str:
        for table in (_LEET, _LEET_I):
            if (candidate := match[0].translate(table)) in words:
                return candidate
        return match[0]

    return _LEET_WORD.sub(word, text) if words else text
