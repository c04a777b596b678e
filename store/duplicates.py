"""The same row twice: ignored when equal, recorded when fragile, set aside when different.

Two rows of one key are equal when their exact columns are equal (NULL equals NULL) and their
floats agree within the tolerance; a float that one of them lacks is no difference. What is decided
is decided over all copies in all shards, so that it does not depend on the order in which they
arrive: of the copies of the highest revision the one of the first shard stays (of `last_wins`
tables: of the last), and the others are compared with it. A group of outcomes that disagree is a
fragile difference if any of them is marked fragile, else a conflict: none can be trusted, until the
unit is computed anew at the next revision. Of a description (a problem, a direction, a condition …)
the first stays and what others say is kept beside it: one foreign row must not take the healthy one
with it.
"""

# ruff: noqa: S608  (what enters SQL text here are names from the schema, quoted, and numbers)
from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sql.loader import quote
from store.copies import count, gather, key_of
from store.identity import canonical_json, canonical_text
from store.quarantine import keep_rows
from store.schema import Table
from store.set_aside import forget, keep_conflict, recorded
from store.tables import insert_rows, stored_key, stored_name

if TYPE_CHECKING:
    import duckdb

RELATIVE_TOLERANCE = 1e-4
"""Floats a, b agree when |a - b| <= tolerance * max(|a|, |b|, 1)."""


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
    """Outcome of `settle`: rows removed in all, of these ignored as equal or fragile.

    `conflicts` are those that were not on record before.
    """

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
    """Leave the right row of each key after the shards from number `first` on were appended.

    With `keep_conflicts` the record of rows that are set aside is brought to what was decided.
    """
    if not gather(connection, root, table, first):
        return Settled()
    _judge(connection, table)
    conflicts = _unrecorded(connection, root, table)
    if keep_conflicts:
        _record(connection, root, table)
    removed = _replace_rows(connection, table)
    if table.name == "outcomes":
        _keep_fragile(connection)
    fragile = 0 if table.first_wins else _arrived(connection, table, "differs != ''")
    ignored = _arrived(connection, table, "true") - fragile
    return Settled(removed=removed, ignored=ignored, fragile=fragile, conflicts=conflicts)


def _differences(table: Table) -> list[tuple[str, str]]:
    """(column, SQL for "row d differs from row k in it") of every compared column.

    Copies of a row in a table where the last wins may differ.
    """
    if table.last_wins:
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


