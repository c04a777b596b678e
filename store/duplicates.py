"""The same row twice: ignored when equal, recorded when fragile, quarantined when different.

Two rows of one key are equal when their exact columns are equal (NULL equals NULL) and their
floats agree within the tolerance; a float that one of them lacks is no difference. Of equal rows
the one of the oldest shard stays (of `last_wins` tables: the newest), whatever the order in which
shards arrive. The rule is one of groups: a group of rows that disagree is a fragile difference if
any of them is marked fragile, else a conflict. Of outcomes in conflict none can be trusted; of a
description (a problem, a direction, a condition …) the first stays and what others say is kept
beside it: one foreign row must not take the healthy one with it.
"""

# ruff: noqa: S608  (what enters SQL text here are names from the schema, quoted, and numbers)
from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sql import loader
from sql.loader import quote
from store.identity import canonical_json, canonical_text
from store.quarantine import keep_conflict, keep_rows
from store.schema import Table
from store.tables import stored_key, stored_name

if TYPE_CHECKING:
    import duckdb

RELATIVE_TOLERANCE = 1e-4
"""Floats a, b agree when |a - b| <= tolerance * max(|a|, |b|, 1)."""


_FEW = 8  # new rows are few when the table holds this many times as many
_SPARSE = 64  # possible keys for each row
_MOST_BITS = 1 << 31


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """One row that shards disagree on: its key, the shards, and the columns that differ.

    `kept` of a description, of which the first shard's row stays; else all copies are set aside.
    """

    table: str
    key: str
    shards: list[str]
    differs: str
    kept: bool


@dataclass(frozen=True, kw_only=True)
class Settled:
    """Outcome of `settle`: rows removed in all, of these ignored as equal or fragile."""

    removed: int = 0
    ignored: int = 0
    fragile: int = 0
    conflicts: list[Conflict] = field(default_factory=list)


def settle(
    connection: duckdb.DuckDBPyConnection,
    root: Path,
    table: Table,
    first: int,
    *,
    keep_conflicts: bool = True,
) -> Settled:
    """Leave one row of each key after the shards from number `first` on were appended.

    Conflicting rows are removed, and with `keep_conflicts` written to quarantine, from every shard
    that holds them.
    """
    if _all_distinct(connection, table, first) or not _find_doubled(connection, table, first):
        return Settled()
    _compare(connection, table)
    conflicts = _conflicts(connection, table)
    if conflicts and keep_conflicts:
        (_write_losers if table.first_wins else _write_rows)(connection, root, table)
    if table.first_wins:
        connection.execute("UPDATE doubled SET conflict = false")
    fragile = _keep_fragile(connection, table)
    removed = _remove(connection, table)
    in_conflict = _count(connection, "SELECT count(*) FROM doubled WHERE conflict")
    return Settled(
        removed=removed,
        ignored=removed - in_conflict - fragile,
        fragile=fragile,
        conflicts=conflicts,
    )


def _count(connection: duckdb.DuckDBPyConnection, text: str) -> int:
    return int(connection.execute(text).fetchall()[0][0])


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
    marked = _count(
        connection,
        f"SELECT bit_count(bitstring_agg({place}, 0::BIGINT, {bits:d}::BIGINT)) FROM outcome_rows",
    )
    return marked == int(n_rows)


def _find_doubled(connection: duckdb.DuckDBPyConnection, table: Table, first: int) -> bool:
    """Collect the keys that occur more than once among old and new rows; whether there are any."""
    key = ", ".join(quote(name) for name in stored_key(table))
    stored = quote(stored_name(table))
    old = _count(connection, f"SELECT count(*) FROM {stored} WHERE shard_no < {first:d}")
    among = (
        f"SEMI JOIN (SELECT {key} FROM {stored} WHERE shard_no >= {first:d}) USING ({key})"
        if old
        else ""
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE doubled_keys AS "
        f"SELECT {key} FROM {stored} {among} GROUP BY {key} HAVING count(*) > 1"
    )
    return _count(connection, "SELECT count(*) FROM doubled_keys") > 0


