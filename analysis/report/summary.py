"""The main results of a store in one short table: what `steerstat reproduce` ends with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

from analysis import tables
from analysis.report.verdicts import verdicts


def summary(store: Path | str) -> pd.DataFrame:
    """One row per candidate and extreme dose: the effect, its tests, and its controls.

    Fractions, nothing rounded. `verdict` is the report's verdict on the claim of that sign.
    """
    effects, controls = tables.effects(store), tables.controls(store)
    of_claim = {
        (one.set_name, one.direction, one.claim): one.verdict for one in verdicts(effects, controls)
    }
    rows = []
    candidates = effects[effects["role"] == "candidate"]
    for _, curve in candidates.groupby(["set_name", "direction", "protocol"], sort=False):
        for alpha in (curve["alpha"].min(), curve["alpha"].max()):
            row = curve[curve["alpha"] == alpha].iloc[0]
            against = controls[
                (controls["candidate"] == row["direction"])
                & (controls["set_name"] == row["set_name"])
                & (controls["alpha"] == alpha)
                & (controls["quantity"] == "effect")
            ]
            own = against.iloc[0] if len(against) else pd.Series(dtype=object)
            claim = "amplification" if alpha > 0 else "suppression"
            rows.append(
                {
                    "set": row["set_name"],
                    "direction": row["direction"],
                    "selected_on_outcome": bool(row["selected_on_outcome"]),
                    "alpha": alpha,
                    "n": row["n"],
                    "gained": row["gained"],
                    "lost": row["lost"],
                    "estimate": row["estimate"],
                    "low": row["low"],
                    "high": row["high"],
                    "p_holm": row["p_adjusted"],
                    "controls_mean": own.get("controls_mean"),
                    "k": own.get("k"),
                    "p_crawford_howell": own.get("p_crawford_howell"),
                    "p_rank": own.get("p_rank"),
                    "claim": claim,
                    "verdict": of_claim.get((row["set_name"], row["direction"], claim)),
                }
            )
    return pd.DataFrame(rows)


def summary_table(store: Path | str, *, json_output: bool = False) -> None:
    """Print the summary to stdout: a table for people, or JSON with nothing rounded."""
    frame = summary(store)
    if json_output:
        print(
            json.dumps(json.loads(frame.to_json(orient="records", double_precision=15)), indent=1)
        )
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title="steering against the baseline, and against random directions")
    for name in ("direction", "α", "gained/lost of n", "points [95 %]", "p (Holm)"):
        table.add_column(name)
    for name in ("controls", "p (C–H)", "p (rank)", "claim"):
        table.add_column(name)
    for row in frame.to_dict("records"):
        stamp = " *" if row["selected_on_outcome"] else ""
        table.add_row(
            row["direction"] + stamp,
            f"{row['alpha']:+.1f}",
            f"+{row['gained']}/−{row['lost']} of {row['n']}",
            f"{100 * row['estimate']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]",
            _p(row["p_holm"]),
            "" if pd.isna(row["k"]) else f"{100 * row['controls_mean']:+.1f} (k = {row['k']:.0f})",
            _p(row["p_crawford_howell"]),
            _p(row["p_rank"]),
            f"{row['claim']}: {row['verdict']}",
        )
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 150)
    console.print(table)
    if frame["selected_on_outcome"].any():
        console.print("* this test set was selected on the outcome: its figures support no verdict")


def _p(value: float | None) -> str:
    if value is None or pd.isna(value):
        return ""
    return "< .0001" if value < 1e-4 else f"{value:.4f}".lstrip("0")
