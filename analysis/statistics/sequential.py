"""Looking before the end: e-values, confidence sequences and a futility rule for pairs.

All hold at every look at once, however often one looks, as long as the order of the problems was
fixed, or drawn at random, before any outcome was seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from analysis.statistics.checks import (
    LARGEST_LISTED,
    Counts,
    Pairs,
    count,
    fraction,
    level,
    number,
    one_table,
    pairs,
)
from analysis.statistics.intervals import constrained_loss
from analysis.statistics.paired import anytime_p, log_e_value
from analysis.statistics.power import likely, named_test, rejection_count
from analysis.statistics.results import (
    NO_INFORMATION,
    OK,
    Interval,
    N,
    Refusal,
    Result,
    floor_p,
    single,
    written,
)
from analysis.vocabulary import FinalTest, SequenceMethod, checked

Floats = NDArray[np.float64]
_BISECTIONS = 60


@dataclass(frozen=True, kw_only=True)
class EValue(Result[N]):
    """Evidence from `n` discordant pairs that may be looked at as often as one likes."""

    e: N = field(metadata=written("estimate"))
    """The e-value, a betting payoff: large is evidence."""

    p: N
    """min(1, 1/e), valid at every look."""

    log_e: N
    """Its logarithm, exact where `e` is too large for a double."""

    prior: str = "share gained ~ Uniform(0, 1) against 1/2"
    """Read as a Bayes factor, `e` is BF₁₀ with this prior of the share under the alternative."""


@overload
def e_value(gained: float, lost: float) -> EValue[float]: ...
@overload
def e_value(gained: ArrayLike, lost: ArrayLike) -> EValue[NDArray[Any]]: ...
def e_value(gained: ArrayLike, lost: ArrayLike) -> EValue[Any]:
    """Evidence against "as many gained as lost" that may be looked at after every problem.

    2^(g+l) B(g+1, l+1): the mean, over all odds, of the likelihood ratio against even odds.
    Rejecting when it reaches 20 has size at most .05 under continuous peeking. It is also the Bayes
    factor of a share gained that is uniform on (0, 1) against 1/2: with even prior odds, e/(1 + e)
    is the posterior probability that gains and losses are not equally likely.

    Args:
        gained, lost: counts so far, or arrays of counts.

    Returns:
        `EValue`; two-sided. 8 discordant pairs that all go one way are the fewest that reach 20.

    Raises:
        Refusal: counts that are not counts.

    References:
        Ville, Étude critique de la notion de collectif (1939); Grünwald, de Heide and Koolen,
        Journal of the Royal Statistical Society B 86 (2024) 1091.
    """
    counts = pairs(gained, lost)
    changed = counts.changed
    log_e = log_e_value(counts.gained, counts.lost)
    # Beyond the largest double the e-value is reported as that lower bound; log_e stays exact.
    value = np.exp(np.minimum(log_e, np.log(np.finfo(float).max)))
    result = EValue(
        method="e-value, uniform mixture",
        e=value,
        n=changed,
        p=floor_p(anytime_p(counts.gained, counts.lost)),
        status=np.where(changed == 0, NO_INFORMATION, OK),
        log_e=log_e,
    )
    return single(result) if counts.scalar else result


def _edge(inside: Callable[[Floats], NDArray[np.bool_]], centre: Floats, end: float) -> Floats:
    """Where `inside` stops holding between `centre` (inside) and `end`; `end` if it never does."""
    near, far = centre.astype(float), np.full(centre.shape, end)
    whole_side = inside(far)
    for _ in range(_BISECTIONS):
        middle = (near + far) / 2
        kept = inside(middle)
        near, far = np.where(kept, middle, near), np.where(kept, far, middle)
    return np.where(whole_side, end, far)


def binomial_sequence(k: Counts, n: Counts, confidence: float) -> tuple[Floats, Floats]:
    """Time-uniform limits of a proportion: {t: B(k+1, n-k+1)/(t^k (1-t)^(n-k)) < 1/(1-conf.)}."""
    total = np.maximum(n, 1)
    mixture = special.betaln(k + 1, n - k + 1)

    def inside(t: Floats) -> NDArray[np.bool_]:
        """Whether the mixture leaves these parameters possible."""
        likelihood = special.xlogy(k, t) + special.xlog1py(n - k, -t)
        return mixture - likelihood < -np.log(1 - confidence)

    centre = np.where(n == 0, 0.5, k / total)
    return _edge(inside, centre, 0.0), _edge(inside, centre, 1.0)


def _combined(counts: Pairs, confidence: float) -> tuple[Floats, Floats]:
    """Discordance times (2 share - 1), each half of the error."""
    half = (1 + confidence) / 2
    share = [2 * t - 1 for t in binomial_sequence(counts.gained, counts.changed, half)]
    rate = binomial_sequence(counts.changed, counts.n, half)
    low = share[0] * np.where(share[0] < 0, rate[1], rate[0])
    return low, share[1] * np.where(share[1] > 0, rate[1], rate[0])


def _multinomial(counts: Pairs, confidence: float) -> tuple[Floats, Floats]:
    """Effects whose most likely trinomial the Jeffreys mixture does not beat by 1/(1 - conf.)."""
    g, lo, n = (a.astype(float) for a in counts[:3])
    cells = (g, lo, n - g - lo)
    prior = 3 * special.gammaln(0.5) - special.gammaln(1.5)
    mixture = sum(special.gammaln(c + 0.5) for c in cells) - special.gammaln(n + 1.5) - prior

    def inside(delta: Floats) -> NDArray[np.bool_]:
        """Whether the mixture leaves these parameters possible."""
        loss = constrained_loss(g, lo, n, delta)
        gain = np.clip(loss + delta, 0.0, 1.0)
        rest = np.clip(1 - loss - gain, 0.0, 1.0)
        likelihood = sum(
            special.xlogy(c, p) for c, p in zip(cells, (gain, loss, rest), strict=True)
        )
        return mixture - likelihood < -np.log(1 - confidence)

    effect = (g - lo) / n
    return _edge(inside, effect, -1.0), _edge(inside, effect, 1.0)


@dataclass(frozen=True, kw_only=True)
class ConfidenceSequence(Interval[N]):
    """Limits that hold at every look at once.

    With `n`: `estimate`, `low`, `high` are (gained - lost)/n, a fraction. Without: the share gained
    among the discordant pairs. `share_low` and `share_high` are the latter in both cases.
    """

    share_low: N
    """Lower limit of the share gained among discordant pairs."""

    share_high: N
    """Upper limit of that share."""


@overload
def confidence_sequence(
    gained: float,
    lost: float,
    n: float | None = ...,
    *,
    method: SequenceMethod = ...,
    confidence: float = ...,
) -> ConfidenceSequence[float]: ...
@overload
def confidence_sequence(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike | None = ...,
    *,
    method: SequenceMethod = ...,
    confidence: float = ...,
) -> ConfidenceSequence[NDArray[Any]]: ...
def confidence_sequence(
    gained: ArrayLike,
    lost: ArrayLike,
    n: ArrayLike | None = None,
    *,
    method: SequenceMethod = "combined",
    confidence: float = 0.95,
) -> ConfidenceSequence[Any]:
    """Interval of the effect that may be read after every problem.

    Args:
        gained, lost: counts so far, or arrays of counts.
        n: problems so far; without it only the share gained has limits.
        method: for the effect in fractions of problems: ``"combined"`` joins one sequence for
            the share gained and one for the discordance, each with half of the error, and excludes
            0 sooner; ``"multinomial"`` bets on {-1, 0, +1} with a Jeffreys mixture and is mostly
            narrower. Choose before looking.
        confidence: probability that the true value is inside at every look.

    Raises:
        Refusal: counts that are not counts, a confidence outside (0, 1).

    References:
        Robbins, Annals of Mathematical Statistics 41 (1970) 1397; Waudby-Smith and Ramdas,
        Journal of the Royal Statistical Society B 86 (2024) 1.
    """
    counts = pairs(gained, lost, n)
    confidence = level("confidence", confidence)
    checked(method, SequenceMethod, "method")
    share = binomial_sequence(counts.gained, counts.changed, confidence)
    nothing = counts.changed == 0
    if n is None:
        name, limits = "confidence sequence of the share gained", share
        estimate = np.where(nothing, np.nan, counts.gained / np.maximum(counts.changed, 1))
    else:
        name = f"confidence sequence, {method}"
        limits = (_multinomial if method == "multinomial" else _combined)(counts, confidence)
        estimate = (counts.gained - counts.lost) / counts.n
    result = ConfidenceSequence(
        method=name,
        estimate=estimate,
        low=limits[0],
        high=limits[1],
        confidence=confidence,
        n=counts.n,
        status=np.where(nothing, NO_INFORMATION, OK),
        share_low=share[0],
        share_high=share[1],
    )
    return single(result) if counts.scalar else result


@dataclass(frozen=True, kw_only=True)
class Futility(Result):
    """Whether the final test can still reject, after `n` problems."""

    conditional_power: float = field(metadata=written("estimate"))
    """The chance that the final test rejects, given what has been seen."""

    stop: bool
    """Whether that chance lies below `threshold`."""

    threshold: float
    """The chance below which going on is futile."""

    planned_n: int
    """Problems planned in all."""


def futility(
    gained: int,
    lost: int,
    n: int,
    *,
    planned_n: int,
    effect: float,
    discordance: float,
    threshold: float = 0.1,
    significance: float = 0.05,
    method: FinalTest = "midp",
) -> Futility:
    """Whether the final test can still reject: conditional power given what has been seen.

    Args:
        gained, lost, n: counts so far.
        planned_n: problems planned in all.
        effect, discordance: what the plan expects of the problems to come (fractions).
        threshold: stop below this conditional power.
        significance, method: of the final two-sided test; ``"e-value"`` where one level is spent
            on looks and end together. That it may be reached before the end is left out.

    Returns:
        `Futility`. Stopping is for futility only: it never rejects, so looking as often as one
        likes leaves the size of the final test at most what it was.

    Raises:
        Refusal: fewer problems planned than seen, an effect beyond the discordance.

    References:
        Lan, Simon and Halperin, Sequential Analysis 1 (1982) 207 (stochastic curtailment).
    """
    gained, lost, n = one_table(gained, lost, n, most=LARGEST_LISTED)
    planned = count("planned_n", planned_n, most=LARGEST_LISTED)
    if planned < n:
        raise Refusal(f"planned_n = {planned} is less than the {n} problems already seen")
    discordance = min(1.0, fraction("discordance", discordance, high=1.0 + 1e-12))
    threshold, significance = fraction("threshold", threshold), level("significance", significance)
    effect = number("effect", effect)
    if abs(effect) > discordance:
        raise Refusal(f"effect {effect:g} exceeds discordance {discordance:g}")
    left = planned - n
    more = likely(left, discordance)
    changed = gained + lost + more
    rejects = rejection_count(changed, method, significance)
    share = (discordance + effect) / (2 * discordance)
    # The final test rejects when gained is at most `rejects` or at least changed - `rejects`.
    few = stats.binom.cdf(rejects - gained, more, share)
    many = stats.binom.sf(changed - rejects - gained - 1, more, share)
    reaches = np.where(rejects >= 0, few + many, 0.0)
    power = min(1.0, float(stats.binom.pmf(more, left, discordance) @ reaches))
    return Futility(
        method=f"conditional power, {named_test(method)}",
        conditional_power=power,
        n=n,
        stop=power < threshold,
        threshold=threshold,
        planned_n=planned,
    )
