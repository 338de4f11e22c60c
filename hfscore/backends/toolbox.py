"""The tools of one run: made when first asked for, and a sentence where one cannot be made."""

from __future__ import annotations

from dataclasses import dataclass, field

from hfscore.backends.embedder import SentenceEncoder, load_encoder, resolve_encoder
from hfscore.errors import MissingExtraError
from hfscore.ports import Embedder
from hfscore.spec import Need


@dataclass(slots=True)
class Toolbox:
    """A `ports.Tools` over the adapters of this package.

    Args:
        encoder: Sentence encoder; None for the default.
    """

    encoder: str | None = None
    _embedder: SentenceEncoder | None = field(default=None, init=False)

    def embedder(self) -> Embedder:
        """The sentence encoder, loaded once."""
        if self._embedder is None:
            self._embedder = load_encoder(resolve_encoder(self.encoder))
        return self._embedder

    def problem(self, need: Need) -> str | None:
        """Why a need cannot be met, or None; loads the tool to know."""
        makers = {"embedder": self.embedder}
        try:
            makers[need]()
        except MissingExtraError as error:
            return str(error)
        return None
