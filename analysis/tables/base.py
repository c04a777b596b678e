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
STEPS = "n_steps"
PART = "in_part"
# What tables say of a contrast that a sequential plan ended, by the column of the view `stops`.
STOP = {
    "stop": "stop",
    "stopped_at": "n",
    "planned_n": "planned_n",
    "p_at_stop": "p_anytime",
    "plan_id": "plan_id",
    "planned_tests": "family_size",
}


def whole_test_sets(frame: pd.DataFrame, store: Source) -> pd.DataFrame:
    """Rows of the problem sets that a direction may be tested on: whole, or ended by a plan.

    Left out, besides what `with_coverage` leaves out: a set that was covered in part and not ended
    by a sequential plan. Two sets may share problems, so a direction that was swept over one has
    outcomes for a part of the other: a part that nobody drew. `tables.covered_in_part` lists them.
    """
    frame = with_coverage(frame, store)
    return frame[~frame[PART] | frame["stop"].notna()].reset_index(drop=True)


def with_coverage(frame: pd.DataFrame, store: Source) -> pd.DataFrame:
    """Rows of test sets, with what is known of their coverage.

    Left out: training sets, on which directions were fitted, and outcomes of problems in no set,
    where there are sets. Added: `set_size`, problems of the set (`n` of the frame counts outcomes
    of the row); `in_part`, whether the row lacks some of them; and, where a sequential plan ended
    the condition, the columns of `STOP` (else missing): why, after how many of how many problems,
    its p at the stop, the plan and its number of tests.
    """
    sets = view(store, "sets_overview").set_index("set_name")
    if frame["set_name"].notna().any():
        frame = frame[frame["set_name"].notna()]
    training = set(sets.index[sets["split"] == "train"])
    frame = frame[~frame["set_name"].isin(training)].reset_index(drop=True)
    size = frame["set_name"].map(sets["n"]).astype(float)
    covered = (
        frame.groupby(["condition_id", "set_name"], dropna=False)["n"].transform("sum")
        if "level" in frame
        else frame["n"]
    )
    in_part = size.notna() & (covered < size * frame["n_seeds"])
    return _with_stops(frame.assign(set_size=size, in_part=in_part), store)


def _with_stops(frame: pd.DataFrame, store: Source) -> pd.DataFrame:
    """The frame with the columns of `STOP`."""
    found = view(store, "stops").to_dict("records")
    ends = {(row["condition_id"], row["set_name"]): row for row in found}
    own = [ends.get(key, {}) for key in zip(frame["condition_id"], frame["set_name"], strict=True)]
    return frame.assign(
        **{
            name: pd.Series([row.get(of) for row in own], index=frame.index, dtype=object)
            for name, of in STOP.items()
        }
    )


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
        """A column as it sorts: text with nothing first, numbers as they are."""
        if column.dtype == object:
            return column.map(lambda value: "" if value is None else str(value))
        return column

    return frame.sort_values(present, key=rank, kind="stable", na_position="first").reset_index(
        drop=True
    )
