"""What every direction of a store is checked for, whoever wrote its rows.

A direction that is added, imported, dropped in, adopted or merged has a name that is its own,
known words, vectors [T, d] that are finite and fit a model, and the norms of these vectors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sql.errors import UserError
from sql.words import Role, checked
from store.names import checked_name, checked_sites
from store.schema import Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

BROADCAST = -1
"""The position of a vector that is the same at every position."""

_TOLERANCE = 1e-4  # of norms, relative: copies of a row may differ by as much


def checked_vectors(vectors: NDArray[Any], site: str, name: str) -> NDArray[np.float32]:
    """The vectors as float32: [d], or [n_sites * T, d].

    Raises:
        UserError: the shape does not fit the sites, a value is not finite, or all are zero.
    """
    import numpy as np

    sites = checked_sites(site)
    try:
        given = np.asarray(vectors)
    except ValueError as error:
        raise UserError(f"direction {name}: vectors differ in length") from error
    if given.dtype.kind not in "fiu":
        raise UserError(
            f"direction {name}: vectors are no array of numbers, they are of {given.dtype}: save "
            "them as float32"
        )
    with np.errstate(over="ignore"):
        array = np.asarray(given, dtype=np.float32, order="C")
    if array.ndim == 3 and array.shape[0] == len(sites):
        array = array.reshape(-1, array.shape[-1])
    if array.ndim not in (1, 2) or not array.size or (array.ndim == 2 and len(array) % len(sites)):
        wanted = "[positions, d] or [d]" if len(sites) == 1 else f"[{len(sites)}, positions, d]"
        raise UserError(
            f"direction {name}: vectors have shape {list(np.shape(vectors))}; site {site} "
            f"needs {wanted}"
        )
    if not np.isfinite(array).all():
        raise UserError(f"direction {name}: vectors hold NaN or infinite values")
    if not array.any():
        raise UserError(f"direction {name}: all vectors are zero, nothing would be added")
    return array


def check_model_shape(root: Path, vectors: NDArray[np.float32], site: str, name: str) -> None:
    """Refuse vectors that fit no model of the store; a store without models takes any.

    Raises:
        UserError: the width or the number of positions is that of no model in the store.
    """
    fit_models(models_of(root), vectors, site, name)


def models_of(root: Path) -> list[dict[str, Any]]:
    """Names and shapes of the store's models."""
    from store.shards import committed

    return list(committed(root, "models", ["name", "d_model", "n_latent", "n_layer"]).to_pylist())


def fit_models(
    models: Sequence[Mapping[str, Any]], vectors: NDArray[np.float32], site: str, name: str
) -> None:
    """Refuse vectors that fit none of these models (`name`, `d_model`, `n_latent`).

    Raises:
        UserError: the width or the number of positions is that of none of them.
    """
    # A model that was imported by name alone has no shape to fit.
    models = [model for model in models if model.get("d_model") is not None]
    n_sites = len(checked_sites(site))
    positions = 1 if vectors.ndim == 1 else len(vectors) // n_sites
    for model in models:
        latents = model["n_latent"] or 1
        if vectors.shape[-1] == model["d_model"] and positions in (1, latents):
            return
    if models:
        shapes = ", ".join(
            f"[{m['n_latent'] or 1}, {m['d_model']}] for {m['name']}" for m in models
        )
        raise UserError(
            f"direction {name}: vectors have {positions} position(s) of width "
            f"{vectors.shape[-1]}, the store's models need {shapes}"
        )


def check_words(name: str, kind: str, role: Role, site: str) -> None:
    """Refuse what no direction can be called, whatever its vectors are.

    Raises:
        UserError: the name or kind is not usable, or the role or site unknown.
    """
    checked_name(name, "direction name")
    if not kind.strip() or len(kind) > 128:
        raise UserError(f"direction {name}: kind must be a text of 1 to 128 characters")
    checked(role, Role, "role")
    checked_sites(site)


def norms(vectors: NDArray[np.float32]) -> tuple[float, list[float]]:
    """Euclidean norm of vectors [T, d] or [d] as a whole, and of each position."""
    import numpy as np

    by_position = np.linalg.norm(np.atleast_2d(vectors).astype(np.float64), axis=1)
    return float(np.sqrt((by_position**2).sum())), by_position.tolist()


