"""Does steering break the form of answers? Unreadable and missing outcomes by dose, tested."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.tables.base import CURVE, STAMPS, groups, ordered
from analysis.tables.comparisons import EFFECT, PLACE, control_points
from analysis.tables.missing import UNREAD
from analysis.tables.paired import accuracy, effects, holm_by
from analysis.tables.problems import candidate_curves
from analysis.tables.readings import Source, remembered

COLUMNS = [
    *CURVE, "kind", *STAMPS, "alpha", "n", "n_unreadable", "unreadable", "n_missing", "missing",
    "became_unreadable", "became_readable", "p", "p_adjusted", "family_size", "controls_unreadable",
    "k", "p_controls", "trend", "trend_n", "p_trend",
]  # fmt: skip


@remembered
def missingness(store: Source) -> pd.DataFrame:
    """One row per candidate and dose, the baseline at 0 among them: answers that were not read.

    `n` outcomes; `unreadable` the share of answers without a readable form among the outcomes that
    are not missing, `missing` the share without an outcome. At a dose: `became_unreadable` and
    `became_readable` pairs, `p` the McNemar mid-p of the two (over problems where there are several
    seeds), `p_adjusted` Holm over the doses; `controls_unreadable` the mean share of the `k`
    control directions there and `p_controls` the two-sided rank of the candidate's among theirs
    (shares near 0 are far from normal). The same on every row of a curve: `trend`, the mean over
    `trend_n` problems of the slope of unreadable on |alpha|, with Mantel's `p_trend`.
    """
    baselines = accuracy(store).set_index(["condition_id", "set_name"])
    tested = effects(store)
    if not (tested["role"] == "candidate").any():
        return pd.DataFrame(columns=COLUMNS)
    beside = _beside(store, tested)
    trends = _trends(store)
    rows = []
    for value, index in groups(tested[tested["role"] == "candidate"], CURVE).items():
        curve = dict(zip(CURVE, value, strict=True))
        steered = tested[tested["role"] == "candidate"].iloc[index]
        about = {name: steered[name].iloc[0] for name in ("kind", *STAMPS)}
        about |= trends.get(value, {})
        base = baselines.loc[[(curve["baseline_id"], curve["set_name"])]].iloc[0]
        rows.append(curve | about | {"alpha": 0.0} | _shares(base))
        for row in steered.to_dict("records"):
            counts = {name: int(row[name]) for name in UNREAD[:2]}
            rows.append(
                curve | about | {"alpha": row["alpha"], "p": row["p_unreadable"]}
                | _shares(row | {"n": row["bound_n"]})
                | counts | beside.get((*value, row["alpha"]), {})
            )  # fmt: skip
    table = pd.DataFrame(rows, columns=COLUMNS)
    zero = table["alpha"] == 0
    family = pd.concat([table[zero], holm_by(table[~zero].reset_index(drop=True), CURVE)])
    return ordered(family.reindex(columns=COLUMNS), [*CURVE, "alpha"])


def _shares(row: Any) -> dict[str, Any]:
    n, unread, missing = (int(row[name]) for name in ("n", "n_unreadable", "n_missing"))
    return {
        "n": n,
        "n_unreadable": unread,
        "unreadable": unread / (n - missing) if n > missing else np.nan,
        "n_missing": missing,
        "missing": missing / n,
    }


def _beside(store: Source, tested: pd.DataFrame) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Each candidate's share at a dose among those of the controls that it is compared with."""
    from analysis.statistics.controls import compare_to_controls

    known = tested["bound_n"] - tested["n_missing"]
    keys = tested[[*PLACE, "direction", "alpha"]].itertuples(index=False, name=None)
    shares = dict(zip(keys, tested["n_unreadable"] / known, strict=True))
    points = control_points(store)
    points = points[points["quantity"] == EFFECT].reset_index(drop=True)
    beside = {}
    for value, index in groups(points, [*PLACE, "candidate", "alpha"]).items():
        *place, candidate, alpha = value
        rows = points.iloc[index].drop_duplicates("direction")
        sample = np.array(
            [shares[(*place, name, alpha)] for name in rows[rows["role"] == "control"]["direction"]]
        )
        compared: dict[str, Any] = {"controls_unreadable": float(sample.mean()), "k": len(sample)}
        if len(sample) > 1:
            share = float(shares[(*place, candidate, alpha)])
            compared["p_controls"] = compare_to_controls(share, sample, tail="two-sided").p_rank
        curve = dict(zip(PLACE, place, strict=True)) | {"direction": candidate}
        beside[(*(curve[name] for name in CURVE), alpha)] = compared
    return beside


def _trends(store: Source) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The trend over |alpha| of each candidate's curve, the baseline among its doses."""
    from analysis.statistics.missing import missingness_trend

    trends = {}
    for curve in candidate_curves(store):
        unread = np.column_stack([curve.unreadable, curve.baseline_unreadable])
        trend = missingness_trend(unread, np.append(curve.alphas, 0.0))
        figures = {"trend": trend.estimate, "trend_n": trend.n, "p_trend": trend.p}
        trends[tuple(curve.names[name] for name in CURVE)] = figures
    return trends
