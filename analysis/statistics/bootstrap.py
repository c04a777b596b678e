"""Bootstrap intervals of the paired difference, from totals, and of a mean of any metric.

Resampling n problems with replacement changes only how many of them are gained and lost, so a
resample is one multinomial draw on (gained, lost, unchanged): no row order, no n x B indices. Its
net change has a distribution that is known exactly; B resamples are B draws from it, kept as a
histogram.
"""

from __future__ import annotations

from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, special

from analysis.statistics.checks import Counts, Pairs, draws, generator, level, numbers, pairs
from analysis.statistics.intervals import PairedDifference
from analysis.statistics.paired import mid_p
from analysis.statistics.results import (
    DEGENERATE,
    NO_INFORMATION,
    OK,
    Interval,
    Refusal,
    floor_p,
    single,
)
from analysis.vocabulary import BootstrapMethod, ResamplingMethod, checked

Floats = NDArray[np.float64]

# Cells of one block of distributions or of resampled values: 32 MiB of doubles.
_BLOCK = 1 << 22
# Limits of 95 % are quantiles: with fewer draws they are noise.
FEWEST_DRAWS = 999


def net_distribution(gained: Counts, lost: Counts, n: Counts) -> tuple[NDArray[np.int64], Floats]:
    """Exact distribution of gained* - lost* over all resamples of n problems.

    The n-fold convolution of one problem's {-1, 0, +1}, by its characteristic function.

    Args:
        gained, lost, n: counts, shape [m].

    Returns:
        Support offsets [s] (relative to each row's gained - lost) and probabilities [m, s]. The
        support reaches 12 standard deviations and 40 problems to either side (or +-n), beyond
        which the probability is below the rounding error of the transform.
    """
    g, lo, total = (np.asarray(a, dtype=np.float64) for a in (gained, lost, n))
    up, down = g / total, lo / total
    spread = np.sqrt(total * np.maximum(up + down - (up - down) ** 2, 0.0))
    reach = int(min(np.ceil(12 * spread.max() + 40), total.max()))
    size = int(fft.next_fast_len(2 * reach + 1, real=True))
    angle = 2 * np.pi * np.arange(size // 2 + 1) / size
    cosine, sine = np.cos(angle), np.sin(angle)
    real = (1 - up - down)[:, None] + (up + down)[:, None] * cosine
    imaginary = (up - down)[:, None] * sine
    # The power is taken in polar form; the shift by -(g - l) centres the row in the window.
    with np.errstate(divide="ignore"):
        size_n = np.exp(0.5 * total[:, None] * np.log(real**2 + imaginary**2))
    phase = total[:, None] * np.arctan2(imaginary, real) - (g - lo)[:, None] * angle
    shifted = size_n * np.exp(-1j * (phase + reach * angle))
    mass = fft.irfft(shifted, n=size, axis=1)[:, : 2 * reach + 1]
    mass = np.maximum(mass, 0.0)
    return np.arange(-reach, reach + 1), mass / mass.sum(axis=1, keepdims=True)


def _exact_limits(counts: Pairs, tail: float) -> tuple[Floats, Floats]:
    """Smallest net change with P(<=) >= tail, and largest with P(>=) >= tail, over n."""
    offsets, mass = net_distribution(counts.gained, counts.lost, counts.n)
    below = np.cumsum(mass, axis=1)
    above = np.cumsum(mass[:, ::-1], axis=1)
    # The transform is exact to about 1e-13: a tail that meets the level counts as meeting it.
    low = offsets[(below < tail - 1e-12).sum(axis=1)]
    high = -offsets[(above < tail - 1e-12).sum(axis=1)]
    net = counts.gained - counts.lost
    return (net + low) / counts.n, (net + high) / counts.n


def acceleration(gained: Counts, lost: Counts, n: Counts) -> Floats:
    """BCa's acceleration of a mean of {-1, 0, +1}: skewness/(6 sqrt n); 0 without spread."""
    mean = (gained - lost) / n
    second = (gained * (1 - mean) ** 2 + lost * (1 + mean) ** 2 + (n - gained - lost) * mean**2) / n
    third = (gained * (1 - mean) ** 3 - lost * (1 + mean) ** 3 - (n - gained - lost) * mean**3) / n
    safe = np.where(second > 0, second, 1.0)
    return np.where(second > 0, third / safe**1.5 / (6 * np.sqrt(n)), 0.0)


def bca_tails(share_below: Any, accelerated: Any, tail: float) -> tuple[Any, Any, Any]:
    """Adjusted lower and upper probabilities, and where they are usable (finite and ordered)."""
    usable = (share_below > 0) & (share_below < 1)
    bias = special.ndtri(np.where(usable, share_below, 0.5))
    ends = []
    for z in (special.ndtri(tail), special.ndtri(1 - tail)):
        scale = 1 - accelerated * (bias + z)
        usable = usable & (scale > 0)
        ends.append(special.ndtr(bias + (bias + z) / np.where(scale > 0, scale, 1.0)))
    return ends[0], ends[1], usable


def _histogram_quantile(offsets: Counts, cumulative: Counts, share: Floats) -> Floats:
    """Linear quantile of B draws, given as cumulative counts [m, s], at each row's `share` [m]."""
    place = share * (cumulative[:, -1] - 1)
    first = np.floor(place).astype(np.int64)
    second = np.minimum(first + 1, cumulative[:, -1] - 1)
    low, high = (offsets[(cumulative <= k[:, None]).sum(axis=1)] for k in (first, second))
    return low + (place - first) * (high - low)


def _drawn_limits(
    counts: Pairs, rng: np.random.Generator, resamples: int, tail: float, bca: bool
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    offsets, mass = net_distribution(counts.gained, counts.lost, counts.n)
    # How often each net change comes up among the resamples: all that a quantile needs.
    cumulative = np.cumsum(rng.multinomial(resamples, mass), axis=1)
    first, last = np.full(counts.n.size, tail), np.full(counts.n.size, 1 - tail)
    usable = np.ones(counts.n.size, dtype=bool)
    if bca:
        centre = int(np.flatnonzero(offsets == 0)[0])
        below = cumulative[:, centre - 1] if centre else np.zeros(counts.n.size)
        accelerated = acceleration(counts.gained, counts.lost, counts.n)
        ends = bca_tails((below + cumulative[:, centre]) / (2 * resamples), accelerated, tail)
        usable = ends[2]
        first, last = np.where(usable, ends[0], first), np.where(usable, ends[1], last)
    net = counts.gained - counts.lost
    low, high = (_histogram_quantile(offsets, cumulative, share) for share in (first, last))
    return (net + low) / counts.n, (net + high) / counts.n, usable


def _limits(
    counts: Pairs,
    method: BootstrapMethod,
    rng: np.random.Generator | None,
    resamples: int,
    tail: float,
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Limits and usability of every table, a block at a time so that memory stays bounded."""
    # Neighbours in spread share a window, which keeps the distributions short.
    order = np.argsort(counts.changed, kind="stable")
    reach = min(int(counts.n.max()), int(12 * np.sqrt(counts.changed.max())) + 40)
    step = max(1, min(128, _BLOCK // (2 * reach + 1)))
    low, high = np.empty(counts.n.size), np.empty(counts.n.size)
    usable = np.ones(counts.n.size, dtype=bool)
    for start in range(0, counts.n.size, step):
        at = order[start : start + step]
        block = Pairs(counts.gained[at], counts.lost[at], counts.n[at], False)
        if method == "exact":
            low[at], high[at] = _exact_limits(block, tail)
        else:
            assert rng is not None  # asked for by the caller
            low[at], high[at], usable[at] = _drawn_limits(
                block, rng, resamples, tail, method == "bca"
            )
    return low, high, usable


@overload
def bootstrap_difference(
    gained: float,
    lost: float,
    n: float,
    *,
    rng: np.random.Generator | None = ...,
    resamples: int = ...,
    method: BootstrapMethod = ...,
    confidence: float = ...,
) -> PairedDifference[float]: ...
@overload
def bootstrap_difference(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike,
    *,
    rng: np.random.Generator | None = ...,
    resamples: int = ...,
    method: BootstrapMethod = ...,
    confidence: float = ...,
) -> PairedDifference[NDArray[Any]]: ...
def bootstrap_difference(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike,
    *,
    rng: np.random.Generator | None = None,
    resamples: int = 9999,
    method: BootstrapMethod = "percentile",
    confidence: float = 0.95,
) -> PairedDifference[Any]:
    """Bootstrap interval of (gained - lost)/n, resampling problems.

    Args:
        gained, lost, n: counts, or arrays of counts (one element per condition).
        rng: generator of the draws; needed unless ``method="exact"``.
        resamples: draws per condition, at least 999.
        method: ``"percentile"``; ``"bca"`` (guarded: where bias or acceleration is undefined the
            percentile limits stand, with status ``degenerate``; it covers .90 where the
            percentile covers .96 at n = 50 with 5 % and 5 %); ``"exact"``: limits of the
            bootstrap distribution itself, without draws.
        confidence: coverage asked.

    Returns:
        `PairedDifference` with McNemar's mid-p. At gained = lost = 0 the interval collapses to
        [0, 0] with status ``no_information``: read Tango's instead.

    Raises:
        Refusal: counts that are not counts, no `rng`, too few resamples.

    Notes:
        Problems are a random sample and independent; limits lie on the grid of 1/n.

    References:
        Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 14.
    """
    counts = pairs(gained, lost, n)
    confidence = level("confidence", confidence)
    checked(method, BootstrapMethod, "method")
    if method != "exact":
        rng = generator(rng, ", or method='exact'")
        resamples = draws(resamples, least=FEWEST_DRAWS)
    shape = counts.n.shape
    flat = Pairs(counts.gained.ravel(), counts.lost.ravel(), counts.n.ravel(), False)
    low, high, usable = _limits(flat, method, rng, resamples, (1 - confidence) / 2)
    collapsed = (high <= low) | ~usable
    status = np.select([flat.changed == 0, collapsed], [NO_INFORMATION, DEGENERATE], OK)
    result = PairedDifference(
        method=f"bootstrap {method}, mcnemar midp",
        estimate=(counts.gained - counts.lost) / counts.n,
        low=low.reshape(shape),
        high=high.reshape(shape),
        confidence=confidence,
        n=counts.n,
        p=floor_p(mid_p(counts.gained, counts.lost)),
        statistic=counts.gained - counts.lost,
        status=status.reshape(shape),
        gained=counts.gained,
        lost=counts.lost,
    )
    return single(result) if counts.scalar else result


def bootstrap_mean(
    values: ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = 9999,
    method: ResamplingMethod = "percentile",
    confidence: float = 0.95,
) -> Interval:
    """Bootstrap interval of the mean of one value per problem, such as a log-probability change.

    Args:
        values: one value per problem, shape [n] (seeds averaged first).
        rng: generator of the draws.
        resamples: at least 999.
        method: ``"percentile"`` or ``"bca"`` (guarded as in `bootstrap_difference`).
        confidence: coverage asked.

    Returns:
        `Interval` in the units of `values`, without a test (see `permutation_test`).

    Raises:
        Refusal: missing values, fewer than two problems, no `rng`, too few resamples.

    References:
        DiCiccio and Efron, Statistical Science 11 (1996) 189.
    """
    checked(method, ResamplingMethod, "method")
    data = numbers("values", values, truths=True)
    rng, resamples = generator(rng), draws(resamples, least=FEWEST_DRAWS)
    confidence = level("confidence", confidence)
    if data.ndim != 1 or data.size < 2:
        raise Refusal(
            f"values of shape {data.shape}: pass at least two finite values, one per problem "
            "(for several seeds per problem call clustered_difference)"
        )
    step = max(1, _BLOCK // data.size)
    means = np.concatenate(
        [
            data[rng.integers(0, data.size, size=(min(step, resamples - at), data.size))].mean(1)
            for at in range(0, resamples, step)
        ]
    )
    tail, centre = (1 - confidence) / 2, data.mean()
    first, last, usable = np.float64(tail), np.float64(1 - tail), True
    deviation = data - centre
    second = float((deviation**2).sum())
    if method == "bca":
        skew = float((deviation**3).sum()) / (6 * second**1.5) if second > 0 else 0.0
        below = ((means < centre).mean() + (means <= centre).mean()) / 2
        ends = bca_tails(below, skew, tail)
        usable = bool(ends[2])
        if usable:
            first, last = ends[0], ends[1]
    low, high = np.quantile(means, [float(first), float(last)])
    return Interval(
        method=f"bootstrap mean {method}",
        estimate=float(centre),
        n=int(data.size),
        low=float(low),
        high=float(high),
        confidence=confidence,
        status=OK if usable and high > low else DEGENERATE,
    )
