"""Check: re-hash every shard, rebuild the database from them in memory, and compare."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sql import loader
from sql.errors import UserError, first_line
from sql.loader import literal, quote
from store.adopt import adoptable
from store.commits import commit_ids, commit_names
from store.database import (
    CATALOG,
    create,
    ingested_shards,
    private_name,
    refuse_newer,
    rows_digest,
)
from store.dependents import broken_references, not_computed_anew
from store.duplicates import Conflict, define
from store.incoming import Shard, read_fault, verify
from store.ingestion import fill
from store.layout import database_path, is_special, lock, names_in, open_store
from store.quarantine import damaged_row_files, listed, unresolved
from store.schema import TABLES, Table
from store.seal import fault

if TYPE_CHECKING:
    import duckdb

_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What a check found.

    `faults` is empty when every shard is whole, the results file says what the shards say, and
    nothing that a row refers to is missing. `pending` shards await the next ingest, `uncommitted`
    files are a writer's unfinished work: neither is a fault, and `notes` are none: doses that are
    one but for rounding, under which the outcomes of one dose lie apart.
    """

    shards: int
    rows: int
    bytes: int
    pending: int
    uncommitted: int
    quarantined: int
    digest: str
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check(root: str | Path) -> CheckReport:
    """Verify a store without changing anything in it, while others write to it.

    Every committed shard is hashed against its commit; the tables are built anew in memory from
    the shards that the results file knows, and compared with it as multisets of rows. Then the
    shards that await an ingest are added, and what rows refer to is looked for.

    A fault counts if nothing moved while it was found. Where ingests and compactions leave no such
    moment, they are made to wait for the last attempt.

    Raises:
        UserError: If there is no store, or it is of a newer version.
    """
    import duckdb

    root = open_store(root)
    for _ in range(_ATTEMPTS):
        before = _state(root)
        try:
            report = _check(root)
        except (duckdb.IOException, FileNotFoundError):
            continue  # a shard that a compaction has replaced meanwhile
        except duckdb.Error:
            break  # a shard whose rows cannot be read, most likely
        if not report.faults or _state(root) == before:
            return report
    with lock(root, "ingest"):
        try:
            return _check(root)
        except duckdb.Error:
            return _check(root, readable=True)


def _state(root: Path) -> tuple[object, ...]:
    """What changes when anybody adds, replaces or sets aside anything."""
    path = database_path(root)
    status = path.stat() if path.exists() else None
    return (
        status and (status.st_ino, status.st_mtime_ns, status.st_size),
        commit_names(root),
        set(names_in(root / "quarantine")),
    )


def _check(root: Path, *, readable: bool = False) -> CheckReport:
    """One attempt; with `readable` every shard is read on its own first, as one cannot be."""
    with tempfile.TemporaryDirectory() as spill, create() as connection:
        connection.execute("SET temp_directory = $folder", {"folder": spill})
        define(connection)
        # The results file first: what is committed later than it is no fault.
        published = _attach_published(connection, root)
        shards, faults = _verified(root, readable=readable)
        names = {shard.commit.shard_id for shard in shards}
        faults += [
            f"shard {gone} is in {database_path(root).name} but not in the store: "
            "`steerstat store ingest` leaves it out"
            for gone in sorted(published.shards - names)
            if not any(gone in line for line in faults)
        ]
        faults += _damaged_records(root)
        known = [shard for shard in shards if shard.commit.shard_id in published.shards]
        pending = [shard for shard in shards if shard.commit.shard_id not in published.shards]
        _, conflicts = fill(connection, root, known, keep_conflicts=False)
        different = list(_compared(connection)) if known else []
        faults += different or filter(None, [published.unreadable or published.altered])
        digest = rows_digest(root, connection=connection) if known else ""
        _, further = fill(connection, root, pending, keep_conflicts=False)
        faults += _told([*conflicts, *further])
        faults += [
            f"{note['name']}: {note['reason']}; `steerstat store resolve` accepts them"
            for note in unresolved(root)
        ]
        faults += adoptable(root)
        faults += not_computed_anew(connection, root)
        faults += broken_references(connection)
        digest = digest or rows_digest(root, connection=connection)
        notes = list(_alike_doses(connection))
    return CheckReport(
        shards=len(shards),
        rows=sum(shard.commit.rows for shard in shards),
        bytes=sum(shard.commit.bytes for shard in shards),
        pending=len(pending),
        uncommitted=_uncommitted(root),
        quarantined=len(listed(root)),
        digest=digest,
        faults=faults,
        notes=notes,
    )


