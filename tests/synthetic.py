"""A small store that looks like the demo's, with planted effects, made without a model.

`synthetic_store(path, rng=...)` writes shards through the same door as a collector and ingests
them. Whether a problem is right is a threshold on its own propensity plus the condition's shift
plus noise, so that outcomes of one problem hang together as real ones do. The planted truth:

- `mean_difference` shifts by `effect * alpha - damage * alpha**2`;
- `mean_difference_matched` has half that effect, `report_mean_difference` a third;
- `missing` of the steered outcomes (a third of it at the baseline) cannot be read, `errors` of all
  are errors;
- control j shifts by `-damage * alpha**2 + spread_j * alpha`, spread_j of standard deviation
  `control_spread`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from store import append, create_store, ingest
from store.identity import condition_id, direction_id, model_id, problem_id

N_LATENT = 6
D_MODEL = 8
OPERATIONS = ("add", "subtract", "multiply")
DECODING = json.dumps({"mode": "greedy"})
PROTOCOL_FIELDS = {
    name: json.dumps({"name": name, "n_latent": N_LATENT, "bot": bot, "parser": "number"})
    for name, bot in {"codi": "before_latents", "report": "first_latent"}.items()
}
CREATED = datetime(2026, 1, 1, 12)


@dataclass
class World:
    """What the store is made from: the planted numbers, the problems and the rows so far."""

    root: Path
    rng: np.random.Generator
    effect: float
    damage: float
    control_spread: float
    missing: float
    errors: float
    model: str = ""
    run: str = "run-synthetic"
    ids: list[str] = field(default_factory=list)
    answers: np.ndarray = field(default_factory=lambda: np.array([]))
    propensity: np.ndarray = field(default_factory=lambda: np.array([]))
    directions: list[dict[str, Any]] = field(default_factory=list)
    vectors: list[dict[str, Any]] = field(default_factory=list)
    conditions: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[pa.Table] = field(default_factory=list)


def synthetic_store(
    path: str | Path,
    *,
    rng: np.random.Generator,
    n_problems: int = 60,
    n_balanced: int = 40,
    n_train: int = 40,
    alphas: Sequence[float] = (-3.0, -1.0, 1.0, 3.0),
    control_alphas: Sequence[float] = (-3.0, 3.0),
    n_controls: int = 5,
    seeds: Sequence[int] = (0,),
    report: bool = True,
    effect: float = 0.1,
    damage: float = 0.06,
    control_spread: float = 0.05,
    missing: float = 0.03,
    errors: float = 0.0,
    run_ingest: bool = True,
) -> Path:
    """Write the store at `path` and return its root; the same `rng` state gives the same rows."""
    root = create_store(path)
    world = World(root, rng, effect, damage, control_spread, missing, errors)
    _model_and_run(world, seeds)
    test, train = _problems(world, 2 * max(n_problems, n_balanced), 3 * n_train)
    label = _baseline(world, "codi")
    _sets(world, label, test, train, n_problems, n_balanced, n_train)
    _steer(world, alphas, control_alphas, n_controls, seeds)
    if report:
        _baseline(world, "report")
        _steer_report(world, alphas, seeds)
    append(root, "directions", world.directions)
    append(root, "direction_vectors", world.vectors)
    append(root, "conditions", world.conditions, run_id=world.run)
    append(root, "outcomes", pa.concat_tables(world.outcomes), run_id=world.run)
    if run_ingest:
        ingest(root)
    return root


def _model_and_run(world: World, seeds: Sequence[int]) -> None:
    hashes = {"weights_sha256": "0" * 64, "tokenizer_sha256": "1" * 64}
    world.model = model_id(**hashes, family="codi")
    shape = {"n_layer": 4, "d_model": D_MODEL, "n_latent": N_LATENT}
    row = {"model_id": world.model, "name": "synthetic-codi", "family": "codi", **hashes, **shape}
    append(world.root, "models", [row])
    run = {
        "run_id": world.run,
        "created_at": CREATED,
        "finished_at": CREATED + timedelta(seconds=42),
        "status": "complete",
        "command": f"synthetic_store --seeds {','.join(map(str, seeds))}",
        "code_version": "0.1.0",
        "host": "nowhere",
        "device": "cpu",
        "rng_seed": 0,
        "gates": json.dumps({"baseline": "ok", "dead_positions": {"codi": [], "report": [5]}}),
    }
    append(world.root, "runs", [run])


def _problems(world: World, n_test: int, n_train: int) -> tuple[np.ndarray, np.ndarray]:
    """Write the problems; return the indices of test and of training problems."""
    n = n_test + n_train
    steps = world.rng.integers(1, 5, n)
    numbers = world.rng.integers(1, 100, (n, 5))
    rows, strata = [], []
    for i in range(n):
        operation = OPERATIONS[i % len(OPERATIONS)]
        terms = " ".join(f"{operation} {value}" for value in numbers[i, : steps[i]])
        question = f"Problem {i}: start with {numbers[i, 4]} {terms}"
        answer = str(int(numbers[i, : steps[i] + 1].sum()))
        row_id = problem_id(question, answer)
        attributes = {"operation": operation, "magnitude": int(numbers[i].max())}
        row: dict[str, Any] = {"problem_id": row_id, "question": question, "answer": answer}
        row |= {"n_steps": int(steps[i]), "attributes": json.dumps(attributes), "source": "made"}
        rows.append(row)
        strata.append({"scheme": "operation", "problem_id": row_id, "level": operation})
    append(world.root, "problems", rows)
    append(world.root, "strata", [{**row, "source": "made"} for row in strata])
    world.ids = [row["problem_id"] for row in rows]
    world.answers = np.array([int(row["answer"]) for row in rows])
    world.propensity = world.rng.normal(0.9 - 0.4 * steps, 1.0)
    return np.arange(n_test), np.arange(n_test, n)


def _sets(
    world: World,
    label: np.ndarray,
    test: np.ndarray,
    train: np.ndarray,
    n_problems: int,
    n_balanced: int,
    n_train: int,
) -> None:
    """Sets train, primary and balanced; and a scheme of strata cut from the baseline."""
    primary = world.rng.choice(test, n_problems, replace=False)
    chosen = {
        "train": ("train", "balanced_on_baseline", _balanced(label, train, n_train)),
        "primary": ("test", "random", primary),
        "balanced": ("test", "balanced_on_baseline", _balanced(label, test, n_balanced)),
    }
    rows = []
    for name, (split, selection, members) in chosen.items():
        shared = {"set_name": name, "split": split, "selection": selection, "run_id": world.run}
        for i in members:
            rows.append({**shared, "problem_id": world.ids[i], "label": bool(label[i])})
    append(world.root, "problem_sets", rows)
    cut = [
        {
            "scheme": "baseline_outcome",
            "problem_id": world.ids[i],
            "level": "right" if label[i] else "wrong",
            "source": "baseline of codi",
            "run_id": world.run,
        }
        for i in test
    ]
    append(world.root, "strata", cut)


def _balanced(label: np.ndarray, among: np.ndarray, n: int) -> np.ndarray:
    """The first n/2 right and n/2 wrong problems, fewer where there are not that many."""
    right, wrong = among[label[among]], among[~label[among]]
    half = min(n // 2, len(right), len(wrong))
    return np.concatenate([right[:half], wrong[:half]])


def _condition(world: World, protocol: str, **steering: Any) -> str:
    """Write down one condition and return its id."""
    row = {
        "model_id": world.model,
        "direction_id": None,
        "alpha": 0.0,
        "protocol": protocol,
        "protocol_fields": PROTOCOL_FIELDS[protocol],
        "decoding": DECODING,
        "dtype": "float32",
        **steering,
    }
    row["condition_id"] = condition_id(**row)
    world.conditions.append(row)
    return row["condition_id"]


def _baseline(world: World, protocol: str) -> np.ndarray:
    """Outcomes of every problem without a direction (seed 0); True where right."""
    condition = _condition(world, protocol)
    everyone = np.arange(len(world.ids))
    right = world.propensity + world.rng.normal(0, 0.1, len(everyone)) > 0
    world.outcomes.append(_outcomes(world, condition, everyone, 0, right, 0.0, 0.0))
    return right


def _steer(
    world: World,
    alphas: Sequence[float],
    control_alphas: Sequence[float],
    n_controls: int,
    seeds: Sequence[int],
) -> None:
    parent = _direction(world, "mean_difference", "mean_difference", "candidate", None)
    _sweep(world, parent, "codi", alphas, seeds, world.effect)
    name = "mean_difference_matched"
    matched = _direction(world, name, name, "candidate", None)
    _sweep(world, matched, "codi", alphas, seeds, world.effect / 2)
    for j in range(n_controls):
        control = _direction(world, f"random_{j:03d}", "random_per_position", "control", parent)
        slope = world.rng.normal(0, world.control_spread)
        _sweep(world, control, "codi", control_alphas, seeds, slope)


def _steer_report(world: World, alphas: Sequence[float], seeds: Sequence[int]) -> None:
    name = "report_mean_difference"
    parent = _direction(world, name, name, "candidate", None)
    _sweep(world, parent, "report", alphas, seeds, world.effect / 3)
    for j in range(5):
        control = _direction(world, f"report_random_{j}", "random_total_norm", "control", parent)
        slope = world.rng.normal(0, world.control_spread)
        _sweep(world, control, "report", (-3.0,), seeds, slope)


def _direction(world: World, name: str, kind: str, role: str, parent: str | None) -> str:
    """Write down a direction with vectors [T, d] and return its id."""
    vectors = world.rng.normal(size=(N_LATENT, D_MODEL)).astype(np.float32)
    if kind == "random_per_position":  # such a control has its candidate's norm everywhere
        wanted = next(one for one in world.directions if one["direction_id"] == parent)
        scale = np.array(wanted["norm_by_position"]) / np.linalg.norm(vectors, axis=1)
        vectors = (vectors * scale[:, None]).astype(np.float32)
    norms = np.linalg.norm(vectors.astype(float), axis=1)
    recipe = json.dumps({"fit": kind})
    key = {"name": name, "kind": kind, "role": role, "site": "latent", "recipe": recipe}
    row = {
        "direction_id": direction_id(**key, vectors=vectors),
        **key,
        "norm": float(np.sqrt((norms**2).sum())),
        "norm_by_position": norms.tolist(),
        "parent_id": parent,
        "fitted_on": json.dumps({"set": "train", "run": world.run}) if parent is None else None,
        "rng_seed": None if parent is None else 0,
        "created_at": CREATED,
    }
    world.directions.append(row)
    world.vectors += [
        {"direction_id": row["direction_id"], "position": t, "values": vectors[t].tolist()}
        for t in range(N_LATENT)
    ]
    return str(row["direction_id"])


def _sweep(
    world: World,
    direction: str,
    protocol: str,
    alphas: Sequence[float],
    seeds: Sequence[int],
    slope: float,
) -> None:
    """Outcomes of one direction at every alpha and seed, on every problem of a test set."""
    how = {"site": "latent", "schedule": "uniform", "operator": "add", "effect": "total"}
    everyone = np.arange(len(world.ids))
    for alpha in alphas:
        condition = _condition(world, protocol, direction_id=direction, alpha=float(alpha), **how)
        shift = slope * alpha - world.damage * alpha**2
        for seed in seeds:
            noise = world.rng.normal(0, 0.3, len(everyone))
            right = world.propensity + shift + noise > 0
            world.outcomes.append(_outcomes(world, condition, everyone, seed, right, alpha, 1.0))


def _outcomes(
    world: World,
    condition: str,
    problems: np.ndarray,
    seed: int,
    right: np.ndarray,
    alpha: float,
    steered: float,
) -> pa.Table:
    """Rows of one condition and seed; a few are unreadable or errors, with `correct` NULL."""
    n, rng = len(problems), world.rng
    lost = rng.random(n) < (world.missing if steered else world.missing / 3)
    status = np.where(lost, np.where(rng.random(n) < 0.5, "parse_fail", "truncated"), "ok")
    if world.errors:
        status = np.where(rng.random(n) < world.errors, "error", status)
    answers = np.where(right, world.answers[problems], world.answers[problems] + 1).astype(str)
    margin = rng.exponential(2.0, n).astype(np.float32)
    before = rng.lognormal(2.0, 0.1, (n, N_LATENT)).astype(np.float32)
    after = np.sqrt(before**2 + alpha**2 * D_MODEL).astype(np.float32)
    cosine = rng.uniform(-0.3, 0.3, (n, N_LATENT)).astype(np.float32)
    logprob = np.where(right, -rng.exponential(0.3, n), -1 - rng.exponential(2.0, n))
    return pa.table(
        {
            "condition_id": pa.array([condition] * n),
            "problem_id": pa.array([world.ids[i] for i in problems]),
            "seed": pa.array(np.full(n, seed, np.int32)),
            "run_id": pa.array([world.run] * n),
            "tokens": pa.array([[5, int(a) % 60, 1] for a in answers], pa.list_(pa.int32())),
            "text": pa.array([f": {a}" for a in answers]),
            "answer": pa.array(answers.tolist(), mask=status != "ok"),
            "status": pa.array(status.tolist()),
            "correct": pa.array(right, mask=status != "ok"),
            "gold_logprob": pa.array(logprob.astype(np.float32)),
            "margin": pa.array(margin),
            "fragile": pa.array(margin < 0.02),
            "norm_before": _lists(before),
            "norm_after": _lists(after),
            "norm_fed": _lists(after * np.float32(0.5)),
            "cosine": _lists(cosine) if steered else pa.nulls(n, pa.list_(pa.float32())),
        }
    )


def _lists(values: np.ndarray) -> pa.Array:
    """A float32 array [n, T] as n lists."""
    offsets = np.arange(0, values.size + 1, values.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.ravel()))
