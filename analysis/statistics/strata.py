"""Difficulty strata: the effect within each, pooled over them, and whether it differs.

Pairs lie within strata, so the pooled test is McNemar on the summed counts. Whether steering
works differently in easy and hard problems has two answers, because equal effects in points can
be unequal in odds: both scales are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.statistics.checks import Counts, count, labels, level, numbers, pairs, text
from analysis.statistics.freeman_halton import LARGEST_STRATA, fisher_freeman_halton
from analysis.statistics.intervals import PairedDifference, paired_difference
from analysis.statistics.results import NO_INFORMATION, OK, Estimate, Refusal, floor_p


@dataclass(frozen=True, kw_only=True)
class StratifiedDifference(Estimate):
    """Pooled effect (`estimate`, Tango `low`, `high`, mid-p `p`) and the strata behind it.

    `strata` holds arrays over `names`. `contrast` = Σ scores × stratum effects, by default last
    minus first stratum, a fraction of problems. `heterogeneity_p` tests equal effects in points.
    """

    estimate: float
    low: float = field()
    high: float = field()
    p: float = field()
    names: tuple[str, ...]
    """Names of the strata."""

    strata: PairedDifference[NDArray[np.float64]]
    """The paired result of each stratum: arrays over `names`."""

    contrast: float
    """Σ scores × stratum effects, a fraction."""

    contrast_low: float
    """Lower limit of the contrast."""

    contrast_high: float
    """Upper limit of the contrast."""

    contrast_scores: tuple[float, ...]
    """Score of each stratum."""

    heterogeneity: float
    """Chi-square of equal effects, with strata − 1 degrees of freedom."""

    heterogeneity_p: float
    """P of equal effects, in points."""


@dataclass(frozen=True, kw_only=True)
class StratumHomogeneity(Estimate):
    """Are the odds gained : lost the same in all strata? `p` as `method` says, `chi2_p` beside it.

    `shares` = gained / discordant per stratum (NaN where nothing changed); `estimate` is their
    range; `n` counts discordant pairs; `statistic` is the chi-square with `df`. `resamples` tables
    were drawn for `p` (0: it is exact), whose Monte-Carlo error is √(p(1 − p)/resamples).
    """

    estimate: float
    p: float = field()
    shares: NDArray[np.float64]
    """gained/(gained + lost) of each stratum; NaN where nothing changed."""

    chi2_p: float
    """P of the chi-square."""

    df: int
    """Degrees of freedom of the chi-square."""

    resamples: int
    """Tables drawn for `p`; 0 where it is exact."""


def stratified_difference(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    scores: Sequence[float] | None = None,
    confidence: float = 0.95,
    strata_run: str | None = None,
    baseline_run: str | None = None,
) -> StratifiedDifference:
    """Effect per stratum, pooled, and contrasted between strata in points.

    Args:
        gained, lost, n: int array, shape (S,). Counts of pairs per stratum, S ≥ 2.
        scores: sequence of S numbers. Weights of the contrast; default −1 for the first stratum, +1
            for the last.
        strata_run, baseline_run: The run whose outcomes cut the strata (None: cut by something
            known beforehand, such as the number of steps), and the baseline run of these pairs.

    Raises:
        Refusal: Strata cut from the tested baseline: its wrong answers can only be gained and its
            right ones only lost, which alone makes effects as large as the rate of change.

    Notes:
        Contrast interval: the Tango limits of the strata combined by recovered variances (MOVER).
        Heterogeneity: Σ w (effect − weighted mean)² on effects and variances with one pair added
        to each discordant cell (Bonett–Price), chi-square with S − 1.

    References:
        Zou (2008), Statistics in Medicine 27, 1632–1645. Bonett & Price (2012), Journal of
        Educational and Behavioral Statistics 37, 479–488. Tango (1998), Statistics in Medicine 17.
    """
    runs = {"strata_run": strata_run, "baseline_run": baseline_run}
    given = {name: text(name, run) for name, run in runs.items() if run is not None}
    if len(given) == 2 and strata_run == baseline_run:
        raise Refusal(
            f"the strata were cut from run {strata_run}, the baseline of these pairs: chance in it "
            "would become an effect as large as the rate of change; cut strata from another run or "
            "from an attribute of the problems (n_steps)"
        )
    counts = pairs(gained, lost, n)
    confidence = level("confidence", confidence)
    strata_names = _names(names, counts.gained.shape)
    c = _scores(scores, len(strata_names))
    strata = paired_difference(
        counts.gained,
        counts.lost,
        counts.n,
        confidence=confidence,
    )
    pooled = paired_difference(
        int(counts.gained.sum()),
        int(counts.lost.sum()),
        int(counts.n.sum()),
        confidence=confidence,
    )
    contrast = float(c @ strata.estimate)
    toward_low = np.where(c > 0, strata.estimate - strata.low, strata.high - strata.estimate)
    toward_high = np.where(c > 0, strata.high - strata.estimate, strata.estimate - strata.low)
    q = _heterogeneity(counts.gained, counts.lost, counts.n)
    return StratifiedDifference(
        method="pooled McNemar mid-p, Tango; MOVER contrast",
        n=pooled.n,
        estimate=float(pooled.estimate),
        low=float(pooled.low),
        high=float(pooled.high),
        confidence=confidence,
        p=float(pooled.p),
        status=pooled.status,
        names=strata_names,
        strata=strata,
        contrast=contrast,
        contrast_low=contrast - float(np.sqrt(((c * toward_low) ** 2).sum())),
        contrast_high=contrast + float(np.sqrt(((c * toward_high) ** 2).sum())),
        contrast_scores=tuple(c.tolist()),
        heterogeneity=q,
        heterogeneity_p=float(floor_p(stats.chi2.sf(q, len(strata_names) - 1))),
    )


def stratum_homogeneity(gained: ArrayLike, lost: ArrayLike) -> StratumHomogeneity:
    """Test that the odds gained : lost are the same in every stratum (discordant pairs only).

    Args:
        gained, lost: int array, shape (S,). Discordant pairs per stratum, S ≥ 2. Strata without any
            carry no information.

    Notes:
        Conditional on both margins the table is multivariate hypergeometric: Fisher–Freeman–Halton,
        exact; with two strata it is Fisher's test on the 2 × 2 of discordants. A table too large
        for that within seconds (some ten thousand discordant pairs, a thousand in ten strata) gets
        the p of 99,999 draws from the same distribution with a fixed seed (fewer beyond 40 strata),
        and `method` says so. An equal effect in points on strata of unequal accuracy is *not* equal
        odds: see `stratified_difference`.

    Raises:
        Refusal: Fewer than two strata or more than 10,000, or more than 10⁸ pairs in all.

    References:
        Freeman & Halton (1951), Biometrika 38, 141–149.
    """
    counts = pairs(gained, lost)
    _names(None, counts.gained.shape)
    count("number of strata", counts.gained.size, most=LARGEST_STRATA)
    changed = counts.changed
    total = count("gained + lost of all strata", int(changed.sum()))
    with np.errstate(invalid="ignore"):
        shares = np.where(changed > 0, counts.gained / np.maximum(changed, 1), np.nan)
    used = changed > 0
    informative = used.sum() >= 2 and counts.gained.sum() > 0 and counts.lost.sum() > 0
    chi2, df, chi2_p = 0.0, max(1, int(used.sum()) - 1), 1.0
    if informative:
        share = counts.gained.sum() / changed.sum()
        expected = changed[used] * share
        chi2 = float(((counts.gained[used] - expected) ** 2 / (expected * (1 - share))).sum())
        chi2_p = float(floor_p(stats.chi2.sf(chi2, df)))
    p, drawn = fisher_freeman_halton(counts.gained, counts.lost)
    return StratumHomogeneity(
        method=f"Fisher–Freeman–Halton {f'of {drawn:,} draws' if drawn else 'exact'}",
        n=total,
        estimate=float(np.ptp(shares[used])) if used.any() else 0.0,
        p=float(floor_p(p)),
        statistic=chi2,
        status=OK if informative else NO_INFORMATION,
        dropped=int((~used).sum()),
        dropped_what="strata in which nothing changed",
        shares=shares,
        chi2_p=chi2_p,
        df=df,
        resamples=drawn,
    )


def _heterogeneity(gained: Counts, lost: Counts, n: Counts) -> float:
    first, second = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    effect = first - second
    weight = (n + 2) / (first + second - effect**2)
    centre = (weight * effect).sum() / weight.sum()
    return float((weight * (effect - centre) ** 2).sum())


def _names(names: Sequence[str] | None, shape: tuple[int, ...]) -> tuple[str, ...]:
    if len(shape) != 1 or shape[0] < 2:
        raise Refusal("strata need counts of shape (S,), S ≥ 2: for one group call mcnemar")
    if names is None:
        return tuple(str(stratum) for stratum in range(1, shape[0] + 1))
    if labels("names", names)[0].shape != shape:
        raise Refusal(f"{len(names)} names for {shape[0]} strata")
    return tuple(map(str, names))


def _scores(scores: Sequence[float] | None, size: int) -> NDArray[np.float64]:
    c = np.zeros(size)
    c[0], c[-1] = -1.0, 1.0
    c = c if scores is None else numbers("scores", scores)
    if c.shape != (size,) or abs(c.sum()) > 1e-9 * np.abs(c).sum() or not c.any():
        raise Refusal(f"scores must be {size} numbers that sum to 0 and are not all 0")
    return c
