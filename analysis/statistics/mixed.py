"""A binomial mixed model of problems × directions × seeds, fitted by Laplace's approximation.

Why not a library: statsmodels' `BinomialBayesMixedGLM` wants priors, and its mean-field posterior
is too narrow (its 95 % limits covered .78 with 5 directions, .45 with 19); GPBoost and PyMC fit
this model and weigh more than all else that this package needs. The fit here is GPBoost's: the
tests hold its values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import optimize, special, stats

from analysis.statistics.checks import answers, labels, level, numbers
from analysis.statistics.laplace import Array, Cells, Mode, log_likelihood
from analysis.statistics.results import (
    NEW_BOTH,
    NEW_PROBLEMS,
    NOT_CONVERGED,
    OK,
    Estimate,
    Refusal,
    floor_p,
)
from analysis.vocabulary import shown

# A log odds, or a standard deviation of one, beyond this is an infinite one.
_LARGEST = 15.0
# Problems × directions, beyond which the fit takes minutes.
LARGEST_TABLE = 10**6
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(61)


@dataclass(frozen=True, kw_only=True)
class MixedModel(Estimate):
    """Steering's effect as *log odds*, given the problem; `n` problems, `k` directions.

    `difference` with its limits is the same effect in accuracy, averaged over problems (and
    directions) of their kind: a fraction, to be set beside `clustered_difference`. `sd_level`,
    `sd_answer` and `sd_direction` are standard deviations of log odds: how problems differ, how
    differently they answer to steering, and how directions differ (None where the data cannot say).
    """

    estimate: float
    low: float = field()
    high: float = field()
    p: float = field()
    difference: float
    """The effect in accuracy, averaged over problems and directions: a fraction."""

    difference_low: float
    """Its lower limit, a fraction."""

    difference_high: float
    """Its upper limit, a fraction."""

    intercept: float
    """Log odds of a right answer at baseline, for the average problem."""

    sd_level: float
    """Deviation of the problems' log odds."""

    sd_answer: float | None
    """Deviation of the problems' answers to steering, log odds; None where the data cannot say."""

    sd_direction: float | None
    """Deviation of the directions' effects, log odds; None where the data cannot say."""

    log_likelihood: float
    """Log likelihood at the fit, by Laplace's approximation."""

    standard_error: float
    """Standard error of the estimate, log odds."""

    df: float
    """Degrees of freedom of its t."""

    k: int
    """Directions."""

    outcomes: int
    """Outcomes that the model was fitted to."""


def mixed_model(table: Mapping[str, Any], *, confidence: float = 0.95) -> MixedModel:
    """Log odds of a right answer, with crossed random effects of problems and directions.

    Args:
        table: mapping of equally long columns (a DataFrame will do), one row per *answer*:
            `problem`, `right` (0/1, NaN missing), `steered` (0/1), and optionally `direction` (of
            steered rows). A baseline that all directions share stands in it once.

    Notes:
        logit P(right) = β₀ + β·s + level(problem) + s·answer(problem) + direction, s = ∓1/2, all
        three normal and independent, fitted by maximum likelihood. `answer` needs several steered
        or several baseline answers of a problem, `direction` at least two. Limits and p are Wald's,
        from the curvature in all parameters; with directions at t with k − 1 degrees of freedom.
        Normal log odds are an assumption that `clustered_difference` does without; in return the
        effect is not bound to this mix of easy and hard problems.

    Returns:
        `MixedModel`; where an estimate runs off (an arm all right or all wrong, every problem
        always the same) the numbers are NaN with status ``not_converged``.

    Raises:
        Refusal: columns that lack, values other than 0 and 1, an arm without answers, one problem.

    References:
        Breslow & Clayton (1993), JASA 88, 9–25; Bates, Mächler, Bolker & Walker (2015), Journal of
        Statistical Software 67(1).
    """
    confidence = level("confidence", confidence)
    cells, dropped = _cells(table)
    n, k = cells.right.shape[0], cells.right.shape[1] - 1
    several = bool((cells.answers[:, 1:].sum(axis=1) > 1).any() or (cells.answers[:, 0] > 1).any())
    varies = np.array([True, True, True, several, k > 1])
    mode = Mode.of(cells)

    def lost(free: Array) -> float:
        """Negative log-likelihood in the parameters that are free."""
        full = np.zeros(5)
        full[varies] = free
        return -log_likelihood(cells, full[0], full[1], (full[2], full[3], full[4]), mode)

    found = _fitted(lost, varies)
    full = np.zeros(5)
    full[varies] = found.x
    df = float(min(n, k) - 1) if k > 1 else np.inf
    covariance = _covariance(lost, found.x)
    ran_off = not found.success or np.abs(full).max() > _LARGEST or covariance is None
    error = np.nan if ran_off else float(np.sqrt(covariance[1, 1]))  # type: ignore[index]
    quantile = float(stats.t.isf((1 - confidence) / 2, df))

    def difference(free: Array) -> float:
        """The difference of accuracies in the parameters that are free."""
        whole = np.zeros(5)
        whole[varies] = free
        return _difference(whole)

    points, half = np.nan, np.nan
    if not ran_off:
        points = difference(found.x)
        slope = optimize.approx_fprime(found.x, difference, 1e-6)
        half = quantile * float(np.sqrt(slope @ covariance @ slope))
    effect = np.nan if ran_off else float(full[1])
    return MixedModel(
        method="binomial mixed model, Laplace",
        estimate=effect,
        n=n,
        low=effect - quantile * error,
        high=effect + quantile * error,
        confidence=confidence,
        p=np.nan if ran_off else float(floor_p(2 * stats.t.sf(abs(effect) / error, df))),
        statistic=effect / error,
        status=NOT_CONVERGED if ran_off else OK,
        scope=NEW_BOTH if k > 1 else NEW_PROBLEMS,
        dropped=dropped,
        dropped_what="missing answers",
        difference=points,
        difference_low=points - half,
        difference_high=points + half,
        intercept=float(full[0]),
        sd_level=abs(float(full[2])),
        sd_answer=abs(float(full[3])) if several else None,
        sd_direction=abs(float(full[4])) if k > 1 else None,
        log_likelihood=-float(found.fun),
        standard_error=error,
        df=df,
        k=k,
        outcomes=int(cells.answers.sum()),
    )


