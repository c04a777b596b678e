"""What each argument may be: the same number in every dress, and the line between good and bad."""

from __future__ import annotations

import decimal
import fractions
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import (
    Refusal,
    adjust,
    best_alpha,
    bootstrap_mean,
    clustered_difference,
    compare_to_controls,
    control_correlation,
    controls_power,
    dose_response,
    equivalence,
    equivalence_power,
    futility,
    max_t,
    mcnemar,
    mcnemar_power,
    minimum_detectable_effect,
    missing_table,
    paired_counts,
    paired_difference,
    permutation_test,
    sample_size,
    signed_power,
    stamped,
    stratified_difference,
    stratum_homogeneity,
    trend_power,
)
from analysis.statistics import checks
from analysis.statistics.controls import controls_needed
from analysis.statistics.effect_sizes import FAR, noncentral_t_cdf, noncentrality_bounds
from analysis.statistics.freeman_halton import _drawn, fisher_freeman_halton
from analysis.statistics.power import likely
from analysis.vocabulary import Tail, checked


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize(
    "four", [4, 4.0, np.int8(4), np.uint64(4), np.float32(4), decimal.Decimal(4), np.array(4.0)]
)
def test_a_whole_number_is_a_count_in_every_dress(four: Any) -> None:
    assert mcnemar(four, 2).p == mcnemar(4, 2).p
    assert adjust([0.01], family_size=four).family_size == 4


@pytest.mark.parametrize(
    "bad", [4.5, "4", True, None, pd.NA, float("nan"), 2**70, -1, 4j, 10**8 + 1, np.ma.masked]
)
def test_what_is_no_count_is_refused(bad: Any) -> None:
    with pytest.raises(Refusal, match="gained"):
        mcnemar(bad, 2)
    with pytest.raises(Refusal, match="family_size"):
        adjust([0.01], family_size=bad)


def test_the_largest_counts_keep_their_digits() -> None:
    gained, lost = 50_010_000, 49_990_000
    chi2 = mcnemar(gained, lost, method="chi2")
    assert (chi2.statistic, chi2.p) == pytest.approx((4.0, stats.chi2.sf(4.0, 1)))
    interval = paired_difference(gained, lost, 10**8)
    assert (interval.low, interval.high) == pytest.approx((4e-6, 3.96e-4), rel=1e-2)


@pytest.mark.parametrize("level", [95, 0.0, 1.0, -0.1, "0.95", None, float("nan"), [0.95], 1e-12])
def test_a_level_is_a_fraction(level: Any) -> None:
    for refused in (
        lambda: compare_to_controls(0.1, [0.2, 0.3, 0.5], confidence=level),
        lambda: clustered_difference({}, rng=rng(), confidence=level),
        lambda: dose_response(np.eye(3), [-1, 0, 1], rng=rng(), confidence=level),
        lambda: controls_power(5, model="fixed", significance=level),
    ):
        with pytest.raises(Refusal, match=r"confidence|significance"):
            refused()


def test_effects_and_draws_that_decided_silently() -> None:
    with pytest.raises(Refusal, match="effect"):
        futility(4, 2, 20, planned_n=60, effect=float("nan"), discordance=0.3)
    for resamples in (-5, 0, 2.5, 10**9, "99"):
        with pytest.raises(Refusal, match="resamples"):
            permutation_test([0.5] * 20, rng=rng(), resamples=resamples)  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="rng"):
        bootstrap_mean([1.0, 2.0], rng=7)  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="family_size"):
        compare_to_controls(0.1, [0.2, 0.3], family_size=0)
    for needless in ({"significance": 0.0}, {"family_size": 0}, {"tail": "both"}):
        with pytest.raises(Refusal, match=next(iter(needless))):
            controls_needed(**{"significance": 0.05} | needless)
    with pytest.raises(Refusal, match="stamped"):
        stamped(0.05)  # type: ignore[type-var]
    assert adjust([0.0, 0.5], family_size=2).p[0] == np.finfo(float).tiny


