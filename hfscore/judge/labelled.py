"""Labelled traces, to check a judge with: four forms of JSON lines, and the sets that come with the package.

    ProcessBench        problem, steps[], label: the first wrong step from 0, -1 for none; final_answer_correct
                        (arXiv 2412.06559). What follows the first error is not labelled.
    BIG-Bench-Mistake   input, steps[], mistake_index: as above, null for none; answer, target (arXiv 2311.08516).
    PRMBench            modified_question, modified_process[], error_steps[] from 1, classification (arXiv 2501.03124).
    own                 problem, steps[], criterion (or a list, of which a wrong step breaks any), and either
                        error_steps[] from 0, or labels[] with a step's true, false or null: the criterion holds,
                        fails, is not labelled; error_class.

Knows nothing of judges.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, cast

from hfscore.errors import SourceError
from hfscore.ports import CRITERIA, Criterion

SHIPPED: Final = ("bbm_arithmetic", "bbm_word_sorting", "prmbench")
FORMS: Final = "See the module hfscore.judge.labelled for the forms that are read."
FIRST_ERROR: Final = "first error"
VALIDITY: Final[tuple[Criterion, ...]] = ("validity",)
FACTS_OR_VALIDITY: Final[tuple[Criterion, ...]] = ("factuality", "validity")

PRMBENCH_CLASSES: Final[Mapping[str, tuple[Criterion, ...]]] = {
    "counterfactual": ("factuality",),
    "step_contradiction": VALIDITY,
    "domain_inconsistency": VALIDITY,
    "missing_condition": ("coherence",),
    "redundency": ("utility",),  # PRMBench's spelling
    "circular": ("utility",),
    "confidence": FACTS_OR_VALIDITY,
    "deception": FACTS_OR_VALIDITY,
    "multi_solutions": CRITERIA,  # free of errors
}


@dataclass(frozen=True, slots=True)
class Item:
    """A trace whose steps are labelled.

    Args:
        question: The question.
        steps: The steps as they were labelled.
        wrong: For each step, whether it is wrong; None where it is not labelled.
        criteria: What the labels speak about: a wrong step breaks one of these, a right one none.
        error: Class of the error; `FIRST_ERROR` where only the first error is labelled, whatever its kind.
        doubtful: Whether it is labelled free of errors and yet ends in a wrong answer.
    """

    question: str
    steps: tuple[str, ...]
    wrong: tuple[bool | None, ...]
    criteria: tuple[Criterion, ...]
    error: str
    doubtful: bool = False

    @property
    def first(self) -> int | None:
        """The first wrong step, from 0."""
        return self.wrong.index(True) if True in self.wrong else None


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """A set of labelled traces.

    Args:
        name: What it is called in results.
        items: Its traces.
        unread: Reason -> traces that could not be used.
    """

    name: str
    items: tuple[Item, ...]
    unread: Mapping[str, int]


def shipped(name: str) -> LabelledSet:
    """A set that comes with the package; hfscore/judge/data/README.md says where from.

    Args:
        name: One of `SHIPPED`.
    """
    if name not in SHIPPED:
        raise SourceError(f"No labelled set {name!r} is shipped.", f"There are: {', '.join(SHIPPED)}.")
    return parse(files("hfscore.judge").joinpath("data", f"{name}.jsonl.xz").read_bytes(), name)


def load(path: Path) -> LabelledSet:
    """Read a labelled set from a file of JSON lines (or one JSON list), perhaps compressed with xz.

    Raises:
        SourceError: The file cannot be read, or is in none of the forms.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"The labelled set {path} cannot be read ({error}).") from error
    return parse(data, path.name.removesuffix(".xz").removesuffix(".jsonl").removesuffix(".json"))


def parse(data: bytes, name: str) -> LabelledSet:
    """Read a labelled set from the bytes of its file.

    Raises:
        SourceError: The bytes are no JSON lines in one of the forms.
    """
    items, unread = [], Counter[str]()
    for number, row in _rows(data, name):
        form = next((form for keys, form in _FORMS if keys <= row.keys()), None)
        if form is None:
            raise SourceError(f"Item {number} of the labelled set {name} has none of the forms that are read.", FORMS)
        listed = isinstance(row.get("steps", row.get("modified_process")), list)
        item = form(row) if listed else "the steps are no list"
        if isinstance(item, str):
            unread[item] += 1
        else:
            items.append(item)
    return LabelledSet(name, tuple(items), dict(unread))


