"""Intervals from totals: the paired difference (Tango, Bonett-Price, Wald) and Wilson's.

All are computed for every element of the count arrays at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.statistics.checks import Counts, level, pairs, whole
from analysis.statistics.paired import mid_p
from analysis.statistics.results import (
    DEGENERATE,
    NO_INFORMATION,
    OK,
    TEST_INTERVAL_DISAGREE,
    Interval,
    N,
    floor_p,
    single,
)
from analysis.vocabulary import IntervalMethod, checked

Floats = NDArray[np.float64]

# About 6 Newton steps are needed; where they fail, bisection needs 50.
_MAX_STEPS = 80


@dataclass(frozen=True, kw_only=True)
class PairedDifference(Interval[N]):
    """(gained - lost)/n, a fraction, with its interval and McNemar's mid-p.

    The test decides: where the interval excludes 0 and the mid-p does not reject at 1 -
    confidence (or
    the reverse), the status is ``test_interval_disagree``.
    """

    p: N = field()
    gained: N
    """Pairs wrong at baseline and right when steered."""

    lost: N
    """Pairs right at baseline and wrong when steered."""


def constrained_loss(gained: Any, lost: Any, n: Any, delta: Any) -> Any:
    """Maximum-likelihood P(lost) of trinomial counts when P(gained) - P(lost) = `delta`."""
    b = (2 * n - gained + lost) * delta - (gained + lost)
    root = np.sqrt(np.maximum(b * b + 8 * n * lost * delta * (1 - delta), 0.0))
    # Two forms of one root of 2n p^2 + b p - lost delta (1 - delta) = 0: each avoids cancellation.
    product = 2 * lost * delta * (1 - delta)
    stable = np.divide(product, root + b, out=np.zeros_like(root), where=root + b > 0)
    p = np.where(b > 0, stable, (root - b) / (4 * n))
    return np.maximum(p, np.maximum(0.0, -delta))


def score_gap(gained: Any, lost: Any, n: Any, delta: Any) -> tuple[Any, Any]:
    """Numerator of Tango's score at `delta`, and its standard deviation (in problems)."""
    loss = constrained_loss(gained, lost, n, delta)
    variance = n * (2 * loss + delta * (1 - delta))
    return gained - lost - n * delta, np.sqrt(np.maximum(variance, 0.0))


def _excess(gained: Floats, lost: Floats, n: Floats, z: float, at: Floats) -> tuple[Floats, Floats]:
    """How far `at` lies beyond the acceptance of Tango's test (in problems), and its slope."""
    b = (2 * n - gained + lost) * at - (gained + lost)
    root = np.sqrt(np.maximum(b * b + 8 * n * lost * at * (1 - at), 0.0))
    # n (2 p + delta (1 - delta)) with the constrained p written out.
    deviation = np.sqrt(np.maximum((root - b) / 2 + n * at * (1 - at), 0.0))
    slope_b = 2 * n - gained + lost
    slope_root = (b * slope_b + 4 * n * lost * (1 - 2 * at)) / root
    slope = n - z * ((slope_root - slope_b) / 2 + n * (1 - 2 * at)) / (2 * deviation)
    return n * at - (gained - lost) - z * deviation, slope


def _upper(gained: Floats, lost: Floats, n: Floats, z: float) -> Floats:
    """Largest delta that the score test does not reject: Newton's steps inside a bracket."""
    estimate = (gained - lost) / n
    # At the estimate itself the deviation may be 0 (nothing changed, or everything): a false root.
    left, right = np.minimum(estimate + 1e-9, 1.0), np.ones_like(n)
    spread = np.sqrt((gained + lost + 2) / n - estimate**2 + 1 / n)
    at = np.clip(estimate + z * spread / np.sqrt(n) + z * z / (4 * n), left, right)
    answer, rows = at.copy(), np.arange(n.size)
    for _ in range(_MAX_STEPS):
        with np.errstate(divide="ignore", invalid="ignore"):
            excess, slope = _excess(gained, lost, n, z, at)
            newton = at - excess / slope
        below = excess <= 0
        left, right = np.where(below, at, left), np.where(below, right, at)
        # An infinite slope (deviation 0) would stand still and pass for converged.
        inside = np.isfinite(slope) & (newton >= left) & (newton <= right)
        moved = np.where(inside, newton, (left + right) / 2)
        answer[rows] = moved
        going = np.abs(moved - at) > 1e-15
        at = moved
        # A row that is done leaves at once, so that its last bit does not depend on the others.
        if not going.all():
            if not going.any():
                break
            rows, at, left, right = rows[going], at[going], left[going], right[going]
            gained, lost, n = gained[going], lost[going], n[going]
    return answer


def tango_limits(
    gained: Counts, lost: Counts, n: Counts, confidence: float
) -> tuple[Floats, Floats]:
    """Limits of Tango's score interval of (gained - lost)/n for arrays of one shape."""
    return tango_limits_at(gained, lost, n, float(special.ndtri((1 + confidence) / 2)))


