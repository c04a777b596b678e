"""The confidence curve: limits at all levels at once, which is the p-value of every effect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from analysis.statistics.checks import Floats, numbers, one_table
from analysis.statistics.intervals import tango_limits_at
from analysis.statistics.results import NO_INFORMATION, OK, Estimate, Refusal


@dataclass(frozen=True, kw_only=True)
class ConfidenceCurve(Estimate[Any]):
    """`low` and `high` at each of `levels`, arrays of one length; both widen with the level.

    `p` is 1 − `levels`: the two-sided score p of an effect of `low`, and of one of `high`.
    """

    estimate: float
    low: Floats = field()
    high: Floats = field()
    p: Floats = field()
    levels: Floats
    """Confidence of each pair of limits, fractions in rising order."""


def confidence_curve(
    gained: int, lost: int, n: int, *, levels: ArrayLike | None = None
) -> ConfidenceCurve:
    """Tango's limits of (gained − lost)/n at all levels, instead of at one that was agreed on.

    Args:
        gained, lost, n: counts of one table.
        levels: increasing, each between 0 and 1; default .01, .02, … .99, .995 and .999.

    Raises:
        Refusal: counts that are not counts, levels outside (0, 1) or out of order.

    References:
        Birnbaum (1961), JASA 56, 246–249; Tango (1998), Statistics in Medicine 17, 891–908.
    """
    gained, lost, n = one_table(gained, lost, n)
    default = [*np.arange(1, 100) / 100, 0.995, 0.999]
    asked = np.array(default) if levels is None else numbers("levels", levels)
    inside = asked.ndim == 1 and asked.size and ((asked > 1e-9) & (asked < 1 - 1e-9)).all()
    if not inside or (np.diff(asked) <= 0).any():
        raise Refusal("levels must be a list that increases between 0 and 1, e.g. [0.5, 0.95]")
    g, lo, total = (np.array([one]) for one in (gained, lost, n))
    limits = [tango_limits_at(g, lo, total, float(z)) for z in special.ndtri((1 + asked) / 2)]
    return ConfidenceCurve(
        method="tango, all levels",
        estimate=(gained - lost) / n,
        n=n,
        low=np.array([float(low[0]) for low, _ in limits]),
        high=np.array([float(high[0]) for _, high in limits]),
        p=1 - asked,
        statistic=gained - lost,
        status=NO_INFORMATION if gained + lost == 0 else OK,
        levels=asked,
    )
