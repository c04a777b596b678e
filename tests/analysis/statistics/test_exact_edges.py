"""Power, looks before the end, strata and the candidate's difference: sums written out in loops."""

from __future__ import annotations

from math import comb, log
from typing import Any

import numpy as np
import pytest
from scipy import optimize, special, stats

from analysis import (
    Refusal,
    candidate_minus_controls,
    compare_signed_to_controls,
    compare_to_controls,
    confidence_sequence,
    control_spread,
    controls_power,
    discordance,
    e_value,
    futility,
    mcnemar,
    mcnemar_power,
    minimum_detectable_effect,
    missing_bounds,
    paired_counts,
    paired_difference,
    sample_size,
    sign_test,
    stratified_difference,
    stratum_homogeneity,
    wilson,
)
from analysis.statistics.effect_sizes import noncentrality_bounds


def rejection_probability(
    n: int, gain: float, loss: float, before: tuple[int, int] = (0, 0)
) -> Any:
    """Chance that n more pairs bring mid-p to 0.05, by every (gained, lost)."""
    total = 0.0
    for g in range(n + 1):
        for x in range(n + 1 - g):
            weight = (
                comb(n, g) * comb(n - g, x) * gain**g * loss**x * (1 - gain - loss) ** (n - g - x)
            )
            total += weight * float(mcnemar(before[0] + g, before[1] + x).p <= 0.05)
    return total


@pytest.mark.parametrize(("n", "effect", "rate"), [(1, 0.3, 0.5), (13, 0.2, 0.5), (17, -0.4, 0.6)])
def test_power_is_the_sum_over_all_tables(n: int, effect: float, rate: float) -> None:
    found = mcnemar_power(n, effect=effect, discordance=rate)
    expected = rejection_probability(n, (rate + effect) / 2, (rate - effect) / 2)
    assert found.power == pytest.approx(expected, rel=1e-9)
    assert (found.n, found.effect, found.discordance) == (n, effect, rate)
    with pytest.raises(Refusal, match="at least 1"):
        mcnemar_power(0, effect=0.1, discordance=0.2)
    with pytest.raises(Refusal, match="at least 1"):
        minimum_detectable_effect(0, discordance=0.2)
    assert minimum_detectable_effect(1, discordance=1.0).status == "not_converged"


def test_all_changes_in_one_direction_have_a_power() -> None:
    assert mcnemar_power(10, effect=0.5, discordance=0.5).power == pytest.approx(
        rejection_probability(10, 0.5, 0.0)
    )
    assert mcnemar_power(9, effect=1.0, discordance=1.0).power == pytest.approx(1.0)


