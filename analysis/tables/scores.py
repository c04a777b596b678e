"""Continuous outcomes: what a harness or judge scored beyond right and wrong, steered and not."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd

from analysis.tables.base import CURVE, PART, STAMPS, groups, ordered, whole_test_sets
from analysis.tables.paired import accuracy, holm_by
from analysis.tables.paired_means import PairedMeans, mean_change, paired_means
from analysis.tables.readings import Source, opened, remembered, texts_to_objects
from analysis.vocabulary import CONFIDENCE

NUMBERS = ("low", "high", "p", "p_adjusted", "p_t", "bootstrap_low", "bootstrap_high")
COLUMNS = [
    *CURVE, "kind", "role", *STAMPS, "alpha", "score", "n", "n_missing", "baseline", "estimate",
    *NUMBERS, "level", "family_size", "status", "stop", PART, "condition_id",
]  # fmt: skip
FAMILY = [*CURVE, "score"]


@remembered
def paired_scores(store: Source) -> dict[tuple[str, str | None, str], PairedMeans]:
    """Means per problem of every score, by steered condition, set and name of the score."""
    from sql import loader

    rows = opened(store).rows(loader.internal("score_pairs"))
    table = texts_to_objects(rows.to_pandas())
    found = {}
    for key, at in groups(table, ["condition_id", "set_name", "name"]).items():
        own = table.iloc[at]
        sides = (own[side].to_numpy(dtype=float) for side in ("steered", "baseline"))
        means = paired_means(own["problem_id"].to_numpy(dtype=str), *sides)
        if means is not None:
            found[key] = means
    return found


@remembered
def scores(store: Source) -> pd.DataFrame:
    """One row per steered condition, set and score: its paired change, tested.

    In the score's own units. `baseline` is the mean over the `n` problems (seeds averaged within
    each), `estimate` the mean of steered − baseline. Candidates are tested: `p` by sign flips of
    problems, `p_adjusted` Holm over the alphas of the direction (`family_size`), `low`, `high` and
    `p_t` by Student's t, and the percentile bootstrap over problems. `n_missing` problems could not
    be scored on one side or both: they are in no mean. What a sequential plan ended has its
    estimate alone (status `stopped`).
    """
    by_place: dict[tuple[str, str | None], list[tuple[str, PairedMeans]]] = {}
    for (condition, set_name, name), means in paired_scores(store).items():
        by_place.setdefault((condition, set_name), []).append((name, means))
    if not by_place:
        return pd.DataFrame(columns=COLUMNS)
    frame = whole_test_sets(accuracy(store), store)
    rows = []
    for row in frame[frame["direction"].notna()].to_dict("records"):
        for name, own in by_place.get((row["condition_id"], row["set_name"]), []):
            known = {str(column): row.get(column) for column in COLUMNS}
            rows.append(known | {"score": name} | _figures(row, own))
    table = pd.DataFrame(rows, columns=COLUMNS)
    candidates = (table["role"] == "candidate").to_numpy(dtype=bool)
    tested = holm_by(table[candidates].reset_index(drop=True), FAMILY)
    parts = [part for part in (tested, table[~candidates].assign(family_size=0)) if len(part)]
    table = pd.concat(parts, ignore_index=True) if parts else table
    return ordered(table.astype(dict.fromkeys(NUMBERS, float)), [*FAMILY, "alpha"])


def _figures(row: dict[Any, Any], own: PairedMeans) -> dict[str, Any]:
    figures: dict[str, Any] = dict.fromkeys(NUMBERS, np.nan) | {
        "n": len(own.problems),
        "n_missing": own.n_missing,
        "baseline": float(own.baseline.mean()),
        "estimate": float(own.differences.mean()),
        "level": CONFIDENCE,
        "status": "ok",
    }
    if row["stop"] is not None:
        return figures | {"status": "stopped"}
    return figures | (mean_change(own) if row["role"] == "candidate" else {})


def scores_digest(store: Source, rows: pd.DataFrame) -> str:
    """sha256 of the scores behind some rows of `scores`: problems and both means of each."""
    known = paired_scores(store)
    digest = hashlib.sha256()
    for key in zip(rows["condition_id"], rows["set_name"], rows["score"], strict=True):
        own = known[key]
        digest.update(repr((key, own.problems.tolist())).encode())
        digest.update(own.steered.tobytes() + own.baseline.tobytes())
    return digest.hexdigest()
