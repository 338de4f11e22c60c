"""A small causal language model that comes with the package: first contact, the demo and tests need no network.

It knows grade-school arithmetic in English and nothing else; README.md is its card. Loads no model library.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

OFFLINE_REFERENCE_LM: Final = "gsm8k-3m"
"""The name it is chosen by."""


def folder() -> Path:
    """Where its files lie: what `from_pretrained` reads, its card and the notice of its data."""
    return Path(__file__).resolve().parent / OFFLINE_REFERENCE_LM
