"""Equivalence and non-inferiority of paired outcomes within a margin declared beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.statistics.checks import Pairs, fraction, level, pairs
from analysis.statistics.intervals import score_gap, tango_limits
from analysis.statistics.results import (
    NO_INFORMATION,
    OK,
    Interval,
    N,
    Refusal,
    floor_p,
    single,
    written,
)


@dataclass(frozen=True, kw_only=True)
class MarginTest(Interval[N]):
    """A test against a margin; `low` and `high` are Tango limits of 1 - 2 significance."""

    p: N = field()
    margin: float
    """The largest change that does not matter, a fraction of problems."""

    significance: float = field(metadata=written("alpha"))
    """Level of each one-sided test."""

    shown: N
    """Whether the interval lies inside the margin, which is so exactly when p < significance."""


def score_tail(counts: Pairs, delta: float, *, upper: bool) -> NDArray[np.float64]:
    """One-sided p of Tango's score test at `delta`: against larger effects if `upper`."""
    gap, deviation = score_gap(
        counts.gained.astype(float), counts.lost.astype(float), counts.n.astype(float), delta
    )
    # Without spread the sign of the gap decides (it is 0/0 only at delta = +-1).
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(gap == 0, 0.0, gap / deviation)
    return special.ndtr(-z if upper else z)


def _margin_test(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike,
    margin: float | None,
    significance: float,
    *,
    both_sides: bool,
) -> MarginTest[Any]:
    """Whether the effect lies above -margin and, of both sides, below margin as well."""
    if margin is None:
        raise Refusal(
            "margin is missing: declare before looking which difference does not matter, e.g. "
            "margin=0.05 for 5 points; without one use paired_difference"
        )
    margin = fraction("margin", margin)
    significance = fraction("significance", level("significance", significance), high=0.5)
    counts = pairs(gained, lost, n)
    low, high = tango_limits(counts.gained, counts.lost, counts.n, 1 - 2 * significance)
    p, shown = score_tail(counts, -margin, upper=True), low > -margin
    if both_sides:
        p, shown = np.maximum(p, score_tail(counts, margin, upper=False)), shown & (high < margin)
    result = MarginTest(
        method="equivalence, tango score TOST" if both_sides else "non-inferiority, tango score",
        estimate=(counts.gained - counts.lost) / counts.n,
        low=low,
        high=high,
        confidence=1 - 2 * significance,
        n=counts.n,
        p=floor_p(p),
        status=np.where(counts.changed == 0, NO_INFORMATION, OK),
        margin=margin,
        significance=significance,
        shown=shown,
    )
    return single(result) if counts.scalar else result


@overload
def equivalence(
    gained: float, lost: float, n: float, *, margin: float | None = ..., significance: float = ...
) -> MarginTest[float]: ...
@overload
def equivalence(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike,
    *,
    margin: float | None = ...,
    significance: float = ...,
) -> MarginTest[NDArray[Any]]: ...
def equivalence(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike,
    *,
    margin: float | None = None,
    significance: float = 0.05,
) -> MarginTest[Any]:
    """Show that steering changes accuracy by less than `margin` in either direction (TOST).

    Args:
        gained, lost, n: counts, or arrays of counts.
        margin: a fraction (5 points = 0.05), declared before the data are seen.
        significance: of each one-sided test; the interval shown has level 1 - 2 significance.

    Returns:
        `MarginTest`; p is the larger of the two one-sided score p-values, and p < significance
        exactly when Tango's interval lies inside (-margin, margin). Nothing changed is status
        ``no_information`` but may still show equivalence: from n = 52 at 5 points.

    Raises:
        Refusal: no margin, a margin outside (0, 1), counts that are not counts.

    References:
        Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657; Tango,
        Statistics in Medicine 17 (1998) 891.
    """
    return _margin_test(gained, lost, n, margin, significance, both_sides=True)


@overload
def non_inferiority(
    gained: float, lost: float, n: float, *, margin: float | None = ..., significance: float = ...
) -> MarginTest[float]: ...
@overload
def non_inferiority(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike,
    *,
    margin: float | None = ...,
    significance: float = ...,
) -> MarginTest[NDArray[Any]]: ...
def non_inferiority(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike,
    *,
    margin: float | None = None,
    significance: float = 0.05,
) -> MarginTest[Any]:
    """Show that steering does no harm: accuracy falls by less than `margin`.

    One side of `equivalence`, with the same arguments, refusals and references; `shown` says
    whether the lower limit of the 1 - 2 significance interval lies above -margin.
    """
    return _margin_test(gained, lost, n, margin, significance, both_sides=False)
