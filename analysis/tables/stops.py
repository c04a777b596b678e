"""Contrasts that a sequential plan ended: their test, and what was covered in part without an end.

A condition that stopped early is a result as it stands. Its test is the e-value, looked at as often
as the plan liked, so that nothing computed for a fixed number of problems is shown of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis import words
from analysis.tables.base import CONTEXT, PART, groups, ordered, with_coverage
from analysis.tables.paired import accuracy, effects
from analysis.tables.readings import Source, remembered, view

PART_COLUMNS = [
    *CONTEXT,
    "direction",
    "role",
    "kind",
    "alpha",
    "directions",
    "n",
    "set_size",
    "why",
]
OF_STOPPED = "controls of a contrast that ended early"
NO_END = "no plan says that it ended: the sweep was interrupted or goes on"


@remembered
def planned_ends(store: Source) -> pd.DataFrame:
    """Rows of `effects` that a sequential plan ended, one per contrast and dose.

    `stop` says why, `stopped_at` after how many of `planned_n` problems; `estimate` of the `n`
    pairs that there are by now, with its confidence sequence, `p` at any look and `p_adjusted` by
    Holm over the `family_size` tests of the plan.
    """
    tested = effects(store)
    return tested[tested["stop"].notna()].reset_index(drop=True)


def stop_words(row: Any) -> str:
    """The end of one contrast in words, `planned_ends` giving its row."""
    used = f"after {words.count(row['stopped_at'])} of {words.count(row['planned_n'])} problems"
    return f"{row['stop']} {used}" if row["stop"] != "ran to the end" else "ran to the end"


@remembered
def covered_in_part(store: Source) -> pd.DataFrame:
    """What no table tests: steered conditions with outcomes for a part of a set, and no stop.

    One row per candidate, or per kind of controls (`directions` of them), and dose: `n` outcomes
    of the problems of the set, `set_size` of them, and `why`. Left out are sets that a condition
    meets only where they share problems with one that it was run on.
    """
    frame = with_coverage(accuracy(store), store)
    part = frame[frame[PART] & frame["stop"].isna() & frame["direction"].notna()]
    part = part[~_shared(part, frame, store)].reset_index(drop=True)
    part = part.assign(
        direction=part["direction"].where(part["role"] == "candidate", None).astype(object)
    )
    stopped = frame[frame[PART] & frame["stop"].notna()]
    ended = set(stopped[[*CONTEXT, "alpha"]].itertuples(index=False, name=None))
    rows = []
    columns = [*CONTEXT, "direction", "role", "kind", "alpha", "n", "set_size"]
    for value, index in groups(part, columns).items():
        row = dict(zip(columns, value, strict=True))
        of_stopped = (*(row[name] for name in CONTEXT), row["alpha"]) in ended
        control = row["role"] == "control"
        why = OF_STOPPED if control and of_stopped else NO_END
        rows.append(row | {"directions": len(index), "why": why})
    table = pd.DataFrame(rows, columns=PART_COLUMNS)
    return ordered(table, [*CONTEXT, "role", "kind", "direction", "alpha"])


def _shared(part: pd.DataFrame, frame: pd.DataFrame, store: Source) -> np.ndarray:
    """Whether the problems that a row has are those that its set shares with whole sets."""
    members = view(store, "problem_sets").groupby("set_name")["problem_id"].agg(set).to_dict()
    whole = frame[~frame[PART]].groupby("condition_id")["set_name"].agg(list).to_dict()
    found = []
    for row in part.to_dict("records"):
        others = [members[name] for name in whole.get(row["condition_id"], [])]
        shared = members[row["set_name"]] & set().union(*others) if others else set()
        found.append(len(shared) * row["n_seeds"] == row["n"])
    return np.asarray(found, dtype=bool)
