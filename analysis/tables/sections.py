"""All candidates and alphas of a section at once: a section is a test set under one protocol."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.tables.base import CONTEXT, CURVE, groups, ordered
from analysis.tables.own_controls import curve_of, dose
from analysis.tables.paired import effects
from analysis.tables.readings import Source, opened, remembered

SEED, RESAMPLES = 0, 9999
COLUMNS = [*CURVE, "alpha", "n", "estimate", "p", "p_section", "family_size", "candidates"]


@remembered
def sections(store: Source) -> pd.DataFrame:
    """One row per candidate and alpha: its p corrected over all candidates of the section.

    `p_section` is step-down max-T by sign flips of problems over the `family_size` curves' doses of
    all `candidates`: they share problems and baseline, and what they share is kept. Curves that
    were not run on the same problems and seeds are a family of their own.
    """
    readings = opened(store)
    tested = effects(readings)
    # A sequential plan has its own test, and its own family.
    tested = tested[(tested["role"] == "candidate") & tested["stop"].isna()].reset_index(drop=True)
    parts: list[dict[str, Any]] = []
    for index in groups(tested, CONTEXT).values():
        families: dict[bytes, list[tuple[dict[str, Any], np.ndarray[Any, Any]]]] = {}
        for row in tested.iloc[index].to_dict("records"):
            named = {str(name): value for name, value in row.items()}
            run = curve_of(readings, named, named["direction"], [dose(named["alpha"])])
            for one in run.values():
                key = one.problems.tobytes() + one.seeds.tobytes()
                families.setdefault(key, []).append((named, one.accuracy - one.baseline))
        for family in families.values():
            parts += _corrected(family)
    return ordered(pd.DataFrame(parts, columns=COLUMNS), [*CURVE, "alpha"])


def _corrected(family: list[tuple[dict[str, Any], np.ndarray[Any, Any]]]) -> list[dict[str, Any]]:
    """The rows of one family with their p."""
    from analysis.statistics.signflips import step_down

    d = np.stack([differences for _, differences in family], axis=1)
    p = step_down(d, rng=np.random.default_rng(SEED), resamples=RESAMPLES)
    curves = {tuple(row[name] for name in CURVE) for row, _ in family}
    return [
        {name: row[name] for name in (*CURVE, "alpha", "n", "estimate", "p")}
        | {"p_section": float(one), "family_size": len(family), "candidates": len(curves)}
        for (row, _), one in zip(family, p, strict=True)
    ]
