"""The fit: eight rules, from two tables to what may be said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import cast

import numpy as np

from hfscore.errors import HfscoreError
from hfscore.evidence import notes
from hfscore.evidence.model import (
    FEWEST,
    TESTED,
    Control,
    Declared,
    Evidence,
    Jackknife,
    Level,
    Model,
    OnMetric,
    OnModel,
    Part,
    Trend,
    Without,
)
from hfscore.evidence.permutation import DRAWS, EXACT_TO, PValues, Test, arrangements, beats, permutation_test
from hfscore.evidence.pooling import part, pool, trend
from hfscore.evidence.ranks import Floats, partial_spearman, spearman, tau_b, together
from hfscore.evidence.study import Measured, Scale, Study, study
from hfscore.evidence.tables import Outcome, Rows, Score
from hfscore.evidence.tables import outcomes as read_outcomes
from hfscore.evidence.tables import scores as read_scores
from hfscore.evidence.wide import SOURCE, from_wide, shipped


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was decided before the data were read."""

    directions: Mapping[str, str]
    length: str
    scale: Scale
    seed: int
    draws: int

    def declared(self, metric: str) -> Declared:
        return cast(Declared, self.directions.get(metric, "two-sided"))


def fit_evidence(
    scores: Rows,
    outcomes: Rows,
    *,
    directions: Mapping[str, str] | None = None,
    length_metric: str = "",
    leave_out: Iterable[str] = (),
    scale: Scale = "ranks",
    published: bool = True,
    seed: int = 0,
    draws: int = DRAWS,
) -> Evidence:
    """How metrics of training sets went with what became of models that were trained on them.

    Args:
        scores: Path of a CSV, JSONL or Parquet file, or rows: variant_id, metric_id, value; if known metric_version,
            config_hash, scorer_model, variant_family, role (candidate, control, null), language.
        outcomes: The same: variant_id, model_id, benchmark, score (higher is better); if known params_total_b, family,
            train_tokens, seed, source.
        directions: Metric id -> "up" or "down", declared before the data are read; any other metric is tested
            two-sided.
        length_metric: Metric id of the length that others must beat.
        leave_out: Variant ids; the fit is repeated without them.
        scale: Whether "ranks" or "z" scores are averaged over benchmarks.
        published: Whether to set published evidence beside the own.
        seed: Seed of the permutations above eight variants.
        draws: How many.

    Raises:
        HfscoreError: A table is wrong, or names a metric or a variant that is not there.
    """
    missing: Counter[str] = Counter()
    all_scores, all_outcomes = read_scores(scores, missing), read_outcomes(outcomes, missing)
    candidates = [one for one in all_scores if one.role == "candidate"]
    others = {one.variant for one in all_scores if one.role != "candidate"}
    if not candidates:
        raise HfscoreError("The scores hold no candidate.", "Controls and nulls are never correlated.")
    data = study(candidates, [one for one in all_outcomes if one.variant not in others], missing)
    plan = _Plan(dict(directions or {}), length_metric, scale, seed, draws)
    _check(plan, data)
    left_out = tuple(dict.fromkeys(leave_out))
    metrics, pairs = _fit(data, plan)
    metrics = [_robust(data, one, plan) for one in metrics]
    sources = {one.source for one in all_outcomes}
    twice = any(SOURCE in source for source in sources)
    if published and not twice:
        metrics = [_with_published(one, pairs) for one in metrics]
    metrics = [replace(one, trend=_trend(one, pairs, data)) for one in metrics]
    if left_out:
        fewer = {one.metric: one for one in _fit(data.without(left_out), plan)[0]}
        metrics = [replace(one, without=_without(one, fewer[one.metric])) for one in metrics]
    n = len(data.variants)
    result = Evidence(
        level=level(n),
        variants=data.variants,
        models=_models(data),
        metrics=tuple(notes.judged(one, bool(length_metric)) for one in metrics),
        pairs=tuple(pairs),
        controls=tuple(_controls(all_scores, all_outcomes)),
        length_metric=length_metric,
        left_out=left_out,
        scale=scale,
        exact=n <= EXACT_TO,
        permutations=0 if n < FEWEST else len(arrangements(n, draws=draws, seed=seed)),
        seed=seed,
        languages=tuple(sorted({one.language for one in candidates if one.language})),
        missing=tuple((reason, count) for reason, count in missing.items() if count),
        notes=(),
        advice=(),
    )
    return replace(result, notes=notes.notes(result, twice=published and twice), advice=notes.advice(result))


def level(n: int) -> Level:
    """What n variants are enough for."""
    return "descriptive only" if n < FEWEST else "exploratory" if n < TESTED else "tested"


def _check(plan: _Plan, data: Study) -> None:
    known = [one.metric for one in data.measured]
    for metric, direction in plan.directions.items():
        if direction not in ("up", "down"):
            raise HfscoreError(f"The direction of '{metric}' is '{direction}'.", "Directions are up and down.")
    for metric in [*plan.directions, *filter(None, [plan.length])]:
        if metric not in known:
            raise HfscoreError(f"The scores hold no metric '{metric}'.", f"Metrics: {', '.join(known)}.")