def test_problems_needed_stay_enough_for_a_twentieth_more() -> None:
    found = sample_size(effect=0.3, discordance=0.4)
    needed = int(found.problems)
    powers = {n: mcnemar_power(n, effect=0.3, discordance=0.4).power for n in range(1, needed * 2)}

    def kept(n: Any) -> bool:
        return all(powers[m] >= 0.8 for m in range(n, n + n // 20 + 2))

    assert kept(needed)
    assert powers[needed] == found.power
    assert (found.n, found.asked, found.status) == (needed, 0.8, "ok")
    assert powers[needed - 1] < 0.8
    few = sample_size(effect=0.3, discordance=0.4, largest=16)
    assert (few.status, few.n, np.isnan(few.problems)) == ("not_converged", 16, True)


@pytest.mark.parametrize(("gained", "lost", "n", "planned"), [(2, 1, 6, 14), (5, 0, 9, 17)])
def test_futility_is_the_sum_over_what_is_to_come(
    gained: int, lost: int, n: int, planned: int
) -> None:
    found = futility(gained, lost, n, planned_n=planned, effect=0.2, discordance=0.6)
    expected = rejection_probability(planned - n, 0.4, 0.2, (gained, lost))
    assert found.conditional_power == pytest.approx(expected, rel=1e-9)
    assert (found.stop, found.n, found.planned_n) == (expected < 0.1, n, planned)


def test_stopping_starts_below_the_threshold() -> None:
    options: dict[str, Any] = {"planned_n": 14, "effect": 0.2, "discordance": 0.6}
    power = futility(2, 1, 6, **options).conditional_power
    assert not futility(2, 1, 6, threshold=power, **options).stop
    assert futility(2, 1, 6, threshold=power + 1e-9, **options).stop
    assert futility(8, 0, 8, planned_n=8, effect=0.6, discordance=0.6).conditional_power == 1.0
    with pytest.raises(Refusal, match="already seen"):
        futility(2, 1, 6, planned_n=5, effect=0.2, discordance=0.6)


def limits(accepts: Any, centre: float, low: float, high: float) -> tuple[float, float]:
    """Where a test that accepts `centre` stops accepting, to either side, by bisection."""
    found = []
    for end in (low, high):
        near, far = centre, end
        if accepts(end):
            found.append(end)
            continue
        for _ in range(80):
            middle = (near + far) / 2
            near, far = (middle, far) if accepts(middle) else (near, middle)
        found.append(far)
    return found[0], found[1]


def binomial_limits(k: int, n: int, error: float) -> tuple[float, float]:
    def accepts(share: float) -> bool:
        ratio = special.betaln(k + 1, n - k + 1) - special.xlogy(k, share)
        return bool(ratio - special.xlog1py(n - k, -share) < -log(error))

    return limits(accepts, k / n if n else 0.5, 0.0, 1.0)


TABLES = [(9, 2, 30), (2, 9, 30), (0, 5, 12), (14, 13, 60), (12, 0, 12)]


@pytest.mark.parametrize(("gained", "lost", "n"), TABLES)
def test_joined_sequences_halve_the_error(gained: int, lost: int, n: int) -> None:
    found = confidence_sequence(gained, lost, n)
    share = [2 * t - 1 for t in binomial_limits(gained, gained + lost, 0.025)]
    rate = binomial_limits(gained + lost, n, 0.025)
    low = min(share[0] * rate[0], share[0] * rate[1])
    high = max(share[1] * rate[0], share[1] * rate[1])
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
    assert (found.share_low, found.share_high) == pytest.approx(
        binomial_limits(gained, gained + lost, 0.05), abs=1e-9
    )
    assert found.estimate == pytest.approx((gained - lost) / n)
    alone = confidence_sequence(gained, lost)
    assert alone.estimate == pytest.approx(gained / (gained + lost))
    assert (alone.low, alone.n) == (found.share_low, gained + lost)


@pytest.mark.parametrize(("gained", "lost", "n"), TABLES[:4])
def test_the_multinomial_sequence_bets_with_jeffreys(gained: int, lost: int, n: int) -> None:
    cells = np.array([gained, lost, n - gained - lost])
    mixture = (
        special.gammaln(cells + 0.5).sum() - special.gammaln(n + 1.5)
        - 3 * special.gammaln(0.5) + special.gammaln(1.5)
    )  # fmt: skip

    def accepts(effect: float) -> bool:
        def minus_likelihood(loss: float) -> float:
            shares = np.array([loss + effect, loss, 1 - effect - 2 * loss])
            return -float(special.xlogy(cells, np.clip(shares, 0, 1)).sum())

        bounds = max(0.0, -effect), (1 - effect) / 2
        best = optimize.minimize_scalar(
            minus_likelihood, bounds=bounds, method="bounded", options={"xatol": 1e-12}
        ).fun
        return bool(mixture + min(best, *(minus_likelihood(b) for b in bounds)) < log(20))

    found = confidence_sequence(gained, lost, n, method="multinomial")
    expected = limits(accepts, (gained - lost) / n, -1.0, 1.0)
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-5)


def test_nothing_seen_bounds_nothing() -> None:
    found = confidence_sequence([0, 0], [0, 0], [5, 50])
    assert found.share_low.tolist() == [0.0, 0.0]
    assert found.share_high.tolist() == [1.0, 1.0]
    assert np.isnan(confidence_sequence(0, 0).estimate)
    assert e_value([0, 3], [0, 1]).p.tolist() == [1.0, pytest.approx(min(1, 20 / 16))]


def test_the_candidates_difference_by_hand() -> None:
    own = np.array([1.0, 0.0, 1.0, 1.0, 0.5, np.nan, 1.0])
    others = np.array(
        [[1, 0, 1], [0, 0, 1], [0, 0, 0], [1, 0, 1], [0, 0.5, 0], [1, 1, 1], [0, np.nan, 1]], float
    )
    kept, rest = own[:5], others[:5]
    each = kept - rest.mean(axis=1)
    test = stats.ttest_1samp(each, 0.0)
    bounds = test.confidence_interval()
    found = candidate_minus_controls(own, others)
    assert (found.n, found.k, found.dropped, found.df) == (5, 3, 2, 4)
    assert found.estimate == pytest.approx(each.mean())
    assert (found.p, found.statistic) == pytest.approx((test.pvalue, test.statistic))
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high))
    assert found.standard_error == pytest.approx(stats.sem(each))
    assert found.variance_problems == pytest.approx(each.var(ddof=1) / 5)
    assert found.variance_directions == 0.0
    with pytest.raises(Refusal, match="1 problems"):
        candidate_minus_controls(own[:1], others[:1])
    with pytest.raises(Refusal, match="unknown scope"):
        candidate_minus_controls(own, others, scope="all")  # type: ignore[arg-type]


