"""Strata on two scales; the exact test against enumeration, Fisher's test and R."""

from __future__ import annotations

import csv
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, fisher_exact
from statsmodels.stats.contingency_tables import StratifiedTable

from analysis import (
    Refusal,
    mcnemar,
    paired_difference,
    stratified_difference,
    stratum_homogeneity,
)
from analysis.statistics.freeman_halton import fisher_freeman_halton
from tests.paths import REFERENCE

# tests/reference/controls.R
TABLES = [
    ([4, 2], [1, 8]),
    ([4, 2, 0], [1, 8, 3]),
    ([7, 5, 1, 3], [2, 5, 9, 3]),
    ([12, 9, 6, 1], [5, 14, 6, 10]),
]


def enumerated(gained: list[int], lost: list[int]) -> float:
    """The definition: every table with both margins, in whole numbers."""
    sizes = [g + m for g, m in zip(gained, lost, strict=True)]

    def weight(table: tuple[int, ...]) -> int:
        return math.prod(math.comb(n, x) for n, x in zip(sizes, table, strict=True))

    tables = itertools.product(*[range(n + 1) for n in sizes])
    weights = [weight(table) for table in tables if sum(table) == sum(gained)]
    return sum(w for w in weights if w <= weight(tuple(gained))) / sum(weights)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=5))
def test_exact_p_equals_enumeration(cells: list[tuple[int, int]]) -> None:
    gained, lost = [g for g, _ in cells], [m for _, m in cells]
    found = stratum_homogeneity(gained, lost)
    assert found.p == pytest.approx(enumerated(gained, lost), rel=1e-9)
    if len(cells) == 2:
        assert found.p == pytest.approx(fisher_exact([gained, lost])[1], rel=1e-9)


def test_exact_p_equals_r() -> None:
    path = REFERENCE / "controls.csv"
    rows = {
        row["name"]: float(row["value"]) for row in csv.DictReader(path.read_text().splitlines())
    }
    for i, (gained, lost) in enumerate(TABLES, start=1):
        found = stratum_homogeneity(gained, lost)
        assert found.p == pytest.approx(rows[f"freeman_halton{i}"], rel=1e-9)
        assert found.chi2_p == pytest.approx(rows[f"chisq{i}"], rel=1e-9)


def test_large_tables_are_exact_or_slightly_above() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(60, 110, size=6)
    gained = rng.binomial(sizes, 0.5)
    p, from_draws = fisher_freeman_halton(gained, sizes - gained)
    assert not from_draws
    # Monte Carlo over the same null, with the margins fixed.
    draws = rng.multivariate_hypergeometric(sizes, int(gained.sum()), size=40_000)
    weights = np.zeros(40_000)
    own = 0.0
    for stratum, size in enumerate(sizes):
        choose = np.array([math.log(math.comb(int(size), x)) for x in range(size + 1)])
        weights += choose[draws[:, stratum]]
        own += choose[gained[stratum]]
    drawn = np.mean(weights <= own + 1e-7)
    assert p == pytest.approx(drawn, abs=4 * math.sqrt(p * (1 - p) / 40_000) + 0.002)


def test_strata_without_information() -> None:
    found = stratum_homogeneity([0, 3, 0], [0, 4, 0])
    assert (found.p, found.chi2_p, found.status) == (1.0, 1.0, "no_information")
    assert found.dropped == 2
    with pytest.raises(Refusal, match="S ≥ 2"):
        stratum_homogeneity(3, 4)


def test_homogeneity_size_by_simulation() -> None:
    rng = np.random.default_rng(1)
    sizes = np.array([20, 30, 25])
    p = [
        stratum_homogeneity(gained, sizes - gained).p
        for gained in rng.binomial(sizes, 0.6, size=(800, 3))
    ]
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 0.016
    assert np.mean(np.array(p) <= 0.05) >= 0.03


def test_pooled_test_is_mcnemar_and_equals_cmh_with_pairs_as_strata() -> None:
    gained, lost, n = [4, 2, 1], [1, 8, 6], [40, 46, 20]
    found = stratified_difference(gained, lost, n, names=["easy", "middle", "hard"])
    assert found.p == mcnemar(7, 15).p
    assert found.estimate == pytest.approx(-8 / 106)
    tango = paired_difference(7, 15, 106)
    assert (found.low, found.high) == (tango.low, tango.high)
    assert found.strata.estimate == pytest.approx([3 / 40, -6 / 46, -5 / 20])
    # Each pair is a stratum of its own: rows baseline and steered, columns right and wrong.
    up, down = [[0, 1], [1, 0]], [[1, 0], [0, 1]]
    cmh = StratifiedTable([np.array(t) for t in [up] * 7 + [down] * 15])
    assert cmh.test_null_odds(correction=False).pvalue == pytest.approx(
        mcnemar(7, 15, method="chi2").p
    )


