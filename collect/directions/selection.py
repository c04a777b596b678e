"""Choosing among the directions of a store: by name, pattern, field or SQL condition."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from collect.directions.directions import Direction
from sql.errors import UserError
from sql.words import meant
from store import shards
from store.direction_rules import BROADCAST, checked_vectors
from store.querying import answered
from store.scripts import resolve

SECONDS = 60.0
"""Time limit of a condition."""

_FIELD = re.compile(r"(name|kind|role|site)\s*==?\s*([^\s'\"]+)")


def select_directions(root: Path, expression: str) -> list[Direction]:
    """Directions by name, pattern, kind, role, site or SQL condition, sorted by name.

    Args:
        root: the store.
        expression: `mean_difference`; `random_*`; several of them joined by commas;
            `kind=random_per_position` (name, role and site likewise); or an SQL condition on the
            columns of `directions`, such as `role = 'control' and norm > 3`.

    Raises:
        UserError: nothing fits, the condition is no SQL, or vectors are missing.
    """
    table = shards.committed(root, "directions")
    if not table.num_rows:
        raise UserError("the store holds no directions: add or fit one with `steerstat directions`")
    rows = {row["direction_id"]: row for row in reversed(_matching(table, expression))}
    if not rows:
        known = sorted(set(table["name"].to_pylist()))
        listed = ", ".join(known[:8]) + (" …" if len(known) > 8 else "")
        raise UserError(f"no direction fits {expression!r}; the store has {listed}")
    vectors = _vectors(root, set(rows))
    return [
        _direction(row, vectors.get(direction_id, {}))
        for direction_id, row in sorted(rows.items(), key=lambda item: item[1]["name"])
    ]


def _matching(table: pa.Table, expression: str) -> list[dict[str, Any]]:
    names = set(table["name"].to_pylist())
    parts = [part.strip() for part in expression.split(",")]
    if all(part in names or fnmatch.filter(names, part) for part in parts):
        chosen = {name for part in parts for name in (part, *fnmatch.filter(names, part))}
        return [row for row in table.to_pylist() if row["name"] in chosen]
    simple = _FIELD.fullmatch(expression.strip())
    if simple:
        return [row for row in table.to_pylist() if row[simple[1]] == simple[2]]
    if re.fullmatch(r"[\w.:+*?-]+(\s*,\s*[\w.:+*?-]+)*", expression.strip()):
        missing = [part for part in parts if part not in names and not fnmatch.filter(names, part)]
        raise UserError(
            f"no direction is named {missing[0]!r}: {meant(missing[0], sorted(names))}"
            "`steerstat directions list STORE` shows all"
        )
    return _fitting(table, expression)


def _fitting(table: pa.Table, condition: str) -> list[dict[str, Any]]:
    """The rows that an SQL condition chooses, in a process that can do nothing else."""
    # The bracket has a line of its own: a comment ends the condition's.
    query = resolve(f"SELECT direction_id FROM directions WHERE (\n{condition}\n)")  # noqa: S608
    asked: dict[str, Any] = {"form": "rows", "most": table.num_rows, "seconds": SECONDS}
    try:
        with answered(None, query, {}, tables={"directions": table}, **asked) as answer:
            chosen = {row[0] for row in json.load(answer)["rows"]}
    except UserError as error:
        raise UserError(f"{condition!r} is no name, kind or condition: {error}") from None
    return [row for row in table.to_pylist() if row["direction_id"] in chosen]


def _vectors(root: Path, wanted: set[str]) -> dict[str, dict[int, Any]]:
    table = shards.committed(root, "direction_vectors", where={"direction_id": wanted})
    by_direction: dict[str, dict[int, Any]] = {}
    for row in table.to_pylist():
        by_direction.setdefault(row["direction_id"], {})[row["position"]] = row["values"]
    return by_direction


def _direction(row: Mapping[str, Any], by_position: Mapping[int, Any]) -> Direction:
    """A row and its vectors, checked: rows can have been dropped in by hand."""
    positions = sorted(by_position)
    if positions not in ([BROADCAST], list(range(len(positions)))) or not positions:
        raise UserError(
            f"direction {row['name']}: its vectors have positions {positions}, wanted 0, 1, … "
            "without gaps, or -1 alone"
        )
    if len({len(values) for values in by_position.values()}) > 1:
        raise UserError(f"direction {row['name']}: its vectors differ in length")
    vectors = np.array([by_position[position] for position in positions], dtype=np.float32)
    checked_vectors(vectors[0] if positions == [BROADCAST] else vectors, row["site"], row["name"])
    return Direction(
        direction_id=row["direction_id"],
        name=row["name"],
        kind=row["kind"],
        role=row["role"],
        site=row["site"],
        norm=float(np.linalg.norm(vectors.astype(np.float64))),
        parent_id=row["parent_id"],
        recipe=json.loads(row["recipe"] or "{}"),
        vectors=vectors,
        is_broadcast=positions == [BROADCAST],
    )
