"""A fit as a profile, for `--profile FILE`."""

from __future__ import annotations

from collections.abc import Sequence

from hfscore.errors import HfscoreError
from hfscore.evidence.model import FEWEST, TESTED, Evidence, OnMetric
from hfscore.profiles import Entry, Profile
from hfscore.spec import Direction, Grade

SEEDS = 2


def to_profile(found: Evidence, *, name: str, sources: Sequence[str]) -> Profile:
    """What the fit says at the sizes of its models.

    A supported metric has its sign, of grade B from eight variants with two seeds, else C; where published evidence has
    the opposite sign it is contested. Any other metric that was tested has none.

    Args:
        found: The fit.
        name: Name of the profile.
        sources: The tables it was fitted to.

    Raises:
        HfscoreError: There are fewer than five variants, or a model of unknown size.
    """
    if len(found.variants) < FEWEST:
        raise HfscoreError(
            f"{len(found.variants)} variants are descriptive only; they make no profile.", f"It takes {FEWEST}."
        )
    sizes = [one.size_b for one in found.models if one.size_b is not None]
    if len(sizes) < len(found.models):
        unknown = next(one.id for one in found.models if one.size_b is None)
        raise HfscoreError(f"The size of '{unknown}' is unknown.", "Give params_total_b in the outcomes.")
    seeds = min(one.seeds for one in found.models)
    span = (min(sizes), max(sizes))
    entries = tuple(
        _entry(one, found.languages, span, seeds, tuple(sources)) for one in found.metrics if one.p_adjusted is not None
    )
    return Profile(name=name, size_b=span, entries=entries)


def _entry(
    one: OnMetric, languages: tuple[str, ...], span: tuple[float, float], seeds: int, sources: tuple[str, ...]
) -> Entry:
    direction, grade = _sign(one, seeds)
    contested = one.pooled is not None and one.pooled.conflict and direction == "contested"
    return Entry(
        metric=one.metric,
        direction=direction,
        grade=grade,
        sources=sources,
        evidence=f"{one.n} variants on {one.models} models, mean tau-b {one.tau:.2f}: {one.verdict}.",
        languages=languages,
        n=one.n,
        size_seen_b=span,
        contested_by=(one.pooled.source,) if contested and one.pooled else (),
    )


def _sign(one: OnMetric, seeds: int) -> tuple[Direction, Grade]:
    if one.verdict != "supported" or one.tau is None:
        return "none", "C"
    if one.pooled is not None and one.pooled.conflict:
        return "contested", "X"
    return "up" if one.tau > 0 else "down", "B" if one.n >= TESTED and seeds >= SEEDS else "C"
