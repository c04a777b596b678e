"""One direction against few controls: is its effect unusual among directions?

Notes:
    The effects of all directions are measured on one and the same set of problems; the sampling
    unit here is the *direction*. Conclusions therefore reach new directions of the control kind, on
    these problems. Crawford–Howell assumes normally distributed control effects; the rank test does
    not, but cannot go below 1/(k + 1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.statistics.checks import count, level, numbers, together
from analysis.statistics.effect_sizes import (
    Array,
    effect_size_intervals,
    hedges_correction,
)
from analysis.statistics.results import (
    DEGENERATE,
    NEW_DIRECTIONS,
    OK,
    TOO_FEW_CONTROLS,
    Interval,
    N,
    Refusal,
    floor_p,
    single,
)
from analysis.statistics.spread import ControlSpread, control_spread
from analysis.vocabulary import Tail, checked


@dataclass(frozen=True, kw_only=True)
class ControlComparison(Interval[N]):
    """A candidate's effect among `k` control effects, in the unit of the effects.

    `estimate` is effect − mean of the controls; `low`, `high` are its Crawford–Howell interval
    (it holds 0 exactly when the two-sided test does not reject); `p` follows `tail`.
    `p_rank` follows `tail` too: one-sided by rank, two-sided twice the smaller side.
    """

    p: N = field()
    k: int
    """Controls."""

    tail: str
    """Which tail `p` and `p_rank` are of."""

    df: int
    """Degrees of freedom of the t test: k − 1."""

    effect: N
    """The candidate's own effect, in the unit given."""

    control_mean: N
    """Mean effect of the controls."""

    control_sd: N
    """Standard deviation of the controls' effects (ddof 1)."""

    prediction_low: N
    """Lower limit for the effect of one more control."""

    prediction_high: N
    """Upper limit for the effect of one more control."""

    p_less: N
    """Crawford–Howell p that the candidate is lower."""

    p_greater: N
    """Crawford–Howell p that the candidate is higher."""

    p_rank: N
    """P by rank, for `tail`."""

    p_rank_less: N
    """P by rank that the candidate is lower."""

    p_rank_greater: N
    """P by rank that the candidate is higher."""

    rank_floor: float
    """The smallest one-sided p that a rank among k controls can have: 1/(k + 1)."""

    d: N
    """Cohen's d: estimate over the controls' deviation (ddof 1)."""

    d_ddof0: N
    """The same with ddof 0, as some papers print it."""

    g: N
    """Hedges' g: d with its small-sample correction."""

    d_low_fixed: N
    """Lower limit of d, the candidate's effect taken as fixed."""

    d_high_fixed: N
    """Upper limit of d, the candidate's effect taken as fixed."""

    d_low_random: N
    """Lower limit of d, the candidate taken as one more draw."""

    d_high_random: N
    """Upper limit of d, the candidate taken as one more draw."""

    spread: ControlSpread | None = None
    """The controls' variance by source; None where outcomes by problem were not given."""


