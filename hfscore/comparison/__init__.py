"""Sets of traces side by side: paired by question where questions match, and "not distinguishable" in words.

A comparison holds a report in which every candidate is a part of its own, so whatever shows a report shows it too.
"""

from hfscore.comparison.candidates import Selector, parse_selector
from hfscore.comparison.readings import Interpretation, interpret
from hfscore.comparison.sets import compare
from hfscore.comparison.store import COMPARISON_FILE, from_json, json_schema, load, save, to_json
from hfscore.comparison.values import (
    Change,
    Comparison,
    History,
    Order,
    OwnStatement,
    Pair,
    Ranking,
    Statement,
    TargetReading,
)

__all__ = [
    "COMPARISON_FILE",
    "Change",
    "Comparison",
    "History",
    "Interpretation",
    "Order",
    "OwnStatement",
    "Pair",
    "Ranking",
    "Selector",
    "Statement",
    "TargetReading",
    "compare",
    "from_json",
    "interpret",
    "json_schema",
    "load",
    "parse_selector",
    "save",
    "to_json",
]
