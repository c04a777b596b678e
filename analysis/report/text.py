"""The results of an analysis as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis import words
from analysis.recorded.recording import SCORE
from analysis.tables.seeds import CLUSTERED

PRIMARY = (
    "McNemar mid-p, Tango",
    CLUSTERED,
    "Crawford–Howell",
    "reflection trend",
    "max-T, split estimate",
    "search, split estimate",  # as recorded before
)


def results_text(table: pd.DataFrame, *, everything: bool = False) -> str:
    """The results as an aligned table: the primary method's rows, or all of them."""
    chosen = table if everything else table[table["method"].isin(PRIMARY)]
    chosen = chosen[~chosen["quantity"].str.startswith(SCORE)]
    of = chosen.drop(columns=["set_name", "n_seeds"], errors="ignore")
    chosen = chosen.assign(series=pd.Series(words.series_labels(of), index=of.index, dtype=object))
    head = ["set", "direction", "alpha", "steps", "quantity", "method", "points", "95 %", "p",
            "p (adj.)", "n", "+", "−", ""]  # fmt: skip
    lines = [[*_cells({str(k): v for k, v in row.items()})] for row in chosen.to_dict("records")]
    of_scores = table[table["quantity"].str.startswith(SCORE)]
    parts = [words.aligned([head, *lines])] if lines or of_scores.empty else []
    if len(of_scores):
        parts.append(_scores_text(of_scores))
    return "\n\n".join(parts)


def _scores_text(table: pd.DataFrame) -> str:
    """Changes of continuous outcomes, in their own units."""
    head = ["set", "direction", "alpha", "score", "mean change", "95 %", "p", "p (adj.)", "n", ""]
    lines = [
        [
            str(row["set_name"] or ""),
            str(row["direction"]),
            words.alpha(row["alpha"]),
            str(row["quantity"]).removeprefix(SCORE),
            words.precise(row["estimate"], sign=True),
            words.precise_range(row["low"], row["high"]),
            words.p_value(row["p"]),
            words.p_value(row["p_adjusted"]),
            words.count(row["n"]),
            "selected" if row["selected_on_outcome"] else "",
        ]
        for row in table.to_dict("records")
    ]
    return words.aligned([head, *lines])


def _cells(row: dict[str, Any]) -> Sequence[str]:
    """One result as text; differences in points, standardised ones as they are."""
    standard = row["quantity"] in ("Cohen's d (ddof 1)", "Hedges g")
    estimate = words.signed(row["estimate"], 2) if standard else words.points(row["estimate"], 1)
    limits = "" if standard else words.interval(row["low"], row["high"])
    alpha = row["alpha"]
    return (
        str(row["set_name"] or ""),
        str(row["series"]),
        "" if alpha is None or alpha != alpha else words.alpha(alpha),
        str(row["stratum"] or ""),
        row["quantity"],
        row["method"],
        estimate,
        limits,
        words.p_value(row["p"]),
        words.p_value(row["p_adjusted"]),
        *(words.count(row[name]) for name in ("n", "gained", "lost")),
        row["stamp"] + (", selected" if row["selected_on_outcome"] else ""),
    )
