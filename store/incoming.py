"""Committed shards, verified against what their commits say."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sql.errors import UserError, first_line
from sql.loader import exact_paths, parquet
from store.commits import Commit, is_shard_id, read_commit
from store.layout import is_special, shard_path
from store.quarantine import Quarantined, quarantine_file
from store.schema import HISTORY, MOST_REVISIONS, PLAIN_VERSION, TABLES, Table
from store.shards import check_values, hash_file, value_columns

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


@dataclass(frozen=True, kw_only=True)
class Shard:
    """A committed shard whose content has been verified."""

    commit: Commit
    path: Path


def verified(root: Path, ids: list[str]) -> tuple[list[Shard], list[Quarantined]]:
    """Check shards against their commits; those that fail go to quarantine with the reason.

    Raises:
        UserError: If a shard was written by a newer version of this program: it is left alone.
    """
    good: list[Shard] = []
    bad: list[Quarantined] = []
    # Hashing releases the interpreter's lock, so threads share the work.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for shard_id, checked in zip(ids, pool.map(lambda i: verify(root, i), ids), strict=True):
            if isinstance(checked, Shard):
                good.append(checked)
            elif checked is not None:
                path = _find(root, shard_id)
                table = path.parent.name if path.is_file() else "unknown"
                bad.append(quarantine_file(root, path, table, checked))
    return good, bad


def verify(root: Path, shard_id: str) -> Shard | str | None:
    """The verified shard, what is wrong with it, or None if it has gone meanwhile.

    Raises UserError if the shard is of a newer schema.
    """
    try:
        commit = read_commit(root, shard_id)
    except FileNotFoundError:
        return None
    except UserError:
        raise
    except ValueError as error:
        return str(error)
    path = shard_path(root, commit.table, shard_id)
    return file_fault(path, commit) or Shard(commit=commit, path=path)


def read_fault(shard: Shard) -> str:
    """Why DuckDB cannot read the rows of a verified shard, or "": its pages may be anything."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute(
                f"SELECT bit_xor(hash(shard_row)) FROM {parquet('$files')} AS shard_row",  # noqa: S608
                {"files": exact_paths([shard.path])},
            )
        except duckdb.Error as error:
            return f"its rows cannot be read: {first_line(error)}"
    return ""


def _find(root: Path, shard_id: str) -> Path:
    """The shard's file, in whatever table; a path that does not exist if there is none."""
    paths = [shard_path(root, table, shard_id) for table in TABLES]
    return next((p for p in paths if p.exists()), root / "shards" / f"{shard_id}.parquet")


def file_fault(path: Path, commit: Commit) -> str:
    """What is wrong with the file of a commit, or ""."""
    if is_special(path):
        return "no regular file lies in the place of the shard's file"
    try:
        digest, size = hash_file(path)
    except FileNotFoundError:
        return "the shard's file is missing"
    except IsADirectoryError:
        return "a folder lies in the place of the shard's file"
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; nothing was changed") from error
    if size < commit.bytes:
        return f"torn: {size} bytes of {commit.bytes}"
    if digest != commit.sha256:
        return f"altered: sha256 is {digest}, committed was {commit.sha256}"
    return _schema_fault(path, TABLES[commit.table], commit)


def _schema_fault(path: Path, table: Table, commit: Commit) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        return f"not a Parquet file: {first_line(error)}"
    with file:
        if file.metadata.num_rows != commit.rows:
            return f"holds {file.metadata.num_rows} rows, committed were {commit.rows}"
        if commit.schema_version == PLAIN_VERSION:
            return _differs(file.schema_arrow, table.arrow) or _value_fault(file, table)
        return (
            _differs(file.schema_arrow, table.arrow_with_history)
            or _history_fault(file)
            or _value_fault(file, table)
        )


def _value_fault(file: pq.ParquetFile, table: Table) -> str:
    """Which rule of every row the rows break, or ""."""
    import pyarrow as pa

    names = value_columns(table, file.schema_arrow)
    if not names:
        return ""
    try:
        check_values(table, file.read(names))
    except (pa.ArrowException, OSError) as error:
        return f"its rows cannot be read: {first_line(error)}"
    except UserError as error:
        return str(error)
    return ""


def _history_fault(file: pq.ParquetFile) -> str:
    """What is wrong with the origins and revisions of a shard's rows, or ""."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        history = file.read([column.name for column in HISTORY])
    except (pa.ArrowException, OSError) as error:
        return f"origin and revision cannot be read: {first_line(error)}"
    for origin in history["origin"].unique().to_pylist():
        if origin is not None and not is_shard_id(origin):
            return f"origin {origin[:60]!r} is no id of a shard"
    least, most = pc.min_max(history["revision"]).as_py().values()
    if least is not None and not 0 <= least <= most <= MOST_REVISIONS:
        return f"revision {least if least < 0 else most} is not between 0 and {MOST_REVISIONS}"
    return ""


def _differs(schema: pa.Schema, expected: pa.Schema) -> str:
    for item in expected:
        if item.name not in schema.names:
            return f"wrong schema: column {item.name} is missing"
        if schema.field(item.name).type != item.type:
            kind = schema.field(item.name).type
            return f"wrong schema: column {item.name} is {kind}, should be {item.type}"
    extra = sorted(set(schema.names) - set(expected.names))
    return f"wrong schema: unknown column {extra[0]}" if extra else ""
