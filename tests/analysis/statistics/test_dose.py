"""The whole curve: signed effect against damage, the reflected trend, order and band."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis import Refusal, dose_response, max_t, mcnemar, paired_difference

ALPHAS = np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0])


def curve(
    rng: np.random.Generator, n: int, *, signed: float = 0.0, damage: float = 0.0
) -> np.ndarray:
    """Outcomes that share each problem's luck; accuracy .6 + signed·a − damage·|a|."""
    share = rng.random((n, 1))
    luck = np.where(rng.random((n, 7)) < 0.2, rng.random((n, 7)), share)
    return (luck < 0.6 + signed * ALPHAS - damage * np.abs(ALPHAS)).astype(float)


def test_even_damage_is_no_trend_for_the_reflection_but_is_one_for_free_permutation() -> None:
    rng = np.random.default_rng(0)
    reflected, free = [], []
    for _ in range(400):
        # Every problem drifts its own way along alpha, as often up as down: doses next to each
        # other are alike, which permuting them freely denies.
        drift = rng.normal(0, 0.08, (80, 1)) * ALPHAS
        y = (rng.random((80, 1)) + drift < 0.7 - 0.08 * np.abs(ALPHAS)).astype(float)
        reflected.append(dose_response(y, ALPHAS, rng=rng, resamples=199).p)
        order = rng.permuted(np.broadcast_to(np.arange(7), (199, 80, 7)), axis=2)
        drawn = np.abs(np.take_along_axis(y[None], order, axis=2).mean(axis=1) @ ALPHAS)
        free.append((1 + (drawn >= np.abs(y.mean(axis=0) @ ALPHAS) - 1e-12).sum()) / 200)
    sizes = [float(np.mean(np.array(p) <= 0.05)) for p in (reflected, free)]
    assert 0.02 <= sizes[0] <= 0.06 + 2 * 0.011
    assert sizes[1] > 0.15


def test_signed_and_even_parts_of_a_planted_curve() -> None:
    rng = np.random.default_rng(1)
    found = dose_response(
        curve(rng, 4000, signed=0.03, damage=0.05), ALPHAS, rng=rng, resamples=499
    )
    assert found.sizes.tolist() == [1, 2, 3]
    assert found.signed.estimate == pytest.approx([0.03, 0.06, 0.09], abs=0.012)
    assert found.damage.estimate == pytest.approx([-0.05, -0.10, -0.15], abs=0.012)
    assert found.estimate == pytest.approx(0.03, abs=0.004)
    assert found.low < 0.03 < found.high
    assert found.p == pytest.approx(1 / 500)
    assert (found.signed.low > 0).all()
    assert (found.damage.high < 0).all()


