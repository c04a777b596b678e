"""The exact unconditional test of paired proportions: the discordance is a nuisance, not given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from analysis.statistics.checks import Counts, Floats, pairs
from analysis.statistics.paired import binomial_cdf, clopper_pearson
from analysis.statistics.results import (
    NO_INFORMATION,
    OK,
    Estimate,
    N,
    Refusal,
    floor_p,
    single,
)
from analysis.vocabulary import UnconditionalMethod, checked

# Confidence spent on the discordance by Berger and Boos, and added to p.
SPENT = 1e-4
# Steps per standard deviation of the rate on the arcsine scale, where that is 1/(2 √n).
_STEPS = 4
_LARGEST = 100_000


@dataclass(frozen=True, kw_only=True)
class UnconditionalTest(Estimate[N]):
    """(gained − lost)/n and the exact unconditional p of "as many gained as lost"."""

    p: N = field()
    gained: N
    """Pairs wrong at baseline and right when steered."""

    lost: N
    """Pairs right at baseline and wrong when steered."""

    discordance: N
    """The rate of change at which p is largest; NaN where nothing changed."""


def unconditional_test(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike,
    *,
    method: UnconditionalMethod = "suissa-shuster",
) -> UnconditionalTest[Any]:
    """Test whether as many problems were gained as lost, over all tables of n problems.

    The largest chance, over every rate of change π, of a table whose |z| = |g − l|/√(g + l) is at
    least that observed. It never exceeds its level, and is less conservative than the exact test
    given the number of changes, of which mid-p is a cheap approximation.

    Args:
        gained, lost, n: counts, or arrays of counts.
        method: "suissa-shuster" looks at every π; "berger-boos" at those of a confidence interval
            of 1 − .0001, and adds .0001 to p.

    Raises:
        Refusal: counts that are not counts, or more than 100,000 problems.

    Notes:
        Problems are independent and share one probability of each change.

    References:
        Suissa & Shuster (1991), Biometrics 47, 361–372. Berger & Boos (1994), JASA 89, 1012–1016.
        Fagerland, Lydersen & Laake (2013), BMC Medical Research Methodology 13, 91.
    """
    checked(method, UnconditionalMethod, "method")
    counts = pairs(gained, lost, n)
    if (counts.n > _LARGEST).any():
        raise Refusal(
            f"n = {counts.n.max()} is more than {_LARGEST:,} problems: with so many use mcnemar"
        )
    tables = zip(*(one.ravel() for one in counts[:3]), strict=True)
    found = [_largest(int(g), int(lo), int(total), method) for g, lo, total in tables]
    shape = counts.n.shape
    result = UnconditionalTest(
        method=f"exact unconditional, {method}",
        estimate=(counts.gained - counts.lost) / counts.n,
        n=counts.n,
        p=floor_p(np.array([p for p, _ in found])).reshape(shape),
        statistic=(counts.gained - counts.lost) / np.sqrt(np.maximum(counts.changed, 1)),
        status=np.where(counts.changed == 0, NO_INFORMATION, OK),
        gained=counts.gained,
        lost=counts.lost,
        discordance=np.array([rate for _, rate in found]).reshape(shape),
    )
    return single(result) if counts.scalar else result


def rejections(gained: int, lost: int, n: int) -> Floats:
    """P(|z| at least as large | c discordant pairs) for c = 0..n, at even odds."""
    changed, gap = gained + lost, abs(gained - lost)
    c = np.arange(n + 1)
    # Whole numbers decide ties: (c − 2k)² (g + l) ≥ (g − l)² c.
    k = np.floor((c - gap * np.sqrt(c / changed)) / 2).astype(np.int64) + 1
    reached: Counts = np.full(n + 1, -1)
    for step in (1, 0, -1):
        at = k - step
        extreme = (at >= 0) & (2 * at < c) & ((c - 2 * at) ** 2 * changed >= gap**2 * c)
        reached = np.where(extreme, np.maximum(reached, at), reached)
    both = 2 * binomial_cdf(np.maximum(reached, 0), c)
    return np.where(reached < 0, 0.0, np.minimum(both, 1.0))


def _largest(gained: int, lost: int, n: int, method: str) -> tuple[float, float]:
    """The largest tail probability over the rate of change, and that rate."""
    if gained == lost:
        return 1.0, np.nan if gained == 0 else (gained + lost) / n
    tail = rejections(gained, lost, n)

    def p(rate: float) -> float:
        """Chance of a table as clear as this one at a rate of change."""
        spread = 9 * np.sqrt(n * rate * (1 - rate)) + 40
        window = slice(max(0, int(n * rate - spread)), min(n, int(n * rate + spread)) + 1)
        weights = stats.binom.pmf(np.arange(n + 1)[window], n, rate)
        return float(weights @ tail[window])

    low, high, spent = 0.0, 1.0, 0.0
    if method == "berger-boos":
        limits = clopper_pearson(np.array(gained + lost), np.array(n), 1 - SPENT)
        low, high, spent = float(limits[0]), float(limits[1]), SPENT
    start, end = np.arcsin(np.sqrt([low, high]))
    angles = np.linspace(start, end, 3 + int((end - start) * 2 * np.sqrt(n) * _STEPS))
    grid = np.sin(angles) ** 2
    values = np.array([p(rate) for rate in grid])
    best = int(np.argmax(values))
    ends = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    finer = optimize.minimize_scalar(
        lambda rate: -p(rate), bounds=ends, method="bounded", options={"xatol": 1e-10}
    )
    top, where = max((values[best], grid[best]), (-finer.fun, finer.x))
    return min(1.0, float(top) + spent), float(where)
