"""The main results of a store as rows: what `steerstat reproduce --json` ends with."""

from __future__ import annotations

import json

import pandas as pd

from analysis import tables
from analysis.report.verdicts import verdicts
from analysis.tables.base import CURVE, groups, matching
from analysis.tables.own_controls import PLACE
from analysis.tables.readings import Source, opened
from sql.errors import Refusal


def summary(store: Source) -> pd.DataFrame:
    """One row per candidate, extreme dose and kind of its controls: the effect and its tests.

    Fractions, nothing rounded. `verdict` is the report's verdict on the claim of that sign.
    """
    readings = opened(store)
    effects, controls = tables.effects(readings), tables.controls(readings)
    of_claim = {
        (one.place, one.claim): one.verdict
        for one in verdicts(effects, tables.beyond_controls(readings))
    }
    rows = []
    candidates = effects[effects["role"] == "candidate"].reset_index(drop=True)
    for value, index in groups(candidates, CURVE).items():
        curve, names = candidates.iloc[index], dict(zip(CURVE, value, strict=True))
        among = matching(controls, {name: names[name] for name in PLACE})
        for alpha in dict.fromkeys((curve["alpha"].min(), curve["alpha"].max())):
            row = curve[curve["alpha"] == alpha].iloc[0]
            against = among[
                (among["candidate"] == row["direction"])
                & (among["alpha"] == alpha)
                & (among["quantity"] == "effect")
            ]
            claim = "amplification" if alpha > 0 else "suppression"
            rows += [
                {
                    **{
                        name: names[name] for name in CURVE if name not in ("set_name", "direction")
                    },
                    "set": row["set_name"],
                    "direction": row["direction"],
                    "selected_on_outcome": bool(row["selected_on_outcome"]),
                    "alpha": alpha,
                    "n": row["n"],
                    "n_unreadable": row["n_unreadable"],
                    "n_missing": row["n_missing"],
                    "gained": row["gained"],
                    "lost": row["lost"],
                    "estimate": row["estimate"],
                    "low": row["low"],
                    "high": row["high"],
                    "p_holm": row["p_adjusted"],
                    "stop": row["stop"],
                    "complete_estimate": row["complete_estimate"],
                    "effect_low": row["effect_low"],
                    "effect_high": row["effect_high"],
                    "control_kind": own.get("control_kind"),
                    "controls_mean": own.get("controls_mean"),
                    "k": own.get("k"),
                    "p_rank": own.get("p_rank"),
                    "p_crawford_howell": own.get("p_crawford_howell"),
                    "claim": claim,
                    "verdict": of_claim.get((tuple(names.items()), claim)),
                }
                for own in against.to_dict("records") or [{}]
            ]
    return pd.DataFrame(rows)


def summary_json(store: Source) -> str:
    """The summary as JSON, nothing rounded; an empty list where its tests are refused."""
    try:
        frame = summary(store)
    except Refusal:
        return "[]"
    return json.dumps(json.loads(frame.to_json(orient="records", double_precision=15)), indent=1)
