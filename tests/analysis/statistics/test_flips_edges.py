"""Sign flips, the best alpha and permutation: every sign written out, on small unequal tables."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import stats

from analysis import Refusal, best_alpha, max_t, paired_difference, permutation_test
from analysis.statistics.signflips import SignFlips

# Seven problems that change and two that do not; the second condition lacks an answer.
D = np.array(
    [
        [1, 1, 0], [1, -1, 1], [0, 1, 1], [1, 0, 1], [1, 0, 1], [-1, 0, 1], [0, 0, -1],
        [0, 0, 0], [0, np.nan, 0],
    ],
    dtype=float,
)  # fmt: skip
ZERO = np.zeros(len(D))


def rng(seed: int = 6) -> np.random.Generator:
    return np.random.default_rng(seed)


def flips(d: np.ndarray) -> np.ndarray:
    """Sums of the columns under every sign of every row, [2^n, m]."""
    d = np.nan_to_num(d)
    return np.array([np.array(signs) @ d for signs in product([-1, 1], repeat=len(d))])


def test_max_t_by_enumeration() -> None:
    found = max_t(D, ZERO, rng=rng())
    d = np.nan_to_num(D)
    root = np.sqrt((d**2).sum(axis=0))
    drawn, own = np.abs(flips(D)) / root, np.abs(d.sum(axis=0)) / root
    assert found.p == pytest.approx([np.mean(drawn.max(axis=1) >= t - 1e-12) for t in own])
    assert found.p_unadjusted == pytest.approx([np.mean(drawn[:, j] >= own[j]) for j in range(3)])
    assert found.statistic == pytest.approx(own)
    assert found.estimate == pytest.approx([3 / 9, 1 / 8, 4 / 9])
    assert found.n.tolist() == [9, 8, 9]
    assert np.asarray(found.dropped).tolist() == [0, 1, 0]
    assert (found.family_size, found.resamples, found.exact) == (3, 128, True)
    assert "enumerated" in found.method


def test_the_critical_value_lies_between_the_last_that_does_not_reject_and_the_next() -> None:
    found = max_t(D, ZERO, rng=rng())
    d = np.nan_to_num(D)
    largest = np.sort((np.abs(flips(D)) / np.sqrt((d**2).sum(axis=0))).max(axis=1))
    above = [value for value in largest if np.mean(largest > value + 1e-12) <= 0.05]
    assert (min(above), largest.max()) == pytest.approx((np.sqrt(5), np.sqrt(6)))
    assert found.critical == pytest.approx(np.sqrt((5 + 6) / 2))


def test_limits_are_not_zero_at_a_tie() -> None:
    # Nine changed problems, all lost in the second condition: T is 3 and √5; flips of T ≥ 3 are
    # 2/512, so those of √5 decide what rejects, and neither limit touches 0.
    d = np.zeros((86, 2))
    d[:9, 0], d[:5, 1] = -1, -1
    found = max_t(d, np.zeros(86), rng=rng())
    assert found.statistic == pytest.approx([3, np.sqrt(5)])
    assert ((found.low != 0) & (found.high != 0)).all()
    assert (found.p <= 0.05).tolist() == (found.high < 0).tolist()
    # Four of four lost: T = 2 is the largest that there is, p = .125; what one more lost problem
    # would add is the next.
    four = max_t(d[:, :1] * (np.arange(86) < 4)[:, None], np.zeros(86), rng=rng())
    assert (four.p[0], four.status[0]) == (0.125, "ok")
    assert four.critical == pytest.approx(np.sqrt(4.5))
    assert four.high[0] > 0.002


@pytest.mark.parametrize("m", [1, 4])
def test_without_change_the_band_is_as_wide_as_tango_and_two_percent_fit_in(m: int) -> None:
    same = np.ones((86, m))
    found = max_t(same, np.ones(86), rng=rng())
    alone = paired_difference(0, 0, 86)
    assert found.low == pytest.approx(np.full(m, alone.low))
    assert found.high == pytest.approx(np.full(m, alone.high))
    assert found.low[0] < -0.02
    # Means over seeds keep a width too; a metric without bounds has none to give.
    seeds = np.full((86, m), 0.25)
    assert max_t(seeds, seeds[:, 0], rng=rng()).low == pytest.approx(np.full(m, alone.low))
    metric = np.full((86, m), -3.7)
    assert max_t(metric, metric[:, 0], rng=rng()).low.tolist() == [-np.inf] * m


def test_a_test_that_rejects_below_the_normal_quantile_parts_from_its_limits() -> None:
    # One problem outweighs all: T of every flip is near 1, and nearly all of them tie or lie below.
    d = np.full((12, 2), 0.01)
    d[0] = 1.0
    found = max_t(d, np.zeros(12), rng=rng(), resamples=4095)
    assert found.p[0] <= 0.05
    assert found.critical == pytest.approx(stats.norm.ppf(0.975))
    assert found.low[0] < 0 < found.high[0]
    assert list(found.status) == ["test_interval_disagree"] * 2


@pytest.mark.parametrize(("resamples", "exact"), [(126, False), (127, True), (128, True)])
def test_all_signs_are_tried_where_they_are_no_more_than_the_draws(
    resamples: int, exact: bool
) -> None:
    found = max_t(D, ZERO, rng=rng(), resamples=resamples)
    assert (found.exact, found.resamples) == (exact, 128 if exact else resamples)


def test_drawn_signs_count_the_data_among_them() -> None:
    d = np.repeat(D[:7], 4, axis=0)
    found = max_t(d, np.zeros(28), rng=rng(), resamples=199)
    assert not found.exact
    assert np.round(found.p * 200) == pytest.approx(found.p * 200)
    assert found.p.min() == 1 / 200
    again = max_t(d, np.zeros(28), rng=rng(), resamples=199)
    assert np.array_equal(found.p, again.p)


def test_a_band_of_means_inverts_its_own_statistic() -> None:
    d = np.array([[0.5, 0.2], [0.1, -0.3], [0.4, 0.6], [-0.2, 0.1], [0.6, 0.9], [0.3, 0.2]])
    found = max_t(d, np.zeros(6), rng=rng())
    for j in range(2):
        for limit in (found.low[j], found.high[j]):
            moved = d[:, j] - limit
            statistic = abs(moved.sum()) / np.sqrt((moved**2).sum())
            assert statistic == pytest.approx(found.critical)
        assert found.low[j] < found.estimate[j] < found.high[j]


def test_a_band_that_no_critical_value_bounds_is_infinite() -> None:
    d = np.array([[-0.5], [-0.5]])
    found = max_t(d, np.zeros(2), rng=rng())
    assert found.low.tolist() == [-np.inf]
    assert found.high.tolist() == [np.inf]


def test_one_condition_is_the_exact_binomial_with_its_status() -> None:
    found = max_t(D[:, 0], ZERO, rng=rng())
    assert found.p.tolist() == [stats.binomtest(4, 5).pvalue] == found.p_unadjusted.tolist()
    assert found.exact
    nothing = max_t(ZERO, ZERO, rng=rng())
    assert (nothing.p.tolist(), list(nothing.status)) == ([1.0], ["no_information"])


def toward(values: np.ndarray, tail: str) -> np.ndarray:
    return {"greater": values, "less": -values, "two-sided": np.abs(values)}[tail]


@pytest.mark.parametrize("tail", ["greater", "less", "two-sided"])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_search_by_enumeration(tail: Any, sign: int) -> None:
    d, n = sign * np.nan_to_num(D), np.array([9, 8, 9])
    found = best_alpha(sign * D, ZERO, rng=rng(), tail=tail, alphas=[0.5, 1.0, 2.0])
    gains = toward(flips(d) / n, tail).max(axis=1)
    effects = d.sum(axis=0) / n
    assert found.p_search == pytest.approx(np.mean(gains >= toward(effects, tail).max() - 1e-12))
    root = np.sqrt((d**2).sum(axis=0))
    largest = toward(flips(d) / root, tail).max(axis=1)
    own = toward(d.sum(axis=0) / root, tail).max()
    assert found.p_max_t == pytest.approx(np.mean(largest >= own - 1e-12))
    assert found.null_gain == pytest.approx(gains.mean())
    best = int(np.argmax(toward(effects, tail)))
    assert (found.best_index, found.best_alpha) == (best, [0.5, 1.0, 2.0][best])
    assert found.statistic == found.naive_estimate == effects[best]
    naive = paired_difference(
        int((d[:, best] > 0).sum()), int((d[:, best] < 0).sum()), int(n[best])
    )
    assert (found.naive_low, found.naive_high, found.naive_p) == (naive.low, naive.high, naive.p)
    assert (found.family_size, found.resamples, found.dropped) == (3, 128, 1)


def planted() -> np.ndarray:
    """Forty problems, four alphas of different effects, some answers missing."""
    draws = rng(11)
    d = draws.choice([-1.0, 0.0, 1.0], p=[0.15, 0.6, 0.25], size=(41, 4))
    d[draws.random((41, 4)) < 0.1] = np.nan
    return d


@pytest.mark.parametrize("tail", ["greater", "less", "two-sided"])
def test_one_half_chooses_and_the_other_estimates(tail: Any) -> None:
    d = planted()
    found = best_alpha(d, np.zeros(41), rng=rng(), tail=tail, resamples=99)
    # The flips draw their bits first: one block of 99 times so many bytes.
    draws = rng()
    active = int((np.nan_to_num(d) != 0).any(axis=1).sum())
    draws.bytes(99 * ((active + 7) // 8))
    half = draws.permutation(41) < 20
    estimates = []
    for choosing in (half, ~half):
        effects = np.nanmean(d[choosing], axis=0)
        chosen = int(np.argmax(toward(effects, tail)))
        rest = d[~choosing, chosen]
        rest = rest[~np.isnan(rest)]
        estimates.append((chosen, rest))
    chosen, rest = estimates[0]
    expected = paired_difference(int((rest > 0).sum()), int((rest < 0).sum()), len(rest))
    assert (found.split_index, found.split_alpha) == (chosen, float(chosen))
    assert found.estimate == pytest.approx(rest.mean())
    assert found.n == len(rest)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.cross_fitted == pytest.approx((rest.mean() + estimates[1][1].mean()) / 2)


def test_means_over_seeds_are_estimated_by_students_t() -> None:
    d = rng(12).normal(0.1, 0.4, (40, 1))
    found = best_alpha(d, np.zeros(40), rng=rng(), resamples=99)
    test = stats.ttest_1samp(d[:, 0], 0.0)
    limits = test.confidence_interval()
    assert (found.naive_low, found.naive_high) == pytest.approx((limits.low, limits.high))
    assert found.naive_p == pytest.approx(test.pvalue)


def test_equal_differences_have_no_interval() -> None:
    found = best_alpha(np.full((8, 1), 0.5), np.zeros(8), rng=rng(), resamples=99)
    assert (found.estimate, found.low, found.high) == (0.5, -np.inf, np.inf)
    assert found.naive_p == 1.0


@pytest.mark.parametrize(
    ("gains", "rank"), [([0, 1, 2], 1 / 4), ([0, 4, 2], 2 / 4), ([5, 4, 6], 4 / 4)]
)
def test_a_control_that_gains_as_much_counts(gains: list[int], rank: float) -> None:
    own = np.zeros((10, 2))
    own[:4, 1] = 1
    controls = np.zeros((3, 10, 2))
    for control, gain in zip(controls, gains, strict=True):
        control[:gain, 0] = 1
        control[:, 1] = -1
    found = best_alpha(own, np.zeros(10), rng=rng(), controls=controls)
    assert (found.p_rank, found.rank_floor) == (rank, 1 / 4)
    assert found.status == "too_few_controls"
    worse = best_alpha(-own, np.zeros(10), rng=rng(), tail="less", controls=-controls)
    assert worse.p_rank == rank


@pytest.mark.parametrize(("k", "status"), [(18, "too_few_controls"), (19, "ok")])
def test_nineteen_controls_are_enough(k: int, status: str) -> None:
    found = best_alpha(D, ZERO, rng=rng(), controls=np.zeros((k, 9, 3)))
    assert found.status == status


def test_four_problems_are_the_fewest() -> None:
    assert best_alpha([[1.0], [0.0], [1.0], [1.0]], np.zeros(4), rng=rng()).n == 2
    with pytest.raises(Refusal, match="3 problems"):
        best_alpha([[1.0], [0.0], [1.0]], np.zeros(3), rng=rng())


def test_a_permutation_by_enumeration_and_its_limits() -> None:
    values = np.array([0.5, -0.25, 1.0, 0.75, -0.5, 0.0, 0.25])
    found = permutation_test(values)
    sums = np.abs(flips(values[values != 0][:, None])).ravel()
    assert found.p == pytest.approx(np.mean(sums >= abs(values.sum()) - 1e-12))
    assert (found.estimate, found.statistic) == (values.mean(), values.sum())
    assert (found.n, found.dropped, found.status) == (7, 1, "ok")
    assert found.method == "sign flips, enumerated"
    seeds = np.stack([values + 0.1, values - 0.1], axis=1)
    assert permutation_test(seeds).p == pytest.approx(found.p)


def test_fifteen_that_changed_are_enumerated_and_sixteen_are_drawn() -> None:
    assert permutation_test(np.ones(15)).p == 2 / 2**15
    with pytest.raises(Refusal, match="rng is missing"):
        permutation_test(np.ones(16))
    assert permutation_test(np.ones(16), method="exact").p == 2 / 2**16
    with pytest.raises(Refusal, match="2\\^26"):
        permutation_test(np.ones(26), method="exact")


def test_drawn_permutations_are_these_draws() -> None:
    values = rng(2).normal(0.2, 1, 30)
    found = permutation_test(values, rng=rng(), resamples=500)
    signs = rng().integers(0, 2, size=(500, 30), dtype=np.int8) * 2 - 1
    reached = (np.abs(signs @ values) >= abs(values.sum())).sum()
    assert found.p == (reached + 1) / 501
    assert found.method == "sign flips, 500 draws"
    assert permutation_test(np.zeros(3)).p == 1.0


@pytest.mark.parametrize("values", [[], [[], []], np.zeros((2, 2, 2)), [1.0, np.nan]])
def test_what_is_no_list_of_differences_is_refused(values: Any) -> None:
    with pytest.raises(Refusal, match="differences"):
        permutation_test(values)


def test_as_many_draws_as_were_asked_and_no_more() -> None:
    values = rng(2).normal(0.2, 1, 30)
    # Every pattern of signs reaches a sum of 0.
    assert permutation_test(values - values.mean(), rng=rng(), resamples=500).p == 1.0
    # 2^22 signs a block: 139 810 draws of 30 problems, then the rest.
    found = permutation_test(np.ones(30) / 30, rng=rng(), resamples=139_900)
    assert found.p == 1 / 139_901


def test_the_critical_value_of_drawn_signs_lies_above_the_last_that_does_not_reject() -> None:
    d = rng(4).normal(0.1, 1.0, (25, 3))
    found = max_t(d, np.zeros(25), rng=rng(), resamples=199)
    drawn = np.concatenate([sums for _, sums in SignFlips(d, rng=rng(), resamples=199)])
    largest = np.sort((np.abs(drawn) / np.sqrt((d**2).sum(axis=0))).max(axis=1))
    # p = (1 + #{at least as large})/200 is at most .05 for nine of them, and not for ten.
    assert found.critical**2 == pytest.approx((largest[-10] ** 2 + largest[-9] ** 2) / 2)
