"""Confirmatory or exploratory, beside every row and every table of results."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis import words
from analysis.plans.freezing import CONFIRMATORY, EXPLORATORY, Stamps, stamps
from analysis.tables.readings import Readings
from analysis.vocabulary import Against, Stamp

_PLACE = ("set_name", "protocol", "stratum", "scheme")


def store_stamps(readings: Readings) -> Stamps:
    """The stamps of a store, read once."""
    return readings.once("stamps", lambda: stamps(readings.path))


def stamped(
    readings: Readings,
    rows: pd.DataFrame,
    *,
    against: Against = "baseline",
    quantity: str | None = None,
) -> list[Stamp]:
    """The stamp of each row of a table of results, by what it is of.

    Args:
        rows: with `direction` or `candidate`, and of `alpha` or `dose`, `quantity`, `stratum` and
            the columns of the section those that the table has.
        against: what they are compared with.
        quantity: what is tested, where the rows do not say.
    """
    planned = store_stamps(readings)
    if not planned.plans:
        return [EXPLORATORY] * len(rows)
    return [
        planned(
            {
                "quantity": row.get("quantity", quantity),
                "direction": row.get("direction", row.get("candidate")),
                "alpha": row.get("alpha", row.get("dose")),
                "against": against,
                **{name: row.get(name) for name in _PLACE},
            }
        )
        for row in rows.to_dict("records")
    ]


def stamp_words(rows: pd.DataFrame, given: list[Stamp]) -> str:
    """The stamps of a table's rows as one: ``exploratory``, or which rows are confirmatory.

    Takes `series` of the rows, and their `alpha` or `dose` where they have one.
    """
    if CONFIRMATORY not in given:
        return EXPLORATORY
    if EXPLORATORY not in given:
        return CONFIRMATORY
    at = "alpha" if "alpha" in rows else "dose" if "dose" in rows else None
    doses: dict[str, list[Any]] = {}
    for row, stamp in zip(rows.to_dict("records"), given, strict=True):
        if stamp == CONFIRMATORY:
            doses.setdefault(str(row["series"]), []).append(row[at] if at else None)
    named = "; ".join(
        name if at is None else f"{name} at α = {words.alphas(sorted(dict.fromkeys(of)))}"
        for name, of in doses.items()
    )
    return f"{CONFIRMATORY}: {named}; all else {EXPLORATORY}"
