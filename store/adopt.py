"""Adoption: a healthy shard behind a damaged or lost commit is brought back, its rows verified."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sql.errors import UserError
from store.commits import Commit, commit_names, write_commit
from store.ingestion import IngestReport, ingest
from store.layout import (
    commit_path,
    content_of,
    disk_errors,
    is_special,
    lock,
    names_in,
    open_store,
    shard_path,
    sync_folder,
)
from store.orphans import commit_of, mark, n_committed, verified_rows
from store.quarantine import mark_resolved
from store.schema import TABLES, Table
from store.shards import hash_file

if TYPE_CHECKING:
    import pyarrow as pa

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class AdoptReport:
    """Shards that count again, their rows, and one line for each file that was not taken."""

    shards: list[str]
    rows: int
    refused: list[str] = field(default_factory=list)
    ingest: IngestReport


def adopt(root: str | Path, names: Sequence[str] = ()) -> AdoptReport:
    """Write new commits for whole shards that lost theirs, then ingest.

    Such a shard lies in quarantine beside its damaged commit, or in `shards/` without any. Its rows
    are verified: schema, the ids that follow from content, the rules of directions, and what can
    still be read of the old commit. Without `names` (as `store info` and `store ingest` give them)
    every one is tried; one that is committed by now needs nothing.

    Raises:
        UserError: A name is that of no such file, or as `ingest`.
    """
    root = open_store(root)
    shards: list[str] = []
    refused: list[str] = []
    rows, given = 0, bool(names)
    with lock(root, "ingest"):
        found = _without_commit(root)
        there_already = commit_names(root)
        names = [name for name in names if name in found or name not in there_already]
        unknown = [name for name in names if name not in found]
        if unknown:
            there = ", ".join(found) or "none"
            raise UserError(f"no shard {unknown[0]!r} without a commit: there is {there}")
        for name in names if given else found:
            try:
                rows += _bring_back(root, found[name])
                shards.append(name)
            except UserError as error:
                if isinstance(error.__cause__, OSError):
                    raise
                refused.append(f"{name}: {error}")
    return AdoptReport(shards=shards, rows=rows, refused=refused, ingest=ingest(root))


def _without_commit(root: Path) -> dict[str, Path]:
    """Shard files by name: those in `shards/` without a commit, and all in quarantine."""
    committed = commit_names(root)
    found = {}
    for path in sorted((root / "shards").glob("*/*.parquet")):
        if path.name[0] != "." and path.stem not in committed and path.parent.name in TABLES:
            found[path.stem] = path
    for name in sorted(names_in(root / "quarantine")):
        path = root / "quarantine" / name
        if path.suffix == ".parquet" and path.with_suffix(".commit").exists():
            found.setdefault(path.stem, path)
    return found


def adoptable(root: Path) -> Iterator[str]:
    """One line for each shard in quarantine that is whole and has rows that are nowhere else."""
    for name, path in _without_commit(root).items():
        if path.parent.name != "quarantine":
            continue  # it may be a writer's that is about to commit
        try:
            table, data = _aside(root, path)
        except UserError:
            continue
        if lost := data.num_rows - n_committed(root, table, data):
            yield (
                f"shard {name} of {table.name} is in quarantine, whole, and {lost} of its "
                f"{data.num_rows} rows are nowhere else: `steerstat store adopt` brings it back"
            )


def _aside(root: Path, path: Path) -> tuple[Table, pa.Table]:
    """The table and the rows of a shard in quarantine. Raises UserError if it cannot come back."""
    table = _table_of(path)
    shard_id = mark(path)
    if shard_path(root, table.name, shard_id).exists() or commit_path(root, shard_id).exists():
        raise UserError(f"shard {shard_id} is in the store")
    data = verified_rows(root, table, path, shard_id)
    digest, _ = hash_file(path)
    told = _readable(path.with_suffix(".commit")).get("sha256")
    if isinstance(told, str) and _SHA256.fullmatch(told) and told != digest:
        raise UserError(f"its commit was for other content (sha256 {told}, found {digest})")
    return table, data


def _bring_back(root: Path, path: Path) -> int:
    """Put a shard in its place and commit it; returns its rows. Raises UserError."""
    if path.parent.name != "quarantine":
        table = TABLES[path.parent.name]
        data = verified_rows(root, table, path)
        _commit(root, commit_of(table, path, data))
        return data.num_rows
    table, data = _aside(root, path)
    target = shard_path(root, table.name, mark(path))
    run_id = _readable(path.with_suffix(".commit")).get("run_id")
    with disk_errors(target):
        # From here on it is a shard without a commit: an ingest goes on where a kill stops this.
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
        sync_folder(target.parent)
        sync_folder(path.parent)
    _commit(root, commit_of(table, target, data, run_id if isinstance(run_id, str) else None))
    mark_resolved(root, path.stem)
    return data.num_rows


def _commit(root: Path, commit: Commit) -> None:
    with disk_errors(commit_path(root, commit.shard_id)):
        write_commit(root, commit)


def _table_of(path: Path) -> Table:
    """The table whose columns a shard has. Raises UserError if it is that of none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if is_special(path):
        raise UserError("it is no regular file")
    try:
        names = set(pq.read_schema(path).names)
    except (pa.ArrowException, OSError):
        raise UserError("it cannot be read") from None
    for table in TABLES.values():
        if names >= set(table.names):
            return table
    raise UserError("its columns are those of no table")


def _readable(path: Path) -> dict[str, Any]:
    """What can be read of a damaged commit; nothing is believed but what agrees with the shard."""
    try:
        document = json.loads(content_of(path))
    except (ValueError, OSError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