def differences(table: Table, *, all_exact: bool = False) -> list[tuple[str, str]]:
    """(column, SQL for "row d differs from row k in it") of every compared column.

    Copies of a row in a table where the last wins may differ, unless `all_exact`.
    """
    if table.last_wins and not all_exact:
        return []
    kinds = {column.name: column.type for column in table.columns}
    compared = []
    for name in table.compared("exact"):
        a, b = (_canonical(f"{row}.{quote(name)}", name, kinds[name]) for row in "dk")
        compared.append((name, f"{a} IS DISTINCT FROM {b}"))
    for name in table.compared("close"):
        a, b = f"d.{quote(name)}", f"k.{quote(name)}"
        if kinds[name].startswith("list"):
            far = (
                f"(len({a}) != len({b}) OR list_bool_or(list_transform(list_zip({a}, {b}), "
                f"lambda v: {_far('v[1]', 'v[2]')})))"
            )
        else:
            far = _far(a, b)
        compared.append((name, f"coalesce({far}, false)"))
    return compared


def _canonical(value: str, name: str, kind: str) -> str:
    """SQL of a value as it counts for identity: JSON by content, a question by its words."""
    if kind == "json":
        return f"canonical_json({value})"
    return f"canonical_text({value})" if name == "question" else value


def define(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a connection the functions by which JSON and questions are compared."""
    connection.create_function("canonical_json", _respelled, ["VARCHAR"], "VARCHAR")
    connection.create_function("canonical_text", canonical_text, ["VARCHAR"], "VARCHAR")


def _respelled(text: str) -> str:
    try:
        return canonical_json(json.loads(text))
    except (ValueError, RecursionError):
        return text  # no JSON: what it says is all that can be compared


def _far(a: str, b: str) -> str:
    """Equality first, so that infinity is a value like others: inf − inf would be no number."""
    return (
        f"({a} IS DISTINCT FROM {b} AND (isnan({a}) != isnan({b}) OR isinf({a}) OR isinf({b}) "
        f"OR abs({a} - {b}) > {RELATIVE_TOLERANCE} * greatest(abs({a}), abs({b}), 1)))"
    )


def _compare(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Build `doubled`: every row of a doubled key, whether it stays, and how it differs."""
    key = ", ".join(quote(name) for name in stored_key(table))
    stored = quote(stored_name(table))
    # A compacted shard's rows count as old as their new shard, and rows of one shard are ordered
    # by content, so that a rebuild makes the same choice.
    content = "".join(f", t.{quote(name)}" for name in table.compared("exact"))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE copies AS "
        f"SELECT t.*, t.rowid AS row_no, coalesce(s.replaced_by, s.shard_id) AS age, "
        f"row_number() OVER (PARTITION BY {key} ORDER BY coalesce(s.replaced_by, s.shard_id) "
        f"{'DESC' if table.last_wins else ''}{content}, t.rowid) AS place "
        f"FROM {stored} AS t SEMI JOIN doubled_keys USING ({key}) JOIN shards AS s USING (shard_no)"
    )
    compared = differences(table)
    names = ", ".join(f"CASE WHEN {sql} THEN '{name}' END" for name, sql in compared)
    differs = f"concat_ws(', ', {names})" if names else "''"
    fragile = "d.fragile" if table.name == "outcomes" else "false"
    same = " AND ".join(f"d.{quote(name)} = k.{quote(name)}" for name in stored_key(table))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE doubled AS "
        f"SELECT d.*, {differs} AS differs, "
        f"bool_or({fragile}) OVER same_key AS any_fragile, "
        f"bool_or({differs} != '') OVER same_key AS disagree "
        f"FROM copies AS d JOIN copies AS k ON {same} AND k.place = 1 "
        f"WINDOW same_key AS (PARTITION BY {', '.join('d.' + quote(n) for n in stored_key(table))})"
    )
    connection.execute("ALTER TABLE doubled ADD COLUMN conflict BOOLEAN")
    connection.execute("UPDATE doubled SET conflict = disagree AND NOT any_fragile")


