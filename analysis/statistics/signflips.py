"""Sign flips of whole rows: max-T over alphas, layers or directions that share problems.

Notes:
    A row holds one problem's differences to its baseline under all m conditions. Under the null a
    row and its negative are equally likely, so one sign is drawn per *problem*: the dependence
    between conditions, which share problems and baseline, is kept as it is. Problems are
    independent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from analysis.statistics.checks import answers, draws, generator, level, one_scale
from analysis.statistics.results import (
    DEGENERATE,
    NO_INFORMATION,
    OK,
    TEST_INTERVAL_DISAGREE,
    Estimate,
    Refusal,
    floor_p,
)
from analysis.statistics.score import score_limits, shares

Array = np.ndarray[Any, Any]

# Rows of one block of sums: 1,000 x 1,300 floats are 5 MB, small enough to stay near the cache.
BLOCK = 512


@dataclass(frozen=True, kw_only=True)
class MaxT(Estimate[NDArray[Any]]):
    """Family-wise test over m conditions; arrays over conditions, in the order of the columns.

    `p` is adjusted by max-T, `p_unadjusted` is each condition's own p from the same flips,
    `statistic` is |Σd|/√Σd². `low`, `high` are simultaneous at `confidence`: all m hold at once.
    `critical` is the critical value behind them: the (confidence) quantile of the largest
    statistic, at least the normal one. Where a test and its limits part, the test decides, and the
    status says ``test_interval_disagree``; limits that are infinite, for want of problems, are
    ``degenerate``.
    """

    estimate: NDArray[np.float64]
    low: NDArray[np.float64] = field()
    high: NDArray[np.float64] = field()
    p: NDArray[np.float64] = field()
    p_unadjusted: NDArray[np.float64]
    """Each condition's own p, from the same flips."""

    critical: float
    """The critical value of the statistic behind the simultaneous limits."""

    family_size: int
    """Conditions tested together: m."""

    resamples: int
    """Sign flips that were made."""

    exact: bool
    """Whether they are all there are, not a random part."""


def max_t(
    outcomes: ArrayLike,
    baseline: ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = 9999,
    confidence: float = 0.95,
) -> MaxT:
    """Adjusted p-values and a simultaneous band for m conditions against one baseline.

    Args:
        outcomes: array, shape (n, m). Outcome of each problem under each condition: 0/1, or a mean
            over seeds; NaN: missing.
        baseline: array, shape (n,). The same problems without steering.
        resamples: Sign flips. All 2^r flips are enumerated instead where r problems that change are
            few enough, and one condition alone is tested by the exact binomial.

    Notes:
        p = (1 + #{flips whose largest T ≥ T_j}) / (resamples + 1), ties counted exactly: sums of
        0/1 differences are whole numbers, T² a ratio of whole numbers. With 0/1 outcomes T is
        McNemar's z and the band is Tango's at |z| = critical, so it leaves 0 out where max-T
        rejects. Means over seeds have the score limits of `clustered_difference`; other outcomes
        invert the self-normalised t, and have no limits where nothing changes. The critical value
        lies between the largest statistic that does not reject and the smallest that does, so no
        limit is 0 at a tie. It is at least the normal quantile: flips of few changed problems reach
        no more than the root of their number. A pair with a missing outcome counts as no change.

    References:
        Westfall & Young (1993), Resampling-Based Multiple Testing. Tango (1998), Statistics in
        Medicine 17, 891–908.
    """
    d, present = differences(outcomes, baseline)
    confidence = level("confidence", confidence)
    steps = bool(d.any()) and bool(np.isin(d, (-1, 0, 1)).all())
    return family_of_flips(
        d,
        present.sum(axis=0),
        unit=1.0 if steps or shares(outcomes, baseline) else None,
        rng=rng,
        resamples=resamples,
        confidence=confidence,
    )


