"""Directions as rows: what they are, what they are checked for, and adding them to a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.vocabulary import Role
from sql.errors import UserError
from store import clock, identity, shards
from store.direction_rules import BROADCAST, check_words, checked_vectors, norms
from store.names import checked_sites

if TYPE_CHECKING:
    from collect.engine.interventions import Steering


FIRST_POSITION = "first_position"
"""Key in the recipe of a control whose candidate acts at position 0 alone."""

EVERYWHERE = {"rows": "everywhere"}
"""What the recipe says of one vector per site that acts at all positions alike."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NewDirection:
    """A direction that is to be added.

    Attributes:
        vectors: [T, d], or [d] for all positions alike; with several sites [n_sites, T, d] or
            [n_sites * T, d].
        name: unique in the store.
        kind: any text; what `collect --directions kind=…` selects.
        role: `candidate` (a claim is made of it) or `control`.
        site: where it is to be added; several joined by commas.
        recipe: how it was made, JSON-able.
        fitted_on: what it was fitted on (set, model, problem ids…), JSON-able.
        parent_id: for a control, the candidate that it is matched to.
        rng_seed: the seed it was drawn with.
    """

    vectors: NDArray[Any]
    name: str
    kind: str
    role: Role = "candidate"
    site: str = "latent"
    recipe: Mapping[str, Any] = field(default_factory=dict)
    fitted_on: Mapping[str, Any] | None = None
    parent_id: str | None = None
    rng_seed: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Direction:
    """A direction of a store.

    `vectors` is float32 [n_sites * T, d]; `is_broadcast` says that the only one is for all
    positions and sites. One vector per site is position 0 alone, but where it was fitted at the
    one position that a model without thoughts is read at, or added as one for all positions: then
    it acts `everywhere`.
    """

    direction_id: str
    name: str
    kind: str
    role: Role
    site: str
    norm: float
    parent_id: str | None
    recipe: dict[str, Any]
    vectors: NDArray[np.float32]
    is_broadcast: bool = False

    @property
    def everywhere(self) -> bool:
        """Whether its vectors act at all positions alike."""
        one_each = len(self.vectors) == len(checked_sites(self.site))
        made_here = "fit" in self.recipe or (
            "control" in self.recipe and FIRST_POSITION not in self.recipe
        )
        said = EVERYWHERE.items() <= self.recipe.items()
        return self.is_broadcast or (one_each and (made_here or said))

    def steering(self, alpha: float, **options: Any) -> Steering:
        """The steering with it at a dose; other fields of `Steering` as options."""
        from collect.engine.interventions import Steering

        vectors = self.vectors[0] if self.is_broadcast else self.vectors
        fields: dict[str, Any] = {
            "site": self.site,
            "key": self.name,
            "everywhere": self.everywhere,
        }
        return Steering(vectors, alpha, **fields | options)


def direction_id_of(new: NewDirection) -> str:
    """The content hash under which a direction would be stored."""
    return identity.direction_id(
        name=new.name,
        kind=new.kind,
        role=new.role,
        site=",".join(checked_sites(new.site)),
        vectors=checked_vectors(new.vectors, new.site, new.name),
        recipe=dict(new.recipe),
    )


def add_directions(root: Path, new: Sequence[NewDirection]) -> list[str]:
    """Add directions in one shard each of `direction_vectors` and `directions`; return their ids.

    One that is there already, with the same content, is left as it is.

    Raises:
        UserError: a name is not usable or taken, a role or site unknown, or vectors are wrong.
    """
    taken = dict(_names(root))
    rows: list[dict[str, Any]] = []
    vector_rows: list[tuple[str, NDArray[np.float32]]] = []
    ids = []
    for direction in new:
        row, vectors = _row(direction)
        ids.append(row["direction_id"])
        known = taken.get(direction.name)
        if known == row["direction_id"]:
            continue
        if known is not None:
            raise UserError(
                f"direction name {direction.name!r} is taken by another direction ({known[:8]}…): "
                "choose another name"
            )
        taken[direction.name] = row["direction_id"]
        rows.append(row)
        vector_rows.append((row["direction_id"], vectors))
    if rows:
        # Vectors first: a kill in between must not leave a direction without its vectors.
        shards.append(root, "direction_vectors", _vector_table(vector_rows))
        shards.append(root, "directions", rows)
    return ids


def add_direction(
    root: Path,
    vectors: NDArray[Any],
    *,
    name: str,
    kind: str,
    role: Role = "candidate",
    site: str = "latent",
    recipe: Mapping[str, Any] | None = None,
    fitted_on: Mapping[str, Any] | None = None,
    parent_id: str | None = None,
    rng_seed: int | None = None,
) -> str:
    """Add one direction and return its id (see `NewDirection` and `add_directions`)."""
    new = NewDirection(
        vectors=vectors,
        name=name,
        kind=kind,
        role=role,
        site=site,
        recipe=recipe or {},
        fitted_on=fitted_on,
        parent_id=parent_id,
        rng_seed=rng_seed,
    )
    return add_directions(root, [new])[0]


def _row(new: NewDirection) -> tuple[dict[str, Any], NDArray[np.float32]]:
    check_words(new.name, new.kind, new.role, new.site)
    vectors = checked_vectors(new.vectors, new.site, new.name)
    norm, by_position = norms(vectors)
    row = {
        "direction_id": direction_id_of(new),
        "name": new.name,
        "kind": new.kind,
        "role": new.role,
        "site": ",".join(checked_sites(new.site)),
        "norm": norm,
        "norm_by_position": by_position,
        "parent_id": new.parent_id,
        "recipe": identity.canonical_json(dict(new.recipe)),
        "fitted_on": None if new.fitted_on is None else identity.canonical_json(new.fitted_on),
        "rng_seed": new.rng_seed,
        "created_at": clock.now(),
    }
    return row, vectors


def _vector_table(rows: Sequence[tuple[str, NDArray[np.float32]]]) -> pa.Table:
    ids, positions, values = [], [], []
    for direction_id, vectors in rows:
        broadcast = vectors.ndim == 1
        for position, vector in enumerate(np.atleast_2d(vectors)):
            ids.append(direction_id)
            positions.append(BROADCAST if broadcast else position)
            values.append(vector)
    return pa.table(
        {
            "direction_id": ids,
            "position": pa.array(positions, pa.int32()),
            "values": pa.array(values, pa.list_(pa.float32())),
        }
    )


def _names(root: Path) -> list[tuple[str, str]]:
    rows = shards.committed(root, "directions", ["name", "direction_id"]).to_pylist()
    return [(row["name"], row["direction_id"]) for row in rows]
