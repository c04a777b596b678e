"""Every table that a set of undecided pairs could turn into, by its extremes.

Missing outcomes and numerically fragile pairs ask the same question: what do the test and the
interval say over all tables (gained, lost) that the data allow?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.statistics.checks import Counts
from analysis.statistics.intervals import tango_limits
from analysis.statistics.paired import mid_p
from analysis.statistics.results import floor_p


@dataclass(frozen=True)
class Region:
    """Tables with `gained` = sure gained + a + x and `lost` = sure lost + b + y.

    a <= `maybe_gained`, b <= `maybe_lost`, and x + y <= `either` (pairs that may become a gain, a
    loss or no change).
    """

    gained: int
    lost: int
    maybe_gained: int
    maybe_lost: int
    either: int
    n: int

    def most_lost(self, gained: Any) -> Any:
        """Largest `lost` that goes with each `gained`."""
        used = np.maximum(gained - self.gained - self.maybe_gained, 0)
        return self.lost + self.maybe_lost + self.either - used

    def candidates(self) -> tuple[Counts, Counts]:
        """Tables among which every extreme of limits and p is found: the edge and the diagonal.

        Limits and p have no extreme inside: more gained at fixed lost moves both limits up, and p
        falls as the larger count grows, so the largest p is on the edge or at gained = lost.
        """
        gained = np.arange(self.gained, self.gained + self.maybe_gained + self.either + 1)
        most = self.most_lost(gained)
        lost_at_ends = [
            (np.full(most[i] - self.lost + 1, gained[i]), np.arange(self.lost, most[i] + 1))
            for i in (0, -1)
        ]
        diagonal = gained[(gained >= self.lost) & (gained <= most)]
        parts = [(gained, np.full_like(gained, self.lost)), (gained, most), (diagonal, diagonal)]
        parts += lost_at_ends
        first, second = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        return first, second

    def everything(self) -> tuple[Counts, Counts]:
        """All tables of the region (for small ones: the slow, obvious way)."""
        rows = np.arange(self.gained, self.gained + self.maybe_gained + self.either + 1)
        table = [(g, lo) for g in rows for lo in range(self.lost, int(self.most_lost(g)) + 1)]
        return np.array([t[0] for t in table]), np.array([t[1] for t in table])


@dataclass(frozen=True)
class Extremes:
    """Ranges over a region: effect, interval limits, p, and which decisions occur.

    `decisions` holds -1 (rejects, net loss), 0 (does not reject) and 1 (rejects, net gain).
    """

    low_effect: float
    high_effect: float
    low: float
    high: float
    p_low: float
    p_high: float
    decisions: frozenset[int]


def decision(gained: Counts, lost: Counts, significance: float) -> Counts:
    """-1, 0 or 1 per table: McNemar's mid-p at `significance`, with the sign of the net change."""
    return np.where(mid_p(gained, lost) <= significance, np.sign(gained - lost), 0)


def extremes(region: Region, confidence: float) -> Extremes:
    """What Tango's limits and McNemar's mid-p can be over the region."""
    gained, lost = region.candidates()
    low, high = tango_limits(gained, lost, np.full_like(gained, region.n), confidence)
    effects, p = (gained - lost) / region.n, mid_p(gained, lost)
    return Extremes(
        low_effect=float(effects.min()),
        high_effect=float(effects.max()),
        low=float(low.min()),
        high=float(high.max()),
        p_low=float(floor_p(p.min())),
        p_high=float(floor_p(p.max())),
        decisions=frozenset(int(d) for d in decision(gained, lost, 1 - confidence)),
    )
