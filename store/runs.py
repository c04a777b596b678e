"""Runs of a store, imports among them, and how one that was wrong is taken back.

A tombstone in the commit log says which shards count no more; they stay until `compact`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sql import loader
from sql.errors import UserError
from store.clock import now
from store.commits import Removal, commit_names, commit_or_none, removals, write_removal
from store.database import connect
from store.ingestion import ingest, ingest_locked
from store.layout import lock, open_store
from store.schema import TABLES
from store.shards import append, read_whole

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMNS = ("run_id", "created_at", "status", "command", "outcomes")
_SHORTEST = 6
# table of descriptions: columns of other tables by which its rows are needed, as (table, column).
# Each comes after the tables whose rows can need it.
_NEEDED_BY: dict[str, tuple[tuple[str, str], ...]] = {
    "conditions": (("outcomes", "condition_id"), ("scores", "condition_id")),
    "directions": (("conditions", "direction_id"), ("directions", "parent_id")),
    "models": (("conditions", "model_id"), ("activations", "model_id")),
    "problem_sets": (("outcomes", "problem_id"),),
    "problems": (
        ("outcomes", "problem_id"),
        ("scores", "problem_id"),
        ("problem_sets", "problem_id"),
        ("activations", "problem_id"),
        ("strata", "problem_id"),
    ),
    "direction_vectors": (("directions", "direction_id"),),
}


@dataclass(frozen=True, kw_only=True)
class RemoveReport:
    """The run that was taken back, its shards and rows, and rows kept as others refer to them."""

    run_id: str
    command: str | None
    shards: int
    rows: int
    kept: int


def runs(root: str | Path) -> list[dict[str, object]]:
    """Every run: `run_id`, `created_at`, `status`, `command` and its number of `outcomes`.

    Raises:
        UserError: As `ingest`, which brings in what is committed.
    """
    store = open_store(root)
    ingest(store)
    with connect(store) as connection:
        rows = loader.execute(connection, loader.internal("runs_with_rows")).fetchall()
    return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]


def remove(root: str | Path, run: str) -> RemoveReport:
    """Take a run back: what it brought counts no more, but for what other runs refer to.

    Problems, models, directions, conditions and members of sets that rows of other runs need are
    kept. Rows that a later run had as well came with the first: its file has to be imported again.

    Args:
        root: folder of the store.
        run: id of the run, its first characters (6 at least), or the name of the imported file.

    Raises:
        UserError: There is no such run, several fit, or the disk refuses the write.
    """
    store = open_store(root)
    chosen = _chosen(runs(store), run)
    run_id = str(chosen["run_id"])
    with lock(store, "ingest"):
        before = {shard_id for one in removals(store) for shard_id in one.shards}
        earlier = {i for one in removals(store) if one.run_id == run_id for i in one.shards}
        commits = [
            commit
            for name in sorted(commit_names(store) - before)
            if (commit := commit_or_none(store, name)) is not None and commit.run_id == run_id
        ]
        shards = {commit.shard_id for commit in commits}
        if not shards:
            raise UserError(f"run {run_id} has no shards of its own: there is nothing to take back")
        kept = _needed(store, shards)
        for table, rows in kept.items():
            append(store, table, rows)
        removal = Removal(
            run_id=run_id, shards=sorted(shards | earlier), created_at=now().isoformat()
        )
        write_removal(store, removal)
        ingest_locked(store)
    command = chosen["command"]
    return RemoveReport(
        run_id=run_id,
        command=None if command is None else str(command),
        shards=len(shards),
        rows=sum(commit.rows for commit in commits),
        kept=sum(rows.num_rows for rows in kept.values()),
    )


def _chosen(there: list[dict[str, object]], run: str) -> dict[str, object]:
    """The run of that id, beginning of an id, or file."""
    fitting = [
        one
        for one in there
        if one["run_id"] == run
        or (len(run) >= _SHORTEST and str(one["run_id"]).startswith(run))
        or str(one["command"]).endswith(f" import {run}")
    ]
    if len(fitting) == 1:
        return fitting[0]
    ids = ", ".join(str(one["run_id"]) for one in fitting[:4])
    raise UserError(
        f"{len(fitting)} runs fit {run!r} ({ids}): give the id of one"
        if fitting
        else f"no run {run!r}: `steerstat store runs STORE` lists them"
    )


def _needed(store: Path, shards: set[str]) -> dict[str, pa.Table]:
    """Rows of the shards that rows of other shards refer to, by table."""
    others = {table: _rows(store, table, shards, inside=False) for table in _tables()}
    kept: dict[str, pa.Table] = {}
    for table, referring in _NEEDED_BY.items():
        own = _rows(store, table, shards, inside=True)
        if own is None:
            continue
        column = TABLES[table].key[-1] if table == "problem_sets" else TABLES[table].key[0]
        needed: set[object] = set()
        for other, name in referring:
            for rows in (others[other], kept.get(other)):
                needed |= set() if rows is None else set(rows[name].to_pylist())
        values = own[column].to_pylist()
        chosen = [i for i, value in enumerate(values) if value in needed]
        if table == "directions":  # a control that is kept needs its candidate
            parents = {own["parent_id"][i].as_py() for i in chosen}
            chosen = [i for i, value in enumerate(values) if value in needed | parents]
        if chosen:
            kept[table] = own.take(chosen)
    return kept


def _tables() -> Iterable[str]:
    return {other for referring in _NEEDED_BY.values() for other, _ in referring}


def _rows(store: Path, table: str, shards: set[str], *, inside: bool) -> pa.Table | None:
    """Rows of a table in the shards, or of all other shards that count; None where there are none.

    Of the other shards the columns that refer to something are enough.
    """
    import pyarrow as pa

    from store.commits import commit_ids

    definition = TABLES[table]
    chosen = shards if inside else commit_ids(store) - shards
    parts = [
        rows.select(definition.names)
        for shard_id in sorted(chosen)
        if (commit := commit_or_none(store, shard_id)) is not None
        and commit.table == table
        and (rows := read_whole(store, definition, shard_id)) is not None
    ]
    return pa.concat_tables(parts) if parts else None
