"""Every table that a set of undecided pairs could turn into, by its extremes.

Missing outcomes and numerically fragile pairs ask the same question: what do the test and the
interval say over all tables (gained, lost) that the data allow?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.checks import Counts
from analysis.statistics.intervals import tango_limits
from analysis.statistics.paired import mid_p
from analysis.statistics.results import floor_p


@dataclass(frozen=True)
class Region:
    """Tables with `gained` = sure gained + a + x and `lost` = sure lost + b + y.

    a <= `maybe_gained`, b <= `maybe_lost`, and x + y <= `either` (pairs that may become a gain, a
    loss or no change). Counts, or arrays of one shape: one region an element.
    """

    gained: Any
    lost: Any
    maybe_gained: Any
    maybe_lost: Any
    either: Any
    n: Any

    def ends(self) -> tuple[tuple[Counts, Counts], tuple[Counts, Counts]]:
        """The tables (gained, lost) with the smallest and with the largest net change.

        Every table of the region has at least as many gained and at most as many lost as the
        first, and the other way round for the second.
        """
        gained, lost, maybe_gained, maybe_lost, either = np.atleast_1d(
            *(
                np.asarray(v, dtype=np.int64)
                for v in (self.gained, self.lost, self.maybe_gained, self.maybe_lost, self.either)
            )
        )
        least = (gained, lost + maybe_lost + either)
        return least, (gained + maybe_gained + either, lost)


@dataclass(frozen=True)
class Extremes:
    """Ranges over each region (arrays): effect, interval limits, p, and what is decided.

    `first_decision` and `last_decision` are those at the smallest and the largest net change: -1
    (rejects, net loss), 0 (does not reject) or 1 (rejects, net gain). Where they agree, every
    table of the region decides so.
    """

    low_effect: NDArray[np.float64]
    high_effect: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_low: NDArray[np.float64]
    p_high: NDArray[np.float64]
    first_decision: Counts
    last_decision: Counts

    @property
    def agrees(self) -> NDArray[np.bool_]:
        """Whether every table of the region decides alike, with the same sign."""
        return self.first_decision == self.last_decision


def decision(gained: Counts, lost: Counts, significance: float) -> Counts:
    """-1, 0 or 1 per table: McNemar's mid-p at `significance`, with the sign of the net change."""
    return np.where(mid_p(gained, lost) <= significance, np.sign(gained - lost), 0)


def extremes(region: Region, confidence: float) -> Extremes:
    """What Tango's limits and McNemar's mid-p can be over each region.

    One more gained moves both limits up, one more lost moves both down, and p rises towards
    gained = lost: so all extremes are at the two ends, but for the largest p where the region
    meets the diagonal, which it does where its ends are on two sides of it.
    """
    (g0, l0), (g1, l1) = region.ends()
    n = np.broadcast_to(np.asarray(region.n, dtype=np.int64), g0.shape)
    p0, p1 = mid_p(g0, l0), mid_p(g1, l1)
    crosses = (g0 <= l0) & (g1 >= l1)
    return Extremes(
        low_effect=(g0 - l0) / n,
        high_effect=(g1 - l1) / n,
        low=tango_limits(g0, l0, n, confidence)[0],
        high=tango_limits(g1, l1, n, confidence)[1],
        p_low=floor_p(np.minimum(p0, p1)),
        p_high=floor_p(np.where(crosses, 1.0, np.maximum(p0, p1))),
        first_decision=decision(g0, l0, 1 - confidence),
        last_decision=decision(g1, l1, 1 - confidence),
    )
