"""Accuracy, paired effects per direction and alpha, with their tests done."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.tables.base import CURVE, PART, STAMPS, STOP, groups, ordered, whole_test_sets
from analysis.tables.missing import SENSITIVITY, anytime_sensitivity, sensitivity
from analysis.tables.readings import Source, remembered, view
from analysis.tables.seeds import UNTESTED, seed_tests
from analysis.vocabulary import CONFIDENCE

EFFECT_COLUMNS = [
    *CURVE, "kind", "role", *STAMPS, "alpha", "n", "baseline_accuracy", "accuracy",
    "gained", "lost", "discordant", "estimate", "low", "high", "level", "p", "p_adjusted",
    "family_size", "p_exact", "p_sign", "bootstrap_low", "bootstrap_high", "accuracy_low",
    "accuracy_high", "test", "status", "stop", "stopped_at", "planned_n", "plan_id", PART,
    *SENSITIVITY, "condition_id",
]  # fmt: skip
MCNEMAR = "McNemar mid-p"
ANYTIME = "e-value, confidence sequence"
# Beside the test, what is meant for a number of problems that was fixed.
FOR_ONE_LOOK = [
    *("complete_low", "complete_high", "complete_p", "bound_low", "bound_high", "bound_p"),
    *("bound_agrees", "p_unreadable"),
]


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

    Where a sequential plan ended a condition (`stop` says why, `in_part` whether before the last
    problem), the test is the e-value, `low` and `high` its confidence sequence, and Holm corrects
    over all `family_size` tests of the plan, whichever of them ended early. Futility never rejects:
    `p_adjusted` is 1. What is meant for a fixed number of problems is missing there.
    """
    frame = whole_test_sets(accuracy(store), store)
    pooled = frame["n_seeds"] > 1
    several = frame[pooled & frame["direction"].notna()]
    once = paired_tests(frame[~pooled], confidence=confidence)
    if several.empty:
        return once
    tested = seed_tests(store, frame[pooled | frame["direction"].isna()], confidence=confidence)
    ended = tested["stop"].notna()
    # Where every row has one, `bound_agrees` is a column of booleans, which cannot be missing.
    tested["bound_agrees"] = tested["bound_agrees"].astype(object)
    tested.loc[ended, [*UNTESTED, *FOR_ONE_LOOK]] = np.nan
    tested.loc[ended, "status"] = "stopped"
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
    counts = counts.assign(
        discordant=counts["gained"] + counts["lost"],
        baseline_accuracy=counts["baseline_n_correct"] / counts["n"],
        **{name: counts.get(name) for name in STOP},
    )
    if within:  # a cut of the set is no test of the plan, and has no p at its stop
        counts = counts.assign(planned_tests=None, p_at_stop=np.nan)
    ended = counts["stop"].notna()
    parts = [
        part.assign(
            test=test,
            **tested(part, confidence=confidence),
            **beside(part, confidence=confidence),
        )
        for part, test, tested, beside in (
            (counts[~ended], MCNEMAR, _paired_columns, sensitivity),
            (counts[ended], ANYTIME, _anytime_columns, anytime_sensitivity),
        )
        if len(part)
    ]
    tested = pd.concat(parts, ignore_index=True)
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


def _anytime_columns(counts: pd.DataFrame, *, confidence: float) -> dict[str, np.ndarray | float]:
    """Test and interval that hold at every look, of rows that a sequential plan ended.

    Outcomes may have been added since: the e-value counts at its stop and now, whichever is larger.
    """
    from analysis.statistics.results import TEST_INTERVAL_DISAGREE
    from analysis.statistics.sequential import confidence_sequence, e_value

    gained, lost, n = (counts[name].to_numpy() for name in ("gained", "lost", "n"))
    evidence = e_value(gained, lost)
    limits = confidence_sequence(gained, lost, n, confidence=confidence)
    low, high = np.asarray(limits.low, dtype=float), np.asarray(limits.high, dtype=float)
    p = np.fmin(np.asarray(evidence.p, dtype=float), counts["p_at_stop"].to_numpy(dtype=float))
    apart = (p <= 1 - confidence) != ((low > 0) | (high < 0))
    return {
        "estimate": (gained - lost) / n,
        "low": low,
        "high": high,
        "level": confidence,
        "p": p,
        "status": np.where(apart, TEST_INTERVAL_DISAGREE, np.asarray(evidence.status, object)),
    }


def _worse(first: object, second: object) -> np.ndarray:
    """The first status unless it is `ok`, else the second."""
    left, right = np.broadcast_arrays(np.asarray(first, object), np.asarray(second, object))
    return np.where(left == "ok", right, left)


def holm_by(frame: pd.DataFrame, family: list[str]) -> pd.DataFrame:
    """The frame with `p_adjusted` (Holm) and `family_size` within each value of `family`.

    Rows with `planned_tests` are corrected within their plan instead, over as many tests as it
    planned; one that was futile counts as a test that did not reject.
    """
    p = frame["p"].to_numpy(dtype=float)
    adjusted = np.full(len(frame), np.nan)
    sizes = np.zeros(len(frame), dtype="int64")
    planned = np.zeros(len(frame), dtype=bool)
    if "planned_tests" in frame:
        planned = frame["planned_tests"].notna().to_numpy()
        p = np.where(planned & (frame["stop"] == "futile").to_numpy(), 1.0, p)
    for rows in groups(frame, family).values():
        own = rows[~planned[rows]]
        _correct(p, own, len(rows), adjusted, sizes)
    for rows in groups(frame[planned], ["plan_id"]).values() if planned.any() else ():
        own = np.flatnonzero(planned)[rows]
        size = max(int(frame["planned_tests"].to_numpy()[own].max()), len(own))
        _correct(p, own, size, adjusted, sizes)
    return frame.assign(p_adjusted=adjusted, family_size=sizes)


def _correct(
    p: np.ndarray, rows: np.ndarray, size: int, adjusted: np.ndarray, sizes: np.ndarray
) -> None:
    """Fill in Holm's p and the size of the family at these rows."""
    from analysis.statistics.families import adjust

    known = rows[~np.isnan(p[rows])]
    if len(known):
        adjusted[known] = adjust(p[known], method="holm", family_size=size).p
    sizes[rows] = size
