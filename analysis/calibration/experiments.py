"""Simulated experiments: a candidate and its controls as the views of a store would show them.

Each problem has a margin by which it is right; a direction moves it at alpha a by a · (its own
signed effect + what it does to this problem) − a² · (the harm of any push). Outcomes are given to
the tables as readings, as if a store had been read, so that verdicts are reached by the same code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.calibration.plans import simulated_plan
from analysis.plans import walk
from analysis.statistics.sequential import e_value
from analysis.tables.own_controls import Run, runs
from analysis.tables.readings import Readings, texts_to_objects

Array = np.ndarray[Any, Any]

DOSES = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0)
PLACE = {"protocol": "codi", "decoding": "{}", "dtype": "float32", "set_name": "primary"}
STEERING = {"site": "latent", "schedule": "uniform", "operator": "add", "effect": "total"}
CANDIDATE, BASELINE = "candidate", "baseline"
FUTILITY = 0.1


@dataclass(frozen=True, kw_only=True)
class World:
    """One kind of experiment.

    `signed` is the standard deviation of directions' own signed effects, `scatter` that of what a
    direction does to one problem besides, `damage` the mean harm of a push; all in margins, whose
    standard deviation between problems is 1. `gap` moves the candidate's signed effect, in units of
    `signed`; `potency` multiplies all that it does; `norm` does so too, and is what the store knows
    its norm by. `correlation` is that of the controls among themselves. `truncated` is the share of
    would-be losses at positive doses that cannot be read, `errors` that of steered outcomes that
    ended in an error. `noise` is redrawn at every outcome. Where `stops`, a plan of one contrast
    per dose looks at the candidate after every twentieth of the problems; its controls are not run
    at the doses that it ended early.
    """

    n: int = 200
    k: int = 99
    accuracy: float = 0.6
    signed: float = 0.08
    scatter: float = 0.25
    damage: float = 0.06
    gap: float = 0.0
    potency: float = 1.0
    norm: float = 1.0
    correlation: float = 0.0
    heavy: bool = False
    truncated: float = 0.0
    errors: float = 0.0
    seeds: int = 1
    noise: float = 0.0
    doses: tuple[float, ...] = DOSES
    control_doses: tuple[float, ...] | None = None
    selected: bool = False
    stops: bool = False


def experiments(world: World, count: int, rng: np.random.Generator) -> Readings:
    """Readings of `count` experiments, each the model of its own number."""
    parts = [_experiment(world, str(number), rng) for number in range(count)]
    readings = Readings("simulated")
    for name in ("accuracy_by_alpha", "candidate_outcomes", "directions", "condition_details"):
        frame = texts_to_objects(pd.DataFrame([row for part in parts for row in part[name]]))
        readings.once(("view", name), frame.copy)
    readings.once(("view", "sets_overview"), lambda: _sets(world))
    named = readings.once(("view", "directions"), pd.DataFrame)
    readings.once(("view", "named_directions"), named.copy)
    ends = texts_to_objects(pd.DataFrame([row for part in parts for row in part["stops"]]))
    readings.once(("view", "stops"), ends.copy)
    readings.once(("view", "runs"), lambda: pd.DataFrame({"gates": [None]}))
    known = {key: run for part in parts for key, run in part["runs"].items()}
    if world.seeds > 1:
        readings.once(("view", "direction_outcomes"), lambda: _by_problem(known))
    readings.once((runs.__wrapped__, (), ()), lambda: known)  # type: ignore[attr-defined]
    return readings


def _by_problem(known: dict[tuple[int, str], Run]) -> pd.DataFrame:
    """Rows of `direction_outcomes`."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "condition_no": number,
                    "set_name": set_name,
                    "problem_no": run.problems,
                    "accuracy": run.accuracy,
                    "baseline": run.baseline,
                }
            )
            for (number, set_name), run in known.items()
        ],
        ignore_index=True,
    )


