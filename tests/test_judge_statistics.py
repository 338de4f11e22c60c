"""Known answers, coverage and properties of the estimates that a judge's figures rest on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfscore.judge import agreement, estimates
from hfscore.judge.estimates import Estimate, Floats, corrected_rate, of_two, ppi_mean, share, wilson
from hfscore.records import Unscored

REPETITIONS = 300


def each_own(values: Sequence[object]) -> list[str]:
    return [str(index) for index in range(len(values))]


def known(found: Estimate | Unscored) -> Estimate:
    assert isinstance(found, Estimate), found
    return found


def test_wilson_known_answers() -> None:
    # 1 of 10 and 0 of 10, as published with R's binom and many textbooks
    assert wilson(1, 10) == pytest.approx((0.01788, 0.40415), abs=1e-5)
    assert wilson(0, 10) == pytest.approx((0.0, 0.27753), abs=1e-5)
    assert wilson(10, 10) == pytest.approx((0.72247, 1.0), abs=1e-5)


def test_share_of_independent_steps_is_wilson() -> None:
    hits = [True] * 7 + [False] * 3
    found = known(share(hits, each_own(hits)))
    assert (found.value, found.n, found.effective) == (0.7, 10, pytest.approx(10))
    assert (found.low, found.high) == pytest.approx(wilson(7, 10))
    assert found.count == pytest.approx((7.0, 10.0))


def test_steps_of_one_trace_are_not_independent() -> None:
    hits = [True] * 50 + [False] * 50
    alike = known(share(hits, [str(index // 10) for index in range(100)]))
    mixed = known(share(hits, [str(index % 10) for index in range(100)]))
    assert alike.effective == pytest.approx(10, rel=0.1)
    assert mixed.effective == 100
    all_right = known(share([True] * 100, [str(index // 10) for index in range(100)]))
    assert (all_right.low, all_right.high) == wilson(10, 10)


def test_nothing_is_no_number() -> None:
    assert share([], []) == estimates.NOTHING
    assert corrected_rate((0, 0), (1, 2), (1, 2)) == estimates.NOTHING
    assert agreement.cohen_kappa([], [], [], seed=0) == estimates.NOTHING
    assert isinstance(ppi_mean([1], [1], [1, 0]), Unscored)
    with pytest.raises(ValueError, match="finite"):
        Estimate(math.nan, 0, 1, 3)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=60))
def test_a_share_lies_in_its_interval(rows: list[tuple[bool, int]]) -> None:
    found = known(share([hit for hit, _ in rows], [str(cluster) for _, cluster in rows]))
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    assert 1 <= found.effective <= len(rows)


def test_f1_is_the_harmonic_mean() -> None:
    hits = [True] * 60 + [False] * 40
    free = [True] * 90 + [False] * 10
    found = of_two(estimates.harmonic, known(share(hits, each_own(hits))), known(share(free, each_own(free))), seed=0)
    assert found.value == pytest.approx(2 * 0.6 * 0.9 / 1.5)
    assert found.low < 0.68 < found.value < 0.76 < found.high
    none = known(share([False] * 9, each_own([0] * 9)))
    assert of_two(estimates.harmonic, none, none, seed=0).value == 0


def test_without_errors_a_corrected_rate_is_the_rate() -> None:
    found = known(corrected_rate((80, 100), (5000, 5000), (5000, 5000)))
    low, high = wilson(80, 100)
    assert found.value == pytest.approx(0.8)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)


def test_rogan_gladen_known_answer() -> None:
    found = known(corrected_rate((70, 100), (90, 100), (80, 100)))
    assert found.value == pytest.approx((0.7 + 0.8 - 1) / (0.9 + 0.8 - 1))
    assert found.low < found.value < found.high
    few = known(corrected_rate((70, 100), (9, 10), (8, 10)))
    assert few.value == pytest.approx(found.value)
    assert few.high - few.low > found.high - found.low


@pytest.mark.parametrize(("sensitivity", "specificity"), [((5, 10), (5, 10)), ((2, 10), (3, 10)), ((0, 1), (1, 1))])
def test_a_judge_no_better_than_chance_corrects_nothing(
    sensitivity: estimates.Count, specificity: estimates.Count
) -> None:
    assert corrected_rate((50, 100), sensitivity, specificity) == estimates.NO_BETTER


@given(*[st.tuples(st.integers(0, 60), st.integers(1, 60)).map(lambda x: (min(x), max(x))) for _ in range(3)])
def test_a_corrected_rate_is_a_rate_or_a_reason(
    observed: tuple[int, int], sensitivity: tuple[int, int], specificity: tuple[int, int]
) -> None:
    found = corrected_rate(observed, sensitivity, specificity)
    assert isinstance(found, Unscored) or 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(
    ("rate", "sensitivity", "specificity", "labelled"), [(0.9, 0.95, 0.8, 100), (0.5, 0.9, 0.9, 50)]
)
def test_coverage_of_corrected_rates(rate: float, sensitivity: float, specificity: float, labelled: int) -> None:
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(REPETITIONS):
        said = rng.binomial(1000, rate * sensitivity + (1 - rate) * (1 - specificity))
        found = known(
            corrected_rate(
                (said, 1000),
                (rng.binomial(labelled, sensitivity), labelled),
                (rng.binomial(labelled, specificity), labelled),
            )
        )
        covered += found.low <= rate <= found.high
    assert 0.90 <= covered / REPETITIONS <= 0.99


def test_ppi_of_a_perfect_judge_is_the_mean_of_all() -> None:
    rng = np.random.default_rng(0)
    everything = (rng.random(1100) < 0.7).astype(float)
    found = known(ppi_mean(everything[:100], everything[:100], everything[100:], power=1.0))
    assert found.value == pytest.approx(everything[100:].mean())
    tuned = known(ppi_mean(everything[:100], everything[:100], everything[100:]))
    assert tuned.value == pytest.approx(everything.mean(), abs=0.005)
    alone = known(share([bool(one) for one in everything[:100]], each_own([0] * 100)))
    assert tuned.high - tuned.low < (alone.high - alone.low) / 2


def test_ppi_without_power_or_without_more_steps_is_the_labelled_mean() -> None:
    labels, said = [1, 0, 1, 1, 0, 1], [1, 1, 1, 0, 0, 1]
    for found in (
        ppi_mean(labels, said, [1, 1, 1, 0], power=0.0),
        ppi_mean(labels, said, []),
        ppi_mean(labels, [1] * 6, [1]),
    ):
        assert known(found).value == pytest.approx(4 / 6)
    plain = known(ppi_mean(labels, said, [1, 0], power=0.0))
    deviation = np.std(labels, ddof=1) / math.sqrt(6)
    assert plain.high - plain.value == pytest.approx(estimates.Z * deviation)


def test_ppi_known_answer() -> None:
    # half of the others hold by the judge, and it misses one of four
    assert known(ppi_mean([1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 0, 0], power=1.0)).value == pytest.approx(0.75)


def test_ppi_interval_does_not_collapse() -> None:
    found = known(ppi_mean([1] * 50, [1] * 50, [1] * 500, binary=True))
    assert found.value == 1
    assert found.high == 1
    assert 0.9 < found.low < 0.99
    assert ppi_mean([1] * 9, [1] * 9, [1] * 9, clusters=(["one"] * 9, ["one"] * 9)) == estimates.TOO_FEW


@pytest.mark.parametrize(("rate", "quality"), [(0.9, 0.9), (0.6, 0.95), (0.95, 0.6), (0.7, 0.2)])
def test_coverage_of_ppi_whatever_the_judge_is_worth(rate: float, quality: float) -> None:
    rng = np.random.default_rng(11)
    covered, widths, plain = 0, [], []
    for _ in range(REPETITIONS):
        truth = rng.random(860) < rate
        said = np.where(rng.random(860) < quality, truth, ~truth)
        found = known(ppi_mean(truth[:60], said[:60], said[60:], binary=True))
        covered += found.low <= rate <= found.high
        widths.append(found.high - found.low)
        alone = known(ppi_mean(truth[:60], said[:60], said[60:], binary=True, power=0.0))
        plain.append(alone.high - alone.low)
    assert 0.90 <= covered / REPETITIONS <= 0.99
    if quality >= 0.9:
        assert np.mean(widths) < 0.9 * np.mean(plain)


def test_coverage_of_clustered_shares_and_ppi() -> None:
    rng = np.random.default_rng(3)
    covered, by_ppi = 0, 0
    for _ in range(REPETITIONS):
        base = rng.beta(6, 1, size=120)
        trace = np.repeat(np.arange(120), rng.integers(3, 12, size=120))
        truth = rng.random(len(trace)) < base[trace]
        said = np.where((rng.random(120) < 0.2)[trace], ~truth, truth)
        order = rng.permutation(len(trace))
        names = np.asarray([str(one) for one in trace])
        some, rest = order[:100], order[100:]
        one = known(share([bool(hit) for hit in truth], list(names)))
        covered += one.low <= 6 / 7 <= one.high
        clusters = (list(names[some]), list(names[rest]))
        two = known(ppi_mean(truth[some], said[some], said[rest], clusters=clusters, binary=True))
        by_ppi += two.low <= 6 / 7 <= two.high
    assert 0.90 <= covered / REPETITIONS <= 0.99
    assert 0.90 <= by_ppi / REPETITIONS <= 0.99


def test_kappa_known_answer() -> None:
    # The textbook table 20, 5 / 10, 15: agreement 0.7, chance 0.5, kappa 0.4
    one = [True] * 25 + [False] * 25
    other = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    found = known(agreement.cohen_kappa(one, other, each_own(one), seed=0))
    assert found.value == pytest.approx(0.4)
    # its asymptotic standard error is 0.13 (Fleiss, Cohen and Everitt 1969)
    assert (found.low, found.high) == pytest.approx((0.4 - 1.96 * 0.127, 0.4 + 1.96 * 0.127), abs=0.03)
    assert known(agreement.cohen_kappa(one, one, each_own(one), seed=0)).value == 1


def test_kappa_of_one_label_is_undefined() -> None:
    found = agreement.cohen_kappa([True] * 9, [True] * 9, each_own([0] * 9), seed=0)
    assert isinstance(found, Unscored)
    assert "undefined" in found.reason
    rare = [False] * 200 + [True]
    assert isinstance(agreement.cohen_kappa(rare, rare, each_own(rare), seed=0), Unscored)
    assert agreement.cohen_kappa([True, False], [False, True], ["a", "a"], seed=0) == estimates.TOO_FEW


def test_flip_rate() -> None:
    assert (
        known(agreement.flip_rate([True, True, False, False], [True, False, False, False], list("abcd"))).value == 0.25
    )


def test_brier_and_calibration_known_answers() -> None:
    chances, outcomes = [0.9] * 10 + [0.25] * 4, [True] * 8 + [False] * 2 + [True] + [False] * 3
    clusters = each_own(chances)
    score = known(agreement.brier(chances, outcomes, clusters, seed=0))
    assert score.value == pytest.approx((8 * 0.01 + 2 * 0.81 + 0.5625 + 3 * 0.0625) / 14)
    # |0.9 - 0.8| over ten of fourteen, and a bin that is right on average
    error = known(agreement.calibration_error(chances, outcomes, clusters, seed=0))
    assert error.value == pytest.approx(0.1 * 10 / 14)
    assert error.low <= error.value <= error.high
    assert agreement.brier([0.5] * 3, [True] * 3, list("abc"), seed=0) == estimates.TOO_FEW
    assert known(agreement.calibration_error([1.0] * 6, [True] * 6, each_own([0] * 6), seed=0)).value == 0


def test_means_are_elementwise() -> None:
    one: Floats = np.array([0.0, 0.5, 1.0])
    assert estimates.harmonic(one, one[::-1]).tolist() == [0.0, 0.5, 0.0]
    assert estimates.average(one, one[::-1]).tolist() == [0.5, 0.5, 0.5]
