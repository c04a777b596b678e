"""Per-problem curves: the grid of problems, the signed effect against damage, power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import words
from analysis.tables.base import CURVE, STAMPS, groups, ordered
from analysis.tables.readings import Source, remembered, view
from analysis.tables.seeds import numbers, unreadable

SEED = 0
RESAMPLES = 9999
RIGHT, WRONG, MISSING = "stayed right", "stayed wrong", "missing"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Outcomes of one candidate on one problem set, problem by problem.

    `outcomes` is [problems, alphas] of 1 (a readable right answer), 0 or NaN (missing), `baseline`
    [problems]; `seeds` says how many outcomes a problem has: with more than one, each is the mean
    over them. `unreadable` is [problems, alphas] of the share of answers that could not be read,
    `baseline_unreadable` [problems]; NaN where outcomes are. `ended` are doses that a sequential
    plan ended before the last problem: they have no column, and the curve as a whole is not
    tested, because which doses are left depends on the outcomes.
    """

    names: dict[str, Any]
    alphas: np.ndarray
    problems: pd.DataFrame
    outcomes: np.ndarray
    baseline: np.ndarray
    unreadable: np.ndarray
    baseline_unreadable: np.ndarray
    seeds: int
    ended: tuple[float, ...] = ()


@remembered
def candidate_curves(store: Source) -> list[Curve]:
    """One `Curve` per candidate and problem set, of the doses that all problems were run at."""
    table = view(store, "candidate_outcomes")
    stops = view(store, "stops")
    ends = set(zip(stops["condition_id"], stops["set_name"], strict=True))
    sets = view(store, "sets_overview").set_index("set_name")
    curves = []
    for value, index in groups(table, CURVE).items():
        rows = table.iloc[index]
        names = dict(zip(CURVE, value, strict=True))
        about = sets.loc[names["set_name"]]
        run_on = rows.groupby("alpha")["problem_id"].nunique()
        whole = rows["alpha"].isin(run_on.index[run_on == about["n"]])
        part = rows[~whole].drop_duplicates("condition_id")
        ended = {
            alpha
            for one, alpha in zip(part["condition_id"], part["alpha"], strict=True)
            if (one, names["set_name"]) in ends
        }
        rows = rows[whole]
        problems = rows.drop_duplicates("problem_id").sort_values("problem_id")
        if rows.empty or about["split"] == "train":
            continue
        seeds = rows["seed"].nunique()
        curves.append(
            Curve(
                names=names
                | {name: about[name] for name in STAMPS}
                | {"kind": rows["kind"].iloc[0]},
                alphas=np.sort(rows["alpha"].unique()),
                problems=problems[["problem_id", "question", "n_steps"]].reset_index(drop=True),
                outcomes=_matrix(rows, numbers(rows["readable_right"])),
                baseline=_matrix(rows, numbers(rows["baseline_readable_right"]))[:, 0],
                unreadable=_matrix(rows, unreadable(rows)),
                baseline_unreadable=_matrix(rows, unreadable(rows, "baseline_"))[:, 0],
                seeds=seeds,
                ended=tuple(sorted(ended)),
            )
        )
    return curves


def _matrix(rows: pd.DataFrame, values: np.ndarray) -> np.ndarray:
    """[problems, alphas] of a column, averaged over seeds; NaN where any is missing."""
    problem, _ = pd.factorize(rows["problem_id"], sort=True)
    dose, _ = pd.factorize(rows["alpha"], sort=True)
    total = np.zeros((problem.max() + 1, dose.max() + 1))
    count = np.zeros_like(total)
    np.add.at(count, (problem, dose), 1.0)
    np.add.at(total, (problem, dose), values)
    return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)


@remembered
def problem_grid(store: Source) -> pd.DataFrame:
    """One row per candidate, set, problem and alpha: what became of the problem.

    `rank` orders the problems of a curve by number of steps, then by how often they are right, so
    that a row of the grid is a problem; alpha 0 is the baseline itself.
    """
    parts = [_grid(curve) for curve in candidate_curves(store)]
    if not parts:
        return pd.DataFrame(columns=[*CURVE, "problem", "alpha", "alpha_label", "outcome", "rank"])
    return pd.concat(parts, ignore_index=True)


