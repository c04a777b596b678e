"""Several seeds per problem: the problem is the unit, so outcomes are averaged within it first.

Pooling the seeds as if they were problems would make McNemar's test reject far too often; where a
condition was run with several seeds, the effect is tested by the mean over problems instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics.checks import FEWEST_DRAWS
from analysis.tables.base import CURVE, groups, matching
from analysis.tables.missing import SENSITIVITY, effect_bounds
from analysis.tables.readings import Source, view

CLUSTERED = "cluster score over problems"
RESAMPLES = 9999
UNTESTED = ("low", "high", "p", "p_exact", "p_sign", "bootstrap_low", "bootstrap_high")


def seed_tests(store: Source, frame: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """The columns of `effects` (before correction) for conditions with several seeds.

    Candidates are tested by `clustered_difference`; controls have their estimate alone, which is
    all that a comparison with them takes: the mean over problems as well. `n` counts problems,
    `gained`, `lost` and `bound_n` pairs. The bounds of limits and p are those at the two extreme
    readings of what is open (all of it against the direction, all of it for it); p is 1 where the
    effect may have either sign.
    """
    steered = frame[frame["direction"].notna() & (frame["n_pairs"] > 0)].reset_index(drop=True)
    steered = steered.assign(**effect_bounds(steered))
    outcomes = view(store, "candidate_outcomes")
    baselines = frame[frame["direction"].isna()]
    seeds = dict(zip(baselines["condition_id"], baselines["n_seeds"], strict=True))
    means = _problem_means(store)
    rows = []
    for row in steered.to_dict("records"):
        tested: dict[str, Any] = {str(name): value for name, value in row.items()}
        tested |= dict.fromkeys((*UNTESTED, *(set(SENSITIVITY) - set(tested))), np.nan) | {
            "level": confidence,
            "test": CLUSTERED,
            "status": "ok",
        }
        pairs, read = int(row["n_pairs"]), int(row["complete_n_pairs"])
        tested["baseline_accuracy"] = row["baseline_n_correct"] / pairs
        tested["discordant"] = row["gained"] + row["lost"]
        tested["n"], tested["estimate"] = means[row["condition_id"], row["set_name"]]
        tested["complete_n"] = read // int(row["n_seeds"])
        if read:
            tested["complete_estimate"] = (row["complete_gained"] - row["complete_lost"]) / read
        if row["role"] == "candidate":
            pairing = "shared" if seeds.get(row["baseline_id"], 1) == 1 else "seeds"
            place = {name: tested[name] for name in (*CURVE, "alpha")}
            mine = matching(outcomes, place)
            tested |= _tested(mine, pairing, confidence) | _sensitivity(mine, pairing, confidence)
        rows.append(tested)
    return pd.DataFrame(rows)


def _problem_means(store: Source) -> dict[tuple[str, Any], tuple[int, float]]:
    """How many problems have a pair, and their mean difference, by condition and set."""
    details = view(store, "condition_details")
    names = dict(zip(details["condition_no"], details["condition_id"], strict=True))
    table = view(store, "direction_outcomes")
    table = table.assign(difference=table["accuracy"] - table["baseline"])
    known = table[table["difference"].notna()].reset_index(drop=True)
    difference = known["difference"].to_numpy(dtype=float)
    return {
        (names[number], set_name): (len(index), float(difference[index].mean()))
        for (number, set_name), index in groups(known, ["condition_no", "set_name"]).items()
    }


def numbers(column: pd.Series) -> np.ndarray:
    """A column of true, false and NULL as 1, 0 and NaN."""
    return np.asarray(column.map({True: 1.0, False: 0.0}), dtype=float)


def unreadable(rows: pd.DataFrame, side: str = "") -> np.ndarray:
    """1 where an answer could not be read, 0 where it was, NaN where the outcome is missing."""
    known = rows[f"{side}readable_right"].notna()
    return np.where(known, rows[f"{side}correct"].isna().astype(float), np.nan)


def _tested(mine: pd.DataFrame, pairing: str, confidence: float) -> dict[str, Any]:
    """Estimate, interval and p of one condition over problems, by the primary estimand."""
    after, before = numbers(mine["readable_right"]), numbers(mine["baseline_readable_right"])
    result = _clustered(mine, after, before, pairing, confidence, resamples=RESAMPLES)
    if result is None:
        return {"status": "no_information"}
    names = ("n", "estimate", "low", "high", "p", "status", "bootstrap_low", "bootstrap_high")
    return {name: getattr(result, name) for name in names}


def _sensitivity(mine: pd.DataFrame, pairing: str, confidence: float) -> dict[str, Any]:
    """Complete cases, bounds, and the test of unequal missingness, over problems."""
    after, before = numbers(mine["correct"]), numbers(mine["baseline_correct"])
    tested: dict[str, Any] = {}
    complete = _clustered(mine, after, before, pairing, confidence)
    if complete is not None:
        names = ("n", "estimate", "low", "high", "p")
        tested |= {f"complete_{name}": getattr(complete, name) for name in names}
    if (ends := extreme_readings(mine, pairing, confidence)) is not None:
        worst, best, bounds = ends
        tested |= {"bound_low": worst.low, "bound_high": best.high, **bounds}
    unread = _clustered(mine, unreadable(mine), unreadable(mine, "baseline_"), pairing, confidence)
    return tested | ({} if unread is None else {"p_unreadable": unread.p})


def extreme_readings(
    mine: pd.DataFrame, pairing: str, confidence: float
) -> tuple[Any, Any, dict[str, Any]] | None:
    """`clustered_difference` with all that is open against the direction, and all of it for it.

    The third is what they decide together: `bound_p`, the largest p (1 where the effect may have
    either sign), and `bound_agrees`. None where there are too few problems.
    """
    after, before = numbers(mine["correct"]), numbers(mine["baseline_correct"])
    worst, best = (
        _clustered(mine, _filled(after, read), _filled(before, 1 - read), pairing, confidence)
        for read in (0.0, 1.0)
    )
    if worst is None or best is None:
        return None
    decides = [np.sign(r.estimate) * (r.p <= 1 - confidence) for r in (worst, best)]
    largest = 1.0 if worst.estimate <= 0 <= best.estimate else float(np.maximum(worst.p, best.p))
    return worst, best, {"bound_p": largest, "bound_agrees": bool(decides[0] == decides[1])}


def _filled(values: np.ndarray, value: float) -> np.ndarray:
    return np.where(np.isnan(values), value, values)


def _clustered(
    mine: pd.DataFrame,
    after: np.ndarray,
    before: np.ndarray,
    pairing: Any,
    confidence: float,
    resamples: int = FEWEST_DRAWS,
) -> Any:
    """`clustered_difference` of two columns, None where there are too few problems.

    Where the bootstrap is not asked for, the fewest resamples are as good as many.
    """
    from analysis.statistics.clustered import clustered_difference
    from analysis.statistics.results import Refusal

    table = {"problem": mine["problem_id"].to_numpy(), "steered": after, "baseline": before}
    try:
        return clustered_difference(
            table,
            rng=np.random.default_rng(0),
            pairing=pairing,
            confidence=confidence,
            resamples=resamples,
        )
    except Refusal:
        return None
