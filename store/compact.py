"""Compaction: many small shards become few large ones, through the commit log.

A large shard's commit names the shards that it replaces; from that moment they count no more, and
only then are they deleted. A kill in between leaves files that the next compaction removes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sql.loader import exact_paths, parquet, quote
from store.commits import (
    COMPACTED,
    REMOVED,
    Commit,
    commit_ids,
    commit_names,
    commit_or_none,
    read_commit,
    removals,
    replaced_by,
)
from store.incoming import Shard, verify
from store.ingestion import ingest, ingest_locked
from store.layout import disk_errors, lock, open_store, remove_file, shard_path, sync_folder
from store.quarantine import row_files
from store.schema import TABLES, Column, Table
from store.set_aside import earlier_row_files, without_rows
from store.shards import read_whole, write_shard

if TYPE_CHECKING:
    import pyarrow as pa

LARGE = 128 << 20
"""A shard of this many bytes is left alone, and a compacted one aims at it."""

_ROWS = 4_000_000


@dataclass(frozen=True, kw_only=True)
class CompactReport:
    """Shards before and after, and bytes of all shards before and after."""

    shards_before: int
    shards_after: int
    bytes_before: int
    bytes_after: int


def compact(root: str | Path) -> CompactReport:
    """Merge the small shards of every table and run into few large ones.

    Ingests first and afterwards; collectors may go on writing. Rows stay what they are; rows in
    quarantine stay there.

    Raises:
        UserError: As `ingest`, or if the disk refuses the write.
    """
    root = open_store(root)
    ingest(root)
    with lock(root, "ingest"):
        remove_replaced(root)
        before = _commits(root)
        for group in _groups(before):
            _merge_shards(root, group)
        remove_replaced(root)
        _remove_removed(root)
        after = _commits(root)
        ingest_locked(root)
    return CompactReport(
        shards_before=len(before),
        shards_after=len(after),
        bytes_before=sum(commit.bytes for commit in before),
        bytes_after=sum(commit.bytes for commit in after),
    )


def _commits(root: Path) -> list[Commit]:
    """Every commit that counts, the oldest first; torn ones are the next ingest's business."""
    commits = []
    for shard_id in sorted(commit_ids(root)):
        try:
            commits.append(read_commit(root, shard_id))
        except (ValueError, FileNotFoundError):
            continue
    return commits


def _groups(commits: list[Commit]) -> Iterator[list[Commit]]:
    """Small shards of one table and run, in portions of the size that a shard should have."""
    by_run: dict[tuple[str, str], list[Commit]] = {}
    for commit in commits:
        if commit.bytes < LARGE:
            by_run.setdefault((commit.table, commit.run_id or ""), []).append(commit)
    for small in by_run.values():
        group: list[Commit] = []
        for commit in small:
            if group and not _fits(group, commit):
                yield from [group] if len(group) > 1 else []
                group = []
            group.append(commit)
        if len(group) > 1:
            yield group


def _fits(group: list[Commit], commit: Commit) -> bool:
    size = sum(member.bytes for member in group) + commit.bytes
    n_rows = sum(member.rows for member in group) + commit.rows
    return size <= LARGE and n_rows <= _ROWS


def _merge_shards(root: Path, group: list[Commit]) -> None:
    """Write the rows of a group as one shard that replaces it."""
    import pyarrow as pa

    table = TABLES[group[0].table]
    earlier = earlier_row_files(root, table.name)
    parts = [
        without_rows(earlier, table, commit.shard_id, rows)
        for commit in group
        if (rows := read_whole(root, table, commit.shard_id)) is not None
    ]
    if len(parts) < len(group):
        return  # unreadable since the ingest a moment ago: the next check will say so
    order = [(name, "ascending") for name in (*table.key, "origin")]
    data = _without_spare(pa.concat_tables(parts).sort_by(order), table)
    write_shard(
        root,
        table,
        data,
        run_id=group[0].run_id,
        replaces=[commit.shard_id for commit in group],
    )


def _without_spare(data: pa.Table, table: Table) -> pa.Table:
    """Rows less those that can decide nothing, whatever else the store holds.

    These are all but the last of a key where the last wins, and of a description those that say
    exactly what an earlier row of it says.
    """
    import duckdb
    import pyarrow as pa

    if not (table.last_wins or table.first_wins):
        return data
    alike = table.key if table.last_wins else [c.name for c in table.columns if _decides(c, table)]
    rows = data.append_column("row", pa.array(range(data.num_rows)))
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        chosen = connection.sql(
            f"SELECT {'max' if table.last_wins else 'min'}(row) AS row FROM rows "  # noqa: S608
            f"GROUP BY {', '.join(quote(name) for name in alike)} ORDER BY row"
        ).to_arrow_table()
    return data.take(chosen["row"])


def _decides(column: Column, table: Table) -> bool:
    return column.name in table.key or column.compare != "ignore"


def remove_replaced(root: Path) -> None:
    """Delete shards that a committed one replaces; the lock must be held.

    Nothing is deleted for a replacement that is not whole, or that lacks a row of the shard: a
    commit says that it replaces, its file has to show it.
    """
    names = commit_names(root)
    for shard_id in sorted(name for name in names if name.endswith(COMPACTED)):
        shard = verify(root, shard_id)
        if not isinstance(shard, Shard):
            continue
        table = shard.commit.table
        olds = replaced_by(root, shard.commit, names)
        lacking = _lacking(root, shard, olds)
        gone = [old for old in olds if old not in lacking]
        # The commits go first and for good: without one the file counts for nothing.
        for old in gone:
            remove_file(root, "commits", f"{old}.json")
        with disk_errors(root):
            sync_folder(root / "commits")
        for old in gone:
            remove_file(root, f"shards/{table}", f"{old}.parquet")


def _remove_removed(root: Path) -> None:
    """Delete the shards of runs that were removed, the tombstones last; the lock must be held."""
    for removal in removals(root):
        places = [
            (shard_id, commit.table)
            for shard_id in removal.shards
            if (commit := commit_or_none(root, shard_id)) is not None
        ]
        for shard_id, table in places:
            # The file first: without its commit it would be one that a writer left behind.
            remove_file(root, f"shards/{table}", f"{shard_id}.parquet")
        for shard_id, _ in places:
            remove_file(root, "commits", f"{shard_id}.json")
        with disk_errors(root):
            sync_folder(root / "commits")
        remove_file(root, "commits", f"{removal.run_id}{REMOVED}")


def _lacking(root: Path, new: Shard, olds: list[str]) -> set[str]:
    """Which of the old shards have a row, not in quarantine, whose key the new one lacks."""
    import duckdb

    table = TABLES[new.commit.table]
    paths = [shard_path(root, table.name, old) for old in olds]
    files = exact_paths(path for path in paths if path.is_file())
    if not files:
        return set()
    key = ", ".join(quote(name) for name in table.key)
    held = exact_paths(row_files(root, table.name))
    apart = f"ANTI JOIN {parquet('$held')} USING (shard_id, {key})" if held else ""
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT DISTINCT shard_id FROM "  # noqa: S608
            f"(SELECT parse_filename(filename, true) AS shard_id, {key} "
            f"FROM {parquet('$files', 'filename = true')}) {apart} "
            f"ANTI JOIN (SELECT {key} FROM {parquet('$new')}) USING ({key})",
            {"files": files, "new": exact_paths([new.path])} | ({"held": held} if held else {}),
        ).fetchall()
    return {row[0] for row in rows}
