"""Tests of paired binary outcomes from totals: the sign test and McNemar's tests.

A pair is one problem answered twice, without and with steering. Only problems whose outcome
changed carry information about the net change: `gained` (wrong, then right) and `lost`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from analysis.statistics.checks import (
    Counts,
    Pairs,
    answers,
    labels,
    level,
    pairs,
)
from analysis.statistics.results import (
    NO_INFORMATION,
    OK,
    Estimate,
    N,
    Numbers,
    Refusal,
    floor_p,
    single,
)
from analysis.vocabulary import TestMethod, TieConvention, checked

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PairTest(Estimate[N]):
    """A test on discordant pairs.

    `estimate` is the share of discordant pairs that gained (one half under the null; NaN with
    status ``no_information`` where nothing changed), `low` and `high` its Clopper-Pearson limits
    (sign test only), `n` the number of discordant pairs, `net` = gained - lost.
    """

    p: N = field()
    gained: N
    """Pairs wrong at baseline and right when steered."""

    lost: N
    """Pairs right at baseline and wrong when steered."""

    net: N
    """gained − lost, in pairs."""


def binomial_cdf(k: Counts, n: Counts) -> Floats:
    """P(X <= k) for X ~ Binomial(n, 1/2) and 0 <= k <= n, elementwise."""
    return np.where(k >= n, 1.0, special.betainc(np.maximum(n - k, 1), k + 1, 0.5))


def exact_p(gained: Counts, lost: Counts) -> Floats:
    """Two-sided exact binomial p of the discordant pairs: twice the smaller tail, at most 1."""
    return np.minimum(1.0, 2 * binomial_cdf(np.minimum(gained, lost), gained + lost))


def mid_p(gained: Counts, lost: Counts, at_tie: TieConvention = "one") -> Floats:
    """Two-sided mid-p of the discordant pairs: 2 cdf(m) - pmf(m) with m the smaller count.

    At gained = lost the formula gives exactly 1, which is kept (``at_tie="one"``); Fagerland,
    Lydersen and Laake define 1 - pmf/2 there (``"fagerland"``).
    """
    changed, smaller = gained + lost, np.minimum(gained, lost)
    pmf = stats.binom.pmf(smaller, changed, 0.5)
    p = np.where(gained == lost, 1.0, 2 * binomial_cdf(smaller, changed) - pmf)
    if at_tie == "fagerland":
        p = np.where((gained == lost) & (changed > 0), 1 - pmf / 2, p)
    return np.minimum(p, 1.0)


def log_e_value(gained: Counts, lost: Counts) -> Floats:
    """Log of 2^(g+l) B(g+1, l+1): the mean over all odds of the likelihood ratio to even ones."""
    return (gained + lost) * np.log(2) + special.betaln(gained + 1, lost + 1)


def anytime_p(gained: Counts, lost: Counts) -> Floats:
    """min(1, 1/e): what is left of the level after any number of looks."""
    return np.exp(np.minimum(-log_e_value(gained, lost), 0.0))


def chi2_p(gained: Counts, lost: Counts) -> tuple[Floats, Floats]:
    """McNemar's chi-square without correction and its p; (0, 1) where nothing changed."""
    changed = np.maximum(gained + lost, 1)
    statistic = (gained - lost) ** 2 / changed
    return statistic, special.erfc(np.sqrt(statistic / 2))


def clopper_pearson(k: Counts, n: Counts, confidence: float) -> tuple[Floats, Floats]:
    """Exact binomial limits of k/n; (0, 1) where n = 0."""
    tail = (1 - confidence) / 2
    low = special.betaincinv(np.maximum(k, 1), n - k + 1, tail)
    high = special.betaincinv(k + 1, np.maximum(n - k, 1), 1 - tail)
    return np.where(k == 0, 0.0, low), np.where(k == n, 1.0, high)


def _pair_test(
    counts: Pairs, method: str, p: Floats, statistic: Numbers, confidence: float | None = None
) -> PairTest[Any]:
    nothing = counts.changed == 0
    limits: tuple[Floats, Floats] | tuple[None, None] = (None, None)
    if confidence is not None:
        limits = clopper_pearson(counts.gained, counts.changed, confidence)
    result = PairTest(
        method=method,
        estimate=np.where(nothing, np.nan, counts.gained / np.maximum(counts.changed, 1)),
        n=counts.changed,
        low=limits[0],
        high=limits[1],
        confidence=confidence,
        p=floor_p(p),
        statistic=statistic,
        status=np.where(nothing, NO_INFORMATION, OK),
        dropped=counts.n - counts.changed,
        dropped_what="unchanged pairs",
        gained=counts.gained,
        lost=counts.lost,
        net=counts.gained - counts.lost,
    )
    return single(result) if counts.scalar else result


