"""Effects by difficulty: each stratum tested, and whether strata differ."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis import words
from analysis.tables.base import CURVE, STAMPS, STEPS, groups, whole_test_sets
from analysis.tables.paired import paired_tests
from analysis.tables.readings import Source, remembered, view

HOMOGENEITY_COLUMNS = [
    *CURVE, "kind", *STAMPS, "scheme", "alpha", "strata", "n", "gained", "lost", "p_odds",
    "p_points", "range_points", "status",
]  # fmt: skip


@remembered
def strata(store: Source, *, scheme: str = STEPS) -> pd.DataFrame:
    """One row per candidate, alpha and stratum: the paired effect within it, tested.

    Columns as in `effects`, with `stratum` and `stratum_label`; Holm over the alphas and strata of
    the direction, also where a sequential plan ended them. Left out: strata that were cut from the
    tested baseline, because they invent effects of either sign, and conditions with several seeds
    a problem.
    """
    frame = view(store, "accuracy_by_stratum")
    frame = frame[
        (frame["role"] == "candidate")
        & (frame["scheme"] == scheme)
        & ~frame["cut_from_baseline"]
        & (frame["n_seeds"] == 1)
    ]
    frame = whole_test_sets(frame, store)
    frame = frame.rename(columns={"level": "stratum"})
    table = paired_tests(frame, within=["scheme", "stratum"], family=[*CURVE, "scheme"])
    labels = [stratum_label(scheme, level) for level in table["stratum"]]
    # Counts are written under a plot at whole doses only: there is no room for all of them.
    counts = [
        words.moved(gained, lost) if float(alpha).is_integer() else ""
        for gained, lost, alpha in zip(table["gained"], table["lost"], table["alpha"], strict=True)
    ]
    return table.assign(
        stratum_label=pd.Series(labels, index=table.index, dtype=object),
        counts_label=pd.Series(counts, index=table.index, dtype=object),
    )


def stratum_label(scheme: str, level: str) -> str:
    """The stratum in words: ``1 step``, ``2 steps``, or ``scheme: level``."""
    if scheme == STEPS:
        return f"{level} step" + ("" if level == "1" else "s")
    return f"{scheme}: {level}"


@remembered
def homogeneity(store: Source, *, scheme: str = STEPS) -> pd.DataFrame:
    """Per candidate and alpha: do strata differ in the odds gained:lost, or in points?

    `p_odds` compares the discordant pairs of the strata (exact), `p_points` their differences;
    effects equal in points can differ in odds, so both are shown. Neither is there where a
    sequential plan ended the condition: they are tests for a fixed number of problems.
    """
    from analysis.statistics.results import STOPPED
    from analysis.statistics.strata import stratified_difference, stratum_homogeneity

    table = strata(store, scheme=scheme)
    rows = []
    columns = [*CURVE, "alpha", "scheme"]
    for value, index in groups(table, columns).items():
        group = table.iloc[index]
        if len(group) < 2:
            continue
        gained, lost, n = (group[name].to_numpy() for name in ("gained", "lost", "n"))
        ended = bool(group["stop"].notna().any())
        odds = None if ended else stratum_homogeneity(gained, lost)
        points = None if ended else stratified_difference(gained, lost, n)
        estimate = group["estimate"].to_numpy(dtype=float)
        rows.append(
            dict(zip(columns, value, strict=True))
            | {name: group[name].iloc[0] for name in ("kind", *STAMPS)}
            | {
                "strata": len(group),
                "n": int(n.sum()),
                "gained": int(gained.sum()),
                "lost": int(lost.sum()),
                "p_odds": odds.p if odds else np.nan,
                "p_points": points.heterogeneity_p if points else np.nan,
                "range_points": float(np.ptp(estimate)),
                "status": str(odds.status) if odds else STOPPED,
            }
        )
    return pd.DataFrame(rows, columns=HOMOGENEITY_COLUMNS)
