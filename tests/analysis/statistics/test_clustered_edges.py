"""Several outcomes per problem, exactly: small tables with unequal cells, worked out in loops."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import stats

from analysis import Refusal, clustered_difference

NAN = float("nan")
# Problems a-d with 3, 1, 2 and 2 outcomes; one steered outcome of a and one baseline of d lack.
PROBLEM = ["a", "a", "a", "b", "c", "c", "d", "d"]
STEERED = [1.0, 0.0, NAN, 1.0, 0.0, 1.0, 1.0, 0.5]
BASELINE = [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, NAN]
ROWS: dict[str, Any] = {"problem": PROBLEM, "steered": STEERED, "baseline": BASELINE}


def rng() -> np.random.Generator:
    return np.random.default_rng(4)


def spread(cells: list[list[float]]) -> float:
    """Sum of squared deviations within cells."""
    return sum(float(np.var(cell) * len(cell)) for cell in cells)


def test_pairs_of_seeds_by_hand() -> None:
    found = clustered_difference(ROWS, rng=rng(), pairing="seeds", resamples=99)
    cells = [[1.0, -1.0], [1.0], [0.0, 1.0], [0.0]]
    means = [0.0, 1.0, 0.5, 0.0]
    test = stats.ttest_1samp(means, 0)
    limits = test.confidence_interval()
    assert (found.n, found.k, found.outcomes, found.dropped) == (4, 1, 6, 0)
    assert found.estimate == np.mean(means)
    assert (found.t_low, found.t_high) == pytest.approx((limits.low, limits.high))
    assert found.t_p == pytest.approx(test.pvalue)
    assert found.df == 3
    assert found.standard_error == pytest.approx(stats.sem(means))
    assert found.between == pytest.approx(np.var(means, ddof=1))
    # Six outcomes in four cells leave two deviations.
    assert found.within == pytest.approx(spread(cells) / 2)
    total = found.within + np.var(means)
    assert found.design_effect == pytest.approx(np.var(means, ddof=1) / 4 / (total / 6))
    assert (found.pairing, found.status) == ("seeds", "ok")
    assert found.method == "cluster score over problems"


def test_independent_draws_by_hand() -> None:
    found = clustered_difference(ROWS, rng=rng(), pairing="independent", resamples=99)
    # d: two steered outcomes against the one baseline outcome there is.
    means = [0.5 - 2 / 3, 1.0, 0.5, 0.75 - 1.0]
    within = spread([[1, 0], [1], [0, 1], [1, 0.5]]) + spread([[0, 1, 1], [0], [0, 0], [1]])
    assert found.estimate == pytest.approx(np.mean(means))
    assert found.standard_error == pytest.approx(stats.sem(means))
    assert found.outcomes == 7
    assert found.within == pytest.approx(within / 3)


def test_a_problem_without_any_baseline_is_left_out_of_independent_draws() -> None:
    rows = ROWS | {"baseline": [0.0, 1.0, 1.0, 0.0, NAN, NAN, 1.0, NAN]}
    found = clustered_difference(rows, rng=rng(), pairing="independent", resamples=99)
    assert (found.n, found.dropped, found.outcomes) == (3, 1, 5)
    assert found.estimate == pytest.approx(np.mean([0.5 - 2 / 3, 1.0, -0.25]))


def test_a_shared_baseline_may_lack_but_not_differ() -> None:
    shared = ROWS | {"baseline": [1.0, 1.0, NAN, 0.0, 0.0, 0.0, 1.0, NAN]}
    found = clustered_difference(shared, rng=rng(), pairing="shared", resamples=99)
    assert found.estimate == pytest.approx(np.mean([-0.5, 1.0, 0.5, 0.0]))
    assert found.pairing == "shared"
    # Problems a and b differ from each other, which is no matter; the two of d do from each other.
    with pytest.raises(Refusal, match="differs within a problem"):
        clustered_difference(
            shared | {"baseline": [1.0, 1.0, NAN, 0.0, 0.0, 0.0, 1.0, 0.0]},
            rng=rng(), pairing="shared",
        )  # fmt: skip


def test_one_outcome_each_needs_no_pairing_and_two_problems() -> None:
    rows = {"problem": [5, 9], "steered": [1.0, 0.0], "baseline": [0.0, 0.0]}
    found = clustered_difference(rows, rng=rng(), resamples=99)
    assert (found.pairing, found.within, found.n, found.df) == ("seeds", 0.0, 2, 1)
    with pytest.raises(Refusal, match="1 problems have an outcome"):
        clustered_difference({"problem": [5], "steered": [1.0], "baseline": [0.0]}, rng=rng())
    with pytest.raises(Refusal, match="unknown pairing 'pairs'"):
        clustered_difference(rows, rng=rng(), pairing="pairs")  # type: ignore[arg-type]


def crossed(means: np.ndarray[Any, Any]) -> dict[str, Any]:
    """One outcome per cell, problems by directions."""
    n, k = means.shape
    at = list(product(range(n), range(k)))
    return {
        "problem": [i for i, _ in at],
        "direction": [j for _, j in at],
        "steered": means.ravel(),
        "baseline": np.zeros(n * k),
    }


def layout(means: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    """Mean squares of problems, directions and the rest of a two-way layout, in loops."""
    n, k = means.shape
    grand = means.sum() / (n * k)
    rows = [sum(means[i, j] for j in range(k)) / k for i in range(n)]
    columns = [sum(means[i, j] for i in range(n)) / n for j in range(k)]
    problem = k * sum((row - grand) ** 2 for row in rows) / (n - 1)
    direction = n * sum((column - grand) ** 2 for column in columns) / (k - 1)
    rest = sum(
        (means[i, j] - rows[i] - columns[j] + grand) ** 2 for i, j in product(range(n), range(k))
    ) / ((n - 1) * (k - 1))
    return problem, direction, rest


BOTH = np.array([[0.9, 0.1, 0.4], [0.7, 0.2, 0.3], [0.8, -0.3, 0.6], [0.2, -0.5, 0.1],
                 [1.0, 0.3, 0.2]])  # fmt: skip


@pytest.mark.parametrize("transposed", [False, True])
def test_new_problems_and_directions_by_hand(transposed: bool) -> None:
    means = BOTH.T if transposed else BOTH
    problem, direction, rest = layout(means)
    found = clustered_difference(crossed(means), rng=rng(), resamples=99)
    error = np.sqrt((problem + direction - rest) / means.size)
    # Both are larger than the rest, so the sum stands: neither factor alone is larger.
    assert problem + direction - rest > max(problem, direction)
    assert found.standard_error == pytest.approx(error)
    assert found.df == 2
    half = stats.t.ppf(0.975, 2) * error
    assert (found.low, found.high) == pytest.approx((means.mean() - half, means.mean() + half))
    assert found.p == pytest.approx(2 * stats.t.sf(means.mean() / error, 2))
    assert (found.scope, found.method) == (
        "new problems and directions", "crossed t, problems × directions"
    )  # fmt: skip
    assert found.design_effect == pytest.approx(error**2 / (means.var() / means.size))


@pytest.mark.parametrize("transposed", [False, True])
def test_the_error_is_never_below_what_one_factor_gives(transposed: bool) -> None:
    # Directions do not differ at all on average: only problems do, less than the rest explains.
    means = np.array([[0.5, -0.2], [-0.1, 0.6], [0.9, 0.9]])
    means = means.T if transposed else means
    problem, direction, rest = layout(means)
    assert problem + direction - rest < max(problem, direction)
    found = clustered_difference(crossed(means), rng=rng(), resamples=99)
    assert found.standard_error == pytest.approx(np.sqrt(max(problem, direction) / means.size))


def test_given_directions_are_averaged_within_each_problem() -> None:
    found = clustered_difference(crossed(BOTH), rng=rng(), scope="new problems", resamples=99)
    expected = stats.ttest_1samp(BOTH.mean(axis=1), 0)
    assert (found.p, found.df) == pytest.approx((expected.pvalue, 4))
    assert (found.k, found.bootstrap_status, found.scope) == (3, "ok", "new problems")


@pytest.mark.parametrize(("k", "status"), [(19, "too_few_controls"), (20, "ok")])
def test_twenty_directions_are_enough_to_be_redrawn(k: int, status: str) -> None:
    means = np.random.default_rng(1).normal(0.1, 0.3, (7, k))
    found = clustered_difference(crossed(means), rng=rng(), resamples=199)
    assert found.bootstrap_status == status
    assert (found.bootstrap_low is None) == (status != "ok")


def test_bootstrap_limits_are_quantiles_of_the_draws() -> None:
    means = np.random.default_rng(1).normal(0.1, 0.3, (7, 20))
    draws, expected = rng(), []
    problems = draws.multinomial(7, np.full(7, 1 / 7), size=199)
    directions = draws.multinomial(20, np.full(20, 1 / 20), size=199)
    for times, often in zip(problems, directions, strict=True):
        expected.append(np.repeat(np.repeat(means, times, axis=0), often, axis=1).mean())
    chosen = rng().integers(7, size=(199, 7), dtype=np.uint32)
    alone = [means[rows].mean() for rows in chosen]
    found = clustered_difference(crossed(means), rng=rng(), resamples=199)
    given = clustered_difference(crossed(means), rng=rng(), scope="new problems", resamples=199)
    ends = [0.025, 0.975]
    assert (found.bootstrap_low, found.bootstrap_high) == pytest.approx(
        tuple(np.quantile(expected, ends))
    )
    assert (given.bootstrap_low, given.bootstrap_high) == pytest.approx(
        tuple(np.quantile(alone, ends))
    )


def test_draws_of_many_problems_come_in_blocks() -> None:
    # 4 000 000 numbers a block: of 30 000 problems 133 resamples, then the other 17.
    values = np.random.default_rng(1).normal(size=30_000)
    rows = {"problem": np.arange(30_000), "steered": values, "baseline": np.zeros(30_000)}
    draws = rng()
    means = np.concatenate(
        [
            values[draws.integers(30_000, size=(size, 30_000), dtype=np.uint32)].mean(axis=1)
            for size in (133, 17)
        ]
    )
    found = clustered_difference(rows, rng=rng(), resamples=150)
    assert (found.bootstrap_low, found.bootstrap_high) == pytest.approx(
        tuple(np.quantile(means, [0.025, 0.975]))
    )


def test_without_spread_there_is_no_interval() -> None:
    rows = {"problem": [0, 1, 2], "steered": [1.5] * 3, "baseline": [1.5] * 3}
    same = clustered_difference(rows, rng=rng(), resamples=99)
    assert np.isnan(
        np.array([same.low, same.high, same.statistic, same.design_effect], float)
    ).all()
    moved = clustered_difference(rows | {"baseline": [0.5] * 3}, rng=rng(), resamples=99)
    assert np.isnan(np.array([moved.low, moved.high, moved.statistic, moved.p], float)).all()
    assert moved.estimate == 1.0