def test_a_word_of_any_type_is_refused_in_one_line() -> None:
    with pytest.raises(Refusal, match="did you mean greater"):
        checked("greatr", Tail, "tail")
    for word in (pd.NA, np.array(["greater"]), np.zeros((9, 9)), ["less"], None):
        with pytest.raises(Refusal) as refusal:
            checked(word, Tail, "tail")
        assert "\n" not in str(refusal.value)


def test_numbers_of_any_dress_and_what_is_none() -> None:
    nullable = pd.Series([1, None, 0], dtype="Int64")
    masked = np.ma.masked_array([1.0, 5.0, 0.0], mask=[False, True, False])
    dresses: list[Any] = [[1, None, 0], nullable, masked]
    truths: Any = [True, pd.NA, False]
    np.testing.assert_array_equal(checks.answers("values", truths), [1, np.nan, 0])
    for values in dresses:
        read = checks.numbers("values", values, missing=True)
        np.testing.assert_array_equal(read, [1.0, np.nan, 0.0])
        with pytest.raises(Refusal, match="1 of 3 are missing"):
            checks.numbers("values", values)
    none: list[Any] = [["1", "2"], [[1], [1, 2]], [1j], [1e200], [1e-160, 1.0], [np.inf], {1.0}]
    for bad in none:
        with pytest.raises(Refusal, match="values"):
            checks.numbers("values", bad, missing=True)
    assert missing_table([1, None, 0], [True, pd.NA, np.nan]).tolist() == [
        [1, 0, 0], [0, 0, 1], [0, 0, 1],
    ]  # fmt: skip


def test_ids_are_told_apart_and_none_is_missing() -> None:
    index, n = checks.labels("problem", ["b", "a", "b"])
    assert (index.tolist(), n) == ([1, 0, 1], 2)
    assert checks.labels("problem", [2**63, 2**63 + 1])[1] == 2
    for bad in ([np.nan, np.nan], [None, "a"], [pd.NA, 1], [1, "1"], "ab", {1, 2}, [[1], [2]], 7):
        with pytest.raises(Refusal, match="problem"):
            checks.labels("problem", bad)
    with pytest.raises(Refusal, match="missing id at position 1"):
        paired_counts([0, 1], [1, 1], problem=["a", float("nan")])
    table = {"problem": [np.nan, np.nan, 1, 2], "steered": [0, 1, 1, 1], "baseline": [0] * 4}
    with pytest.raises(Refusal, match="missing id at position 0"):
        clustered_difference(table, rng=rng(), pairing="seeds")


@pytest.mark.parametrize("pairing", ["independent", "seeds"])
def test_a_dropped_problem_is_in_no_variance(pairing: Any) -> None:
    # d has outcomes that differ much on one side, and none on the other.
    table: dict[str, list[Any]] = {
        "problem": ["a", "a", "b", "b", "c", "c"],
        "steered": [0, 1, 1, 1, 0, 1],
        "baseline": [0, 0, 0, 1, 0, 0],
    }
    more = {
        "problem": [*table["problem"], "d", "d"],
        "steered": [*table["steered"], 0, 1],
        "baseline": [*table["baseline"], np.nan, np.nan],
    }
    clean = clustered_difference(table, rng=rng(), pairing=pairing, resamples=99)
    found = clustered_difference(more, rng=rng(), pairing=pairing, resamples=99)
    assert found.dropped == 1
    assert (found.within, found.design_effect) == (clean.within, clean.design_effect)


def test_a_problem_without_an_outcome_under_each_direction_is_in_no_variance() -> None:
    table: dict[str, list[Any]] = {"problem": [], "direction": [], "steered": [], "baseline": []}
    steered = {"a": (0, 1, 1, 1), "b": (1, 1, 0, 1), "c": (0, 0, 1, 0), "d": (-5, 9)}
    for problem, outcomes in steered.items():
        table["problem"] += [problem] * len(outcomes)
        table["direction"] += ["u", "u", "v", "v"][: len(outcomes)]
        table["steered"] += outcomes
        table["baseline"] += [0] * len(outcomes)
    found = clustered_difference(table, rng=rng(), pairing="seeds", scope="new problems")
    # Six cells of two outcomes; four of the cells differ within, by one.
    assert (found.n, found.dropped) == (3, 1)
    assert found.within == pytest.approx(3 * 0.5 / 6)


