"""What a series is called: its direction, and every field in which it differs from its like.

A series is one curve over the dose. Model, protocol, decoding, dtype, set, site, schedule,
operator, effect and seeds tell two of them apart; of these a label has those that vary in what is
shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

# Where a series was run, and how its direction was applied; `setting` is how protocols of one name
# differ (`analysis.tables.series`).
WHERE = ("set_name", "protocol", "model", "setting", "decoding", "dtype")
WAY = ("site", "schedule", "operator", "effect", "n_seeds")
_NAMED = {
    "set_name": "{} set",
    "protocol": "{} protocol",
    "schedule": "schedule {}",
    "effect": "{} effect",
    "baseline_id": "baseline {:.8}",
}


def field_words(name: str, value: Any) -> str:
    """One field of a series in words; nothing where there is no value."""
    if value is None or value == "" or value != value:
        return ""
    if name == "decoding":
        return _decoding(str(value))
    if name == "n_seeds":
        return f"{int(value)} seed" + ("" if int(value) == 1 else "s")
    return _NAMED.get(name, "{}").format(value)


def _decoding(text: str) -> str:
    """A decoding as JSON in words: ``greedy``, ``temperature 0.7``."""
    try:
        fields = json.loads(text)
    except ValueError:
        return text
    if not isinstance(fields, dict):
        return text
    mode = str(fields.pop("mode", ""))
    said = [f"{name} {value}" for name, value in sorted(fields.items())]
    return ", ".join(said) or mode


def varying(rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> list[str]:
    """Those of the fields in which the rows differ."""
    return [name for name in fields if len({str(row.get(name)) for row in rows}) > 1]


def series_labels(
    frame: pd.DataFrame, *, of: str = "direction", among: pd.DataFrame | None = None
) -> list[str | None]:
    """Each row's direction with the fields in which series differ: ``v, clamp, bfloat16``.

    Args:
        frame: rows of series; `of` names the column of their directions, None for a baseline.
        among: the rows that are shown together, where those of `frame` are some of them.
    """
    shown = frame if among is None else among
    fields = [name for name in (*WHERE, *WAY) if name in frame and name in shown]
    name = of if of in shown else "direction"
    distinct = shown.loc[shown[name].notna(), fields].drop_duplicates()
    differ = varying(_records(distinct), fields)
    if "baseline_id" in frame and "baseline_id" in shown:
        # What no field tells apart, such as two limits of one protocol, the baseline does.
        keys = shown.loc[shown[name].notna(), [*differ, "baseline_id"]].astype(str)
        if keys.drop_duplicates().duplicated(differ).any() if differ else _several(keys):
            differ.append("baseline_id")
    return [
        None
        if row[of] is None or row[of] != row[of]
        else ", ".join(filter(None, (str(row[of]), *(field_words(n, row[n]) for n in differ))))
        for row in _records(frame[[of, *(n for n in differ if n != of)]])
    ]


def _several(keys: pd.DataFrame) -> bool:
    return int(keys["baseline_id"].nunique()) > 1


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
