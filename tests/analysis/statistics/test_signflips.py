"""max-T: exact where it can be, counted exactly elsewhere, and family-wise over what is shared."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from analysis import Refusal, max_t, mcnemar, paired_difference
from analysis.statistics.signflips import SignFlips, step_down


def noisy(rng: np.random.Generator, n: int, m: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """m steered runs and a baseline that differ from one truth by chance only."""
    truth = rng.random((n, 1)) < 0.5
    runs = truth ^ (rng.random((n, m + 1)) < rate)
    return runs[:, 1:].astype(float), runs[:, 0].astype(float)


def enumerated(d: np.ndarray) -> np.ndarray:
    """Adjusted p by all signs of all rows, as written in the definition."""
    squares = (d**2).sum(axis=0)

    def t(rows: np.ndarray) -> np.ndarray:
        return np.abs(rows.sum(axis=0)) / np.sqrt(squares)

    largest = [t(np.array(s)[:, None] * d).max() for s in itertools.product((-1, 1), repeat=len(d))]
    return np.array([np.mean(np.array(largest) >= one - 1e-12) for one in t(d)])


def test_one_condition_is_the_exact_sign_test() -> None:
    rng = np.random.default_rng(0)
    y, b = noisy(rng, 86, 1, 0.1)
    gained, lost = int((y[:, 0] > b).sum()), int((y[:, 0] < b).sum())
    found = max_t(y, b, rng=rng)
    assert found.p[0] == stats.binomtest(gained, gained + lost).pvalue
    # The flips themselves agree with it within Monte-Carlo error.
    drawn = max_t(np.hstack([y, y]), b, rng=rng).p[0]
    assert drawn == pytest.approx(found.p[0], abs=0.02)


def test_few_rows_are_enumerated() -> None:
    rng = np.random.default_rng(1)
    y, b = noisy(rng, 8, 4, 0.3)
    found = max_t(y, b, rng=rng)
    assert found.exact
    assert found.p == pytest.approx(enumerated(y - b[:, None]), rel=1e-12)


def test_equal_statistics_are_ties_however_they_came_about() -> None:
    # 4 of 4 gained, and 16 of 64 more gained than lost: both T = 2, from different sums.
    d = np.zeros((64, 2))
    d[:4, 0] = 1
    d[:40, 1], d[40:, 1] = 1, -1
    found = max_t(d, np.zeros(64), rng=np.random.default_rng(2))
    assert found.statistic == pytest.approx([2, 2])
    assert found.p[0] == found.p[1]


def test_means_over_seeds_are_flipped_in_double_precision() -> None:
    rng = np.random.default_rng(3)
    y, b = rng.integers(0, 4, (10, 3)) / 3, rng.integers(0, 4, 10) / 3
    found = max_t(y, b, rng=rng)
    assert found.p == pytest.approx(enumerated(y - b[:, None]), rel=1e-12)


def test_band_leaves_out_zero_exactly_where_the_test_rejects() -> None:
    rng = np.random.default_rng(4)
    rejections = 0
    for seed in range(40):
        y, b = noisy(rng, 120, 5, 0.1)
        y[:40, 0] = 1
        found = max_t(y, b, rng=np.random.default_rng(seed), resamples=999)
        outside = (found.low > 0) | (found.high < 0)
        assert np.array_equal(outside, found.p <= 0.05)
        rejections += int(outside.sum())
        single = paired_difference(
            (y > b[:, None]).sum(axis=0), (y < b[:, None]).sum(axis=0), 120, confidence=0.95
        )
        assert (found.low <= single.low + 1e-9).all()
        assert (found.high >= single.high - 1e-9).all()
    assert rejections > 20


def test_family_wise_error_where_alphas_share_problems_and_baseline() -> None:
    rng = np.random.default_rng(5)
    smallest, alone = [], []
    for _ in range(500):
        y, b = noisy(rng, 200, 6, 0.08)
        found = max_t(y, b, rng=rng, resamples=399)
        smallest.append(found.p.min())
        gained, lost = (y > b[:, None]).sum(axis=0), (y < b[:, None]).sum(axis=0)
        alone.append(mcnemar(gained, lost).p.min())
    assert np.mean(np.array(smallest) <= 0.05) <= 0.05 + 2 * 0.0098
    assert np.mean(np.array(smallest) <= 0.05) >= 0.025
    assert np.mean(np.array(alone) <= 0.05) > 0.12


def test_simultaneous_band_covers_all_at_once() -> None:
    rng = np.random.default_rng(6)
    covered = 0
    for _ in range(300):
        truth = rng.random((200, 1)) < 0.5
        rates = np.array([0.05, 0.10, 0.20])
        steered = truth & (rng.random((200, 3)) >= rates)
        baseline = (truth[:, 0] & (rng.random(200) >= 0.05)).astype(float)
        found = max_t(steered.astype(float), baseline, rng=rng, resamples=399)
        target = 0.5 * (0.05 - rates)
        covered += bool(((found.low <= target) & (target <= found.high)).all())
    assert covered / 300 == pytest.approx(0.955, abs=0.035)


def test_missing_outcomes_and_conditions_without_change() -> None:
    rng = np.random.default_rng(7)
    y, b = noisy(rng, 50, 3, 0.2)
    y[:, 2] = b
    y[:5, 0] = np.nan
    found = max_t(y, b, rng=rng, resamples=499)
    assert found.n.tolist() == [45, 50, 50]
    assert np.asarray(found.dropped).tolist() == [5, 0, 0]
    assert list(found.status) == ["ok", "ok", "no_information"]
    assert found.p[2] == found.p_unadjusted[2] == 1.0
    # A condition without change still has an interval with a width.
    assert found.low[2] < 0 < found.high[2]
    assert (found.p >= found.p_unadjusted).all()
    assert found.p.min() >= 1 / 500
    again = max_t(y, b, rng=np.random.default_rng(9), resamples=499)
    same = max_t(y, b, rng=np.random.default_rng(9), resamples=499)
    assert np.array_equal(again.p, same.p)


def test_seeds_within_problems_are_refused() -> None:
    rng = np.random.default_rng(8)
    with pytest.raises(Refusal, match="clustered_difference"):
        max_t(np.zeros((5, 2, 3)), np.zeros(5), rng=rng)
    with pytest.raises(Refusal, match="condition 1"):
        max_t([[1.0, np.nan], [0.0, np.nan]], [0.0, 1.0], rng=rng)


def test_signs_are_fair_and_blocks_join_up() -> None:
    flips = SignFlips(np.eye(20), rng=np.random.default_rng(10), resamples=3000)
    signs = np.concatenate([sums for _, sums in flips])
    assert signs.shape == (3000, 20)
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert np.abs(signs.mean(axis=0)).max() < 0.08
    assert np.abs(np.corrcoef(signs.T) - np.eye(20)).max() < 0.1


def slow_step_down(d: np.ndarray) -> list[float]:
    """Westfall and Young's algorithm over all sign flips, one condition after another."""
    t = np.abs(d.sum(axis=0)) / np.sqrt((d**2).sum(axis=0))
    flips = [
        np.abs((np.array(one)[:, None] * d).sum(axis=0)) / np.sqrt((d**2).sum(axis=0))
        for one in itertools.product((-1, 1), repeat=len(d))
    ]
    order = sorted(range(d.shape[1]), key=lambda column: -t[column])
    adjusted, before = [0.0] * d.shape[1], 0.0
    for place, column in enumerate(order):
        rest = order[place:]
        share = np.mean([max(flip[rest]) >= t[column] - 1e-9 for flip in flips])
        before = adjusted[column] = max(before, float(share))
    return adjusted


