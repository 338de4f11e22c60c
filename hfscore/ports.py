"""What a family of metrics may ask for; the adapters live in `backends`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hfscore.contamination import Index
from hfscore.records import Trace, Unscored

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model as it was loaded: id, and revision where one is known ("git:..." or "pypi:...")."""

    id: str
    revision: str | None = None


class Embedder(Protocol):
    """Turns texts into unit vectors, however long the texts are."""

    @property
    def name(self) -> ModelName:
        """The encoder and its revision."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed every text whole.

        Args:
            texts: n non-empty texts of any length.

        Returns:
            (n, d) float32, each row of Euclidean length 1.
        """
        ...


class Verifier(Protocol):
    """Compares answers, each comparison within its own time."""

    def verify(self, pairs: Sequence[tuple[str, str]]) -> list[bool | Unscored]:
        """Compare (reference, answer) pairs; a pair that cannot be decided says why."""
        ...


@dataclass(frozen=True, slots=True)
class Lengths:
    """A trace as a student would be trained on it, in that student's tokens.

    Args:
        total: Tokens of the whole sequence.
        answer_start: Tokens before the answer.
        answer_end: Tokens up to the answer's end; less than `total` by what closes the turn.
        control: How often the text spells out a control token; each is counted as the text it is.
    """

    total: int
    answer_start: int
    answer_end: int
    control: int = 0


class StudentTokenizer(Protocol):
    """Counts the tokens of training sequences."""

    @property
    def name(self) -> ModelName:
        """The student and its revision."""
        ...

    @property
    def form(self) -> str:
        """How a trace becomes a sequence, a whole sentence."""
        ...

    def lengths(self, traces: Sequence[Trace]) -> list[Lengths | Unscored]:
        """Measure training sequences: the question as the user's turn, reasoning and response as the assistant's.

        The answer is the response; without one the last tenth of the trace's characters; an agent's last turn.

        Args:
            traces: n traces.

        Returns:
            n results; a trace that cannot be rendered says why.
        """
        ...


class Tools(Protocol):
    """What a run has at hand. Asking for a tool that a family did not declare is an error."""

    def verifier(self) -> Verifier:
        """What compares final answers in this run."""
        ...

    def embedder(self) -> Embedder:
        """The sentence encoder of this run."""
        ...

    def students(self) -> Sequence[StudentTokenizer]:
        """The tokenizers of the students named for this run."""
        ...

    def contamination(self) -> Index:
        """The evaluation sets that this run compares with."""
        ...