@overload
def mcnemar(
    gained: float,
    lost: float,
    *,
    method: TestMethod = ...,
    n: float | None = ...,
    at_tie: TieConvention = ...,
) -> PairTest[float]: ...
@overload
def mcnemar(
    gained: ArrayLike,
    lost: ArrayLike,
    *,
    method: TestMethod = ...,
    n: ArrayLike | None = ...,
    at_tie: TieConvention = ...,
) -> PairTest[NDArray[Any]]: ...
def mcnemar(
    gained: ArrayLike,
    lost: ArrayLike,
    *,
    method: TestMethod = "midp",
    n: ArrayLike | None = None,
    at_tie: TieConvention = "one",
) -> PairTest[Any]:
    """Test whether as many problems were gained as lost.

    Args:
        gained, lost: counts, or arrays of counts (one element per condition).
        method: ``"midp"`` (primary), ``"exact"`` (conservative: true size .0005-.045 at .05),
            ``"chi2"`` (no correction; a cross-check).
        n: problems, only to report how many pairs did not change and are left out.
        at_tie: mid-p at gained = lost: ``"one"`` (2 cdf - pmf) or ``"fagerland"`` (1 - pmf/2). No
            decision depends on it.

    Returns:
        `PairTest`; with nothing discordant p = 1 and status ``no_information``.

    Raises:
        Refusal: counts that are not counts.

    Notes:
        Problems are independent of each other; the two outcomes of a problem are not.

    References:
        McNemar, Psychometrika 12 (1947) 153; Fagerland, Lydersen and Laake, BMC Medical
        Research Methodology 13 (2013) 91.
    """
    checked(method, TestMethod, "method")
    checked(at_tie, TieConvention, "convention at ties")
    counts = pairs(gained, lost, n)
    statistic: Numbers = counts.gained - counts.lost
    if method == "midp":
        p = mid_p(counts.gained, counts.lost, at_tie)
    elif method == "exact":
        p = exact_p(counts.gained, counts.lost)
    else:
        statistic, p = chi2_p(counts.gained, counts.lost)
    name = f"mcnemar {method}" + (", 1 - pmf/2 at ties" if at_tie == "fagerland" else "")
    return _pair_test(counts, name, p, statistic)


@overload
def sign_test(
    gained: float, lost: float, *, n: float | None = ..., confidence: float = ...
) -> PairTest[float]: ...
@overload
def sign_test(
    gained: ArrayLike, lost: ArrayLike, *, n: ArrayLike | None = ..., confidence: float = ...
) -> PairTest[NDArray[Any]]: ...
def sign_test(
    gained: ArrayLike,
    lost: ArrayLike,
    *,
    n: ArrayLike | None = None,
    confidence: float = 0.95,
) -> PairTest[Any]:
    """Exact two-sided sign test; the same p as exact McNemar, ties dropped and reported.

    Args:
        gained, lost: counts, or arrays of counts.
        n: problems; `dropped` is then the number of ties.
        confidence: of the Clopper-Pearson interval of the share gained.

    Raises:
        Refusal: counts that are not counts.

    References:
        Conover, Practical Nonparametric Statistics (1999), section 3.4.
    """
    counts = pairs(gained, lost, n)
    confidence = level("confidence", confidence)
    p = exact_p(counts.gained, counts.lost)
    net = counts.gained - counts.lost
    return _pair_test(counts, "sign test", p, net, confidence)


def paired_counts(
    baseline: Sequence[Any] | NDArray[Any],
    steered: Sequence[Any] | NDArray[Any],
    *,
    problem: Sequence[Any] | NDArray[Any] | None = None,
) -> tuple[int, int, int]:
    """`(gained, lost, n)` of two aligned sequences of 0/1 outcomes.

    Args:
        baseline, steered: outcomes of the same problems in the same order, shape [n].
        problem: identifiers, so that a problem that appears twice is noticed.

    Raises:
        Refusal: different lengths, outcomes other than 0 and 1 (missing ones belong in
            `missing_bounds`), or several outcomes per problem.
    """
    before = answers("baseline", baseline)
    after = answers("steered", steered)
    if before.shape != after.shape or before.ndim != 1:
        raise Refusal(
            f"outcomes have shapes {before.shape} and {after.shape}: pass one outcome per problem, "
            "aligned (for several seeds per problem call clustered_difference)"
        )
    distinct = before.size if problem is None else labels("problem", problem)[1]
    if distinct != before.size:
        raise Refusal(
            f"{before.size} pairs of {distinct} problems: several outcomes per problem "
            "are not independent pairs; call clustered_difference"
        )
    for values in (before, after):
        if not np.isin(values, (0, 1)).all():
            raise Refusal("outcomes must be 0 or 1: for missing outcomes call missing_bounds")
    first, second = before.astype(bool), after.astype(bool)
    return int((~first & second).sum()), int((first & ~second).sum()), int(before.size)
