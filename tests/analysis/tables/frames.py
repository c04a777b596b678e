"""Frames with the columns of `accuracy_by_alpha`, typed by hand."""

from __future__ import annotations

import pandas as pd


def all_read(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every answer read: complete cases are all pairs, and nothing is open."""
    nothing = ("n_unreadable", "n_missing", "maybe_gained", "maybe_lost", "maybe_either")
    return frame.assign(
        complete_n_pairs=frame["n_pairs"],
        complete_gained=frame["gained"],
        complete_lost=frame["lost"],
        **dict.fromkeys((*nothing, "became_unreadable", "became_readable"), 0),
    )
