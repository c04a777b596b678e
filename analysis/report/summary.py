"""The main results of a store in one short table: what `steerstat reproduce` ends with."""

from __future__ import annotations

import json
import sys

import pandas as pd

from analysis import tables, words
from analysis.report.verdicts import verdicts
from analysis.tables.readings import Source, opened
from sql.errors import Refusal
from sql.printable import one_line


def summary(store: Source) -> pd.DataFrame:
    """One row per candidate, extreme dose and kind of its controls: the effect and its tests.

    Fractions, nothing rounded. `verdict` is the report's verdict on the claim of that sign.
    """
    readings = opened(store)
    effects, controls = tables.effects(readings), tables.controls(readings)
    of_claim = {
        (one.set_name, one.direction, one.claim): one.verdict
        for one in verdicts(effects, tables.beyond_controls(readings))
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
            claim = "amplification" if alpha > 0 else "suppression"
            rows += [
                {
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
                    "verdict": of_claim.get((row["set_name"], row["direction"], claim)),
                }
                for own in against.to_dict("records") or [{}]
            ]
    return pd.DataFrame(rows)


def summary_table(store: Source, *, json_output: bool = False) -> None:
    """Print the summary to stdout: a table for people, or JSON with nothing rounded."""
    try:
        frame = summary(store)
    except Refusal as refusal:
        print("[]" if json_output else f"no summary: {refusal}")
        return
    if json_output:
        print(
            json.dumps(json.loads(frame.to_json(orient="records", double_precision=15)), indent=1)
        )
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="steering against the baseline, and against random directions")
    for name in ("direction", "α", "gained/lost of n", "points [95 %]", "p (Holm)"):
        table.add_column(name)
    for name in ("controls", "p (rank)", "p (C–H)", "claim"):
        table.add_column(name)
    for row in frame.to_dict("records"):
        stamp = " *" if row["selected_on_outcome"] else ""
        ended = "" if row["stop"] is None else f" ({row['stop']})"
        table.add_row(
            escape(one_line(row["direction"])) + stamp,
            words.alpha(row["alpha"]),
            f"{words.moved(row['gained'], row['lost'])} of {words.count(row['n'])}{ended}",
            f"{words.points(row['estimate'])} {words.interval(row['low'], row['high'])}",
            words.p_value(row["p_holm"]),
            words.MISSING
            if pd.isna(row["k"])
            else f"{words.points(row['controls_mean'])} (k = {words.count(row['k'])})",
            words.p_value(row["p_rank"]),
            words.p_from_controls(row["p_crawford_howell"], row["k"]),
            f"{row['claim']}: {row['verdict']}",
        )
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 150)
    console.print(table)
    if frame["stop"].notna().any():
        console.print(
            "what a plan ended has its e-value's p, by Holm over all tests of the plan, and its "
            "confidence sequence"
        )
    unread = frame[frame["n_unreadable"] > 0]
    if len(unread):
        most = unread.sort_values("n_unreadable", kind="stable").iloc[-1]
        console.print(
            "an answer that cannot be read is not right; most of them under "
            f"{most['direction']} at α = {words.alpha(most['alpha'])}, "
            f"{words.count(most['n_unreadable'])}: with every one of them right or wrong the "
            f"difference is {words.interval(most['effect_low'], most['effect_high'])} points"
        )
    if frame["selected_on_outcome"].any():
        console.print("* this test set was selected on the outcome: its figures support no verdict")
