"""How often `evidence fit` errs, on data of a known kind: `python -m benchmarks.evidence_errors --trials 2000`.

Errors, not speed: one process, every figure a share of simulated studies with its binomial standard error. The figures
in docs/evidence.md are from this file.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from math import sqrt
from typing import Any

import numpy as np

from hfscore.evidence import Evidence, fit_evidence
from hfscore.evidence.permutation import Test, arrangements, permutation_test
from hfscore.evidence.ranks import Floats

NOMINAL = 0.05
METRICS, MODELS = 8, 3
LIKE_EACH_OTHER = 0.7  # correlation of metrics with each other, and of models' outcomes with each other


def null_study(rng: np.random.Generator, n: int) -> list[Test]:
    """Metrics that say nothing of outcomes; both are alike among themselves, and rounded, so that some tie."""
    xs, ys = (
        np.round(sqrt(LIKE_EACH_OTHER) * rng.normal(size=n) + sqrt(1 - LIKE_EACH_OTHER) * rng.normal(size=(k, n)), 1)
        for k in (METRICS, MODELS)
    )
    tests = [Test(x, y, 0, group) for group, x in enumerate(xs) for y in ys]
    return [test for test in tests if np.ptp(test.x) and np.ptp(test.y)]


def false_positives(n: int, trials: int, *, draws: int, seed: int) -> dict[str, float]:
    """Shares of null studies of n variants that find something at a nominal 5%.

    Returns:
        "metrics": any adjusted p of a metric's mean over models; "pairs": any adjusted p of a metric on a model;
        "raw": any raw p, what happens without adjustment.
    """
    rng = np.random.default_rng([seed, n])
    found: Counter[str] = Counter()
    for _ in range(trials):
        orders = arrangements(n, draws=draws, seed=int(rng.integers(2**32)))
        pairs, metrics = permutation_test(null_study(rng, n), orders)
        found["metrics"] += any(one.adjusted <= NOMINAL for one in metrics)
        found["pairs"] += any(one.adjusted <= NOMINAL for one in pairs)
        found["raw"] += any(one.raw <= NOMINAL for one in pairs)
    return {name: found[name] / trials for name in ("metrics", "pairs", "raw")}


def planted(rng: np.random.Generator, n: int) -> dict[str, Floats]:
    """Metric m0 orders outcomes but for little noise, as closely as published for the rank-surprisal ratio."""
    quality = rng.normal(size=n)
    columns = {"m0": quality + 0.4 * rng.normal(size=n), "length": rng.normal(size=n)}
    columns |= {f"m{index}": rng.normal(size=n) for index in range(1, METRICS)}
    return columns | {f"score {model}": quality + 0.3 * rng.normal(size=n) for model in range(MODELS)}


def length_driven(rng: np.random.Generator, n: int) -> dict[str, Floats]:
    """Outcomes follow length; metric m0 is length measured with noise, and knows nothing else."""
    length = rng.normal(size=n)
    columns = {"m0": length + 0.3 * rng.normal(size=n), "length": length}
    columns |= {f"m{index}": rng.normal(size=n) for index in range(1, METRICS)}
    return columns | {f"score {model}": length + 0.5 * rng.normal(size=n) for model in range(MODELS)}


def fitted(columns: dict[str, Floats], *, draws: int) -> Evidence:
    """The fit of a simulated study, its columns as the two tables."""
    return fit_evidence(
        list(_rows(columns, "m", "length")), list(_rows(columns, "score")), length_metric="length", draws=draws
    )


def _rows(columns: dict[str, Floats], *starts: str) -> Iterator[dict[str, Any]]:
    for name, column in columns.items():
        if name.startswith(starts):
            for index, value in enumerate(column):
                row = {"variant_id": f"v{index}", "value": value, "score": value, "metric_id": name}
                yield row | {"model_id": name, "benchmark": "b"}


def verdicts(
    study: Callable[[np.random.Generator, int], dict[str, Floats]], n: int, trials: int, *, draws: int, seed: int
) -> dict[str, float]:
    """Shares of simulated studies by the verdict on m0; "found" is an adjusted p of at most 5%."""
    rng = np.random.default_rng([seed, n, 1])
    counts: Counter[str] = Counter()
    for _ in range(trials):
        m0 = next(one for one in fitted(study(rng, n), draws=draws).metrics if one.metric == "m0")
        counts[m0.verdict] += 1
        counts["found"] += m0.p_adjusted is not None and m0.p_adjusted <= NOMINAL
    return {name: count / trials for name, count in counts.items()}


def main() -> None:
    """Print every figure as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=1999)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    error = sqrt(NOMINAL * (1 - NOMINAL) / given.trials)
    print(f"{given.trials:,} studies each, {METRICS} metrics, {MODELS} models; standard error at 5%: {error:.2%}\n")
    print("| variants | any metric, adjusted | any metric on a model, adjusted | any, not adjusted |")
    print("| --- | --- | --- | --- |")
    for n in range(5, 13):
        rate = false_positives(n, given.trials, draws=given.draws, seed=given.seed)
        print(f"| {n} | {rate['metrics']:.1%} | {rate['pairs']:.1%} | {rate['raw']:.1%} |", flush=True)
    for study in (planted, length_driven):
        for n in (8, 11):
            shares = verdicts(study, n, given.trials // 4, draws=given.draws, seed=given.seed)
            said = ", ".join(f"{name} {share:.1%}" for name, share in sorted(shares.items()))
            print(f"\n{study.__name__}, n = {n}, {given.trials // 4:,} studies: {said}", flush=True)


if __name__ == "__main__":
    main()
