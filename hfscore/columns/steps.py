"""Whether a list of texts is one trace cut into steps, or several generations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from hfscore.columns import words
from hfscore.columns.extract import step_text
from hfscore.columns.leaves import Leaf
from hfscore.columns.markers import has_span
from hfscore.columns.names import fold, read_name
from hfscore.columns.paths import is_list
from hfscore.text.answer_text import final_answer

_NUMBERED = re.compile(
    r"(?:[#*\s]{0,6}(?:step|schritt|étape|paso|krok|шаг|passo|步骤|第)?\s?(\d{1,3})\s?[:.)：、-])", re.IGNORECASE
)
_MOST = 0.5


def is_step_list(leaf: Leaf, leaves: Sequence[Leaf]) -> bool:
    """Decide on a list.

    Args:
        leaf: A list of texts, a list of structs, or a text inside such a list.
        leaves: All places; a list of labels as long as the list of texts speaks for steps.

    Returns:
        True for steps. The names of lists of generations ("completions") and of steps count first; items
        numbered in order, or a final answer in the last item alone, overrule them; think spans or final
        answers in most items speak for generations.
    """
    lists = _lists(leaf)
    if not lists or (leaf.form == "text" and not leaf.many):
        return False
    items = [text for texts in lists for text in texts]
    if sum(map(has_span, items)) >= _MOST * len(items):
        return False
    parent = next((o for o in leaves if o.path == leaf.path[: leaf.path.rfind("[*]")]), leaf)
    if _numbered(parent, lists):
        return True
    if _paired(leaf, lists, leaves):
        return False
    early = [text for texts in lists for text in texts[:-1]]
    finished = sum(final_answer(text) is not None for text in early) >= _MOST * len(early) > 0
    owners = leaf.parts if leaf.form != "text" else leaf.parts[:-1]
    if leaf.name.role == "steps" or any(_says_steps(part) for part in owners[-1:]):
        return not finished
    if words.GENERATION_LISTS.intersection(" ".join(fold(part)) for part in owners[-1:]):
        return not finished and _labelled(lists, leaves)
    return leaf.form == "list" and leaf.name.role == "reasoning" and not finished


def _lists(leaf: Leaf) -> list[list[str]]:
    """The texts of each list."""
    if leaf.form == "text":
        return [[t for t in cell if isinstance(t, str)] for cell in leaf.cells if cell]
    values = [v for cell in leaf.cells for v in cell if is_list(v)]
    return [[text for item in value if (text := step_text(item))] for value in values]


def _says_steps(part: str) -> bool:
    name = read_name((part,))
    return name.role == "steps" or name.tokens[-1:] == ("chains",)


def _numbered(leaf: Leaf, lists: Sequence[Sequence[str]]) -> bool:
    """Items count up, in their text or in a field of their own."""
    long = [texts for texts in lists if len(texts) > 1]
    counted = [texts for texts in long if _counts_up([_number(text) for text in texts])]
    if long and len(counted) >= _MOST * len(long):
        return True
    structs = [v for cell in leaf.cells for v in cell if is_list(v) and all(isinstance(i, Mapping) for i in v)]
    rows = [[_step_number(item) for item in value] for value in structs if len(value) > 1]
    return bool(rows) and sum(map(_counts_up, rows)) >= _MOST * len(rows)


def _number(text: str) -> int | None:
    match = _NUMBERED.match(text)
    return int(match[1]) if match else None


def _step_number(item: Any) -> int | None:
    for key in ("step", "step_number", "step_id", "index", "step_index"):
        value = item.get(key)
        if isinstance(value, int):
            return value
        if isinstance(value, str) and (found := re.search(r"\d{1,3}", value[:20])):
            return int(found[0])
    return None


def _counts_up(numbers: Sequence[int | None]) -> bool:
    found = [n for n in numbers if n is not None]
    return len(found) == len(numbers) > 1 and all(b - a == 1 for a, b in pairwise(found))


def _paired(leaf: Leaf, lists: Sequence[Sequence[str]], leaves: Sequence[Leaf]) -> bool:
    """A list of answers or responses runs beside the list, item by item: each item is a whole trace."""
    wanted = [len(texts) for texts in lists]
    beside = (f for f in leaves if f.form == "list" and f.path != leaf.path and not f.name.noise)
    answers = (f for f in beside if f.name.role in ("answer", "response"))
    return max(wanted) > 1 and any([len(v) for c in f.cells for v in c] == wanted for f in answers)


def _labelled(lists: Sequence[Sequence[str]], leaves: Sequence[Leaf]) -> bool:
    """A column of labels, one per item: what step-wise supervision looks like."""
    wanted = [len(texts) for texts in lists]
    for leaf in leaves:
        if leaf.form == "labels" and leaf.name.tokens[-1:] in (("labels",), ("label",), ("ratings",)):
            lengths = [len(v) for cell in leaf.cells for v in cell if is_list(v)]
            if lengths == wanted:
                return True
    return False
