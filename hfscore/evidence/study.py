"""Both tables as arrays over the same variants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.stats import rankdata

from hfscore.errors import HfscoreError
from hfscore.evidence.ranks import Flags, Floats
from hfscore.evidence.tables import Outcome, Score

Scale = Literal["ranks", "z"]


@dataclass(frozen=True, slots=True)
class Trained:
    """What became of one model.

    Args:
        model: Model id.
        size_b: Parameters in billions, or None.
        family: Family, or empty.
        benchmarks: Names.
        scores: (benchmarks, n) means over seeds, NaN where missing.
        train_tokens: (n,) mean tokens trained on, NaN where unknown.
        seeds: Fewest seeds of any variant and benchmark.
    """

    model: str
    size_b: float | None
    family: str
    benchmarks: tuple[str, ...]
    scores: Floats
    train_tokens: Floats
    seeds: int

    def incomplete(self) -> tuple[str, ...]:
        """Benchmarks that lack a variant of this model."""
        trained = np.isfinite(self.scores).any(axis=0)
        holes = np.asarray(np.isnan(self.scores[:, trained]).any(axis=1))
        return tuple(name for name, hole in zip(self.benchmarks, holes, strict=True) if hole)

    def outcome(self, scale: Scale) -> Floats:
        """(n,) mean over benchmarks of ranks, or of z scores, within a benchmark; NaN for variants not trained on.

        A benchmark that lacks a variant is left out, or its ranks would not compare.
        """
        trained = np.isfinite(self.scores).any(axis=0)
        rows = self.scores[:, trained]
        rows = rows[np.isfinite(rows).all(axis=1)]
        outcome = np.full(self.scores.shape[1], np.nan)
        if len(rows) and rows.size:
            scaled = rankdata(rows, axis=1) if scale == "ranks" else _z(rows)
            # means of the same ranks in another order must tie
            outcome[trained] = np.round(scaled.mean(axis=0), 9)
        return outcome


def _z(rows: Floats) -> Floats:
    centred = rows - rows.mean(axis=1, keepdims=True)
    spread = rows.std(axis=1, keepdims=True)
    scaled: Floats = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    return scaled


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric.

    Args:
        metric: Metric id as printed.
        values: Model id -> (n,) values, NaN where missing. One array for all models, but where the scorer is the model.
    """

    metric: str
    values: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Study:
    """All that a fit needs.

    Args:
        variants: n ids.
        families: n families of variants, or empty strings.
        trained: Models.
        measured: Metrics.
    """

    variants: tuple[str, ...]
    families: tuple[str, ...]
    trained: tuple[Trained, ...]
    measured: tuple[Measured, ...]

    def keep(self, mask: Flags) -> Study:
        """The study of some of its variants."""
        return Study(
            variants=tuple(np.array(self.variants, dtype=object)[mask]),
            families=tuple(np.array(self.families, dtype=object)[mask]),
            trained=tuple(
                replace(one, scores=one.scores[:, mask], train_tokens=one.train_tokens[mask]) for one in self.trained
            ),
            measured=tuple(
                replace(one, values={model: column[mask] for model, column in one.values.items()})
                for one in self.measured
            ),
        )

    def without(self, variants: Iterable[str]) -> Study:
        """The study without some variants.

        Raises:
            HfscoreError: One of them is no candidate.
        """
        out = set(variants)
        if unknown := sorted(out - set(self.variants)):
            raise HfscoreError(
                f"'{unknown[0]}' is no candidate with scores and outcomes.", f"Those are: {', '.join(self.variants)}."
            )
        return self.keep(np.array([one not in out for one in self.variants]))


