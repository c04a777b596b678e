"""Directions as a person handles them: added from a file or a query, listed with their recipes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.vocabulary import Role, VectorRows, checked
from collect.directions.directions import NewDirection, add_directions
from collect.directions.file_directions import Asked, FileDirection, directions_of
from collect.directions.selection import select_directions
from collect.directions.vector_files import (
    VectorFile,
    query_text,
    query_vectors,
    read_file,
)
from sql.errors import UserError
from store import shards
from store.direction_rules import check_model_shape, check_words, checked_vectors, models_of
from store.ingestion import ingest
from store.names import checked_sites, residual_layer


@dataclass(frozen=True)
class Added:
    """The names and ids of directions that were added, and the layers left out, which were zero."""

    names: tuple[str, ...]
    ids: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def add_checked(
    root: Path,
    *,
    file: Path | None,
    query: str | None,
    name: str | None = None,
    kind: str | None = None,
    site: str | None = None,
    role: Role | None = None,
    parent: str | None = None,
    key: str | None = None,
    rows: VectorRows | None = None,
    first_layer: int = 0,
) -> Added:
    """Add directions from a file, one or one per layer, or one from a query over the store.

    Beside the checks of `add_directions`, the vectors must fit a model of the store. Nothing is
    stored before all are checked.

    Args:
        root: the store.
        file: a file with vectors, or a repsteer folder.
        query: SQL that returns position and values, or a `.sql` file.
        name: by default what the file says.
        kind: by default what the file says.
        site: by default what the file says, or `latent`.
        role: by default what the file says, or `candidate`.
        parent: the candidate of a control.
        key: the array of a file that holds several, by name or number of a layer.
        rows: what the rows of an array [n, d] are.
        first_layer: the number that the file gives the first block.

    Raises:
        UserError: not one of file and query is given, or anything about it is wrong.
    """
    if (file is None) == (query is None):
        raise UserError("give either a file with vectors or --query, one of the two")
    if file is None and (key is not None or rows is not None or first_layer):
        raise UserError("--key, --rows and --first-layer say what a file holds: give FILE")
    if rows is not None:
        checked(rows, VectorRows, "rows")
    # What was said is checked before a file is read.
    check_words(
        name or "unnamed", kind if kind is not None else "-", role or "candidate", site or "latent"
    )
    read = VectorFile(arrays={}) if file is None else read_file(file)
    name, kind = name or read.name, kind or read.kind
    role = role or read.role or "candidate"
    if not name or not kind:
        raise UserError("a direction needs a name and a kind: --name … --kind …")
    check_words(name, kind, role, site or read.site or "latent")
    if parent is not None and role != "control":
        raise UserError("--parent is the candidate of a control: give --role control beside it")
    parent_id = None if parent is None else select_directions(root, parent)[0].direction_id
    models = models_of(root)
    left_out: list[str] = []
    if file is not None:
        asked = Asked(name=name, site=site, key=key, rows=rows, first_layer=first_layer)
        found, left_out = directions_of(read, str(file), asked, models)
        recipe: dict[str, Any] = {"file": file.name}
    else:
        recipe = {"query": query_text(str(query))}
        ingest(root)  # the query sees everything that is committed
        asked_for = query_vectors(root, str(query))
        found = [FileDirection(name=name, site=site or "latent", vectors=asked_for)]
    new = []
    for one in found:
        vectors = checked_vectors(one.vectors, one.site, one.name)
        check_model_shape(root, vectors, one.site, one.name)
        _check_blocks(models, one)
        new.append(
            NewDirection(
                vectors=vectors,
                name=one.name,
                kind=kind,
                role=role,
                site=one.site,
                recipe=recipe | dict(one.recipe),
                parent_id=parent_id,
            )
        )
    ids = add_directions(root, new)
    return Added(tuple(one.name for one in new), tuple(ids), tuple(left_out))


def _check_blocks(models: Sequence[Mapping[str, Any]], one: FileDirection) -> None:
    """Refuse a block that no model of the store has; one that is known by name only has any."""
    blocks = [residual_layer(site) for site in checked_sites(one.site)]
    last = max((block for block in blocks if block is not None), default=-1)
    if models and all(model["n_layer"] is not None for model in models):
        most = max(model["n_layer"] for model in models)
        if last >= most:
            raise UserError(
                f"direction {one.name} acts at residual:{last}, the store's models have blocks 0 "
                f"to {most - 1}: name the block with --site, or what the file calls the first with "
                "--first-layer"
            )


def described(root: Path) -> list[dict[str, Any]]:
    """Every direction as a person wants to see it, candidates first, then by name."""
    rows = shards.committed(root, "directions").to_pylist()
    names = {row["direction_id"]: row["name"] for row in rows}
    directions: dict[str, dict[str, Any]] = {}
    for row in rows:
        norms = row["norm_by_position"] or []
        directions.setdefault(
            row["direction_id"],
            {
                **{key: row[key] for key in ("name", "kind", "role", "site", "norm")},
                "positions": len(norms),
                "norm_by_position": norms,
                "parent": names.get(row["parent_id"]),
                "recipe": json.loads(row["recipe"] or "{}"),
                "fitted_on": json.loads(row["fitted_on"] or "null"),
                "rng_seed": row["rng_seed"],
                "created_at": row["created_at"],
                "direction_id": row["direction_id"],
            },
        )
    return sorted(directions.values(), key=lambda row: (row["role"], row["name"]))