def test_new_directions_add_their_variance_and_satterthwaites_df() -> None:
    draws = np.random.default_rng(3)
    others = draws.normal([0.0, 0.8, -0.5, 0.3], 0.4, (9, 4))
    own = draws.normal(1.0, 0.5, 9)
    spread = control_spread(others)
    problems = (own - others.mean(axis=1)).var(ddof=1) / 9
    directions = spread.directions / 4
    assert directions > 0
    df = (problems + directions) ** 2 / ((spread.total / 4) ** 2 / 3 + problems**2 / 8)
    assert 3 < df < 8
    found = candidate_minus_controls(own, others, scope="new problems and directions")
    error = np.sqrt(problems + directions)
    assert (found.standard_error, found.df) == pytest.approx((error, df))
    assert found.variance_directions == pytest.approx(directions)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.estimate) / error, df))
    half = stats.t.ppf(0.975, df) * error
    assert found.low == pytest.approx(found.estimate - half)


def test_the_spread_of_controls_by_hand() -> None:
    y = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 1], [0, 0, 0], [1, np.nan, 1]], float)
    kept = y[:4]
    found = control_spread(y)
    residual = sum(
        (kept[i, j] - kept[i].mean() - kept[:, j].mean() + kept.mean()) ** 2
        for i in range(4)
        for j in range(3)
    )
    total, noise = kept.mean(axis=0).var(ddof=1), residual / (3 * 2) / 4
    assert (found.total, found.noise) == pytest.approx((total, noise))
    assert found.directions == pytest.approx(total - noise)
    assert found.estimate == pytest.approx(np.sqrt(total - noise))
    assert found.noise_sd == pytest.approx(np.sqrt(noise))
    assert found.statistic == pytest.approx(total / noise)
    assert found.p == pytest.approx(stats.f.sf(total / noise, 2, 6))
    assert (found.n, found.k, found.dropped) == (4, 3, 1)
    assert control_spread([[1, 0], [0, 1]]).n == 2
    for shape in ((1, 3), (4, 1)):
        with pytest.raises(Refusal, match="2"):
            control_spread(np.ones(shape))


def test_less_spread_than_noise_is_reported_as_none() -> None:
    found = control_spread([[1, 0], [0, 1], [1, 0], [0, 1]])
    assert found.directions < 0
    assert found.estimate == 0.0


