"""Beside the primary estimand: complete cases, and bounds over all that was not read or is missing.

An answer that cannot be read is not right (`sql/macros/readable_right.sql`); these columns say what
hangs on that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

COMPLETE = [
    *("complete_n", "complete_gained", "complete_lost", "complete_estimate"),
    *("complete_low", "complete_high", "complete_p"),
]
EFFECT_BOUNDS = ["bound_n", "effect_low", "effect_high"]
BOUNDS = [*EFFECT_BOUNDS, "bound_low", "bound_high", "bound_p", "bound_agrees"]
# The columns of `effects` that say what missing outcomes do to it.
UNREAD = ["became_unreadable", "became_readable", "p_unreadable"]
SENSITIVITY = ["n_unreadable", "n_missing", *COMPLETE, *BOUNDS, *UNREAD]


def sensitivity(counts: pd.DataFrame, *, confidence: float) -> dict[str, np.ndarray]:
    """`SENSITIVITY` for rows of `accuracy_by_alpha` with one outcome a problem, all at once.

    Complete cases are tested as the primary outcome is; they are NaN where no pair was read on both
    sides (`complete_n` = 0). `bound_n` counts all pairs; `effect_low/high`, `bound_low/high` and
    `bound_p` are the extremes of the effect, its limits and (the largest) p over every reading of
    what was not read or is missing, and `bound_agrees` whether all of them decide alike, with the
    same sign. `p_unreadable`: McNemar mid-p of the pairs that only one side left unread.
    """
    from analysis.statistics.flips import extremes
    from analysis.statistics.paired import mcnemar

    worst = extremes(undecided(counts), confidence)
    unread = mcnemar(counts["became_unreadable"], counts["became_readable"])
    return {
        **complete_cases(counts, confidence=confidence),
        **effect_bounds(counts),
        "bound_low": worst.low,
        "bound_high": worst.high,
        "bound_p": worst.p_high,
        "bound_agrees": worst.agrees,
        "p_unreadable": np.asarray(unread.p, dtype=float),
    }


def anytime_sensitivity(counts: pd.DataFrame, *, confidence: float) -> dict[str, np.ndarray]:
    """`SENSITIVITY` where a sequential plan ended the condition: what holds at every look.

    `bound_low/high` are the extremes of the confidence sequences of tables beyond all that it may
    be, `bound_p` and `p_unreadable` those of the e-value.
    """
    from analysis.statistics.paired import anytime_p
    from analysis.statistics.sequential import confidence_sequence

    (g0, l0), (g1, l1) = undecided(counts).ends()
    n = _every_pair(counts)
    limits = [
        confidence_sequence(gained, np.minimum(lost, n - gained), n, confidence=confidence)
        for gained in (g0, g1)
        for lost in (l0, l1)
    ]
    p0, p1 = anytime_p(g0, l0), anytime_p(g1, l1)
    decided = [
        np.where(p <= 1 - confidence, np.sign(gained - lost), 0)
        for p, gained, lost in ((p0, g0, l0), (p1, g1, l1))
    ]
    unread = (counts[name].to_numpy() for name in ("became_unreadable", "became_readable"))
    return {
        **complete_cases(counts, confidence=confidence, looked=True),
        **effect_bounds(counts),
        "bound_low": np.min([np.asarray(one.low) for one in limits], axis=0),
        "bound_high": np.max([np.asarray(one.high) for one in limits], axis=0),
        "bound_p": np.where((g0 <= l0) & (g1 >= l1), 1.0, np.maximum(p0, p1)),
        "bound_agrees": decided[0] == decided[1],
        "p_unreadable": anytime_p(*unread),
    }


def undecided(counts: pd.DataFrame) -> Any:
    """The tables (gained, lost) that each row may be, as `flips.Region`."""
    from analysis.statistics.flips import Region

    return Region(
        gained=counts["complete_gained"],
        lost=counts["complete_lost"],
        maybe_gained=counts["maybe_gained"],
        maybe_lost=counts["maybe_lost"],
        either=counts["maybe_either"],
        n=_every_pair(counts),
    )


def _every_pair(counts: pd.DataFrame) -> np.ndarray:
    names = ("complete_n_pairs", "maybe_gained", "maybe_lost", "maybe_either")
    return np.asarray(counts[[*names]].sum(axis=1), dtype="int64")


def effect_bounds(counts: pd.DataFrame) -> dict[str, np.ndarray]:
    """Smallest and largest effect of each row over every reading, and the pairs it is of."""
    (g0, l0), (g1, l1) = undecided(counts).ends()
    n = _every_pair(counts)
    return {"bound_n": n, "effect_low": (g0 - l0) / n, "effect_high": (g1 - l1) / n}


def complete_cases(
    counts: pd.DataFrame, *, confidence: float, looked: bool = False
) -> dict[str, np.ndarray]:
    """Effect, interval and test of the pairs with both answers read; `looked`: at any look."""
    from analysis.statistics.intervals import paired_difference
    from analysis.statistics.paired import anytime_p
    from analysis.statistics.sequential import confidence_sequence

    names = ("complete_gained", "complete_lost", "complete_n_pairs")
    gained, lost, n = (counts[name].to_numpy(dtype="int64") for name in names)
    compute = confidence_sequence if looked else paired_difference
    result: Any = compute(gained, lost, np.maximum(n, 1), confidence=confidence)
    figures = {name: getattr(result, name) for name in ("estimate", "low", "high")}
    figures["p"] = anytime_p(gained, lost) if looked else result.p
    return {"complete_n": n, "complete_gained": gained, "complete_lost": lost} | {
        f"complete_{name}": np.where(n > 0, value, np.nan) for name, value in figures.items()
    }
