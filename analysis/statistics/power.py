"""Power of the paired tests before collecting: exact sums over all discordant counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from analysis.statistics.checks import LARGEST_LISTED, count, fraction, level, number, whole
from analysis.statistics.paired import anytime_p, chi2_p, exact_p, mid_p
from analysis.statistics.results import NOT_CONVERGED, OK, Refusal, Result, written
from analysis.vocabulary import FinalTest, checked

# Tails of a sum that are left out, and how far ahead of a sample size teeth are looked for.
_RARE = 1e-18
_AHEAD = 60


@dataclass(frozen=True, kw_only=True)
class Power(Result):
    """The chance that a test of `n` problems rejects."""

    power: float = field(metadata=written("estimate"))
    """That chance."""

    effect: float
    """P(gained) - P(lost), a fraction of problems."""

    discordance: float
    """P(gained) + P(lost), a fraction of problems."""

    significance: float = field(metadata=written("alpha"))
    """Level of the two-sided test."""


@dataclass(frozen=True, kw_only=True)
class DetectableEffect(Result):
    """The smallest effect that a test of `n` problems finds with the power asked."""

    effect: float = field(metadata=written("estimate"))
    """A fraction of problems; NaN where no effect has that power."""

    asked: float = field(metadata=written("power", "asked"))
    """The power asked."""

    discordance: float
    """P(gained) + P(lost), a fraction of problems."""

    significance: float = field(metadata=written("alpha"))
    """Level of the two-sided test."""


@dataclass(frozen=True, kw_only=True)
class SampleSize(Result):
    """How many problems a test needs for the power asked; `n` is that, or the last one tried."""

    problems: float = field(metadata=written("estimate"))
    """How many; NaN where the search gave up."""

    power: float
    """The power that they give."""

    asked: float
    """The power asked."""

    discordance: float
    """P(gained) + P(lost), a fraction of problems."""

    significance: float = field(metadata=written("alpha"))
    """Level of the two-sided test."""


def rejection_count(
    changed: ArrayLike, method: FinalTest, significance: float
) -> NDArray[np.int64]:
    """Largest smaller-count at which `changed` discordant pairs reject; -1 if none."""
    total = whole("changed", changed)
    checked(method, FinalTest, "method")
    if method == "e-value":
        return _rejected_by_e_value(total, significance)
    if method == "chi2":
        z = special.ndtri(1 - significance / 2)
        guess = np.floor((total - z * np.sqrt(total)) / 2).astype(np.int64)
    else:
        guess = stats.binom.ppf(significance / 2, total, 0.5).astype(np.int64)
    best = np.full(total.shape, -1, dtype=np.int64)
    for step in (-2, -1, 0, 1):
        k = np.clip(guess + step, 0, total // 2)
        p = {"midp": mid_p, "exact": exact_p}.get(method, lambda a, b: chi2_p(a, b)[1])(
            k, total - k
        )
        best = np.where(p <= significance, np.maximum(best, k), best)
    return best


def _rejected_by_e_value(total: NDArray[np.int64], significance: float) -> NDArray[np.int64]:
    """`rejection_count` of the e-value, whose p rises with the smaller count: by halving."""
    low, high = np.full(total.shape, -1, dtype=np.int64), total // 2 + 1
    for _ in range(int(total.max(initial=1)).bit_length() + 1):
        middle = (low + high) // 2
        rejects = (middle >= 0) & (anytime_p(middle, total - middle) <= significance)
        low, high = np.where(rejects, middle, low), np.where(rejects, high, middle)
    return low


def likely(n: int, rate: float) -> NDArray[np.int64]:
    """The successes among `n` that have any weight: outside lie 2e-18, less than a sum's rounding.

    There are about 17 √n of them, which keeps sums over a million problems within a second.
    """
    # The upper end by the failures: 1 - 1e-18 is 1, and its quantile n.
    low, beyond = (int(stats.binom.ppf(_RARE, n, share)) for share in (rate, 1 - rate))
    return np.arange(low, n - beyond + 1)


def _power(
    n: int,
    effect: float,
    discordance: float,
    changed: NDArray[np.int64],
    rejects: NDArray[np.int64],
) -> float:
    """Sum over the `likely` numbers of discordant pairs; `rejects` is their `rejection_count`."""
    share = (discordance + effect) / (2 * discordance)
    weight = stats.binom.pmf(changed, n, discordance)
    lower = stats.binom.cdf(rejects, changed, share)
    upper = stats.binom.sf(changed - rejects - 1, changed, share)
    return min(1.0, float(weight @ np.where(rejects >= 0, lower + upper, 0.0)))


def named_test(method: FinalTest) -> str:
    """How results name the test."""
    return method if method == "e-value" else f"mcnemar {method}"


def check_rates(
    discordance: float | None, significance: float, effect: float | None = None
) -> tuple[float, float]:
    """Discordance and level, once they and the effect are such that a power can be asked for.

    Raises:
        Refusal: no discordance, percentages, or an effect larger than the discordance.
    """
    if discordance is None:
        raise Refusal(
            "discordance is missing: pass the share of problems that change, (gained + lost)/n, "
            "from a pilot or from the store (see discordance)"
        )
    discordance = min(1.0, fraction("discordance", discordance, high=1.0 + 1e-12))
    significance = level("significance", significance)
    if effect is not None and not abs(effect) <= discordance:
        raise Refusal(
            f"effect {effect:g} exceeds discordance {discordance:g}: the net change cannot be "
            "larger than the change (fractions, 5 points = 0.05)"
        )
    return discordance, significance


def mcnemar_power(
    n: int,
    *,
    effect: float,
    discordance: float | None = None,
    method: FinalTest = "midp",
    significance: float = 0.05,
) -> Power:
    """Probability that the test rejects, exactly, with n problems.

    Args:
        n: problems.
        effect: P(gained) - P(lost), a fraction.
        discordance: P(gained) + P(lost), from a pilot, the store or the plan.
        method: the test that will be used: ``"midp"``, ``"exact"``, ``"chi2"`` (which is
            whether Tango's interval excludes 0) or ``"e-value"`` (at the last problem alone;
            looking earlier only adds).
        significance: level of the two-sided test.

    Raises:
        Refusal: no discordance, an effect larger than the discordance, n < 1.

    Notes:
        Problems are independent and share one probability of each change. With effect 0 the
        figure is the size of the test.

    References:
        Duffy, Biometrics 40 (1984) 1005.
    """
    effect = number("effect", effect)
    rate, significance = check_rates(discordance, significance, effect)
    problems = count("n", n, least=1, most=LARGEST_LISTED)
    changed = likely(problems, rate)
    rejects = rejection_count(changed, method, significance)
    return Power(
        method=f"{named_test(method)} power",
        power=_power(problems, effect, rate, changed, rejects),
        n=problems,
        effect=effect,
        discordance=rate,
        significance=significance,
    )


def minimum_detectable_effect(
    n: int,
    *,
    discordance: float | None = None,
    power: float = 0.8,
    method: FinalTest = "midp",
    significance: float = 0.05,
) -> DetectableEffect:
    """Smallest effect (a fraction) that n problems detect with the power asked.

    Args:
        n: problems.
        discordance: share of problems that change.
        power, method, significance: as in `mcnemar_power`.

    Returns:
        `DetectableEffect`; where even effect = discordance (all changes one way) has too little
        power it is NaN with status ``not_converged``.

    Raises:
        Refusal: no discordance, or n < 1.
    """
    rate, significance = check_rates(discordance, significance)
    power = fraction("power", level("power", power), low=significance)
    problems = count("n", n, least=1, most=LARGEST_LISTED)
    changed = likely(problems, rate)
    rejects = rejection_count(changed, method, significance)

    def spare(effect: float) -> float:
        """How much more power an effect has than was asked for."""
        return _power(problems, effect, rate, changed, rejects) - power

    reached = spare(rate) >= 0
    # Without any effect mid-p may reject a little more often than the level, and than asked here.
    smallest = 0.0 if not reached or spare(0.0) >= 0 else optimize.brentq(spare, 0.0, rate)
    return DetectableEffect(
        method=f"smallest effect, {named_test(method)}",
        effect=smallest if reached else float("nan"),
        n=problems,
        asked=power,
        discordance=rate,
        significance=significance,
        status=OK if reached else NOT_CONVERGED,
    )


def _last_below(reached: Callable[[int], float], power: float, n: int) -> int | None:
    """The last of the next 5 % of problems from `n` on at which `power` is not reached.

    Beyond `_AHEAD` of them as many are looked at, evenly: power is then smooth, for the number of
    changes varies by more than its teeth are wide.
    """
    ahead = n // 20 + 1
    tried = np.unique(np.linspace(n, n + ahead, min(ahead, _AHEAD) + 1).astype(int))[::-1].tolist()
    return next((more for more in tried if reached(more) < power), None)


def sample_size(
    *,
    effect: float,
    discordance: float | None = None,
    power: float = 0.8,
    method: FinalTest = "midp",
    significance: float = 0.05,
    largest: int = 100_000,
) -> SampleSize:
    """Problems from which the power asked is reached and, in the next 5 %, kept.

    Power is a saw-tooth in n, so the first n that reaches it may be followed by ones that do not:
    the next 5 % are looked at, beyond 1,200 problems at 60 of them.

    Args:
        effect, discordance, power, method, significance: as in `mcnemar_power`.
        largest: where the search gives up, with status ``not_converged``.

    Raises:
        Refusal: no discordance, or an effect of 0 or beyond the discordance.
    """
    effect = number("effect", effect)
    rate, significance = check_rates(discordance, significance, effect)
    power = fraction("power", level("power", power), low=significance)
    if effect == 0:
        raise Refusal("effect is 0: no number of problems detects it; see equivalence")
    largest = count("largest", largest, least=1, most=LARGEST_LISTED)

    def reached(n: int) -> float:
        """Power with n problems."""
        changed = likely(n, rate)
        rejects = rejection_count(changed, method, significance)
        return _power(n, effect, rate, changed, rejects)

    low, high = 1, 2
    # Far beyond reach, by the normal approximation, the largest alone is computed.
    z = special.ndtri(1 - significance / 2) + special.ndtri(power)
    far = z > 0 and z**2 * (rate - effect**2) > 4 * largest * effect**2
    hopeless = far and reached(largest) < power
    while not hopeless and high < largest and reached(high) < power:
        low, high = high, high * 2
    enough = not hopeless and reached(high) >= power
    while enough and high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= power else (middle, high)
    # From the far end: what comes back below the power asked is passed in one step.
    while enough and (bad := _last_below(reached, power, high)):
        high = bad + 1
    return SampleSize(
        method=f"problems needed, {named_test(method)}",
        problems=high if enough else float("nan"),
        n=high if enough else largest,
        power=reached(high) if enough else float("nan"),
        asked=power,
        discordance=rate,
        significance=significance,
        status=OK if enough else NOT_CONVERGED,
    )
