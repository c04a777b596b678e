"""What every table shares: the columns that name a curve, whole sets, groups and their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.tables.readings import Source, view

# Everything that decides which outcomes are compared, except the dose: one value of these columns
# is one curve over alpha.
CONTEXT = ["model", "protocol", "decoding", "dtype", "set_name", "baseline_id"]
STEERING = ["direction", "site", "schedule", "operator", "effect"]
CURVE = [*CONTEXT, *STEERING]
# The test set and how it was drawn travel with every row that is tested on it.
STAMPS = ["selection", "selected_on_outcome"]
CONFIDENCE = 0.95
STEPS = "n_steps"


def whole_test_sets(frame: pd.DataFrame, store: Source) -> pd.DataFrame:
    """Rows of the problem sets that a direction may be tested on, and of the whole set.

    Left out: training sets, on which directions were fitted; outcomes of problems in no set, where
    there are sets; and a set that was covered in part. Two sets may share problems, so a direction
    that was swept over one has outcomes for a part of the other: a part that nobody drew.
    `n` of the frame counts outcomes of the row, `set_size` (added) problems of the set.
    """
    sets = view(store, "sets_overview").set_index("set_name")
    if frame["set_name"].notna().any():
        frame = frame[frame["set_name"].notna()]
    training = set(sets.index[sets["split"] == "train"])
    frame = frame[~frame["set_name"].isin(training)].reset_index(drop=True)
    size = frame["set_name"].map(sets["n"]).astype(float)
    frame = frame.assign(set_size=size)
    covered = (
        frame.groupby(["condition_id", "set_name"], dropna=False)["n"].transform("sum")
        if "level" in frame
        else frame["n"]
    )
    return frame[size.isna() | (covered >= size * frame["n_seeds"])].reset_index(drop=True)


def matching(frame: pd.DataFrame, values: Mapping[str, Any]) -> pd.DataFrame:
    """Rows that have these values in the columns that the frame has; None equals None."""
    keep = np.ones(len(frame), dtype=bool)
    for name, value in values.items():
        if name in frame.columns:
            keep &= np.array([cell == value for cell in frame[name]], dtype=bool)
    return frame[keep].reset_index(drop=True)


def groups(frame: pd.DataFrame, columns: list[str]) -> dict[tuple[Any, ...], np.ndarray]:
    """Row positions by the values of `columns`, in order of first appearance.

    None equals None here, as it does not in pandas' own grouping.
    """
    positions: dict[tuple[Any, ...], list[int]] = {}
    for position, row in enumerate(frame[columns].itertuples(index=False, name=None)):
        positions.setdefault(row, []).append(position)
    return {value: np.asarray(rows) for value, rows in positions.items()}


def ordered(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Rows in a stable order with a fresh index; missing values first."""
    present = [name for name in by if name in frame.columns]
    if frame.empty or not present:
        return frame.reset_index(drop=True)

    def rank(column: pd.Series) -> pd.Series:
        if column.dtype == object:
            return column.map(lambda value: "" if value is None else str(value))
        return column

    return frame.sort_values(present, key=rank, kind="stable", na_position="first").reset_index(
        drop=True
    )