def test_the_two_sides_of_independent_draws_have_their_own_freedom() -> None:
    # Steered: squares 0.5 + 0.5 over 2 spare outcomes; baseline: 2/3 over 2 in a alone.
    table = {
        "problem": ["a", "a", "a", "b", "b"],
        "steered": [0, 1, np.nan, 1, 0],
        "baseline": [0, 1, 1, 0, np.nan],
    }
    found = clustered_difference(table, rng=rng(), pairing="independent", resamples=99)
    assert found.within == pytest.approx(1.0 / 2 + (2 / 3) / 2)


def test_mirrored_doses_may_differ_by_rounding() -> None:
    y = rng().integers(0, 2, size=(40, 5)).astype(float)
    clean = dose_response(y, [-0.3, -0.1, 0.0, 0.1, 0.3], rng=rng(), resamples=199)
    rounded = [-0.3, -0.1, 1e-17, 0.1, 0.1 * 3]
    assert rounded[-1] != 0.3
    found = dose_response(y, rounded, rng=rng(), resamples=199)
    assert found.unpaired_alphas == ()
    assert found.sizes == pytest.approx([0.1, 0.3], rel=1e-12)
    assert (found.p, found.estimate) == pytest.approx((clean.p, clean.estimate))
    with pytest.raises(Refusal, match="twice"):
        dose_response(y, [-0.3, 0.3, 0.0, 0.1, 0.1 * 3], rng=rng(), resamples=199)
    apart = dose_response(y, [-0.3, -0.1, 0.0, 0.1, 0.3001], rng=rng(), resamples=199)
    assert apart.unpaired_alphas == (-0.3, 0.3001)


@pytest.mark.parametrize(
    ("gained", "lost", "draws"),
    [
        # A table too large for each limit of the network by itself, and the largest that is taken.
        ([430, 450, 470] * 4, [470, 450, 430] * 4, 99_999),
        ([20, 30, 40] * 5, [30, 20, 35] * 5, 99_999),
        ([100_000, 60_500, 40_000], [99_000, 60_000, 40_500], 99_999),
        ([3, 2] * 100 + [100], [4, 5] * 100 + [100], 19_900),
        ([1_000_000, 1_000_100], [1_000_200, 1_000_000], 99_999),
        ([10_000_000] * 5, [9_999_000, 10_000_000] * 2 + [9_999_500], 99_999),
    ],
)
def test_homogeneity_of_many_pairs_ends_and_says_how(
    gained: list[int], lost: list[int], draws: int
) -> None:
    started = time.process_time()
    found = stratum_homogeneity(gained, lost)
    assert time.process_time() - started < 10
    assert (found.method, found.status) == (f"Fisher–Freeman–Halton of {draws:,} draws", "ok")
    assert found.resamples == draws
    # With so many pairs chi-square is near; four standard errors of the draws, and a little.
    assert found.p == pytest.approx(found.chi2_p, abs=4 * np.sqrt(0.25 / draws) + 0.01)


def test_a_drawn_p_of_homogeneity_is_never_nothing() -> None:
    assert stratum_homogeneity([2_000_000, 1_000_000], [1_000_000, 2_000_000]).p == 1 / 100_000


def test_homogeneity_of_two_strata_is_exact_up_to_a_million() -> None:
    found = stratum_homogeneity([400_000, 300_000], [399_000, 301_000])
    assert (found.method, found.resamples) == ("Fisher–Freeman–Halton exact", 0)
    assert found.p == pytest.approx(stats.fisher_exact([[400_000, 399_000], [300_000, 301_000]])[1])
    with pytest.raises(Refusal, match="strata"):
        stratum_homogeneity([1] * 10_001, [1] * 10_001)
    with pytest.raises(Refusal, match="all strata"):
        stratum_homogeneity([10**8] * 2, [10**8] * 2)


