"""A small store in which every field of a series varies, made without a model.

Two models, two dtypes, two operators, two schedules, sampling with three seeds beside greedy
decoding, and two limits on the length of an answer: what the documented options of `collect` add
to a store. Sections and ways are not crossed: each field varies once, beside the plain one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from store import append, create_store, ingest
from store.identity import model_id
from tests.synthetic import (
    DECODING,
    PROTOCOL_FIELDS,
    World,
    _condition,
    _direction,
    _model_and_run,
    _outcomes,
    _problems,
)

ALPHAS = (-2.0, 2.0)
SEEDS = (0, 1, 2)
PLAIN = {"site": "latent", "schedule": "uniform", "operator": "add", "effect": "total"}
SAMPLED = json.dumps({"mode": "sample", "temperature": 0.7})
SHORT = json.dumps({**json.loads(PROTOCOL_FIELDS["codi"]), "max_new_tokens": 6})
SECTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "bfloat16": {"dtype": "bfloat16"},
    "sampled": {"decoding": SAMPLED},
    "short": {"protocol_fields": SHORT},
    "second": {},
}
WAYS = (PLAIN, {**PLAIN, "operator": "clamp"}, {**PLAIN, "schedule": "last"})


def varied_store(path: Path, *, n_problems: int = 14, errors: float = 0.06) -> Path:
    """Write the store at `path` and return its root.

    Directions `first` and `second` with three controls each; `first` is clamped, and scheduled on
    the last position, in the plain section. A few outcomes are errors or cannot be read, so that
    pairs differ from dose to dose.
    """
    root = create_store(path)
    world = World(root, np.random.default_rng(3), 0.3, 0.05, 0.2, 0.05, errors)
    _model_and_run(world, SEEDS)
    models = {"first": world.model, "second": _second_model(world)}
    problems, _ = _problems(world, n_problems, 0)
    shared = {"set_name": "primary", "split": "test", "selection": "random"}
    rows = [{**shared, "problem_id": world.ids[i], "run_id": world.run} for i in problems]
    append(root, "problem_sets", rows)
    slopes: dict[str, float] = {}
    for name in ("first", "second"):
        parent = _direction(world, name, "mean_difference", "candidate", None)
        slopes[parent] = 0.3 if name == "first" else 0.1
        for j in range(3):
            own = _direction(world, f"{name}_random_{j}", "random_per_position", "control", parent)
            slopes[own] = float(world.rng.normal(0, 0.2))
    firsts = [one["direction_id"] for one in world.directions if one["name"].startswith("first")]
    for section, fields in SECTIONS.items():
        world.model = models["second" if section == "second" else "first"]
        _run(world, problems, fields, None, {}, 0.0)
        ways = WAYS if section == "plain" else WAYS[:1]
        for way in ways:
            for direction in slopes if way is PLAIN else firsts:
                for alpha in ALPHAS:
                    _run(world, problems, fields, direction, way, alpha, slopes[direction])
    append(root, "directions", world.directions)
    append(root, "direction_vectors", world.vectors)
    append(root, "conditions", world.conditions, run_id=world.run)
    append(root, "outcomes", pa.concat_tables(world.outcomes), run_id=world.run)
    ingest(root)
    return root


def _second_model(world: World) -> str:
    """Another model."""
    hashes = {"weights_sha256": "2" * 64, "tokenizer_sha256": "1" * 64}
    other = model_id(**hashes, family="codi")
    shape = {"n_layer": 4, "d_model": 8, "n_latent": 6}
    row = {"model_id": other, "name": "other-codi", "family": "codi", **hashes, **shape}
    append(world.root, "models", [row])
    return other


def _run(
    world: World,
    problems: np.ndarray,
    fields: dict[str, Any],
    direction: str | None,
    way: dict[str, Any],
    alpha: float,
    slope: float = 0.0,
) -> None:
    """Outcomes of one condition: of every seed where it samples."""
    steered = {} if direction is None else {"direction_id": direction, "alpha": alpha, **way}
    condition = _condition(world, "codi", **fields, **steered)
    seeds = SEEDS if fields.get("decoding", DECODING) != DECODING else (0,)
    scale = {"clamp": 3.0}.get(way.get("operator", ""), 1.0)
    for seed in seeds:
        noise = world.rng.normal(0, 0.3, len(problems))
        right = world.propensity[problems] + scale * slope * alpha + noise > 0
        steered_by = 0.0 if direction is None else 1.0
        world.outcomes.append(_outcomes(world, condition, problems, seed, right, alpha, steered_by))
