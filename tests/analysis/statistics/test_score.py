"""Score intervals of bounded differences: Tango's for single pairs, a width where none changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from analysis import clustered_difference, paired_difference
from analysis.statistics.intervals import score_gap
from analysis.statistics.score import score_limits, score_statistic


def by_hand(d: list[float], critical: float) -> tuple[float, float, float]:
    """Limits and z at no effect, from the definitions: one root search for each limit."""
    n = len(d)
    mean = sum(d) / n
    pairs = sum(abs(x) for x in d) / n - mean**2 + 0.5 / n
    spread = sum((x - mean) ** 2 for x in d) / n + 0.5 / n
    effective = n * pairs / spread
    share = effective / n
    gained = share * sum(max(x, 0.0) for x in d)
    lost = share * sum(max(-x, 0.0) for x in d)

    def z(delta: float) -> float:
        gap, deviation = score_gap(gained, lost, effective, delta)
        return float(gap / deviation)

    estimate = (gained - lost) / effective
    low = optimize.brentq(lambda x: z(x) - critical, -1 + 1e-12, estimate - 1e-9, xtol=1e-15)
    high = optimize.brentq(lambda x: z(x) + critical, estimate + 1e-9, 1 - 1e-12, xtol=1e-15)
    return low, high, (gained - lost) / np.sqrt(gained + lost) if gained + lost else 0.0


def sums(d: list[float]) -> tuple[float, float, float, float]:
    values = np.array(d)
    return values.sum(), np.abs(values).sum(), (values**2).sum(), len(values)


@pytest.mark.parametrize(
    "d",
    [
        [0.0] * 61,
        [-1.0] * 2 + [0.0] * 59,
        [-0.125] + [0.0] * 60,
        [0.5, -0.25, 0.75, 0.0, 0.0, -1.0, 0.25, 0.5, 0.0],
    ],
)
@pytest.mark.parametrize("critical", [1.96, 3.5])
def test_limits_by_root_search(d: list[float], critical: float) -> None:
    low, high, z = by_hand(d, critical)
    assert [float(x) for x in score_limits(*sums(d), critical)] == pytest.approx([low, high])
    assert score_statistic(*sums(d)) == pytest.approx(z)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 200))
def test_one_outcome_per_problem_is_tango(gained: int, lost: int, same: int) -> None:
    d = [1.0] * gained + [-1.0] * lost + [0.0] * same
    expected = paired_difference(gained, lost, len(d))
    found = score_limits(*sums(d), stats.norm.ppf(0.975))
    assert [float(x) for x in found] == pytest.approx([expected.low, expected.high], abs=1e-12)


@given(st.lists(st.integers(-8, 8), min_size=2, max_size=40), st.floats(0.5, 6.0))
def test_limits_mirror_hold_the_estimate_and_agree_with_the_test(
    eighths: list[int], critical: float
) -> None:
    d = [x / 8 for x in eighths]
    low, high = (float(x) for x in score_limits(*sums(d), critical))
    mirrored = score_limits(*sums([-x for x in d]), critical)
    assert (low, high) == pytest.approx((-float(mirrored[1]), -float(mirrored[0])))
    assert -1 <= low <= np.mean(d) <= high <= 1
    assert low < high
    z = score_statistic(*sums(d))
    if abs(abs(z) - critical) > 1e-6:
        assert (abs(z) > critical) == (low > 0 or high < 0)


def rows(d: np.ndarray) -> dict[str, np.ndarray]:
    """Seeds whose outcomes differ by d, in {−1, 0, 1}, shape [problems, seeds]."""
    return {
        "problem": np.repeat(np.arange(len(d)), d.shape[1]),
        "steered": (d > 0).astype(float).ravel(),
        "baseline": (d < 0).astype(float).ravel(),
    }


def test_nothing_changed_has_the_interval_of_as_many_problems() -> None:
    found = clustered_difference(
        rows(np.zeros((61, 8))), rng=np.random.default_rng(0), pairing="seeds", resamples=99
    )
    alone = paired_difference(0, 0, 61)
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high))
    assert (found.p, found.statistic, found.status) == (1.0, 0.0, "no_information")
    assert (found.t_low, found.t_high, found.t_p) == (None, None, None)


def test_three_percent_lost_are_covered_where_t_does_not() -> None:
    rng = np.random.default_rng(1)
    score = student = 0
    for _ in range(1000):
        lost = np.where(rng.random((61, 1)) < 0.03, -1.0, 0.0) * np.ones(8)
        found = clustered_difference(rows(lost), rng=rng, pairing="seeds", resamples=99)
        score += found.low <= -0.03 <= found.high
        if found.t_low is not None and found.t_high is not None:
            student += found.t_low <= -0.03 <= found.t_high
    assert score / 1000 > 0.95
    assert student / 1000 == pytest.approx(0.84, abs=0.04)


def test_test_and_interval_agree_with_directions_too() -> None:
    rng = np.random.default_rng(2)
    outside = []
    for shift in np.linspace(0, 0.5, 40):
        steered = rng.random((30, 5)) < 0.5 + shift
        at = np.indices(steered.shape)
        table = {
            "problem": at[0].ravel(),
            "direction": at[1].ravel(),
            "steered": steered.astype(float).ravel(),
            "baseline": (rng.random(30) < 0.5).astype(float)[at[0].ravel()],
        }
        found = clustered_difference(table, rng=rng, resamples=99)
        assert found.method == "crossed score, problems × directions"
        outside.append(not found.low <= 0 <= found.high)
        assert outside[-1] == (found.p <= 0.05)
    assert 5 < sum(outside) < 39