@pytest.mark.parametrize(
    ("gained", "lost"), [([3, 9, 1], [7, 2, 4]), ([20, 5, 0], [10, 9, 1]), ([4, 4], [4, 4])]
)
def test_drawn_tables_give_the_exact_p(gained: list[int], lost: list[int]) -> None:
    sizes, observed = np.add(gained, lost), np.array(gained)
    exact, drawn = fisher_freeman_halton(observed, np.array(lost))
    assert drawn == 0
    assert _drawn(sizes, observed) == pytest.approx(exact, abs=4 * np.sqrt(0.25 / 99_999))


def test_far_candidates_keep_their_interval() -> None:
    # Where the series still converges, the form without the normal part agrees with it.
    near, far = noncentrality_bounds(0.999 * FAR, 4), noncentrality_bounds(1.001 * FAR, 4)
    assert np.divide(far, near) == pytest.approx(np.full(2, 1.001 / 0.999), rel=1e-6)
    assert noncentral_t_cdf(0.999 * FAR, 4, near[0]) == pytest.approx(0.975, abs=1e-6)
    mirrored = noncentrality_bounds(-1e7, 4)
    assert mirrored[0] == pytest.approx(-noncentrality_bounds(1e7, 4)[1])
    found = compare_to_controls(1e7, [0.1, 0.3, -0.1, 0.2])
    assert found.d_low_random < found.d < found.d_high_random


@pytest.mark.parametrize(
    "tenth", [fractions.Fraction(1, 10), decimal.Decimal("0.1"), np.float64(0.1), np.array(0.1)]
)
@pytest.mark.parametrize(
    "asked",
    [
        lambda x: mcnemar_power(100, effect=x, discordance=0.3),
        lambda x: mcnemar_power(100, effect=0.05, discordance=x),
        lambda x: mcnemar_power(100, effect=0.05, discordance=0.3, significance=x),
        lambda x: minimum_detectable_effect(100, discordance=0.3, significance=x),
        lambda x: sample_size(effect=x, discordance=0.3),
        lambda x: futility(4, 2, 20, planned_n=60, effect=x, discordance=0.3),
        lambda x: futility(4, 2, 20, planned_n=60, effect=0.05, discordance=x),
        lambda x: futility(4, 2, 20, planned_n=60, effect=0.05, discordance=0.3, significance=x),
        lambda x: equivalence(4, 2, 86, margin=x),
        lambda x: equivalence(4, 2, 86, margin=0.05, significance=x),
        lambda x: equivalence_power(50, margin=x, discordance=0.3, effect=x),
        lambda x: signed_power(100, signed=x, discordance=0.3),
        lambda x: trend_power(100, slope=x, alphas=[1], discordance=0.3, correlation=x),
        lambda x: controls_power(9, gap=x, model="fixed", significance=x),
    ],
)
def test_a_number_counts_in_every_dress(asked: Any, tenth: Any) -> None:
    expected, found = asked(0.1).as_dict(), asked(tenth).as_dict()
    assert found == expected
    assert {type(value) for value in found.values()} == {type(value) for value in expected.values()}


@pytest.mark.parametrize(
    "asked",
    [
        lambda: mcnemar([True, 2], [2, 3]),
        lambda: mcnemar(np.array([True]), [2]),
        lambda: mcnemar_power(100, effect=0.05, discordance=True),
        lambda: trend_power(100, slope=0.01, alphas=[1], discordance=0.3, correlation=True),
        lambda: adjust(True, family_size=1),
        lambda: adjust([0.1, True], family_size=2),
        lambda: adjust(np.array([0.1, True], dtype=object), family_size=2),
        lambda: compare_to_controls(True, [0.1, 0.2]),
    ],
)
def test_true_is_no_number(asked: Any) -> None:
    with pytest.raises(Refusal, match="True and False are outcomes"):
        asked()