def _fitted(lost: Any, varies: Array) -> Any:
    """From one start, or two; standard deviations enter by their squares, so their sign is free."""

    def gradient(at: Array) -> Array:
        """Central differences."""
        steps = 1e-4 * np.eye(len(at))
        return np.array([(lost(at + one) - lost(at - one)) / 2e-4 for one in steps])

    best: Any = None
    for spread in (0.5, 1.5):
        start = np.array([0.0, 0.0, spread, spread, spread / 2])[varies]
        found = optimize.minimize(lost, start, jac=gradient, method="BFGS", options={"gtol": 1e-4})
        # A search that stops where rounding hides any descent has found the place, too.
        found.success = found.success or float(np.abs(found.jac).max()) < 1e-2
        if best is None or found.fun < best.fun:
            best = found
        if best.success:
            break
    return best


def _covariance(lost: Any, at: Array) -> Array | None:
    """The inverse of the curvature by central differences; None where it is not a maximum."""
    step, size = 1e-3, len(at)
    curvature = np.zeros((size, size))
    unit = step * np.eye(size)
    for i in range(size):
        for j in range(i, size):
            corners = [
                a * b * lost(at + a * unit[i] + b * unit[j]) for a in (1, -1) for b in (1, -1)
            ]
            curvature[i, j] = curvature[j, i] = sum(corners) / (4 * step**2)
    try:
        np.linalg.cholesky(curvature)
    except np.linalg.LinAlgError:
        return None
    return np.linalg.inv(curvature)


def _difference(full: Array) -> float:
    """P(right | steered) − P(right | baseline), averaged over the normal effects."""
    own = full[2] ** 2 + full[3] ** 2 / 4
    weights = _WEIGHTS / _WEIGHTS.sum()
    steered = special.expit(full[0] + full[1] / 2 + np.sqrt(own + full[4] ** 2) * _NODES)
    baseline = special.expit(full[0] - full[1] / 2 + np.sqrt(own) * _NODES)
    return float(weights @ (steered - baseline))


def _cells(table: Mapping[str, Any]) -> tuple[Cells, int]:
    """The counts of right answers and of answers, and how many answers are missing."""
    wanted = "one row per answer with problem, right, steered (and direction where there are more)"
    if not isinstance(table, Mapping) and not hasattr(table, "columns"):
        raise Refusal(f"the table must be a mapping of columns, found {shown(table)}: {wanted}")
    missing = [name for name in ("problem", "right", "steered") if name not in table]
    if missing:
        raise Refusal(f"the table lacks {', '.join(missing)}: {wanted}")
    right = answers("right", table["right"])
    steered = numbers("steered", table["steered"], truths=True)
    problem, n = labels("problem", table["problem"])
    if not right.shape == steered.shape == problem.shape:
        raise Refusal(f"columns have shapes {right.shape}, {steered.shape} and {problem.shape}")
    present = ~np.isnan(right)
    if not (np.isin(right[present], (0, 1)).all() and np.isin(steered, (0, 1)).all()):
        raise Refusal("right and steered must be 0 or 1: for other outcomes clustered_difference")
    column = (steered == 1).astype(int)
    if "direction" in table:
        column = column * (1 + _directions(table["direction"], steered))
    shape = n, int(column.max(initial=0)) + 1
    if n * shape[1] > LARGEST_TABLE:
        raise Refusal(f"{n} problems × {shape[1] - 1} directions are too many for one model")
    cell = (problem * shape[1] + column)[present]
    known = np.bincount(cell, minlength=n * shape[1]).reshape(shape).astype(float)
    cells = Cells(np.bincount(cell, right[present], minlength=n * shape[1]).reshape(shape), known)
    # Problems and directions of which every answer is missing are not there.
    rows, columns = known.sum(axis=1) > 0, known.sum(axis=0) > 0
    if not columns[0] or not columns[1:].any():
        raise Refusal("one arm has no answers: rows with steered 0 and with steered 1 are needed")
    if rows.sum() < 2:
        raise Refusal(f"{rows.sum()} problem has answers: at least two are needed")
    kept = np.ix_(rows, columns)
    return Cells(cells.right[kept], cells.answers[kept]), int((~present).sum())


def _directions(values: Any, steered: Array) -> Array:
    """The number of each steered row's direction; 0 for rows of the baseline, which have none."""
    items = values.tolist() if hasattr(values, "tolist") else values
    if not hasattr(items, "__len__") or len(items) != len(steered):
        raise Refusal(f"direction must be a list of {len(steered)} ids, found {shown(values)}")
    number = np.zeros(len(steered), dtype=int)
    rows = np.flatnonzero(steered == 1)
    number[rows] = labels("direction", [items[at] for at in rows])[0]
    return number
