"""Power of equivalence, of the signed effect and of the trend over alpha, before collecting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from analysis.statistics.checks import LARGEST_LISTED, count, flag, fraction, number, numbers, pairs
from analysis.statistics.equivalence import score_tail
from analysis.statistics.power import Power, check_rates, likely, mcnemar_power
from analysis.statistics.results import Refusal
from analysis.vocabulary import TestMethod, shown


@dataclass(frozen=True, kw_only=True)
class MarginPower(Power):
    """The chance that equivalence, or no harm, is shown within `margin`."""

    margin: float
    """The largest change that does not matter, a fraction of problems."""


@dataclass(frozen=True, kw_only=True)
class TrendPower(Power):
    """The chance that the reflection test sees a slope; `effect` is the slope per unit of alpha."""

    standard_error: float
    """Of the slope."""


def equivalence_power(
    n: int,
    *,
    margin: float | None = None,
    discordance: float | None = None,
    effect: float = 0.0,
    one_sided: bool = False,
    significance: float = 0.05,
) -> MarginPower:
    """Probability that `equivalence` (or `non_inferiority`) is shown, exactly, with n problems.

    Args:
        n: problems.
        margin: the largest change that does not matter, a fraction.
        discordance: P(gained) + P(lost), from a pilot, the store or the plan.
        effect: P(gained) - P(lost); at −margin or margin the figure is the size of the test.
        one_sided: of `non_inferiority` instead.
        significance: of each one-sided test.

    Raises:
        Refusal: no margin, no discordance, an effect larger than the discordance, n < 1.

    Notes:
        A sum over all (gained, lost). Problems are independent and share one probability of each
        change.

    References:
        Liu, Hsueh, Hsieh & Chen (2002), Statistics in Medicine 21, 231–245.
    """
    if margin is None:
        raise Refusal("margin is missing: which change would not matter, e.g. margin=0.05?")
    margin, effect = fraction("margin", margin), number("effect", effect)
    rate, significance = check_rates(discordance, significance, effect)
    problems = count("n", n, least=1, most=LARGEST_LISTED // 10)
    two_sided = not flag("one_sided", one_sided)
    share, power = (rate + effect) / (2 * rate), 0.0
    for c in likely(problems, rate).tolist():
        gained = likely(c, share)
        tables = pairs(gained, c - gained, problems)
        p = score_tail(tables, -margin, upper=True)
        if two_sided:
            p = np.maximum(p, score_tail(tables, margin, upper=False))
        weight = stats.binom.pmf(c, problems, rate) * stats.binom.pmf(gained, c, share)
        power += float(weight @ (p < significance))
    return MarginPower(
        method="equivalence power" if two_sided else "non-inferiority power",
        power=min(power, 1.0),
        n=problems,
        effect=effect,
        discordance=rate,
        significance=significance,
        margin=margin,
    )


def signed_power(
    n: int,
    *,
    signed: float,
    discordance: float | None = None,
    method: TestMethod = "exact",
    significance: float = 0.05,
) -> Power:
    """Power for a signed effect [f(a) − f(−a)]/2 at one dose, exactly.

    The test is McNemar's between +a and −a, whose effect is twice the signed effect.

    Args:
        n: problems.
        signed: the signed effect, a fraction.
        discordance: share of problems answered differently at +a and at −a: not that against the
            baseline.
        method: ``"exact"`` is the test of `dose_response` with one pair of alphas.
        significance: level of the two-sided test.

    Raises:
        Refusal: no discordance, or less than twice the signed effect.
    """
    signed = number("signed", signed)
    discordance = None if discordance is None else number("discordance", discordance)
    if discordance is not None and abs(signed) > discordance / 2:
        raise Refusal(
            f"signed effect {signed:g} exceeds half of the discordance {discordance:g}: the change "
            "from −a to +a is twice the signed effect"
        )
    found = mcnemar_power(
        n, effect=2 * signed, discordance=discordance, method=method, significance=significance
    )
    return Power(
        method=f"signed effect power, mcnemar {method}",
        power=found.power,
        n=found.n,
        effect=signed,
        discordance=found.discordance,
        significance=significance,
    )


def trend_power(
    n: int,
    *,
    slope: float,
    alphas: Sequence[float],
    discordance: ArrayLike | None = None,
    correlation: float = 0.0,
    significance: float = 0.05,
) -> TrendPower:
    """Power of the reflection test of a slope, by a normal approximation.

    Args:
        n: problems.
        slope: change in accuracy per unit of alpha; the signed effect at a is slope · a.
        alphas: the sizes a > 0 that are run as +a and −a.
        discordance: share of problems answered differently at +a and at −a, one number or one for
            each size.
        correlation: of the differences between +a and −a at two sizes, over problems: 0 where runs
            differ by chance, towards 1 where problems hold on to their answers along the curve.
        significance: level of the two-sided test.

    Raises:
        Refusal: sizes that are not positive, no discordance, or one below twice slope · a.

    Notes:
        Each problem's slope has variance Σᵢⱼ wᵢ wⱼ rᵢⱼ sᵢ sⱼ with w = a/(2 Σ a²) and
        s² = discordance − (2 slope a)²; the test rejects where t exceeds z/√(1 − z²/n), which is
        where |Σd|/√Σd² exceeds z.
    """
    problems, sizes = count("n", n, least=2), numbers("alphas", alphas)
    slope, correlation = number("slope", slope), number("correlation", correlation)
    if sizes.ndim != 1 or not sizes.size or (sizes <= 0).any() or len(set(sizes)) < sizes.size:
        raise Refusal(f"alphas must be the sizes a > 0 run as +a and −a, found {shown(alphas)}")
    if not 0 <= correlation <= 1:
        raise Refusal(f"correlation must lie between 0 and 1, found {correlation:g}")
    if discordance is None:
        check_rates(None, significance)
    given = numbers("discordance", discordance)  # type: ignore[arg-type]
    if given.shape not in ((), sizes.shape):
        raise Refusal(f"discordance has shape {given.shape}: pass one number, or one per alpha")
    rates = []
    for rate, a in zip(np.broadcast_to(given, sizes.shape).tolist(), sizes, strict=True):
        checked_rate, significance = check_rates(rate, significance, 2 * slope * a)
        rates.append(checked_rate)
    spread = np.sqrt(np.maximum(np.array(rates) - (2 * slope * sizes) ** 2, 0.0))
    weighted = sizes / (2 * sizes @ sizes) * spread
    variance = (1 - correlation) * (weighted @ weighted) + correlation * weighted.sum() ** 2
    error = float(np.sqrt(max(variance, 0.0) / problems))
    z = float(special.ndtri(1 - significance / 2))
    critical = z / np.sqrt(1 - z**2 / problems) if z**2 < problems else np.inf
    shift = slope / error if error > 0 else np.inf * np.sign(slope)
    power = float(special.ndtr(shift - critical) + special.ndtr(-shift - critical))
    return TrendPower(
        method="reflection trend power, normal approximation",
        power=power,
        n=problems,
        effect=slope,
        discordance=float(np.mean(rates)),
        significance=significance,
        standard_error=error,
    )
