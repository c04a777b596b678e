"""Merge: bring the committed shards of other stores into this one."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sql.errors import UserError
from store.commits import Commit, commit_ids, commit_names, replaced, write_commit
from store.direction_rules import check_table
from store.incoming import Shard, read_fault, verify
from store.ingestion import IngestReport, ingest
from store.layout import (
    checked_place,
    create_store,
    disk_errors,
    is_store,
    make_folder,
    open_store,
    shard_path,
    whole_file,
)
from store.quarantine import keep_rows, row_files
from store.renaming import (
    NAMED_TABLES,
    Names,
    Renamed,
    checked_label,
    names_of,
    settle_names,
    with_new_names,
)
from store.schema import PLAIN_VERSION, TABLES
from store.shards import hash_file, read_shard, read_whole, sort_rows, write_parquet


@dataclass(frozen=True, kw_only=True)
class MergeReport:
    """Shards and rows copied, shards that were there already, faulty ones left behind (why).

    `renamed` are the new names of sets and directions whose own stand for other content here, and
    `outdated` rows of analyses that were left behind as they speak of the old names.
    """

    shards: int
    rows: int
    present: int
    faulty: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    outdated: int = 0
    ingest: IngestReport


def merge(
    into: str | Path, sources: Sequence[str | Path], *, label: str | None = None
) -> MergeReport:
    """Copy every committed shard of the sources that `into` lacks, then ingest.

    `into` is created if it is not there. The sources are left as they are. Rows that several of
    them hold are kept once; faulty shards of a source are left behind and named.

    A set or direction of a source whose name stands for other content here is called
    `name.label`; its id stays. Analyses of that source are left behind: they speak of the names.

    Raises:
        UserError: If a source is no store or is `into` itself, if a name stands for other content
            and there is no `label`, or as `ingest`: contradicting rows.
    """
    stores = [open_store(source) for source in sources]
    root = checked_place(into)
    if any(source.resolve() == root.resolve() for source in stores):
        raise UserError(f"cannot merge {root} into itself: name another store as the source")
    checked_label(label)
    names = names_of(root) if is_store(root) else Names()
    # Every name is settled before anything is written.
    renames = [settle_names(names, source, label) for source in stores]
    create_store(root)
    copied: list[Commit] = []
    faulty: list[str] = []
    present = outdated = 0
    for source, renamed in zip(stores, renames, strict=True):
        ids = commit_ids(source)
        ours = commit_names(root)
        there = ours | replaced(root, ours)
        present += len(ids & there)
        new, bad = _whole(source, sorted(ids - there))
        faulty += bad
        if renamed:
            outdated += sum(s.commit.rows for s in new if s.commit.table in NAMED_TABLES)
            new = [shard for shard in new if shard.commit.table not in NAMED_TABLES]
        _copy_quarantined_rows(root, source, {i for shard in new for i in _origins(shard)})
        for shard in new:
            _copy_shard(root, source, shard, renamed)
            copied.append(shard.commit)
    return MergeReport(
        shards=len(copied),
        rows=sum(commit.rows for commit in copied),
        present=present,
        faulty=faulty,
        renamed=[name for r in renames for name in (*r.sets.values(), *r.directions.values())],
        outdated=outdated,
        ingest=ingest(root),
    )


def _whole(source: Path, ids: Sequence[str]) -> tuple[list[Shard], list[str]]:
    """The shards of a source that are whole and meet the rules of their rows; why others do not."""
    whole: list[Shard] = []
    faulty: list[str] = []
    for shard_id in ids:
        checked = verify(source, shard_id)
        reason = checked if isinstance(checked, str) else ""
        if isinstance(checked, Shard):
            reason = read_fault(checked) or _broken_rule(source, checked)
            if not reason:
                whole.append(checked)
        if reason:
            faulty.append(f"{shard_id}: {reason}")
    return whole, faulty


def _broken_rule(source: Path, shard: Shard) -> str:
    table = TABLES[shard.commit.table]
    if table.name not in ("directions", "direction_vectors"):
        return ""
    rows = read_shard(source, table, shard.commit.shard_id, table.names)
    if rows is None:
        return "it cannot be read"
    try:
        check_table(source, table, rows)
    except UserError as error:
        return str(error)
    return ""


def _copy_shard(root: Path, source: Path, shard: Shard, renamed: Renamed) -> None:
    """Copy a verified shard durably; its commit file comes last.

    What it replaced in its own store is no business of this one: only rows are taken over.
    """
    table = TABLES[shard.commit.table]
    target = shard_path(root, table.name, shard.commit.shard_id)
    commit = shard.commit.model_copy(update={"replaces": []})
    with disk_errors(target):
        make_folder(target.parent)
        with whole_file(target) as temporary:
            if renamed and table.name in ("problem_sets", "directions"):
                commit = _write_renamed(source, commit, renamed, temporary)
            else:
                shutil.copyfile(shard.path, temporary)
        write_commit(root, commit)


def _write_renamed(source: Path, commit: Commit, renamed: Renamed, path: Path) -> Commit:
    """Write a source's shard under the new names and its own id; returns the commit of that."""
    table = TABLES[commit.table]
    plain = commit.schema_version == PLAIN_VERSION
    if plain:
        rows = read_shard(source, table, commit.shard_id, table.names)
    else:
        rows = read_whole(source, table, commit.shard_id)
    if rows is None:
        raise UserError(f"{source}: shard {commit.shard_id} went away while it was merged")
    rows = sort_rows(with_new_names(table.name, rows, renamed), table)
    write_parquet(
        path, table, rows.cast(table.arrow if plain else table.arrow_with_history), commit.shard_id
    )
    digest, size = hash_file(path)
    first, last = ([rows[name][i].as_py() for name in table.key] for i in (0, -1))
    return commit.model_copy(update={"sha256": digest, "bytes": size, "first": first, "last": last})


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
