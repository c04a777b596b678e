"""Power of McNemar's tests before collecting: exact sums over all discordant counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from analysis.statistics.counts import fraction, whole
from analysis.statistics.paired import chi2_p, exact_p, mid_p
from analysis.statistics.results import NOT_CONVERGED, OK, Refusal, Result

PowerMethod = Literal["midp", "exact", "chi2"]


@dataclass(frozen=True, kw_only=True)
class Power(Result):
    """`estimate` is the power; `effect` and `discordance` are fractions of problems."""

    effect: float
    discordance: float
    alpha: float


@dataclass(frozen=True, kw_only=True)
class SampleSize(Result):
    """`estimate` is a number of problems, or the smallest detectable effect (a fraction)."""

    power: float
    asked: float
    discordance: float
    alpha: float


def rejection_count(changed: Any, method: str, alpha: float) -> NDArray[np.int64]:
    """Largest smaller-count at which `changed` discordant pairs reject at `alpha`; -1 if none."""
    total = whole("changed", changed)
    if method not in ("midp", "exact", "chi2"):
        raise Refusal(f"method must be midp, exact or chi2, found {method!r}")
    if method == "chi2":
        z = special.ndtri(1 - alpha / 2)
        guess = np.floor((total - z * np.sqrt(total)) / 2).astype(np.int64)
    else:
        guess = stats.binom.ppf(alpha / 2, total, 0.5).astype(np.int64)
    best = np.full(total.shape, -1, dtype=np.int64)
    for step in (-2, -1, 0, 1):
        k = np.clip(guess + step, 0, total // 2)
        p = {"midp": mid_p, "exact": exact_p}.get(method, lambda a, b: chi2_p(a, b)[1])(
            k, total - k
        )
        best = np.where(p <= alpha, np.maximum(best, k), best)
    return best


def _power(n: int, effect: float, discordance: float, rejects: NDArray[np.int64]) -> float:
    """Sum over the number of discordant pairs; `rejects` is `rejection_count` of 0..n."""
    changed = np.arange(n + 1)
    share = (discordance + effect) / (2 * discordance)
    weight = stats.binom.pmf(changed, n, discordance)
    lower = stats.binom.cdf(rejects, changed, share)
    upper = stats.binom.sf(changed - rejects - 1, changed, share)
    return float(weight @ np.where(rejects >= 0, lower + upper, 0.0))


def _check(discordance: float | None, alpha: float, effect: float | None = None) -> float:
    if discordance is None:
        raise Refusal(
            "discordance is missing: pass the share of problems that change, (gained + lost)/n, "
            "from a pilot or from the store (see discordance)"
        )
    fraction("discordance", discordance, high=1.0 + 1e-12)
    fraction("alpha", alpha)
    if effect is not None and not abs(effect) <= discordance:
        raise Refusal(
            f"effect {effect:g} exceeds discordance {discordance:g}: the net change cannot be "
            "larger than the change (fractions, 5 points = 0.05)"
        )
    return float(discordance)


def mcnemar_power(
    n: int,
    *,
    effect: float,
    discordance: float | None = None,
    method: PowerMethod = "midp",
    alpha: float = 0.05,
) -> Power:
    """Probability that the test rejects, exactly, with n problems.

    Args:
        n: problems.
        effect: P(gained) - P(lost), a fraction.
        discordance: P(gained) + P(lost), from a pilot, the store or the plan.
        method: the test that will be used: ``"midp"``, ``"exact"`` or ``"chi2"`` (which is
            whether Tango's interval excludes 0).
        alpha: level of the two-sided test.

    Raises:
        Refusal: no discordance, an effect larger than the discordance, n < 1.

    Notes:
        Problems are independent and share one probability of each change. With effect 0 the
        figure is the size of the test.

    References:
        Duffy, Biometrics 40 (1984) 1005.
    """
    rate = _check(discordance, alpha, effect)
    problems = int(whole("n", n))
    if problems < 1:
        raise Refusal("n must be at least 1")
    rejects = rejection_count(np.arange(problems + 1), method, alpha)
    return Power(
        method=f"mcnemar {method} power",
        estimate=_power(problems, effect, rate, rejects),
        n=problems,
        effect=float(effect),
        discordance=rate,
        alpha=alpha,
    )


def minimum_detectable_effect(
    n: int,
    *,
    discordance: float | None = None,
    power: float = 0.8,
    method: PowerMethod = "midp",
    alpha: float = 0.05,
) -> SampleSize:
    """Smallest effect (a fraction) that n problems detect with the power asked.

    Args:
        n: problems.
        discordance: share of problems that change.
        power, method, alpha: as in `mcnemar_power`.

    Returns:
        `SampleSize`; where even effect = discordance (all changes one way) has too little power
        the estimate is NaN with status ``not_converged``.

    Raises:
        Refusal: no discordance, or n < 1.
    """
    rate = _check(discordance, alpha)
    fraction("power", power, low=alpha)
    problems = int(whole("n", n))
    if problems < 1:
        raise Refusal("n must be at least 1")
    rejects = rejection_count(np.arange(problems + 1), method, alpha)
    low, high = 0.0, rate
    reached = _power(problems, high, rate, rejects) >= power
    for _ in range(50 if reached else 0):
        middle = (low + high) / 2
        low, high = (
            (low, middle) if _power(problems, middle, rate, rejects) >= power else (middle, high)
        )
    return SampleSize(
        method=f"smallest effect, mcnemar {method}",
        estimate=high if reached else float("nan"),
        n=problems,
        power=power,
        asked=power,
        discordance=rate,
        alpha=alpha,
        status=OK if reached else NOT_CONVERGED,
    )


def sample_size(
    *,
    effect: float,
    discordance: float | None = None,
    power: float = 0.8,
    method: PowerMethod = "midp",
    alpha: float = 0.05,
    largest: int = 100_000,
) -> SampleSize:
    """Problems from which the power asked is reached and, in the next 5 %, kept.

    Power is a saw-tooth in n, so the first n that reaches it may be followed by ones that do not.

    Args:
        effect, discordance, power, method, alpha: as in `mcnemar_power`.
        largest: where the search gives up, with status ``not_converged``.

    Raises:
        Refusal: no discordance, or an effect of 0 or beyond the discordance.
    """
    rate = _check(discordance, alpha, effect)
    fraction("power", power, low=alpha)
    if effect == 0:
        raise Refusal("effect is 0: no number of problems detects it; see equivalence")
    rejects = rejection_count(np.arange(2), method, alpha)

    def reached(n: int) -> float:
        nonlocal rejects
        if rejects.size <= n:
            rejects = rejection_count(np.arange(2 * n + 1), method, alpha)
        return _power(n, effect, rate, rejects[: n + 1])

    low, high = 1, 2
    while high < largest and reached(high) < power:
        low, high = high, high * 2
    found = high if reached(high) >= power else 0
    while found and high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= power else (middle, high)
    while found and (bad := [n for n in range(high, high + high // 20 + 2) if reached(n) < power]):
        high = bad[-1] + 1
    return SampleSize(
        method=f"problems needed, mcnemar {method}",
        estimate=high if found else float("nan"),
        n=high if found else largest,
        power=reached(high) if found else float("nan"),
        asked=power,
        discordance=rate,
        alpha=alpha,
        status=OK if found else NOT_CONVERGED,
    )
