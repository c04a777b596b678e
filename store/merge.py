"""Merge: bring the committed shards of other stores into this one."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sql.errors import UserError
from store.commits import Commit, commit_ids, commit_names, replaced, write_commit
from store.incoming import Shard, verify
from store.ingestion import IngestReport, ingest
from store.layout import (
    create_store,
    disk_errors,
    open_store,
    shard_path,
    whole_file,
)
from store.quarantine import keep_rows, row_files
from store.schema import PLAIN_VERSION, TABLES


@dataclass(frozen=True, kw_only=True)
class MergeReport:
    """Shards and rows copied, shards that were there already, faulty ones left behind (why)."""

    shards: int
    rows: int
    present: int
    faulty: list[str] = field(default_factory=list)
    ingest: IngestReport


def merge(into: str | Path, sources: Sequence[str | Path]) -> MergeReport:
    """Copy every committed shard of the sources that `into` lacks, then ingest.

    `into` is created if it is not there. The sources are left as they are. Rows that several of
    them hold are kept once; faulty shards of a source are left behind and named.

    Raises:
        UserError: If a source is no store or is `into` itself, or as `ingest`: contradicting rows.
    """
    stores = [open_store(source) for source in sources]
    root = create_store(into)
    if any(source.resolve() == root.resolve() for source in stores):
        raise UserError(f"cannot merge {root} into itself: name another store as the source")
    copied: list[Commit] = []
    faulty: list[str] = []
    present = 0
    for source in stores:
        ids = commit_ids(source)
        names = commit_names(root)
        there = names | replaced(root, names)
        present += len(ids & there)
        new: list[Shard] = []
        for shard_id in sorted(ids - there):
            checked = verify(source, shard_id)
            if isinstance(checked, str):
                faulty.append(f"{shard_id}: {checked}")
            elif checked is not None:
                new.append(checked)
        _copy_quarantined_rows(root, source, {i for shard in new for i in _origins(shard)})
        for shard in new:
            _copy_shard(root, shard)
            copied.append(shard.commit)
    return MergeReport(
        shards=len(copied),
        rows=sum(commit.rows for commit in copied),
        present=present,
        faulty=faulty,
        ingest=ingest(root),
    )


def _copy_shard(root: Path, shard: Shard) -> None:
    """Copy a verified shard durably; its commit file comes last.

    What it replaced in its own store is no business of this one: only rows are taken over.
    """
    target = shard_path(root, shard.commit.table, shard.commit.shard_id)
    _copy_file(shard.path, target)
    with disk_errors(target):
        write_commit(root, shard.commit.model_copy(update={"replaces": []}))


def _origins(shard: Shard) -> set[str]:
    """The shard, and those that its rows were first written in."""
    import pyarrow.parquet as pq

    ids = {shard.commit.shard_id}
    if shard.commit.schema_version == PLAIN_VERSION:
        return ids
    origins = pq.read_table(shard.path, columns=["origin"])["origin"].unique().to_pylist()
    return ids | {origin for origin in origins if origin is not None}


def _copy_quarantined_rows(root: Path, source: Path, ids: set[str]) -> None:
    """What the source has on record of rows of the new shards is on record here as well.

    Of other shards, those of this store among them, the source has nothing to say.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for table in TABLES:
        for file in row_files(source, table):
            rows = pq.read_table(file)
            rows = rows.filter(pc.is_in(rows["shard_id"], value_set=pa.array(sorted(ids))))
            if rows.num_rows:
                keep_rows(root, table, rows, f"rows of {table} that {source} does not trust")


def _copy_file(source: Path, target: Path) -> None:
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target) as temporary:
            shutil.copyfile(source, temporary)