def _grid(curve: Curve) -> pd.DataFrame:
    alphas = np.append(curve.alphas, 0.0)
    y = np.column_stack([curve.outcomes, curve.baseline])
    base = curve.baseline[:, None]
    outcome = np.select(
        [np.isnan(y) | np.isnan(base), (y == 1) & (base == 1), (y == 1), (base == 1)],
        [MISSING, RIGHT, "gained", "lost"],
        WRONG,
    )
    steps = curve.problems["n_steps"].to_numpy(dtype=float)
    order = np.lexsort((-np.nansum(y, axis=1), -np.nan_to_num(curve.baseline), steps))
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    cells = pd.DataFrame(
        {
            "problem": np.repeat(curve.problems["problem_id"].str[:8].to_numpy(), len(alphas)),
            "n_steps": np.repeat(steps, len(alphas)),
            "rank": np.repeat(rank, len(alphas)),
            "alpha": np.tile(alphas, len(rank)),
            "outcome": outcome.ravel(),
        }
    )
    cells["alpha_label"] = cells["alpha"].map(words.alpha)
    cells["stratum_label"] = [
        "–" if np.isnan(n) else f"{n:g} step" + ("" if n == 1 else "s") for n in cells["n_steps"]
    ]
    return ordered(cells.assign(**curve.names), ["rank", "alpha"])


def problem_blocks(store: Source) -> pd.DataFrame:
    """`problem_grid` with neighbouring cells of equal outcome as one block, for drawing.

    `first` and `last` are ranks, `last` exclusive; `problems` = last − first.
    """
    grid = ordered(problem_grid(store), [*CURVE, "alpha", "rank"])
    if grid.empty:
        return grid.assign(first=[], last=[], problems=[])
    before = grid.shift(1)
    same = np.ones(len(grid), dtype=bool)
    for name in (*CURVE, "alpha", "outcome", "n_steps"):
        equal = (grid[name] == before[name]) | (grid[name].isna() & before[name].isna())
        same &= equal.to_numpy(dtype=bool)
    block = np.cumsum(~same)
    firsts = grid[~same].reset_index(drop=True)
    sizes = np.bincount(block)[1:]
    return firsts.assign(first=firsts["rank"], last=firsts["rank"] + sizes, problems=sizes)


def problem_strata(store: Source) -> pd.DataFrame:
    """Where each number of steps begins in the grid of a curve (`first`) and its `middle`."""
    grid = problem_grid(store)
    rows = []
    columns = [*CURVE, "stratum_label"]
    for value, index in groups(grid, columns).items():
        rank = grid["rank"].to_numpy()[index]
        place = {"first": int(rank.min()), "middle": float(rank.min() + rank.max() + 1) / 2}
        rows.append(dict(zip(columns, value, strict=True)) | place)
    return pd.DataFrame(rows, columns=[*columns, "first", "middle"])


@remembered
def doses(store: Source, *, seed: int = SEED) -> pd.DataFrame:
    """Signed effect [f(a) − f(−a)]/2 and damage [f(a) + f(−a)]/2 − f(0) of each candidate.

    One row per candidate, set, |alpha| and quantity: `estimate` (fraction) with limits that hold
    for all doses of the curve at once, and `p` by max-T over them.
    """
    rows = []
    for curve, response in dose_responses(store, seed=seed):
        for quantity, part in (("signed effect", response.signed), ("damage", response.damage)):
            for i, dose in enumerate(response.sizes):
                rows.append(
                    curve.names
                    | {"dose": dose, "quantity": quantity, "n": response.n}
                    | {name: getattr(part, name)[i] for name in ("estimate", "low", "high", "p")}
                )
    columns = [*CURVE, "dose", "quantity", "n", "estimate", "low", "high", "p"]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)


