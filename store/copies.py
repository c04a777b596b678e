"""Copies of a row: which keys occur more than once in a store, and every copy of those.

The results file holds one row of each key. What became of the other copies is no reason to forget
them: a copy that comes later is judged together with all that are in the shards, so that the order
in which shards arrive, and how they are grouped, decides nothing.
"""

# ruff: noqa: S608  (what enters SQL text here are names from the schema, quoted, and numbers)
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sql import loader
from sql.loader import parquet, quote
from store.layout import shard_path
from store.schema import Table
from store.set_aside import earlier_row_files
from store.tables import stored_key, stored_name

if TYPE_CHECKING:
    import duckdb

_FEW = 8  # new rows are few when the table holds this many times as many
_SPARSE = 64  # possible keys for each row
_MOST_BITS = 1 << 31


def key_of(table: Table, row: str = "") -> str:
    """A table's key columns as SQL, of the relation that is called `row`."""
    return _listed(list(table.key), row)


def _listed(names: list[str], row: str = "") -> str:
    return ", ".join(f"{row}.{quote(name)}" if row else quote(name) for name in names)


def count(connection: duckdb.DuckDBPyConnection, text: str) -> int:
    """The one number that a query gives."""
    return int(connection.execute(text).fetchall()[0][0])


def gather(connection: duckdb.DuckDBPyConnection, root: Path, table: Table, first: int) -> bool:
    """Collect every copy of the rows that the shards from number `first` on are copies of.

    Builds the tables `doubled_keys` (keys of shards and of the results file) and `copies` (a
    row's columns, its revision, origin, place in its file, the number of its shard, and whether
    that is new). Returns whether there are any.
    """
    if not _find_doubled(connection, root, table, first):
        return False
    key = key_of(table)
    earlier = ""
    if files := loader.exact_paths(earlier_row_files(root, table.name)):
        connection.execute("SET VARIABLE earlier_files = $files", {"files": files})
        set_aside = parquet("getvariable('earlier_files')", "union_by_name = true")
        earlier = (
            f"ANTI JOIN {set_aside} AS h "
            f"ON h.shard_id = c.origin AND ({key_of(table, 'h')}) = ({key_of(table, 'c')})"
        )
    connection.execute(
        "SET VARIABLE copy_files = $files", {"files": _files_of_copies(connection, root, table)}
    )
    options = ("filename = true", "file_row_number = true", "union_by_name = true")
    shards = parquet("getvariable('copy_files')", *options)
    names = _listed(table.names, "c")
    # The empty part gives shards without history its columns.
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE copies AS "
        f"SELECT {names}, c.revision, c.origin, c.row_in_file, "
        f"s.shard_no >= {first:d} AS is_new, coalesce(o.shard_no, s.shard_no) AS shard_no FROM ("
        "SELECT * REPLACE (coalesce(revision, 0) AS revision, "
        "coalesce(origin, shard_id) AS origin) "
        "FROM (SELECT *, file_row_number AS row_in_file, "
        f"parse_filename(filename, true) AS shard_id FROM {shards} "
        "UNION ALL BY NAME SELECT NULL::VARCHAR AS origin, NULL::INTEGER AS revision WHERE false) "
        f"SEMI JOIN doubled_keys USING ({key})) AS c {earlier} "
        "JOIN shards AS s ON s.shard_id = c.shard_id "
        # Rows that a compaction took over still stand under the number of their first shard.
        "LEFT JOIN shards AS o ON o.shard_id = c.origin AND o.replaced_by = c.shard_id"
    )
    return True


