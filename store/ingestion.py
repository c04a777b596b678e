"""Ingest: bring committed shards into the results file, by copy and rename, under a lock.

New shards are verified (hash, row count, schema) and appended set-wise to a copy of the file,
which then takes the old one's place. Readers keep what they opened. What cannot be trusted goes to
quarantine and the rest is ingested.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sql import loader
from sql.errors import UserError, first_line
from store.commits import COMPACTED, commit_ids
from store.database import (
    altered_migration,
    attach,
    create,
    ingested_shards,
    is_current,
    refuse_newer,
)
from store.dropped import adopt_dropped
from store.duplicates import Conflict, define, settle
from store.incoming import Shard, read_fault, verified
from store.layout import (
    DATABASE,
    database_path,
    disk_error,
    disk_errors,
    lock,
    names_in,
    open_store,
    remove_leftovers,
    sync_folder,
)
from store.orphans import Left
from store.quarantine import (
    Quarantined,
    finish_moves,
    quarantine_file,
    set_aside_damaged,
)
from store.schema import TABLES
from store.seal import fault, has_seal, renew, seal
from store.tables import absorb, insert_shards, next_shard_no, register_shards

if TYPE_CHECKING:
    import duckdb

_ROWS_AT_ONCE = 16_000_000
_FILES_AT_ONCE = 2_000


@dataclass(frozen=True, kw_only=True)
class IngestReport:
    """What an ingest did.

    `shards` and `rows` were new; `ignored` rows were there already with equal content; `fragile`
    rows differed where the margin is fragile; `quarantined` names what was moved aside and why;
    `left` are shard files without a commit that stay where they are;
    `conflicts` are descriptions of which the first stays and another was kept beside it.
    """

    shards: int = 0
    rows: int = 0
    ignored: int = 0
    fragile: int = 0
    quarantined: list[Quarantined] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    seconds: float = 0.0


def ingest(root: str | Path) -> IngestReport:
    """Bring every committed shard that is new into the results file.

    Waits for another ingest of the same store to end. Running it again with nothing new does
    nothing.

    Raises:
        UserError: If two shards hold the same row with different content (both rows are in
            quarantine, the rest is ingested), if the store is of a newer version, or if the disk
            refuses the write.
    """
    started = time.perf_counter()
    root = open_store(root)
    with lock(root, "ingest"):
        report = ingest_locked(root)
    return replace(report, seconds=time.perf_counter() - started)


def ingest_locked(root: Path) -> IngestReport:
    """`ingest` for a caller that holds the store's ingest lock. Raises UserError as `ingest`."""
    report, conflicts = _ingest(root)
    return _settled(report, conflicts)


def _settled(report: IngestReport, conflicts: list[Conflict]) -> IngestReport:
    """The report with what was kept of conflicting descriptions; outcomes in conflict are told."""
    aside = [conflict for conflict in conflicts if not conflict.kept]
    if aside:
        raise UserError(_refusal(aside))
    return replace(report, conflicts=conflicts)


def _refusal(conflicts: list[Conflict]) -> str:
    first = conflicts[0]
    more = f" and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
    return (
        f"{first.table} row {first.key} has different content in shards "
        f"{' and '.join(first.shards)} ({first.differs}){more}: these rows are in quarantine, the "
        "rest is ingested; collect again to compute them anew"
    )


def _ingest(root: Path) -> tuple[IngestReport, list[Conflict]]:
    """Ingest with the lock held."""
    with disk_errors(root):
        _clean(root)
    damaged = set_aside_damaged(root) + _set_aside_altered(root)
    dropped, left = adopt_dropped(root)
    quarantined = damaged + dropped
    ids = commit_ids(root)
    known, current = _known(root)
    ids, new, bad = _verified(root, ids, known)
    quarantined += bad
    parts = [set(shard.commit.replaces) for shard in new if known & set(shard.commit.replaces)]
    absorbed = {name for part in parts for name in part}
    gone = known - ids - absorbed or not absorbed <= known
    if damaged or gone or (absorbed and _any_ignored(root)):
        # Shards went from outside, or the rows that stay must be chosen anew: start afresh.
        report, conflicts = _rebuild(root, quarantined)
        return replace(report, left=left), conflicts
    if not new and current:
        with disk_errors(database_path(root)):
            renew(root)
        return IngestReport(quarantined=quarantined, left=left), []
    if known and (altered := _set_aside_altered(root, whole=True)):
        report, conflicts = _rebuild(root, quarantined + altered)
        return replace(report, left=left), conflicts
    report, conflicts = _replace_file(root, new, copy=bool(known))
    return replace(report, quarantined=quarantined + report.quarantined, left=left), conflicts