def _rows(data: bytes, name: str) -> list[tuple[int, dict[str, Any]]]:
    """The objects of a file, numbered from 1."""
    number = 0
    try:
        text = (lzma.decompress(data) if data.startswith(b"\xfd7zXZ") else data).decode("utf-8-sig")
        rows = []
        if text.lstrip().startswith("["):
            rows = list(enumerate(json.loads(text), 1))
        else:
            for number, line in enumerate(text.split("\n"), 1):
                rows += [(number, json.loads(line))] if line.strip() else []
    except (lzma.LZMAError, ValueError, RecursionError) as error:
        where = f"line {number} of " if number else ""
        raise SourceError(f"What stands in {where}the labelled set {name} is not JSON ({error}).", FORMS) from error
    bad = next((number for number, row in rows if not isinstance(row, dict)), None)
    if bad or not rows:
        what = f"Item {bad} of the labelled set {name} is no object." if bad else f"The labelled set {name} is empty."
        raise SourceError(what, FORMS)
    return rows


def _first_error(row: Mapping[str, Any], question: str, label: Any, *, none: Any, right: Any) -> Item | str:
    steps = row["steps"]
    if label != none and not _is_index(label, steps):
        return "the label is no step"
    known = len(steps) if label == none else label + 1
    wrong = tuple((index == label) if index < known else None for index in range(len(steps)))
    return _item(row[question], steps, wrong, FACTS_OR_VALIDITY, error=FIRST_ERROR, doubtful=right is False)


def _processbench(row: Mapping[str, Any]) -> Item | str:
    right = row.get("final_answer_correct") if row["label"] == -1 else None
    return _first_error(row, "problem", row["label"], none=-1, right=right)


def _big_bench_mistake(row: Mapping[str, Any]) -> Item | str:
    label = row["mistake_index"]
    right = row["answer"] == row["target"] if label is None and {"answer", "target"} <= row.keys() else None
    return _first_error(row, "input", label, none=None, right=right)


def _prmbench(row: Mapping[str, Any]) -> Item | str:
    steps, error_class = row["modified_process"], row["classification"]
    criteria = PRMBENCH_CLASSES.get(error_class) if isinstance(error_class, str) else None
    if criteria is None:
        return "a class of errors that no criterion stands for"
    wrong = _marked(row["error_steps"], steps, start=1)
    return (
        wrong if isinstance(wrong, str) else _item(row["modified_question"], steps, wrong, criteria, error=error_class)
    )


def _own(row: Mapping[str, Any]) -> Item | str:
    named = row["criterion"]
    chosen = [named] if isinstance(named, str) else named
    if not isinstance(chosen, list) or not chosen or any(one not in CRITERIA for one in chosen):
        return "a criterion that is none of the four"
    criteria = tuple(one for one in CRITERIA if one in chosen)
    error_class = row.get("error_class", "errors")
    wrong: Any
    if "labels" in row:
        labels = row["labels"]
        if not isinstance(labels, list) or any(one is not None and not isinstance(one, bool) for one in labels):
            return "labels that are not true, false or null"
        wrong = tuple(one if one is None else not one for one in labels)
    else:
        wrong = _marked(row.get("error_steps"), row["steps"], start=0)
    return wrong if isinstance(wrong, str) else _item(row["problem"], row["steps"], wrong, criteria, error=error_class)


def _marked(numbers: Any, steps: Any, *, start: int) -> tuple[bool, ...] | str:
    """Whether each step is among the numbers, or what is wrong with them."""
    if not isinstance(numbers, list) or not all(_is_index(one, steps, start) for one in numbers):
        return "an error is marked at a step that does not exist"
    return tuple(index + start in numbers for index in range(len(steps)))


def _is_index(value: Any, steps: Any, start: int = 0) -> bool:
    return type(value) is int and 0 <= value - start < len(steps)


def _item(
    question: Any,
    steps: Any,
    wrong: tuple[bool | None, ...],
    criteria: Sequence[Criterion],
    *,
    error: Any,
    doubtful: bool = False,
) -> Item | str:
    if not all(isinstance(one, str) for one in [question, error, *steps]):
        return "question, steps or class of error are not text"
    if not steps or len(wrong) != len(steps) or any(not step.strip() for step in steps):
        return "no steps, an empty step, or not a label for every step"
    return Item(question, tuple(steps), wrong, cast(tuple[Criterion, ...], tuple(criteria)), error, doubtful)


_FORMS: Final[tuple[tuple[set[str], Callable[[Mapping[str, Any]], Item | str]], ...]] = (
    ({"modified_question", "modified_process", "error_steps", "classification"}, _prmbench),
    ({"input", "steps", "mistake_index"}, _big_bench_mistake),
    ({"problem", "steps", "criterion"}, _own),
    ({"problem", "steps", "label"}, _processbench),
)
