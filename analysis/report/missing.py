"""The tables of answers that were not read, and of what hangs on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis import words
from analysis.figures import shown
from analysis.report.document import Grid
from analysis.report.grids import records


def missing_grid(
    missingness: pd.DataFrame, name: str, context: Mapping[str, Any], stamp: str = ""
) -> Grid:
    """What was not read or is missing at every dose, against the baseline and the controls."""
    rows = []
    for row in records(missingness):
        few = "" if row["k"] != row["k"] else f" (k = {words.count(row['k'])})"
        rows.append(
            [
                row["series"],
                words.alpha(row["alpha"]),
                f"{words.count(row['n_unreadable'])} ({words.percent(row['unreadable'])})",
                words.count(row["n_missing"]),
                words.moved(row["became_unreadable"], row["became_readable"]),
                words.p_value(row["p_adjusted"]),
                words.percent(row["controls_unreadable"]) + few,
                words.p_value(row["p_controls"]),
            ]
        )
    return Grid(
        name=name,
        title="Answers that cannot be read",
        head=["Direction", "α", "Unreadable", "Missing", "Became unreadable/readable",
              "p (Holm)", "Controls, mean", "p (rank)"],
        rows=rows,
        note="Unreadable: cut off or not parsed; missing: an error. p: McNemar mid-p of the pairs "
        "that only one side left unread, Holm over the doses of a direction.",
        sql=shown("behind_missing", context),
        stamp=stamp,
    )  # fmt: skip


def sensitivity_grid(
    effects: pd.DataFrame, name: str, context: Mapping[str, Any], stamp: str = ""
) -> Grid:
    """What the primary estimand's effects are without the unread answers, and at the worst."""
    rows = []
    for row in records(effects):
        rows.append(
            [
                row["series"],
                words.alpha(row["alpha"]),
                words.points(row["estimate"]),
                words.count(row["complete_n"]),
                words.points(row["complete_estimate"]),
                words.interval(row["complete_low"], row["complete_high"]),
                words.p_value(row["complete_p"]),
                words.interval(row["effect_low"], row["effect_high"]),
                words.p_value(row["bound_p"]),
                "yes" if row["bound_agrees"] is True else "no",
            ]
        )
    return Grid(
        name=name,
        title="Differences without unread answers, and their bounds",
        head=["Direction", "α", "Primary (points)", "Complete pairs", "Complete cases",
              "95 % Tango", "p (mid-p)", "Bounds", "Largest p", "Decided alike"],
        rows=rows,
        note="Primary: an answer that cannot be read is not right. Complete cases: pairs with both "
        "answers read. Bounds: smallest and largest difference, and largest p, over every reading "
        "of what was not read or is missing; decided alike: whether all of them reject with one "
        "sign, or none does.",
        sql=shown("behind_missing", context),
        stamp=stamp,
    )  # fmt: skip
