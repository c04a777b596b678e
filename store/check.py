"""Check: re-hash every shard, rebuild the database from them in memory, and compare."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sql.errors import first_line
from sql.loader import literal, quote
from store.commits import commit_ids
from store.database import CATALOG, create, ingested_shards, rows_digest
from store.duplicates import differences
from store.incoming import Shard, verify
from store.ingestion import fill
from store.layout import DATABASE, database_path, names_in, open_store
from store.quarantine import damaged_row_files, listed, unresolved
from store.schema import TABLES, Table

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What a check found.

    `faults` is empty when every shard is whole and the results file says what the shards say.
    `pending` shards await the next ingest, `uncommitted` files are a writer's unfinished work:
    neither is a fault.
    """

    shards: int
    rows: int
    bytes: int
    pending: int
    uncommitted: int
    quarantined: int
    digest: str
    faults: list[str] = field(default_factory=list)


def check(root: str | Path) -> CheckReport:
    """Verify a store without changing anything in it.

    Every committed shard is hashed against its commit; the tables are built anew in memory from
    the shards that the results file knows, and compared with it row by row.

    Raises:
        UserError: If there is no store, or it is of a newer version.
    """
    root = open_store(root)
    shards, faults = _verified(root)
    faults += _stray_files(root)
    with tempfile.TemporaryDirectory() as spill, create() as connection:
        connection.execute("SET temp_directory = $folder", {"folder": spill})
        ingested = _attach_published(connection, root, faults)
        known = [shard for shard in shards if shard.commit.shard_id in ingested]
        pending = len(shards) - len(known)
        names = {shard.commit.shard_id for shard in shards}
        faults += [
            f"shard {gone} is in {database_path(root).name} but not in the store: "
            "`steerstat store ingest` leaves it out"
            for gone in sorted(ingested - names)
            if not any(gone in fault for fault in faults)
        ]
        _, conflicts = fill(connection, root, known if ingested else shards, keep_conflicts=False)
        faults += [
            f"{c.table} row {c.key} differs between shards {' and '.join(c.shards)}: {c.differs}"
            for c in conflicts
            if not c.kept
        ]
        faults += [
            f"{note['name']}: {note['reason']}; `steerstat store resolve` accepts them"
            for note in unresolved(root)
        ]
        if ingested:
            faults += _compared(connection)
        digest = rows_digest(root, connection=connection)
    return CheckReport(
        shards=len(shards),
        rows=sum(shard.commit.rows for shard in shards),
        bytes=sum(shard.commit.bytes for shard in shards),
        pending=pending,
        uncommitted=_uncommitted(root),
        quarantined=len(listed(root)),
        digest=digest,
        faults=faults,
    )


def _verified(root: Path) -> tuple[list[Shard], list[str]]:
    """The committed shards that are whole, and one line for each that is not."""
    shards: list[Shard] = []
    faults: list[str] = []
    for shard_id in sorted(commit_ids(root)):
        checked = verify(root, shard_id)
        if isinstance(checked, str):
            faults.append(f"shard {shard_id}: {checked}; `steerstat store ingest` sets it aside")
        elif checked is not None:
            shards.append(checked)
    return shards, faults


def _stray_files(root: Path) -> Iterator[str]:
    """One line for every damaged file in quarantine, and for a log that another program left."""
    for path, reason in damaged_row_files(root):
        yield f"quarantine {path.name}: {reason}; the next ingest sets it aside"
    log = database_path(root).with_name(f"{DATABASE}.wal")
    if log.exists():
        yield (
            f"{log.name}: another program opened the results file for writing; "
            "`steerstat store ingest` makes it anew"
        )


def _attach_published(
    connection: duckdb.DuckDBPyConnection, root: Path, faults: list[str]
) -> set[str]:
    """Attach the results file as `published`; returns the ids of the shards that it holds."""
    import duckdb

    path = database_path(root)
    if not path.exists():
        return set()
    try:
        connection.execute(f"ATTACH {literal(str(path))} AS published (READ_ONLY)")
        connection.execute("USE published")
        return ingested_shards(connection)
    except duckdb.Error as error:
        faults.append(f"{path.name} cannot be read: {first_line(error)}")
        return set()
    finally:
        connection.execute(f"USE {CATALOG}")


def _compared(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """One line for every table whose rebuilt rows are not the published ones."""
    for table in TABLES.values():
        lacking, surplus, different = _counts(connection, table)
        if lacking or surplus or different:
            yield (
                f"table {table.name}: the results file lacks {lacking} rows of the shards, has "
                f"{surplus} that no shard holds, and {different} that differ: run "
                "`steerstat store rebuild`"
            )


def _counts(connection: duckdb.DuckDBPyConnection, table: Table) -> tuple[int, int, int]:
    same = " AND ".join(f"d.{quote(name)} = k.{quote(name)}" for name in table.key)
    first = quote(table.key[0])
    differ = " OR ".join(sql for _, sql in differences(table, all_exact=True)) or "false"
    row = connection.execute(
        f"SELECT count(*) FILTER (k.{first} IS NULL), count(*) FILTER (d.{first} IS NULL), "  # noqa: S608
        f"count(*) FILTER (d.{first} IS NOT NULL AND k.{first} IS NOT NULL AND ({differ})) "
        f"FROM {CATALOG}.{quote(table.name)} AS d "
        f"FULL JOIN published.{quote(table.name)} AS k ON {same}"
    ).fetchall()[0]
    return int(row[0]), int(row[1]), int(row[2])


def _uncommitted(root: Path) -> int:
    """Shard files without a commit: a writer's that was killed, or is about to commit."""
    ids = {name[:-5] for name in names_in(root / "commits")}
    files = (root / "shards").glob("*/*.parquet")
    return sum(file.stem not in ids for file in files)
