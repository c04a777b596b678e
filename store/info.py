"""What a store holds: rows, shards and bytes of each table, and what waits or was set aside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from store.commits import commit_ids
from store.layout import STORE_VERSION, database_path, names_in, open_store
from store.quarantine import listed
from store.schema import TABLES


@dataclass(frozen=True, kw_only=True)
class TableInfo:
    """One table: rows in the results file, shards, and bytes of shards."""

    table: str
    rows: int
    shards: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class StoreInfo:
    """A store at a glance; `pending` shards await the next ingest."""

    path: str
    version: int
    tables: list[TableInfo]
    database_bytes: int
    pending: int
    quarantine: list[dict[str, Any]] = field(default_factory=list)


def info(root: str | Path) -> StoreInfo:
    """Sizes of a store, without reading its rows. Raises UserError if there is no store."""
    root = open_store(root)
    n_rows, ingested = _ingested(root)
    ids = commit_ids(root)
    tables = []
    for name in TABLES:
        folder = root / "shards" / name
        shards = [n for n in names_in(folder) if n[:-8] in ids] if folder.is_dir() else []
        sizes = list(_sizes(folder, shards))
        tables.append(
            TableInfo(table=name, rows=n_rows.get(name, 0), shards=len(sizes), bytes=sum(sizes))
        )
    path = database_path(root)
    return StoreInfo(
        path=str(root),
        version=STORE_VERSION,
        tables=tables,
        database_bytes=path.stat().st_size if path.exists() else 0,
        pending=len(ids - ingested),
        quarantine=listed(root),
    )


def _sizes(folder: Path, names: list[str]) -> Iterator[int]:
    """Bytes of each file; one that a compaction has replaced meanwhile has none."""
    for name in names:
        with suppress(FileNotFoundError):
            yield (folder / name).stat().st_size


def _ingested(root: Path) -> tuple[dict[str, int], set[str]]:
    """Rows by table and shard ids of the results file; nothing where it is not there yet."""
    from sql.loader import quote
    from store.database import connect, ingested_shards

    if not database_path(root).exists():
        return {}, set()
    with connect(root) as connection:
        counts = {
            name: connection.execute(f"SELECT count(*) FROM {quote(stored)}").fetchall()[0][0]  # noqa: S608
            for name in TABLES
            for stored in ["outcome_rows" if name == "outcomes" else name]
        }
        return counts, ingested_shards(connection)