def family_of_flips(
    d: Array,
    n: Array,
    *,
    unit: float | None,
    rng: np.random.Generator,
    resamples: int,
    confidence: float,
) -> MaxT:
    """`max_t` of differences, shape (rows, m), of which `n` per column were not missing.

    `unit` is the largest difference that is possible; None where there is none.
    """
    m = d.shape[1]
    total, squares = d.sum(axis=0), (d**2).sum(axis=0)
    observed = t_squared(total, squares)
    flips = SignFlips(d, rng=rng, resamples=resamples)
    largest, exceeded = np.empty(flips.count), np.zeros(m)
    for start, sums in flips:
        t2 = t_squared(sums, squares)
        largest[start : start + len(t2)] = t2.max(axis=1)
        exceeded += (t2 >= slightly_below(observed, flips.whole)).sum(axis=0)
    ordered = np.sort(largest)
    reached = flips.count - np.searchsorted(ordered, slightly_below(observed, flips.whole))
    p, p_unadjusted = flips.p_value(reached), flips.p_value(exceeded)
    if m == 1 and flips.whole:
        gained, lost = (d > 0).sum(), (d < 0).sum()
        exact = stats.binomtest(int(gained), int(gained + lost)).pvalue if squares[0] else 1.0
        p = p_unadjusted = np.array([exact])
    critical = np.sqrt(flips.critical(ordered, confidence, observed))
    critical = float(max(critical, special.ndtri((1 + confidence) / 2)))
    low, high = simultaneous_band(d, n, critical, unit=unit)
    parted = (p <= 1 - confidence + 1e-12) != ((low > 0) | (high < 0))
    unlimited = ~np.isfinite(low) | ~np.isfinite(high)
    conditions = [squares == 0, unlimited, parted]
    status = np.select(conditions, [NO_INFORMATION, DEGENERATE, TEST_INTERVAL_DISAGREE], OK)
    return MaxT(
        method="max-T, sign flips" + (" enumerated" if flips.exact else ""),
        n=n,
        estimate=total / n,
        low=low,
        high=high,
        confidence=confidence,
        p=floor_p(np.where(squares == 0, 1.0, p)),
        statistic=np.sqrt(observed),
        status=status,
        dropped=len(d) - n,
        dropped_what="pairs with a missing outcome",
        p_unadjusted=floor_p(np.where(squares == 0, 1.0, p_unadjusted)),
        critical=critical,
        family_size=m,
        resamples=flips.count,
        exact=flips.exact or m == 1,
    )


def step_down(
    differences: ArrayLike, *, rng: np.random.Generator, resamples: int = 9999
) -> NDArray[np.float64]:
    """P-values adjusted over m conditions by step-down max-T, in the order of the columns.

    A condition is compared with the largest statistic of those that are no more extreme than it,
    so that it is never worse off than under `max_t` and errs no more often in any family.

    Args:
        differences: array, shape (n, m). Steered − baseline of each problem and condition; NaN:
            missing, which counts as no change.
        resamples: Sign flips, as in `max_t`.

    References:
        Westfall & Young (1993), Resampling-Based Multiple Testing, algorithm 4.1.
    """
    d = np.nan_to_num(np.asarray(differences, float))
    squares = (d**2).sum(axis=0)
    observed = t_squared(d.sum(axis=0), squares)
    order = np.argsort(-observed, kind="stable")
    flips = SignFlips(d[:, order], rng=rng, resamples=resamples)
    reached = np.zeros(d.shape[1])
    for _, sums in flips:
        t2 = t_squared(sums, squares[order])
        rest = np.maximum.accumulate(t2[:, ::-1], axis=1)[:, ::-1]
        reached += (rest >= slightly_below(observed[order], flips.whole)).sum(axis=0)
    p = np.maximum.accumulate(np.asarray(flips.p_value(reached), dtype=float))
    adjusted = np.empty_like(p)
    adjusted[order] = np.where(squares[order] == 0, 1.0, p)
    return np.asarray(floor_p(np.minimum(adjusted, 1.0)))


def differences(outcomes: ArrayLike, baseline: ArrayLike) -> tuple[Array, Array]:
    """Differences to the baseline, 0 where missing, and where both outcomes are present.

    Raises:
        Refusal: Shapes that do not match (several seeds per problem: average them first), or a
            condition without any pair.
    """
    y = answers("outcomes", outcomes)
    b = answers("baseline", baseline)
    if y.ndim == 1:
        y = y[:, None]
    if y.ndim != 2 or b.shape != y.shape[:1] or not y.size:
        raise Refusal(
            f"outcomes must be (n problems, m conditions) and baseline (n,), found {y.shape} and "
            f"{b.shape}: average several seeds within each problem, or call clustered_difference"
        )
    one_scale(b, y)
    d = y - b[:, None]
    present = ~np.isnan(d)
    if not present.any(axis=0).all():
        raise Refusal(
            f"condition {int(np.argmin(present.any(axis=0)))} has no problem with both outcomes"
        )
    return np.where(present, d, 0.0), present


