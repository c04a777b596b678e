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


def _checked(
    gained: ArrayLike, lost: ArrayLike, n: ArrayLike, margin: float | None, significance: float
) -> tuple[Pairs, float, float]:
    if margin is None:
        raise Refusal(
            "margin is missing: declare before looking which difference does not matter, e.g. "
            "margin=0.05 for 5 points; without one use paired_difference"
        )
    margin = fraction("margin", margin)
    significance = fraction("significance", level("significance", significance), high=0.5)
    return pairs(gained, lost, n), margin, significance


def _margin_test(
    counts: Pairs,
    name: str,
    p: NDArray[np.float64],
    shown: NDArray[np.bool_],
    limits: tuple[NDArray[np.float64], NDArray[np.float64]],
    margin: float,
    significance: float,
) -> MarginTest[Any]:
    result = MarginTest(
        method=name,
        estimate=(counts.gained - counts.lost) / counts.n,
        low=limits[0],
        high=limits[1],
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
    counts, margin, significance = _checked(gained, lost, n, margin, significance)
    low, high = tango_limits(counts.gained, counts.lost, counts.n, 1 - 2 * significance)
    p = np.maximum(score_tail(counts, -margin, upper=True), score_tail(counts, margin, upper=False))
    name, shown = "equivalence, tango score TOST", (low > -margin) & (high < margin)
    return _margin_test(counts, name, p, shown, (low, high), margin, significance)


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
    counts, margin, significance = _checked(gained, lost, n, margin, significance)
    low, high = tango_limits(counts.gained, counts.lost, counts.n, 1 - 2 * significance)
    p = score_tail(counts, -margin, upper=True)
    return _margin_test(
        counts,
        "non-inferiority, tango score",
        p,
        low > -margin,
        (low, high),
        margin,
        significance,
    )
