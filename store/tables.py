"""Set-wise transfer of Parquet shards into the tables of the results file."""

# ruff: noqa: S608  (what enters SQL text here are names from the schema, quoted, and numbers)
from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sql import loader
from sql.loader import parquet, quote
from store.incoming import Shard
from store.schema import Table
from store.set_aside import earlier_row_files

if TYPE_CHECKING:
    import duckdb

_OUTCOME_VALUES = (
    "status, correct, coalesce(fragile, false) AS fragile, answer, gold_logprob, margin, tokens, "
    "text, norm_before, norm_after, norm_fed, cosine"
)


def stored_name(table: Table) -> str:
    """The table of the results file that holds a table's rows."""
    return "outcome_rows" if table.name == "outcomes" else table.name


def stored_key(table: Table) -> list[str]:
    """The key columns as they are stored: outcomes are known by the numbers of their ids."""
    if table.name == "outcomes":
        return ["condition_no", "problem_no", "seed"]
    return list(table.key)


def next_shard_no(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of the next shard that is entered."""
    return int(loader.execute(connection, loader.internal("next_shard_no")).fetchall()[0][0])


def register_shards(connection: duckdb.DuckDBPyConnection, shards: Sequence[Shard]) -> int:
    """Enter shards into the table `shards`, numbered in order; returns the first number."""
    import pyarrow as pa

    first = next_shard_no(connection)
    commits = [shard.commit for shard in shards]
    rows = pa.table(
        {
            "shard_no": pa.array(range(first, first + len(commits)), pa.int32()),
            "shard_id": [c.shard_id for c in commits],
            "table_name": [c.table for c in commits],
            "rows": [c.rows for c in commits],
            "bytes": [c.bytes for c in commits],
            "sha256": [c.sha256 for c in commits],
            "schema_version": pa.array([c.schema_version for c in commits], pa.int32()),
            "created_at": [datetime.fromisoformat(c.created_at) for c in commits],
            "run_id": pa.array([c.run_id for c in commits], pa.string()),
        }
    )
    connection.register("registered", rows)
    connection.execute("INSERT INTO shards SELECT *, 0, NULL FROM registered")
    connection.unregister("registered")
    return first


def absorb(connection: duckdb.DuckDBPyConnection, shards: Sequence[Shard]) -> list[Shard]:
    """Enter compacted shards whose rows are in the file already; returns the other shards.

    Such a shard takes the place of the ones it replaces in the table `shards`; no row moves.
    """
    fresh = []
    for shard in shards:
        commit = shard.commit
        values = {"shard": commit.shard_id, "parts": commit.replaces, "table": commit.table}
        known = (
            commit.replaces
            and loader.execute(connection, loader.internal("replace_shards"), **values).fetchall()[
                0
            ][0]
        )
        if known:
            register_shards(connection, [shard])
        else:
            fresh.append(shard)
    return fresh


def insert_shards(
    connection: duckdb.DuckDBPyConnection,
    root: Path,
    table: Table,
    shards: Sequence[Shard],
    first: int,
) -> int:
    """Append the rows of verified shards of one table and schema version; returns how many.

    The shards are numbered from `first` on. Rows that an earlier version set aside are left out.
    """
    files = loader.exact_paths(shard.path for shard in shards)
    columns = ", ".join(quote(name) for name in table.names)
    # Identifiers only: values enter through the two variables.
    connection.execute("SET VARIABLE shard_files = $files", {"files": files})
    connection.execute("SET VARIABLE shard_first = $first", {"first": first})
    files_read = parquet("getvariable('shard_files')")
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW shard_rows AS SELECT {columns}, "
        "getvariable('shard_first') + file_index::INTEGER AS shard_no "
        f"FROM {files_read}{_except_held(connection, root, table)}"
    )
    if table.name == "outcomes":
        _number_ids(connection)
    return insert_rows(connection, table)


def insert_rows(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Append the rows of the view `shard_rows`, all of whose ids have numbers; returns how many."""
    if table.name == "outcomes":
        statement = f"INSERT INTO outcome_rows {_OUTCOMES}"
    else:
        order = ", ".join(quote(name) for name in table.names)
        statement = f"INSERT INTO {quote(table.name)} SELECT {order}, shard_no FROM shard_rows"
    return int(connection.execute(statement).fetchall()[0][0])


def _except_held(connection: duckdb.DuckDBPyConnection, root: Path, table: Table) -> str:
    """A WHERE clause that leaves out what an earlier version set aside; empty without such."""
    files = loader.exact_paths(earlier_row_files(root, table.name))
    if not files:
        return ""
    key = ", ".join(quote(name) for name in table.key)
    connection.execute("SET VARIABLE held_files = $files", {"files": files})
    files_read = parquet("getvariable('held_files')")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE held AS "
        f"SELECT s.shard_no, {key} FROM {files_read} AS h "
        "JOIN shards AS s USING (shard_id)"
    )
    return (
        f" WHERE (getvariable('shard_first') + file_index::INTEGER, {key}) "
        f"NOT IN (SELECT (shard_no, {key}) FROM held)"
    )


_OUTCOMES = f"""
SELECT c.condition_no, p.problem_no, o.seed, r.run_no, o.shard_no, {_OUTCOME_VALUES}
FROM shard_rows AS o
JOIN condition_keys AS c USING (condition_id)
JOIN problem_keys AS p USING (problem_id)
LEFT JOIN run_keys AS r USING (run_id)
"""


def _number_ids(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a number to every id of the incoming outcomes that has none, in the order of ids."""
    for name in ("condition", "problem", "run"):
        connection.execute(
            f"INSERT INTO {name}_keys "
            f"SELECT (SELECT coalesce(max({name}_no), 0) FROM {name}_keys) "
            f"+ row_number() OVER (ORDER BY {name}_id), {name}_id "
            f"FROM (SELECT DISTINCT {name}_id FROM shard_rows WHERE {name}_id IS NOT NULL) "
            f"ANTI JOIN {name}_keys USING ({name}_id)"
        )
