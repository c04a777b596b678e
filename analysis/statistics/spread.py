"""Why control effects differ: directions, and the paired noise of a finite set of problems."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.statistics.checks import answers
from analysis.statistics.results import (
    DEGENERATE,
    NEW_BOTH,
    OK,
    Estimate,
    Refusal,
    floor_p,
)


@dataclass(frozen=True, kw_only=True)
class ControlSpread(Estimate):
    """Variance of control effects over problems, split by source (squared unit of outcomes).

    `estimate` is the standard deviation between directions, noise removed. `total` is the
    variance of the k effects; `directions + noise = total`. `noise` is what the finite number of
    problems adds: the problem × direction interaction over n. It is paired: problem difficulty
    and the shared baseline cancel, so it is not p(1−p)/n. `statistic` and `p` test "the controls
    differ by noise only" (F with k−1 and (n−1)(k−1)).
    """

    estimate: float
    p: float = field()
    k: int
    """Controls."""

    total: float
    """Variance of the k effects."""

    directions: float
    """The part that differences between directions make."""

    noise: float
    """The part that the finite number of problems makes."""

    noise_sd: float
    """Square root of `noise`, in the unit of outcomes."""


def control_spread(outcomes: ArrayLike) -> ControlSpread:
    """Split the spread of control effects into directions and paired binomial noise.

    Args:
        outcomes: array, shape (n, k). Outcome (0/1, or a per-problem mean) of each problem under
            each control. Differences to the shared baseline give the same answer: the baseline is
            constant within a problem.

    Notes:
        Two-way random effects without replication: total = MS_direction/n, noise = MS_residual/n,
        directions = total − noise (may be negative; its sd is then reported as 0).

    References:
        Searle, Casella & McCulloch (1992), Variance Components, section 4.2.
    """
    y = answers("outcomes", outcomes)
    if y.ndim != 2 or y.shape[1] < 2:
        raise Refusal(f"outcomes must be (n problems, k ≥ 2 controls), found shape {y.shape}")
    complete = y[~np.isnan(y).any(axis=1)]
    n, k = complete.shape
    if n < 2:
        raise Refusal(f"{n} problems have an outcome under every control: at least 2 are needed")
    residual = complete - complete.mean(axis=0) - complete.mean(axis=1, keepdims=True)
    residual += complete.mean()
    total = float(complete.mean(axis=0).var(ddof=1))
    noise = float((residual**2).sum() / ((n - 1) * (k - 1)) / n)
    f = total / noise if noise > 0 else np.nan
    return ControlSpread(
        method="two-way variance components",
        estimate=float(np.sqrt(max(0.0, total - noise))),
        n=n,
        p=float(floor_p(stats.f.sf(f, k - 1, (n - 1) * (k - 1)))),
        statistic=float(f),
        status=OK if noise > 0 else DEGENERATE,
        scope=NEW_BOTH,
        dropped=len(y) - n,
        dropped_what="problems without an outcome under every control",
        k=k,
        total=total,
        directions=total - noise,
        noise=noise,
        noise_sd=float(np.sqrt(noise)),
    )
