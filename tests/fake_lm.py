"""A language model over words whose every probability can be worked out by hand.

A token is a word with the white space before it. What the model expects is a function from the words so far to the
probabilities of a few words; what these leave is spread evenly over the rest of a vocabulary of V words, so that every
distribution adds up to one, over one vocabulary whatever the words.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hfscore.ports import ANSWER_CUE, RANK_LIMIT, LanguageModel, ModelName, Passage, TokenScores, TraceScores
from hfscore.records import Trace, Unscored

Expected = Mapping[str, float]
WORD = re.compile(r"\s*\S+")


def uniform(words: Sequence[str]) -> Expected:
    """Every word is as probable as any other."""
    return {}


def counting(words: Sequence[str]) -> Expected:
    """After the number n comes n + 1, with probability 0.9; numbers may carry a stop."""
    last = words[-1].rstrip(".") if words else ""
    return {str(int(last) + 1): 0.6, f"{int(last) + 1}.": 0.3} if last.isdecimal() else {}


def copying(words: Sequence[str]) -> Expected:
    """Words come again as often as they came before: counts over their number plus one."""
    bare = Counter(word.strip(".") for word in words)
    return {word: count / (len(words) + 1) for word, count in bare.items()}


@dataclass
class FakeLM:
    """Scores texts under `expects` with a vocabulary of `size` words; counts its passes and the words it read."""

    expects: Callable[[Sequence[str]], Expected] = uniform
    size: int = 1000
    window: int | None = None
    name: ModelName = field(default_factory=lambda: ModelName("words", None))
    parameters: int = 1
    settings: Mapping[str, str] = field(default_factory=lambda: {"form": "words"})
    passes: int = 0

    def distribution(self, words: Sequence[str]) -> tuple[Expected, float]:
        """The words it expects, and the probability of each other word."""
        found = self.expects(words)
        return found, (1 - sum(found.values())) / (self.size - len(found))

    def tokens(self, before: Sequence[str], text: str) -> TokenScores:
        """The tokens of a text behind some words."""
        words, starts, rows = list(before), [], []
        for match in WORD.finditer(text):
            word = match[0].strip()
            found, other = self.distribution(words)
            p = found.get(word, other)
            rest = self.size - len(found)
            entropy = sum(map(_surprise, found.values())) + rest * _surprise(other)
            rank = 1 + sum(q > p for q in found.values()) + (rest if other > p else 0)
            rows.append((-math.log(p) + 0.0, entropy, min(rank, RANK_LIMIT)))
            starts.append(match.start())
            words.append(word)
        nll, entropies, ranks = zip(*rows, strict=True) if rows else ((), (), ())
        return TokenScores(
            np.array(nll, dtype=np.float32),
            np.array(entropies, dtype=np.float32),
            np.array(ranks, dtype=np.int32),
            np.array(starts, dtype=np.int32),
            len(text.encode()),
            self.window is not None and len(words) > self.window,
        )

    def traces(self, traces: Sequence[Trace]) -> list[TraceScores | Unscored]:
        return [self._trace(trace) for trace in traces]

    def _trace(self, trace: Trace) -> TraceScores | Unscored:
        if not trace.reasoning.strip():
            return Unscored("empty trace")
        self.passes += 1
        before = (trace.question or "").split()
        reasoning = self.tokens(before, trace.reasoning)
        before += trace.reasoning.split()
        response = None
        if trace.response is not None and not trace.own_response:
            response = self.tokens(before, trace.response)
            before += trace.response.split()
        reference = (trace.reference or "").strip()
        answer = self.tokens([*before, *ANSWER_CUE.split()], reference) if reference else None
        return TraceScores(reasoning, response, answer)

    def passages(self, passages: Sequence[Passage]) -> list[tuple[TokenScores, ...] | Unscored]:
        found: list[tuple[TokenScores, ...] | Unscored] = []
        for passage in passages:
            self.passes += 1
            before, parts = (passage.question or "").split(), []
            for part in passage.parts:
                parts.append(self.tokens(before, part))
                before = [*before, *part.split()]
            found.append(tuple(parts))
        return found

    def disagreement(self, other: LanguageModel, traces: Sequence[Trace]) -> list[NDArray[np.float32] | Unscored]:
        assert isinstance(other, FakeLM)
        if other.size != self.size:
            return [Unscored("not measurable: the tokenizers differ") for _ in traces]
        return [self._divergence(other, trace) for trace in traces]

    def _divergence(self, other: FakeLM, trace: Trace) -> NDArray[np.float32]:
        words, found = (trace.question or "").split(), []
        for match in WORD.finditer(trace.reasoning):
            (one, one_other), (two, two_other) = self.distribution(words), other.distribution(words)
            named = one.keys() | two.keys()
            pairs = [(one.get(word, one_other), two.get(word, two_other), 1) for word in named]
            pairs.append((one_other, two_other, self.size - len(named)))
            found.append(sum(times * (_half(p, q) + _half(q, p)) for p, q, times in pairs))
            words.append(match[0].strip())
        return np.array(found, dtype=np.float32)


def _surprise(p: float) -> float:
    return -p * math.log(p) if p > 0 else 0.0


def _half(p: float, q: float) -> float:
    return 0.5 * p * math.log(2 * p / (p + q)) if p > 0 else 0.0


@dataclass
class FakeLMTools:
    """The tools of a run that has language models and nothing else."""

    reference: FakeLM = field(default_factory=FakeLM)
    students: Sequence[FakeLM] = ()

    def reference_lm(self) -> FakeLM:
        return self.reference

    def student_lms(self) -> Sequence[FakeLM]:
        return self.students
