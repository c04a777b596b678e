"""Many tests at once: adjusted p-values for a family of declared size, and Cochran's Q.

The family is fixed before any p is seen, and its size is part of the result.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.statistics.checks import answers, count, numbers
from analysis.statistics.results import (
    NO_INFORMATION,
    OK,
    Estimate,
    Refusal,
    Result,
    floor_p,
    written,
)
from analysis.vocabulary import Adjustment, checked

# Benjamini–Yekutieli's penalty is summed test by test.
LARGEST_FAMILY = 10**7


@dataclass(frozen=True, kw_only=True)
class AdjustedP(Result):
    """P-values adjusted for a declared family of `n` tests, in the order in which they came."""

    p: NDArray[np.float64]
    """The adjusted p-values."""

    unadjusted: NDArray[np.float64] = field(metadata=written("estimate", "unadjusted"))
    """What came in."""

    family_size: int
    """Tests of the declared family, made or not."""

    controls: str
    """The rate of errors that the method controls."""


def adjust(
    p: ArrayLike, *, method: Adjustment = "holm", family_size: int | None = None
) -> AdjustedP:
    """Adjust p-values for a family of `family_size` tests.

    Args:
        p: array, shape (m,). p-values of the tests that were made, none missing.
        method: Holm (family-wise error, any dependence), Benjamini–Hochberg (false discovery rate,
            independent or positively dependent tests), Benjamini–Yekutieli (the same, any
            dependence).
        family_size: How many tests the family was declared to have. Tests beyond `len(p)` count as
            p = 1: leaving one out because it looked bad does not make the others better.

    Raises:
        Refusal: No family size, a smaller one than there are p-values, or a NaN: one NaN poisons
            every BH and BY value and still counts in Holm's family.

    References:
        Holm (1979), Scandinavian Journal of Statistics 6, 65–70. Benjamini & Hochberg (1995), JRSS
        B 57, 289–300. Benjamini & Yekutieli (2001), Annals of Statistics 29, 1165–1188.
    """
    values, m = _checked(p, method, family_size)
    order = np.argsort(values, kind="stable")
    ranks = np.arange(1, len(values) + 1)
    ascending = values[order]
    if method == "holm":
        adjusted = np.maximum.accumulate(ascending * (m - ranks + 1))
        kind = "family-wise error rate"
    else:
        penalty = float(np.sum(1 / np.arange(1, m + 1))) if method == "by" else 1.0
        steps = ascending * m * penalty / ranks
        # Tests that were not made stand last with p = 1, where a step is at least 1: no minimum.
        adjusted = np.minimum.accumulate(steps[::-1])[::-1]
        kind = "false discovery rate"
    result = np.empty_like(values)
    result[order] = np.minimum(adjusted, 1.0)
    return AdjustedP(
        method=method,
        n=m,
        p=floor_p(result),
        unadjusted=values,
        family_size=m,
        controls=kind,
    )


def _checked(
    p: ArrayLike, method: Adjustment, family_size: int | None
) -> tuple[NDArray[np.float64], int]:
    values = np.atleast_1d(numbers("p", p, missing=True, smallest=0.0))
    checked(method, Adjustment, "adjustment")
    if values.ndim != 1 or not len(values):
        raise Refusal(f"p must be a list of p-values, found shape {values.shape}")
    if np.isnan(values).any():
        raise Refusal(
            f"{int(np.isnan(values).sum())} of {len(values)} p-values are missing: a test without "
            "information has p = 1, a test that was not made is left out and counted in family_size"
        )
    if values.min() < 0 or values.max() > 1:
        raise Refusal("p-values lie between 0 and 1")
    if family_size is None:
        raise Refusal(
            f"the size of the family is not given: pass family_size (at least {len(values)}), the "
            "number of tests that were declared before any was seen"
        )
    size = count("family_size", family_size, most=LARGEST_FAMILY)
    if size < len(values):
        raise Refusal(f"family_size = {size} is smaller than the {len(values)} p-values given")
    return values, size


@dataclass(frozen=True, kw_only=True)
class CochransQ(Estimate):
    """Do all conditions have the same accuracy? `estimate` is the range of the accuracies."""

    estimate: float
    p: float = field()
    df: int
    """Degrees of freedom: conditions − 1."""

    accuracies: NDArray[np.float64]
    """Accuracy of each condition, fractions."""


def cochrans_q(outcomes: ArrayLike) -> CochransQ:
    """Cochran's Q over the columns of `outcomes`, e.g. all alphas with alpha 0 among them.

    Args:
        outcomes: array, shape (n, m). 0/1 outcomes of n problems under m ≥ 2 conditions; NaN where
            missing.

    Notes:
        Complete cases only, counted in `dropped`. With two conditions it is McNemar's test without
        continuity correction. Where no problem changes, p = 1 and the status says no_information.

    References:
        Cochran (1950), Biometrika 37, 256–266.
    """
    y = answers("outcomes", outcomes)
    if y.ndim != 2 or y.shape[1] < 2:
        raise Refusal(f"outcomes must be (n problems, m ≥ 2 conditions), found shape {y.shape}")
    complete = y[~np.isnan(y).any(axis=1)]
    if not np.isin(complete, (0, 1)).all():
        raise Refusal(
            "Cochran's Q takes one 0/1 outcome per problem and condition: for means over seeds "
            "call max_t or clustered_difference"
        )
    if not len(complete):
        raise Refusal("no problem has an outcome under every condition")
    m, columns, rows = y.shape[1], complete.sum(axis=0), complete.sum(axis=1)
    spread = float((rows * (m - rows)).sum())
    q = m * (m - 1) * float(((columns - columns.mean()) ** 2).sum()) / spread if spread else 0.0
    accuracies = complete.mean(axis=0)
    return CochransQ(
        method="Cochran's Q",
        n=len(complete),
        estimate=float(np.ptp(accuracies)),
        p=float(floor_p(stats.chi2.sf(q, m - 1))),
        statistic=q,
        status=OK if spread else NO_INFORMATION,
        dropped=len(y) - len(complete),
        dropped_what="problems without an outcome under every condition",
        df=m - 1,
        accuracies=accuracies,
    )