def _verified(
    root: Path, ids: set[str], known: set[str]
) -> tuple[set[str], list[Shard], list[Quarantined]]:
    """Ids that count, the whole shards among those not `known`, and what was moved aside.

    Where a shard that replaced others is moved aside, those that are still there count again.
    """
    moved: list[Quarantined] = []
    while True:
        new, bad = verified(root, sorted(ids - known))
        moved += bad
        if not any(item.name.endswith(COMPACTED) for item in bad):
            return ids, new, moved
        ids = commit_ids(root)


def _rebuild(root: Path, quarantined: list[Quarantined]) -> tuple[IngestReport, list[Conflict]]:
    """Make the results file anew, with the lock held."""
    _, new, bad = _verified(root, commit_ids(root), set())
    report, conflicts = _replace_file(root, new, copy=False)
    return replace(report, quarantined=quarantined + bad + report.quarantined), conflicts


def _replace_file(
    root: Path, new: list[Shard], *, copy: bool
) -> tuple[IngestReport, list[Conflict]]:
    """Append shards to a copy of the results file, or to an empty one, and put it in place.

    A shard whose rows cannot be read, whole as it is, is moved aside, and the file made without it.
    """
    temporary = _copy(root) if copy else _fresh_name(root)
    try:
        outcome = _load(root, temporary, new)
        with disk_errors(database_path(root)):
            _publish(root, temporary)
    except BaseException as error:
        # What cannot be removed now is removed by the next ingest.
        with suppress(OSError):
            _remove(temporary)
        if not isinstance(error, _Unreadable):
            raise
        moved = [
            quarantine_file(root, shard.path, shard.commit.table, reason)
            for shard, reason in error.shards
        ]
        # What a compacted shard among them replaced counts again.
        return _rebuild(root, moved)
    return outcome


class _Unreadable(Exception):
    """Shards that are what was committed and cannot be read, each with the reason."""

    def __init__(self, shards: list[tuple[Shard, str]]) -> None:
        super().__init__(shards)
        self.shards = shards


def _unreadable(shards: Iterable[Shard]) -> list[tuple[Shard, str]]:
    return [(shard, reason) for shard in shards if (reason := read_fault(shard))]


def _any_ignored(root: Path) -> bool:
    """Whether any row of the results file was chosen among several copies."""
    import duckdb

    with duckdb.connect() as connection:
        attach(connection, database_path(root), read_only=True)
        n_rows = loader.execute(connection, loader.internal("ignored_rows")).fetchall()[0][0]
    return bool(n_rows)


def _known(root: Path) -> tuple[set[str], bool]:
    """Ids of the shards in the results file, and whether its tables and views are current."""
    import duckdb

    path = database_path(root)
    if not path.exists():
        return set(), False
    with duckdb.connect() as connection:
        try:
            attach(connection, path, read_only=True)
            known = ingested_shards(connection)
        except (duckdb.Error, UserError):
            # A damaged results file is no loss: it is made anew from the shards.
            return set(), False
        refuse_newer(connection, path)
        if altered_migration(connection) or not has_seal(root):
            return set(), False
        return known, is_current(connection)


def _load(root: Path, path: Path, new: list[Shard]) -> tuple[IngestReport, list[Conflict]]:
    """Append shards to the results file at `path` (made anew if it is not there)."""
    import duckdb

    try:
        with create(path) as connection:
            define(connection)
            connection.execute("SET preserve_insertion_order = false")
            spill = str(path.with_name(path.name + ".tmp"))
            connection.execute("SET temp_directory = $folder", {"folder": spill})
            outcome = fill(connection, root, new)
            connection.execute("CHECKPOINT")
        return outcome
    except duckdb.Error as error:
        if shards := _unreadable(new):
            raise _Unreadable(shards) from error
        if isinstance(error, _of_the_disk()):
            raise disk_error(database_path(root), first_line(error)) from error
        raise


def _of_the_disk() -> tuple[type[duckdb.Error], ...]:
    """What DuckDB raises where the disk refuses or memory ends."""
    import duckdb

    return (
        duckdb.IOException,
        duckdb.FatalException,
        duckdb.InternalException,
        duckdb.OutOfMemoryException,
        duckdb.TransactionException,  # a commit that its log has no room for
    )


def fill(
    connection: duckdb.DuckDBPyConnection,
    root: Path,
    new: list[Shard],
    *,
    keep_conflicts: bool = True,
) -> tuple[IngestReport, list[Conflict]]:
    """Append verified shards to an open results database; used by ingest, rebuild and check.

    The connection needs the functions of `store.duplicates.define`.

    With `keep_conflicts` rows that contradict each other are written to quarantine.
    """
    n_rows = ignored = fragile = 0
    conflicts: list[Conflict] = []
    for table in TABLES.values():
        shards = absorb(connection, [shard for shard in new if shard.commit.table == table.name])
        if not shards:
            continue
        first = next_shard_no(connection)
        for batch in _batches(shards):
            connection.execute("BEGIN")
            number = register_shards(connection, batch)
            n_rows += insert_shards(connection, root, table, batch, number)
            connection.execute("COMMIT")
        connection.execute("BEGIN")
        settled = settle(connection, root, table, first, keep_conflicts=keep_conflicts)
        connection.execute("COMMIT")
        n_rows -= settled.removed
        ignored += settled.ignored
        fragile += settled.fragile
        conflicts += settled.conflicts
    report = IngestReport(shards=len(new), rows=n_rows, ignored=ignored, fragile=fragile)
    return report, conflicts


