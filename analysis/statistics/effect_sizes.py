"""Standardised distance of one effect from a handful of control effects, with its intervals.

Notes:
    `k` controls have mean `m` and standard deviation `s` (k − 1 in the denominator); `d = (x − m) /
    s`. Two sampling models give two intervals and neither replaces the other:

    * *x fixed*: only the controls are a sample. `√k · d` is noncentral t with `√k · δ`.
    * *x random*: x is one more draw and its own noise counts, as in the Crawford–Howell test.
      `d / √(1 + 1/k)` is noncentral t with `δ / √(1 + 1/k)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats
from scipy.optimize import elementwise

Array = np.ndarray[Any, np.dtype[np.float64]]

# Beyond this t the series for noncentral t stops converging (at 1e5 it is off by a tenth), and the
# normal part of t no longer matters: limits are good to 1e-6 of their size.
FAR = 1e4


def hedges_correction(df: ArrayLike) -> Array:
    """Exact small-sample factor J(df) = Γ(df/2) / (√(df/2) Γ((df − 1)/2)), for df > 1.

    References:
        Hedges (1981), Journal of Educational Statistics 6(2), 107–128.
    """
    df = np.asarray(df, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_j = special.gammaln(df / 2) - special.gammaln((df - 1) / 2) - np.log(df / 2) / 2
    return np.where(df > 1, np.exp(log_j), np.nan)


def noncentral_t_cdf(t: ArrayLike, df: ArrayLike, noncentrality: ArrayLike) -> Array:
    """P(T ≤ t), by reflection.

    `scipy.stats.nct.cdf` gives NaN for t < 0 far from a positive noncentrality, its survival
    function at the mirrored point does not.
    """
    return np.asarray(stats.nct.sf(-np.asarray(t), df, -np.asarray(noncentrality)), float)


def noncentrality_bounds(
    t: ArrayLike, df: ArrayLike, *, confidence: float = 0.95
) -> tuple[Array, Array]:
    """Confidence limits of the noncentrality that gave the statistic `t` with `df`.

    Found by root search: the distribution function falls as the noncentrality rises. NaN where
    `t` is not finite.
    """
    t, df = np.broadcast_arrays(np.asarray(t, float), np.asarray(df, float))
    tail = (1 - confidence) / 2
    probability = np.stack([np.full(t.shape, 1 - tail), np.full(t.shape, tail)])
    low, high = _noncentrality(np.stack([t, t]), np.stack([df, df]), probability)
    return low, high


def _noncentrality(t: Array, df: Array, probability: Array) -> Array:
    """The noncentralities at which P(T ≤ t) is `probability`, all arrays of one shape."""
    finite, far = np.isfinite(t), np.abs(t) > FAR
    t_far, t = np.where(far & finite, t, 0.0), np.where(finite & ~far, t, 0.0)
    # The root lies within |t| times an extreme quantile of χ/√df, plus a normal quantile.
    reach = np.abs(stats.norm.ppf(probability)) + 1
    scale = np.sqrt(stats.chi2.isf(1e-6, df) / df)
    reach = np.abs(t) * scale + reach
    root = elementwise.find_root(
        lambda noncentrality, t, df, probability: (
            noncentral_t_cdf(t, df, noncentrality) - probability
        ),
        (-reach, reach),
        args=(t, df, probability),
        tolerances={"xatol": 1e-12, "xrtol": 1e-12},
    )
    near = np.where(finite & root.success, root.x, np.nan)
    # (Z + δ)/(χ/√df) = t, in which Z moves δ by 1/t² of its size.
    square = np.where(t_far > 0, stats.chi2.isf(probability, df), stats.chi2.ppf(probability, df))
    return np.where(far & finite, t_far * np.sqrt(square / df), near)


def effect_size_intervals(
    d: ArrayLike, k: ArrayLike, *, confidence: float = 0.95
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Limits of δ = (x − μ)/σ with x a fixed number, and with x one more draw.

    The first exclude 0 as a one-sample t does, the second exactly when Crawford–Howell rejects.
    All four are found in one search: it costs as much as one of them.

    References:
        Crawford, Garthwaite & Porter (2010), Cognitive Neuropsychology 27(3), 245–260 (z-cc);
        Crawford & Howell (1998), The Clinical Neuropsychologist 12(4), 482–486.
    """
    d, k = np.broadcast_arrays(np.asarray(d, float), np.asarray(k, float))
    root, inflation = np.sqrt(k), np.sqrt(1 + 1 / k)
    low, high = noncentrality_bounds(
        np.stack([root * d, d / inflation]), np.stack([k - 1, k - 1]), confidence=confidence
    )
    return (low[0] / root, high[0] / root), (low[1] * inflation, high[1] * inflation)