def test_contrast_in_points_covers() -> None:
    rng = np.random.default_rng(2)
    n = np.array([120, 120])
    cells = np.array([[0.12, 0.05, 0.83], [0.06, 0.10, 0.84]])
    target = (0.06 - 0.10) - (0.12 - 0.05)
    covered, rejected = 0, 0
    for _ in range(300):
        draws = np.array([rng.multinomial(size, cell) for size, cell in zip(n, cells, strict=True)])
        found = stratified_difference(draws[:, 0], draws[:, 1], n)
        covered += found.contrast_low <= target <= found.contrast_high
        null = rng.multinomial(120, cells[0], size=2)
        rejected += stratified_difference(null[:, 0], null[:, 1], n).heterogeneity_p < 0.05
    assert covered / 300 == pytest.approx(0.95, abs=0.035)
    assert rejected / 300 <= 0.05 + 0.025


def test_contrast_of_unequal_strata_by_hand() -> None:
    found = stratified_difference([4, 2, 3], [1, 8, 1], [40, 46, 30])
    first, last = paired_difference(4, 1, 40), paired_difference(3, 1, 30)
    assert found.contrast == pytest.approx(2 / 30 - 3 / 40)
    # Last minus first: its lower limit takes the last one's lower arm and the first one's upper.
    low = math.hypot(last.estimate - last.low, first.high - first.estimate)
    high = math.hypot(last.high - last.estimate, first.estimate - first.low)
    assert abs(low - high) > 1e-4
    assert found.contrast_low == pytest.approx(found.contrast - low)
    assert found.contrast_high == pytest.approx(found.contrast + high)


def test_heterogeneity_of_unequal_strata_by_hand() -> None:
    found = stratified_difference([4, 2], [1, 8], [40, 66])
    effects = [3 / 42, -6 / 68]
    variances = [(7 / 42 - effects[0] ** 2) / 42, (12 / 68 - effects[1] ** 2) / 68]
    # With two strata the weighted sum is (difference)² over the sum of their variances.
    assert found.heterogeneity == pytest.approx((effects[0] - effects[1]) ** 2 / sum(variances))
    assert found.heterogeneity_p == pytest.approx(chi2.sf(found.heterogeneity, 1))


def test_strata_without_changes_take_no_degree_of_freedom() -> None:
    with_empty, without = (
        stratum_homogeneity([4, 2, 0], [1, 8, 0]),
        stratum_homogeneity([4, 2], [1, 8]),
    )
    assert (with_empty.chi2_p, with_empty.df) == (without.chi2_p, 1)
    assert (with_empty.estimate, with_empty.dropped) == (without.estimate, 1)


def test_equal_effects_in_points_can_be_unequal_in_odds() -> None:
    gained, lost, n = np.array([30, 60]), np.array([10, 40]), np.array([400, 400])
    points = stratified_difference(gained, lost, n)
    assert points.contrast == pytest.approx(0.0)
    assert points.contrast_low < 0 < points.contrast_high
    odds = stratum_homogeneity(gained * 2, lost * 2)
    assert odds.p < 0.05


def test_strata_cut_from_the_tested_baseline_invent_effects_and_are_refused() -> None:
    with pytest.raises(Refusal, match="n_steps"):
        stratified_difference([4, 2], [1, 8], [40, 46], strata_run="r1", baseline_run="r1")
    assert (
        stratified_difference([4, 2], [1, 8], [40, 46], strata_run="r0", baseline_run="r1").n == 86
    )
    rng = np.random.default_rng(3)
    truth = rng.random(20_000) < 0.5
    baseline, steered = (truth ^ (rng.random((2, 20_000)) < 0.1)).astype(int)
    effects = [(steered - baseline)[baseline == level].mean() for level in (0, 1)]
    # The null is true, and yet ±18 points appear: what refusing prevents.
    assert effects == pytest.approx([0.18, -0.18], abs=0.015)


def test_scores_and_names_are_checked() -> None:
    counts = ([4, 2, 3], [1, 8, 3], [40, 46, 30])
    trend = stratified_difference(*counts, scores=[-1, 0, 1])
    assert trend.contrast == pytest.approx(0 - 3 / 40)
    with pytest.raises(Refusal, match="sum to 0"):
        stratified_difference(*counts, scores=[1, 1, 1])
    with pytest.raises(Refusal, match="names"):
        stratified_difference(*counts, names=["a"])
