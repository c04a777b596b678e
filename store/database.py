"""The results file: opening it, and keeping its tables at the current version.

Readers attach the file read-only to an in-memory DuckDB instance of their own. DuckDB caches
instances by path within a process, so a plain `duckdb.connect(path)` would go on showing the old
file after an ingest renamed a new one into place; an attached file has no such memory.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sql.errors import UserError, first_line
from store.layout import (
    READ_ONLY,
    READER,
    database_path,
    disk_error,
    is_special,
    open_store,
    process_mark,
)

if TYPE_CHECKING:
    import duckdb

STORAGE_VERSION = "v1.0.0"
"""DuckDB's file format: the oldest that current clients share, so that all of them can open it."""

CATALOG = "results"

_LINK_ATTEMPTS = 100


def connect(root: str | Path, *, closed: bool = True) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the store's results file, its views and macros in reach.

    With `closed` (the default) a query can reach neither files nor network, load no extension and
    change no setting. It is for queries of your own: nothing limits their time, and DuckDB alone
    their memory; those of strangers go to `read`. Close it when done, or use it in a `with` block.
    A connection goes on with the file that it opened; after an ingest, connect again to see the new
    rows.

    Raises:
        UserError: If there is no store, nothing was ingested yet, or the file is of a newer or an
            earlier version or not what the last ingest left (see `store.seal`).
    """
    import duckdb

    path = database_path(open_store(root))
    connection = duckdb.connect()
    try:
        _attach_sealed(connection, path)
        if closed:
            from store.closed import close

            close(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _attach_sealed(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Attach the results file, if it is what the last ingest left. Raises UserError (`connect`)."""
    from store.seal import fault

    store = path.parent
    if not path.exists():
        raise UserError(f"{path} is not there yet: run `steerstat store ingest {store}` first")
    with private_name(path) as name:
        opened = name.stat()
        found = fault(store, name)
        attach(connection, name, read_only=True, called=path)
    refuse_newer(connection, path)
    if not found:
        if not is_current(connection):
            # Its views could lack what this program's tables ask them for.
            raise UserError(
                f"{path} was written by an earlier version: run `steerstat store ingest {store}`, "
                "which brings its tables and views up to date; no row changes"
            )
        return
    now = path.stat()
    if (now.st_ino, now.st_mtime_ns) != (opened.st_ino, opened.st_mtime_ns):
        # Ingests put new files in its place, and seals for these.
        connection.execute(f"USE memory; DETACH {CATALOG}")
        _attach_sealed(connection, path)
        return
    raise UserError(
        f"{path} is not believed, {found}: run `steerstat store ingest {store}`, which makes it "
        "anew from the shards"
    )


@contextmanager
def private_name(path: Path) -> Iterator[Path]:
    """A second name of a file for the time of opening it, in a folder that is gone afterwards.

    DuckDB lets statements write to the paths of attached databases even where all other files are
    shut off. This path leads nowhere once the block ends, so that no statement reaches the file by
    name. Where its reader may not write it is its own.

    Raises:
        UserError: the disk refuses it for another reason than that.
    """
    folder = path.with_name(f"{READER}{secrets.token_hex(8)}.{process_mark()}")
    name = folder / path.name
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise disk_error(folder, error.strerror or str(error)) from error
        yield path
        return
    try:
        for attempt in itertools.count():
            try:
                os.link(path, name)
                break
            except FileNotFoundError:
                # An ingest put a new file in the old one's place between look-up and link.
                if attempt == _LINK_ATTEMPTS or not path.exists():
                    raise
            except OSError:  # a file system without links
                name = path
                break
        yield name
    finally:
        (folder / path.name).unlink(missing_ok=True)
        folder.rmdir()


def attach(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    *,
    read_only: bool,
    called: Path | None = None,
) -> None:
    """Attach a results file as the default catalog; messages call it what it is `called`.

    Raises UserError if a file to read is none that DuckDB can open.
    """
    import duckdb

    from sql import loader

    if is_special(path):
        raise UserError(f"{called or path} is no regular file: remove it and ingest again")
    options = "READ_ONLY" if read_only else f"STORAGE_VERSION '{STORAGE_VERSION}'"
    try:
        connection.execute(f"ATTACH {loader.literal(str(path))} AS {CATALOG} ({options})")
        connection.execute(f"USE {CATALOG}")
    except duckdb.Error as error:
        if not read_only:
            raise
        raise UserError(
            f"cannot open {called or path}: {first_line(error)}; `steerstat store rebuild` makes "
            "it anew from the shards"
        ) from error