def test_one_pair_of_alphas_is_mcnemar_between_plus_and_minus() -> None:
    rng = np.random.default_rng(2)
    y = curve(rng, 300, signed=0.02)[:, [2, 3, 4]]
    found = dose_response(y, [-1, 0, 1], rng=rng)
    gained = int(((y[:, 2] == 1) & (y[:, 0] == 0)).sum())
    lost = int(((y[:, 2] == 0) & (y[:, 0] == 1)).sum())
    assert found.signed.estimate[0] == pytest.approx(
        paired_difference(gained, lost, 300).estimate / 2
    )
    assert found.signed.p[0] == mcnemar(gained, lost, method="exact").p
    assert found.p == pytest.approx(mcnemar(gained, lost, method="exact").p, abs=0.02)
    expected = stats.ttest_1samp((y[:, 2] - y[:, 0]) / 2, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_interval_of_the_slope_covers() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(300):
        found = dose_response(curve(rng, 150, signed=0.02), ALPHAS, rng=rng, resamples=19)
        hits += found.low <= 0.02 <= found.high
    assert hits / 300 == pytest.approx(0.95, abs=0.035)


def test_order_tests_hold_their_level_on_flat_curves_and_see_planted_turns() -> None:
    rng = np.random.default_rng(4)
    rising, falling = [], []
    for _ in range(300):
        found = dose_response(curve(rng, 100), ALPHAS, rng=rng, resamples=199)
        rising.append(found.against_rising)
        falling.append(found.against_falling)
    for p in (rising, falling):
        assert np.mean(np.array(p) <= 0.05) <= 0.05 + 2 * 0.0126
    up = dose_response(curve(rng, 800, signed=0.06), ALPHAS, rng=rng, resamples=199)
    assert up.against_rising > 0.3
    assert up.against_falling <= 0.01
    assert up.turns == 0
    hill = dose_response(curve(rng, 800, damage=0.10), ALPHAS, rng=rng, resamples=199)
    assert max(hill.against_rising, hill.against_falling) <= 0.01
    assert hill.turns >= 1


def test_baseline_order_and_unpaired_alphas() -> None:
    rng = np.random.default_rng(5)
    y = curve(rng, 120, signed=0.03)
    shuffled = [6, 2, 0, 4, 1, 5]
    one = dose_response(
        y[:, shuffled], ALPHAS[shuffled], baseline=y[:, 3], rng=np.random.default_rng(0)
    )
    other = dose_response(y, ALPHAS, rng=np.random.default_rng(0))
    assert one.p == other.p
    assert one.alphas.tolist() == ALPHAS.tolist()
    assert np.array_equal(one.curve.p, other.curve.p)
    lonely = dose_response(y[:, 1:], ALPHAS[1:], rng=rng, resamples=99)
    assert lonely.unpaired_alphas == (3.0,)
    assert len(lonely.curve.p) == 5
    y[0, 0] = np.nan
    assert dose_response(y, ALPHAS, rng=rng, resamples=99).dropped == 1


def test_refusals_and_flat_outcomes() -> None:
    rng = np.random.default_rng(6)
    y = np.ones((10, 2))
    with pytest.raises(Refusal, match="mirror image"):
        dose_response(y, [0, 1], rng=rng)
    with pytest.raises(Refusal, match="alpha 0"):
        dose_response(y, [-1, 1], rng=rng)
    with pytest.raises(Refusal, match="twice"):
        dose_response(y, [1, 1], rng=rng, baseline=np.ones(10))
    with pytest.raises(Refusal, match="average several seeds"):
        dose_response(y, [1, 2, 3], rng=rng)
    flat = dose_response(y, [-1, 1], rng=rng, baseline=np.ones(10), resamples=99)
    assert (flat.status, flat.p, flat.turns) == ("no_information", 1.0, 0)


def test_halved_limits_slopes_and_turns_by_hand() -> None:
    # Nine problems: the counts right at -2, -1, 0, 1, 2 are 3, 3, 6, 4, 5: up, down, up.
    right = [3, 3, 6, 4, 5]
    y = np.array([[float(i < k) for k in right] for i in range(9)])
    found = dose_response(y, [-2, -1, 0, 1, 2], rng=np.random.default_rng(0), resamples=999)
    assert found.turns == 2
    assert found.sizes.tolist() == [1.0, 2.0]
    assert found.signed.estimate == pytest.approx([(4 - 3) / 18, (5 - 3) / 18])
    assert found.damage.estimate == pytest.approx([(4 + 3 - 12) / 18, (5 + 3 - 12) / 18])
    # Least squares through 0: (1 · signed(1) + 2 · signed(2)) / (1² + 2²).
    assert found.estimate == pytest.approx((1 / 18 + 2 * 2 / 18) / 5)
    doubled = max_t(
        np.column_stack([y[:, 3] - y[:, 1], y[:, 4] - y[:, 0]]),
        np.zeros(9),
        rng=np.random.default_rng(0),
        resamples=999,
    )
    assert found.signed.low == pytest.approx(doubled.low / 2)
    assert found.signed.high == pytest.approx(doubled.high / 2)
