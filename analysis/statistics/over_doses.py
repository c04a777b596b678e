"""One direction against its controls over all doses at once: what the verdicts rest on.

Notes:
    The one assumption of every test here is *exchangeability*: if the candidate were nothing
    special, it might have been any of the k + 1 directions. Controls of the candidate's own norm
    and construction, drawn independently and run at the same doses on the same problems, give it.
    Each control is searched over the doses just as the candidate is, so nothing else corrects for
    the doses. The sampling unit is the direction; conclusions reach new directions, on these
    problems.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.statistics.checks import count, draws, generator, level, numbers
from analysis.statistics.controls import rank_floor
from analysis.statistics.effect_sizes import Array
from analysis.statistics.results import (
    CORRELATED_CONTROLS,
    NEW_DIRECTIONS,
    NO_INFORMATION,
    OK,
    TOO_FEW_CONTROLS,
    Estimate,
    Interval,
    Refusal,
)
from analysis.vocabulary import Side, checked

# What a share is shrunk by, in units of the median direction's changes: enough that one change in
# one problem is not a share of 1, too little for a direction that pushes twice as hard to gain.
SHRINKAGE = 0.05
# Sign flips of one block: few enough to stay near the cache.
BLOCK = 4096


@dataclass(frozen=True, kw_only=True)
class BeyondControls(Estimate):
    """The rank of a candidate among its `k` controls, each at its own most favourable dose."""

    estimate: float
    """The candidate's largest standardised value, in standard deviations of all directions."""

    p: float = field()
    """One-sided: (1 + controls at least as extreme)/(k + 1)."""

    k: int
    """Controls."""

    side: str
    """Which side counts as beyond: greater or less."""

    beyond: int
    """Controls at least as extreme as the candidate."""

    dose: int | None
    """Column of the candidate's largest value; None where no dose tells directions apart."""

    z: Array
    """The candidate's standardised value at each dose; NaN where all directions are equal."""

    rank_floor: float
    """The smallest p that this rank can have: 1/(k + 1)."""


def beyond_controls(
    values: ArrayLike, *, side: Side, significance: float = 0.025, family_size: int = 1
) -> BeyondControls:
    """Is the candidate more extreme than its controls at some dose?

    Each dose is standardised over all k + 1 directions, the candidate among them, so that the
    largest value over the doses is exchangeable where the directions are.

    Args:
        values: array, shape (k + 1, doses). One quantity (an effect, a signed effect, a share) of
            the candidate (first row) and its controls at each dose.
        side: Whether "greater" or "less" is what is claimed.
        significance: Level of the one-sided test.
        family_size: Candidates tested together: `too_few_controls` is said when the smallest rank
            p times this number (Holm's first step) exceeds the level.

    Raises:
        Refusal: No control, no dose, or a value that is missing.

    References:
        Westfall & Young (1993), Resampling-Based Multiple Testing (the largest of several
        statistics). Dwass (1957), Annals of Mathematical Statistics 28(1), 181–187 (the rank p).
    """
    v = _table(values)
    significance = level("significance", significance)
    family_size = count("family_size", family_size, least=1)
    sign = 1.0 if checked(side, Side, "side") == "greater" else -1.0
    centre, spread = v.mean(axis=0), v.std(axis=0)
    told = spread > 1e-12 * np.abs(v).max(axis=0)
    z = np.full(v.shape, np.nan)
    z[:, told] = sign * (v[:, told] - centre[told]) / spread[told]
    k = len(v) - 1
    floor = rank_floor(k, tail=side)
    few = floor * family_size > significance + 1e-12
    largest = np.where(told, z, -np.inf).max(axis=1)
    # Values are sums divided by n: equal ones may differ by rounding, and ties must count.
    beyond = int((largest[1:] >= largest[0] - 1e-9).sum()) if told.any() else k
    return BeyondControls(
        method="rank over doses",
        n=k + 1,
        estimate=float(largest[0]) if told.any() else 0.0,
        p=(1 + beyond) / (k + 1),
        status=TOO_FEW_CONTROLS if few else OK if told.any() else NO_INFORMATION,
        scope=NEW_DIRECTIONS,
        k=k,
        side=side,
        beyond=beyond,
        dose=int(np.nanargmax(z[0])) if told.any() else None,
        z=sign * z[0],
        rank_floor=floor,
    )


def signed_share(signed: ArrayLike, *, shrinkage: float = SHRINKAGE) -> Array:
    """How one-sided each direction's changes are: Σs/(Σ|s| + κ), between −1 and 1.

    A direction that merely pushes harder changes more problems by its sign, in both senses; the
    share of them that go one way stays what it was. So it tells a direction that means something
    from a potent one, as long as the controls' own changes go both ways: where each of them moves
    all its problems one way, no outcome tells the two apart.

    Args:
        signed: array, shape (k + 1, doses, n). Each problem's signed effect [y(a) − y(−a)]/2; NaN:
            missing. Each direction's sums are over the problems that it has, per problem.
        shrinkage: κ in units of the median Σ|s| of the k + 1 directions at the dose.

    Returns:
        Array, shape (k + 1, doses); 0 where a direction changes nothing.
    """
    s = numbers("signed", signed, missing=True)
    if s.ndim != 3:
        raise Refusal(f"signed must be (directions, doses, problems), found shape {s.shape}")
    if np.isnan(s).all(axis=2).any():
        raise Refusal("a direction has no outcome at a dose: leave it or the dose out")
    net, changed = np.nanmean(s, axis=2), np.nanmean(np.abs(s), axis=2)
    return shares(net, changed, shrinkage * np.median(changed, axis=0))