@pytest.mark.parametrize("tail", ["two-sided", "greater"])
def test_power_among_controls_is_noncentral_t(tail: Any) -> None:
    k, gap = 7, 2.5
    found = controls_power(k, gap=gap, model="fixed", tail=tail)
    critical = stats.t.ppf(0.975 if tail == "two-sided" else 0.95, k - 1)
    for value, shift, at in (
        (found.fixed, gap * np.sqrt(k), critical * np.sqrt(k + 1)),
        (found.random, gap / np.sqrt(1 + 1 / k), critical),
    ):
        expected = stats.nct.sf(at, k - 1, shift)
        if tail == "two-sided":
            expected += stats.nct.cdf(-at, k - 1, shift)
        assert value == pytest.approx(expected, rel=1e-6)
    assert found.power == found.fixed
    assert found.rank_floor == (2 if tail == "two-sided" else 1) / 8
    assert controls_power(39, model="random").status == "ok"
    assert controls_power(38, model="random").status == "too_few_controls"
    assert controls_power(2, model="random").n == 2
    with pytest.raises(Refusal, match="k ≥ 2"):
        controls_power([3, 1], model="fixed")


def test_a_tie_among_controls_counts_to_either_side() -> None:
    found = compare_to_controls(0.2, [0.1, 0.2, 0.3, 0.5])
    assert (found.p_rank_less, found.p_rank_greater) == (3 / 5, 4 / 5)
    assert found.p_rank == 1.0
    both = compare_to_controls([0.2, 9.0], [[0.1, 0.2, 0.3, 0.5], [1.0, 2.0, 3.0, 4.0]])
    assert both.p_rank_greater.tolist() == [4 / 5, 1 / 5]
    assert both.p_rank.tolist() == [1.0, 2 / 5]


def test_strata_and_their_contrast_by_hand() -> None:
    gained, lost, n = [9, 2, 5], [1, 8, 4], [40, 60, 25]
    found = stratified_difference(gained, lost, n)
    one = [paired_difference(*row) for row in zip(gained, lost, n, strict=True)]
    assert found.strata.low.tolist() == [each.low for each in one]
    contrast = one[2].estimate - one[0].estimate
    low = np.hypot(one[2].estimate - one[2].low, one[0].high - one[0].estimate)
    high = np.hypot(one[2].high - one[2].estimate, one[0].estimate - one[0].low)
    assert found.contrast == pytest.approx(contrast)
    assert found.contrast_low == pytest.approx(contrast - low)
    assert found.contrast_high == pytest.approx(contrast + high)
    up, down = (np.array(gained) + 1) / (np.array(n) + 2), (np.array(lost) + 1) / (np.array(n) + 2)
    effect = up - down
    weight = (np.array(n) + 2) / (up + down - effect**2)
    q = (weight * (effect - np.average(effect, weights=weight)) ** 2).sum()
    assert found.heterogeneity == pytest.approx(q)
    assert found.heterogeneity_p == pytest.approx(stats.chi2.sf(q, 2))
    assert (found.names, found.n) == (("1", "2", "3"), 125)
    assert found.contrast_scores == (-1.0, 0.0, 1.0)


def test_homogeneity_leaves_out_what_did_not_change() -> None:
    found = stratum_homogeneity([9, 0, 2, 5], [1, 0, 8, 4])
    table = np.array([[9, 2, 5], [1, 8, 4]])
    chi2 = stats.chi2_contingency(table, correction=False)
    assert (found.statistic, found.chi2_p) == pytest.approx((chi2.statistic, chi2.pvalue))
    assert (found.df, found.dropped, found.n) == (2, 1, 29)
    assert found.estimate == pytest.approx(0.9 - 0.2)
    assert np.isnan(found.shares[1])
    assert stratum_homogeneity([3, 2], [0, 0]).status == "no_information"
    assert stratum_homogeneity([0, 0], [3, 2]).status == "no_information"
    assert stratum_homogeneity([0, 3], [2, 0]).status == "ok"


