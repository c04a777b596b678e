"""The mixed model against GPBoost, against a dense maximisation, and against its own truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from analysis import Refusal, clustered_difference, mixed_model
from analysis.statistics.laplace import Cells, Mode, log_likelihood


def answers(
    seed: int, n: int, k: int, seeds: int, *, effect: float = 0.5, answer: float = 0.6
) -> dict[str, Any]:
    """One row per answer: a baseline and k directions, each with the same number of seeds."""
    rng = np.random.default_rng(seed)
    level, own, direction = rng.normal(0, 1.2, n), rng.normal(0, answer, n), rng.normal(0, 0.4, k)
    rows: list[tuple[int, float, int, int]] = []
    for p in range(n):
        for _ in range(seeds):
            at = -0.3 - effect / 2 + level[p] - own[p] / 2
            rows.append((p, float(rng.random() < special.expit(at)), 0, -1))
            for d in range(k):
                at = -0.3 + effect / 2 + level[p] + own[p] / 2 + (direction[d] if k > 1 else 0)
                rows.append((p, float(rng.random() < special.expit(at)), 1, d))
    names = ("problem", "right", "steered", "direction")
    return dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True))


@pytest.mark.parametrize(
    ("data", "fixed", "variances", "error", "likelihood"),
    [
        ((1, 60, 8, 3), (-0.38355, 0.401718), (0.944021, 0.521095, 0.461109), 0.315083, -982.65551),
        ((2, 40, 1, 6), (-0.129006, 0.797678), (0.881333, 0.391022, None), 0.228233, -309.13062),
        ((3, 120, 4, 1), (-0.05086, 0.649867), (1.174862, 0.0, 0.311268), 0.363302, -388.46869),
    ],
)  # fmt: skip
def test_gpboost_fits_the_same(
    data: Any, fixed: Any, variances: Any, error: float, likelihood: float
) -> None:
    # GPBoost 1.8.0: GPModel(problem, random slopes of steered by problem and by direction,
    # likelihood="bernoulli_logit", matrix_inversion_method="cholesky"), optimizer lbfgs.
    found = mixed_model(answers(*data))
    assert (found.intercept, found.estimate) == pytest.approx(fixed, abs=2e-4)
    for sd, variance in zip(
        (found.sd_level, found.sd_answer, found.sd_direction), variances, strict=True
    ):
        if variance is None:
            assert sd is None
        else:
            assert sd is not None
            assert sd**2 == pytest.approx(variance, abs=1e-3)
    assert found.log_likelihood == pytest.approx(likelihood, abs=1e-4)
    # Its standard errors hold the variances fixed.
    assert found.standard_error == pytest.approx(error, rel=0.02)
    assert found.status == "ok"


def dense(cells: Cells, intercept: float, effect: float, sd: tuple[float, float, float]) -> float:
    """The same by a general optimiser over all effects, and a numerical second derivative."""
    n, columns = cells.right.shape
    side = np.where(np.arange(columns) == 0, -0.5, 0.5)

    def lost(b: np.ndarray) -> float:
        level, own, direction = b[:n], b[n : 2 * n], np.append(0, b[2 * n :])
        eta = intercept + side * effect + sd[0] * level[:, None]
        eta = eta + sd[1] * side * own[:, None] + sd[2] * direction
        likelihood = cells.right * np.log(special.expit(eta))
        likelihood = likelihood + (cells.answers - cells.right) * np.log(special.expit(-eta))
        return float(b @ b / 2 - likelihood.sum())

    found = optimize.minimize(lost, np.zeros(2 * n + columns - 1), method="BFGS", tol=1e-10)
    step, size = 1e-3, found.x.size
    curvature = np.zeros((size, size))
    unit = step * np.eye(size)
    for i in range(size):
        for j in range(size):
            corners = [
                a * b * lost(found.x + a * unit[i] + b * unit[j]) for a in (1, -1) for b in (1, -1)
            ]
            curvature[i, j] = sum(corners) / (4 * step**2)
    return -float(found.fun) - float(np.linalg.slogdet(curvature)[1]) / 2


@pytest.mark.parametrize("sd", [(1.2, 0.7, 0.4), (0.0, 0.0, 0.0), (0.3, 2.0, 0.0), (2.5, 0.1, 1.5)])
def test_laplace_by_a_dense_maximisation(sd: tuple[float, float, float]) -> None:
    cells = Cells(
        np.array([[1.0, 0, 2], [0, 0, 1], [3, 1, 0]]), np.array([[3.0, 1, 2], [2, 0, 1], [3, 2, 2]])
    )
    found = log_likelihood(cells, -0.2, 0.6, sd, Mode.of(cells))
    assert found == pytest.approx(dense(cells, -0.2, 0.6, sd), abs=1e-5)


@settings(max_examples=8)
@given(st.integers(0, 10**6), st.integers(8, 20), st.integers(1, 3), st.integers(1, 2))
def test_mirrored_outcomes_mirror_the_effect(seed: int, n: int, k: int, seeds: int) -> None:
    table = answers(seed, n, k, seeds)
    found, mirrored = mixed_model(table), mixed_model(table | {"right": 1 - table["right"]})
    assert found.status == mirrored.status
    if found.status == "ok":
        assert found.estimate == pytest.approx(-mirrored.estimate, abs=2e-3)
        assert found.low <= found.estimate <= found.high
        assert found.difference == pytest.approx(-mirrored.difference, abs=1e-3)
        assert (found.p <= 0.05) == (found.low > 0 or found.high < 0)


def test_the_difference_in_accuracy_agrees_with_the_moments() -> None:
    table = answers(5, 300, 1, 6)
    found = mixed_model(table)
    paired = {"problem": table["problem"][::2], "steered": table["right"][1::2],
              "baseline": table["right"][::2]}  # fmt: skip
    moments = clustered_difference(
        paired, rng=np.random.default_rng(0), pairing="seeds", resamples=99
    )
    assert found.difference == pytest.approx(moments.estimate, abs=0.01)
    assert found.difference_high - found.difference_low == pytest.approx(
        moments.high - moments.low, rel=0.15
    )
    assert (found.scope, found.df, found.k) == ("new problems", np.inf, 1)


@pytest.mark.trial
@pytest.mark.parametrize(("k", "seeds"), [(1, 6), (5, 2), (19, 1)])
def test_limits_cover_with_few_directions_too(k: int, seeds: int) -> None:
    hits = []
    for seed in range(150):
        found = mixed_model(answers(seed, 60, k, seeds))
        hits.append(found.low <= 0.5 <= found.high)
    assert np.mean(hits) > 0.91


def test_what_runs_off_says_so() -> None:
    flat = {"problem": [0, 0, 1, 1, 2, 2], "right": [1, 1, 0, 0, 1, 1], "steered": [0, 1] * 3}
    found = mixed_model(flat)
    assert found.status == "not_converged"
    assert np.isnan([found.estimate, found.low, found.p, found.difference]).all()
    assert mixed_model(flat | {"right": [0, 1] * 3}).status == "not_converged"


def test_missing_answers_and_refusals() -> None:
    table = answers(7, 30, 2, 2)
    table["right"][3] = np.nan
    found = mixed_model(table)
    assert (found.dropped, found.outcomes, found.k) == (1, 30 * 6 - 1, 2)
    assert found.scope == "new problems and directions"
    single = {name: values[table["direction"] < 1] for name, values in table.items()}
    assert mixed_model(single).sd_direction is None
    for change, words in (
        ({"right": table["right"] / 2}, "0 or 1"),
        ({"steered": np.ones(180)}, "one arm"),
        ({"problem": np.zeros(180)}, "1 problem"),
    ):
        with pytest.raises(Refusal, match=words):
            mixed_model(table | change)
    with pytest.raises(Refusal, match="lacks right, steered"):
        mixed_model({"problem": [1]})
