"""The whole curve over alpha: what the direction's sign does, and what any push does.

f(a) is accuracy at alpha a. The signed effect [f(a) − f(−a)]/2 is specific to the direction; the
even part [f(a) + f(−a)]/2 − f(0), called damage, is what +a and −a share. "Any push hurts" is
not "the direction means something".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.statistics.checks import answers, draws, generator, level, numbers
from analysis.statistics.results import NO_INFORMATION, OK, Estimate, Refusal, floor_p
from analysis.statistics.score import shares
from analysis.statistics.signflips import (
    Array,
    MaxT,
    SignFlips,
    family_of_flips,
    max_t,
    simultaneous_band,
)

# Doses closer than this, relative to their size, are one dose.
ALPHA_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class DoseResponse(Estimate):
    """Trend of the curve and its two parts.

    `estimate` is the mean signed slope: change in accuracy per unit of alpha, least squares
    through the signed effects; `low`, `high` its t interval over problems (Tango's, times the
    steepest slope possible, where no slope differs from 0); `p` the reflection test of the trend.
    `signed` and `damage` hold one entry per size in `sizes`, fractions, each with simultaneous
    limits. `curve` is max-T of every alpha ≠ 0 against alpha 0 with its band. `against_rising`
    (`against_falling`) is the p-value of "nowhere falls" ("nowhere rises"):
    small when some pair of alphas contradicts it; `turns` counts changes of direction.
    """

    estimate: float
    low: float = field()
    high: float = field()
    p: float = field()
    alphas: Array
    """Doses [m], rising, 0 among them."""

    sizes: Array
    """Sizes |alpha| [s] that were run at both signs."""

    signed: MaxT
    """[f(a) − f(−a)]/2 at each size, with simultaneous limits."""

    damage: MaxT
    """[f(a) + f(−a)]/2 − f(0) at each size, with simultaneous limits."""

    curve: MaxT
    """Each alpha ≠ 0 against alpha 0, with a band."""

    against_rising: float
    """P of "nowhere falls"."""

    against_falling: float
    """P of "nowhere rises"."""

    turns: int
    """How often the curve changes direction."""

    unpaired_alphas: tuple[float, ...]
    """Doses without their opposite, which `signed` and `damage` leave out."""


def dose_response(
    outcomes: ArrayLike,
    alphas: Sequence[float] | Array,
    *,
    rng: np.random.Generator,
    baseline: ArrayLike | None = None,
    resamples: int = 9999,
    confidence: float = 0.95,
) -> DoseResponse:
    """Signed effect, damage, trend and monotonicity of accuracy over alpha.

    Args:
        outcomes: array, shape (n, m). Outcome of each problem at each alpha: 0/1, or a mean over
            seeds. NaN: missing; only problems with an outcome at every alpha are used.
        alphas: m numbers. Alpha of each column, in any order, with ±a pairs; 0 among them unless
            `baseline` is given.
        baseline: array, shape (n,). The column of alpha 0.

    Notes:
        Trend: the slope of each problem's curve is tested by *reflecting* it, a ↔ −a, which flips
        the slope's sign and leaves damage alone. Permuting doses freely would take them as
        exchangeable, which even damage breaks (size .246; reflection .054). Alphas without their
        mirror image take no part in the trend and are named in `unpaired_alphas`. Monotonicity:
        over all pairs of alphas a < b, the largest standardised step against the order, referred to
        sign flips of whole rows centred at no change (equality is least favourable).

    Raises:
        Refusal: No ±a pair, no alpha 0, or an alpha given twice.

    References:
        Fisher (1935), The Design of Experiments, section 21 (sign flips). Westfall & Young (1993).
    """
    generator(rng)
    confidence, resamples = level("confidence", confidence), draws(resamples)
    doses, y, dropped = _curve(outcomes, alphas, baseline)
    n = len(y)
    mirrored = np.isin(-doses, doses)
    sizes = doses[mirrored & (doses > 0)]
    if not len(sizes):
        raise Refusal(
            f"no alpha has its mirror image among {doses.tolist()}: the signed effect needs +a and "
            "−a; for one side alone call max_t or best_alpha"
        )
    column = {float(a): y[:, i] for i, a in enumerate(doses)}
    zero = column[0.0]
    # Doubled, so that 0/1 outcomes give whole numbers and the flips are counted exactly.
    signed = np.stack([column[a] - column[-a] for a in sizes], axis=1)
    damage = np.stack([column[a] + column[-a] - 2 * zero for a in sizes], axis=1)
    others = np.stack([column[float(a)] for a in doses if a != 0], axis=1)
    options: dict[str, Any] = {
        "rng": rng,
        "resamples": resamples,
        "confidence": confidence,
    }
    slopes = signed @ sizes / (2 * sizes @ sizes)
    bounded = shares(y)
    steepest = sizes.sum() / (2 * sizes @ sizes) if bounded else None
    low, high = _t_interval(slopes, confidence, unit=None if slopes.any() else steepest)
    falls, rises = _order_p(y, rng, resamples)
    return DoseResponse(
        method="reflection trend, sign flips",
        n=n,
        estimate=float(slopes.mean()),
        low=low,
        high=high,
        confidence=confidence,
        p=_reflection_p(slopes, rng, resamples),
        statistic=float(slopes.sum()),
        status=OK if slopes.any() else NO_INFORMATION,
        dropped=dropped,
        dropped_what="problems without an outcome at every alpha",
        alphas=doses,
        sizes=sizes,
        signed=_halves(signed, 1.0 if bounded else None, **options),
        damage=_halves(damage, 2.0 if bounded else None, **options),
        curve=max_t(others, zero, **options),
        against_rising=falls,
        against_falling=rises,
        turns=_turns(y.mean(axis=0)),
        unpaired_alphas=tuple(doses[~mirrored].tolist()),
    )


def _curve(
    outcomes: ArrayLike, alphas: Sequence[float] | Array, baseline: ArrayLike | None
) -> tuple[Array, Array, int]:
    y, doses = answers("outcomes", outcomes), numbers("alphas", alphas)
    if y.ndim != 2 or doses.shape != y.shape[1:]:
        raise Refusal(
            f"outcomes must be (n problems, m alphas), found {y.shape} with {doses.size} alphas: "
            "average several seeds within each problem first"
        )
    if baseline is not None:
        zero = answers("baseline", baseline)
        if zero.shape != y.shape[:1]:
            raise Refusal(f"baseline must be ({len(y)},), found {zero.shape}")
        y, doses = np.column_stack([zero, y]), np.concatenate([[0.0], doses])
    doses = _mirrored(doses)
    if len(np.unique(doses)) < len(doses):
        raise Refusal(f"an alpha stands twice in {doses.tolist()} (alpha 0 is the baseline)")
    if not (doses == 0).any():
        raise Refusal("alpha 0 is missing: pass its outcomes as baseline")
    order = np.argsort(doses)
    complete = ~np.isnan(y).any(axis=1)
    if complete.sum() < 2:
        raise Refusal(f"{complete.sum()} problems have an outcome at every alpha: 2 are needed")
    return doses[order], y[complete][:, order], int((~complete).sum())


def _mirrored(doses: Array) -> Array:
    """Doses of one size with that very number, and what rounding made of 0 as 0.

    Multiples of a step come as 0.30000000000000004 on one side and −0.3 on the other.
    """
    tolerance = ALPHA_TOLERANCE * np.abs(doses).max(initial=0.0)
    sizes = np.where(np.abs(doses) <= tolerance, 0.0, np.abs(doses))
    near = np.isclose(sizes[:, None], sizes, rtol=ALPHA_TOLERANCE, atol=0.0)
    # The first of each size in the list; that of a positive dose comes before its mirror image.
    first = [int(min(np.flatnonzero(row), key=lambda at: (doses[at] < 0, at))) for row in near]
    return np.copysign(sizes[first], doses) + 0.0


def _halves(doubled: Array, unit: float | None, **options: Any) -> MaxT:
    """max-T of per-problem values that came doubled, with estimates in their own unit."""
    n = np.full(doubled.shape[1], len(doubled))
    family = family_of_flips(doubled, n, unit=unit, **options)
    return replace(
        family,
        estimate=family.estimate / 2,
        low=family.low / 2,
        high=family.high / 2,
    )


def _t_interval(values: Array, confidence: float, *, unit: float | None) -> tuple[float, float]:
    # The inversion of |Σ(d − δ)|/√Σ(d − δ)² at this critical value is Student's interval.
    n = len(values)
    t = float(stats.t.isf((1 - confidence) / 2, n - 1))
    critical = float(np.sqrt(n * t**2 / (n - 1 + t**2)))
    low, high = simultaneous_band(values[:, None], np.array([n]), critical, unit=unit)
    return float(low[0]), float(high[0])


def _reflection_p(slopes: Array, rng: np.random.Generator, resamples: int) -> float:
    flips = SignFlips(slopes[:, None], rng=rng, resamples=resamples)
    observed = abs(float(flips.rows.sum(dtype=float)))
    slack = 1e-9 * float(np.abs(slopes).sum())
    reached = sum(int((np.abs(sums[:, 0]) >= observed - slack).sum()) for _, sums in flips)
    return float(floor_p(flips.p_value(reached)))


def _order_p(y: Array, rng: np.random.Generator, resamples: int) -> tuple[float, float]:
    """P-values against "nowhere falls" and against "nowhere rises"."""
    first, second = np.triu_indices(y.shape[1], 1)
    steps = y[:, second] - y[:, first]
    steps = steps[:, (steps != 0).any(axis=0)]
    if not steps.shape[1]:
        return 1.0, 1.0
    root = np.sqrt((steps**2).sum(axis=0))
    observed = steps.sum(axis=0) / root
    fall, rise = float((-observed).max()), float(observed.max())
    flips = SignFlips(steps, rng=rng, resamples=resamples)
    falls = rises = 0
    for _, sums in flips:
        t = sums / root
        falls += int((-t.min(axis=1) >= fall - 1e-9).sum())
        rises += int((t.max(axis=1) >= rise - 1e-9).sum())
    return float(floor_p(flips.p_value(falls))), float(floor_p(flips.p_value(rises)))


def _turns(means: Array) -> int:
    directions = np.sign(np.diff(means))
    directions = directions[directions != 0]
    return int((directions[1:] != directions[:-1]).sum())
