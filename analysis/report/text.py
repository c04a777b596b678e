"""Results as text: what a terminal shows, rounded here and nowhere before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.tables import labels
from analysis.tables.seeds import CLUSTERED

PRIMARY = (
    "McNemar mid-p, Tango",
    CLUSTERED,
    "Crawford–Howell",
    "reflection trend",
    "search, split estimate",
)


def results_text(table: pd.DataFrame, *, everything: bool = False) -> str:
    """The results as an aligned table: the primary method's rows, or all of them."""
    chosen = table if everything else table[table["method"].isin(PRIMARY)]
    head = ["set", "direction", "alpha", "steps", "quantity", "method", "points", "95 %", "p",
            "p (adj.)", "n", "+", "−", ""]  # fmt: skip
    lines = [[*_cells({str(k): v for k, v in row.items()})] for row in chosen.to_dict("records")]
    return aligned([head, *lines])


def _cells(row: dict[str, Any]) -> Sequence[str]:
    """One result as text; differences in points, standardised ones as they are."""
    standard = row["quantity"] in ("Cohen's d (ddof 1)", "Hedges g")
    estimate = labels.signed(row["estimate"], 2) if standard else labels.points(row["estimate"], 1)
    limits = "" if standard else labels.interval(row["low"], row["high"])
    alpha = row["alpha"]
    return (
        str(row["set_name"] or ""),
        str(row["direction"]),
        "" if alpha is None or alpha != alpha else labels.alpha(alpha),
        str(row["stratum"] or ""),
        row["quantity"],
        row["method"],
        estimate,
        limits,
        labels.p_value(row["p"]),
        labels.p_value(row["p_adjusted"]),
        *(_count(row[name]) for name in ("n", "gained", "lost")),
        "selected" if row["selected_on_outcome"] else "",
    )


def _count(value: Any) -> str:
    return "" if value is None or value != value else str(int(value))


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text in columns; the first row is the head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
