"""What will be asked about a trace, and what that costs: windows, calls, tokens. Pure; speaks with no server."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from hfscore.judge import prompts
from hfscore.judge.prompts import Shown
from hfscore.ports import CRITERIA, Criterion
from hfscore.records import Trace

Mode = Literal["label", "batch"]

BATCH_SIZES: Final = (16, 8, 4, 2, 1)
"""Steps in a batch: few sizes, so that few schemas are compiled (TGI keeps 32)."""

CHARACTERS_PER_TOKEN: Final = 3.5
"""Assumed where the server counts no tokens: low for English, so that an estimate is rather high."""

ANSWER_TOKENS: Final = {"label": 4, "batch": 12, "reason": 320, "verdict": 320, "holistic": 4}
"""Room for an answer (of "batch", for each step): a label is one token, the rest is slack for white space and JSON."""

TAIL_TOKENS: Final = 90
FIRST_STEPS, JUDGED_STEPS = 0.15, 0.45
"""Shares of a window's room for the trace's first steps (definitions stand there) and for the steps judged."""


@dataclass(frozen=True, slots=True)
class Window:
    """Steps shown together, and which of them are judged there. Indices from 0.

    Args:
        shown: Ascending indices of the steps shown.
        judged: Indices of the steps judged, a run of `shown`.
    """

    shown: tuple[int, ...]
    judged: range

    def partial(self, steps: int) -> bool:
        """Whether some of the trace's `steps` are not shown."""
        return len(self.shown) < steps


@dataclass(frozen=True, slots=True)
class Cost:
    """What a judge is expected to be asked.

    Args:
        calls: Requests.
        prompt: Tokens sent.
        fresh: Tokens sent that no prefix cache has seen.
        answer: Tokens answered, at most.
    """

    calls: int = 0
    prompt: int = 0
    fresh: int = 0
    answer: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.calls + other.calls, self.prompt + other.prompt, self.fresh + other.fresh, self.answer + other.answer
        )

    def times(self, factor: float) -> Cost:
        """The tokens so many times over."""
        return Cost(self.calls, int(self.prompt * factor), int(self.fresh * factor), int(self.answer * factor))

    @property
    def tokens(self) -> int:
        """Tokens sent and answered."""
        return self.prompt + self.answer

    def price(self, sent: float, answered: float) -> float:
        """Money, at prices for a million tokens sent and answered."""
        return (self.prompt * sent + self.answer * answered) / 1e6


def asked(step: int) -> tuple[Criterion, ...]:
    """Criteria asked of a step, by its index: the first has nothing before it to cohere with."""
    return CRITERIA if step else tuple(criterion for criterion in CRITERIA if criterion != "coherence")


def windows(sizes: Sequence[int], room: int | None) -> list[Window] | None:
    """Cut a trace into windows that fit a judge's context.

    Every window shows the first steps, those just before the ones it judges, the judged ones, and the last step, since
    utility is judged with the end in view. The judged ranges follow each other and cover all steps.

    Args:
        sizes: Tokens of each step.
        room: Tokens free for steps; None for no bound.

    Returns:
        The windows, one if all fits; None where a step is too long to be shown with the last one.
    """
    count = len(sizes)
    if room is None or sum(sizes) <= room:
        return [Window(tuple(range(count)), range(count))]
    end = sizes[-1]
    result, start = [], 0
    while start < count:
        stop, used = start, 0
        while stop < count and (used + sizes[stop] <= JUDGED_STEPS * room or stop == start):
            used += sizes[stop]
            stop += 1
        if used + (0 if stop == count else end) > room:
            return None
        left = room - used - (0 if stop == count else end)
        first = _fitting(sizes, range(start), min(left, FIRST_STEPS * room))
        left -= sum(sizes[index] for index in first)
        before = _fitting(sizes, range(start - 1, len(first) - 1, -1), left)
        shown = sorted({*first, *before, *range(start, stop), count - 1})
        result.append(Window(tuple(shown), range(start, stop)))
        start = stop
    return result


def _fitting(sizes: Sequence[int], order: Sequence[int], room: float) -> list[int]:
    """The longest run of indices in `order` whose sizes fit."""
    taken: list[int] = []
    for index in order:
        room -= sizes[index]
        if room < 0:
            break
        taken.append(index)
    return taken


def show(trace: Trace, steps: Sequence[str], window: Window, nonce: str) -> Shown:
    """A window as the judge is shown it; steps keep their numbers, from 1."""
    return Shown(
        question=trace.question,
        reference=reference_of(trace),
        steps=tuple((index + 1, steps[index]) for index in window.shown),
        nonce=nonce,
        shortened=window.partial(len(steps)),
    )


def reference_of(trace: Trace) -> str | None:
    """The reference answer that a judge is shown: none that was read out of the trace itself."""
    return None if trace.own_reference else trace.reference


def batches(judged: range) -> Iterator[range]:
    """Cut the judged steps into runs of the allowed sizes, the largest first."""
    start = judged.start
    for size in BATCH_SIZES:
        while judged.stop - start >= size:
            yield range(start, start + size)
            start += size


def cost(trace: Trace, steps: Sequence[str], mode: Mode, *, language: str, per_token: float, room: int | None) -> Cost:
    """Estimate the calls of a trace's first tier, from characters.

    Args:
        trace: The trace.
        steps: Its steps.
        mode: A call per step and criterion, or per batch of steps and criterion.
        language: Rubric.
        per_token: Characters in a token.
        room: Tokens free for steps in the judge's context; None for no bound.
    """
    sizes = [tokens(step, per_token) for step in steps]
    cut = windows(sizes, room)
    if cut is None:
        return Cost()
    nonce = "0" * 16
    fixed = tokens(prompts.system(language, nonce)["content"], per_token)
    fixed += tokens((trace.question or "") + (reference_of(trace) or ""), per_token)
    total = Cost()
    for window in cut:
        shared = fixed + sum(sizes[index] for index in window.shown)
        if mode == "label":
            calls = sum(len(asked(index)) for index in window.judged)
            answer = calls
        else:
            parts = list(batches(window.judged))
            calls = len(CRITERIA) * len(parts)
            answer = len(CRITERIA) * len(window.judged) * 6  # a key and its label
        total += Cost(calls, calls * (shared + TAIL_TOKENS), shared + calls * TAIL_TOKENS, answer)
    return total


def tokens(text: str, per_token: float) -> int:
    """Estimated tokens of a text: a step also carries its marker and the lead of each line."""
    lines = text.count("\n") + 1
    return math.ceil(len(text.encode("utf-8", "replace")) / per_token) + 14 + lines
