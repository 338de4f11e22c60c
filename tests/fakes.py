"""Small stand-ins for model tools, typed by the same ports; and traces to score."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hfscore.contamination import Index, build
from hfscore.judge.rules import RulesJudge
from hfscore.ports import Lengths, ModelName, Vectors
from hfscore.records import Trace, Unscored
from hfscore.text.answer_equality import same_answer
from tests.fake_lm import FakeLM


@dataclass
class WordEmbedder:
    """A bag of hashed words, unit length: texts that share words are alike."""

    calls: int = 0

    @property
    def name(self) -> ModelName:
        return ModelName("words", None)

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        vectors = np.zeros((len(texts), 64), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in text.lower().split():
                vector[hashlib.blake2b(word.encode("utf-8", "replace")).digest()[0] % 64] += 1
            vector[:] = vector / max(float(np.linalg.norm(vector)), 1e-9)
        return vectors


class TextVerifier:
    """Compares answers by text alone."""

    def verify(self, pairs: Sequence[tuple[str, str]]) -> list[bool | Unscored]:
        verdicts = [same_answer(gold, said) for gold, said in pairs]
        return [Unscored("not decided by text") if verdict is None else verdict for verdict in verdicts]


class WordStudent:
    """Takes words for tokens, and no template."""

    name = ModelName("words", None)
    form = "Words of question, reasoning and response."

    def lengths(self, traces: Sequence[Trace]) -> list[Lengths | Unscored]:
        found: list[Lengths | Unscored] = []
        for one in traces:
            before = len(f"{one.question or ''} {one.reasoning}".split())
            total = before + len((one.response or "").split())
            found.append(Lengths(total, before, total))
        return found


@dataclass
class FakeTools:
    encoder: WordEmbedder
    lm: FakeLM = field(default_factory=FakeLM)

    def embedder(self) -> WordEmbedder:
        return self.encoder

    def verifier(self) -> TextVerifier:
        return TextVerifier()

    def students(self) -> list[WordStudent]:
        return [WordStudent()]

    def contamination(self) -> Index:
        return build("one item", [["step 3 of the work step 3 of the work step 3 of the work"]])

    def judge(self) -> RulesJudge:
        return RulesJudge()

    def reference_lm(self) -> FakeLM:
        return self.lm

    def student_lms(self) -> list[FakeLM]:
        return [self.lm]


def tools() -> FakeTools:
    return FakeTools(WordEmbedder())


def trace(reasoning: str, *, question: str | None = "What is 2 + 2?", row: int = 0, **more: object) -> Trace:
    return Trace("default", "train", row, 0, question, reasoning, **more)  # type: ignore[arg-type]
