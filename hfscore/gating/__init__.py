"""A gate for data: scores may not get worse than a baseline's, nor leave the bounds that were set for them."""

from hfscore.gating.values import Check, Gate, Limit, parse_limit
from hfscore.gating.verdict import gate
from hfscore.gating.words import markdown

__all__ = ["Check", "Gate", "Limit", "gate", "markdown", "parse_limit"]
