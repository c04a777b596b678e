"""Directions as a person handles them: added from a file or a query, listed with their recipes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from analysis.vocabulary import Role
from collect.directions.directions import add_direction
from collect.directions.selection import select_directions
from collect.directions.vector_files import query_text, query_vectors, read_vectors
from sql.errors import UserError
from store import shards
from store.direction_rules import check_model_shape, check_words, checked_vectors
from store.ingestion import ingest


def add_checked(
    root: Path,
    *,
    file: Path | None,
    query: str | None,
    name: str,
    kind: str,
    site: str = "latent",
    role: Role = "candidate",
    parent: str | None = None,
    key: str | None = None,
) -> str:
    """Add a direction from a file or from a query over the store; return its id.

    Beside the checks of `add_directions`, the vectors must fit a model of the store.

    Raises:
        UserError: not one of file and query is given, or anything about it is wrong.
    """
    if (file is None) == (query is None):
        raise UserError("give either a file with vectors or --query, one of the two")
    if not name or not kind:
        raise UserError("a direction needs a name and a kind: --name … --kind …")
    check_words(name, kind, role, site)
    if parent is not None and role != "control":
        raise UserError("--parent is the candidate of a control: give --role control beside it")
    parent_id = None if parent is None else select_directions(root, parent)[0].direction_id
    recipe: dict[str, Any]
    if file is not None:
        vectors, recipe = read_vectors(file, key=key), {"file": file.name}
        recipe |= {"key": key} if key else {}
    else:
        text = query_text(str(query))
        ingest(root)  # the query sees everything that is committed
        vectors = query_vectors(root, str(query))
        recipe = {"query": text}
    checked = checked_vectors(vectors, site, name)
    check_model_shape(root, checked, site, name)
    return add_direction(
        root,
        checked,
        name=name,
        kind=kind,
        role=role,
        site=site,
        recipe=recipe,
        parent_id=parent_id,
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