def _alike_doses(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """One line for each dose that is stored under several conditions, rounded otherwise."""
    found = loader.execute(connection, loader.internal("alike_doses")).fetchall()
    for direction, dose, alphas in found:
        yield (
            f"{direction}: the doses {', '.join(map(repr, alphas))} are one but for rounding, "
            f"{dose:g}; the view outcomes_by_dose joins them"
        )


def _verified(root: Path, *, readable: bool) -> tuple[list[Shard], list[str]]:
    """The committed shards that are whole, and one line for each that is not."""
    shards: list[Shard] = []
    faults: list[str] = []
    for shard_id in sorted(commit_ids(root)):
        checked = verify(root, shard_id)
        if readable and isinstance(checked, Shard):
            checked = read_fault(checked) or checked
        if isinstance(checked, str):
            faults.append(
                f"shard {shard_id}: {checked}; `steerstat store ingest` sets it aside, `store "
                "rebuild` where its rows are in the results file already"
            )
        elif checked is not None:
            shards.append(checked)
    return shards, faults


def _damaged_records(root: Path) -> Iterator[str]:
    """One line for every damaged file of rows in quarantine."""
    for path, reason in damaged_row_files(root):
        yield f"quarantine {path.name}: {reason}; the next ingest sets it aside"


@dataclass(frozen=True, kw_only=True)
class _Published:
    """The results file: the shards it holds, or why it cannot be read; what its seal says."""

    shards: set[str]
    unreadable: str = ""
    altered: str = ""


def _attach_published(connection: duckdb.DuckDBPyConnection, root: Path) -> _Published:
    """Attach the results file as `published`, as it is now whatever an ingest does next."""
    import duckdb

    path = database_path(root)
    if not path.exists():
        return _Published(shards=set())
    try:
        with private_name(path) as name:
            if is_special(name):
                raise UserError("no regular file, the next ingest sets it aside")
            altered = fault(root, name, whole=True) or fault(root, path)
            connection.execute(f"ATTACH {literal(str(name))} AS published (READ_ONLY)")
        connection.execute("USE published")
        refuse_newer(connection, path)
        shards = ingested_shards(connection)
    except (duckdb.Error, UserError) as error:
        return _Published(
            shards=set(), unreadable=f"{path.name} cannot be read: {first_line(error)}"
        )
    finally:
        connection.execute(f"USE {CATALOG}")
    if altered:
        altered = f"{path.name}: {altered}; `steerstat store ingest` makes it anew"
    return _Published(shards=shards, altered=altered)


def _compared(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """One line for every table whose rebuilt rows are not the published ones."""
    import duckdb

    for table in TABLES.values():
        try:
            lacking, surplus, different = _counts(connection, table)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            yield f"table {table.name} of the results file: {first_line(error)}"
            continue
        if lacking or surplus or different:
            yield (
                f"table {table.name}: the results file lacks {lacking} rows of the shards, has "
                f"{surplus} that no shard holds, and {different} that differ: run "
                "`steerstat store rebuild`"
            )


def _counts(connection: duckdb.DuckDBPyConnection, table: Table) -> tuple[int, int, int]:
    """Rows that the results file lacks, has too many, and has otherwise: copies are counted."""
    names = ", ".join(quote(name) for name in table.names)
    key = ", ".join(quote(name) for name in table.key)
    built, published = (f"{catalog}.{quote(table.name)}" for catalog in (CATALOG, "published"))
    for name, a, b in (("only_built", built, published), ("only_published", published, built)):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS "  # noqa: S608
            f"SELECT {names} FROM {a} EXCEPT ALL SELECT {names} FROM {b}"
        )
    row = connection.execute(
        f"WITH d AS (SELECT {key}, count(*) AS n FROM only_built GROUP BY {key}), "  # noqa: S608
        f"k AS (SELECT {key}, count(*) AS n FROM only_published GROUP BY {key}) "
        "SELECT sum(greatest(coalesce(d.n, 0) - coalesce(k.n, 0), 0)), "
        "sum(greatest(coalesce(k.n, 0) - coalesce(d.n, 0), 0)), "
        "sum(least(coalesce(d.n, 0), coalesce(k.n, 0))) "
        f"FROM d FULL JOIN k USING ({key})"
    ).fetchall()[0]
    return int(row[0] or 0), int(row[1] or 0), int(row[2] or 0)


def _told(conflicts: list[Conflict]) -> Iterator[str]:
    for c in conflicts:
        yield f"{c.table} row {c.key} differs between shards {' and '.join(c.shards)}: {c.differs}"


def _uncommitted(root: Path) -> int:
    """Shard files without a commit: a writer's that was killed, or is about to commit."""
    ids = {name[:-5] for name in names_in(root / "commits")}
    files = (root / "shards").glob("*/*.parquet")
    return sum(file.stem not in ids for file in files)
