"""A fit as tables of words, each narrow enough for a terminal of 80 characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hfscore.evidence.model import FEWEST, Evidence, Jackknife, OnModel

Rows = list[tuple[str, ...]]
Table = tuple[str, Rows]

MODELS_BESIDE = 3  # columns


def headline(found: Evidence) -> str:
    """How much there is, in a line."""
    count = _count(len(found.variants), "variant")
    return f"{count} on {_count(len(found.models), 'model')}: {found.level}"


def tables(found: Evidence) -> list[Table]:
    """Title and rows, the first of them the header; tables without a row are left out."""
    every = [
        ("Kendall's tau-b and Spearman's rho with the outcome, means over models", _metrics(found)),
        *_by_model(found),
        ("Benchmarks by sign of tau-b", _benchmarks(found)),
        (f"Against length alone ({found.length_metric})", _length(found)),
        ("Given tokens trained on", _tokens(found)),
        (f"Without {', '.join(found.left_out)}", _without(found)),
        ("Own and published evidence, Spearman's rho (weight)", _pooled(found)),
        ("rho per doubling of the model's size (95% interval)", _trends(found)),
        ("Controls and nulls, kept out of all of the above", _controls(found)),
    ]
    return [(title, rows) for title, rows in every if len(rows) > 1]


def verdicts(found: Evidence) -> list[str]:
    """What may be said, and of which metrics."""
    by_words: dict[str, list[str]] = {}
    for one in found.metrics:
        by_words.setdefault(f"{one.verdict}. {one.why}", []).append(one.metric)
    return [f"{', '.join(metrics)}: {sentence}" for sentence, metrics in by_words.items()]


def _metrics(found: Evidence) -> Rows:
    if len(found.variants) < FEWEST:
        rows: Rows = [("metric", "n", "tau-b", "rho", "one variant out", "one family out")]
        return rows + [
            (one.metric, str(one.n), _signed(one.tau), _signed(one.rho), _range(one.by_variant), _range(one.by_family))
            for one in found.metrics
        ]
    out: Rows = [("metric", "tau-b", "rho", "p", "adjusted", "variant out", "family out")]
    for one in found.metrics:
        spans = (_range(one.by_variant), _range(one.by_family))
        figures = (_signed(one.tau), _signed(one.rho), chance(one.p), chance(one.p_adjusted))
        name = one.metric if one.declared == "two-sided" else f"{one.metric}, {one.declared}"
        out.append((name, *figures, *spans))
    return out


def _by_model(found: Evidence) -> Iterator[Table]:
    if len(found.models) < 2:
        return
    pairs = {(one.metric, one.model): one for one in found.pairs}
    for start in range(0, len(found.models), MODELS_BESIDE):
        models = found.models[start : start + MODELS_BESIDE]
        header = ("metric", *(one.id if one.size_b is None else f"{one.id} ({one.size_b:g}B)" for one in models))
        rows = [(one.metric, *(_both(pairs.get((one.metric, model.id))) for model in models)) for one in found.metrics]
        yield "By model: tau-b, rho", [header, *rows]


def _both(pair: OnModel | None) -> str:
    if pair is None or pair.tau is None:
        return "–"
    return f"{_signed(pair.tau)} {_signed(pair.rho, 3)}"


def _benchmarks(found: Evidence) -> Rows:
    rows: Rows = [("metric", "model", "rises with", "falls with", "neither")]
    for pair in found.pairs:
        if len(pair.signs) > 1:
            up = ", ".join(name for name, tau in pair.signs if tau is not None and tau > 0)
            down = ", ".join(name for name, tau in pair.signs if tau is not None and tau < 0)
            neither = ", ".join(name for name, tau in pair.signs if not tau)
            rows.append((pair.metric, pair.model, up, down, neither))
    return rows


def _length(found: Evidence) -> Rows:
    tested = any(one.beats_length is not None for one in found.metrics)
    rows: Rows = [("metric", "tau-b with length", "rho given length", *(["beats length, p"] if tested else []))]
    for one in found.metrics if found.length_metric else ():
        if one.metric != found.length_metric:
            last = [chance(one.beats_length)] if tested else []
            rows.append((one.metric, _signed(one.with_length), _signed(one.given_length), *last))
    return rows


def _tokens(found: Evidence) -> Rows:
    some = [one for one in found.metrics if one.given_tokens is not None]
    return [("metric", "rho", "rho given tokens"), *((o.metric, _signed(o.rho), _signed(o.given_tokens)) for o in some)]


def _without(found: Evidence) -> Rows:
    tested = any(one.without and one.without.p_adjusted is not None for one in found.metrics)
    rows: Rows = [("metric", "rho, all", "rho, without", "n", *(["adjusted p"] if tested else []), "")]
    for one in found.metrics:
        if one.without is not None:
            last = [chance(one.without.p_adjusted)] if tested else []
            reading = "vanishes" if one.without.vanishes else "stays"
            rho = _signed(one.without.rho)
            rows.append((one.metric, _signed(one.rho), rho, str(one.without.n), *last, reading))
    return rows


def _pooled(found: Evidence) -> Rows:
    rows: Rows = [("metric", "own", "published", "together (95% interval)", "source")]
    for one in found.metrics:
        both = one.pooled
        if both is not None:
            parts = [f"{_signed(rho)} ({weight:g})" for rho, weight in (both.own, both.published)]
            together = "conflict: not averaged" if both.conflict else _signed(both.rho)
            if both.low is not None and both.high is not None:
                together += f" ({_signed(both.low)} to {_signed(both.high)})"
            rows.append((one.metric, *parts, together, both.source))
    return rows


def _trends(found: Evidence) -> Rows:
    rows: Rows = [("metric", "slope", "interval", "degrees of freedom")]
    for one in found.metrics:
        if one.trend is not None:
            low, high = one.trend.low, one.trend.high
            span = "–" if low is None else f"{_signed(low)} to {_signed(high)}"
            rows.append((one.metric, _signed(one.trend.slope), span, str(one.trend.freedom)))
    return rows


def _controls(found: Evidence) -> Rows:
    rows: Rows = [("variant", "role", "measured", "value", "candidates below / above")]
    for one in found.controls:
        rows.append((one.variant, one.role, one.what, f"{one.value:.4g}", f"{one.below} / {one.above}"))
    return rows


def missing(found: Evidence) -> list[str]:
    """What took no part, and how often."""
    return [f"{reason}: {count:,}" for reason, count in found.missing]


def chance(p: float | None) -> str:
    """A p value as printed."""
    return "–" if p is None else "<0.0001" if p < 0.0001 else f"{p:.4f}"


def _signed(value: float | None, digits: int = 2) -> str:
    if value is None:
        return "–"
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text if text.strip("+−0.") else text[1:]


def _range(part: Jackknife | None) -> str:
    return "–" if part is None else f"{_signed(part.low)} {_signed(part.high)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def lines(found: Evidence) -> Sequence[tuple[str, list[str]]]:
    """What stands below the tables: heading and sentences."""
    parts = [
        ("What may be said", verdicts(found)),
        ("Took no part, and never counted as 0", missing(found)),
        ("Read with this", list(found.notes)),
        ("For the next study", list(found.advice)),
    ]
    return [(heading, sentences) for heading, sentences in parts if sentences]