def shares(net: Array, changed: Array, kappa: Array) -> Array:
    """Net changes over all changes plus κ; 0 where there are none."""
    below = changed + kappa
    return np.divide(net, below, out=np.zeros_like(below), where=below > 0)


@dataclass(frozen=True, kw_only=True)
class ControlCorrelation(Estimate):
    """Likeness of controls among themselves: `estimate` is their mean pairwise cosine."""

    estimate: float
    p: float = field()
    k: int
    """Controls."""

    resamples: int
    """Random sign flips behind p."""


def control_correlation(
    signed: ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = 9999,
    significance: float = 0.01,
) -> ControlCorrelation:
    """Do the controls do the same to the same problems? Then they are fewer than they look.

    A control that is as likely to be drawn as its negative has signed effects without a direction
    of their own: the cosines between controls are 0 on average. p: the share of flips, one sign a
    control, whose mean cosine is at least the observed one.

    Args:
        signed: array, shape (k, n). Signed effects of each control on each problem (of several
            doses: one after another).
        significance: At most this p gives the status `correlated_controls`. Fewer controls than can
            reach it (8 at .01) have the status `too_few_controls`, unless all of them do the same:
            that needs no test.

    References:
        Crawford–Howell and the rank test have size .07, .135, .235 at correlations .1, .3, .5
        between control effects (simulated, k = 19).
    """
    s = numbers("signed", signed)
    generator(rng)
    resamples, significance = draws(resamples), level("significance", significance)
    if s.ndim != 2:
        raise Refusal(f"signed must be (controls, problems), found shape {s.shape}")
    length = np.linalg.norm(s, axis=1)
    unit = s[length > 0] / length[length > 0, None]
    k = len(unit)
    common: dict[str, Any] = {
        "method": "mean cosine of controls, sign flips",
        "scope": NEW_DIRECTIONS,
        "dropped": int((length == 0).sum()),
        "dropped_what": "controls whose sign changes nothing",
        "k": k,
        "n": k,
        "resamples": resamples,
    }
    if k < 2:
        return ControlCorrelation(estimate=0.0, p=1.0, status=NO_INFORMATION, **common)
    gram = unit @ unit.T
    reached = 0
    for start in range(0, resamples, BLOCK):
        signs = rng.integers(0, 2, (min(BLOCK, resamples - start), k)) * 2.0 - 1.0
        drawn = ((signs @ gram) * signs).sum(axis=1)
        reached += int((drawn >= gram.sum() - 1e-9).sum())
    p = (1 + reached) / (resamples + 1)
    alike = bool((gram > 1 - 1e-9).all())
    # All signs equal is one flip of 2^(k - 1) that are different.
    few = 2.0 ** (1 - k) > significance
    return ControlCorrelation(
        estimate=float((gram.sum() - k) / (k * (k - 1))),
        p=p,
        status=CORRELATED_CONTROLS
        if alike or p <= significance
        else TOO_FEW_CONTROLS
        if few
        else OK,
        **common,
    )


@dataclass(frozen=True, kw_only=True)
class OrderInterval(Interval):
    """Where one more control would fall, by order statistics; `estimate` is the median.

    `confidence` is the coverage that k exchangeable controls give it, not the one asked for.
    """

    estimate: float
    low: float = field()
    high: float = field()


def order_interval(controls: ArrayLike, *, confidence: float = 0.95) -> OrderInterval:
    """Prediction interval without a distribution: between the r-th smallest and r-th largest.

    Of k + 1 exchangeable values the new one is below the r-th smallest of the others with
    probability r/(k + 1), so the interval covers 1 − 2r/(k + 1). r is the largest that keeps
    `confidence`; with fewer controls than that needs the interval runs from the smallest to the
    largest, covers (k − 1)/(k + 1), and the status says `too_few_controls`.

    References:
        Wilks (1941), Annals of Mathematical Statistics 12(1), 91–96.
    """
    c, confidence = numbers("controls", controls), level("confidence", confidence)
    if c.ndim != 1 or len(c) < 2:
        raise Refusal(f"controls must be a list of at least two effects, found shape {c.shape}")
    c = np.sort(c)
    k = len(c)
    r = int(np.floor((1 - confidence) / 2 * (k + 1) + 1e-9))
    return OrderInterval(
        method="order statistics of the controls",
        n=k,
        estimate=float(np.median(c)),
        low=float(c[max(r, 1) - 1]),
        high=float(c[k - max(r, 1)]),
        confidence=1 - 2 * max(r, 1) / (k + 1),
        status=OK if r >= 1 else TOO_FEW_CONTROLS,
        scope=NEW_DIRECTIONS,
    )


def normality(controls: ArrayLike) -> float | None:
    """Shapiro–Wilk p of control effects; None below three of them or where all are equal.

    A check, not a licence: few controls pass it whatever their tails are.

    References:
        Shapiro & Wilk (1965), Biometrika 52(3/4), 591–611.
    """
    c = numbers("controls", controls)
    if c.ndim != 1 or len(c) < 3 or np.ptp(c) <= 1e-12 * np.abs(c).max():
        return None
    return float(stats.shapiro(c).pvalue)


def _table(values: ArrayLike) -> Array:
    v = numbers("values", values)
    if v.ndim != 2 or len(v) < 2 or v.shape[1] < 1:
        raise Refusal(
            f"values must be (candidate and controls, doses), at least 2 × 1, found {v.shape}"
        )
    return v
