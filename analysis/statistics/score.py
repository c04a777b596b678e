"""Score intervals for means of bounded differences: Tango's, with an effective number of problems.

A problem with several outcomes (seeds, or two doses that share a baseline) gives one mean
difference d in [−1, 1]. Student's t of such means covers .86 where 3 % of 61 problems are lost, and
has no width where nothing changed; a score interval keeps the width of a bounded outcome.

Notes:
    Were each problem one pair, mean |d| would be the share that changed and mean |d| − (mean d)²
    the variance of a difference. The design effect is how the variance of the d's compares with
    that; the counts of Tango's interval are divided by it (Rao & Scott). Half a problem whose
    outcomes all change, as likely gained as lost, is added to both variances (Anscombe's half):
    with few changes their variance is a guess, and this leans towards whole problems as the unit.
    With one outcome per problem the design effect is 1 and the interval is Tango's.

References:
    Rao & Scott (1992), A simple method for the analysis of clustered binary data, Biometrics 48,
    577–585. Tango (1998), Statistics in Medicine 17, 891–908. Yang, Sun & Hardin (2012),
    Pharmaceutical Statistics 11, 386–393 (clustered matched pairs).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.checks import answers
from analysis.statistics.intervals import tango_limits_at

# Added to the problems that changed and to the sum of squares.
HALF = 0.5


def effective_counts(
    total: Any, size: Any, squares: Any, n: Any, variance: Any = None
) -> tuple[Any, Any, Any]:
    """`(gained, lost, n)`, not whole, of which Tango's interval speaks for mean differences.

    Args:
        total, size, squares: Σd, Σ|d| and Σd² over problems.
        n: Problems.
        variance: Of the mean of d, if not Σ(d − mean)²/n² (directions that vary too, say).
    """
    mean = total / n
    spread = np.maximum(squares / n - mean**2 if variance is None else n * variance, 0.0)
    pairs = np.maximum(size / n - mean**2, 0.0)
    ratio = (pairs + HALF / n) / (spread + HALF / n)
    return ratio * (size + total) / 2, ratio * (size - total) / 2, ratio * n


def score_limits(
    total: Any, size: Any, squares: Any, n: Any, critical: float, variance: Any = None
) -> tuple[Any, Any]:
    """Limits of the mean of d at |z| = `critical`; arguments as in `effective_counts`."""
    return tango_limits_at(*effective_counts(total, size, squares, n, variance), critical)


def score_statistic(
    total: float, size: float, squares: float, n: float, variance: float | None = None
) -> float:
    """z of the test that the interval inverts, at no effect: (g − l)/√(g + l); 0 without change."""
    gained, lost, _ = effective_counts(total, size, squares, n, variance)
    return float((gained - lost) / np.sqrt(gained + lost)) if size > 0 else 0.0


def shares(*outcomes: ArrayLike) -> bool:
    """Whether all outcomes lie within [0, 1], as 0/1 and means over seeds do; missing ones may."""
    return all(
        bool((((y >= 0) & (y <= 1)) | np.isnan(y)).all())
        for y in (answers("outcomes", one) for one in outcomes)
    )
