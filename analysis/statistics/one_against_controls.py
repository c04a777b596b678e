"""A candidate's effect minus the mean of its controls, and how many controls a question needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.statistics.checks import LARGEST_LISTED, answers, level, numbers, together, whole
from analysis.statistics.controls import rank_floor
from analysis.statistics.effect_sizes import Array, noncentral_t_cdf
from analysis.statistics.results import (
    DEGENERATE,
    NEW_BOTH,
    NEW_DIRECTIONS,
    NO_INFORMATION,
    OK,
    TOO_FEW_CONTROLS,
    Estimate,
    N,
    Refusal,
    Result,
    floor_p,
    single,
    written,
)
from analysis.statistics.spread import control_spread
from analysis.vocabulary import Model, ProblemScope, Tail, checked

# Noncentral t is computed to here.
FARTHEST = 1_000


@dataclass(frozen=True, kw_only=True)
class CandidateDifference(Estimate):
    """Candidate − mean(controls), a fraction of problems.

    `variance_problems` and `variance_directions` are the two parts of the squared standard
    error; the second is 0 where only new problems are in scope.
    """

    estimate: float
    low: float = field()
    high: float = field()
    p: float = field()
    k: int
    """Controls."""

    df: float
    """Degrees of freedom (Satterthwaite) of the t interval."""

    standard_error: float
    """Standard error of the estimate, a fraction."""

    variance_problems: float
    """The part of its square that problems make."""

    variance_directions: float
    """The part that directions make; 0 where only new problems are in scope."""


def candidate_minus_controls(
    candidate: ArrayLike,
    controls: ArrayLike,
    *,
    scope: ProblemScope = "new problems",
    confidence: float = 0.95,
) -> CandidateDifference:
    """How much better the candidate does than its controls, on average over problems.

    Each problem gives candidate − mean of its controls, in which the shared baseline cancels.

    Args:
        candidate: array, shape (n,). Outcome of each problem under the candidate: 0/1, or the mean
            over seeds. NaN: missing.
        controls: array, shape (n, k). The same problems under each control.
        scope: The first takes these k controls as given. The second takes them as a sample of their
            kind: the variance between directions (noise removed) over k is added, with
            Satterthwaite's degrees of freedom, at least k − 1.

    Notes:
        Problems are independent; directions are independent given the problems. A problem without
        an outcome under the candidate and every control is dropped and counted. Neither scope says
        that the candidate is unusual among directions: `compare_to_controls` does.

    References:
        Searle, Casella & McCulloch (1992), Variance Components, section 4.2.
        Satterthwaite (1946), Biometrics Bulletin 2(6), 110–114.
    """
    steered = answers("candidate", candidate)
    others = answers("controls", controls)
    if others.ndim != 2 or steered.shape != others.shape[:1] or not others.shape[1]:
        raise Refusal(
            f"candidate must be (n,) and controls (n, k), found {steered.shape} and "
            f"{others.shape}: average seeds within a problem first"
        )
    checked(scope, ProblemScope, "scope")
    confidence = level("confidence", confidence)
    complete = ~(np.isnan(steered) | np.isnan(others).any(axis=1))
    steered, others = steered[complete], others[complete]
    n, k = others.shape
    if n < 2:
        raise Refusal(f"{n} problems have an outcome everywhere: at least 2 are needed")
    difference = steered - others.mean(axis=1)
    problems, directions, df = float(difference.var(ddof=1) / n), 0.0, float(n - 1)
    if scope == NEW_BOTH:
        spread = control_spread(others)
        directions = max(0.0, spread.directions) / k
        parts = (spread.total / k) ** 2 / (k - 1) + problems**2 / (n - 1)
        df = max(k - 1.0, min(df, (problems + directions) ** 2 / parts)) if parts > 0 else df
    error = float(np.sqrt(problems + directions))
    estimate = float(difference.mean())
    half = float(stats.t.isf((1 - confidence) / 2, df)) * error
    t = estimate / error if error > 0 else np.nan
    return CandidateDifference(
        method="paired t of candidate − mean(controls)",
        estimate=estimate,
        n=n,
        low=estimate - half if error > 0 else np.nan,
        high=estimate + half if error > 0 else np.nan,
        confidence=confidence,
        p=float(floor_p(2 * stats.t.sf(abs(t), df))) if estimate or error > 0 else 1.0,
        statistic=t,
        status=OK if error > 0 else DEGENERATE if estimate else NO_INFORMATION,
        scope=scope,
        dropped=int((~complete).sum()),
        dropped_what="problems without an outcome under the candidate and every control",
        k=k,
        df=df,
        standard_error=error,
        variance_problems=problems,
        variance_directions=directions,
    )


@dataclass(frozen=True, kw_only=True)
class ControlsPower(Result[N]):
    """Power of Crawford–Howell with `n` = k controls."""

    power: N = field(metadata=written("estimate"))
    """That of the model asked."""

    significance: float = field(metadata=written())
    """Level of the test."""

    gap: N
    """Distance from the mean of the controls, in standard deviations of their effects."""

    fixed: N
    """Power where the candidate lies exactly there."""

    random: N
    """Power where it is a draw from candidates whose mean lies there, with the controls' SD."""

    rank_floor: N
    """The smallest p that the rank test can give."""

    def as_dict(self) -> dict[str, Any]:
        """All fields; the level of the test is written as the coverage that belongs to it."""
        return {**super().as_dict(), "level": 1 - self.significance}


