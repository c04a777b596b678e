"""One direction against few controls, checked against printed values, R and simulation."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis import (
    Refusal,
    candidate_minus_controls,
    compare_signed_to_controls,
    compare_to_controls,
    control_spread,
    controls_power,
)
from analysis.statistics.controls import controls_needed, rank_floor
from analysis.statistics.effect_sizes import hedges_correction, noncentral_t_cdf
from tests.paths import REFERENCE

# The report's counts of 86 problems: the candidate, then its five random directions.
EFFECT, CONTROLS = -11, [-1, -2, -5, -10, -11]


@pytest.fixture(scope="module")
def r() -> dict[str, list[float]]:
    """tests/reference/controls.R, run once."""
    values: dict[str, list[float]] = {}
    path = REFERENCE / "controls.csv"
    for row in csv.DictReader(path.read_text().splitlines()):
        values.setdefault(row["name"], []).append(float(row["value"]))
    return values


def test_the_report_in_printed_values(r: dict[str, list[float]]) -> None:
    found = compare_to_controls(EFFECT, CONTROLS)
    assert found.p == pytest.approx(0.355693, abs=5e-7)
    assert found.p == pytest.approx(r["crawford_howell_p"][0], rel=1e-12)
    assert found.p == pytest.approx(stats.ttest_ind([EFFECT], CONTROLS).pvalue, rel=1e-12)
    assert [found.prediction_low, found.prediction_high] == pytest.approx(r["prediction"])
    assert found.d == pytest.approx(-1.142926, abs=5e-7)
    assert found.d_ddof0 == pytest.approx(-1.277830, abs=5e-7)
    assert found.g == pytest.approx(-0.911923, abs=5e-7)
    assert found.g == pytest.approx(r["effectsize_g"][0], rel=1e-12)
    assert [found.d_low_fixed, found.d_high_fixed] == pytest.approx(r["d_fixed"], abs=1e-9)
    # effectsize searches its limits to six digits
    assert [found.d_low_fixed, found.d_high_fixed] == pytest.approx(r["effectsize_d"][1:], abs=1e-6)
    assert [found.d_low_random, found.d_high_random] == pytest.approx(r["d_random"], abs=1e-9)
    assert found.d_low_fixed == pytest.approx(-2.2695, abs=5e-5)
    assert found.d_high_random == pytest.approx(1.1963, abs=5e-5)
    assert found.p_rank_less == pytest.approx(2 / 6)
    assert found.rank_floor == pytest.approx(2 / 6)
    assert found.status == "too_few_controls"
    assert found.scope == "new directions"


def test_rounded_percentages_give_their_own_digits() -> None:
    found = compare_to_controls(-12.8, [-1.2, -2.3, -5.8, -11.6, -12.8])
    assert found.p == pytest.approx(0.35412, abs=5e-6)


def test_hedges_correction_is_the_exact_one() -> None:
    assert hedges_correction(4) == pytest.approx(0.797885, abs=5e-7)
    assert np.isnan(hedges_correction(1))


def test_the_fixed_interval_agrees_with_one_sample_t_and_the_random_one_with_the_test() -> None:
    rng = np.random.default_rng(1)
    controls = rng.normal(size=(300, 6))
    x = rng.normal(scale=3, size=300)
    found = compare_to_controls(x, controls)
    one_sample = stats.ttest_1samp(controls, x[:, None], axis=1).pvalue.ravel()
    fixed_excludes = (found.d_low_fixed > 0) | (found.d_high_fixed < 0)
    random_excludes = (found.d_low_random > 0) | (found.d_high_random < 0)
    assert np.array_equal(fixed_excludes, one_sample < 0.05)
    assert np.array_equal(random_excludes, found.p < 0.05)
    assert np.array_equal((found.low > 0) | (found.high < 0), found.p < 0.05)
    # The two sets of rejections are not the same: reading the first as the test is the trap.
    assert fixed_excludes.sum() > random_excludes.sum() + 50


@pytest.mark.parametrize(("k", "size"), [(3, 0.16), (5, 0.32), (10, 0.51), (19, 0.64)])
def test_crawford_howell_keeps_its_size_where_the_one_sample_t_does_not(
    k: int, size: float
) -> None:
    rng = np.random.default_rng(k)
    draws = rng.normal(size=(4_000, k + 1))
    found = compare_to_controls(draws[:, 0], draws[:, 1:])
    assert np.mean(found.p < 0.05) == pytest.approx(0.05, abs=0.012)
    wrong = stats.ttest_1samp(draws[:, 1:], draws[:, :1], axis=1).pvalue
    assert np.mean(wrong < 0.05) == pytest.approx(size, abs=0.025)
    inside = (found.prediction_low <= draws[:, 0]) & (draws[:, 0] <= found.prediction_high)
    assert inside.mean() == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize(("k", "size"), [(3, 0.23), (5, 0.15)])
def test_a_z_test_of_few_controls_rejects_too_often(k: int, size: float) -> None:
    draws = np.random.default_rng(k).normal(size=(4_000, k + 1))
    d = compare_to_controls(draws[:, 0], draws[:, 1:]).d
    # z with the candidate drawn too: the inflation is right, the normal quantile is not.
    assert np.mean(np.abs(d) / np.sqrt(1 + 1 / k) > 1.96) < size
    assert np.mean(np.abs(d) > 1.96) == pytest.approx(size, abs=0.025)


def test_both_tails_and_ranks() -> None:
    controls = np.arange(19) / 100
    below = compare_to_controls(-0.5, controls, tail="less")
    assert below.p == below.p_less < 0.01
    assert below.p_less + below.p_greater == pytest.approx(1)
    assert below.p_rank == pytest.approx(1 / 20)
    assert below.status == "ok"
    two = compare_to_controls(-0.5, controls)
    assert two.p_rank == pytest.approx(2 / 20)
    assert two.status == "too_few_controls"
    assert compare_to_controls(-0.5, controls, tail="less", family_size=2).status != "ok"


def test_equal_counts_tie_although_their_fractions_were_reached_differently() -> None:
    third = 0.1 + 0.2
    assert third != 0.3
    found = compare_to_controls(third, [0.3, 0.1, 0.0], tail="greater")
    assert found.p_rank == pytest.approx(2 / 4)


def test_floors_say_how_many_controls_are_needed() -> None:
    assert [controls_needed(a, tail=t) for t in ("greater", "two-sided") for a in (0.05, 0.01)] == [
        19,
        99,
        39,
        199,
    ]
    assert controls_needed(0.05, tail="less", family_size=6) == 6 / 0.05 - 1
    assert rank_floor(19, tail="less") == 0.05


def test_refusals_and_equal_controls() -> None:
    with pytest.raises(Refusal, match="at least two"):
        compare_to_controls(0.1, [0.2])
    with pytest.raises(Refusal, match="missing"):
        compare_to_controls(0.1, [0.2, np.nan, 0.3])
    with pytest.raises(Refusal, match="tail"):
        compare_to_controls(0.1, [0.2, 0.3], tail="both")  # type: ignore[call-overload]
    equal = compare_to_controls(0.1, [0.3, 0.3, 0.3])
    assert equal.status == "degenerate"
    assert np.isnan(equal.p)
    assert equal.p_rank_less == 1 / 4


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-40, 40), min_size=3, max_size=12),
    st.integers(-60, 60),
    st.floats(0.001, 10),
)
def test_mirror_and_unit_leave_the_answer(values: list[int], x: int, unit: float) -> None:
    one = compare_to_controls(x, values)
    mirrored = compare_to_controls(-x * unit, -np.array(values) * unit)
    if one.status == "degenerate":
        assert mirrored.status == "degenerate"
        return
    assert mirrored.p == pytest.approx(one.p, rel=1e-6)
    assert mirrored.p_rank_less == one.p_rank_greater
    assert one.low <= one.estimate <= one.high
    assert one.d_low_fixed <= one.d <= one.d_high_fixed
    assert one.d_low_random <= one.d_low_fixed + 1e-9 or abs(one.d) < 3


def test_arrays_give_arrays_equal_to_single_answers() -> None:
    many = compare_to_controls([0.1, -0.2], [[0.0, 0.05, 0.2], [0.1, 0.1, 0.3]])
    one = compare_to_controls(-0.2, [0.1, 0.1, 0.3])
    assert many.p.shape == (2,)
    assert many.p[1] == pytest.approx(one.p, rel=1e-12)
    assert many.d_low_random[1] == pytest.approx(one.d_low_random, rel=1e-9)


def test_pushing_harder_is_not_a_signed_effect() -> None:
    rng = np.random.default_rng(0)
    signed, damage = rng.normal(0, 0.01, 19), rng.normal(-0.03, 0.01, 19)
    plain = compare_to_controls(-0.10, damage + signed, tail="less")
    assert plain.p < 0.001
    harder = compare_signed_to_controls(-0.10, -0.10, damage + signed, damage - signed)
    assert harder.p > 0.5
    steering = compare_signed_to_controls(-0.13, -0.03, damage + signed, damage - signed)
    assert steering.estimate == pytest.approx(-0.05 - signed.mean())
    assert steering.p < 0.001


def test_spread_of_controls_is_split_into_directions_and_paired_noise() -> None:
    rng = np.random.default_rng(3)
    n, k, between, flip = 300, 40, 0.05, 0.1
    truth = rng.random((n, 1)) < 0.5
    parts = []
    for _ in range(30):
        rate = flip + np.clip(rng.normal(0, between, k), -0.09, 0.4)
        # Problems right at baseline are lost at a rate of the direction's own; others stay wrong.
        outcomes = (truth & (rng.random((n, k)) >= rate)).astype(float)
        found = control_spread(outcomes)
        parts.append((found.directions, found.noise))
        assert found.directions + found.noise == pytest.approx(found.total)
        assert found.total == pytest.approx(outcomes.mean(axis=0).var(ddof=1))
    directions, noise = np.mean(parts, axis=0)
    share = truth.mean()
    assert directions == pytest.approx((share * between) ** 2, rel=0.25)
    assert noise == pytest.approx(share * flip * (1 - flip) / n, rel=0.15)
    # Unpaired binomial noise p(1-p)/n would be several times larger than what is there.
    accuracy = share * (1 - flip)
    assert accuracy * (1 - accuracy) / n > 4 * noise
    assert compare_to_controls(0.0, [0.1, 0.2], outcomes=outcomes).spread is not None


def test_spread_tests_noise_only_at_its_level() -> None:
    rng = np.random.default_rng(4)
    p = [control_spread(rng.random((80, 6)) < 0.3).p for _ in range(1000)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.02)
    constant = control_spread(np.ones((5, 3)))
    assert constant.status == "degenerate"
    with pytest.raises(Refusal, match="shape"):
        control_spread(np.ones(5))


def test_candidate_minus_controls_covers_for_new_problems() -> None:
    rng = np.random.default_rng(5)
    k, effects = 5, np.array([0.06, 0.0, 0.02, -0.03, 0.01, 0.0])
    target = effects[0] - effects[1:].mean()
    hits, rejected = [], []
    for _ in range(1000):
        easy = rng.random((200, 1)) < 0.5
        outcomes = (rng.random((200, k + 1)) < np.where(easy, 0.8, 0.2) + effects).astype(float)
        found = candidate_minus_controls(outcomes[:, 0], outcomes[:, 1:])
        hits.append(found.low <= target <= found.high)
        rejected.append(found.p < 0.05)
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)
    assert found.scope == "new problems"


def test_candidate_minus_controls_for_new_directions_needs_their_variance() -> None:
    rng = np.random.default_rng(6)
    hits = {"new problems": 0, "new problems and directions": 0}
    for _ in range(800):
        effects = rng.normal(0, 0.06, 6)
        rate = np.clip(0.5 + np.concatenate([[0.05], effects]), 0, 1)
        outcomes = (rng.random((150, 7)) < rate).astype(float)
        for scope in hits:
            found = candidate_minus_controls(outcomes[:, 0], outcomes[:, 1:], scope=scope)  # type: ignore[arg-type]
            hits[scope] += found.low <= 0.05 <= found.high
    assert hits["new problems and directions"] / 800 == pytest.approx(0.955, abs=0.025)
    assert hits["new problems"] / 800 < 0.94


def by_hand(candidate: np.ndarray, controls: np.ndarray) -> tuple[float, float, float]:
    """The two variances and Satterthwaite's degrees of freedom, from sums of squares."""
    n, k = controls.shape
    difference = candidate - controls.mean(axis=1)
    problems = sum((d - difference.mean()) ** 2 for d in difference) / (n - 1) / n
    effects = controls.mean(axis=0)
    total = sum((e - effects.mean()) ** 2 for e in effects) / (k - 1)
    rest = sum(
        (controls[i, j] - controls[i].mean() - effects[j] + effects.mean()) ** 2
        for i in range(n)
        for j in range(k)
    )
    directions = max(0.0, total - rest / ((n - 1) * (k - 1)) / n) / k
    spread = (total / k) ** 2 / (k - 1) + problems**2 / (n - 1)
    return problems, directions, max(k - 1, min(n - 1, (problems + directions) ** 2 / spread))