def tango_limits_at(
    gained: ArrayLike, lost: ArrayLike, n: ArrayLike, z: float
) -> tuple[Floats, Floats]:
    """Tango's limits at the critical value `z`; the counts need not be whole."""
    shape = np.shape(gained)
    g, lo, total = (np.asarray(a, dtype=np.float64).ravel() for a in (gained, lost, n))
    # The lower limit is minus the upper limit of the mirrored table: one pass solves both.
    both = _upper(np.concatenate([g, lo]), np.concatenate([lo, g]), np.tile(total, 2), z)
    return 0.0 - both[g.size :].reshape(shape), both[: g.size].reshape(shape)


def bonett_price_limits(
    gained: Counts, lost: Counts, n: Counts, confidence: float
) -> tuple[Floats, Floats]:
    """Bonett-Price adjusted Wald limits: one pair added to each discordant cell."""
    z = float(special.ndtri((1 + confidence) / 2))
    up, down = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    half = z * np.sqrt((up + down - (up - down) ** 2) / (n + 2))
    return np.maximum(up - down - half, -1.0), np.minimum(up - down + half, 1.0)


def wald_limits(
    gained: Counts, lost: Counts, n: Counts, confidence: float
) -> tuple[Floats, Floats]:
    """Wald limits; they collapse to a point at gained = lost = 0."""
    z = float(special.ndtri((1 + confidence) / 2))
    effect = (gained - lost) / n
    half = z * np.sqrt(np.maximum((gained + lost) / n - effect**2, 0.0) / n)
    return np.maximum(effect - half, -1.0), np.minimum(effect + half, 1.0)


_LIMITS = {"tango": tango_limits, "bonett-price": bonett_price_limits, "wald": wald_limits}


def interval_status(
    gained: Counts, lost: Counts, low: Floats, high: Floats, rejects: NDArray[np.bool_]
) -> NDArray[np.str_]:
    """Per table: nothing changed, an interval without width, or a test that disagrees with it."""
    excludes = (low > 0) | (high < 0)
    conditions = [gained + lost == 0, high <= low, excludes != rejects]
    return np.select(conditions, [NO_INFORMATION, DEGENERATE, TEST_INTERVAL_DISAGREE], OK)


@overload
def paired_difference(
    gained: float, lost: float, n: float, *, method: IntervalMethod = ..., confidence: float = ...
) -> PairedDifference[float]: ...
@overload
def paired_difference(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike,
    *,
    method: IntervalMethod = ...,
    confidence: float = ...,
) -> PairedDifference[NDArray[Any]]: ...
def paired_difference(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike,
    *,
    method: IntervalMethod = "tango",
    confidence: float = 0.95,
) -> PairedDifference[Any]:
    """Difference of two paired proportions, (gained - lost)/n, with an interval.

    Args:
        gained, lost, n: counts, or arrays of counts (one element per condition).
        method: ``"tango"`` (score, primary), ``"bonett-price"``, or ``"wald"`` (a cross-check: it
            collapses at gained = lost = 0).
        confidence: coverage asked.

    Returns:
        `PairedDifference`; `p` is McNemar's mid-p, which decides where it and the interval part.

    Raises:
        Refusal: counts that are not counts, n = 0, a confidence outside (0, 1).

    Notes:
        Problems are a random sample and independent of each other.

    References:
        Tango, Statistics in Medicine 17 (1998) 891; Bonett and Price, Journal of Educational
        and Behavioral Statistics 37 (2012) 479.
    """
    counts = pairs(gained, lost, n)
    confidence = level("confidence", confidence)
    checked(method, IntervalMethod, "method")
    g, lo, total = counts.gained, counts.lost, counts.n
    low, high = _LIMITS[method](g, lo, total, confidence)
    p = mid_p(g, lo)
    result = PairedDifference(
        method=f"{method}, mcnemar midp",
        estimate=(g - lo) / total,
        low=low,
        high=high,
        confidence=confidence,
        n=total,
        p=floor_p(p),
        statistic=g - lo,
        status=interval_status(g, lo, low, high, p <= 1 - confidence),
        gained=g,
        lost=lo,
    )
    return single(result) if counts.scalar else result


@overload
def wilson(k: float, n: float, *, confidence: float = ...) -> Interval[float]: ...
@overload
def wilson(k: ArrayLike, n: ArrayLike, *, confidence: float = ...) -> Interval[NDArray[Any]]: ...
def wilson(k: ArrayLike, n: ArrayLike, *, confidence: float = 0.95) -> Interval[Any]:
    """Wilson's score interval of one proportion k/n, such as one accuracy.

    Args:
        k, n: successes and trials, or arrays of them.
        confidence: coverage asked.

    Raises:
        Refusal: counts that are not counts, k > n, or n = 0.

    Notes:
        Two such intervals say nothing about a difference on the same problems: use
        `paired_difference`.

    References:
        Wilson, Journal of the American Statistical Association 22 (1927) 209.
    """
    counts = pairs(k, 0, whole("n", n))
    confidence = level("confidence", confidence)
    z2 = float(special.ndtri((1 + confidence) / 2)) ** 2
    share, total = counts.gained / counts.n, counts.n
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = np.sqrt(z2 * (share * (1 - share) / total + z2 / (4 * total**2))) / (1 + z2 / total)
    result = Interval(
        method="wilson",
        estimate=share,
        low=np.where(counts.gained == 0, 0.0, centre - half),
        high=np.where(counts.gained == total, 1.0, centre + half),
        confidence=confidence,
        n=total,
        status=np.full(total.shape, OK),
    )
    return single(result) if counts.scalar else result
