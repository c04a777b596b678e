"""Several outcomes per problem and crossed factors, by simulated variance components."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from analysis import Refusal, clustered_difference, mcnemar


def table(
    rng: np.random.Generator, problems: int, seeds: int, spread: float
) -> dict[str, np.ndarray]:
    """No mean effect, but each problem answers to steering in its own way (sd `spread`)."""
    level = rng.beta(1, 1, problems)[:, None]
    own = np.clip(level + rng.normal(0, spread, (problems, 1)) * np.sqrt(level * (1 - level)), 0, 1)
    shape = (problems, seeds)
    return {
        "problem": np.repeat(np.arange(problems), seeds),
        "steered": (rng.random(shape) < own).astype(float).ravel(),
        "baseline": (rng.random(shape) < level).astype(float).ravel(),
    }


def test_pooling_seeds_rejects_too_often_and_clusters_do_not() -> None:
    rng = np.random.default_rng(0)
    pooled, clustered, covered = [], [], 0
    for _ in range(600):
        rows = table(rng, 60, 8, 0.5)
        gained = int((rows["steered"] > rows["baseline"]).sum())
        lost = int((rows["steered"] < rows["baseline"]).sum())
        pooled.append(mcnemar(gained, lost).p)
        found = clustered_difference(rows, rng=rng, pairing="seeds", resamples=99)
        clustered.append(found.p)
        covered += found.low <= 0 <= found.high
    assert np.mean(np.array(pooled) <= 0.05) == pytest.approx(0.11, abs=0.03)
    assert np.mean(np.array(clustered) <= 0.05) == pytest.approx(0.05, abs=0.02)
    assert covered / 600 == pytest.approx(0.95, abs=0.02)
    assert found.scope == "new problems"


def test_one_seed_has_the_paired_t_beside_it_and_the_bootstrap_agrees() -> None:
    rng = np.random.default_rng(1)
    rows = table(rng, 200, 1, 0.3)
    found = clustered_difference(rows, rng=rng)
    expected = stats.ttest_rel(rows["steered"], rows["baseline"])
    assert found.t_p == pytest.approx(expected.pvalue, rel=1e-9)
    limits = expected.confidence_interval(0.95)
    assert (found.t_low, found.t_high) == pytest.approx((limits.low, limits.high))
    assert (found.bootstrap_low, found.bootstrap_high) == pytest.approx(
        (limits.low, limits.high), abs=0.012
    )
    reference = stats.bootstrap(
        (rows["steered"] - rows["baseline"],), np.mean, rng=rng, method="percentile"
    ).confidence_interval
    assert found.bootstrap_low == pytest.approx(reference.low, abs=0.012)
    assert found.design_effect == pytest.approx(1.0, abs=0.02)


def test_variance_components_are_recovered() -> None:
    rng = np.random.default_rng(2)
    effect = rng.normal(0.1, 0.2, (400, 1))
    outcome = effect + rng.normal(0, 0.5, (400, 6))
    rows = {
        "problem": np.repeat(np.arange(400), 6),
        "steered": outcome.ravel(),
        "baseline": np.zeros(2400),
    }
    found = clustered_difference(rows, rng=rng, pairing="shared")
    assert found.within == pytest.approx(0.25, rel=0.1)
    assert found.between - found.within / 6 == pytest.approx(0.04, rel=0.3)
    assert found.design_effect == pytest.approx(1 + 5 * 0.04 / 0.29, rel=0.25)
    assert found.outcomes == 2400


def test_pairing_must_be_declared_and_true() -> None:
    rng = np.random.default_rng(3)
    rows = table(rng, 20, 3, 0.2)
    with pytest.raises(Refusal, match="declare"):
        clustered_difference(rows, rng=rng)
    with pytest.raises(Refusal, match="differs within a problem"):
        clustered_difference(rows, rng=rng, pairing="shared")
    with pytest.raises(Refusal, match="lacks baseline"):
        clustered_difference({"problem": [1], "steered": [1]}, rng=rng)
    rows["steered"][0] = np.nan
    paired = clustered_difference(rows, rng=rng, pairing="seeds", resamples=99)
    apart = clustered_difference(rows, rng=rng, pairing="independent", resamples=99)
    assert paired.outcomes == apart.outcomes == 59
    # The lost steered outcome takes its baseline along only where they are a pair.
    first = rows["baseline"][:3]
    assert (paired.estimate == pytest.approx(apart.estimate)) == (first[1:].mean() == first.mean())
    rows["steered"][:3] = np.nan
    assert clustered_difference(rows, rng=rng, pairing="seeds", resamples=99).dropped == 1


def crossed(rng: np.random.Generator, problems: int, directions: int, sd: float) -> dict[str, Any]:
    """Problem, direction and rest effects with mean 0; two seeds a cell."""
    shape = (problems, directions, 2)
    cells = (
        rng.normal(0, 0.2, (problems, 1, 1))
        + rng.normal(0, sd, (1, directions, 1))
        + rng.normal(0, 0.5, shape)
    )
    at = np.indices(shape)
    return {
        "problem": at[0].ravel(),
        "direction": at[1].ravel(),
        "steered": cells.ravel(),
        "baseline": np.zeros(cells.size),
    }


@pytest.mark.parametrize(("k", "percentile"), [(5, 0.83), (10, 0.88)])
def test_new_directions_need_t_of_k_minus_one(k: int, percentile: float) -> None:
    rng = np.random.default_rng(k)
    covered = fixed = naive = 0
    for _ in range(400):
        rows = crossed(rng, 40, k, 0.2)
        found = clustered_difference(rows, rng=rng, pairing="seeds", resamples=99)
        covered += found.low <= 0 <= found.high
        one = clustered_difference(
            rows, rng=rng, pairing="seeds", scope="new problems", resamples=99
        )
        fixed += one.low <= 0 <= one.high
        means = rows["steered"].reshape(40, k, 2).mean(axis=(0, 2))
        drawn = means[rng.integers(0, k, (199, k))].mean(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        naive += low <= 0 <= high
    assert covered / 400 == pytest.approx(0.955, abs=0.03)
    assert fixed / 400 < 0.75
    assert naive / 400 == pytest.approx(percentile, abs=0.06)
    assert found.bootstrap_low is None
    assert found.bootstrap_status == "too_few_controls"
    assert found.scope == "new problems and directions"
    assert found.df == k - 1


def test_many_directions_allow_the_crossed_bootstrap() -> None:
    rng = np.random.default_rng(4)
    rows = crossed(rng, 60, 30, 0.2)
    found = clustered_difference(rows, rng=rng, pairing="seeds", resamples=2000)
    assert found.bootstrap_status == "ok"
    assert found.bootstrap_low is not None
    assert found.bootstrap_high is not None
    assert found.bootstrap_high - found.bootstrap_low == pytest.approx(
        found.high - found.low, rel=0.25
    )
    assert found.k == 30


def test_a_problem_without_a_direction_is_dropped_and_counted() -> None:
    rng = np.random.default_rng(5)
    rows = crossed(rng, 10, 4, 0.1)
    rows["steered"][(rows["problem"] == 3) & (rows["direction"] == 2)] = np.nan
    found = clustered_difference(rows, rng=rng, pairing="seeds", resamples=99)
    assert (found.n, found.dropped) == (9, 1)
    with pytest.raises(Refusal, match="one direction"):
        clustered_difference(
            {name: rows[name] for name in ("problem", "steered", "baseline")},
            rng=rng, pairing="seeds", scope="new problems and directions",
        )  # fmt: skip


def test_outcomes_without_spread() -> None:
    rng = np.random.default_rng(6)
    same = {"problem": [0, 1, 2], "steered": [1.0, 1.0, 1.0], "baseline": [1.0, 1.0, 1.0]}
    nothing = clustered_difference(same, rng=rng, resamples=99)
    assert (nothing.status, nothing.p) == ("no_information", 1.0)
    same["baseline"] = [0.0, 0.0, 0.0]
    gained = clustered_difference(same, rng=rng, resamples=99)
    assert (gained.status, gained.t_p) == ("ok", None)
    assert gained.low < gained.high
    # What is not within [0, 1] has Student's t alone, and that no spread to go by.
    same["baseline"] = [-1.0, -1.0, -1.0]
    assert clustered_difference(same, rng=rng, resamples=99).status == "degenerate"


@pytest.mark.parametrize(("problems", "k", "sd"), [(9, 4, 0.3), (5, 8, 0.0), (30, 19, 0.4)])
def test_crossed_variance_by_hand(problems: int, k: int, sd: float) -> None:
    rng = np.random.default_rng(problems)
    rows = crossed(rng, problems, k, sd)
    found = clustered_difference(rows, rng=rng, pairing="seeds", resamples=99)
    cells = rows["steered"].reshape(problems, k, 2)
    means = cells.mean(axis=2)
    by_problem, by_direction = means.mean(axis=1), means.mean(axis=0)
    ms_problem = k * sum((m - means.mean()) ** 2 for m in by_problem) / (problems - 1)
    ms_direction = problems * sum((m - means.mean()) ** 2 for m in by_direction) / (k - 1)
    rest = ((means - means.mean()) ** 2).sum()
    rest -= ms_problem * (problems - 1) + ms_direction * (k - 1)
    ms_rest = rest / ((problems - 1) * (k - 1))
    variance = max(ms_problem + ms_direction - ms_rest, ms_problem, ms_direction) / (problems * k)
    assert found.standard_error == pytest.approx(np.sqrt(variance))
    assert found.df == min(problems, k) - 1
    assert found.within == pytest.approx(cells.var(axis=2, ddof=1).mean())
    total = found.within + means.var()
    assert found.design_effect == pytest.approx(variance / (total / (2 * problems * k)))
    assert found.bootstrap_status == "too_few_controls"


def test_twenty_directions_are_enough_for_the_bootstrap() -> None:
    rng = np.random.default_rng(7)
    found = clustered_difference(crossed(rng, 6, 20, 0.2), rng=rng, pairing="seeds", resamples=99)
    assert found.bootstrap_status == "ok"


def test_separate_draws_by_hand() -> None:
    rows: dict[str, Any] = {
        "problem": [0, 0, 0, 1, 1, 2, 2],
        "steered": [1.0, 0.0, 1.0, 1.0, np.nan, 1.0, 0.0],
        "baseline": [0.0, 0.0, 1.0, 0.0, 1.0, np.nan, np.nan],
    }
    found = clustered_difference(
        rows, rng=np.random.default_rng(0), pairing="independent", resamples=99
    )
    # The last problem has no baseline: what is left is 2/3 - 1/3 and 1 - 1/2.
    assert (found.n, found.dropped) == (2, 1)
    assert found.estimate == pytest.approx((1 / 3 + 1 / 2) / 2)
    rows = {
        "problem": [0, 0, 0, 1, 1, 1],
        "steered": [1.0, 0.0, 1.0, 1.0, 1.0, 1.0],
        "baseline": [0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
    }
    apart = clustered_difference(
        rows, rng=np.random.default_rng(0), pairing="independent", resamples=99
    )
    # The variances of both sides add: (1/3 + 1/3) of the first problem, (0 + 1/3) of the second.
    assert apart.within == pytest.approx((2 / 3 + 1 / 3) / 2)


@pytest.mark.parametrize("means", [[[0.0, 3.0], [1.0, 2.0]], [[0.0, 1.0], [3.0, 2.0]]])
def test_variance_is_never_below_that_of_one_factor(means: list[list[float]]) -> None:
    rows = {
        "problem": [0, 0, 1, 1],
        "direction": [0, 1, 0, 1],
        "steered": [value for row in means for value in row],
        "baseline": [0.0] * 4,
    }
    found = clustered_difference(rows, rng=np.random.default_rng(0), resamples=99)
    # One factor has mean square 4, the other 0, the rest 1: 4 and not 4 + 0 - 1, over 2 × 2 cells.
    assert found.standard_error == pytest.approx(1.0)


def test_directions_taken_as_given_need_not_be_many() -> None:
    rng = np.random.default_rng(8)
    found = clustered_difference(
        crossed(rng, 8, 3, 0.2), rng=rng, pairing="seeds", scope="new problems", resamples=99
    )
    assert found.bootstrap_status == "ok"
    assert found.bootstrap_low is not None
