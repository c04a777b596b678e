"""What the last audit of a store found, as it was kept."""

from __future__ import annotations

import pandas as pd

from analysis.tables.readings import Source, opened, remembered, view
from analysis.vocabulary import Severity

# The gravest first.
_ORDER: tuple[Severity, ...] = ("decides", "biases", "weakens", "hygiene")


@remembered
def audited(store: Source) -> pd.DataFrame:
    """One row per check of the last audit; none where the store has changed since.

    The columns of the table `audit_findings`. What was found comes first, the gravest before the
    others; `verdicts` is JSON.
    """
    from store import store_digest

    readings = opened(store)
    rows = view(readings, "audit_findings")
    if rows.empty:
        return rows
    digest = readings.once("store digest", lambda: store_digest(readings.path))
    rows = rows[rows["store_digest"] == digest].reset_index(drop=True)
    rank = [
        (row["status"] != "found", _ORDER.index(row["severity"]) if row["severity"] else 0, i)
        for i, row in enumerate(rows.to_dict("records"))
    ]
    order = sorted(range(len(rows)), key=lambda i: rank[i])
    return rows.iloc[order].reset_index(drop=True)