@pytest.mark.parametrize("seed", range(6))
def test_step_down_equals_enumeration_and_is_never_above_max_t(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = rng.integers(-1, 2, (9, 4)).astype(float)
    d[0], d[1, 0] = 1.0, 1.0
    adjusted = step_down(d, rng=rng)
    assert adjusted == pytest.approx(slow_step_down(d))
    largest = max_t(d, np.zeros(9), rng=rng)
    assert (adjusted <= largest.p + 1e-12).all()
    assert adjusted.min() == pytest.approx(largest.p.min())


def test_step_down_counts_a_missing_pair_as_no_change_and_no_change_as_one() -> None:
    d = np.array([[1.0, np.nan, 0.0]] * 6 + [[1.0, 1.0, 0.0]] * 2)
    adjusted = step_down(d, rng=np.random.default_rng(0))
    assert adjusted.tolist() == [2 / 256, 128 / 256, 1.0]


def test_a_real_effect_does_not_cost_the_others_their_place() -> None:
    rng = np.random.default_rng(5)
    d = rng.choice([-1.0, 0.0, 1.0], (200, 3), p=[0.1, 0.8, 0.1])
    d[:, 0] = 1.0
    d[:30, 1] = 1.0
    first, second = step_down(d, rng=rng)[1], max_t(d, np.zeros(200), rng=rng).p[1]
    assert first < second
