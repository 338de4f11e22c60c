"""What a judge answered, read strictly: a label, a probability, a JSON object; else a reason and never a guess."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeGuard

from hfscore.judge.prompts import FAILS, HOLDS
from hfscore.ports import Verdict
from hfscore.records import Unscored

LABELS: Final = (HOLDS, FAILS)
GRADES: Final = ("1", "2", "3", "4", "5")
LEAST_MASS: Final = 0.5
"""Below this probability of all labels together the rest of the distribution is elsewhere: no probability is given."""

NO_LABEL: Final = Unscored("the judge's answer is no label")
NO_OBJECT: Final = Unscored("the judge's answer is not the JSON object asked for")

Positions = Sequence[Mapping[str, Any]]


def read_label(content: str, logprobs: Positions | None) -> Verdict | Unscored:
    """Read the answer to one step and criterion.

    Args:
        content: The text answered.
        logprobs: The chat route's `logprobs.content`, an entry a token, or None.

    Returns:
        A verdict, with P(holds) over the label tokens where they hold at least `LEAST_MASS` together (the portable
        reading: servers differ in whether a constraint masks before or after log-probabilities are taken).
    """
    label = content.strip()
    if label not in LABELS:
        return NO_LABEL
    found = distribution(logprobs, LABELS)
    if found is None:
        return Verdict(label == HOLDS)
    odds, mass = found
    if mass < LEAST_MASS:
        return Verdict(label == HOLDS, mass=mass)
    return Verdict(odds[HOLDS] >= 0.5, odds[HOLDS], mass)


def distribution(logprobs: Positions | None, labels: Sequence[str]) -> tuple[dict[str, float], float] | None:
    """Probabilities of the labels at the first position where one of them was said, and their sum before renormalising.

    Returns:
        (label -> probability, captured mass), or None where no position gives a finite log-probability of a label.
    """
    for position in logprobs or ():
        if _token(position) not in labels:
            continue
        mass = dict.fromkeys(labels, 0.0)
        seen: set[str] = set()
        for entry in [*_entries(position.get("top_logprobs")), position]:
            spelled, value = entry.get("token"), entry.get("logprob")
            # null stands for -inf behind a constraint's mask; " 1" and "1" are one label, a token listed twice is not.
            if isinstance(spelled, str) and spelled not in seen and _token(entry) in labels and _is_logprob(value):
                seen.add(spelled)
                mass[_token(entry)] += math.exp(value)
        total = sum(mass.values())
        if total > 0:
            return {label: part / total for label, part in mass.items()}, min(total, 1.0)
    return None


def _token(entry: Mapping[str, Any]) -> str:
    token = entry.get("token")
    return token.strip() if isinstance(token, str) else ""


def _entries(value: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _is_logprob(value: Any) -> TypeGuard[float]:
    return (
        isinstance(value, (int, float)) and math.isfinite(value) and value <= 1e-3
    )  # rounding may leave a hair above 0


def read_batch(content: str, keys: Sequence[str]) -> list[Verdict] | Unscored:
    """Read the answers to the steps of a window: every key once, with a label and nothing else."""
    data = read_object(content)
    if data is None or sorted(data) != sorted(keys) or any(str(data[key]) not in LABELS for key in keys):
        return NO_OBJECT
    return [Verdict(str(data[key]) == HOLDS) for key in keys]


def read_review(content: str, step: str) -> Verdict | Unscored:
    """Read a reviewed verdict, and check that its quote stands in the step it judges.

    White space and case are folded; a quote must have at least three letters or digits, or be the step.
    """
    data = read_object(content)
    if data is None or str(data.get("label")) not in LABELS or not isinstance(data.get("quote"), str):
        return NO_OBJECT
    quote, shown = _folded(data["quote"]), _folded(step)
    if quote not in shown or (sum(map(str.isalnum, quote)) < 3 and quote != shown):
        return Unscored("the judge's quote does not stand in the step")
    return Verdict(str(data["label"]) == HOLDS, tier=2, quote=data["quote"], reason=str(data.get("reason", "")))


def read_grade(content: str, logprobs: Positions | None) -> float | Unscored:
    """Read a digit from 1 to 5 as a number in [0, 1]: its expectation where probabilities are given (G-Eval)."""
    digit = content.strip()
    if digit not in GRADES:
        return NO_LABEL
    found = distribution(logprobs, GRADES)
    mean = int(digit) if found is None or found[1] < LEAST_MASS else sum(int(g) * p for g, p in found[0].items())
    return (mean - 1) / 4


def read_object(content: str) -> dict[str, Any] | None:
    """The one JSON object that an answer is or, fenced, contains; None for anything else."""
    text = content.strip()
    if text.startswith("```"):
        text = text.removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
