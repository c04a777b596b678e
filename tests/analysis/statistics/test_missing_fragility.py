"""Missing and fragile outcomes: every way of filling in or flipping, enumerated."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import (
    Refusal,
    fragility,
    mcnemar,
    missing_bounds,
    missing_table,
    missingness_trend,
    paired_counts,
    paired_difference,
)
from analysis.statistics.flips import Region, decision, extremes
from analysis.statistics.intervals import tango_limits
from analysis.statistics.paired import mid_p

outcome = st.sampled_from([0, 1, None])


@settings(max_examples=60)
@given(st.lists(st.tuples(outcome, outcome), min_size=2, max_size=7))
def test_bounds_are_the_extremes_of_all_imputations(pairs: list[tuple[int, int]]) -> None:
    before, after = zip(*pairs, strict=True)
    result = missing_bounds(missing_table(before, after))
    options = [(0, 1) if value is None else (value,) for value in (*before, *after)]
    filled = [paired_counts(v[: len(pairs)], v[len(pairs) :]) for v in product(*options)]
    results = [paired_difference(*counts) for counts in filled]
    assert result.low_effect == pytest.approx(min(r.estimate for r in results))
    assert result.high_effect == pytest.approx(max(r.estimate for r in results))
    assert result.low_bound == pytest.approx(min(r.low for r in results))
    assert result.high_bound == pytest.approx(max(r.high for r in results))
    assert result.p_low == pytest.approx(min(r.p for r in results))
    assert result.p_high == pytest.approx(max(r.p for r in results))
    assert result.low_effect <= result.estimate <= result.high_effect


def everything(gained: int, lost: int, some: int, others: int, either: int) -> np.ndarray:
    """All tables [2, k] of a region: every undecided pair tried in every way that it may go."""
    tables = {
        (gained + a + x, lost + b + y)
        for a in range(some + 1)
        for b in range(others + 1)
        for x in range(either + 1)
        for y in range(either + 1 - x)
    }
    return np.array(sorted(tables)).T


def test_extremes_of_many_regions_are_those_of_all_their_tables() -> None:
    regions = np.random.default_rng(14).integers(0, 12, (150, 6))
    n = np.maximum(regions.sum(axis=1), 1)
    gained, lost, some, others, either, _ = regions.T
    found = extremes(Region(gained, lost, some, others, either, n), 0.95)
    for i, (*region, _) in enumerate(regions.tolist()):
        g, lo = everything(*region)
        low, high = tango_limits(g, lo, np.full_like(g, n[i]), 0.95)
        effects = (g - lo) / n[i]
        assert (found.low_effect[i], found.high_effect[i]) == (effects.min(), effects.max())
        assert found.low[i] == pytest.approx(low.min(), abs=1e-12)
        assert found.high[i] == pytest.approx(high.max(), abs=1e-12)
        assert found.p_low[i] == mid_p(g, lo).min()
        assert found.p_high[i] == mid_p(g, lo).max()
        decisions = set(decision(g, lo, 0.05).tolist())
        assert found.agrees[i] == (len(decisions) == 1)
        assert {int(found.first_decision[i]), int(found.last_decision[i])} <= decisions


def test_limits_and_p_move_one_way_with_each_count() -> None:
    """What the extremes rest on: shown for every table of up to 40 changed pairs."""
    g, lo = np.indices((41, 41))
    for n in (80, 81, 1319):
        low, high = (v.reshape(g.shape) for v in tango_limits(g, lo, np.full_like(g, n), 0.95))
        for limit in (low, high):
            assert (np.diff(limit, axis=0) > -1e-12).all()
            assert (np.diff(limit, axis=1) < 1e-12).all()
    p = mid_p(g, lo)
    assert (np.diff(p, axis=0)[g[1:] > lo[1:]] <= 0).all()
    assert (np.diff(p, axis=1)[g[:, :-1] > lo[:, :-1]] >= 0).all()
    assert (p == p.T).all()


def test_three_answers_side_by_side() -> None:
    result = missing_bounds([[26, 2, 0], [4, 50, 2], [1, 0, 1]])
    assert result.complete is not None
    assert result.complete.n == 82
    assert result.complete.p == mcnemar(4, 2).p
    wrong = paired_difference(5, 2, 86)
    assert (result.estimate, result.low, result.p) == (wrong.estimate, wrong.low, wrong.p)
    assert result.dropped == 4
    assert result.low_bound <= result.low <= result.high <= result.high_bound
    assert result.decision_unchanged


def test_the_complete_case_figure_may_lie_outside_the_bounds() -> None:
    # Baselines that could not be read hide losses: complete cases see the one gain only.
    other = missing_bounds([[5, 0, 0], [1, 0, 0], [0, 4, 0]])
    assert other.complete is not None
    assert other.complete.estimate > other.high_effect


def test_nothing_missing_changes_nothing() -> None:
    result = missing_bounds([[26, 2, 0], [4, 54, 0], [0, 0, 0]])
    plain = paired_difference(4, 2, 86)
    assert (result.low_bound, result.high_bound) == (plain.low, plain.high)
    assert (result.p_low, result.p_high, result.dropped) == (plain.p, plain.p, 0)
    unreadable = missing_bounds([[0, 0, 0], [0, 0, 0], [0, 0, 9]])
    assert unreadable.complete is None
    assert unreadable.status == "no_information"
    assert (unreadable.low_effect, unreadable.high_effect) == (-1.0, 1.0)


def test_missing_refusals() -> None:
    with pytest.raises(Refusal, match="3, 3"):
        missing_bounds([[1, 2], [3, 4]])
    with pytest.raises(Refusal, match="neither"):
        missing_table([2], [1])
    with pytest.raises(Refusal, match="aligned"):
        missing_table([1], [1, 0])
    assert missing_table([1, None], [float("nan"), 1]).tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]


def flips(gained: int, lost: int, fragile: tuple[int, int, int]) -> list[tuple[int, int]]:
    """(gained, lost) after every choice of flips, one pair after another."""
    tables = [(gained, lost)]
    kinds = [[(-1, 0)]] * fragile[0] + [[(0, -1)]] * fragile[1] + [[(1, 0), (0, 1)]] * fragile[2]
    for moves in kinds:
        tables += [(g + a, lo + b) for g, lo in tables for a, b in moves]
    return tables


@settings(max_examples=60)
@given(st.integers(0, 14), st.integers(0, 14), st.tuples(*[st.integers(0, 3)] * 3))
def test_fragility_by_enumeration(gained: int, lost: int, fragile: tuple[int, int, int]) -> None:
    fragile = (min(fragile[0], gained), min(fragile[1], lost), fragile[2])
    n = gained + lost + 40
    result = fragility(
        gained,
        lost,
        n,
        fragile_gained=fragile[0],
        fragile_lost=fragile[1],
        fragile_unchanged=fragile[2],
    )
    tables = set(flips(gained, lost, fragile))
    p = {table: mcnemar(*table).p for table in tables}
    assert result.p_low == pytest.approx(min(p.values()))
    assert result.p_high == pytest.approx(max(p.values()))
    decisions = {np.sign(g - lo) if p[g, lo] <= 0.05 else 0 for g, lo in tables}
    assert result.decision_unchanged == (len(decisions) == 1)
    assert (result.worst.gained, result.worst.lost) in tables


def test_fragile_pairs_are_dropped_and_flipped_to_the_worse() -> None:
    result = fragility(7, 18, 86, fragile_gained=0, fragile_lost=2, fragile_unchanged=1)
    assert result.p == mcnemar(7, 18).p
    assert result.without is not None
    assert (result.without.gained, result.without.lost, result.without.n) == (7, 16, 83)
    assert (result.worst.gained, result.worst.lost) == (8, 16)
    assert not result.decision_unchanged
    sturdy = fragility(0, 11, 86, fragile_gained=0, fragile_lost=1)
    assert sturdy.decision_unchanged


def test_fragility_refusals() -> None:
    with pytest.raises(Refusal, match="fragile_lost = 3 of 2"):
        fragility(4, 2, 86, fragile_gained=0, fragile_lost=3)
    everything = fragility(1, 0, 1, fragile_gained=1, fragile_lost=0)
    assert everything.without is None


def test_missing_counts_as_wrong_on_both_sides_by_hand() -> None:
    # Lost: 2, and the 4 that were right and are missing now; the 7 wrong ones stay wrong.
    found = missing_bounds([[26, 2, 4], [3, 50, 8], [1, 7, 1]])
    same = paired_difference(3 + 1, 2 + 4, 102)
    assert (found.n, found.dropped) == (102, 21)
    assert (found.estimate, found.low, found.p) == (same.estimate, same.low, same.p)
    assert found.complete is not None
    assert found.complete.n == 81
    # At most the 8 wrong, the 1 missing before and the 1 missing twice were gained as well.
    assert found.high_effect == pytest.approx((3 + 8 + 1 + 1 - 2) / 102)
    assert found.low_effect == pytest.approx((3 - 2 - 4 - 7 - 1) / 102)


def test_fragile_pairs_of_a_net_change_of_zero_flip_towards_more_lost() -> None:
    found = fragility(5, 5, 40, fragile_gained=2, fragile_lost=1, fragile_unchanged=3)
    assert (found.worst.gained, found.worst.lost) == (5 - 2, 5 + 3)


def test_a_trend_over_one_dose_is_mcnemars_chi_square() -> None:
    pairs = [(0, 1)] * 7 + [(1, 0)] * 2 + [(0, 0)] * 11 + [(1, 1)] * 3
    found = missingness_trend(pairs, [0.0, -2.0])
    assert found.p == pytest.approx(mcnemar(7, 2, method="chi2").p)
    assert found.statistic == pytest.approx(5 / 3)
    # Five more unreadable of 23, over two units of alpha.
    assert found.estimate == pytest.approx(5 / 23 / 2)
    assert (found.n, found.informative, found.dropped) == (23, 9, 0)


def test_a_trend_is_referred_to_every_order_of_the_doses() -> None:
    unread = np.array([[1, 0, 0, 1], [0, 0, 0.5, 1], [0, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
    sizes = np.array([0.0, 1.0, 1.0, 3.0])
    found = missingness_trend(unread, [0.0, 1.0, -1.0, 3.0])
    # The variance of the sum is that of the problems one by one, each over its 24 orders.
    centred = sizes - sizes.mean()
    own, variance = 0.0, 0.0
    for row in unread:
        sums = [row @ np.array(order) for order in permutations(centred)]
        assert np.mean(sums) == pytest.approx(0, abs=1e-12)
        own, variance = own + row @ centred, variance + np.var(sums)
    assert found.statistic == pytest.approx(own / np.sqrt(variance))
    slopes = [np.polyfit(sizes, row, 1)[0] for row in unread]
    assert found.estimate == pytest.approx(np.mean(slopes))
    assert found.informative == 3


def test_a_trend_leaves_out_problems_without_an_outcome_and_may_know_nothing() -> None:
    some = np.array([[0, 1, 1], [0, np.nan, 1], [0, 0, 0]])
    found = missingness_trend(some, [0, 1, 2])
    assert (found.n, found.dropped, found.informative) == (2, 1, 1)
    nothing = missingness_trend([[0, 0], [1, 1]], [0, 1])
    assert (nothing.p, nothing.estimate, nothing.status) == (1.0, 0.0, "no_information")
    nobody = missingness_trend([[np.nan, 0]], [0, 1])
    assert np.isnan(nobody.estimate)
    assert (nobody.n, nobody.status) == (0, "no_information")
    # Both signs are one size.
    assert (
        missingness_trend([[0, 1], [1, 1]], [0, -3]).p
        == missingness_trend([[0, 1], [1, 1]], [0, 3]).p
    )


@pytest.mark.parametrize(
    ("unread", "alphas", "said"),
    [
        ([0, 1], [0, 1], "shape"),
        ([[0, 1]], [0, 1, 2], "shape"),
        ([[0, 1]], [0, np.inf], "finite"),
        ([[0, 1]], [0, np.nan], "missing"),
        ([[0, 1.5]], [0, 1], "shares"),
        ([[0, -0.5]], [0, 1], "shares"),
        (np.zeros((2, 0)), [], "shape"),
        ([[0, 1]], [2, -2], "one size"),
    ],
)
def test_refusals_of_a_trend(unread: Any, alphas: list[float], said: str) -> None:
    with pytest.raises(Refusal, match=said):
        missingness_trend(unread, alphas)
