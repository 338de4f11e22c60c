"""Steps that a judge cuts, checked by code: whatever it answers, the steps cover the trace and hold its own characters.

"merge": the judge names the pieces of the splitter that are no step of their own, by number, and never writes text.
"paper": the judge writes the steps out, as in arXiv 2605.13290, and they are found again in the trace. Its rules let
the judge write number words as digits and drop fillers, so both are evened out before words are compared.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from hfscore.judge.labels import read_object
from hfscore.text.steps import Step, split_steps

MOST_JOINS, MOST_STEPS = 128, 512  # a server that compiles a schema to an automaton pays for every one of them

JOIN_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"join": {"type": "array", "items": {"type": "integer"}, "maxItems": MOST_JOINS}},
    "required": ["join"],
    "additionalProperties": False,
}
ATOMIZE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"steps": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_STEPS}},
    "required": ["steps"],
    "additionalProperties": False,
}

LEAST_VERBATIM, LEAST_COVERAGE = 0.95, 0.8
"""Catalogue A0: below either, the steps are not the trace's own, and no score is printed."""

LONG: Final = 5
"""Fewest words of a step that is looked for far away: "So" stands everywhere."""

NEAR, NEARER = 160, 40
"""Words behind the last step among which a long step is looked for first, and a short one at all."""

CLOSE: Final = 0.25
"""Words changed, left out or added, as a share of a step's words, with which it still counts as found."""

_WORK: Final = 2_000_000  # cells of edit distance for a whole trace
_MOST_SEARCHED: Final = 4 * MOST_STEPS
_FAR: Final = 64  # searches of the whole trace that may fail

_TOKEN = re.compile(r"[0-9]+(?:[.,][0-9]+)*+|[^\W\d_]+|[^\w\s]|\d|_")
_CLOSERS = re.compile(r"[.,;:!?)\]}\"'*_”’»…`$]*+\s*+")
_DROPPED = frozenset(".,;:!?\"'`*“”„’‘()[]{}«»…#_\\$")
_FILLERS = frozenset(
    (
        *("so", "well", "okay", "ok", "now", "then", "alright", "hmm", "hm", "um", "uh", "oh", "ah", "yeah", "right"),
        *("just", "basically", "actually", "więc", "no", "dobra", "dobrze", "teraz", "zatem", "tak"),
    )
)
_NUMBERS = {
    word: str(number)
    for words in (
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
        ("zero", "jeden", "dwa", "trzy", "cztery", "pięć", "sześć", "siedem", "osiem", "dziewięć", "dziesięć"),
    )
    for number, word in enumerate(words)
}


@dataclass(frozen=True, slots=True)
class Aligned:
    """A trace cut into steps.

    Args:
        steps: In order; their texts, joined, are the trace.
        verbatim: Share of the emitted steps whose words, evened out, stand in the trace, in order (catalogue A0).
        coverage: Share of the trace's characters, white space aside, that emitted steps cover (A0).
        order_violations: Emitted steps that stand before one emitted earlier.
    """

    steps: tuple[Step, ...]
    verbatim: float
    coverage: float
    order_violations: int

    @property
    def trusted(self) -> bool:
        """Whether the steps are so much the trace's own that scores of them may be printed."""
        return self.verbatim >= LEAST_VERBATIM and self.coverage >= LEAST_COVERAGE


def read_join(answer: str, n: int) -> list[int] | None:
    """Read which of n pieces are to be joined to the piece before.

    Returns:
        Strictly increasing numbers in 2..n, or None where the answer is anything else.
    """
    data = read_object(answer)
    if data is None or data.keys() != {"join"} or not isinstance(data["join"], list):
        return None
    join = data["join"]
    if any(type(number) is not int for number in join):
        return None
    return (
        join if all(before < after for before, after in zip([1, *join], [*join, max(n, 1) + 1], strict=True)) else None
    )


def joined(steps: Sequence[Step], join: Sequence[int]) -> list[Step]:
    """Join pieces to the piece before.

    Args:
        steps: Pieces of one text, in order and without gaps.
        join: Numbers, from 1, of those to be joined; what `read_join` gave.
    """
    numbers = set(join)
    result: list[Step] = []
    for number, step in enumerate(steps, 1):
        if result and number in numbers:
            last = result[-1]
            result[-1] = Step(last.start, step.end, last.text + step.text)
        else:
            result.append(step)
    return result


def align(text: str, emitted: Sequence[str]) -> Aligned:
    """Find emitted steps in the text they were cut from, whatever was emitted.

    A step is looked for behind the last one: its words exactly; then with few words changed; then, if it is long,
    anywhere. What no step covers is cut by the splitter; where that is fillers and punctuation alone, it goes to a
    neighbour. Time is linear in text and answer, but for a bounded amount of work.

    Args:
        text: The trace.
        emitted: What the judge wrote, in its order.
    """
    search = _Search(text)
    for step in emitted[:_MOST_SEARCHED]:
        search.place(step)
    search.asked += len(emitted[_MOST_SEARCHED:])
    steps = _partition(text, search)
    rest = sum(_inked(step.text) for step, own in steps if not own)
    total = _inked(text)
    return Aligned(
        tuple(step for step, _ in steps),
        verbatim=search.verbatim / search.asked if search.asked else 0.0,
        coverage=1 - rest / total if total else 1.0,
        order_violations=search.violations,
    )


