"""What may be said of a fit: verdicts, notes and advice, in reviewed words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hfscore.evidence.model import FEWEST, NOMINAL, TESTED, Evidence, OnMetric, Verdict

FLOOR_OF_FOUR = "With n = 4 no two-sided p below 0.083 can occur: 24 orders, two of them perfect."


def judged(one: OnMetric, length: bool) -> OnMetric:
    """Add the verdict.

    Args:
        one: A metric with all its figures.
        length: Whether a length metric was named.
    """
    verdict, why = _verdict(one, length)
    return replace(one, verdict=verdict, why=why)


def _verdict(one: OnMetric, length: bool) -> tuple[Verdict, str]:
    if one.tau is None:
        return "described", "No model has three variants whose values and outcomes differ."
    if one.p_adjusted is None:
        return "described", f"Fewer than {FEWEST} variants."
    if one.p_adjusted > NOMINAL:
        return (
            "no association shown",
            "In more than 5% of permutations some metric of these comes as close by chance.",
        )
    if turned := [name for part in (one.by_variant, one.by_family) if part for name in part.turned_by]:
        return "sign not stable", f"The sign does not survive without {', '.join(turned)}."
    if not length:
        return "length not compared", "Name a length metric; length alone often orders variants as well."
    if one.beats_length is None:
        if one.with_length is None:
            return "length not compared", "This is length, or length was not measured on the same variants."
        return "length not compared", f"Fewer than {FEWEST} variants have the metric, its length and an outcome."
    if one.beats_length > NOMINAL:
        if one.with_length is not None and abs(one.with_length) >= abs(one.tau):
            return "length-driven", "It follows length at least as closely as the outcome, and does not beat it."
        return "not told apart from length", "It does not order the outcomes more closely than length does."
    return "supported", "It orders outcomes more closely than length does, and its sign survives every leave-one-out."


def notes(found: Evidence, *, twice: bool) -> tuple[str, ...]:
    """What a reader should know of a fit, whole sentences.

    Args:
        found: The fit.
        twice: Whether published evidence was left aside because the outcomes are that evidence.
    """
    return tuple(_notes(found, twice))


def _notes(found: Evidence, twice: bool) -> Iterator[str]:
    yield from _on_number(found)
    yield from _on_models(found)
    if any(one.pooled and one.pooled.conflict for one in found.metrics):
        yield "Own and published evidence have opposite signs somewhere; they are shown side by side, not averaged."
    if twice:
        yield "The outcomes are themselves published evidence, so they are not combined with it again."
    if any(one.by_family is None for one in found.metrics if one.tau is not None):
        yield "No families of variants to leave out: give variant_family (the teacher, or how it was rewritten)."
    yield "Correlations over training sets; no claim for another language, domain or size of model."


def _on_number(found: Evidence) -> Iterator[str]:
    n = len(found.variants)
    if n < FEWEST:
        yield f"Descriptive only: {n} variants fall into any order too easily by chance for a test."
    if n == 4:
        yield FLOOR_OF_FOUR
    if n >= FEWEST:
        count = f"all {found.permutations:,}" if found.exact else f"{found.permutations - 1:,} drawn, seed {found.seed}"
        yield (
            f"Permutations of variants ({count}) are shared by all metrics; 'adjusted' holds family-wise over all "
            "metrics (max-T), raw p for one metric chosen beforehand."
        )
    if FEWEST <= n < TESTED:
        yield f"Exploratory: below {TESTED} variants a result rests on few of them."
    if n < TESTED:
        yield f"Nothing is held constant (length, tokens trained on): that takes {TESTED} variants."


def _on_models(found: Evidence) -> Iterator[str]:
    for model in found.models:
        if len(found.variants) >= FEWEST > model.n:
            yield f"{model.id} was trained on {model.n} variants: descriptive only there."
    if len(found.models) < 2:
        return
    yield "Models that share variants are no independent studies; variants are permuted on all of them at once."
    if any(one.trend for one in found.metrics):
        yield "For the same reason the intervals of the trends over size are too narrow."
    else:
        sizes = {one.size_b for one in found.models if one.size_b}
        families = {one.family for one in found.models if one.family}
        yield (
            f"{len(sizes)} sizes in {len(families)} families of models define no trend over size; it takes 4 in 2. "
            "The table by model is all there is."
        )


def advice(found: Evidence) -> tuple[str, ...]:
    """How to design the next study; only what this one does not already do."""
    return tuple(_advice(found))


def _advice(found: Evidence) -> Iterator[str]:
    if len(found.variants) < TESTED:
        yield f"Train on at least {TESTED} variants."
    if any(one.seeds < 2 for one in found.models):
        yield "Train with at least 2 seeds; a seed column tells them apart."
    yield "Match variants by tokens trained on, and change one factor at a time."
    if not any(one.role == "control" for one in found.controls):
        yield "Add a damaged variant with role control: a positive control, kept out of every correlation."
    if not any(one.role == "null" for one in found.controls):
        yield "Add a random subset with role null: what no choice at all gives."
    if not found.length_metric:
        yield "Score length and name it with --length-metric: it is the baseline to beat."
    undeclared = [one.metric for one in found.metrics if one.declared == "two-sided"]
    if undeclared:
        yield "Declare directions before you look: --direction METRIC=up or METRIC=down."
