"""Simulated sizes and coverages as a table for a chart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.vocabulary import CONFIDENCE, SIGNIFICANCE

# What a rate should be; rates of other quantities (power, say) have no such value.
NOMINAL = {"size": SIGNIFICANCE, "coverage": CONFIDENCE}
COLUMNS = ["quantity", "method", "x", "value", "error", "low", "high", "nominal"]


def calibration_curves(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per method and setting, from what `steerstat calibrate --json` gives.

    `x` is the expected number of discordant pairs (n × discordance) or, where directions are
    compared, the number of controls k; `low`, `high` are two Monte-Carlo standard errors away.
    Settings that share all of these are averaged.
    """
    rates = []
    for row in rows:
        setting = row.get("setting") or {}
        x = setting.get("k")
        if x is None and {"n", "discordance"} <= set(setting):
            x = setting["n"] * setting["discordance"]
        if row["quantity"] not in NOMINAL or x is None:
            continue
        rates.append(
            {name: row[name] for name in ("quantity", "method", "value", "error")} | {"x": x}
        )
    if not rates:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.DataFrame(rates).groupby(["quantity", "method", "x"], as_index=False).mean()
    return table.assign(
        low=table["value"] - 2 * table["error"],
        high=table["value"] + 2 * table["error"],
        nominal=table["quantity"].map(NOMINAL),
    )[COLUMNS]
