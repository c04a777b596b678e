"""Ranks over doses, shares, correlated controls and order statistics, against slow oracles."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis import (
    Refusal,
    beyond_controls,
    control_correlation,
    order_interval,
)
from analysis.statistics.over_doses import normality, signed_share

# Candidate, then four controls; at the second dose the candidate is the second largest.
VALUES = np.array([[3.0, 5.0], [1.0, 6.0], [0.0, 1.0], [2.0, 0.0], [-1.0, 2.0]])


def slow_rank(values: np.ndarray, sign: float) -> float:
    """The rank p by its definition, one direction and dose after another."""
    largest = []
    for row in values:
        best = -np.inf
        for dose in range(values.shape[1]):
            column = values[:, dose]
            if np.ptp(column) > 0:
                best = max(best, sign * (row[dose] - np.mean(column)) / np.std(column))
        largest.append(best)
    return sum(one >= largest[0] - 1e-9 for one in largest) / len(values)


def test_the_candidate_is_ranked_at_its_own_best_dose() -> None:
    found = beyond_controls(VALUES, side="greater")
    # (3 − 1)/√2 = 1.41 at the first dose; the control's (6 − 2.8)/2.315 = 1.38 at the second.
    assert (found.p, found.beyond, found.dose, found.k) == (1 / 5, 0, 0, 4)
    assert found.estimate == pytest.approx(np.sqrt(2))
    assert found.z == pytest.approx([np.sqrt(2), 2.2 / np.std(VALUES[:, 1])])
    assert found.status == "too_few_controls"
    assert found.rank_floor == 1 / 5
    assert found.scope == "new directions"
    less = beyond_controls(VALUES, side="less")
    assert (less.p, less.beyond, less.dose) == (5 / 5, 4, 1)


@given(
    st.integers(0, 10_000),
    st.integers(1, 12),
    st.integers(1, 4),
    st.sampled_from([("greater", 1.0), ("less", -1.0)]),
)
def test_it_equals_the_definition_with_ties(seed: int, k: int, doses: int, side) -> None:
    values = np.random.default_rng(seed).integers(-3, 4, (k + 1, doses)) / 7
    found = beyond_controls(values, side=side[0])
    assert found.p == pytest.approx(slow_rank(values, side[1]))
    assert found.p >= found.rank_floor
    mirrored = beyond_controls(-values, side="less" if side[0] == "greater" else "greater")
    assert mirrored.p == found.p


def test_each_direction_is_as_likely_to_be_first_as_any_other() -> None:
    """Exact under exchangeability: over all relabellings p ≤ j/(k+1) happens j times of k + 1."""
    rng = np.random.default_rng(1)
    values = rng.standard_t(2, (10, 3))
    ps = sorted(
        beyond_controls(np.roll(values, shift, axis=0), side="greater").p for shift in range(10)
    )
    assert ps == pytest.approx([i / 10 for i in range(1, 11)])


def test_the_floor_counts_the_family() -> None:
    values = np.random.default_rng(0).normal(size=(100, 2))
    assert beyond_controls(values, side="less").status == "ok"
    assert beyond_controls(values, side="less", family_size=2).status == "ok"
    assert beyond_controls(values, side="less", family_size=3).status == "too_few_controls"
    assert beyond_controls(values[:40], side="less").status == "ok"
    assert beyond_controls(values[:39], side="less").status == "too_few_controls"


def test_a_dose_at_which_all_are_equal_says_nothing() -> None:
    values = np.column_stack([np.full(41, 0.3), np.arange(41.0)[::-1]])
    found = beyond_controls(values, side="greater")
    assert (found.p, found.dose, np.isnan(found.z).tolist()) == (1 / 41, 1, [True, False])
    nothing = beyond_controls(np.full((41, 2), 0.1 + 0.2), side="greater")
    assert (nothing.p, nothing.status, nothing.dose) == (1.0, "no_information", None)


@pytest.mark.parametrize(
    "values", [np.ones((1, 2)), np.ones(3), np.ones((3, 0)), [[1.0, np.nan], [1.0, 2.0]]]
)
def test_values_that_are_no_table_are_refused(values) -> None:
    with pytest.raises(Refusal):
        beyond_controls(values, side="greater")
    with pytest.raises(Refusal, match="side"):
        beyond_controls(VALUES, side="two-sided")  # type: ignore[arg-type]


def test_a_share_is_net_changes_over_all_changes_shrunk() -> None:
    # Two directions of four problems: +1 −1 +1 0 (net 1 of 3), and one change alone (1 of 1).
    signed = np.array([[[1, -1, 1, 0]], [[0, 0, 0, 1]]]) / 2
    kappa = 0.05 * np.median([1.5, 0.5])
    assert signed_share(signed)[:, 0] == pytest.approx([0.5 / (1.5 + kappa), 0.5 / (0.5 + kappa)])
    assert signed_share(signed, shrinkage=0)[:, 0] == pytest.approx([1 / 3, 1])
    assert signed_share(np.zeros((3, 2, 4))).tolist() == [[0, 0]] * 3
    with pytest.raises(Refusal):
        signed_share(signed[0])


def test_twice_the_push_is_twice_the_effect_and_hardly_more_of_a_share() -> None:
    rng = np.random.default_rng(2)
    signed = rng.choice([-0.5, 0, 0, 0.5], (30, 1, 400), p=[0.1, 0.3, 0.3, 0.3])
    alone = np.concatenate([signed[:1], signed])
    twice = np.concatenate(
        [np.tile(signed[:1], (1, 1, 2)), np.pad(signed, ((0, 0), (0, 0), (0, 400)))]
    )
    assert twice[0].sum() == 2 * alone[0].sum()
    share, doubled = (signed_share(one, shrinkage=0.05)[0, 0] for one in (alone, twice))
    assert 1 < doubled / share < 1.03


def test_the_correlation_of_controls_is_their_mean_cosine() -> None:
    signed = np.array([[1.0, 0, 0], [1, 1, 0], [0, 0, 2], [0, 0, 0]])
    found = control_correlation(signed, rng=np.random.default_rng(0))
    assert found.estimate == pytest.approx((1 / np.sqrt(2) + 0 + 0) / 3)
    assert (found.k, found.dropped) == (3, 1)
    # Of the eight sign patterns four give the two that are alike the same sign.
    assert found.p == pytest.approx(0.5, abs=0.02)


def test_flips_of_controls_equal_enumeration() -> None:
    rng = np.random.default_rng(3)
    signed = rng.normal(size=(7, 11)) + 0.4 * rng.normal(size=11)
    unit = signed / np.linalg.norm(signed, axis=1)[:, None]
    observed = (unit @ unit.T).sum()
    flips = [
        ((np.array(one)[:, None] * unit).sum(axis=0) ** 2).sum()
        for one in product((-1, 1), repeat=7)
    ]
    exact = np.mean([one >= observed - 1e-9 for one in flips])
    found = control_correlation(signed, rng=rng, resamples=19_999)
    assert found.p == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000))


def test_correlated_controls_are_found_and_independent_ones_are_not() -> None:
    rng = np.random.default_rng(4)
    hits = {0.0: 0, 0.1: 0}
    for rho in hits:
        for _ in range(200):
            own, common = rng.normal(size=(19, 86)), rng.normal(size=86)
            signed = np.sign(np.sqrt(rho) * common + np.sqrt(1 - rho) * own) / 2
            found = control_correlation(signed, rng=rng, resamples=399)
            hits[rho] += found.status == "correlated_controls"
    assert hits[0.0] <= 8  # 2 are expected
    assert hits[0.1] >= 190


def test_controls_that_change_nothing_are_not_correlated() -> None:
    found = control_correlation(np.zeros((5, 4)), rng=np.random.default_rng(0))
    assert (found.p, found.status, found.dropped) == (1.0, "no_information", 5)
    with pytest.raises(Refusal):
        control_correlation(np.zeros(4), rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("k", "low", "high", "coverage", "status"),
    [
        (99, 1, 97, 0.96, "ok"), (39, 0, 38, 0.95, "ok"), (38, 0, 37, 37 / 39, "too_few_controls"),
        (5, 0, 4, 4 / 6, "too_few_controls"), (199, 4, 194, 0.95, "ok"),
    ],
)  # fmt: skip
def test_the_order_interval_states_its_coverage(
    k: int, low: int, high: int, coverage: float, status: str
) -> None:
    found = order_interval(np.random.default_rng(0).permutation(k).astype(float))
    assert (found.low, found.high, found.status) == (low, high, status)
    assert found.confidence == pytest.approx(coverage)
    assert found.estimate == (k - 1) / 2


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(39, 120))
def test_one_more_control_falls_into_it_as_often_as_it_says(seed: int, k: int) -> None:
    """Exact: leaving each of k + 1 values out in turn counts the ranks outside."""
    values = np.random.default_rng(seed).standard_cauchy(k + 1)
    inside = []
    for i, one in enumerate(values):
        found = order_interval(np.delete(values, i))
        inside.append(found.low <= one <= found.high)
    assert np.mean(inside) == pytest.approx(found.confidence)


def test_an_interval_of_one_control_is_refused() -> None:
    for controls in ([1.0], [1.0, np.nan], [[1.0, 2.0]]):
        with pytest.raises(Refusal):
            order_interval(controls)


def test_normality_is_shapiro_wilk_or_nothing() -> None:
    sample = [148, 154, 158, 160, 161, 162, 166, 170, 182, 195, 236]
    # The weights of men of Shapiro & Wilk (1965), page 606: W = .79, p < .01.
    assert normality(sample) == pytest.approx(stats.shapiro(sample).pvalue)
    assert stats.shapiro(sample).statistic == pytest.approx(0.79, abs=0.005)
    assert normality([1.0, 2.0]) is None
    assert normality([0.1, 0.1, 0.1]) is None
