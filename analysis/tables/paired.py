"""Accuracy, paired effects per direction and alpha, with their tests done."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.tables.base import CONFIDENCE, CURVE, STAMPS, groups, ordered, whole_test_sets
from analysis.tables.missing import SENSITIVITY, sensitivity
from analysis.tables.readings import Source, remembered, view
from analysis.tables.seeds import seed_tests

EFFECT_COLUMNS = [
    *CURVE, "kind", "role", *STAMPS, "alpha", "n", "baseline_accuracy", "accuracy",
    "gained", "lost", "discordant", "estimate", "low", "high", "level", "p", "p_adjusted",
    "family_size", "p_exact", "p_sign", "bootstrap_low", "bootstrap_high", "accuracy_low",
    "accuracy_high", "test", "status", *SENSITIVITY, "condition_id",
]  # fmt: skip
MCNEMAR = "McNemar mid-p"


def accuracy(store: Source) -> pd.DataFrame:
    """Accuracy per curve and alpha, baselines included, as the view `accuracy_by_alpha` counts it.

    Fractions, not percentages; `accuracy` counts an answer that cannot be read as not right,
    `complete_accuracy` leaves it out.
    """
    return ordered(view(store, "accuracy_by_alpha"), [*CURVE, "alpha"])


@remembered
def effects(store: Source, *, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """One row per direction and alpha: the paired effect against the baseline, tested.

    The outcome is a readable right answer: what cannot be read is not right, what is missing (an
    error) is in no pair. Columns: what names the curve; `n` pairs, `gained`, `lost`; `estimate` =
    (gained − lost)/n as a fraction with its Tango interval; `p` McNemar mid-p, `p_adjusted` Holm
    over the alphas of the direction (`family_size` of them), `p_exact`, `p_sign`; the bootstrap
    interval (the exact distribution of resampling problems); `accuracy_low/high`: the interval
    moved to the baseline. Beside them `n_unreadable`, `n_missing` (steered outcomes), complete
    cases (`complete_*`) and worst-case bounds (`bound_*`, `effect_low/high`): see
    `analysis.tables.missing.sensitivity`.
    Conditions with several seeds a problem are tested over problems (`test` says by what), because
    McNemar's test would take the seeds for problems.
    """
    frame = whole_test_sets(accuracy(store), store)
    pooled = frame["n_seeds"] > 1
    several = frame[pooled & frame["direction"].notna()]
    once = paired_tests(frame[~pooled], confidence=confidence)
    if several.empty:
        return once
    tested = seed_tests(store, frame[pooled | frame["direction"].isna()], confidence=confidence)
    both = [part for part in (once, _finished(tested, CURVE, EFFECT_COLUMNS)) if len(part)]
    return ordered(pd.concat(both, ignore_index=True), [*CURVE, "alpha"])


def paired_tests(
    frame: pd.DataFrame,
    *,
    confidence: float = CONFIDENCE,
    within: Sequence[str] = (),
    family: Sequence[str] = CURVE,
) -> pd.DataFrame:
    """The columns of `effects` for a frame with the columns of `accuracy_by_alpha`.

    `within` names further columns to keep (a stratum, say); Holm corrects within each value of the
    columns `family`.
    """
    columns = [*EFFECT_COLUMNS, *within]
    steered = frame[frame["direction"].notna() & (frame["n_pairs"] > 0)].reset_index(drop=True)
    if steered.empty:
        return pd.DataFrame(columns=columns)
    counts = steered.assign(
        n=steered["n_pairs"].astype("int64"),
        gained=steered["gained"].astype("int64"),
        lost=steered["lost"].astype("int64"),
    )
    tested = counts.assign(
        discordant=counts["gained"] + counts["lost"],
        baseline_accuracy=counts["baseline_n_correct"] / counts["n"],
        test=MCNEMAR,
        **_paired_columns(counts, confidence=confidence),
        **sensitivity(counts, confidence=confidence),
    )
    return ordered(_finished(tested, family, columns), [*CURVE, "alpha", *within])


def _finished(tested: pd.DataFrame, family: Sequence[str], columns: list[str]) -> pd.DataFrame:
    """Accuracies from the differences, and p corrected within the family."""
    base = tested["baseline_accuracy"]
    moved = tested.assign(
        accuracy=base + tested["estimate"],
        accuracy_low=base + tested["low"],
        accuracy_high=base + tested["high"],
    )
    return holm_by(moved, list(family)).reindex(columns=columns)


def _paired_columns(counts: pd.DataFrame, *, confidence: float) -> dict[str, np.ndarray | float]:
    """Tests and intervals of every row's totals at once."""
    from analysis.statistics.bootstrap import bootstrap_difference
    from analysis.statistics.intervals import paired_difference
    from analysis.statistics.paired import mcnemar, sign_test

    gained, lost, n = (counts[name].to_numpy() for name in ("gained", "lost", "n"))
    test = mcnemar(gained, lost, method="midp")
    interval = paired_difference(gained, lost, n, method="tango", confidence=confidence)
    # The exact method draws nothing; the generator is there because the signature asks for one.
    bootstrap = bootstrap_difference(
        gained, lost, n, rng=np.random.default_rng(0), method="exact", confidence=confidence
    )
    return {
        "estimate": (gained - lost) / n,
        "low": np.asarray(interval.low, dtype=float),
        "high": np.asarray(interval.high, dtype=float),
        "level": confidence,
        "p": np.asarray(test.p, dtype=float),
        "p_exact": np.asarray(mcnemar(gained, lost, method="exact").p, dtype=float),
        "p_sign": np.asarray(sign_test(gained, lost).p, dtype=float),
        "bootstrap_low": np.asarray(bootstrap.low, dtype=float),
        "bootstrap_high": np.asarray(bootstrap.high, dtype=float),
        "status": np.asarray(_worse(test.status, interval.status), dtype=object),
    }


def _worse(first: object, second: object) -> np.ndarray:
    """The first status unless it is `ok`, else the second."""
    left, right = np.broadcast_arrays(np.asarray(first, object), np.asarray(second, object))
    return np.where(left == "ok", right, left)


def holm_by(frame: pd.DataFrame, family: list[str]) -> pd.DataFrame:
    """The frame with `p_adjusted` (Holm) and `family_size` within each value of `family`."""
    from analysis.statistics.families import adjust

    adjusted = np.full(len(frame), np.nan)
    sizes = np.zeros(len(frame), dtype="int64")
    p = frame["p"].to_numpy(dtype=float)
    for rows in groups(frame, family).values():
        known = rows[~np.isnan(p[rows])]
        if len(known):
            adjusted[known] = adjust(p[known], method="holm", family_size=len(rows)).p
        sizes[rows] = len(rows)
    return frame.assign(p_adjusted=adjusted, family_size=sizes)
