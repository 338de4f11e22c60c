"""The tools of one run: made when first asked for, and a sentence where one cannot be made."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from hfscore.backends.embedder import SentenceEncoder, load_encoder, resolve_encoder
from hfscore.errors import MissingExtraError
from hfscore.ports import Embedder, Verifier
from hfscore.spec import Need
from hfscore.text import answers


@dataclass(slots=True)
class Toolbox:
    """A `ports.Tools` over the adapters of this package.

    Args:
        encoder: Sentence encoder; None for the default.
    """

    encoder: str | None = None
    _embedder: SentenceEncoder | None = field(default=None, init=False)
    _verifier: answers.Verifier | None = field(default=None, init=False)

    def embedder(self) -> Embedder:
        """The sentence encoder, loaded once."""
        if self._embedder is None:
            self._embedder = load_encoder(resolve_encoder(self.encoder))
        return self._embedder

    def verifier(self) -> Verifier:
        """The comparison of final answers; its processes start when first needed and end with the run."""
        if self._verifier is None:
            self._verifier = answers.Verifier(workers=os.cpu_count() or 1)
        return self._verifier

    def problem(self, need: Need) -> str | None:
        """Why a need cannot be met, or None; loads the tool to know."""
        makers: dict[Need, Callable[[], object]] = {"embedder": self.embedder, "verifier": self.verifier}
        try:
            makers[need]()
        except MissingExtraError as error:
            return str(error)
        return None