def _judge(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Build `judged`: every copy, how it differs from the first, and what becomes of it.

    `stays` is the row of the results file, `aside` what is recorded in quarantine.
    """
    key = key_of(table)
    newest_first = "DESC" if table.last_wins else ""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE ranked AS "
        f"SELECT *, revision < max(revision) OVER (PARTITION BY {key}) AS outdated, "
        f"row_number() OVER (PARTITION BY {key} ORDER BY revision DESC, origin {newest_first}, "
        f"row_in_file {newest_first}, shard_no) AS place FROM copies"
    )
    names = ", ".join(f"CASE WHEN {sql} THEN '{name}' END" for name, sql in _differences(table))
    differs = f"CASE WHEN d.outdated THEN '' ELSE concat_ws(', ', {names}) END" if names else "''"
    of_outcomes = table.name == "outcomes"
    fragile = "coalesce(d.fragile, false) AND NOT d.outdated" if of_outcomes else "false"
    same = f"({key_of(table, 'd')}) = ({key_of(table, 'k')})"
    group = f"(PARTITION BY {key_of(table, 'd')})"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE compared AS "
        f"SELECT d.*, {differs} AS differs, bool_or({fragile}) OVER {group} AS any_fragile, "
        f"bool_or({differs} != '') OVER {group} AS disagree "
        f"FROM ranked AS d JOIN ranked AS k ON {same} AND k.place = 1"
    )
    conflict = "disagree AND NOT any_fragile AND NOT outdated" if of_outcomes else "false"
    aside = "conflict OR outdated" if of_outcomes else f"{_yes(table.first_wins)} AND differs != ''"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE judged AS SELECT *, {conflict} AS conflict, "
        f"{aside} AS aside, place = 1 AND NOT conflict AS stays FROM compared"
    )


def _yes(value: bool) -> str:
    return "true" if value else "false"


def _unrecorded(connection: duckdb.DuckDBPyConnection, root: Path, table: Table) -> list[Conflict]:
    """The rows that shards contradict each other on and that are not on record, sorted by key.

    Builds `recorded`: shard and key of every row that is.
    """
    connection.register("in_quarantine", recorded(root, table))
    connection.execute("CREATE OR REPLACE TEMP TABLE recorded AS FROM in_quarantine")
    connection.unregister("in_quarantine")
    key = key_of(table)
    contradicted = "differs != ''" if table.first_wins else "conflict"
    told = connection.execute(
        f"SELECT concat_ws(' ', {key}), list(DISTINCT origin ORDER BY origin), "
        "string_agg(DISTINCT nullif(differs, ''), ', ' ORDER BY nullif(differs, '')) "
        f"FROM judged SEMI JOIN ({_not_recorded(table, contradicted)}) USING ({key}) "
        f"WHERE NOT outdated GROUP BY {key} ORDER BY ALL"
    ).fetchall()
    return [
        Conflict(table=table.name, key=k, shards=shards, differs=differs, kept=table.first_wins)
        for k, shards, differs in told
    ]


def _not_recorded(table: Table, which: str) -> str:
    """A query of the judged rows that fit a condition and are not on record."""
    return (
        f"SELECT j.* FROM judged AS j ANTI JOIN recorded AS r ON r.shard_id = j.origin "
        f"AND ({key_of(table, 'r')}) = ({key_of(table, 'j')}) WHERE {which}"
    )


def _record(connection: duckdb.DuckDBPyConnection, root: Path, table: Table) -> None:
    """Bring the record in quarantine to what was decided: further rows, and those no longer."""
    import pyarrow.compute as pc

    key = key_of(table)
    stale = connection.sql(
        f"SELECT DISTINCT r.* FROM recorded AS r JOIN judged AS j ON r.shard_id = j.origin "
        f"AND ({key_of(table, 'r')}) = ({key_of(table, 'j')}) WHERE NOT j.aside"
    ).to_arrow_table()
    names = ", ".join(quote(name) for name in table.names)
    # Of outcomes the whole group is set aside, for whatever reason one of them gives.
    reason = (
        "differs"
        if table.first_wins
        else "CASE WHEN outdated THEN 'computed anew' ELSE string_agg(DISTINCT "
        f"nullif(differs, ''), ', ') OVER (PARTITION BY {key}, outdated) END"
    )
    rows = connection.sql(
        f"SELECT {names}, revision, origin AS shard_id, reason "
        f"FROM (SELECT *, {reason} AS reason FROM judged) AS j ANTI JOIN recorded AS r "
        f"ON r.shard_id = j.origin AND ({key_of(table, 'r')}) = ({key_of(table, 'j')}) "
        f"WHERE aside ORDER BY shard_id, {key}"
    ).to_arrow_table()
    if table.first_wins:
        for shard_id in dict.fromkeys(rows["shard_id"].to_pylist()):
            keep_conflict(root, table, shard_id, rows.filter(pc.field("shard_id") == shard_id))
    elif rows.num_rows:
        reason = f"rows of {table.name} that shards contradict each other on"
        keep_rows(root, table.name, rows, reason)
    if stale.num_rows:
        forget(root, table, stale)


def _replace_rows(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Put the row that stays in the place of all that were there; returns how many less there are.

    `shards` counts for each shard the rows that are not in the results file.
    """
    stored = quote(stored_name(table))
    keys = ", ".join(quote(name) for name in stored_key(table))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE former AS "
        f"SELECT * FROM {stored} JOIN doubled_keys USING ({keys})"
    )
    connection.execute(
        f"DELETE FROM {stored} WHERE ({keys}) IN (SELECT ({keys}) FROM doubled_keys)"
    )
    names = ", ".join(
        "any_fragile AS fragile" if name == "fragile" else quote(name) for name in table.names
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW shard_rows AS SELECT {names}, shard_no "
        "FROM judged WHERE stays"
    )
    inserted = insert_rows(connection, table)
    for sign, rows in (("+", "former"), ("-", "shard_rows")):
        connection.execute(
            f"UPDATE shards SET rows_ignored = rows_ignored {sign} part.n FROM "
            f"(SELECT shard_no, count(*) AS n FROM {rows} GROUP BY shard_no) AS part "
            "WHERE shards.shard_no = part.shard_no"
        )
    return count(connection, "SELECT count(*) FROM former") - inserted


def _arrived(connection: duckdb.DuckDBPyConnection, table: Table, which: str) -> int:
    """How many rows that fit a condition went out: new ones, and old ones whose place was taken."""
    key = key_of(table)
    gone = f"SELECT * FROM judged WHERE NOT stays AND NOT conflict AND {which}"
    first = f"SELECT {key} FROM judged WHERE place = 1 AND is_new"
    new = count(connection, f"SELECT count(*) FROM ({gone}) WHERE is_new")
    displaced = count(
        connection,
        f"SELECT count(DISTINCT ({key})) FROM ({gone}) SEMI JOIN ({first}) USING ({key}) "
        f"SEMI JOIN former USING ({key}, shard_no) WHERE NOT is_new",
    )
    return new + displaced


def _keep_fragile(connection: duckdb.DuckDBPyConnection) -> None:
    """Record fragile differences in place of those that were recorded of the same units."""
    key = "concat_ws(' ', condition_id, problem_id, seed)"
    said = "concat_ws(' ', status, answer, array_to_string(tokens, ','), gold_logprob, margin)"
    connection.execute(
        "DELETE FROM fragile_differences WHERE table_name = 'outcomes' "
        f"AND key IN (SELECT {key} FROM doubled_keys)"
    )
    connection.execute(
        "INSERT INTO fragile_differences "
        "SELECT 'outcomes', d.key, k.origin, d.origin, k.said, concat(d.differs, ': ', d.said) "
        f"FROM (SELECT *, {key} AS key, {said} AS said FROM judged) AS d "
        f"JOIN (SELECT *, {key} AS key, {said} AS said FROM judged WHERE stays) AS k USING (key) "
        "WHERE d.differs != '' AND NOT d.conflict"
    )