def study(scores: Sequence[Score], outcomes: Sequence[Outcome], missing: Counter[str]) -> Study:
    """Bring both tables onto the variants they share; what only one has is counted.

    Args:
        scores: Of candidates only.
        outcomes: Of the same variants, or more.
        missing: Counts by reason.

    Raises:
        HfscoreError: The tables share no variant.
    """
    measured, trained = {one.variant for one in scores}, {one.variant for one in outcomes}
    variants = tuple(dict.fromkeys(one.variant for one in scores if one.variant in trained))
    if not variants:
        raise HfscoreError("Scores and outcomes share no variant.", "variant_id must be written alike in both.")
    missing["candidates with scores and without an outcome"] += len(measured - trained)
    missing["variants with outcomes and without a score"] += len(trained - measured)
    at = {one: index for index, one in enumerate(variants)}
    outcomes = [one for one in outcomes if one.variant in at]
    models = tuple(dict.fromkeys(one.model for one in outcomes))
    families = {one.variant: one.family for one in scores}
    found = Study(
        variants=variants,
        families=tuple(families[one] for one in variants),
        trained=tuple(_trained(model, [one for one in outcomes if one.model == model], at) for model in models),
        measured=_measured([one for one in scores if one.variant in at], at, models),
    )
    for one in found.measured:
        holes = sum(
            int(np.isnan(column).sum()) for column in {id(column): column for column in one.values.values()}.values()
        )
        missing[f"candidates without a value of {one.metric}"] += holes
    for model in found.trained:
        for name in model.incomplete():
            missing[f"benchmark {name} of {model.model}, left out because a variant lacks it"] += 1
        missing[f"candidates that {model.model} was not trained on"] += int(np.isnan(model.scores).all(axis=0).sum())
    return found


def _trained(model: str, outcomes: Sequence[Outcome], at: Mapping[str, int]) -> Trained:
    benchmarks = tuple(dict.fromkeys(one.benchmark for one in outcomes))
    cells: dict[tuple[int, int], list[float]] = {}
    tokens: dict[int, list[float]] = {}
    for one in outcomes:
        cells.setdefault((benchmarks.index(one.benchmark), at[one.variant]), []).append(one.score)
        if one.train_tokens is not None:
            tokens.setdefault(at[one.variant], []).append(one.train_tokens)
    scores = np.full((len(benchmarks), len(at)), np.nan)
    for cell, values in cells.items():
        scores[cell] = np.mean(sorted(values))
    train_tokens = np.full(len(at), np.nan)
    for index, values in tokens.items():
        train_tokens[index] = np.mean(sorted(values))
    sizes = {one.size_b for one in outcomes if one.size_b is not None}
    families = {one.family for one in outcomes if one.family}
    if len(sizes) > 1 or len(families) > 1:
        raise HfscoreError(f"The outcomes give '{model}' two sizes or families.", "A model_id stands for one model.")
    return Trained(
        model=model,
        size_b=next(iter(sizes), None),
        family=next(iter(families), ""),
        benchmarks=benchmarks,
        scores=scores,
        train_tokens=train_tokens,
        seeds=min(len(values) for values in cells.values()),
    )


def _measured(scores: Sequence[Score], at: Mapping[str, int], models: Sequence[str]) -> tuple[Measured, ...]:
    """A metric that a model of the outcomes scored pairs with that model only; any other with all models."""
    columns: dict[tuple[str, str], Floats] = {}
    for one in scores:
        columns.setdefault((one.metric, one.scorer), np.full(len(at), np.nan))[at[one.variant]] = one.value
    by_metric: dict[str, dict[str, Floats]] = {}
    for (metric, scorer), column in columns.items():
        by_metric.setdefault(metric, {})[scorer] = column
    found = []
    for metric, by_scorer in by_metric.items():
        own = {scorer: column for scorer, column in by_scorer.items() if scorer in models}
        if own:
            found.append(Measured(metric, own))
        shared = {scorer: column for scorer, column in by_scorer.items() if scorer not in models}
        for scorer, column in shared.items():
            label = metric if len(by_scorer) == 1 or not scorer else f"{metric} by {scorer}"
            label = f"{metric} (any model)" if own and not scorer else label
            found.append(Measured(label, dict.fromkeys(models, column)))
    return tuple(found)