def _batches(shards: Iterable[Shard]) -> Iterable[list[Shard]]:
    """Shards of one schema version in portions that fit in memory, the oldest first."""
    batch: list[Shard] = []
    n_rows = 0
    for shard in sorted(shards, key=lambda s: (s.commit.schema_version, s.commit.shard_id)):
        full = n_rows + shard.commit.rows > _ROWS_AT_ONCE or len(batch) >= _FILES_AT_ONCE
        other = batch and batch[0].commit.schema_version != shard.commit.schema_version
        if batch and (full or other):
            yield batch
            batch, n_rows = [], 0
        batch.append(shard)
        n_rows += shard.commit.rows
    if batch:
        yield batch


def _fresh_name(root: Path) -> Path:
    """An unused temporary name for the next results file."""
    return Path(tempfile.mktemp(prefix=".results-", suffix=".tmp", dir=root))


def _copy(root: Path) -> Path:
    """A copy of the results file under a temporary name, made inside the kernel."""
    target = _fresh_name(root)
    source = database_path(root)
    try:
        with source.open("rb") as old, target.open("wb") as new:
            size = os.fstat(old.fileno()).st_size
            done = 0
            while done < size:
                done += _copy_range(old.fileno(), new.fileno(), size - done, done)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise disk_error(database_path(root), error.strerror or str(error)) from error
    return target


def _copy_range(old: int, new: int, count: int, offset: int) -> int:
    try:
        moved = os.copy_file_range(old, new, count, offset, offset)
    except OSError:
        moved = 0  # another file system, or a kernel without it
    if moved:
        return moved
    block = os.pread(old, min(count, 1 << 24), offset)
    return os.pwrite(new, block, offset)


def _publish(root: Path, temporary: Path) -> None:
    """Put the finished file in the place of the old one."""
    with disk_errors(root / DATABASE):
        with suppress(FileNotFoundError):
            temporary.with_name(temporary.name + ".wal").unlink()
        seal(root, temporary)
        temporary.replace(root / DATABASE)
        sync_folder(root)


def _remove(temporary: Path) -> None:
    import shutil

    temporary.unlink(missing_ok=True)
    temporary.with_name(temporary.name + ".wal").unlink(missing_ok=True)
    shutil.rmtree(temporary.with_name(temporary.name + ".tmp"), ignore_errors=True)


def _clean(root: Path) -> None:
    """Remove what a killed ingest left behind (the lock is ours, so nobody is at work on it)."""
    remove_leftovers(root)
    finish_moves(root)
    for name in names_in(root):
        if name.startswith(".results-") and name.endswith(".tmp"):
            _remove(root / name)


def _set_aside_altered(root: Path, *, whole: bool = False) -> list[Quarantined]:
    """Move aside a results file that is not what an ingest left, and a write-ahead log beside it.

    An ingest writes a file of its own and leaves no log; to build on what another program wrote
    would take over its rows. Raises UserError if a newer version made the file.
    """
    path = database_path(root)
    log = path.with_name(f"{DATABASE}.wal")
    moved = []
    if log.exists():
        reason = "another program opened the results file for writing; it was made anew"
        moved.append(quarantine_file(root, log, DATABASE, reason))
    if path.exists() and has_seal(root) and (found := fault(root, path, whole=whole)):
        _refuse_newer_file(path)
        reason = f"{found}; it was made anew from the shards"
        moved.append(quarantine_file(root, path, DATABASE, reason))
    return moved


def _refuse_newer_file(path: Path) -> None:
    import duckdb

    with duckdb.connect() as connection, suppress(duckdb.Error):
        try:
            attach(connection, path, read_only=True)
        except UserError:
            return  # no database at all
        refuse_newer(connection, path)


def rebuild(root: str | Path) -> IngestReport:
    """Make the results file anew from every committed shard. Raises UserError as `ingest`."""
    started = time.perf_counter()
    root = open_store(root)
    with lock(root, "ingest"):
        with disk_errors(root):
            _clean(root)
        damaged = set_aside_damaged(root) + _set_aside_altered(root)
        dropped, left = adopt_dropped(root)
        report, conflicts = _rebuild(root, damaged + dropped)
    report = _settled(report, conflicts)
    return replace(report, left=left, seconds=time.perf_counter() - started)
