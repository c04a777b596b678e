"""The best of several alphas: size of the test, the winner's curse, and what the split covers."""

from __future__ import annotations

import numpy as np
import pytest

from analysis import Refusal, best_alpha, max_t


def noisy(rng: np.random.Generator, n: int, m: int, discordance: float) -> np.ndarray:
    """Baseline (first column) and m runs without any effect, at a discordance rate."""
    rate = (1 - np.sqrt(1 - 2 * discordance)) / 2
    truth = rng.random((n, 1)) < 0.5
    return (truth ^ (rng.random((n, m + 1)) < rate)).astype(float)


@pytest.mark.parametrize(("discordance", "gain"), [(0.07, 0.027), (0.12, 0.034), (0.20, 0.044)])
def test_winners_curse_of_six_alphas(discordance: float, gain: float) -> None:
    rng = np.random.default_rng(0)
    y = np.stack([noisy(rng, 86, 6, discordance) for _ in range(4000)])
    naive = (y[:, :, 1:].mean(axis=1) - y[:, :, :1].mean(axis=1)).max(axis=1)
    assert naive.mean() == pytest.approx(gain, abs=0.0025)
    found = best_alpha(y[0, :, 1:], y[0, :, 0], rng=rng)
    assert found.naive_estimate == pytest.approx(naive[0])
    # `null_gain` says the same of one data set alone.
    gains = [best_alpha(one[:, 1:], one[:, 0], rng=rng, resamples=99).null_gain for one in y[:60]]
    assert np.mean(gains) == pytest.approx(gain, abs=0.003)


def test_the_search_inside_each_flip_keeps_its_size_and_the_naive_test_does_not() -> None:
    rng = np.random.default_rng(1)
    p = {"search": [], "max-t": [], "naive": []}  # type: dict[str, list[float]]
    estimates, covered = [], 0
    for _ in range(500):
        y = noisy(rng, 150, 6, 0.12)
        found = best_alpha(y[:, 1:], y[:, 0], rng=rng, resamples=399)
        p["search"].append(found.p_search)
        p["max-t"].append(found.p_max_t)
        p["naive"].append(found.naive_p)
        estimates.append(found.estimate)
        covered += found.low <= 0 <= found.high
    sizes = {name: float(np.mean(np.array(values) <= 0.05)) for name, values in p.items()}
    assert sizes["search"] <= 0.05 + 2 * 0.0098
    assert sizes["max-t"] <= 0.05 + 2 * 0.0098
    assert min(sizes["search"], sizes["max-t"]) >= 0.025
    assert sizes["naive"] > 0.08
    assert np.mean(estimates) == pytest.approx(0.0, abs=0.006)
    assert covered / 500 == pytest.approx(0.955, abs=0.03)


def test_a_planted_best_alpha_is_found_and_estimated_without_bias() -> None:
    rng = np.random.default_rng(2)
    estimates, rejected = [], 0
    for _ in range(150):
        y = noisy(rng, 300, 5, 0.10)
        # Alpha 3 repairs a fifth of what is wrong.
        y[:, 4] = np.maximum(y[:, 4], rng.random(300) < 0.2)
        found = best_alpha(y[:, 1:], y[:, 0], rng=rng, alphas=[0.5, 1, 2, 3, 4], resamples=199)
        estimates.append(found.estimate)
        assert found.best_alpha == 3
        assert found.p == found.p_max_t
        rejected += found.p <= 0.05
    assert np.mean(estimates) == pytest.approx(0.10, abs=0.01)
    assert rejected > 140
    assert "alpha = 3" in found.covers
    assert found.n == 150
    assert found.family_size == 5


def test_tails_and_max_t_agree_with_max_t() -> None:
    rng = np.random.default_rng(3)
    y = noisy(rng, 120, 4, 0.15)
    two = best_alpha(y[:, 1:], y[:, 0], rng=rng, tail="two-sided", method="max-t")
    assert two.p == two.p_max_t
    assert two.p == pytest.approx(max_t(y[:, 1:], y[:, 0], rng=rng).p.min(), abs=0.02)
    worse = best_alpha(1 - y[:, 1:], 1 - y[:, 0], rng=rng, tail="less")
    better = best_alpha(y[:, 1:], y[:, 0], rng=rng, tail="greater")
    assert worse.naive_estimate == -better.naive_estimate
    assert worse.p == pytest.approx(better.p, abs=0.02)


def test_controls_searched_in_the_same_way_reach_the_rank_five_times_in_a_hundred() -> None:
    rng = np.random.default_rng(4)
    low = 0
    for _ in range(400):
        truth = rng.random((60, 1)) < 0.5
        runs = (truth[:, :, None] ^ (rng.random((60, 20, 4)) < 0.1)).astype(float)
        found = best_alpha(
            runs[:, 0], truth[:, 0].astype(float), rng=rng, resamples=19,
            controls=runs[:, 1:].transpose(1, 0, 2),
        )  # fmt: skip
        assert found.p_rank is not None
        low += found.p_rank <= 0.05
    assert found.rank_floor == 0.05
    # Ties count against the candidate, hence at most 5 %.
    assert low / 400 <= 0.05 + 2 * 0.011


def test_multiples_of_seeds_and_refusals() -> None:
    rng = np.random.default_rng(5)
    y = rng.integers(0, 5, (40, 3)) / 4
    found = best_alpha(y, y.mean(axis=1), rng=rng, resamples=99)
    assert found.low < found.estimate < found.high
    with pytest.raises(Refusal, match="alphas"):
        best_alpha(y, y[:, 0], rng=rng, alphas=[1.0])
    with pytest.raises(Refusal, match="tail"):
        best_alpha(y, y[:, 0], rng=rng, tail="best")  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="controls"):
        best_alpha(y, y[:, 0], rng=rng, resamples=99, controls=y)
    nothing = best_alpha(np.ones((10, 2)), np.ones(10), rng=rng, resamples=99)
    assert (nothing.status, nothing.p) == ("no_information", 1.0)
    few = best_alpha(y, y[:, 0], rng=rng, resamples=99, controls=np.stack([y, y]))
    assert few.status == "too_few_controls"


def test_pooled_halves_are_no_test_which_is_why_the_cross_fit_has_none() -> None:
    rng = np.random.default_rng(6)
    rejected = 0
    for _ in range(4000):
        y = noisy(rng, 86, 6, 0.12)
        d = y[:, 1:] - y[:, :1]
        first, second = d[:43].mean(axis=0).argmax(), d[43:].mean(axis=0).argmax()
        pooled = np.concatenate([d[:43, second], d[43:, first]])
        rejected += abs(pooled.mean()) > 1.96 * pooled.std(ddof=1) / np.sqrt(86)
    assert rejected / 4000 == pytest.approx(0.069, abs=0.012)


def test_rank_among_searched_controls_counts_ties_and_the_candidate() -> None:
    baseline = np.zeros(8)
    right = [[1, 3], [3, 0], [2, 2], [0, 4]]  # problems right at two alphas: candidate, controls
    outcomes = [np.array([[float(i < k) for k in one] for i in range(8)]) for one in right]
    found = best_alpha(
        outcomes[0], baseline, rng=np.random.default_rng(0), resamples=99,
        controls=np.stack(outcomes[1:]),
    )  # fmt: skip
    # One control gains 3 as well and one 4, of three: (1 + 2) / (3 + 1).
    assert found.p_rank == 3 / 4
    assert found.rank_floor == 1 / 4
    assert found.status == "too_few_controls"