@overload
def compare_to_controls(
    effect: float,
    controls: ArrayLike,
    *,
    tail: Tail = ...,
    confidence: float = ...,
    family_size: int = ...,
    outcomes: ArrayLike | None = ...,
) -> ControlComparison[float]: ...
@overload
def compare_to_controls(
    effect: ArrayLike,
    controls: ArrayLike,
    *,
    tail: Tail = ...,
    confidence: float = ...,
    family_size: int = ...,
    outcomes: ArrayLike | None = ...,
) -> ControlComparison[NDArray[Any]]: ...
def compare_to_controls(
    effect: ArrayLike,
    controls: ArrayLike,
    *,
    tail: Tail = "two-sided",
    confidence: float = 0.95,
    family_size: int = 1,
    outcomes: ArrayLike | None = None,
) -> ControlComparison[Any]:
    """Crawford–Howell test, rank test, Cohen's d and Hedges g of one effect among controls.

    Args:
        effect: float or array, shape S. The candidate's effect; effects may be fractions, points or
            counts, alike for all.
        controls: array, shape S + (k,). The control effects on the same problems, k ≥ 2.
        tail: "less" asks whether the candidate lies below the controls.
        family_size: How many candidates are tested together: `too_few_controls` is said when the
            smallest rank p, times this number (Holm's first step), exceeds 1 − confidence.
        outcomes: array, shape (n, k). Outcomes of the controls per problem; adds the split of their
            spread.

    Raises:
        Refusal: Fewer than two controls, or effects that are missing.

    References:
        Crawford & Howell (1998), The Clinical Neuropsychologist 12(4), 482–486.
        Hedges (1981), Journal of Educational Statistics 6(2), 107–128.
    """
    x, c = _checked(effect, controls, tail)
    confidence = level("confidence", confidence)
    family_size = count("family_size", family_size, least=1)
    k = c.shape[-1]
    floor = rank_floor(k, tail=tail)
    few = floor * family_size > 1 - confidence + 1e-12
    numbers = _crawford_howell_numbers(x, c, confidence, tail) | _effect_sizes(x, c, confidence)
    less, greater = rank_p(x, c)
    numbers |= {
        "p_rank": _by_tail(less, greater, tail),
        "p_rank_less": less,
        "p_rank_greater": greater,
    }
    status = np.where(numbers["control_sd"] == 0, DEGENERATE, TOO_FEW_CONTROLS if few else OK)
    result = ControlComparison(
        method="Crawford–Howell",
        n=k + 1,
        confidence=confidence,
        status=status,
        scope=NEW_DIRECTIONS,
        k=k,
        tail=tail,
        df=k - 1,
        rank_floor=floor,
        spread=None if outcomes is None else control_spread(outcomes),
        **numbers,
    )
    return single(result) if x.ndim == 0 else result


@overload
def compare_signed_to_controls(
    plus: float,
    minus: float,
    control_plus: ArrayLike,
    control_minus: ArrayLike,
    *,
    tail: Tail = ...,
    confidence: float = ...,
    family_size: int = ...,
) -> ControlComparison[float]: ...
@overload
def compare_signed_to_controls(
    plus: ArrayLike,
    minus: ArrayLike,
    control_plus: ArrayLike,
    control_minus: ArrayLike,
    *,
    tail: Tail = ...,
    confidence: float = ...,
    family_size: int = ...,
) -> ControlComparison[NDArray[Any]]: ...
def compare_signed_to_controls(
    plus: ArrayLike,
    minus: ArrayLike,
    control_plus: ArrayLike,
    control_minus: ArrayLike,
    *,
    tail: Tail = "two-sided",
    confidence: float = 0.95,
    family_size: int = 1,
) -> ControlComparison[Any]:
    """`compare_to_controls` on the signed effect [f(a) − f(−a)]/2, free of even damage.

    Comparing f(a) alone calls "hurts more" what is only "pushes harder": damage that +a and −a
    share cancels here, for the candidate as for the controls.

    Args:
        plus, minus: float or array, shape S. The candidate's accuracy (or effect) at +a and at −a.
        control_plus, control_minus: array, shape S + (k,). The same of the controls, at the same a.
    """
    up, down = together(plus=numbers("plus", plus), minus=numbers("minus", minus))
    controls_up, controls_down = together(
        control_plus=numbers("control_plus", control_plus),
        control_minus=numbers("control_minus", control_minus),
    )
    candidate, controls = (up - down) / 2, (controls_up - controls_down) / 2
    return compare_to_controls(
        candidate, controls, tail=tail, confidence=confidence, family_size=family_size
    )


def rank_floor(k: int, *, tail: Tail = "two-sided") -> float:
    """Smallest p that the rank test can give with `k` controls: 1/(k+1), two-sided 2/(k+1)."""
    return min(1.0, (2 if tail == "two-sided" else 1) / (k + 1))


def controls_needed(significance: float, *, tail: Tail = "two-sided", family_size: int = 1) -> int:
    """Smallest k for which the rank test reaches `significance`, under Holm over `family_size`."""
    significance = level("significance", significance)
    sides = 2 if checked(tail, Tail, "tail") == "two-sided" else 1
    family_size = count("family_size", family_size, least=1)
    return int(np.ceil(sides * family_size / significance - 1 - 1e-9))


