"""What a family of metrics may ask for; the adapters live in `backends`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hfscore.records import Unscored

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


class Tools(Protocol):
    """What a run has at hand. Asking for a tool that a family did not declare is an error."""

    def verifier(self) -> Verifier:
        """What compares final answers in this run."""
        ...

    def embedder(self) -> Embedder:
        """The sentence encoder of this run."""
        ...
