"""Several seeds per problem: the problem is the unit, so outcomes are averaged within it first.

Pooling the seeds as if they were problems would make McNemar's test reject far too often; where a
condition was run with several seeds, the effect is tested by the mean over problems instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.tables.base import CURVE, matching
from analysis.tables.readings import Source, view

CLUSTERED = "cluster score over problems"
UNTESTED = ("low", "high", "p", "p_exact", "p_sign", "bootstrap_low", "bootstrap_high")


def seed_tests(store: Source, frame: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """The columns of `effects` (before correction) for conditions with several seeds.

    Candidates are tested by `clustered_difference`; controls have their estimate alone, which is
    all that a comparison with them takes. `n` counts problems, `gained` and `lost` pairs.
    """
    steered = frame[frame["direction"].notna() & (frame["n_pairs"] > 0)].reset_index(drop=True)
    outcomes = view(store, "candidate_outcomes")
    baselines = frame[frame["direction"].isna()]
    seeds = dict(zip(baselines["condition_id"], baselines["n_seeds"], strict=True))
    rows = []
    for row in steered.to_dict("records"):
        tested: dict[str, Any] = {str(name): value for name, value in row.items()}
        tested |= dict.fromkeys(UNTESTED, np.nan) | {
            "level": confidence,
            "test": CLUSTERED,
            "status": "ok",
        }
        pairs = int(row["n_pairs"])
        tested["estimate"] = (row["gained"] - row["lost"]) / pairs
        tested["baseline_accuracy"] = row["baseline_n_correct"] / pairs
        tested["discordant"] = row["gained"] + row["lost"]
        tested["n"] = pairs // int(row["n_seeds"])
        if row["role"] == "candidate":
            shared = seeds.get(row["baseline_id"], 1) == 1
            tested |= _clustered(outcomes, tested, "shared" if shared else "seeds", confidence)
        rows.append(tested)
    return pd.DataFrame(rows)


def _clustered(
    outcomes: pd.DataFrame, row: dict[str, Any], pairing: Any, confidence: float
) -> dict[str, Any]:
    """Estimate, interval and p of one condition over problems."""
    from analysis.statistics.clustered import clustered_difference
    from analysis.statistics.results import Refusal

    place = {name: row[name] for name in (*CURVE, "alpha")}
    mine = matching(outcomes, place)
    table = {
        "problem": mine["problem_id"].to_numpy(),
        "steered": mine["correct"].map({True: 1.0, False: 0.0}).to_numpy(float),
        "baseline": mine["baseline_correct"].map({True: 1.0, False: 0.0}).to_numpy(float),
    }
    try:
        result = clustered_difference(
            table, rng=np.random.default_rng(0), pairing=pairing, confidence=confidence
        )
    except Refusal:
        return {"status": "no_information"}
    names = ("n", "estimate", "low", "high", "p", "status", "bootstrap_low", "bootstrap_high")
    return {name: getattr(result, name) for name in names}
