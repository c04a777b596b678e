"""The report's npz files: activations of problems, and directions."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sql.errors import UserError, first_line
from store.direction_rules import checked_vectors, fit_models, norms
from store.exchange.imported_rows import Row
from store.exchange.report_files import Context
from store.identity import canonical_json, direction_id

Array = npt.NDArray[Any]


def load(path: Path) -> dict[str, Array]:
    """Arrays of an npz by name; pickled objects are refused. Raises UserError."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path} as npz: {first_line(error)}") from error


def read(path: Path, context: Context) -> str:
    """Fill the context's rows from an npz and return what it was taken for.

    Known are `activations` [n, T, d] with `pair_ids` [n]; `direction` [T, d]; `directions`
    [k, T, d]. Raises UserError if it holds none of these.
    """
    arrays = load(path)
    if {"activations", "pair_ids"} <= set(arrays):
        _activations(arrays["activations"], arrays["pair_ids"], context)
        return "activations"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if "direction" in arrays:
        _direction(arrays["direction"], context.direction, "mean_difference", digest, context)
        return "direction"
    if "directions" in arrays:
        numbered = [f"random_direction_{i}" for i in range(len(arrays["directions"]))]
        names = arrays["names"].tolist() if "names" in arrays else numbered
        for name, vectors in zip(names, arrays["directions"], strict=True):
            _direction(vectors, str(name), "random_total_norm", digest, context)
        return "directions"
    raise UserError(
        f"{path.name} holds {', '.join(sorted(arrays)) or 'nothing'}: known are activations with "
        "pair_ids, direction, and directions"
    )


def _activations(values: Array, pair_ids: Array, context: Context) -> None:
    if values.ndim != 3 or len(values) != len(pair_ids):
        raise UserError(
            f"activations must be [n, T, d] with n pair_ids, found {values.shape} and "
            f"{len(pair_ids)}"
        )
    key = {"model_id": context.model_id, "protocol": "imported", "site": context.site}
    for pair_id, vectors in zip(pair_ids.tolist(), values.astype(np.float32), strict=True):
        place = f"{context.name} pair {pair_id}"
        with context.imported.entry(place):
            problem = context.problem(pair_id, "clean")["problem_id"]
            if not np.isfinite(vectors).all():
                raise UserError("has values that are not finite")
            for t, vector in enumerate(vectors):
                row = {**key, "problem_id": problem, "position": t, "values": vector.tolist()}
                context.imported.add("activations", row, place)


def _direction(values: Array, name: str, kind: str, digest: str, context: Context) -> None:
    with context.imported.entry(f"{context.name} {name}"):
        if values.ndim != 2:
            raise UserError(f"must be an array [T, d], has shape {list(values.shape)}")
        vectors = checked_vectors(values, "latent", name)
        fit_models(context.models, vectors, "latent", name)
        role = "candidate" if kind == "mean_difference" else "control"
        norm, norm_by_position = norms(vectors)
        recipe = canonical_json({"imported_from": context.name, "sha256": digest})
        row: Row = {"name": name, "kind": kind, "role": role, "site": "latent", "recipe": recipe}
        row["direction_id"] = direction_id(**row, vectors=vectors)
        taken = context.directions.setdefault(name, row["direction_id"])
        if taken != row["direction_id"]:
            raise UserError(f"another direction is called {name}: choose a name with --direction")
        parent = context.directions.get(context.direction) if role == "control" else None
        row |= {"norm": norm, "norm_by_position": norm_by_position}
        context.imported.add("directions", {**row, "parent_id": parent})
        for t, vector in enumerate(vectors):
            key = {"direction_id": row["direction_id"], "position": t}
            context.imported.add("direction_vectors", {**key, "values": vector.tolist()})
