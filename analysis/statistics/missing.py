"""Missing outcomes: counted as wrong, complete cases and worst-case bounds side by side.

Steering changes how often an answer cannot be read, so missing outcomes are not missing at random;
`missingness_trend` says whether it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.statistics.checks import LARGEST_LISTED, Counts, answers, count, level, numbers, whole
from analysis.statistics.flips import Region, extremes
from analysis.statistics.intervals import PairedDifference, paired_difference
from analysis.statistics.results import NO_INFORMATION, OK, Estimate, Refusal, floor_p

_RIGHT, _WRONG, _MISSING = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class MissingBounds(Estimate):
    """Three answers to one question, over all n problems unless said.

    `estimate`, `low`, `high`, `p` are those of missing counted as wrong. `complete` is the
    complete-case result (its n is smaller; None where no pair is complete).
    `low_effect` and `high_effect` bound the effect over every imputation of the missing
    outcomes, `low_bound` and `high_bound` the limits, `p_low` and `p_high` the p-value.
    `decision_unchanged`: whether every imputation rejects alike, with the same sign, or none does.
    """

    estimate: float
    low: float = field()
    high: float = field()
    p: float = field()
    complete: PairedDifference | None
    """The complete-case result; None where no pair is complete."""

    low_effect: float
    """Smallest effect over every imputation, a fraction."""

    high_effect: float
    """Largest effect over every imputation, a fraction."""

    low_bound: float
    """Smallest lower limit over every imputation, a fraction."""

    high_bound: float
    """Largest upper limit over every imputation, a fraction."""

    p_low: float
    """Smallest p over every imputation."""

    p_high: float
    """Largest p over every imputation."""

    decision_unchanged: bool
    """Whether every imputation rejects with the same sign, or none does."""


def missing_table(
    baseline: Sequence[Any] | NDArray[Any], steered: Sequence[Any] | NDArray[Any]
) -> Counts:
    """Counts [3, 3] of baseline x steered over (right, wrong, missing).

    Args:
        baseline, steered: outcomes of the same problems in the same order; 1/True, 0/False, and
            None or NaN where no answer could be read.

    Raises:
        Refusal: different lengths, or other values.
    """
    before, after = _cells("baseline", baseline), _cells("steered", steered)
    if before.shape != after.shape:
        raise Refusal(f"{len(before)} and {len(after)} outcomes: pass aligned pairs")
    return np.bincount(3 * before + after, minlength=9).reshape(3, 3).astype(np.int64)


def _cells(name: str, outcomes: Sequence[Any] | NDArray[Any]) -> Counts:
    """Which row or column of the table each outcome belongs to."""
    values = answers(name, outcomes)
    other = values[~np.isnan(values) & ~np.isin(values, (0, 1))]
    if values.ndim != 1 or other.size:
        raise Refusal(
            f"outcome {other[0]:g} is neither 0, 1 nor missing (None or NaN)"
            if other.size
            else f"{name} must be a list of outcomes, found shape {values.shape}"
        )
    return np.select([np.isnan(values), values == 1], [_MISSING, _RIGHT], _WRONG)


def missing_bounds(table: ArrayLike, *, confidence: float = 0.95) -> MissingBounds:
    """Paired difference with missing outcomes, three ways, so that the reader sees the range.

    Args:
        table: counts [3, 3] of baseline x steered over (right, wrong, missing); `missing_table`
            makes it from outcomes.
        confidence: of all intervals.

    Returns:
        `MissingBounds`. The bounds contain missing-as-wrong and every imputation; the
        complete-case figure has another denominator and may lie outside.

    Raises:
        Refusal: a table of another shape, or without pairs.

    References:
        Horowitz and Manski, Journal of the American Statistical Association 95 (2000) 77.
    """
    cells = whole("table", table)
    confidence = level("confidence", confidence)
    if cells.shape != (3, 3) or cells.sum() == 0:
        raise Refusal(
            f"table has shape {cells.shape} and {cells.sum()} pairs: pass [3, 3] counts of "
            "baseline x steered over (right, wrong, missing), see missing_table"
        )
    n = int(cells.sum())
    undecided = n - int(cells[:_MISSING, :_MISSING].sum())
    count("missing outcomes", undecided, most=LARGEST_LISTED)
    gained, lost = int(cells[_WRONG, _RIGHT]), int(cells[_RIGHT, _WRONG])
    known = int(cells[:_MISSING, :_MISSING].sum())
    complete = paired_difference(gained, lost, known, confidence=confidence) if known else None
    as_wrong = paired_difference(
        gained + cells[_MISSING, _RIGHT], lost + cells[_RIGHT, _MISSING], n, confidence=confidence
    )
    region = Region(
        gained=gained,
        lost=lost,
        maybe_gained=int(cells[_WRONG, _MISSING] + cells[_MISSING, _RIGHT]),
        maybe_lost=int(cells[_RIGHT, _MISSING] + cells[_MISSING, _WRONG]),
        either=int(cells[_MISSING, _MISSING]),
        n=n,
    )
    worst = extremes(region, confidence)
    return MissingBounds(
        method="missing as wrong, tango, mcnemar midp",
        estimate=float(as_wrong.estimate),
        n=n,
        low=float(as_wrong.low),
        high=float(as_wrong.high),
        confidence=confidence,
        p=float(as_wrong.p),
        statistic=as_wrong.statistic,
        status=as_wrong.status if known else NO_INFORMATION,
        dropped=n - known,
        dropped_what="pairs with a missing outcome (complete cases only)",
        complete=complete,
        low_effect=worst.low_effect.item(),
        high_effect=worst.high_effect.item(),
        low_bound=worst.low.item(),
        high_bound=worst.high.item(),
        p_low=worst.p_low.item(),
        p_high=worst.p_high.item(),
        decision_unchanged=worst.agrees.item(),
    )


@dataclass(frozen=True, kw_only=True)
class MissingnessTrend(Estimate):
    """How the share of unreadable answers moves with the size of the dose.

    `estimate` is the mean over problems of the least-squares slope on |alpha| (share per unit),
    `statistic` Mantel's normal deviate, `informative` the problems whose answers are read at some
    doses and not at others: the test hangs on these alone.
    """

    estimate: float
    p: float = field()
    informative: int
    """Problems whose answers are read at some doses and not at others."""


def missingness_trend(unreadable: ArrayLike, alphas: ArrayLike) -> MissingnessTrend:
    """Test whether answers become unreadable as |alpha| grows.

    Args:
        unreadable: array, shape (n, m). 1 where an answer could not be read, 0 where it could, a
            share of seeds, or NaN (no outcome); problems with a NaN are left out.
        alphas: m numbers. Dose of each column, the baseline's 0 among them; signs do not matter.

    Notes:
        Mantel's extension test with the problem as stratum: under the null, that reading an answer
        does not depend on the dose, the doses of a problem are exchangeable, and the sum of its
        slopes has a known mean (0) and variance. Normal approximation: with fewer than about ten
        informative problems it is rough.

    Raises:
        Refusal: shapes that do not fit, no shares, or doses that are all of one size.

    References:
        Mantel, Journal of the American Statistical Association 58 (1963) 690.
    """
    values = answers("unreadable", unreadable)
    sizes = np.abs(numbers("alphas", alphas))
    if values.ndim != 2 or sizes.shape != values.shape[1:] or not sizes.size:
        raise Refusal(
            f"unreadable has shape {values.shape} and alphas {sizes.shape}: pass [problems, doses] "
            "and one dose for each column"
        )
    if ((values < 0) | (values > 1)).any():
        raise Refusal("unreadable must hold shares from 0 to 1: 1 where no answer could be read")
    if not np.ptp(sizes):
        raise Refusal("all doses have one size: a trend over |alpha| needs two, say the baseline's")
    kept = values[~np.isnan(values).any(axis=1)]
    centred = sizes - sizes.mean()
    slopes = kept @ centred / (centred @ centred)
    varies = np.ptp(kept, axis=1) > 0
    spread = ((kept - kept.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) * varies
    variance = float((spread / (len(sizes) - 1) / (centred @ centred)).sum())
    deviate = float(slopes.sum() / np.sqrt(variance)) if variance > 0 else 0.0
    return MissingnessTrend(
        method="Mantel's extension, problems as strata",
        estimate=float(slopes.mean()) if len(kept) else float("nan"),
        n=len(kept),
        p=float(floor_p(special.erfc(abs(deviate) / np.sqrt(2)))),
        statistic=deviate,
        status=OK if variance > 0 else NO_INFORMATION,
        dropped=len(values) - len(kept),
        dropped_what="problems without an outcome at every dose",
        informative=int(varies.sum()),
    )
