"""The model behind the loopback TGI: splits text to tokens, turns what a brain says into tokens with probabilities.

The tokenizer is no model's: runs of up to six letters or digits, single signs, single white space; a space goes with
the word behind it. That makes about as many tokens of English as a real one, and of every label a single one.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Final, Literal

from hfscore.loopback.tgi_grammar import Constraint

Finish = Literal["eos_token", "length", "stop_sequence"]
Message = Mapping[str, str]

FREE_MASS: Final = 0.98
"""Probability of all labels together where no constraint leaves out the rest."""

_OTHERS: Final = ("The", "I", " ", "\n", "To")
"""What a model might say instead, the likeliest first."""
_END: Final = "<|im_end|>"
_SURE: Final = math.log(0.99)
_TOKEN = re.compile(r"<\|im_(?:start|end)\|>| ?\w{1,6}| ?(?!<\|im_)[^\w\s]|\s")
_TAIL: Final = "\n<ask "  # nothing before it changes between the calls on a trace


@dataclass(frozen=True, slots=True)
class Said:
    """What a brain would say, left alone.

    Args:
        text: The answer.
        odds: Where the answer is a choice: each label and its probability; together 1.
    """

    text: str
    odds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is drawn.

    Args:
        room: Tokens, at most.
        temperature: 0 takes the likeliest.
        seed: Of the draw.
        stop: Strings behind which the answer ends.
        alternatives: How many alternatives a token are listed.
    """

    room: int
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    alternatives: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """A token of an answer: its text, its natural log-probability, and its alternatives; None is minus infinity."""

    text: str
    logprob: float | None
    alternatives: tuple[tuple[str, float | None], ...] = ()

    @property
    def id(self) -> int:
        """A number for the text, always the same."""
        return token_id(self.text)


@dataclass(frozen=True, slots=True)
class Output:
    """An answer, its tokens, and why it ended."""

    text: str
    tokens: tuple[Token, ...]
    finish: Finish


def tokenize(text: str) -> list[str]:
    """Cut a text to tokens; joined, they are the text."""
    return _TOKEN.findall(text)


def token_id(text: str) -> int:
    """A number below 50,000 for a token."""
    return zlib.crc32(text.encode("utf-8", "replace")) % 50_000


def template(messages: Sequence[Message]) -> str:
    """The prompt as the model reads it, in ChatML."""
    turns = "".join(f"<|im_start|>{one['role']}\n{one['content']}<|im_end|>\n" for one in messages)
    return f"{turns}<|im_start|>assistant\n"


def count(prompt: str) -> int:
    """Tokens of a prompt; what the calls on a trace share is counted once."""
    cut = prompt.rfind(_TAIL)
    return _count(prompt) if cut < 0 else _count(prompt[:cut]) + len(_TOKEN.findall(prompt, cut))


@lru_cache(maxsize=1_024)
def _count(text: str) -> int:
    return len(_TOKEN.findall(text))


def generate(said: Said, constraint: Constraint | None, sampling: Sampling) -> Output:
    """Answer under a constraint.

    Probabilities are those after mask and temperature: what a constraint leaves makes up 1, the rest gets None.

    Args:
        said: What the brain would say, left alone.
        constraint: What the answer must be, or None.
        sampling: How it is drawn.
    """
    odds = _tempered(_masked(said, constraint), sampling.temperature)
    masked = constraint is not None
    if odds:
        text = _drawn(odds, sampling)
    elif constraint is not None:
        text = constraint.fit(said.text)
    else:
        text = said.text
    text, pieces, finish = _ended(text, sampling)
    tokens = [Token(piece, _SURE, _alternatives({piece: 0.99}, sampling, masked=masked)) for piece in pieces]
    if odds and tokens:
        firsts = _firsts(odds, 1.0 if masked else FREE_MASS)
        tokens[0] = Token(pieces[0], _log(firsts[pieces[0]]), _alternatives(firsts, sampling, masked=masked))
    return Output(text, tuple(tokens), finish)


def _ended(text: str, sampling: Sampling) -> tuple[str, list[str], Finish]:
    """A text up to its first stop string or as far as there is room, its tokens, and why it ended there."""
    finish: Finish = "eos_token"
    found = [(text.index(stop) + len(stop)) for stop in sampling.stop if stop and stop in text]
    if found:
        text, finish = text[: min(found)], "stop_sequence"
    pieces = tokenize(text)
    if len(pieces) > sampling.room:
        pieces, finish = pieces[: sampling.room], "length"
        text = "".join(pieces)
    return text, pieces, finish


def _firsts(odds: Mapping[str, float], mass: float) -> dict[str, float]:
    """Probabilities of the first token of an answer, all answers together having a given one."""
    firsts: dict[str, float] = {}
    for label, odd in odds.items():
        first = tokenize(label)[0] if label else _END
        firsts[first] = firsts.get(first, 0.0) + mass * odd
    return firsts


def _masked(said: Said, constraint: Constraint | None) -> dict[str, float]:
    """Probabilities of the labels that a constraint leaves; empty where the answer is no choice."""
    if constraint is None or not constraint.strings:
        return {} if constraint else dict(said.odds)
    left = {label: said.odds.get(label, 0.0) for label in constraint.strings}
    total = sum(left.values())
    if total == 0:
        return dict.fromkeys(left, 1 / len(left))
    return {label: odd / total for label, odd in left.items()}


def _tempered(odds: Mapping[str, float], temperature: float) -> dict[str, float]:
    """Probabilities at a temperature; at 0 those at 1, as TGI lists them."""
    if temperature in (0, 1) or not odds:
        return dict(odds)
    likeliest = max(odds.values())
    powers = {label: (odd / likeliest) ** (1 / temperature) for label, odd in odds.items()}
    return {label: power / sum(powers.values()) for label, power in powers.items()}


def _drawn(odds: Mapping[str, float], sampling: Sampling) -> str:
    if sampling.temperature == 0:
        return max(odds, key=odds.__getitem__)
    return Random(sampling.seed).choices(list(odds), list(odds.values()))[0]  # noqa: S311


def _alternatives(
    odds: Mapping[str, float], sampling: Sampling, *, masked: bool
) -> tuple[tuple[str, float | None], ...]:
    """The likeliest tokens of a position; behind a mask all but the labels have no chance."""
    if not sampling.alternatives:
        return ()
    ranked = sorted(odds.items(), key=lambda one: -one[1])
    rest = 0.0 if masked else max(0.0, 1 - sum(odds.values()))
    others = [(other, rest / 2 ** (rank + 1)) for rank, other in enumerate(_OTHERS) if other not in odds]
    return tuple((text, _log(odd)) for text, odd in [*ranked, *others][: sampling.alternatives])


def _log(odd: float) -> float | None:
    return math.log(odd) if odd > 0 else None
