"""Causal language models that score texts in one pass and never generate; importing this loads torch."""

from hfscore.lm.load import load
from hfscore.lm.model import CausalLM

__all__ = ["CausalLM", "load"]