def create(path: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A writable results database in a new file, or in memory: tables, macros and views."""
    import duckdb

    connection = duckdb.connect()
    try:
        if path is None:
            connection.execute(f"ATTACH ':memory:' AS {CATALOG}")
            connection.execute(f"USE {CATALOG}")
        else:
            attach(connection, path, read_only=False)
        upgrade(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def upgrade(connection: duckdb.DuckDBPyConnection) -> None:
    """Apply the migrations that are missing, then the macros and views if they changed.

    Each migration runs in a transaction of its own and is recorded with its hash.

    Raises:
        UserError: If the file is of a newer version, or an applied migration has been altered
            since.
    """
    from sql import loader

    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations "
        "(version INTEGER, name VARCHAR, sha256 VARCHAR, applied_at TIMESTAMP)"
    )
    refuse_newer(connection, Path(f"{CATALOG}.duckdb"))
    if name := altered_migration(connection):
        raise UserError(
            f"migration {name} was altered after it was applied: run "
            "`steerstat store rebuild` to make the results file anew from the shards"
        )
    applied = _applied(connection)
    for script in loader.migrations():
        if script.version in applied:
            continue
        connection.execute("BEGIN")
        loader.execute(connection, script)
        loader.execute(
            connection,
            loader.internal("record_migration"),
            version=script.version,
            name=script.name,
            sha256=script.sha256,
        )
        connection.execute("COMMIT")
    if _info(connection, "definitions") != definitions():
        loader.define(connection)
        set_info(connection, "definitions", definitions())


def altered_migration(connection: duckdb.DuckDBPyConnection) -> str:
    """Name of a migration whose text differs from the one that was applied, or ""."""
    from sql import loader

    applied = _applied(connection)
    for script in loader.migrations():
        if applied.get(script.version, script.sha256) != script.sha256:
            return script.name
    return ""


def _applied(connection: duckdb.DuckDBPyConnection) -> dict[int, str]:
    """Version of every migration that was applied, and the hash of its text."""
    from sql import loader

    return dict(loader.execute(connection, loader.internal("applied_migrations")).fetchall())


def ingested_shards(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Ids of the shards whose rows are in the results file that the connection uses."""
    from sql import loader

    shards = loader.execute(connection, loader.internal("ingested_shards")).fetchall()
    return {shard_id for (shard_id,) in shards}


def definitions() -> str:
    """Hash of every macro and view: when it changes, ingest defines them again."""
    from sql import loader

    hashes = [s.sha256 for kind in (loader.macros(), loader.views()) for s in kind.values()]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def is_current(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether an opened results file has every migration, macro and view of this program."""
    from sql import loader

    version = max(_applied(connection), default=None)
    newest = loader.migrations()[-1].version
    return version == newest and _info(connection, "definitions") == definitions()


def _info(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    from sql import loader

    rows = loader.execute(connection, loader.internal("store_fact"), name=name).fetchall()
    return rows[0][0] if rows else None


def set_info(connection: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    """Keep one named fact in the results file."""
    from sql import loader

    loader.execute(connection, loader.internal("keep_store_fact"), name=name, value=value)


def refuse_newer(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise UserError if the file was made by a newer version of this program."""
    import duckdb

    from sql import loader

    try:
        # The catalogue is not asked first: to list its tables, DuckDB looks into every one.
        version = max(_applied(connection), default=0)
    except duckdb.CatalogException:
        return
    newest = loader.migrations()[-1].version
    if version > newest:
        raise UserError(
            f"{path} is of version {version}, this steerstat knows up to version {newest}: "
            "upgrade steerstat"
        )


def rows_digest(
    root: str | Path,
    *,
    condition_ids: Sequence[str] | None = None,
    problem_ids: Sequence[str] | None = None,
    connection: duckdb.DuckDBPyConnection | None = None,
) -> str:
    """Digest (sha256, hex) of the discrete columns of outcomes over sorted rows.

    Two stores with the same digest hold the same results: condition, problem, seed, tokens,
    answer, status and correct, NULLs kept. Floats, text and provenance do not enter. Without ids
    it covers every outcome. Raises UserError as `connect`.
    """
    from sql import loader

    owned = connection is None
    reader = connect(root) if connection is None else connection
    try:
        loader.execute(
            reader,
            loader.internal("outcome_lines"),
            conditions=_listed(condition_ids),
            problems=_listed(problem_ids),
        )
        digest = hashlib.sha256()
        while chunk := reader.fetchmany(100_000):
            digest.update("".join(row[0] for row in chunk).encode())
        return digest.hexdigest()
    finally:
        if owned:
            reader.close()


def _listed(ids: Sequence[str] | None) -> list[str] | None:
    return None if ids is None else list(ids)