@overload
def controls_power(
    k: float, *, gap: float = ..., model: Model, significance: float = ..., tail: Tail = ...
) -> ControlsPower[float]: ...
@overload
def controls_power(
    k: ArrayLike, *, gap: ArrayLike = ..., model: Model, significance: float = ..., tail: Tail = ...
) -> ControlsPower[NDArray[Any]]: ...
def controls_power(
    k: ArrayLike,
    *,
    gap: ArrayLike = 3.0,
    model: Model,
    significance: float = 0.05,
    tail: Tail = "two-sided",
) -> ControlsPower[Any]:
    """Chance that Crawford–Howell finds a candidate `gap` standard deviations away.

    Args:
        k: int or array. Number of controls, at least 2.
        gap: float or array. Distance in standard deviations of control effects (true, not
            estimated); for one tail the distance in that direction.
        model: Whether the candidate is this one direction or a draw of its kind: it must be named,
            since with random candidates more controls stop helping (gap 3 levels off near .85).

    References:
        Crawford & Garthwaite (2006), Behavior Research Methods 38(4), 581–589.
    """
    checked(model, Model, "model")
    checked(tail, Tail, "tail")
    significance = level("significance", significance)
    size, distance = together(
        k=whole("k", k, most=LARGEST_LISTED).astype(float), gap=numbers("gap", gap)
    )
    if not size.size or (size < 2).any():
        raise Refusal("the controls' spread needs k ≥ 2")
    if (np.abs(distance) > FARTHEST).any():
        raise Refusal(f"gap is beyond ±{FARTHEST:,} standard deviations: power there is 0 or 1")
    df, inflation = size - 1, np.sqrt(1 + 1 / size)
    critical = stats.t.isf(significance / (2 if tail == "two-sided" else 1), df)

    def power(noncentrality: Array, threshold: Array) -> Array:
        """Chance that t with this noncentrality lies beyond the threshold."""
        upper = noncentral_t_cdf(-threshold, df, -noncentrality)
        lower = noncentral_t_cdf(-threshold, df, noncentrality)
        return np.clip(upper + lower if tail == "two-sided" else upper, 0.0, 1.0)

    powers = {
        "fixed": power(distance * np.sqrt(size), critical * np.sqrt(size + 1)),
        "random": power(distance / inflation, critical),
    }
    floors = np.vectorize(lambda controls: rank_floor(int(controls), tail=tail))(size)
    status = np.where(floors > significance + 1e-12, TOO_FEW_CONTROLS, OK)
    result = ControlsPower(
        method=f"Crawford–Howell power, {model} candidate",
        power=powers[model],
        n=size.astype(int),
        significance=significance,
        status=status,
        scope=NEW_DIRECTIONS,
        gap=distance,
        fixed=powers["fixed"],
        random=powers["random"],
        rank_floor=floors,
    )
    return single(result) if size.ndim == 0 else result
