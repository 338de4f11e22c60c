"""A judge's shares corrected by what `hfscore judge check` found of its errors, and those errors in a sentence."""

from __future__ import annotations

from collections.abc import Iterator

from hfscore.judge.check_result import CheckResult, corrected_share
from hfscore.judge.estimates import Count, Estimate
from hfscore.ports import CRITERIA, Corrected, Criterion, ModelName
from hfscore.records import Unscored


def corrected(result: CheckResult | None, criterion: Criterion, observed: Count) -> Corrected | Unscored | None:
    """A share of steps corrected for the judge's errors.

    Args:
        result: What the check found, or None where there was none.
        criterion: The criterion.
        observed: (steps for which it is said to hold, steps judged), in independent observations.

    Returns:
        The corrected share with both uncertainties in its interval, why there is none, or None without a check.
    """
    if result is None:
        return None
    why: Unscored | None = None
    for one in result.sets:
        found = corrected_share(result, one.name, criterion, observed)
        if isinstance(found, Estimate):
            return Corrected(found.value, found.low, found.high, one.name)
        why = why or found
    return why or Unscored("the check holds no labelled set")


def errors(result: CheckResult | None) -> str:
    """How often the judge errs, in sentences; that it was not measured where there is no check."""
    if result is None:
        return "How often it errs was not measured ('hfscore judge check' does)."
    found = list(_errors(result))
    if not found:
        return "The check by labelled steps gives no figure of its errors."
    return f"On labelled steps, not from this data: {'; '.join(found)}."


def _errors(result: CheckResult) -> Iterator[str]:
    for criterion in CRITERIA:
        for one in result.sets:
            right = result.figure(one.name, "specificity", (criterion,))
            wrong = result.figure(one.name, "recall", (criterion,))
            if right and wrong and isinstance(right.value, Estimate) and isinstance(wrong.value, Estimate):
                missed, rejected = wrong.value.value, 1 - right.value.value
                yield (
                    f"{criterion}, found {missed:.0%} of {wrong.value.n:,} faulty steps and rejected {rejected:.1%} of "
                    f"{right.value.n:,} sound ones ({one.name})"
                )
                break


def applies(result: CheckResult, judge: ModelName) -> bool:
    """Whether a check is about this judge."""
    return result.judge.id == judge.id
