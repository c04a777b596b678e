"""How much changed: the rate that a net change of accuracy hides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics.checks import count, level, pairs
from analysis.statistics.paired import clopper_pearson
from analysis.statistics.results import NO_INFORMATION, OK, Interval, N, Refusal, single


@dataclass(frozen=True, kw_only=True)
class Discordance(Interval[N]):
    """How much changed: `estimate` = (gained + lost)/n with its Clopper-Pearson interval.

    `odds` = gained : lost with limits (from the exact interval of the share; may be infinite),
    `share` = gained/(gained + lost). `floor` is the churn of re-runs (or the fragile pairs) as a
    fraction of problems, with `floor_low` and `floor_high`; None where it was not given.
    """

    odds: N
    """Gained : lost; infinite where nothing was lost."""

    odds_low: N
    """Lower limit of the odds."""

    odds_high: N
    """Upper limit of the odds; may be infinite."""

    share: N
    """gained/(gained + lost); NaN where nothing changed."""

    floor: float | None = None
    """Churn without steering, a fraction of problems; None where it was not given."""

    floor_low: float | None = None
    """Lower limit of the floor."""

    floor_high: float | None = None
    """Upper limit of the floor."""

    above_floor: bool | NDArray[np.bool_] | None = None
    """Whether the lower limit lies above `floor_high`; None without a floor."""


@overload
def discordance(
    gained: float,
    lost: float,
    n: float,
    *,
    floor_changed: int | None = ...,
    floor_n: int | None = ...,
    confidence: float = ...,
) -> Discordance[float]: ...
@overload
def discordance(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike,
    *,
    floor_changed: int | None = ...,
    floor_n: int | None = ...,
    confidence: float = ...,
) -> Discordance[NDArray[Any]]: ...
def discordance(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike,
    *,
    floor_changed: int | None = None,
    floor_n: int | None = None,
    confidence: float = 0.95,
) -> Discordance[Any]:
    """The rate of change that accuracy hides (+4/-2 is 6 changes) and the odds gained : lost.

    Args:
        gained, lost, n: counts, or arrays of counts.
        floor_changed, floor_n: pairs that changed among re-runs of one condition (or are marked
            fragile), and pairs re-run: churn without any steering.
        confidence: of every interval.

    Raises:
        Refusal: counts that are not counts, or half a floor.

    References:
        Clopper and Pearson, Biometrika 26 (1934) 404.
    """
    counts = pairs(gained, lost, n)
    confidence = level("confidence", confidence)
    if (floor_changed is None) != (floor_n is None):
        raise Refusal("a floor needs floor_changed and floor_n: pass both or neither")
    low, high = clopper_pearson(counts.changed, counts.n, confidence)
    share_low, share_high = clopper_pearson(counts.gained, counts.changed, confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = counts.gained / counts.lost
        limits = share_low / (1 - share_low), share_high / (1 - share_high)
        share = counts.gained / counts.changed
    result = Discordance(
        method="discordance, clopper-pearson",
        estimate=counts.changed / counts.n,
        low=low,
        high=high,
        confidence=confidence,
        n=counts.n,
        status=np.where(counts.changed == 0, NO_INFORMATION, OK),
        odds=odds,
        odds_low=limits[0],
        odds_high=limits[1],
        share=share,
    )
    if floor_changed is not None and floor_n is not None:
        floor = pairs(count("floor_changed", floor_changed), 0, count("floor_n", floor_n))
        ends = clopper_pearson(floor.gained, floor.n, confidence)
        result = replace(
            result,
            floor=float(floor.gained[0] / floor.n[0]),
            floor_low=float(ends[0][0]),
            floor_high=float(ends[1][0]),
            above_floor=low > ends[1],
        )
    return single(result) if counts.scalar else result