@remembered
def trends(store: Source, *, seed: int = SEED) -> pd.DataFrame:
    """One row per candidate and set: the curve as a whole, and its best alpha honestly.

    All of it on the `n` problems with an outcome at every dose and at the baseline. `trend` is the
    mean signed slope (change in accuracy per unit of alpha) with its interval and
    reflection p; `best_alpha` maximises accuracy, `best_naive` is its effect as usually printed,
    `best_estimate` the effect on the half of the problems that did not choose it, `p_best` its
    p-value by max-T, `null_gain` what the search gains without any effect.
    """
    from analysis.statistics.selection import best_alpha

    rows = []
    for curve, response in dose_responses(store, seed=seed):
        # The search on the problems of the trend: those with an outcome at every dose.
        whole = ~np.isnan(np.column_stack([curve.outcomes, curve.baseline])).any(axis=1)
        best = best_alpha(
            curve.outcomes[whole],
            curve.baseline[whole],
            rng=np.random.default_rng(seed),
            alphas=[float(a) for a in curve.alphas],
            tail="greater",
        )
        rows.append(
            curve.names
            | {"n": response.n, "dropped": response.dropped, "trend": response.estimate}
            | {"trend_low": response.low, "trend_high": response.high, "p_trend": response.p}
            | {"best_alpha": best.best_alpha, "best_naive": best.naive_estimate}
            | {"split_alpha": best.split_alpha, "best_estimate": best.estimate}
            | {"best_low": best.low, "best_high": best.high, "p_best": best.p}
            | {"null_gain": best.null_gain, "seed": seed}
        )
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*CURVE, "trend", "p_trend"])


def dose_responses(store: Source, *, seed: int) -> list[tuple[Curve, Any]]:
    """Each candidate's curve with its `dose_response`.

    Left out: curves of which a plan ended doses early, and those that it refuses (`refused_doses`),
    such as one without a ±alpha pair.
    """
    return _dose_responses(store, seed=seed)[0]


def refused_doses(store: Source, *, seed: int = SEED) -> list[tuple[Curve, str]]:
    """The candidates' curves that `dose_response` refuses, each with its reason."""
    return _dose_responses(store, seed=seed)[1]


@remembered
def _dose_responses(
    store: Source, *, seed: int
) -> tuple[list[tuple[Curve, Any]], list[tuple[Curve, str]]]:
    from analysis.statistics.dose import dose_response
    from analysis.statistics.results import Refusal

    responses, refused = [], []
    for curve in candidate_curves(store):
        if curve.ended:
            continue
        try:
            response = dose_response(
                curve.outcomes,
                curve.alphas.tolist(),
                baseline=curve.baseline,
                rng=np.random.default_rng(seed),
                resamples=RESAMPLES,
            )
        except Refusal as refusal:
            refused.append((curve, str(refusal)))
            continue
        responses.append((curve, response))
    return responses, refused


@remembered
def power_curves(store: Source) -> pd.DataFrame:
    """Power of the mid-p test over the number of problems at the discordance that was observed.

    The discordance is the median of the candidates' on sets that were not selected by outcome;
    one row per true difference (2, 5, 10 points) and number of problems.
    """
    from analysis.statistics.power import mcnemar_power
    from analysis.tables.paired import effects

    tested = effects(store)
    tested = tested[(tested["role"] == "candidate") & ~tested["selected_on_outcome"].astype(bool)]
    if tested.empty:
        return pd.DataFrame(columns=["n", "power", "difference", "difference_label", "discordance"])
    discordance = float((tested["discordant"] / tested["n"]).median())
    rows = []
    for difference in (0.02, 0.05, 0.1):
        if difference > discordance:
            continue
        for n in (50, 100, 200, 400, 800, 1600):
            power = mcnemar_power(n, effect=difference, discordance=discordance)
            rows.append(
                {
                    "n": n,
                    "power": power.power,
                    "difference": difference,
                    "difference_label": f"{words.points(difference, 0)} points",
                    "discordance": discordance,
                }
            )
    return pd.DataFrame(rows)