class SignFlips:
    """Sums of rows under random (or all) signs: iterate for (start, sums of shape (block, m)).

    Rows that are zero throughout are left out. `whole` says that all differences are whole
    numbers: sums are then exact in single precision (below 2^24), else double is used.
    """

    def __init__(self, rows: Array, *, rng: np.random.Generator, resamples: int) -> None:
        self._rng, resamples = generator(rng), draws(resamples)
        active = rows[(rows != 0).any(axis=1)]
        self.whole = bool(
            (active == np.rint(active)).all() and np.abs(active).sum(0).max(initial=0) < 2**24
        )
        self.rows = np.ascontiguousarray(active, dtype=np.float32 if self.whole else np.float64)
        self.exact = len(active) <= 30 and 2 ** len(active) <= resamples + 1
        self.count = 2 ** len(active) if self.exact else resamples

    def __iter__(self) -> Iterator[tuple[int, Array]]:
        width = len(self.rows)
        for start in range(0, self.count, BLOCK):
            size = min(BLOCK, self.count - start)
            if self.exact:
                bits: Array = (np.arange(start, start + size)[:, None] >> np.arange(width)) & 1
            else:
                raw = self._rng.bytes(size * ((width + 7) // 8))
                packed = np.frombuffer(raw, np.uint8).reshape(size, -1)
                bits = np.unpackbits(packed, axis=1, count=width)
            signs = bits.astype(self.rows.dtype)
            signs *= 2
            signs -= 1
            yield start, signs @ self.rows

    def p_value(self, reached: Any) -> Any:
        """P-value of a count of flips at least as extreme as the data."""
        # All flips include the observed signs; random ones get them added.
        return reached / self.count if self.exact else (reached + 1) / (self.count + 1)

    def critical(self, ordered: Array, confidence: float, observed: Array) -> float:
        """A T² between the largest that leaves p above 1 − confidence and the next that does not.

        Both are values of `ordered` (the flips) or `observed`. Where none rejects, the next is what
        one more changed problem would add: 1.
        """
        allowed = int(np.floor((1 - confidence) * (self.count + (not self.exact)) + 1e-9))
        allowed -= not self.exact
        largest = float(ordered[max(0, self.count - 1 - max(allowed, 0))])
        values = np.concatenate([ordered, observed])
        beyond = values[slightly_below(values, self.whole) > largest]
        return (largest + float(beyond.min(initial=largest + 1))) / 2


def t_squared(total: Array, squares: Array) -> Array:
    """Σd² scaled statistic (Σd)²/Σd² in double precision; 0 where nothing changes."""
    # A copy even of doubles, then in place: large blocks are read and written as seldom as can be.
    t2 = np.array(total, dtype=np.float64)
    t2 *= t2
    t2 /= np.where(squares == 0, 1.0, squares)
    return t2


def slightly_below(values: Array, whole: bool) -> Array:
    """Threshold at which equal values count as reached although a sum of fractions rounds."""
    return values if whole else values * (1 - 1e-9)


def simultaneous_band(
    d: Array, n: Array, critical: float, *, unit: float | None
) -> tuple[Array, Array]:
    """Limits of each column's mean at |T| = `critical`.

    With `unit`, the largest difference possible, they are Tango's score limits (`score_limits`,
    where differences are not −1, 0, 1 units); without one the inversion of |Σ(d − δ)|/√Σ(d − δ)²,
    which has no limits (±inf) where nothing changes.
    """
    if unit is not None:
        d = d / unit
        low, high = score_limits(
            d.sum(axis=0), np.abs(d).sum(axis=0), (d**2).sum(axis=0), n, critical
        )
        return unit * low, unit * high
    mean, squares = d.sum(axis=0) / n, (d**2).sum(axis=0)
    variance = np.maximum(squares / n - mean**2, 0.0)
    room = (n - critical**2) * (squares > 0)
    half = np.where(room > 0, critical * np.sqrt(variance / np.where(room > 0, room, 1)), np.inf)
    return mean - half, mean + half
