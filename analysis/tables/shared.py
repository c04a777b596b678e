"""A comparison of directions is of the same problems: those that each of them has a pair on."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.tables.base import groups
from analysis.tables.readings import Source, opened, texts_to_objects

# What a row needs beside its figures: the conditions behind it, and their missing outcomes.
BEHIND = ["conditions", "n_missing"]


def on_shared_problems(points: pd.DataFrame, store: Source, *, by: Sequence[str]) -> pd.DataFrame:
    """The rows, counted anew where directions of one comparison may differ in their problems.

    `by` names the columns whose values make a comparison, `conditions` holds the condition of an
    effect or the two (+alpha, −alpha) of a signed one. Where no outcome is missing and all have the
    same n, as on whole sets they mostly do, the rows stay as they are. Comparisons without a
    problem that all have are left out.
    """
    points = points.copy()
    left = pd.Series(True, index=points.index)
    for index in groups(points, [*by]).values():
        rows = points.iloc[index]
        if rows["n"].nunique() == 1 and not rows["n_missing"].any():
            continue
        conditions = sorted({name for names in rows["conditions"] for name in names})
        pairs = shared_pairs(store, conditions, rows["set_name"].iloc[0])
        n = pairs["problem_id"].nunique()
        left[rows.index] = n > 0
        if not n:
            continue
        sums = pairs.groupby("condition_id")[["gained", "lost"]].sum()
        net = (sums["gained"] - sums["lost"]) / (len(pairs) / len(conditions))
        points.loc[rows.index, "n"] = n
        for at, names in zip(rows.index, rows["conditions"], strict=True):
            if len(names) == 1:
                for side in ("gained", "lost"):
                    points.loc[at, side] = int(sums.loc[names[0], side])
                points.loc[at, "estimate"] = net[names[0]]
            else:
                points.loc[at, "estimate"] = (net[names[0]] - net[names[1]]) / 2
    return points[left].reset_index(drop=True)


def shared_pairs(store: Source, conditions: Sequence[str], set_name: str | None) -> pd.DataFrame:
    """Pairs of some conditions on the problems (and seeds) that all of them have, as read."""
    from sql import loader
    from store.querying import read_script

    readings = opened(store)
    given = {"conditions": [*conditions], "set_name": set_name}
    return readings.once(
        ("shared_pairs", tuple(conditions), set_name),
        lambda: texts_to_objects(
            read_script(readings.path, loader.internal("shared_pairs"), **given).to_pandas()
        ),
    )
