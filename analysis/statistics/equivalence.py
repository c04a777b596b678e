"""Equivalence and non-inferiority of paired outcomes within a margin declared beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.statistics.counts import Pairs, fraction, pairs
from analysis.statistics.intervals import score_gap, tango_limits
from analysis.statistics.results import (
    NO_INFORMATION,
    OK,
    Numbers,
    Refusal,
    Result,
    floor_p,
    scope_of,
    unwrap,
)


@dataclass(frozen=True, kw_only=True)
class MarginTest(Result):
    """A test against a margin (a fraction of problems).

    `low` and `high` are Tango limits at `level` = 1 - 2 alpha; `shown` says whether the interval
    lies inside the margin, which is so exactly when p < alpha.
    """

    margin: float
    alpha: float
    shown: Numbers


def score_tail(counts: Pairs, delta: float, *, upper: bool) -> NDArray[np.float64]:
    """One-sided p of Tango's score test at `delta`: against larger effects if `upper`."""
    gap, deviation = score_gap(
        counts.gained.astype(float), counts.lost.astype(float), counts.n.astype(float), delta
    )
    # Without spread the sign of the gap decides (it is 0/0 only at delta = +-1).
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(gap == 0, 0.0, gap / deviation)
    return special.ndtr(-z if upper else z)


def _checked(gained: Any, lost: Any, n: Any, margin: float | None, alpha: float) -> Pairs:
    if margin is None:
        raise Refusal(
            "margin is missing: declare before looking which difference does not matter, e.g. "
            "margin=0.05 for 5 points; without one use paired_difference"
        )
    fraction("margin", margin)
    fraction("alpha", alpha, high=0.5)
    return pairs(gained, lost, n)


def _margin_test(
    counts: Pairs,
    name: str,
    p: Any,
    shown: Any,
    limits: Any,
    margin: float,
    alpha: float,
    sel: bool,
) -> MarginTest:
    fields = {
        "estimate": (counts.gained - counts.lost) / counts.n,
        "low": limits[0],
        "high": limits[1],
        "n": counts.n,
        "p": floor_p(p),
        "status": np.where(counts.changed == 0, NO_INFORMATION, OK),
        "shown": shown,
    }
    return MarginTest(
        method=name,
        level=1 - 2 * alpha,
        margin=margin,
        alpha=alpha,
        scope=scope_of(sel),
        selected_on_outcome=sel,
        **{key: unwrap(value, counts.scalar) for key, value in fields.items()},
    )


def equivalence(
    gained: Any,
    lost: Any,
    n: Any,
    *,
    margin: float | None = None,
    alpha: float = 0.05,
    selected_on_outcome: bool = False,
) -> MarginTest:
    """Show that steering changes accuracy by less than `margin` in either direction (TOST).

    Args:
        gained, lost, n: counts, or arrays of counts.
        margin: a fraction (5 points = 0.05), declared before the data are seen.
        alpha: of each one-sided test; the interval shown has level 1 - 2 alpha.
        selected_on_outcome: stamp the result: the problems were chosen by their outcome.

    Returns:
        `MarginTest`; p is the larger of the two one-sided score p-values, and p < alpha exactly
        when Tango's interval lies inside (-margin, margin). Nothing changed is status
        ``no_information`` but may still show equivalence: from n = 52 at 5 points.

    Raises:
        Refusal: no margin, a margin outside (0, 1), counts that are not counts.

    References:
        Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657; Tango,
        Statistics in Medicine 17 (1998) 891.
    """
    counts = _checked(gained, lost, n, margin, alpha)
    assert margin is not None
    low, high = tango_limits(counts.gained, counts.lost, counts.n, 1 - 2 * alpha)
    p = np.maximum(score_tail(counts, -margin, upper=True), score_tail(counts, margin, upper=False))
    name, shown = "equivalence, tango score TOST", (low > -margin) & (high < margin)
    return _margin_test(counts, name, p, shown, (low, high), margin, alpha, selected_on_outcome)


def non_inferiority(
    gained: Any,
    lost: Any,
    n: Any,
    *,
    margin: float | None = None,
    alpha: float = 0.05,
    selected_on_outcome: bool = False,
) -> MarginTest:
    """Show that steering does no harm: accuracy falls by less than `margin`.

    One side of `equivalence`, with the same arguments, refusals and references; `shown` says
    whether the lower limit of the 1 - 2 alpha interval lies above -margin.
    """
    counts = _checked(gained, lost, n, margin, alpha)
    assert margin is not None
    low, high = tango_limits(counts.gained, counts.lost, counts.n, 1 - 2 * alpha)
    p = score_tail(counts, -margin, upper=True)
    return _margin_test(
        counts,
        "non-inferiority, tango score",
        p,
        low > -margin,
        (low, high),
        margin,
        alpha,
        selected_on_outcome,
    )