def _keep_fragile(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Record fragile differences and mark the row that stays; returns how many rows differed."""
    if table.name != "outcomes":
        return 0
    text = "concat_ws(' ', status, answer, array_to_string(tokens, ','), gold_logprob, margin)"
    connection.execute(
        "INSERT INTO fragile_differences "
        "SELECT 'outcomes', concat_ws(' ', c.condition_id, p.problem_id, d.seed), k.age, d.age, "
        f"k.said, concat(d.differs, ': ', d.said) "
        f"FROM (SELECT *, {text} AS said FROM doubled) AS d "
        f"JOIN (SELECT *, {text} AS said FROM doubled WHERE place = 1) AS k "
        "USING (condition_no, problem_no, seed) "
        "JOIN condition_keys AS c USING (condition_no) JOIN problem_keys AS p USING (problem_no) "
        "WHERE d.differs != '' AND NOT d.conflict"
    )
    connection.execute(
        "UPDATE outcome_rows SET fragile = true WHERE NOT fragile AND rowid IN "
        "(SELECT row_no FROM doubled WHERE place = 1 AND any_fragile AND NOT conflict)"
    )
    return _count(connection, "SELECT count(*) FROM doubled WHERE differs != '' AND NOT conflict")


def _remove(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Delete every copy but the one that stays, and all of a conflict; returns how many."""
    connection.execute(
        "UPDATE shards SET rows_ignored = rows_ignored + gone.n FROM "
        "(SELECT shard_no, count(*) AS n FROM doubled WHERE place > 1 OR conflict GROUP BY 1) "
        "AS gone WHERE shards.shard_no = gone.shard_no"
    )
    statement = (
        f"DELETE FROM {quote(stored_name(table))} WHERE rowid IN "
        "(SELECT row_no FROM doubled WHERE place > 1 OR conflict)"
    )
    return int(connection.execute(statement).fetchall()[0][0])


def _conflicts(connection: duckdb.DuckDBPyConnection, table: Table) -> list[Conflict]:
    """The rows that shards contradict each other on, sorted by key."""
    if not _count(connection, "SELECT count(*) FROM doubled WHERE conflict"):
        return []
    hexed = _with_hex_ids(table)
    key = ", ".join(quote(name) for name in table.key)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE contradicted AS "
        f"SELECT {key}, string_agg(DISTINCT nullif(differs, ''), ', ') AS reason, "
        f"list(DISTINCT age ORDER BY age) AS shard_ids FROM ({hexed}) WHERE conflict GROUP BY ALL"
    )
    key_text = f"concat_ws(' ', {key})"
    rows = connection.execute(
        f"SELECT {key_text}, shard_ids, reason FROM contradicted ORDER BY ALL"
    ).fetchall()
    return [
        Conflict(table=table.name, key=k, shards=s, differs=d, kept=table.first_wins)
        for k, s, d in rows
    ]


def _with_hex_ids(table: Table) -> str:
    if table.name != "outcomes":
        return "FROM doubled"
    return (
        "SELECT c.condition_id, p.problem_id, d.* FROM doubled AS d "
        "JOIN condition_keys AS c USING (condition_no) JOIN problem_keys AS p USING (problem_no)"
    )


def _write_losers(connection: duckdb.DuckDBPyConnection, root: Path, table: Table) -> None:
    """Keep what later shards said otherwise of a described thing: one file for each such shard."""
    import pyarrow.compute as pc

    names = ", ".join(quote(name) for name in table.names)
    key = ", ".join(quote(name) for name in table.key)
    rows = connection.sql(
        f"SELECT {names}, age AS shard_id, differs AS reason FROM doubled "
        f"WHERE differs != '' ORDER BY age, {key}"
    ).to_arrow_table()
    for shard_id in dict.fromkeys(rows["shard_id"].to_pylist()):
        of_shard = rows.filter(pc.equal(rows["shard_id"], shard_id))
        keep_conflict(root, table, shard_id, of_shard)


def _write_rows(connection: duckdb.DuckDBPyConnection, root: Path, table: Table) -> None:
    """Copy the contradicted rows of all committed shards, with shard and reason, to a file.

    The shards are asked, not the results file: copies that were ignored as equal are there as
    well, and a rebuild has to know of them.
    """
    from store.commits import commit_ids

    folder = root / "shards" / table.name
    ids = sorted(commit_ids(root))
    files = [str(path) for name in ids if (path := folder / f"{name}.parquet").exists()]
    key = ", ".join(quote(name) for name in table.key)
    connection.execute("SET VARIABLE all_files = $files", {"files": files})
    chosen = (
        f"SELECT {', '.join('f.' + quote(n) for n in table.names)}, "
        "parse_filename(f.filename, true) AS shard_id, c.reason "
        "FROM read_parquet(getvariable('all_files'), filename = true, union_by_name = true) AS f "
        f"JOIN contradicted AS c USING ({key})"
    )
    rows = connection.sql(chosen).to_arrow_table()
    keep_rows(root, table.name, rows, f"rows of {table.name} that shards contradict each other on")