def test_the_sign_test_and_discordance_of_unequal_counts() -> None:
    found = sign_test(9, 3, n=50)
    exact = stats.binomtest(9, 12)
    bounds = exact.proportion_ci(method="exact")
    assert found.p == pytest.approx(exact.pvalue)
    assert (found.estimate, found.net) == (0.75, 6)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high))
    assert (found.n, found.dropped) == (12, 38)
    both = discordance(9, 3, 50, floor_changed=2, floor_n=40)
    change, floor = (
        stats.binomtest(*counts).proportion_ci(method="exact") for counts in ((12, 50), (2, 40))
    )
    assert (both.low, both.high) == pytest.approx((change.low, change.high))
    assert (both.floor, both.odds, both.share) == (0.05, 3.0, 0.75)
    assert (both.floor_low, both.floor_high) == pytest.approx((floor.low, floor.high))
    assert both.above_floor == (change.low > floor.high)
    assert (both.odds_low, both.odds_high) == pytest.approx(
        (bounds.low / (1 - bounds.low), bounds.high / (1 - bounds.high))
    )
    assert discordance(30, 20, 60, floor_changed=1, floor_n=90).above_floor
    for half in ({"floor_changed": 1}, {"floor_n": 9}):
        with pytest.raises(Refusal, match="both or neither"):
            discordance(1, 2, 9, **half)


def test_the_tests_of_pairs_at_unequal_counts() -> None:
    midp, exact, chi2 = (mcnemar(9, 3, method=m) for m in ("midp", "exact", "chi2"))
    below = sum(comb(12, k) for k in range(4)) / 2**12
    assert exact.p == pytest.approx(2 * below)
    assert midp.p == pytest.approx(2 * below - comb(12, 3) / 2**12)
    assert chi2.statistic == pytest.approx(36 / 12)
    assert chi2.p == pytest.approx(stats.chi2.sf(3.0, 1))
    assert (midp.statistic, midp.dropped) == (6, 0)
    # Fagerland, Lydersen and Laake's tie: 1 - pmf/2; ours is 1.
    assert mcnemar(3, 3).p == 1.0
    assert mcnemar(3, 3, at_tie="fagerland").p == pytest.approx(1 - comb(6, 3) / 2**6 / 2)
    assert mcnemar(0, 0, at_tie="fagerland").p == 1.0
    assert mcnemar(4, 3, at_tie="fagerland").p == mcnemar(4, 3).p


def test_outcomes_that_are_no_pairs_are_refused() -> None:
    assert paired_counts([0, 1, 0, 1, 0], [1, 1, 1, 0, 0], problem=list("abcde")) == (2, 1, 5)
    for before, after, problem in (
        ([0, 1], [1], None), ([[0, 1]], [[1, 0]], None), ([0, 2], [1, 0], None),
        ([0, 1], [1, np.nan], None), ([0, 1], [1, 0], ["a", "a"]),
    ):  # fmt: skip
        with pytest.raises(Refusal):
            paired_counts(before, after, problem=problem)


def test_intervals_by_their_formulas() -> None:
    z = stats.norm.ppf(0.975)
    up, down = 10 / 52, 4 / 52
    half = z * np.sqrt((up + down - (up - down) ** 2) / 52)
    price = paired_difference(9, 3, 50, method="bonett-price")
    assert (price.low, price.high) == pytest.approx((up - down - half, up - down + half))
    wald = paired_difference(9, 3, 50, method="wald")
    half = z * np.sqrt((12 / 50 - 0.12**2) / 50)
    assert (wald.low, wald.high) == pytest.approx((0.12 - half, 0.12 + half))
    assert (wald.p, wald.statistic, wald.gained, wald.lost) == (mcnemar(9, 3).p, 6, 9, 3)
    share = wilson(9, 50)
    expected = stats.binomtest(9, 50).proportion_ci(method="wilson")
    assert (share.low, share.high) == pytest.approx((expected.low, expected.high))
    assert (share.estimate, share.status) == (0.18, "ok")