@pytest.mark.parametrize(("seed", "spread"), [(0, 0.3), (1, 0.1), (2, 0.0)])
def test_candidate_minus_controls_by_hand(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    rates = np.clip(0.5 + spread * np.array([1.0, -1.0, 0.3, 0.9, -0.5]), 0, 1)
    candidate = (rng.random(23) < 0.7).astype(float)
    controls = (rng.random((23, 5)) < rates).astype(float)
    problems, directions, df = by_hand(candidate, controls)
    assert (directions > 0) == (spread > 0)
    both = candidate_minus_controls(candidate, controls, scope="new problems and directions")
    assert both.variance_problems == pytest.approx(problems)
    assert both.variance_directions == pytest.approx(directions)
    assert both.df == pytest.approx(df)
    assert both.standard_error == pytest.approx(np.sqrt(problems + directions))
    these = candidate_minus_controls(candidate, controls)
    assert (these.variance_directions, these.df) == (0.0, 22.0)


def test_degrees_of_freedom_never_fall_below_those_of_the_controls() -> None:
    rng = np.random.default_rng(2)
    controls = (rng.random((23, 5)) < 0.5).astype(float)
    # Means over many seeds that follow the controls closely: what is left is what directions add.
    candidate = controls.mean(axis=1) + 0.01 * rng.normal(size=23)
    found = candidate_minus_controls(candidate, controls, scope="new problems and directions")
    assert found.variance_directions == 0.0
    assert found.df == 4.0


def test_spread_by_hand() -> None:
    # Squares: 35/12 in all, 3/12 between rows and 14/12 between columns leave 18/12 on 3 × 2.
    found = control_spread([[0, 1, 1], [0, 0, 1], [1, 0, 1], [0, 1, 1]])
    total = np.var([0.25, 0.5, 1.0], ddof=1)
    noise = (18 / 12) / 6 / 4
    assert (found.total, found.noise) == pytest.approx((total, noise))
    assert found.estimate == pytest.approx(np.sqrt(total - noise))
    assert found.p == pytest.approx(stats.f.sf(total / noise, 2, 6))


def test_power_of_one_tail_and_where_the_rank_test_reaches() -> None:
    k, gap = 7, 1.5
    t = stats.t.isf(0.05, k - 1)
    one = controls_power(k, gap=gap, model="random", tail="greater")
    assert one.random == pytest.approx(stats.nct.sf(t, k - 1, gap / np.sqrt(1 + 1 / k)), rel=1e-6)
    fixed = stats.nct.sf(t * np.sqrt(k + 1), k - 1, gap * np.sqrt(k))
    assert one.fixed == pytest.approx(fixed, rel=1e-6)
    assert list(controls_power([18, 19], model="fixed", tail="less").status) == [
        "too_few_controls",
        "ok",
    ]
    assert list(controls_power([38, 39], model="fixed").status) == ["too_few_controls", "ok"]


def test_candidate_minus_controls_edges() -> None:
    same = np.ones((10, 3))
    nothing = candidate_minus_controls(np.ones(10), same)
    assert (nothing.status, nothing.p, nothing.estimate) == ("no_information", 1.0, 0.0)
    with_gap = np.ones(10)
    with_gap[0] = np.nan
    assert candidate_minus_controls(with_gap, same).dropped == 1
    assert candidate_minus_controls(np.zeros(10), same).status == "degenerate"
    with pytest.raises(Refusal, match="average seeds"):
        candidate_minus_controls(np.ones((10, 2)), same)


def test_power_in_controls(r: dict[str, list[float]]) -> None:
    for k in (5, 10, 20):
        found = controls_power(k, model="fixed")
        assert [found.fixed, found.random] == pytest.approx(r[f"power{k}"], rel=1e-9)
    printed = controls_power([5, 10, 20], model="random")
    assert printed.fixed == pytest.approx([0.57, 0.86, 0.98], abs=5e-3)
    assert printed.power == pytest.approx([0.546, 0.721, 0.793], abs=5e-4)
    assert controls_power(10_000, model="random").random == pytest.approx(0.85, abs=2e-3)
    assert controls_power(5, gap=0.0, model="random").random == pytest.approx(0.05, abs=1e-9)
    with pytest.raises(Refusal, match="model"):
        controls_power(5, model="both")  # type: ignore[call-overload]


@pytest.mark.parametrize("k", [5, 19])
def test_power_by_simulation(k: int) -> None:
    rng = np.random.default_rng(k)
    controls = rng.normal(size=(4_000, k))
    fixed = compare_to_controls(np.full(4_000, 3.0), controls).p
    random = compare_to_controls(3 + rng.normal(size=4_000), controls).p
    power = controls_power(k, model="fixed")
    assert np.mean(fixed < 0.05) == pytest.approx(power.fixed, abs=0.02)
    assert np.mean(random < 0.05) == pytest.approx(power.random, abs=0.025)


def test_noncentral_t_has_no_holes() -> None:
    t = np.linspace(-30, 30, 61)[:, None]
    values = noncentral_t_cdf(t, 9, np.linspace(-30, 30, 61))
    assert np.isfinite(values).all()
    assert (np.diff(values, axis=1) <= 1e-9).all()
