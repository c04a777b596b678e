"""A store in memory, from which rows can be left out: what the headline is without them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.tables.readings import Readings
from sql import loader

if TYPE_CHECKING:
    import duckdb

# What no headline reads, and what is large.
_LEFT_BEHIND = {
    "outcome_rows": {
        "tokens": "NULL", "text": "NULL", "norm_before": "NULL", "norm_after": "NULL",
        "norm_fed": "NULL", "cosine": "NULL", "gold_logprob": "NULL", "margin": "NULL",
    },
}  # fmt: skip
_NOT_COPIED = {"activations", "direction_vectors", "store_info", "schema_migrations"}


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What a headline is computed without.

    Attributes:
        problems: (set, problem) pairs to leave out of their sets.
        sets: problem sets to leave out.
        directions, conditions: ids of what is left out with all its outcomes.
        graded: outcomes that are graded otherwise: `condition_id`, `problem_id`, `seed`, `status`
            and `correct` of each.
    """

    problems: Sequence[tuple[str, str]] = ()
    sets: Sequence[str] = ()
    directions: Sequence[str] = ()
    conditions: Sequence[str] = ()
    graded: Sequence[Mapping[str, Any]] = field(default=())

    @property
    def empty(self) -> bool:
        """Whether nothing is left out."""
        return not (self.problems or self.sets or self.directions or self.conditions or self.graded)


NOTHING = Edit()


class Copy(Readings):
    """Readings of a results database in memory, whose rows can be left out for a while."""

    @contextmanager
    def without(self, edit: Edit) -> Iterator[Copy]:
        """Readings of the copy as if rows were not there, or graded otherwise."""
        self.connection.execute("BEGIN")
        try:
            _apply(self.connection, edit)
            yield Copy(self.path, self.connection)
        finally:
            self.connection.execute("ROLLBACK")


def copied(root: Path) -> Copy:
    """A copy of a store's results in memory, without what no headline reads. Raises UserError."""
    from store import connect
    from store.database import create

    connection = create(None)
    with connect(root) as source:
        for (table,) in source.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
        ).fetchall():
            if table in _NOT_COPIED:
                continue
            emptied = _LEFT_BEHIND.get(table, {})
            columns = f"* REPLACE ({', '.join(f'{v} AS {k}' for k, v in emptied.items())})"
            rows = source.sql(
                f"SELECT {columns if emptied else '*'} FROM {loader.quote(table)}"  # noqa: S608
            ).to_arrow_table()
            connection.register("copied", rows)
            connection.execute(f"INSERT INTO {loader.quote(table)} BY NAME FROM copied")
            connection.unregister("copied")
    return Copy(root, connection)


def _apply(connection: duckdb.DuckDBPyConnection, edit: Edit) -> None:
    """Leave out, and grade anew, in the transaction that is open."""
    import pyarrow as pa

    for name, ids in (
        ("without_sets", edit.sets),
        ("without_directions", edit.directions),
        ("without_conditions", edit.conditions),
    ):
        if ids:
            loader.execute(connection, loader.internal(name), ids=list(ids))
    if edit.problems:
        # Of problems in no set the outcomes themselves go.
        loose = [problem for name, problem in edit.problems if name is None]
        listed = [f"{name}\n{problem}" for name, problem in edit.problems if name is not None]
        loader.execute(connection, loader.internal("without_problems"), ids=listed)
        if loose:
            loader.execute(connection, loader.internal("without_outcomes"), ids=loose)
    if edit.graded:
        names = ("condition_id", "problem_id", "seed", "status", "correct")
        rows = [{name: row[name] for name in names} for row in edit.graded]
        connection.register("graded", pa.Table.from_pylist(rows))
        loader.execute(connection, loader.internal("grade_anew"))
        connection.unregister("graded")
