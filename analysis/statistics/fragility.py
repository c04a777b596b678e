"""Numerical fragility: does the decision survive pairs whose answer hangs on a rounding error?

A pair is fragile when, in either run, a token was chosen by a margin smaller than what the order
of floating-point sums alone moves. Dropping such pairs conditions on the outcome, so they are
also flipped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from analysis.statistics.checks import LARGEST_LISTED, count, level, one_table
from analysis.statistics.flips import Region, extremes
from analysis.statistics.intervals import PairedDifference, paired_difference
from analysis.statistics.results import Estimate, Refusal


@dataclass(frozen=True, kw_only=True)
class Fragility(Estimate):
    """The test as observed (`estimate`, `low`, `high`, `p`), and how far fragile pairs move it.

    `without`: the result on the pairs that are not fragile (None where all are).
    `worst`: every fragile pair flipped against the observed net change (towards "more lost"
    where the net change is 0). `p_low`, `p_high`, `low_bound`, `high_bound`: ranges over every
    choice of flips. `decision_unchanged`: all of them decide as the observed table does.
    """

    estimate: float
    low: float = field()
    high: float = field()
    p: float = field()
    without: PairedDifference | None
    """The result on the pairs that are not fragile; None where all are."""

    worst: PairedDifference
    """The result with every fragile pair flipped against the net change."""

    p_low: float
    """Smallest p over every choice of flips."""

    p_high: float
    """Largest p over every choice of flips."""

    low_bound: float
    """Smallest lower limit over every choice of flips, a fraction."""

    high_bound: float
    """Largest upper limit over every choice of flips, a fraction."""

    decision_unchanged: bool
    """Whether every choice of flips decides as the observed table does."""


def _worst(counts: tuple[int, int, int], fragile: tuple[int, int, int]) -> tuple[int, int]:
    """(gained, lost) after each fragile pair flipped once against the observed net change."""
    gained, lost, _ = counts
    fragile_gained, fragile_lost, fragile_unchanged = fragile
    if gained >= lost:
        return gained - fragile_gained, lost + fragile_unchanged
    return gained + fragile_unchanged, lost - fragile_lost


def fragility(
    gained: int,
    lost: int,
    n: int,
    *,
    fragile_gained: int,
    fragile_lost: int,
    fragile_unchanged: int = 0,
    confidence: float = 0.95,
) -> Fragility:
    """Repeat the test without fragile pairs, and with each of them flipped.

    Args:
        gained, lost, n: counts of all pairs.
        fragile_gained, fragile_lost, fragile_unchanged: how many of each are marked fragile.
        confidence: of the intervals; the decision is made at 1 - confidence.

    Returns:
        `Fragility`. A flip changes one of the pair's two outcomes: a fragile gained or lost
        pair may turn unchanged, a fragile unchanged pair may turn gained or lost.

    Raises:
        Refusal: more fragile pairs than pairs of that kind.

    References:
        Walsh and others, Journal of Clinical Epidemiology 67 (2014) 622, for the idea of a
        fragility index; here only pairs known to be fragile may flip.
    """
    gained, lost, n = one_table(gained, lost, n)
    confidence = level("confidence", confidence)
    fragile = tuple(
        count(name, value, most=LARGEST_LISTED)
        for name, value in (
            ("fragile_gained", fragile_gained),
            ("fragile_lost", fragile_lost),
            ("fragile_unchanged", fragile_unchanged),
        )
    )
    for kind, some, all_ in zip(
        ("gained", "lost", "unchanged"), fragile, (gained, lost, n - gained - lost), strict=True
    ):
        if some > all_:
            raise Refusal(f"fragile_{kind} = {some} of {all_} {kind} pairs: pass counts of pairs")
    observed = paired_difference(gained, lost, n, confidence=confidence)
    left = n - sum(fragile)
    flipped = _worst((gained, lost, n), (fragile[0], fragile[1], fragile[2]))
    region = Region(gained - fragile[0], lost - fragile[1], fragile[0], fragile[1], fragile[2], n)
    span = extremes(region, confidence)
    return Fragility(
        method="fragile pairs dropped and flipped, mcnemar midp",
        estimate=float(observed.estimate),
        n=n,
        low=float(observed.low),
        high=float(observed.high),
        confidence=confidence,
        p=float(observed.p),
        statistic=observed.statistic,
        status=observed.status,
        dropped=sum(fragile),
        dropped_what="fragile pairs (in `without` only)",
        without=paired_difference(
            gained - fragile[0], lost - fragile[1], left, confidence=confidence
        )
        if left
        else None,
        worst=paired_difference(*flipped, n, confidence=confidence),
        p_low=span.p_low.item(),
        p_high=span.p_high.item(),
        low_bound=span.low.item(),
        high_bound=span.high.item(),
        decision_unchanged=span.agrees.item(),
    )