@dataclass(frozen=True, kw_only=True)
class Directions:
    """Rows of `directions`, rows of `direction_vectors`, and the models that they have to fit."""

    rows: Sequence[Mapping[str, Any]] = ()
    vectors: Sequence[Mapping[str, Any]] = ()
    models: Sequence[Mapping[str, Any]] = ()


def check_rows(new: Directions, there: Directions) -> None:
    """Refuse rows of directions or of their vectors, by what a store has already.

    Vectors and the row that describes them may come one after the other: what is not there yet is
    not compared.

    Raises:
        UserError: a name is not usable or another direction's, a word unknown, vectors are not
            whole, not finite, of another shape than a model's, or norms are not those of the
            vectors.
    """
    taken = {row["name"]: row["direction_id"] for row in there.rows}
    vectors = _by_direction([*there.vectors, *new.vectors])
    described = {row["direction_id"]: row for row in [*there.rows, *new.rows]}
    for row in new.rows:
        bare = row["norm"] is None and row["direction_id"] not in vectors
        # What was imported without vectors is steered with by nobody: its site is a word.
        check_words(row["name"], row["kind"], row["role"], "latent" if bare else row["site"])
        other = taken.setdefault(row["name"], row["direction_id"])
        if other != row["direction_id"]:
            raise UserError(
                f"direction name {row['name']!r} is taken by another direction ({other[:8]}…)"
            )
    for key in dict.fromkeys(row["direction_id"] for row in [*new.rows, *new.vectors]):
        if key in vectors:
            _check_vectors(key, vectors[key], described.get(key), [*there.models, *new.models])


def _by_direction(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[int, Any]]:
    by_direction: dict[str, dict[int, Any]] = {}
    for row in rows:
        by_direction.setdefault(row["direction_id"], {})[row["position"]] = row["values"]
    return by_direction


def _check_vectors(
    key: str,
    by_position: Mapping[int, Any],
    row: Mapping[str, Any] | None,
    models: Sequence[Mapping[str, Any]],
) -> None:
    name = row["name"] if row else f"{key[:8]}…"
    site = row["site"] if row else "latent"
    positions = sorted(by_position)
    if positions not in ([BROADCAST], list(range(len(positions)))):
        raise UserError(
            f"direction {name}: vectors of positions {positions[:8]}: needs 0, 1, 2 … or -1 alone"
        )
    rows = [by_position[position] for position in positions]
    if len({len(values) for values in rows}) != 1 or any(None in values for values in rows):
        raise UserError(f"direction {name}: its vectors differ in length or hold NULL")
    array: Any = rows[0] if positions == [BROADCAST] else rows
    vectors = checked_vectors(array, site, name)
    if row is None:
        return
    fit_models(models, vectors, site, name)
    norm, by_position_norms = norms(vectors)
    told = [row["norm"], *(row["norm_by_position"] or by_position_norms)]
    true = [norm, *by_position_norms]
    near = len(told) == len(true) and all(
        a is not None and math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
        for a, b in zip(told, true, strict=True)
    )
    if not near:
        raise UserError(
            f"direction {name}: its row says norm {row['norm']} and {row['norm_by_position']} by "
            f"position, its vectors have {norm} and {by_position_norms}"
        )


def check_table(root: Path, table: Table, data: pa.Table) -> None:
    """`check_rows` for the rows of one table on their way into a store; others have no such rules.

    Raises UserError as `check_rows`.
    """
    if table.name not in ("directions", "direction_vectors"):
        return
    rows = data.to_pylist()
    ids = {row["direction_id"] for row in rows}
    there = stored_directions(root, ids)
    if table.name == "directions":
        check_rows(Directions(rows=rows), there)
    else:
        check_rows(Directions(vectors=rows), there)


def stored_directions(root: Path, ids: Iterable[str]) -> Directions:
    """Every direction's row of a store, its models, and the vectors of the directions `ids`."""
    from store.shards import committed

    columns = ["direction_id", "name", "site", "norm", "norm_by_position"]
    where = {"direction_id": list(ids)}
    return Directions(
        rows=committed(root, "directions", columns).to_pylist(),
        vectors=committed(root, "direction_vectors", where=where).to_pylist(),
        models=models_of(root),
    )