def outcomes(world: World, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
    """Baseline [n] and steered [k + 1, doses, n, seeds] outcomes, which could be read, which ended.

    What ended in no answer at all, but in an error, could not be read either.
    """
    directions, n = world.k + 1, world.n
    margin = rng.normal(stats.norm.ppf(world.accuracy), 1.0, n)
    slopes = (
        rng.standard_t(3, directions) / np.sqrt(3) if world.heavy else rng.normal(size=directions)
    )
    problems = rng.normal(size=(directions, n))
    if world.correlation:
        shared, own = np.sqrt(world.correlation), np.sqrt(1 - world.correlation)
        slopes[1:] = shared * rng.normal() + own * slopes[1:]
        problems[1:] = shared * rng.normal(size=n) + own * problems[1:]
    slopes[0] += world.gap
    moves = world.signed * slopes[:, None] + world.scatter * problems
    harm = world.damage * np.abs(rng.normal(size=(directions, n)))
    push = np.outer(np.ones(directions), world.doses)
    push[0] *= world.potency * world.norm
    moved = margin + push[:, :, None] * moves[:, None] - push[:, :, None] ** 2 * harm[:, None]
    noise = world.noise * rng.normal(size=(*moved.shape, world.seeds)) if world.noise else 0.0
    steered = moved[..., None] + noise > 0
    before = margin > 0
    lost = before[:, None] & ~steered & (np.array(world.doses) > 0)[:, None, None]
    unread = (
        lost & (rng.random(steered.shape) < world.truncated) if world.truncated else lost & False
    )
    ended = rng.random(steered.shape) >= world.errors if world.errors else ~(lost & False)
    return before, steered, ~unread & ended, ended


def _experiment(world: World, model: str, rng: np.random.Generator) -> dict[str, Any]:
    """The rows of one experiment by view, and its `runs`."""
    before, steered, readable, ended = outcomes(world, rng)
    names = [CANDIDATE, *(f"control_{j:03d}" for j in range(world.k))]
    baseline = f"{BASELINE} {model}"
    place = PLACE | {"model": model, "baseline_id": baseline}
    stamps = {"selection": "random", "selected_on_outcome": world.selected}
    part: dict[str, Any] = {name: [] for name in ("accuracy_by_alpha", "candidate_outcomes")}
    part["accuracy_by_alpha"].append(_baseline_row(world, place | stamps, before))
    part["directions"] = [_direction(world, model, name) for name in names]
    part["condition_details"], part["stops"], part["runs"] = [], [], {}
    right, open_ = steered & readable, ~readable
    known = np.where(ended, right, np.nan).mean(axis=3)
    low, high = right.mean(axis=3), (right | open_).mean(axis=3)
    # Problems of the candidate that were steered at each dose.
    seen = dict.fromkeys(world.doses, world.n)
    number = int(model) * len(names) * len(world.doses)
    for j, name in enumerate(names):
        swept = world.doses if j == 0 or world.control_doses is None else world.control_doses
        for alpha in swept:
            at, number = world.doses.index(alpha), number + 1
            how = place | STEERING | {"direction": f"{name} {model}", "alpha": alpha}
            if j == 0 and world.stops:
                end = _end(world, before, right[0, at, :, 0]) | {"set_name": place["set_name"]}
                part["stops"].append(
                    end | {"condition_id": str(number), "plan_id": f"plan {model}"}
                )
                seen[alpha] = end["n"]
            if j and seen[alpha] < world.n:
                continue
            first = slice(seen[alpha])
            part["condition_details"].append(
                how | {"condition_no": number, "condition_id": str(number)}
            )
            part["runs"][number, place["set_name"]] = Run(
                problems=np.arange(world.n)[first],
                seeds=np.full(world.n, world.seeds)[first],
                accuracy=known[j, at, first],
                low=low[j, at, first],
                high=high[j, at, first],
                baseline=before[first].astype(float),
            )
            if j == 0:
                told = steered[j, at, first], readable[j, at, first], ended[j, at, first]
                counted = _counts(before[first], *told)
                part["accuracy_by_alpha"].append(
                    how
                    | stamps
                    | counted
                    | {"condition_id": str(number), "kind": "fitted", "role": CANDIDATE}
                )
                if world.seeds > 1:
                    part["candidate_outcomes"] += _rows(
                        how, before, steered[j, at], readable[j, at]
                    )
    return part


def _end(world: World, before: Array, right: Array) -> dict[str, Any]:
    """A row of the view `stops`: where the plan ends one dose of the candidate."""
    plan = simulated_plan(world.n, len(world.doses), FUTILITY)
    gained, lost = ~before & right, before & ~right
    decision, seen = walk(gained.tolist(), lost.tolist(), plan)
    up, down = int(gained[:seen].sum()), int(lost[:seen].sum())
    return {
        "stop": "ran to the end" if decision == "continue" else decision,
        "n": seen, "planned_n": world.n, "gained": up, "lost": down,
        "p_anytime": min(1.0, 1 / float(e_value(up, down).e)),
        "family_size": plan.family_size, "level": plan.level_per_test,
    }  # fmt: skip


def _counts(before: Array, right: Array, read: Array, ended: Array) -> dict[str, Any]:
    """The columns of `accuracy_by_alpha` that the paired tests take."""
    was, now = np.broadcast_to(before[:, None], right.shape), right & read
    unread, lost, n_pairs = int((ended & ~read).sum()), was & ~now & ended, int(ended.sum())
    return {
        "n": now.size, "n_seeds": now.shape[1], "n_pairs": n_pairs,
        "n_correct": int(now.sum()), "n_missing": now.size - n_pairs,
        "accuracy": float(now.sum() / max(n_pairs, 1)),
        "gained": int((now & ~was).sum()), "lost": int(lost.sum()),
        "baseline_n_correct": int((was & ended).sum()), "n_unreadable": unread,
        "complete_n_pairs": int(read.sum()), "complete_gained": int((now & ~was).sum()),
        "complete_lost": int((lost & read).sum()), "maybe_lost": int((was & ~read).sum()),
        "maybe_gained": int((~was & ~read).sum()), "maybe_either": 0,
        "became_unreadable": unread, "became_readable": 0,
    }  # fmt: skip


def _baseline_row(world: World, place: dict[str, Any], before: Array) -> dict[str, Any]:
    read = np.ones((len(before), 1), dtype=bool)
    counted = _counts(before, before[:, None], read, read)
    none = dict.fromkeys(("direction", "kind", "role", "alpha", *STEERING))
    return place | none | counted | {"condition_id": place["baseline_id"]}


def _rows(how: dict[str, Any], before: Array, right: Array, read: Array) -> list[dict[str, Any]]:
    """Rows of `candidate_outcomes`."""
    return [
        how
        | {"problem_id": f"{i:05d}", "seed": seed, "n_steps": 1, "question": "", "kind": "fitted"}
        | {"correct": bool(right[i, seed]) if read[i, seed] else None}
        | {"readable_right": bool(right[i, seed] and read[i, seed])}
        | {"baseline_correct": bool(before[i]), "baseline_readable_right": bool(before[i])}
        for i in range(len(before))
        for seed in range(right.shape[1])
    ]


def _direction(world: World, model: str, name: str) -> dict[str, Any]:
    candidate = name == CANDIDATE
    return {
        "name": f"{name} {model}",
        "direction_id": f"{name} {model}",
        "parent_id": None if candidate else f"{CANDIDATE} {model}",
        "role": "candidate" if candidate else "control",
        "kind": "fitted" if candidate else "random_per_position",
        "norm_by_position": [world.norm if candidate else 1.0] * 2,
    }


def _sets(world: World) -> pd.DataFrame:
    return pd.DataFrame([{"set_name": PLACE["set_name"], "n": world.n, "split": "test"}])
