"""The curve over alpha by enumeration: every sign of every problem, on small unequal tables."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from analysis import Refusal, dose_response, max_t
from analysis.statistics.score import score_limits

ALPHAS = [-2.0, -1.0, 0.0, 1.0, 2.0]
# Seven problems; the third column is the baseline, the last problem never changes.
Y = np.array(
    [
        [0, 0, 0, 1, 1],
        [1, 0, 0, 1, 1],
        [0, 0, 1, 1, 1],
        [0, 1, 1, 0, 1],
        [0, 0, 0, 0, 1],
        [1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1],
    ],
    dtype=float,
)


def rng() -> np.random.Generator:
    return np.random.default_rng(9)


def flipped(rows: np.ndarray) -> np.ndarray:
    """Column sums under every choice of signs, [2^n, m]."""
    return np.array([np.array(signs) @ rows for signs in product([-1, 1], repeat=len(rows))])


def test_the_slope_and_its_reflection_by_hand() -> None:
    found = dose_response(Y, ALPHAS, rng=rng())
    signed = np.stack([Y[:, 3] - Y[:, 1], Y[:, 4] - Y[:, 0]], axis=1) / 2
    # Least squares through the origin on doses 1 and 2.
    slopes = (signed @ [1, 2]) / (1 + 4)
    assert found.estimate == pytest.approx(slopes.mean())
    assert found.statistic == pytest.approx(slopes.sum())
    limits = stats.ttest_1samp(slopes, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((limits.low, limits.high))
    sums = np.abs(flipped(slopes[:, None])).ravel()
    assert found.p == pytest.approx(np.mean(sums >= abs(slopes.sum()) - 1e-12))
    assert (found.n, found.dropped, found.status) == (7, 0, "ok")
    assert found.unpaired_alphas == ()


def test_the_parts_are_halves_and_their_limits_too() -> None:
    found = dose_response(Y, ALPHAS, rng=rng())
    signed = np.stack([Y[:, 3] - Y[:, 1], Y[:, 4] - Y[:, 0]], axis=1)
    damage = np.stack([Y[:, 3] + Y[:, 1], Y[:, 4] + Y[:, 0]], axis=1) - 2 * Y[:, [2]]
    for part, doubled in ((found.signed, signed), (found.damage, damage)):
        whole = max_t(doubled, np.zeros(7), rng=rng())
        assert part.estimate == pytest.approx(doubled.mean(axis=0) / 2)
        # Of two outcomes each: at most 1 for the signed effect, 2 for the damage, before halving.
        unit = 1 if part is found.signed else 2
        d = doubled / unit
        low, high = score_limits(
            d.sum(axis=0), np.abs(d).sum(axis=0), (d**2).sum(axis=0), 7, part.critical
        )
        assert part.low == pytest.approx(unit * low / 2)
        assert part.high == pytest.approx(unit * high / 2)
        assert np.array_equal(part.p, whole.p)
    curve = max_t(Y[:, [0, 1, 3, 4]], Y[:, 2], rng=rng())
    assert np.array_equal(found.curve.p, curve.p)
    assert np.array_equal(found.curve.low, curve.low)


def order_p(y: np.ndarray) -> tuple[float, float]:
    """P against "nowhere falls" and "nowhere rises" over every pair of columns and every sign."""
    columns = range(y.shape[1])
    steps = np.stack([y[:, b] - y[:, a] for a in columns for b in columns if a < b], axis=1)
    steps = steps[:, np.abs(steps).sum(axis=0) > 0]
    root = np.sqrt((steps**2).sum(axis=0))
    observed, drawn = steps.sum(axis=0) / root, flipped(steps) / root
    falls = np.mean((-drawn).max(axis=1) >= (-observed).max() - 1e-12)
    rises = np.mean(drawn.max(axis=1) >= observed.max() - 1e-12)
    return float(falls), float(rises)


@pytest.mark.parametrize("columns", [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [3, 0, 2, 4, 1]])
def test_order_by_enumeration(columns: list[int]) -> None:
    y = Y[:, columns]
    found = dose_response(y, ALPHAS, rng=rng())
    assert (found.against_rising, found.against_falling) == pytest.approx(order_p(y))


def test_two_equal_columns_have_no_step_between_them() -> None:
    y = np.column_stack([Y[:, :2], Y[:, 1], Y[:, 3:]])
    found = dose_response(y, ALPHAS, rng=rng())
    assert (found.against_rising, found.against_falling) == pytest.approx(order_p(y))


@pytest.mark.parametrize(
    ("means", "turns"),
    [
        ([0, 1, 2, 3, 4], 0), ([4, 3, 2, 1, 0], 0), ([0, 2, 1, 0, 0], 1), ([0, 2, 2, 1, 3], 2),
        ([1, 0, 1, 0, 1], 3), ([1, 1, 1, 1, 1], 0), ([3, 4, 2, 1, 0], 1),
    ],
)  # fmt: skip
def test_turns_are_changes_of_direction(means: list[int], turns: int) -> None:
    y = np.array([[float(row < right) for right in means] for row in range(4)])
    assert dose_response(y, ALPHAS, rng=rng(), resamples=99).turns == turns


def test_alphas_without_a_mirror_take_no_part_in_the_trend() -> None:
    y = np.column_stack([Y, 1 - Y[:, 0]])
    found = dose_response(y, [*ALPHAS, 3.0], rng=rng())
    alone = dose_response(Y, ALPHAS, rng=rng())
    assert found.unpaired_alphas == (3.0,)
    assert (found.estimate, found.p) == (alone.estimate, alone.p)
    assert dose_response(y, [*ALPHAS, -3.0], rng=rng()).unpaired_alphas == (-3.0,)


def test_a_problem_without_one_outcome_is_left_out_of_all() -> None:
    y = np.vstack([Y, [[1, 0, 1, 0, np.nan]]])
    found = dose_response(y, ALPHAS, rng=rng())
    assert (found.n, found.dropped) == (7, 1)
    assert found.p == dose_response(Y, ALPHAS, rng=rng()).p


def test_two_problems_are_enough_and_one_is_not() -> None:
    assert dose_response(Y[:2], ALPHAS, rng=rng()).n == 2
    with pytest.raises(Refusal, match="2 are needed"):
        dose_response(Y[:1], ALPHAS, rng=rng())
    with pytest.raises(Refusal, match=r"baseline must be \(7,\)"):
        dose_response(Y[:, [0, 4]], [-2, 2], rng=rng(), baseline=Y[:6, 2])
    with pytest.raises(Refusal, match="alpha 0 is the baseline"):
        dose_response(Y, ALPHAS, rng=rng(), baseline=Y[:, 2])
