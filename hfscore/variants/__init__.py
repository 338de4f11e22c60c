"""Versions of the same traces to compare them with: summarized, of constant length without content, and lengthy.

Known differences, made on purpose: whether a metric tells them apart says what it measures. The three follow the
variants of arXiv 2605.13290; `rules` makes them without a model, `asked` has a language model write them.
"""

from hfscore.variants.rules import VARIANTS
from hfscore.variants.written import Written, write_variants

__all__ = ["VARIANTS", "Written", "write_variants"]
