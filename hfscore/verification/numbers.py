"""What is checked, with which tolerance: pure functions over two reports."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from hfscore.report import Report, Value
from hfscore.spec import Family

Verdict = Literal["confirmed", "refuted", "not checked"]

SIGMAS = 5.0  # how far a mean over a part may stray: a normal one strays further once in 1.7 million
ROUNDING = 1e-6  # relative: other versions of numpy add up in another order
MODEL_ROUNDING = 1e-3  # relative and absolute: other hardware rounds otherwise inside a model
_NUMBERS = ("mean", "low", "high", "p5", "median", "p95", "scored", "questions")


@dataclass(frozen=True, slots=True)
class Check:
    """One statement of a section, and whether it holds.

    Args:
        what: The statement: a metric with its part, or the card's text.
        verdict: "confirmed", "refuted" or "not checked".
        why: What the verdict rests on, a sentence.
        published: The number as published, or None.
        found: The number as it came out now, or None.
        tolerance: The largest difference that still confirms, or None where there is none to state.
    """

    what: str
    verdict: Verdict
    why: str
    published: float | None = None
    found: float | None = None
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of a section under scrutiny.

    Args:
        repo_id: "owner/name".
        revision: Commit whose section was checked.
        data_revision: Commit whose data were measured again.
        questions: Questions that were measured again, of the largest part.
        exact: Whether they are the whole sample, so that every number must come out as it was.
        checks: Every statement.
    """

    repo_id: str
    revision: str
    data_revision: str
    questions: int
    exact: bool
    checks: tuple[Check, ...]

    def count(self, verdict: Verdict) -> int:
        """How many statements came to a verdict."""
        return sum(check.verdict == verdict for check in self.checks)

    @property
    def refuted(self) -> bool:
        """Whether any statement does not hold."""
        return self.count("refuted") > 0


def named(value: Value) -> str:
    """A number's name: its metric and part, and its group if it has one."""
    group = f", {value.by[0]} = {value.by[1]}" if value.by else ""
    return f"{value.metric} {value.config}/{value.split}{group}"


def rounding(family: Family | None, number: float) -> float:
    """How far a number may be off that is computed from the same rows."""
    if family is None or family.needs:
        return MODEL_ROUNDING * (1 + abs(number))
    return ROUNDING * abs(number) + 1e-12


def same(published: float | None, found: float | None, tolerance: float) -> bool:
    """Whether two numbers, or two absences of one, agree. NaN agrees with nothing."""
    if published is None or found is None:
        return published is found
    return abs(published - found) <= tolerance


def compare(published: Report, again: Report | None, families: Collection[Family], *, exact: bool) -> Iterator[Check]:
    """Compare every value of a report with what came out now.

    Args:
        published: The receipt.
        again: The report over the part, or None where nothing could be measured.
        families: What was measured again.
        exact: Whether the part is the whole sample.
    """
    owner = {metric.id: family for family in families for metric in family.metrics}
    found = {(v.metric, v.config, v.split, v.by): v for v in again.values} if again else {}
    for value in published.values:
        what, family = named(value), owner.get(value.metric)
        now = found.get((value.metric, value.config, value.split, value.by))
        if family is None or now is None:
            yield Check(what, "not checked", "It needs a model or a judge that this run did not have.", value.mean)
        elif exact:
            yield _exact(what, family, value, now)
        elif family.pool is not None:
            yield Check(what, "not checked", "It rests on the whole sample: --n all.", value.mean)
        elif value.by is not None:
            yield Check(what, "not checked", "Groups are compared over the whole sample: --n all.", value.mean)
        else:
            yield _within(what, family, value, now)


def _exact(what: str, family: Family, value: Value, now: Value) -> Check:
    wrong = [
        name
        for name in _NUMBERS
        if not same(getattr(value, name), getattr(now, name), rounding(family, getattr(value, name) or 0.0))
    ]
    if dict(value.unscored) != dict(now.unscored):
        wrong.append("unscored")
    tolerance = rounding(family, value.mean or 0.0)
    if not wrong:
        why = "The same rows give the same mean, interval, percentiles and counts."
        return Check(what, "confirmed", why, value.mean, now.mean, tolerance)
    why = f"The same rows give another {', '.join(wrong)}."
    return Check(what, "refuted", why, value.mean, now.mean, tolerance)


def _within(what: str, family: Family, value: Value, now: Value) -> Check:
    """Compare a mean with the mean over a random part of the questions it rests on.

    The difference of nested means has variance SE(n)^2 - SE(N)^2, and SE(n) = SE(N) sqrt(N / n).
    """
    if value.mean is None and now.mean is None:
        return Check(what, "confirmed", "Nothing could be scored, then as now.")
    if now.mean is None or value.low is None or value.high is None:
        return Check(what, "not checked", "The part holds too little of it: raise --n.", value.mean, now.mean)
    if value.mean is None:
        return Check(what, "refuted", "It was not scored, and now it is.", None, now.mean)
    error = (value.high - value.low) / (2 * 1.96)
    share = max(value.questions / now.questions - 1, 0.0)
    tolerance = SIGMAS * error * math.sqrt(share) + rounding(family, value.mean)
    if same(value.mean, now.mean, tolerance):
        why = f"{now.questions} of its {value.questions} questions, at most {SIGMAS:.0f} standard errors off."
        return Check(what, "confirmed", why, value.mean, now.mean, tolerance)
    why = f"{now.questions} of its {value.questions} questions are more than {SIGMAS:.0f} standard errors off."
    return Check(what, "refuted", why, value.mean, now.mean, tolerance)
