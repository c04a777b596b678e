"""What a store holds and no test takes, with the reason."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.tables.base import CURVE, PART, ordered, with_coverage
from analysis.tables.paired import accuracy
from analysis.tables.readings import Source

IN_PART = "a part of the set"
TRAINING = "a training set"
IN_NO_SET = "problems of no set"
NO_PAIRS = "no pair of known outcomes"
NO_BASELINE = "no baseline"
COLUMNS = [*CURVE, "kind", "role", "alpha", "n", "set_size", "n_seeds", "reason", "condition_id"]


def left_out(store: Source) -> pd.DataFrame:
    """One row per steered condition and set whose outcomes no test takes, and why.

    `reason` is `a part of the set` (`n` outcomes with `n_seeds` seeds, where the set has `set_size`
    problems, and no sequential plan ended it), `a training set`, `problems of no set`, `no
    baseline` or `no pair of known outcomes`.
    """
    frame = accuracy(store)
    covered = with_coverage(frame, store)
    kept = set(zip(covered["condition_id"], covered["set_name"], strict=True))
    keys = zip(frame["condition_id"], frame["set_name"], strict=True)
    elsewhere = frame[[key not in kept for key in keys]]
    no_set = np.array([name is None for name in elsewhere["set_name"]], dtype=bool)
    apart = elsewhere.assign(reason=np.where(no_set, IN_NO_SET, TRAINING))
    reason = pd.Series("", index=covered.index, dtype=object)
    reason[covered["n_pairs"] == 0] = NO_PAIRS
    reason[np.array([name is None for name in covered["baseline_id"]], dtype=bool)] = NO_BASELINE
    reason[covered[PART].astype(bool) & covered["stop"].isna()] = IN_PART
    found = pd.concat([apart, covered.assign(reason=reason)], ignore_index=True)
    chosen = found["direction"].notna() & (found["reason"] != "")
    return ordered(found[chosen].reindex(columns=COLUMNS), [*CURVE, "alpha"])