def _find_doubled(
    connection: duckdb.DuckDBPyConnection, root: Path, table: Table, first: int
) -> bool:
    """Collect the keys of which the new shards brought a further copy; whether there are any."""
    stored, key = quote(stored_name(table)), _listed(stored_key(table))
    if not _all_distinct(connection, table, first):
        old = count(connection, f"SELECT count(*) FROM {stored} WHERE shard_no < {first:d}")
        new = f"(SELECT {key} FROM {stored} WHERE shard_no >= {first:d})"
        among = f"SEMI JOIN {new} USING ({key})" if old else ""
        live = f"SELECT {key} FROM {stored} {among} GROUP BY {key} HAVING count(*) > 1"
    else:
        live = f"SELECT {key} FROM {stored} WHERE false"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE doubled_keys AS {_with_ids(table, live)}")
    files = _files_with_ignored_rows(connection, root, table)
    if files:
        connection.execute("SET VARIABLE ignored_files = $files", {"files": files})
        new = f"SELECT DISTINCT {key} FROM {stored} WHERE shard_no >= {first:d}"
        ignored = parquet("getvariable('ignored_files')", "union_by_name = true")
        connection.execute(
            f"INSERT INTO doubled_keys BY NAME SELECT * FROM ({_with_ids(table, new)}) "
            f"SEMI JOIN {ignored} "
            f"USING ({key_of(table)}) ANTI JOIN doubled_keys USING ({key_of(table)})"
        )
    return count(connection, "SELECT count(*) FROM doubled_keys") > 0


def _with_ids(table: Table, keys: str) -> str:
    """A query of stored keys with the ids that the numbers stand for."""
    if table.name != "outcomes":
        return keys
    return (
        f"SELECT c.condition_id, p.problem_id, d.* FROM ({keys}) AS d "
        "JOIN condition_keys AS c USING (condition_no) JOIN problem_keys AS p USING (problem_no)"
    )


def _all_distinct(connection: duckdb.DuckDBPyConnection, table: Table, first: int) -> bool:
    """Whether every outcome surely has a key of its own, found by marking each key's bit.

    Numbered keys are dense, so that one bit for each possible key is ten times as fast as grouping
    the rows. Not tried where the new rows are few (they are looked up instead) or keys are sparse.
    """
    if table.name != "outcomes":
        return False
    extent = loader.execute(connection, loader.internal("outcome_extent"), first=first)
    n_rows, n_new, conditions, problems, low, high = extent.fetchall()[0]
    if not n_rows or n_new * _FEW < n_rows:
        return False
    seeds = high - low + 1
    bits = conditions * problems * seeds
    if bits > min(_SPARSE * n_rows, _MOST_BITS):
        return False
    place = f"(condition_no::BIGINT * {problems:d} + problem_no) * {seeds:d} + (seed - {low:d})"
    marked = count(
        connection,
        f"SELECT bit_count(bitstring_agg({place}, 0::BIGINT, {bits:d}::BIGINT)) FROM outcome_rows",
    )
    return marked == int(n_rows)


def _files_with_ignored_rows(
    connection: duckdb.DuckDBPyConnection, root: Path, table: Table
) -> list[str]:
    """The shards of a table of which some rows are not in the results file."""
    shards = loader.internal("shards_with_ignored_rows")
    rows = loader.execute(connection, shards, table=table.name).fetchall()
    return sorted(_exact_paths(root, table, rows))


def _files_of_copies(connection: duckdb.DuckDBPyConnection, root: Path, table: Table) -> list[str]:
    """The shards of which a row in the results file, or one that is not there, is a copy."""
    rows = connection.execute(
        "SELECT DISTINCT coalesce(replaced_by, shard_id) FROM shards WHERE shard_no IN "
        f"(SELECT shard_no FROM {quote(stored_name(table))} "
        f"SEMI JOIN doubled_keys USING ({_listed(stored_key(table))}))"
    ).fetchall()
    return sorted(
        _exact_paths(root, table, rows) | set(_files_with_ignored_rows(connection, root, table))
    )


def _exact_paths(root: Path, table: Table, rows: Iterable[tuple[str]]) -> set[str]:
    """The files of shards, each by a row of its id."""
    return set(loader.exact_paths(shard_path(root, table.name, shard_id) for (shard_id,) in rows))
