"""Names of two stores that are merged: one that stands for other content is refused or renamed.

Sets and directions are called by name in plans, analyses and reports. Two sets of one name would be
one set, two directions of one name one curve.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sql.errors import UserError
from store.names import checked_name
from store.shards import committed

if TYPE_CHECKING:
    import pyarrow as pa

NAMED_TABLES = ("analyses", "results", "claims")
"""Tables whose rows speak of sets and directions by name: what a rename makes untrue."""


@dataclass(kw_only=True)
class Names:
    """What the names of a store stand for: sets by the ids of their problems, directions by id."""

    sets: dict[str, frozenset[str]] = field(default_factory=dict)
    directions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Renamed:
    """New names of a source's sets, and of its directions by id."""

    sets: dict[str, str] = field(default_factory=dict)
    directions: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.sets or self.directions)


def names_of(root: Path) -> Names:
    """The names of a store. Raises UserError if one stands for two directions."""
    members: dict[str, set[str]] = {}
    for row in committed(root, "problem_sets", ["set_name", "problem_id"]).to_pylist():
        members.setdefault(row["set_name"], set()).add(row["problem_id"])
    directions: dict[str, str] = {}
    for row in committed(root, "directions", ["name", "direction_id"]).to_pylist():
        other = directions.setdefault(row["name"], row["direction_id"])
        if other != row["direction_id"]:
            raise UserError(
                f"{root} has two directions of the name {row['name']} ({other[:8]}… and "
                f"{row['direction_id'][:8]}…): nothing was merged"
            )
    return Names(
        sets={name: frozenset(ids) for name, ids in members.items()}, directions=directions
    )


def settle_names(there: Names, source: Path, label: str | None) -> Renamed:
    """New names for what a source calls otherwise; `there` has its names from here on.

    Args:
        there: the names of the store that receives.
        source: a store that is merged into it.
        label: what is put behind a name that stands for other content; None refuses it.

    Raises:
        UserError: Without a label, a name stands for other content; with one, the new name is
            taken as well, or is not usable.
    """
    theirs = names_of(source)
    other_sets = sorted(n for n, ids in theirs.sets.items() if there.sets.get(n, ids) != ids)
    other_directions = sorted(
        n for n, key in theirs.directions.items() if there.directions.get(n, key) != key
    )
    if label is None and (other_sets or other_directions):
        raise UserError(_refusal(there, theirs, source, other_sets, other_directions))
    renamed = Renamed(
        sets={name: f"{name}.{label}" for name in other_sets},
        directions={theirs.directions[name]: f"{name}.{label}" for name in other_directions},
    )
    for name, ids in theirs.sets.items():
        _take(there.sets, renamed.sets.get(name, name), ids, "set")
    for name, key in theirs.directions.items():
        _take(there.directions, renamed.directions.get(key, name), key, "direction")
    return renamed


def _take(names: dict[str, Any], name: str, content: Any, what: str) -> None:
    if names.setdefault(name, content) != content:
        raise UserError(f"{what} {name} stands for other content as well: choose another --as")


def _refusal(
    there: Names, theirs: Names, source: Path, sets: Sequence[str], directions: Sequence[str]
) -> str:
    """The one line for names that stand for other content."""
    told = []
    for name in sets[:1]:
        ours, new = there.sets[name], theirs.sets[name]
        told.append(
            f"set {name} has {len(new)} problems there and {len(ours)} here, {len(ours & new)} "
            "of them the same"
        )
    told += [f"direction {name} has other vectors" for name in directions[:1]]
    more = len(sets) + len(directions) - len(told)
    return (
        f"{source} calls other things by names that are here: {'; '.join(told)}"
        f"{f'; and {more} more names' if more else ''}: nothing was merged, --as LABEL calls them "
        f"{(*sets, *directions)[0]}.LABEL and so on"
    )


def checked_label(label: str | None) -> str | None:
    """The label, if names can end in it. Raises UserError if not."""
    return label if label is None else checked_name(label, "label")


def with_new_names(table: str, rows: pa.Table, renamed: Renamed) -> pa.Table:
    """The rows of a source's sets or directions under their new names; ids stay."""
    import pyarrow as pa

    def replace(column: str, values: list[Any]) -> pa.Table:
        """The rows with other values in a column."""
        place = rows.column_names.index(column)
        return rows.set_column(place, rows.schema.field(column), pa.array(values, pa.string()))

    if table == "problem_sets":
        names = rows["set_name"].to_pylist()
        return replace("set_name", [renamed.sets.get(name, name) for name in names])
    if table == "directions":
        pairs = zip(rows["direction_id"].to_pylist(), rows["name"].to_pylist(), strict=True)
        rows = replace("name", [renamed.directions.get(key, name) for key, name in pairs])
        fitted = rows["fitted_on"].to_pylist()
        return replace("fitted_on", [_fitted_on(text, renamed.sets) for text in fitted])
    return rows


def _fitted_on(text: str | None, sets: Mapping[str, str]) -> str | None:
    """What a direction was fitted on, its set by the new name."""
    try:
        told = json.loads(text or "null")
    except (ValueError, RecursionError):
        return text
    if not isinstance(told, dict) or told.get("set") not in sets:
        return text
    return json.dumps(told | {"set": sets[told["set"]]})