class _Search:
    """Where in a text the steps were found so far. Positions are characters of the text, places are words of `line`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words, self.starts, self.ends = _words(text)
        self.line = f" {' '.join(self.words)} "
        self.offsets = [0]  # of the blank before each word in the line
        for word in self.words:
            self.offsets.append(self.offsets[-1] + len(word) + 1)
        self.spans: list[tuple[int, int]] = []  # disjoint and in order
        self.last = self.reached = 0  # start and end of the step found last
        self.asked = 0  # emitted steps, those without a word aside
        self.verbatim = 0
        self.violations = 0
        self.work = _WORK
        self.far = _FAR

    def place(self, step: str) -> None:
        """Find the next step, or pass it over."""
        words, _, _ = _words(step)
        near = NEAR if len(words) >= LONG else NEARER
        span = self._exact(step.strip(), near) or self._even(words, near)
        self.asked += bool(words or span)
        if span is None and (close := self._close(words)):
            self._take(*close)
            return
        if span is None and len(words) >= LONG:
            span = self._anywhere(words)
        if span is None:
            return
        if span[1] > self.reached:
            self.verbatim += 1
            self._take(*span)
        else:
            self.violations += 1
            self._fill(*span)

    def _exact(self, step: str, near: int) -> tuple[int, int] | None:
        """The step's own characters, at word boundaries."""
        start = self.text.find(step, self.reached, self.reached + len(step) + 6 * near)
        if start < 0 or not any(map(str.isalnum, step)):
            return None
        end = start + len(step)
        cut = (step[0].isalnum() and self.text[start - 1 : start].isalnum()) or (
            step[-1].isalnum() and self.text[end : end + 1].isalnum()
        )
        return None if cut else (start, end)

    def _even(self, words: Sequence[str], near: int) -> tuple[int, int] | None:
        """The step's words, evened out, behind the last step."""
        first = bisect_left(self.starts, self.reached)
        return self._find(words, first, first + near + len(words))

    def _find(self, words: Sequence[str], first: int, last: int) -> tuple[int, int] | None:
        """Where words first stand between two places."""
        last = min(last, len(self.words))
        if not words or first >= last:
            return None
        at = self.line.find(f" {' '.join(words)} ", self.offsets[first], self.offsets[last] + 1)
        return None if at < 0 else self._span(bisect_left(self.offsets, at), len(words))

    def _span(self, place: int, words: int) -> tuple[int, int]:
        return self.starts[place], self.ends[place + words - 1]

    def _anywhere(self, words: Sequence[str]) -> tuple[int, int] | None:
        """Ahead, else from where the last step began, else from the start; for a bounded number of failures."""
        if not self.far:
            return None
        for start in (self.reached, self.last, 0):
            span = self._find(words, bisect_left(self.starts, start), len(self.words))
            if span is not None:
                return span
        self.far -= 1
        return None

    def _close(self, words: Sequence[str]) -> tuple[int, int] | None:
        """The nearest stretch ahead that differs in few words (semi-global edit distance, Sellers 1980)."""
        first = bisect_left(self.starts, self.reached)
        window = self.words[first : first + 2 * len(words) + NEARER]
        cells = len(words) * len(window)
        shared = sum((Counter(words) & Counter(window)).values())
        if len(words) < 2 or shared < (1 - CLOSE) * len(words) or cells > self.work:
            return None
        self.work -= cells
        above = [(0, column) for column in range(len(window) + 1)]  # distance, and where the stretch begins
        for row, word in enumerate(words, 1):
            line = [(row, 0)]
            for column, other in enumerate(window, 1):
                changed = (above[column - 1][0] + (word != other), above[column - 1][1])
                left_out = (above[column][0] + 1, above[column][1])
                added = (line[-1][0] + 1, line[-1][1])
                line.append(min(changed, left_out, added))
            above = line
        distance, end, start = min((distance, end, start) for end, (distance, start) in enumerate(above))
        if distance > max(1, CLOSE * len(words)) or end == start:
            return None
        return self._span(first + start, end - start)

    def _take(self, start: int, end: int) -> None:
        """Take a stretch as the last step, without what the step before has of it."""
        self._fill(end - len(self.text[max(start, self.reached) : end].lstrip()), end)
        self.last, self.reached = start, end

    def _fill(self, start: int, end: int) -> None:
        """Take a stretch as a step if no step has any of it."""
        place = bisect_right(self.spans, (start, end))
        before, after = self.spans[:place][-1:], self.spans[place : place + 1]
        if start < end and all(span[1] <= start for span in before) and all(end <= span[0] for span in after):
            self.spans.insert(place, (start, end))


def _words(text: str) -> tuple[list[str], list[int], list[int]]:
    """Words, evened out, with the offsets of their starts and ends; fillers and punctuation are left out."""
    words, starts, ends = [], [], []
    for match in _TOKEN.finditer(text):
        word = match[0].casefold()
        if word in _DROPPED or word in _FILLERS:
            continue
        words.append(_NUMBERS.get(word, word))
        starts.append(match.start())
        ends.append(match.end())
    return words, starts, ends


def _partition(text: str, search: _Search) -> list[tuple[Step, bool]]:
    """Cut a text at the steps found: pieces without gaps, each with whether a step was found there."""
    cuts: list[tuple[int, bool]] = []  # where a piece begins, and whether it is a step found
    reached = 0
    for start, end in [*search.spans, (len(text), len(text))]:
        closed = _CLOSERS.match(text, reached).end() if cuts else reached  # type: ignore[union-attr]
        word = bisect_left(search.starts, reached)
        if word < len(search.starts) and search.starts[word] < start:
            cuts += [(closed + step.start, False) for step in split_steps(text[closed:start])]
            closed = start
        if start < end:
            cuts.append((min(closed, start) if cuts else 0, True))
        reached = end
    cuts = cuts or [(step.start, False) for step in split_steps(text)]
    ends = [*(start for start, _ in cuts[1:]), len(text)]
    return [(Step(start, end, text[start:end]), own) for (start, own), end in zip(cuts, ends, strict=False)]


def _inked(text: str) -> int:
    return len(text) - sum(map(str.isspace, text))
