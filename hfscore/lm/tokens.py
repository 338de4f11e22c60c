"""Layouts as token ids, every piece tokenised on its own, and where in its text each scored token begins."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfscore.lm.spans import Layout, Piece
from hfscore.records import Unscored

Ids = NDArray[np.int64]

MISMATCH = Unscored("span_mismatch: the tokenizer does not give the text back")
NO_CONTEXT = Unscored("the tokenizer has no token to begin a text with")
UNKNOWN = Unscored("the tokenizer has tokens that the model does not know")

BATCH_TEXTS, BATCH_CHARACTERS = 64, 500_000  # an encoding takes some 100 bytes a token
_GLUE = 4096  # texts of templates that are remembered


@dataclass(frozen=True, slots=True)
class Row:
    """A sequence of tokens, some of them scored.

    Args:
        ids: (t,) up to the last scored token.
        scored: (n,) places of the scored tokens, ascending, none the first.
        part: (n,) the part that each belongs to.
        starts: (n,) the character of the part's text at which each begins.
        bytes: UTF-8 bytes of every part.
    """

    ids: Ids
    scored: Ids
    part: Ids
    starts: Ids
    bytes: tuple[int, ...]


@dataclass(slots=True)
class Encoder:
    """Turns layouts into rows.

    Args:
        tokenizer: A fast tokenizer.
        size: Number of tokens that the model knows.
    """

    tokenizer: Any
    size: int
    _glue: dict[str, Ids] = field(default_factory=dict)

    def rows(self, layouts: Sequence[Layout | Unscored]) -> list[Row | Unscored]:
        """Tokenise; a layout whose tokens do not give its text back says so."""
        kept = [one for one in layouts if isinstance(one, Layout)]
        texts = self._encode([piece.text for one in kept for piece in one.pieces if piece.literal])
        return [self._row(one, texts) if isinstance(one, Layout) else one for one in layouts]

    def start(self) -> list[int]:
        """What stands before a text: the token that begins one, else the one that ends one, else a line break."""
        for token in (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id):
            if token is not None:
                return [token]
        return [int(token) for token in self._glue_ids("\n")]

    def _row(self, layout: Layout, texts: Iterator[tuple[Ids, Ids]]) -> Row | Unscored:
        found = [next(texts) if piece.literal else (self._glue_ids(piece.text), None) for piece in layout.pieces]
        lead = np.array(self.start() if layout.start else [], dtype=np.int64)
        ids = [lead]
        scored: list[Ids] = []
        part: list[Ids] = []
        starts: list[Ids] = []
        sizes, at = [0] * layout.parts, len(lead)
        for piece, (tokens, begins) in zip(layout.pieces, found, strict=True):
            if piece.part is not None and begins is not None:
                if not self._gives_back(piece, tokens):
                    return MISMATCH
                scored.append(np.arange(at, at + len(tokens)))
                part.append(np.full(len(tokens), piece.part))
                starts.append(begins + piece.at)
                sizes[piece.part] += len(piece.text.encode())
            ids.append(tokens)
            at += len(tokens)
        row = Row(_one(ids), _one(scored), _one(part), _one(starts), tuple(sizes))
        if not len(row.scored) or row.scored[0] == 0:
            return NO_CONTEXT
        return row if row.ids.max() < self.size else UNKNOWN

    def _glue_ids(self, text: str) -> Ids:
        if text not in self._glue:
            if len(self._glue) >= _GLUE:
                self._glue.clear()
            found = self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
            self._glue[text] = np.array(found, dtype=np.int64)
        return self._glue[text]

    def _encode(self, texts: Sequence[str]) -> Iterator[tuple[Ids, Ids]]:
        """(ids, first characters) of every text, whole, control tokens as text, in batches of bounded size."""
        begin = 0
        while begin < len(texts):
            end, size = begin, 0
            while end < len(texts) and end - begin < BATCH_TEXTS and size < BATCH_CHARACTERS:
                size += len(texts[end])
                end += 1
            batch = self.tokenizer(
                list(texts[begin:end]),
                add_special_tokens=False,
                split_special_tokens=True,
                return_offsets_mapping=True,
                truncation=False,
                verbose=False,
            )
            for ids, offsets in zip(batch["input_ids"], batch["offset_mapping"], strict=True):
                yield np.array(ids, dtype=np.int64), _begins(np.array(offsets, dtype=np.int64).reshape(-1, 2))
            begin = end

    def _gives_back(self, piece: Piece, ids: Ids) -> bool:
        """Whether tokens are the text again, but for Unicode's composed forms and a space that some put in front."""
        told = self.tokenizer.decode(ids.tolist(), skip_special_tokens=False, clean_up_tokenization_spaces=False)
        if told == piece.text:
            return True
        wanted = unicodedata.normalize("NFC", piece.text)
        return unicodedata.normalize("NFC", told).removeprefix("" if wanted.startswith(" ") else " ") == wanted


def _one(arrays: Sequence[Ids]) -> Ids:
    return np.concatenate(arrays, dtype=np.int64) if arrays else np.empty(0, dtype=np.int64)


def _begins(offsets: NDArray[np.int64]) -> Ids:
    """First characters of tokens that together cover a text: some tokenizers leave white space out of offsets."""
    if not len(offsets):
        return offsets[:, 0]
    behind = np.concatenate([[0], offsets[:-1, 1]])
    begins: Ids = np.maximum.accumulate(np.minimum(offsets[:, 0], behind))
    return begins
