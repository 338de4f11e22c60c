"""Causal language models by name: a Hub id, a folder, or the one that comes with the package."""

from __future__ import annotations

from collections.abc import Callable

import hfscore
from hfscore.errors import MissingExtraError
from hfscore.ports import LanguageModel, ModelName
from hfscore.reference_lm import OFFLINE_REFERENCE_LM, folder

DEFAULT_REFERENCE_LM = "Qwen/Qwen3-0.6B-Base"
"""Base and not instruct: its probabilities were not bent towards one style of answer. docs/metrics.md argues it."""

ABOUT_OFFLINE = (
    "gsm8k-3m comes with hfscore for first contact: 2.6 million weights trained on GSM8K alone. Its numbers are a "
    "demonstration, no finding about a dataset."
)


def load_language_model(name: str | None, watch: Callable[[int, int], None] | None = None) -> LanguageModel:
    """Load a model that scores texts.

    Args:
        name: "owner/model", "owner/model@revision", a folder, the name of the shipped one, or None for the default.
        watch: Told after every batch how many tokens of a call are done, and of how many.

    Raises:
        MissingExtraError: The packages are not installed, or there is no such model, or it does not fit into memory.
    """
    try:
        from hfscore.lm import load
    except ImportError as error:
        raise MissingExtraError("Language models need torch and transformers.", "pip install 'hfscore[lm]'") from error
    model = load(where(name or DEFAULT_REFERENCE_LM))
    model.watch = watch
    if name == OFFLINE_REFERENCE_LM:
        model.name = ModelName(name, f"hfscore:{hfscore.__version__}")
        model.about = ABOUT_OFFLINE
    return model


def where(name: str) -> str:
    """A name as `from_pretrained` reads it: the shipped model's is its folder."""
    return str(folder()) if name == OFFLINE_REFERENCE_LM else name
