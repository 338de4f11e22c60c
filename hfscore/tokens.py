"""What the families that read a language model share: which tokens they read, and when there is no number.

Knows no model library: `ports.LanguageModel` hands it arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hfscore.ports import ANSWER_CUE, LanguageModel, Passage, TokenScores, TraceScores
from hfscore.records import Reading, Scored, Trace, Unscored
from hfscore.text.steps import split_steps

EMPTY: Final = Unscored("empty trace")
NO_QUESTION: Final = Unscored("no question")
NO_REFERENCE: Final = Unscored("no reference answer")
IMPOSSIBLE: Final = Unscored("the model holds a token for impossible")
AGENT: Final = Unscored("not measured on an agent's turns")
WINDOWED: Final = "longer than the model's window"

MOST_NATS: Final = 700.0
"""Surprisal from which exp() leaves the range of a float."""

BULK: Final = 4_000_000
"""Characters scored in one call: a million tokens or so, 16 bytes each."""

Parts = tuple[TokenScores, ...] | Unscored
"""A passage's parts as they were scored, or why they were not."""


def reasoning(trace: Trace, found: TraceScores | Unscored) -> TokenScores | Unscored:
    """The tokens of the reasoning, or why there are none to read."""
    if isinstance(found, Unscored):
        return found
    return checked(found.reasoning) if trace.reasoning.strip() else EMPTY


def assistant(trace: Trace, found: TraceScores | Unscored) -> TokenScores | Unscored:
    """The tokens of reasoning and response, if there is one, or why there are none; `starts` go on in the response."""
    if isinstance(found, Unscored):
        return found
    first, second = found.reasoning, found.response
    if second is None or not trace.reasoning.strip():
        return reasoning(trace, found)
    return checked(
        TokenScores(
            nll=np.concatenate([first.nll, second.nll]),
            entropy=np.concatenate([first.entropy, second.entropy]),
            rank=np.concatenate([first.rank, second.rank]),
            starts=np.concatenate([first.starts, second.starts + np.int32(len(trace.reasoning))]),
            bytes=first.bytes + second.bytes,
            windowed=first.windowed or second.windowed,
        )
    )


def checked(tokens: TokenScores) -> TokenScores | Unscored:
    """The tokens, or why no number can be made of them."""
    if not len(tokens.nll):
        return EMPTY
    possible = (tokens.nll < MOST_NATS).all() and np.isfinite(tokens.entropy).all()  # false where it is not a number
    return tokens if possible else IMPOSSIBLE


def onsets(tokens: TokenScores, text: str) -> NDArray[np.bool_]:
    """(n,) whether a token holds the first character of a step.

    Args:
        tokens: Of the whole text.
        text: The text; white space belongs to the step before it, though a token may begin with it.
    """
    firsts = [step.end - len(step.text.lstrip()) for step in split_steps(text)]
    found = np.zeros(len(tokens.starts), dtype=bool)
    if not len(found):
        return found
    holding = np.maximum(np.searchsorted(tokens.starts, firsts, side="right") - 1, 0)
    # several tokens may begin at one character, where it takes more than one: the first of them
    found[np.searchsorted(tokens.starts, tokens.starts[holding], side="left")] = True
    return found


def answering(trace: Trace, text: str = "") -> Passage:
    """The reference answer, the last part, behind the question, a text and the fixed cue."""
    return Passage(trace.question, (*([text] if text else []), ANSWER_CUE, (trace.reference or "").strip()))


def part(found: Parts, place: int) -> TokenScores | Unscored:
    """The tokens of one part of a passage, or why there are none to read."""
    return found if isinstance(found, Unscored) else checked(found[place])


def in_bulk(model: LanguageModel, asked: Iterable[Sequence[Passage]]) -> Iterator[list[Parts]]:
    """Score the passages of one trace after another, many traces in a call, so that a batch holds texts of like length.

    Args:
        model: Whose probabilities.
        asked: The passages of every trace, made when they are needed.

    Yields:
        What was found in them, trace by trace.
    """
    waiting: list[Sequence[Passage]] = []
    size = 0
    for passages in asked:
        waiting.append(passages)
        size += sum(len(text) for passage in passages for text in passage.parts)
        if size >= BULK:
            yield from _scored_together(model, waiting)
            waiting, size = [], 0
    yield from _scored_together(model, waiting)


def _scored_together(model: LanguageModel, waiting: Sequence[Sequence[Passage]]) -> Iterator[list[Parts]]:
    every = [passage for passages in waiting for passage in passages]
    found = iter(model.passages(every) if every else [])
    return ([next(found) for _ in passages] for passages in waiting)


def mean(values: NDArray[Any]) -> float:
    """The mean in double precision."""
    return float(values.mean(dtype=np.float64))


def scored(value: float, tokens: TokenScores) -> Scored:
    """A score, marked where some token saw less than all that stands before it."""
    return Scored(float(value), WINDOWED if tokens.windowed else None)


def columns(names: Sequence[str], rows: Iterable[Mapping[str, Reading] | Unscored]) -> dict[str, list[Reading]]:
    """metric id -> its readings; a trace without any has its reason in every column."""
    kept = list(rows)
    return {name: [row if isinstance(row, Unscored) else row[name] for row in kept] for name in names}


def described(model: LanguageModel, role: str) -> dict[str, str]:
    """A model as the report names it: id, revision, size, and whatever else decides its numbers."""
    told = {"revision": model.name.revision or "unknown", "parameters": f"{model.parameters:,}", **model.settings}
    return {role: model.name.id, **{f"{role}, {key}": value for key, value in told.items()}}
