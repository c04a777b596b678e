"""The log-probability of the gold answer on the page: a table and a sentence beside accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis import words
from analysis.figures import shown
from analysis.report.document import Grid
from analysis.report.grids import records
from analysis.tables.logprob import TREND, among_controls


def logprob_grid(
    logprobs: pd.DataFrame,
    among: pd.DataFrame,
    name: str,
    context: Mapping[str, Any],
    stamp: str = "",
) -> Grid:
    """The change at every dose with its tests, and the candidate's rank among its controls."""
    rows = []
    for row in records(logprobs):
        for own in among_controls(row, among) or [{}]:
            k = own.get("k")
            rows.append(
                [
                    row["series"],
                    words.alpha(row["alpha"]),
                    words.count(row["n"]),
                    words.signed(row["baseline"], 2),
                    words.signed(row["estimate"], 3),
                    words.nats(row["low"], row["high"]),
                    words.p_value(row["p_adjusted"]),
                    words.MISSING
                    if k is None
                    else f"{words.signed(own['controls_mean'], 3)} (k = {words.count(k)})",
                    words.p_value(own.get("p_rank")),
                ]
            )
    missing = int(logprobs["n_missing"].sum())
    return Grid(
        name=name,
        title="Log-probability of the gold answer (nats)",
        head=["Direction", "α", "n", "Baseline", "Change", "95 % t", "p (Holm)",
              "Controls, mean", "p (rank)"],
        rows=rows,
        note="Mean over problems, seeds averaged within each. p: sign flips of problems, Holm over "
        "the doses of a direction; no p where a sequential plan ended it. It stands beside "
        "accuracy and decides no verdict."
        + (f" {words.counted(missing, 'pair')} without a finite one left out." if missing else ""),
        sql=shown("behind_logprobs", context),
        stamp=stamp,
    )  # fmt: skip


def trend_sentence(doses: pd.DataFrame) -> str:
    """The signed slope of each candidate's log-probabilities; nothing where there is none."""
    said = [
        f"{row['series']} {words.signed(row['estimate'], 3)} nats per unit of α "
        f"{words.nats(row['low'], row['high'])}, reflection {words.p_is(row['p'])}, n = "
        f"{words.count(row['n'])}"
        for row in records(doses[doses["quantity"] == TREND])
    ]
    return f"Trend of the gold answer's log-probability: {'; '.join(said)}." if said else ""