def _checked(effect: ArrayLike, controls: ArrayLike, tail: str) -> tuple[Array, Array]:
    x, c = numbers("effect", effect, missing=True), numbers("controls", controls, missing=True)
    checked(tail, Tail, "tail")
    if c.ndim == 0 or c.shape[-1] < 2:
        raise Refusal(
            f"{c.shape[-1] if c.ndim else 1} control: a spread needs at least two, and the rank "
            f"test {controls_needed(0.05, tail='greater')} (one-sided .05); "
            "collect more control directions"
        )
    if np.isnan(x).any() or np.isnan(c).any():
        raise Refusal("an effect is missing: leave that direction out by name")
    try:
        shape = np.broadcast_shapes(x.shape, c.shape[:-1])
    except ValueError:
        raise Refusal(
            f"effect has shape {x.shape} and controls {c.shape}: pass S and S + (k controls,)"
        ) from None
    if 0 in shape:
        raise Refusal("effect holds no candidate: check the filter that selected them")
    return np.broadcast_to(x, shape), np.broadcast_to(c, shape + c.shape[-1:])


def crawford_howell(x: Array, c: Array) -> tuple[Array, Array, Array, Array]:
    """Mean and SD of the controls (last axis), Cohen's d, and t = d/√(1 + 1/k) with k − 1 df."""
    mean, sd = c.mean(axis=-1), c.std(axis=-1, ddof=1)
    # Equal controls can differ by rounding: a spread below it is no spread.
    sd = np.where(sd <= 1e-12 * np.abs(c).max(axis=-1, initial=0.0), 0.0, sd)
    with np.errstate(divide="ignore", invalid="ignore"):
        d = np.where(sd > 0, (x - mean) / sd, np.nan)
    return mean, sd, d, d / np.sqrt(1 + 1 / c.shape[-1])


def rank_p(x: Array, c: Array) -> tuple[Array, Array]:
    """One-sided rank p-values, candidate below and above its controls (last axis); ties count."""
    # Effects are sums divided by n: equal counts may differ by rounding, and ties must count.
    slack = 1e-9 * np.maximum(np.abs(x), np.abs(c).max(axis=-1))[..., None]
    k = c.shape[-1]
    less = (c <= x[..., None] + slack).sum(axis=-1)
    greater = (c >= x[..., None] - slack).sum(axis=-1)
    return (1 + less) / (k + 1), (1 + greater) / (k + 1)


def _crawford_howell_numbers(x: Array, c: Array, confidence: float, tail: str) -> dict[str, Any]:
    k = c.shape[-1]
    mean, sd, _, t = crawford_howell(x, c)
    half = np.where(
        sd > 0, stats.t.isf((1 - confidence) / 2, k - 1) * sd * np.sqrt(1 + 1 / k), np.nan
    )
    less, greater = floor_p(stats.t.cdf(t, k - 1)), floor_p(stats.t.sf(t, k - 1))
    return {
        "effect": x,
        "estimate": x - mean,
        "low": x - mean - half,
        "high": x - mean + half,
        "p": _by_tail(less, greater, tail),
        "p_less": less,
        "p_greater": greater,
        "statistic": t,
        "control_mean": mean,
        "control_sd": sd,
        "prediction_low": mean - half,
        "prediction_high": mean + half,
    }


def _effect_sizes(x: Array, c: Array, confidence: float) -> dict[str, Any]:
    k = c.shape[-1]
    d = crawford_howell(x, c)[2]
    fixed, random = effect_size_intervals(d, k, confidence=confidence)
    return {
        "d": d,
        "d_ddof0": d * np.sqrt(k / (k - 1)),
        "g": d * hedges_correction(k - 1),
        "d_low_fixed": fixed[0],
        "d_high_fixed": fixed[1],
        "d_low_random": random[0],
        "d_high_random": random[1],
    }


def _by_tail(less: Array, greater: Array, tail: str) -> Array:
    if tail == "less":
        return less
    return greater if tail == "greater" else np.minimum(1.0, 2 * np.minimum(less, greater))