def _fit(data: Study, plan: _Plan) -> tuple[list[OnMetric], list[OnModel]]:
    """Correlations with their p values, by metric and by metric and model."""
    outcomes = {one.model: one.outcome(plan.scale) for one in data.trained}
    pairs = [_pair(data, plan, one, model, outcomes) for one in data.measured for model in one.values]
    pairs, by_metric = _tested(data, plan, pairs, outcomes)
    return [_averaged(data, plan, one, pairs, by_metric.get(one.metric)) for one in data.measured], pairs


def _pair(data: Study, plan: _Plan, one: Measured, model: str, outcomes: Mapping[str, Floats]) -> OnModel:
    x, y = one.values[model], outcomes[model]
    trained = next(entry for entry in data.trained if entry.model == model)
    length = _column(data, plan.length, model)
    return OnModel(
        metric=one.metric,
        model=model,
        n=int(together(x, y).sum()),
        tau=tau_b(x, y),
        rho=spearman(x, y),
        given_length=None if length is None or one.metric == plan.length else partial_spearman(x, y, length),
        given_tokens=partial_spearman(x, y, trained.train_tokens),
        signs=tuple((name, tau_b(x, row)) for name, row in zip(trained.benchmarks, trained.scores, strict=True)),
    )


def _column(data: Study, metric: str, model: str) -> Floats | None:
    found = next((one for one in data.measured if one.metric == metric), None)
    return None if found is None else found.values.get(model)


def _tested(
    data: Study, plan: _Plan, pairs: list[OnModel], outcomes: Mapping[str, Floats]
) -> tuple[list[OnModel], dict[str, PValues]]:
    """Add p values to pairs of at least five variants; and those of the metrics' means."""
    columns = {(one.metric, model): column for one in data.measured for model, column in one.values.items()}
    testable = [one for one in pairs if one.n >= FEWEST and one.tau is not None]
    if not testable:
        return pairs, {}
    groups = list(dict.fromkeys(one.metric for one in testable))
    sign = {"up": 1, "down": -1, "two-sided": 0}
    tests = [
        Test(
            columns[one.metric, one.model],
            outcomes[one.model],
            sign[plan.declared(one.metric)],
            groups.index(one.metric),
        )
        for one in testable
    ]
    orders = arrangements(len(data.variants), draws=plan.draws, seed=plan.seed)
    single, means = permutation_test(tests, orders)
    found = {(one.metric, one.model): value for one, value in zip(testable, single, strict=True)}
    with_p = [
        replace(one, p=value.raw, p_adjusted=value.adjusted, p_rho=value.spearman)
        if (value := found.get((one.metric, one.model)))
        else one
        for one in pairs
    ]
    return with_p, dict(zip(groups, means, strict=True))


def _averaged(data: Study, plan: _Plan, one: Measured, pairs: list[OnModel], p: PValues | None) -> OnMetric:
    own = [pair for pair in pairs if pair.metric == one.metric]
    defined = [pair for pair in own if pair.tau is not None]
    # a mean that holds a model of fewer than five variants has no p value
    p = p if all(pair.n >= FEWEST for pair in defined) else None
    lengths = [
        tau_b(column, length)
        for model, column in one.values.items()
        if plan.length not in ("", one.metric) and (length := _column(data, plan.length, model)) is not None
    ]
    return OnMetric(
        metric=one.metric,
        declared=plan.declared(one.metric),
        n=min((pair.n for pair in defined), default=0),
        models=len(defined),
        tau=_mean(pair.tau for pair in defined),
        rho=_mean(pair.rho for pair in defined),
        given_length=_mean(pair.given_length for pair in defined),
        given_tokens=_mean(pair.given_tokens for pair in defined),
        with_length=_mean(lengths),
        p=None if p is None else p.raw,
        p_adjusted=None if p is None else p.adjusted,
        p_rho=None if p is None else p.spearman,
    )


def _mean(values: Iterable[float | None]) -> float | None:
    found = [one for one in values if one is not None]
    return float(np.mean(found)) if found else None


def _robust(data: Study, one: OnMetric, plan: _Plan) -> OnMetric:
    """Add what leaving parts out does, and whether length is beaten."""
    if one.tau is None:
        return one
    families = sorted(set(filter(None, data.families)))
    by_family = [(name, _members(data, name)) for name in families] if len(families) > 1 else []
    return replace(
        one,
        by_variant=_jackknife(data, one, plan, [(name, {name}) for name in data.variants]),
        by_family=_jackknife(data, one, plan, by_family),
        beats_length=_beats(data, one, plan),
    )


def _members(data: Study, family: str) -> set[str]:
    return {name for name, own in zip(data.variants, data.families, strict=True) if own == family}


