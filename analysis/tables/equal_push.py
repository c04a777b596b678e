"""Candidates beside each other at equal push: how far they move a latent, not by which alpha.

Directions differ in length, so the same alpha pushes one harder. The *push* is alpha · ‖v‖/‖h‖,
the share of a latent's norm that is added, on average over the positions that change anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from analysis.tables.base import PART, groups, ordered
from analysis.tables.curves import accuracy_curves
from analysis.tables.directions import direction_norms
from analysis.tables.live_norms import dead_positions, live_positions
from analysis.tables.own_controls import PLACE, Array, Run, curve_of, dose
from analysis.tables.readings import Readings, Source, opened, remembered

SEED, RESAMPLES = 0, 1999
COLUMNS = [
    *PLACE, "first", "second", "push", "first_alpha", "second_alpha", "n", "first_effect",
    "second_effect", "difference", "low", "high", "p", "family_size", "matched",
]  # fmt: skip


@remembered
def push_curves(store: Source) -> pd.DataFrame:
    """`accuracy_curves` of the candidates that are added to latents, with the `push` of each alpha.

    One push is the whole norm of the latent that the direction is added to; the baseline is at 0.
    """
    tested = accuracy_curves(store)
    unit = pushes(store)
    keys = zip(*(tested[name] for name in _RUN), strict=True)
    push = tested["alpha"] * [unit.get(key, np.nan) for key in keys]
    return tested.assign(push=push)[push.notna()].reset_index(drop=True)


_RUN = ["model", "protocol", "dtype", "direction", "site"]


@remembered
def pushes(store: Source) -> dict[tuple[Any, ...], float]:
    """What alpha = 1 adds, as a share of the latents' norm: the mean over live positions."""
    table = direction_norms(store)
    unit = {}
    for key, index in groups(table, _RUN).items():
        names = dict(zip(_RUN, key, strict=True))
        relative = table["relative"].to_numpy(dtype=float)[index]
        dead = dead_positions(store, names["protocol"])
        live = live_positions(names["site"], len(index), dead)
        if np.isfinite(relative[live]).all():
            unit[key] = float(relative[live].mean())
    return unit


@remembered
def equal_push(store: Source) -> pd.DataFrame:
    """One row per pair of candidates of a place and push: what each does, and the difference.

    The pushes are those of the doses at which the shorter direction was run, as far as the longer
    one reaches; its outcomes there are interpolated between its own doses, problem by problem, with
    the baseline at 0. `difference` is first − second (fraction) with limits that hold at all pushes
    of the pair at once, and `p` is corrected over them (max-T by sign flips of problems).
    `matched`: the second is the difficulty-matched counterpart of the first.
    """
    readings = opened(store)
    table = push_curves(readings)
    table = table[~table[PART].astype(bool)].reset_index(drop=True)
    rows: list[dict[str, Any]] = []
    for value, index in groups(table, PLACE).items():
        place = dict(zip(PLACE, value, strict=True))
        curves = {
            str(key[0]): table.iloc[index[positions]]
            for key, positions in groups(table.iloc[index], ["direction"]).items()
        }
        for first, second in combinations(curves, 2):
            pair, matched = _ordered_pair(first, second, curves)
            compared = _compared(readings, place, {name: curves[name] for name in pair})
            rows += [row | {"matched": matched} for row in compared]
    return ordered(pd.DataFrame(rows, columns=COLUMNS), [*PLACE, "first", "second", "push"])


def _ordered_pair(
    first: str, second: str, curves: Mapping[str, pd.DataFrame]
) -> tuple[tuple[str, str], bool]:
    """A direction before its difficulty-matched counterpart, else by name; and which it is."""
    kinds = {name: str(curves[name]["kind"].iloc[0]) for name in (first, second)}
    if kinds[first] == f"{kinds[second]}_matched":
        return (second, first), True
    return (first, second), kinds[second] == f"{kinds[first]}_matched"


def _compared(
    readings: Readings, place: Mapping[str, Any], curves: Mapping[str, pd.DataFrame]
) -> Iterator[dict[str, Any]]:
    """The rows of one pair, none where the two share no pushes or problems."""
    from analysis.statistics.signflips import max_t

    units, runs = {}, {}
    for name, curve in curves.items():
        steered = curve[curve["alpha"] != 0]
        if steered.empty:  # its doses were all covered in part
            return
        units[name] = float((steered["push"] / steered["alpha"]).iloc[0])
        runs[name] = curve_of(readings, place, name, [dose(alpha) for alpha in steered["alpha"]])
    if not all(runs.values()) or not _same_problems([*runs.values()]):
        return
    reach = {name: [unit * alpha for alpha in runs[name]] for name, unit in units.items()}
    shorter = min(reach, key=lambda name: max(map(abs, reach[name])))
    low, high = (
        (max(min([0.0, *of]) for of in reach.values())),
        (min(max([0.0, *of]) for of in reach.values())),
    )
    shared = sorted(push for push in reach[shorter] if low - 1e-9 <= push <= high + 1e-9)
    if not shared:
        return
    first, second = (_at(runs[name], units[name], shared) for name in curves)
    base = next(iter(next(iter(runs.values())).values())).baseline
    complete = ~np.isnan(first).any(axis=1) & ~np.isnan(second).any(axis=1) & ~np.isnan(base)
    if complete.sum() < 2:
        return
    first, second, base = first[complete], second[complete], base[complete]
    compared = max_t(
        first - second,
        np.zeros(len(first)),
        rng=np.random.default_rng(SEED),
        resamples=RESAMPLES,
    )
    names = dict(zip(("first", "second"), curves, strict=True))
    for at, push in enumerate(shared):
        yield (
            dict(place)
            | names
            | {
                "push": push,
                "first_alpha": push / units[names["first"]],
                "second_alpha": push / units[names["second"]],
                "n": len(first),
                "first_effect": float((first[:, at] - base).mean()),
                "second_effect": float((second[:, at] - base).mean()),
                "difference": float(compared.estimate[at]),
                "low": float(compared.low[at]),
                "high": float(compared.high[at]),
                "p": float(compared.p[at]),
                "family_size": len(shared),
            }
        )


def _same_problems(curves: list[dict[float, Run]]) -> bool:
    """Whether all runs are of the same problems and seeds."""
    every = [run for curve in curves for run in curve.values()]
    return all(run.same_rows(every[0]) for run in every)


def _at(curve: Mapping[float, Run], unit: float, pushes: list[float]) -> Array:
    """Accuracy of each problem at some pushes, [problems, pushes], linear between its doses."""
    doses = sorted([*curve, 0.0])
    base = next(iter(curve.values())).baseline
    known = np.stack([base if not alpha else curve[alpha].accuracy for alpha in doses])
    at = np.array([alpha * unit for alpha in doses])
    right = np.clip(np.searchsorted(at, np.array(pushes) - 1e-12), 1, len(at) - 1)
    weight = np.clip((np.array(pushes) - at[right - 1]) / (at[right] - at[right - 1]), 0.0, 1.0)
    # A dose that was run is taken as it is: 0 times a missing neighbour would be missing.
    below = np.where(weight[:, None] < 1, known[right - 1], 0.0)
    above = np.where(weight[:, None] > 0, known[right], 0.0)
    return np.asarray(((1 - weight)[:, None] * below + weight[:, None] * above).T)