def test_missing_outcomes_of_every_kind_by_hand() -> None:
    # Rows baseline, columns steered: right, wrong, missing; all nine counts differ.
    table = [[30, 6, 3], [9, 40, 4], [5, 2, 1]]
    found = missing_bounds(table)
    assert found.complete is not None
    assert (found.complete.gained, found.complete.lost, found.complete.n) == (9, 6, 85)
    # Missing is wrong: a right answer against none is a gain, none against a right one a loss.
    wrong = paired_difference(9 + 5, 6 + 3, 100)
    assert (found.estimate, found.low, found.high) == (wrong.estimate, wrong.low, wrong.high)
    assert (found.p, found.n, found.dropped) == (wrong.p, 100, 15)
    assert found.high_effect == pytest.approx((9 + 4 + 5 + 1 - 6) / 100)
    assert found.low_effect == pytest.approx((9 - 6 - 3 - 2 - 1) / 100)
    assert found.high_bound == pytest.approx(paired_difference(19, 6, 100).high)
    assert found.low_bound == pytest.approx(paired_difference(9, 12, 100).low)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((1.5, 2), "whole"), ((-1, 2), "negative"), (("a", 2), "counts"), ((np.nan, 2), "whole"),
        ((np.inf, 2), "whole"), (([1, 2], [1, 2, 3]), "equal shapes"), ((True, False), "counts"),
        ((np.array([1, "x"], object), 2), "counts"),
    ],
)  # fmt: skip
def test_what_is_no_count_is_refused(counts: tuple[Any, Any], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        mcnemar(*counts)


def test_counts_of_any_whole_type_are_taken_and_named_where_they_do_not_fit() -> None:
    assert mcnemar(np.array([4, 1], object), 2.0).p.shape == (2,)
    assert mcnemar(np.uint8(4), np.float32(2)).p == mcnemar(4, 2).p
    assert isinstance(mcnemar(4, 2).p, float)
    assert paired_difference(2, 3, 5).n == 5
    with pytest.raises(Refusal, match="= 6 is more than n = 5"):
        paired_difference([2, 3, 9], [2, 3, 9], [5, 5, 5])


def test_an_effect_that_is_nothing_but_rounding_ties_with_none() -> None:
    rounding = 0.1 + 0.2 - 0.3
    assert rounding > 0
    found = compare_to_controls(rounding, [0.0, 0.3, 0.5])
    assert (found.p_rank_less, found.p_rank_greater) == (2 / 4, 4 / 4)


def test_bounds_of_a_noncentrality_are_where_the_statistic_is_a_quantile() -> None:
    low, high = noncentrality_bounds([2.5, -0.7, 0.0], [4, 9, 2])
    for t, df, a, b in zip([2.5, -0.7, 0.0], [4, 9, 2], low, high, strict=True):
        assert stats.nct.sf(t, df, a) == pytest.approx(0.025)
        assert stats.nct.sf(-t, df, -b) == pytest.approx(0.025)
    assert np.isnan(noncentrality_bounds([np.nan, np.inf], 4)).all()


def test_a_signed_comparison_is_one_of_half_differences() -> None:
    plus, minus = [0.3, 0.1, 0.25, 0.4], [0.2, 0.3, 0.15, 0.1]
    found = compare_signed_to_controls(0.9, 0.3, plus, minus)
    halves = [(p - m) / 2 for p, m in zip(plus, minus, strict=True)]
    expected = compare_to_controls((0.9 - 0.3) / 2, halves)
    assert found.as_dict() == expected.as_dict()
    assert found.estimate == pytest.approx(0.3 - np.mean(halves))
    less = compare_signed_to_controls(0.9, 0.3, plus, minus, tail="less", family_size=3)
    assert (less.tail, less.p) == ("less", less.p_less)


def test_degrees_of_freedom_are_never_fewer_than_those_of_the_directions() -> None:
    draws = np.random.default_rng(5)
    others = draws.normal([0.0, 0.8, -0.5, 0.3], 0.4, (9, 4))
    # The candidate moves with the mean of its controls: problems add next to nothing.
    own = others.mean(axis=1) + 1 + draws.normal(0, 1e-3, 9)
    found = candidate_minus_controls(own, others, scope="new problems and directions")
    assert found.df == 3


def test_a_power_no_larger_than_the_level_is_no_question() -> None:
    for power in (0.04, 0.05, 1.0):
        with pytest.raises(Refusal, match="power"):
            minimum_detectable_effect(50, discordance=0.2, power=power)
        with pytest.raises(Refusal, match="power"):
            sample_size(effect=0.1, discordance=0.2, power=power)
