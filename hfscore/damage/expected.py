"""Which metrics ought to notice which corruption (catalogue §3b): one table for tests, model card and controls.

"+" rises, "-" falls, "0" stays, "-0" falls or stays; what is not here is not predicted.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, cast

Sign = Literal["+", "-", "0", "-0", "?"]

_ROWS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "falsify_number": "- -0 0 0 0 0 0 -0 + 0 0",
        "break_result": "0 - 0 0 0 0 0 -0 + 0 0",
        "duplicate_step": "0 0 0 - 0 + + 0 - ? 0",
        "shuffle_steps": "0 ? - 0 0 0 0 ? + - 0",
        "swap_traces": "- 0 0 ? - 0 0 - + 0 -",
        "delete_steps": "0 ? - + -0 - 0 - + ? ?",
        "filler": "- ? ? - - + + - ? ? -",
        "tail_checking": "0 0 0 - 0 + 0 0 - ? 0",
        "normalise_whitespace": "0 0 0 0 0 0 0 0 0 0 0",
    }
)
_METRICS: Final = (
    "factuality",
    "validity",
    "coherence",
    "utility",
    "alignment_margin",
    "redundancy",
    "redundancy_windowed",
    "answer_gain",
    "surprisal",
    "order_sensitivity",
    "trace_specificity",
)
# Not in the catalogue's table: true by what these metrics are.
_OWN: Final[Mapping[str, Mapping[str, Sign]]] = MappingProxyType(
    {
        "arithmetic": {"break_result": "-"},
        "final_answer": {"swap_traces": "-"},
        "alignment_question_trace": {"swap_traces": "-"},
    }
)

EXPECTED: Final[Mapping[str, Mapping[str, Sign]]] = MappingProxyType(
    {
        **{
            metric: {
                damage: cast(Sign, row.split()[place]) for damage, row in _ROWS.items() if row.split()[place] != "?"
            }
            for place, metric in enumerate(_METRICS)
        },
        **_OWN,
    }
)
"""Metric id -> corruption -> sign."""
