"""A candidate's curve among its controls': by hand, by enumeration, and its size over doses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from analysis import Refusal, dose_against_controls, max_t
from analysis.statistics.dose_controls import among_directions

DOSES = np.array([-2.0, -1.0, 1.0, 2.0])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def curves(
    draws: np.random.Generator, k: int, n: int, *, slope: float = 0.0, sd: float = 0.02
) -> tuple[np.ndarray, np.ndarray]:
    """A candidate (signed slope of its own) and k controls, all with slopes of spread `sd`."""
    own = np.append(slope, np.zeros(k)) + draws.normal(0, sd, k + 1)
    luck = np.where(
        draws.random((k + 1, n, 4)) < 0.3, draws.random((k + 1, n, 4)), draws.random((1, n, 1))
    )
    accuracy = 0.6 + own[:, None, None] * DOSES - 0.05 * np.abs(DOSES)
    y = (luck < accuracy).astype(float)
    return y[0], y[1:]


def ranked(effects: np.ndarray) -> list[float]:
    """Every direction takes the candidate's place once; t against the others, in loops."""
    t = np.zeros(effects.shape)
    for j, a in np.ndindex(effects.shape):
        others = np.delete(effects[:, a], j)
        t[j, a] = abs(effects[j, a] - others.mean()) / others.std()
    tops = [max(row) for row in t]
    return [(1 + sum(top >= one - 1e-12 for top in tops[1:])) / len(effects) for one in t[0]]


def test_doses_and_model_by_hand() -> None:
    own, others = curves(rng(1), 5, 60, slope=0.05)
    found = dose_against_controls(own, others, DOSES, rng=rng(), resamples=499)
    d = own - others.mean(axis=0)
    assert found.estimate == pytest.approx(d.mean(axis=0))
    # a and |a| are orthogonal over ± pairs: each coefficient is a regression of its own.
    slope, even = d.mean(axis=0) @ DOSES / 10, d.mean(axis=0) @ np.abs(DOSES) / 10
    assert found.model.estimate == pytest.approx([slope, even])
    assert found.terms == ("per unit of alpha", "per unit of |alpha|")
    means = np.concatenate([own[None], others]).mean(axis=1)
    assert found.p_directions == pytest.approx(ranked(means))
    fits = np.stack([means @ DOSES / 10, means @ np.abs(DOSES) / 10], axis=1)
    assert found.model_p_directions == pytest.approx(ranked(fits))
    assert found.rank_floor == 1 / 6
    assert found.status == "too_few_controls"
    assert (found.low < found.estimate).all()
    flips = max_t(d, np.zeros(60), rng=rng(), resamples=499)
    assert np.array_equal(found.p, flips.p)


def test_one_sign_has_a_slope_alone() -> None:
    own, others = curves(rng(2), 4, 50)
    found = dose_against_controls(own[:, 2:], others[:, :, 2:], [1.0, 2.0], rng=rng())
    assert found.terms == ("per unit of alpha",)
    d = (own - others.mean(axis=0)).mean(axis=0)[2:]
    assert found.model.estimate == pytest.approx([d @ [1, 2] / 5])


def test_directions_are_exchangeable_under_the_null_and_a_planted_slope_is_found() -> None:
    draws = rng(3)
    null, problems, planted = [], [], []
    for _ in range(300):
        found = dose_against_controls(
            *curves(draws, 19, 80, sd=0.0), DOSES, rng=draws, resamples=199
        )
        null.append(found.p_directions.min())
        problems.append(found.p.min())
        shifted = dose_against_controls(
            *curves(draws, 19, 80, slope=0.08), DOSES, rng=draws, resamples=19
        )
        planted.append(shifted.model_p_directions[0])
    assert np.mean(np.array(null) <= 0.05 + 1e-12) <= 0.05 + 2 * 0.0126
    assert np.mean(np.array(problems) <= 0.05 + 1e-12) <= 0.05 + 2 * 0.0126
    assert np.mean(np.array(planted) <= 0.05 + 1e-12) > 0.6


def test_one_dose_is_the_two_sided_rank_of_t() -> None:
    effects = np.append(2.5, stats.norm.ppf(np.arange(1, 20) / 20))[:, None]
    assert among_directions(effects) == pytest.approx([1 / 20])
    assert among_directions(np.ones((6, 2))) == pytest.approx([1.0, 1.0])
    # Equal controls and another candidate: it lies infinitely far out, alone.
    assert among_directions(np.append(2.0, np.ones(5))[:, None]) == pytest.approx([1 / 6])


def test_missing_outcomes_and_refusals() -> None:
    own, others = curves(rng(4), 3, 30)
    others[1, 4, 2] = np.nan
    found = dose_against_controls(own, others, DOSES, rng=rng(), resamples=99)
    assert (found.n, found.dropped, found.k) == (29, 1, 3)
    refused: list[tuple[Any, Any, Any, str]] = [
        (own, others[:1], DOSES, "1 control"),
        (own, others[0], DOSES, "controls \\(k, n, m\\)"),
        (own, others, [0.0, 1.0, 2.0, 3.0], "≠ 0"),
        (own, others, [1.0, 1.0, 2.0, 3.0], "different"),
        (own * np.nan, others, DOSES, "2 are needed"),
    ]
    for candidate, controls, alphas, words in refused:
        with pytest.raises(Refusal, match=words):
            dose_against_controls(candidate, controls, alphas, rng=rng())