def test_true_is_an_outcome() -> None:
    assert paired_counts([True, False, True], [False, True, True]) == (1, 1, 3)


def test_too_few_draws_are_refused() -> None:
    y = np.array([[0, 1], [1, 0], [1, 1], [0, 1]], float)
    asked: list[Any] = [
        lambda count: max_t(y, [0, 0, 1, 0], rng=rng(), resamples=count),
        lambda count: permutation_test(np.arange(40) - 3.0, rng=rng(), resamples=count),
        lambda count: dose_response(y, [-1, 1], baseline=[0, 0, 1, 0], rng=rng(), resamples=count),
        lambda count: best_alpha(y, [0, 0, 1, 0], rng=rng(), resamples=count),
        lambda count: control_correlation(y - 0.5, rng=rng(), resamples=count),
    ]
    for function in asked:
        function(19)
        with pytest.raises(Refusal, match="resamples = 18 is too few"):
            function(18)


def test_right_and_wrong_are_not_compared_with_other_numbers() -> None:
    table = {"problem": [1, 2, 3], "steered": [1, 0, 1], "baseline": [7, 0, 1]}
    with pytest.raises(Refusal, match="the other holds 7"):
        clustered_difference(table, rng=rng())
    with pytest.raises(Refusal, match="the other holds -2"):
        max_t([[-2.0], [0.5]], [0, 1], rng=rng())
    # A metric on both sides, shares on both sides, and missing answers are what they were.
    assert max_t([[-2.0], [0.5]], [0.1, 1.2], rng=rng()).n.tolist() == [2]
    assert max_t([[0.5], [0.25]], [0, 1], rng=rng()).n.tolist() == [2]
    assert max_t([[1.0], [np.nan]], [0, 1], rng=rng()).n.tolist() == [1]


def test_infinite_limits_have_a_status() -> None:
    found = max_t([[0.5, 1.2], [0.1, 0.3], [2.0, 0.1]], [0.0, 0.0, 0.0], rng=rng())
    assert np.isinf(found.low).all()
    assert list(found.status) == ["degenerate"] * 2


def test_controls_that_all_do_the_same_are_correlated_however_few() -> None:
    one = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], 200)
    assert control_correlation([one, one], rng=rng()).status == "correlated_controls"
    assert control_correlation([one] * 5, rng=rng()).status == "correlated_controls"
    # One of them differs: too few controls for a p of .01, until there are more.
    other = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], 200)
    assert control_correlation([one] * 4 + [other], rng=rng()).status == "too_few_controls"
    assert control_correlation([one] * 9 + [other], rng=rng()).status == "correlated_controls"
    apart = np.random.default_rng(2).choice([-1.0, 0.0, 1.0], (8, 200))
    assert control_correlation(apart, rng=rng()).status == "ok"


def test_a_run_without_a_name_is_refused() -> None:
    for name in ("", "  "):
        with pytest.raises(Refusal, match="strata_run must be text"):
            stratified_difference([4, 1], [2, 3], [20, 30], strata_run=name)


def test_searches_for_tiny_effects_end() -> None:
    started = time.process_time()
    found = sample_size(effect=1e-6, discordance=0.3, largest=10**6)
    assert (found.status, found.n) == ("not_converged", 10**6)
    small = sample_size(effect=0.01, discordance=0.3)
    assert mcnemar_power(int(small.problems), effect=0.01, discordance=0.3).power >= 0.8
    assert time.process_time() - started < 20


def test_only_counts_with_weight_are_summed() -> None:
    for n, rate in ((1, 0.5), (50, 1.0), (10**6, 0.3), (10**6, 0.999)):
        changed = likely(n, rate)
        assert stats.binom.pmf(changed, n, rate).sum() == pytest.approx(1, abs=1e-12)
        assert len(changed) <= 20 * np.sqrt(n * rate * (1 - rate)) + 40
