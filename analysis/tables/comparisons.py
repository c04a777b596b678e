"""A candidate direction against its control directions, one observation against few."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis import words
from analysis.tables.base import CONFIDENCE, CONTEXT, PART, STAMPS, groups, ordered
from analysis.tables.paired import effects
from analysis.tables.readings import Source, remembered, view
from analysis.tables.shared import BEHIND, on_shared_problems

# What must agree for a control to be comparable; the direction itself is what differs.
PLACE = [*CONTEXT, "site", "schedule", "operator", "effect"]
POINT_COLUMNS = [
    *PLACE, *STAMPS, "candidate", "control_kind", "quantity", "alpha", "direction", "role", "n",
    "gained", "lost", "estimate",
]  # fmt: skip
CONTROL_COLUMNS = [
    *PLACE, *STAMPS, "candidate", "control_kind", "matched_to", "norm_ratio", "quantity", "alpha",
    "n", "k", "estimate", "controls_mean", "controls_sd", "difference", "d", "d_ddof0", "g",
    "d_low", "d_high", "t", "p_crawford_howell", "prediction_low", "prediction_high", "level",
    "p_rank", "rank_floor", "rank_status", "status",
]  # fmt: skip
SIGNED_COLUMNS = [
    *PLACE, "direction", *STAMPS, "kind", "role", "quantity", "alpha", "n", "estimate", *BEHIND,
]  # fmt: skip
EFFECT, SIGNED = "effect", "signed effect"


@remembered
def control_points(store: Source) -> pd.DataFrame:
    """One row per direction that takes part in a comparison: the candidate and each control.

    `quantity` is `effect` (the paired effect at `alpha`) or `signed effect`, [f(a) − f(−a)]/2,
    which damage that both signs do cancels out of; `alpha` is then the positive dose. Fractions.
    A candidate and all its controls at a dose are counted on the same problems, `n` of them: those
    on which none of them, nor the baseline, has a missing outcome. What a sequential plan ended
    before the last problem takes no part: its own outcomes chose the problems.
    """
    tested = effects(store)
    tested = tested[~tested[PART].astype(bool)].reset_index(drop=True)
    tested = tested.assign(conditions=tested["condition_id"].map(lambda name: (name,)))
    signed = signed_effects(tested)
    both = pd.concat([tested.assign(quantity=EFFECT), signed], ignore_index=True)
    points = match_controls(both, view(store, "directions"))
    shared = on_shared_problems(points, store, by=[*PLACE, "candidate", "quantity", "alpha"])
    return shared.drop(columns=BEHIND)


def signed_effects(tested: pd.DataFrame) -> pd.DataFrame:
    """[f(a) − f(−a)]/2 of every curve that was swept at both signs of a dose.

    The baseline cancels, so the estimate is half the difference of the two paired effects (each
    on its own problems; `control_points` counts them on the same).
    """
    columns = [*PLACE, "direction"]
    positive = tested[tested["alpha"] > 0]
    rows = []
    for value, index in groups(tested, columns).items():
        curve = tested.iloc[index].set_index("alpha")
        for alpha in sorted(set(curve.index) & {-a for a in curve.index} & set(positive["alpha"])):
            up, down = curve.loc[alpha], curve.loc[-alpha]
            rows.append(
                dict(zip(columns, value, strict=True))
                | {name: up[name] for name in (*STAMPS, "kind", "role")}
                | {
                    "quantity": SIGNED,
                    "alpha": alpha,
                    "n": min(up["n"], down["n"]),
                    "estimate": (up["estimate"] - down["estimate"]) / 2,
                    "conditions": (*up["conditions"], *down["conditions"]),
                    "n_missing": up["n_missing"] + down["n_missing"],
                }
            )
    return pd.DataFrame(rows, columns=SIGNED_COLUMNS)


def match_controls(tested: pd.DataFrame, directions: pd.DataFrame) -> pd.DataFrame:
    """Each candidate's row with the rows of its controls at the same place and dose.

    A candidate's controls are the control directions whose `parent_id` it is; a candidate without
    any of its own is compared with the controls of others, kind by kind.
    """
    parents = dict(zip(directions["direction_id"], directions["name"], strict=True))
    parent_of = {
        name: parents.get(parent)
        for name, parent in zip(directions["name"], directions["parent_id"], strict=True)
    }
    tested = tested.assign(parent=tested["direction"].map(parent_of).astype(object))
    samples: list[pd.DataFrame] = []
    for index in groups(tested, [*PLACE, "quantity", "alpha"]).values():
        rows = tested.iloc[index]
        controls = rows[rows["role"] == "control"]
        for candidate in rows[rows["role"] == "candidate"].to_dict("records"):
            of_candidate = controls[controls["parent"] == candidate["direction"]]
            for kind, sample in (of_candidate if len(of_candidate) else controls).groupby("kind"):
                pair = pd.concat([pd.DataFrame([candidate]), sample], ignore_index=True)
                samples.append(pair.assign(candidate=candidate["direction"], control_kind=kind))
    if not samples:
        return pd.DataFrame(columns=[*POINT_COLUMNS, "parent", *BEHIND])
    points = pd.concat(samples, ignore_index=True)
    order = [*PLACE, "candidate", "control_kind", "quantity", "alpha", "role", "direction"]
    return ordered(points.reindex(columns=[*POINT_COLUMNS, "parent", *BEHIND]), order)


@remembered
def controls(store: Source) -> pd.DataFrame:
    """One row per candidate, kind of control and dose: is the candidate unusual among controls?

    `estimate` is the candidate's own effect, `difference` that − mean of the controls (fractions);
    `d` has ddof = 1, `d_low/high` is the interval that agrees with Crawford–Howell;
    `prediction_low/high` is where one more control direction would fall; `rank_floor` is the
    smallest p that so few controls can give.
    `matched_to` names the direction whose norm the controls have, `norm_ratio` the candidate's
    norm over that one's.
    """
    return compare(control_points(store), view(store, "directions"))


def compare(points: pd.DataFrame, directions: pd.DataFrame) -> pd.DataFrame:
    """The columns of `controls` from the rows of `control_points`."""
    norms = dict(zip(directions["name"], directions["norm"], strict=True))
    rows = []
    columns = [*PLACE, "candidate", "control_kind", "quantity", "alpha"]
    for value, index in groups(points, columns).items():
        group = points.iloc[index]
        candidate = group[group["role"] == "candidate"].iloc[0]
        sample = group[group["role"] == "control"]
        matched = sorted({name for name in sample["parent"] if name is not None})
        matched_to = matched[0] if len(matched) == 1 else None
        rows.append(
            dict(zip(columns, value, strict=True))
            | {name: candidate[name] for name in (*STAMPS, "n")}
            | {
                "matched_to": matched_to,
                "norm_ratio": norms[candidate["direction"]] / norms[matched_to]
                if matched_to
                else None,
            }
            | _comparison(float(candidate["estimate"]), sample["estimate"].to_numpy(dtype=float))
        )
    table = pd.DataFrame(rows, columns=CONTROL_COLUMNS)
    return table.assign(panel=pd.Series(panel_names(table), index=table.index, dtype=object))


def panel_names(frame: pd.DataFrame) -> list[str]:
    """The dose of each row as text; the signed effect says that it is one."""
    return [
        f"α = {words.alpha(alpha)}"
        if quantity == EFFECT
        else f"signed, |α| = {words.alpha(alpha)[1:]}"
        for quantity, alpha in zip(frame["quantity"], frame["alpha"], strict=True)
    ]


def _comparison(effect: float, sample: np.ndarray) -> dict[str, Any]:
    """Every figure of one candidate against its sample; too few controls leave them empty."""
    from analysis.statistics.controls import compare_to_controls

    known: dict[str, Any] = {"estimate": effect, "k": len(sample), "level": CONFIDENCE}
    if len(sample) < 2:
        few = {"status": "too_few_controls", "rank_status": "too_few_controls"}
        return known | {"controls_mean": sample.mean()} | few
    result = compare_to_controls(effect, sample, tail="two-sided", confidence=CONFIDENCE)
    too_few = result.rank_floor > 1 - CONFIDENCE
    return known | {
        "controls_mean": result.control_mean,
        "controls_sd": result.control_sd,
        "difference": result.estimate,
        "d": result.d,
        "d_ddof0": result.d_ddof0,
        "g": result.g,
        "d_low": result.d_low_random,
        "d_high": result.d_high_random,
        "t": result.statistic,
        "p_crawford_howell": result.p,
        "prediction_low": result.prediction_low,
        "prediction_high": result.prediction_high,
        "p_rank": result.p_rank,
        "rank_floor": result.rank_floor,
        "rank_status": "too_few_controls" if too_few else "ok",
        # Crawford–Howell needs two controls; only the rank test is short of them.
        "status": "ok" if result.status == "too_few_controls" else str(result.status),
    }