def _jackknife(data: Study, one: OnMetric, plan: _Plan, parts: Sequence[tuple[str, set[str]]]) -> Jackknife | None:
    """Mean tau-b without each part; None where too few variants are left to say."""
    found = {}
    for name, out in parts:
        left = data.keep(np.array([variant not in out for variant in data.variants]))
        measured = next(entry for entry in left.measured if entry.metric == one.metric)
        models = [entry for entry in left.trained if entry.model in measured.values]
        value = _mean(tau_b(measured.values[entry.model], entry.outcome(plan.scale)) for entry in models)
        found[name] = value
    values = [value for value in found.values() if value is not None]
    if not values:
        return None
    assert one.tau is not None
    # a part whose absence leaves nothing to correlate decides the sign as well
    turned = tuple(name for name, value in found.items() if value is None or value * one.tau <= 0)
    return Jackknife(min(values), max(values), not turned, turned)


def _beats(data: Study, one: OnMetric, plan: _Plan) -> float | None:
    """p of the comparison with length over the variants that have everything; None below five."""
    if not plan.length or one.metric == plan.length:
        return None
    measured = next(entry for entry in data.measured if entry.metric == one.metric)
    rows = []
    for entry in data.trained:
        length = _column(data, plan.length, entry.model)
        if entry.model in measured.values and length is not None:
            rows.append((measured.values[entry.model], length, entry.outcome(plan.scale)))
    if not rows:
        return None
    all_there = together(*chain.from_iterable(rows))
    if all_there.sum() < FEWEST:
        return None
    xs, lengths, ys = ([column[all_there] for column in side] for side in zip(*rows, strict=True))
    return beats(xs, lengths, ys, seed=plan.seed)


def _without(one: OnMetric, fewer: OnMetric) -> Without:
    gone = one.rho is not None and (fewer.rho is None or fewer.rho * one.rho <= 0 or abs(fewer.rho) < abs(one.rho) / 2)
    return Without(fewer.n, fewer.tau, fewer.rho, fewer.p_adjusted, gone)


def _own_part(metric: str, pairs: Sequence[OnModel]) -> Part | None:
    found = [(pair.rho, pair.n) for pair in pairs if pair.metric == metric and pair.rho is not None]
    return part(found) if found else None


@cache
def _published() -> Mapping[str, Part]:
    """Metric id -> published (rho, weight), from the table that comes with the package."""
    ignored: Counter[str] = Counter()
    scores, outcomes = from_wide(shipped())
    data = study(read_scores(scores, ignored), read_outcomes(outcomes, ignored), ignored)
    plan = _Plan({}, "", "ranks", 0, 0)
    by_model = {one.model: one.outcome(plan.scale) for one in data.trained}
    pairs = [_pair(data, plan, one, model, by_model) for one in data.measured for model in one.values]
    parts = {one.metric: _own_part(one.metric, pairs) for one in data.measured}
    return {metric: found for metric, found in parts.items() if found}


def _with_published(one: OnMetric, pairs: Sequence[OnModel]) -> OnMetric:
    own, other = _own_part(one.metric, pairs), _published().get(one.metric)
    return one if own is None or other is None else replace(one, pooled=pool(own, other, n=one.n, source=SOURCE))


def _trend(one: OnMetric, pairs: Sequence[OnModel], data: Study) -> Trend | None:
    sizes = {entry.model: (entry.size_b, entry.family) for entry in data.trained}
    points = [
        (size, family, pair.rho)
        for pair in pairs
        if pair.metric == one.metric and pair.rho is not None and pair.n >= FEWEST
        for size, family in [sizes[pair.model]]
        if size and family
    ]
    return trend(points)


def _models(data: Study) -> tuple[Model, ...]:
    return tuple(
        Model(
            id=one.model,
            size_b=one.size_b,
            family=one.family,
            n=int(np.isfinite(one.scores).any(axis=0).sum()),
            benchmarks=tuple(name for name in one.benchmarks if name not in one.incomplete()),
            seeds=one.seeds,
        )
        for one in data.trained
    )


def _controls(scores: Sequence[Score], outcomes: Sequence[Outcome]) -> Iterable[Control]:
    """Where controls and nulls lie among the candidates."""
    roles = {one.variant: one.role for one in scores}
    metrics: dict[str, dict[str, float]] = {}
    for one in scores:
        label = f"{one.metric} by {one.scorer}" if one.scorer else one.metric
        metrics.setdefault(label, {})[one.variant] = one.value
    seeds: dict[str, dict[str, list[float]]] = {}
    for result in outcomes:
        by_variant = seeds.setdefault(f"{result.benchmark} of {result.model}", {})
        by_variant.setdefault(result.variant, []).append(result.score)
    means = {what: {name: float(np.mean(sorted(own))) for name, own in found.items()} for what, found in seeds.items()}
    for what, found in chain(metrics.items(), means.items()):
        candidates = [value for variant, value in found.items() if roles.get(variant) == "candidate"]
        for variant, value in found.items():
            if roles.get(variant) in ("control", "null"):
                below, above = sum(other < value for other in candidates), sum(other > value for other in candidates)
                yield Control(variant, roles[variant], what, value, below, above)
