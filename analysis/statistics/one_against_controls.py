"""A candidate's effect minus the mean of its controls, and how many controls a question needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.statistics.controls import Tail, rank_floor
from analysis.statistics.effect_sizes import noncentral_t_cdf
from analysis.statistics.results import (
    DEGENERATE,
    NEW_BOTH,
    NEW_DIRECTIONS,
    NEW_PROBLEMS,
    NO_INFORMATION,
    OK,
    TOO_FEW_CONTROLS,
    Refusal,
    Result,
    floor_p,
    scope_of,
    unwrap,
)
from analysis.statistics.spread import control_spread


@dataclass(frozen=True, kw_only=True)
class CandidateDifference(Result):
    """Candidate − mean(controls), a fraction of problems.

    `variance_problems` and `variance_directions` are the two parts of the squared standard
    error; the second is 0 where only new problems are in scope.
    """

    k: int
    df: float
    standard_error: float
    variance_problems: float
    variance_directions: float


def candidate_minus_controls(
    candidate: ArrayLike,
    controls: ArrayLike,
    *,
    scope: Literal["new problems", "new problems and directions"] = "new problems",
    level: float = 0.95,
    selected_on_outcome: bool = False,
) -> CandidateDifference:
    """How much better the candidate does than its controls, on average over problems.

    Each problem gives candidate − mean of its controls, in which the shared baseline cancels.

    Parameters
    ----------
    candidate : array, shape (n,)
        Outcome of each problem under the candidate: 0/1, or the mean over seeds. NaN: missing.
    controls : array, shape (n, k)
        The same problems under each control.
    scope : {"new problems", "new problems and directions"}
        The first takes these k controls as given. The second takes them as a sample of their
        kind: the variance between directions (noise removed) over k is added, with
        Satterthwaite's degrees of freedom, at least k − 1.

    Notes
    -----
    Problems are independent; directions are independent given the problems. A problem without
    an outcome under the candidate and every control is dropped and counted. Neither scope says
    that the candidate is unusual among directions: `compare_to_controls` does.

    References
    ----------
    Searle, Casella & McCulloch (1992), Variance Components, section 4.2.
    Satterthwaite (1946), Biometrics Bulletin 2(6), 110–114.
    """
    own, others = np.asarray(candidate, float), np.asarray(controls, float)
    if others.ndim != 2 or own.shape != others.shape[:1]:
        raise Refusal(
            f"candidate must be (n,) and controls (n, k), found {own.shape} and {others.shape}: "
            "average seeds within a problem first"
        )
    if scope not in (NEW_PROBLEMS, NEW_BOTH):
        raise Refusal(f"unknown scope {scope!r}: 'new problems' or 'new problems and directions'")
    complete = ~(np.isnan(own) | np.isnan(others).any(axis=1))
    own, others = own[complete], others[complete]
    n, k = others.shape
    if n < 2:
        raise Refusal(f"{n} problems have an outcome everywhere: at least 2 are needed")
    difference = own - others.mean(axis=1)
    problems, directions, df = float(difference.var(ddof=1) / n), 0.0, float(n - 1)
    if scope == NEW_BOTH:
        spread = control_spread(others)
        directions = max(0.0, spread.directions) / k
        parts = (spread.total / k) ** 2 / (k - 1) + problems**2 / (n - 1)
        df = max(k - 1.0, min(df, (problems + directions) ** 2 / parts)) if parts > 0 else df
    error = float(np.sqrt(problems + directions))
    estimate = float(difference.mean())
    half = float(stats.t.isf((1 - level) / 2, df)) * error
    t = estimate / error if error > 0 else np.nan
    return CandidateDifference(
        method="paired t of candidate − mean(controls)",
        estimate=estimate,
        n=n,
        low=estimate - half if error > 0 else np.nan,
        high=estimate + half if error > 0 else np.nan,
        level=level,
        p=float(floor_p(2 * stats.t.sf(abs(t), df))) if estimate or error > 0 else 1.0,
        statistic=t,
        status=OK if error > 0 else DEGENERATE if estimate else NO_INFORMATION,
        scope=scope_of(selected_on_outcome, scope),
        dropped=int((~complete).sum()),
        dropped_what="problems without an outcome under the candidate and every control",
        selected_on_outcome=selected_on_outcome,
        k=k,
        df=df,
        standard_error=error,
        variance_problems=problems,
        variance_directions=directions,
    )


@dataclass(frozen=True, kw_only=True)
class ControlsPower(Result):
    """Power of Crawford–Howell with `n` = k controls; `estimate` is that of the model asked.

    `fixed`: the candidate lies exactly `gap` SD from the mean of control directions. `random`:
    it is one draw from a population of candidates whose mean lies there, with the controls' SD.
    """

    gap: Any
    fixed: Any
    random: Any
    rank_floor: Any


def controls_power(
    k: ArrayLike,
    *,
    gap: ArrayLike = 3.0,
    model: Literal["fixed", "random"],
    alpha: float = 0.05,
    tail: Tail = "two-sided",
) -> ControlsPower:
    """Chance that Crawford–Howell finds a candidate `gap` standard deviations away.

    Parameters
    ----------
    k : int or array
        Number of controls, at least 2.
    gap : float or array
        Distance in standard deviations of control effects (true, not estimated); for one tail
        the distance in that direction.
    model : {"fixed", "random"}
        Whether the candidate is this one direction or a draw of its kind: it must be named,
        since with random candidates more controls stop helping (gap 3 levels off near .85).

    References
    ----------
    Crawford & Garthwaite (2006), Behavior Research Methods 38(4), 581–589.
    """
    if model not in ("fixed", "random"):
        raise Refusal(f"unknown model {model!r}: 'fixed' (this candidate) or 'random' (its kind)")
    size, distance = np.broadcast_arrays(np.asarray(k, float), np.asarray(gap, float))
    if (size < 2).any():
        raise Refusal("the controls' spread needs k ≥ 2")
    df, inflation = size - 1, np.sqrt(1 + 1 / size)
    critical = stats.t.isf(alpha / (2 if tail == "two-sided" else 1), df)

    def power(noncentrality: Any, threshold: Any) -> Any:
        upper = noncentral_t_cdf(-threshold, df, -noncentrality)
        lower = noncentral_t_cdf(-threshold, df, noncentrality)
        return np.clip(upper + lower if tail == "two-sided" else upper, 0.0, 1.0)

    powers = {
        "fixed": power(distance * np.sqrt(size), critical * np.sqrt(size + 1)),
        "random": power(distance / inflation, critical),
    }
    scalar = size.ndim == 0
    floors = np.vectorize(lambda one: rank_floor(int(one), tail=tail))(size)
    status = np.where(floors > alpha + 1e-12, TOO_FEW_CONTROLS, OK)
    return ControlsPower(
        method=f"Crawford–Howell power, {model} candidate",
        estimate=unwrap(powers[model], scalar),
        n=unwrap(size.astype(int), scalar),
        level=1 - alpha,
        status=unwrap(status, scalar),
        scope=NEW_DIRECTIONS,
        gap=unwrap(distance, scalar),
        fixed=unwrap(powers["fixed"], scalar),
        random=unwrap(powers["random"], scalar),
        rank_floor=unwrap(floors, scalar),
    )
