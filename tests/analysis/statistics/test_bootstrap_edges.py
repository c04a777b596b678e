"""The bootstrap draw by draw: the same draws in scipy and numpy give the same limits."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import stats

from analysis import Refusal, bootstrap_difference, bootstrap_mean, mcnemar
from analysis.statistics.bootstrap import acceleration, bca_tails, net_distribution

SKEWED = [0.1, 0.4, 0.2, 3.5, 0.9, 0.3, 7.0, 0.6, 1.1]


def rng(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("ours", "theirs"), [("percentile", "percentile"), ("bca", "BCa")])
@pytest.mark.parametrize("resamples", [999, 1500])
def test_a_mean_equals_scipy_draw_by_draw(ours: Any, theirs: str, resamples: int) -> None:
    peer = stats.bootstrap(
        (SKEWED,), np.mean, n_resamples=resamples, method=theirs, rng=rng(), vectorized=True
    ).confidence_interval
    found = bootstrap_mean(SKEWED, rng=rng(), resamples=resamples, method=ours)
    assert (found.low, found.high) == pytest.approx(tuple(peer), rel=1e-12)
    assert (found.estimate, found.n) == (float(np.mean(SKEWED)), 9)
    assert found.status == "ok"
    assert found.method == f"bootstrap mean {ours}"


def test_a_mean_of_many_values_draws_in_blocks() -> None:
    # 2^22 cells a block: 5000 values leave 838 resamples to the first and 161 to the second.
    values, draws = rng(1).exponential(size=5000), rng()
    blocks = [draws.integers(0, 5000, size=(size, 5000)) for size in (838, 161)]
    means = np.concatenate([values[block].mean(axis=1) for block in blocks])
    found = bootstrap_mean(values, rng=rng(), resamples=999)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))


def test_two_values_are_enough_and_one_is_not() -> None:
    found = bootstrap_mean([1.0, 2.0], rng=rng())
    assert (found.low, found.high, found.status) == (1.0, 2.0, "ok")
    with pytest.raises(Refusal, match="at least two"):
        bootstrap_mean([1.0], rng=rng())


def test_999_resamples_are_enough_and_998_are_not() -> None:
    assert bootstrap_difference(3, 5, 40, rng=rng(), resamples=999).low < 0
    for call in (bootstrap_difference, lambda *_, **options: bootstrap_mean(SKEWED, **options)):
        with pytest.raises(Refusal, match="998 is too few"):
            call(3, 5, 40, rng=rng(), resamples=998)


def drawn(gained: int, lost: int, n: int, resamples: int) -> tuple[np.ndarray, np.ndarray]:
    """The net changes of the resamples, less gained - lost, one element a draw."""
    offsets, mass = net_distribution(*map(np.array, ([gained], [lost], [n])))
    return np.repeat(offsets, rng().multinomial(resamples, mass[0])), offsets


# The last leaves a place between two different draws: 0.025 * 1000 lies between draws 25 and 26.
@pytest.mark.parametrize(
    ("table", "resamples"),
    [((3, 14, 120), 1999), ((14, 3, 120), 4000), ((1, 4, 9), 1001), ((70, 95, 1319), 1030)],
)
def test_percentile_limits_are_the_quantiles_of_the_draws(
    table: tuple[int, int, int], resamples: int
) -> None:
    gained, lost, n = table
    draws, _ = drawn(*table, resamples)
    expected = (gained - lost + np.quantile(draws, [0.025, 0.975])) / n
    found = bootstrap_difference(*table, rng=rng(), resamples=resamples)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)


@pytest.mark.parametrize("table", [(3, 14, 120), (14, 3, 120), (2, 9, 30), (5, 6, 20)])
def test_bca_limits_are_efrons_of_the_draws(table: tuple[int, int, int]) -> None:
    gained, lost, n = table
    draws, _ = drawn(*table, 1999)
    below = (np.mean(draws < 0) + np.mean(draws <= 0)) / 2
    bias = stats.norm.ppf(below)
    values = np.repeat([1.0, -1.0, 0.0], [gained, lost, n - gained - lost])
    slope = stats.skew(values) / 6 / np.sqrt(n)
    ends = [
        stats.norm.cdf(bias + (bias + z) / (1 - slope * (bias + z)))
        for z in stats.norm.ppf([0.025, 0.975])
    ]
    expected = (gained - lost + np.quantile(draws, ends)) / n
    found = bootstrap_difference(*table, rng=rng(), resamples=1999, method="bca")
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)
    assert found.status == "ok"


def test_acceleration_of_each_condition_and_none_without_spread() -> None:
    gained, lost, n = np.array([3, 0, 9]), np.array([14, 0, 0]), np.array([120, 30, 9])
    values = np.repeat([1.0, -1.0, 0.0], [3, 14, 103])
    assert acceleration(gained, lost, n) == pytest.approx(
        [stats.skew(values) / 6 / np.sqrt(120), 0.0, 0.0]
    )


def test_every_condition_of_many_is_the_condition_alone() -> None:
    # More than a block of 128, of very different spreads, in no order and in two dimensions.
    draws = rng(5)
    n = draws.choice([12, 86, 400], size=(100, 3))
    gained, lost = draws.integers(0, n // 2), draws.integers(0, n // 3)
    many = bootstrap_difference(gained, lost, n, method="exact")
    assert many.low.shape == many.p.shape == np.shape(many.status) == (100, 3)
    assert np.array_equal(many.estimate, (gained - lost) / n)
    assert np.array_equal(many.p, mcnemar(gained, lost).p)
    assert np.array_equal(np.asarray(many.statistic), gained - lost)
    assert (many.gained.tolist(), many.lost.tolist()) == (gained.tolist(), lost.tolist())
    assert many.n.tolist() == n.tolist()
    for at in [(0, 0), (17, 1), (42, 2), (43, 0), (99, 2), (71, 1)]:
        one = bootstrap_difference(int(gained[at]), int(lost[at]), int(n[at]), method="exact")
        assert (many.low[at], many.high[at]) == (one.low, one.high)


def test_a_distribution_without_spread_and_one_beside_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        offsets, mass = net_distribution(*map(np.array, ([2, 1], [0, 0], [2, 2])))
    # All gained: no other net change; one of two: 0, 1 or 2 with 1/4, 1/2, 1/4, around 1.
    assert offsets.tolist() == [-2, -1, 0, 1, 2]
    assert mass == pytest.approx(np.array([[0, 0, 1, 0, 0], [0, 0.25, 0.5, 0.25, 0]]), abs=1e-12)


def test_a_large_distribution_reaches_twelve_deviations() -> None:
    offsets, mass = net_distribution(*map(np.array, ([500], [300], [100_000])))
    deviation = np.sqrt(100_000 * (0.008 - 0.002**2))
    assert offsets[-1] == -offsets[0] == int(np.ceil(12 * deviation + 40))
    assert (mass[0] * offsets).sum() == pytest.approx(0.0, abs=1e-6)
    assert (mass[0] * offsets**2).sum() == pytest.approx(deviation**2, rel=1e-6)


def test_bca_without_a_draw_on_one_side_is_the_percentile() -> None:
    # Everything gained but for one of two: no draw lies above the estimate by more than ties.
    found = bootstrap_difference([86, 4], [0, 2], [86, 86], rng=rng(), method="bca")
    assert list(found.status) == ["degenerate", "ok"]
    assert (found.low[0], found.high[0]) == (1.0, 1.0)


def test_bca_is_unusable_where_no_draw_or_every_draw_lies_below() -> None:
    low, high, usable = bca_tails(np.array([0.0, 1.0, 0.5, 0.3]), 0.02, 0.025)
    assert usable.tolist() == [False, False, True, True]
    assert np.isfinite([low, high]).all()
    # No bias and no acceleration: the tails themselves.
    assert bca_tails(0.5, 0.0, 0.025)[:2] == pytest.approx((0.025, 0.975))
    # So much acceleration that the transformation turns around.
    assert not bca_tails(0.5, 0.6, 0.025)[2]
