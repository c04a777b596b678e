"""Quarantine: what could not be trusted is moved aside with its reason, never deleted.

A whole shard that is torn, altered, foreign or of the wrong schema moves here with a `.json` that
says why. Single rows that contradict each other are copied into `rows-<table>-<id>.parquet`; from
then on these rows of these shards count no more, and a collector computes them anew.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from sql.errors import UserError, first_line
from store.clock import now
from store.layout import (
    commit_path,
    disk_errors,
    names_in,
    sync_folder,
    whole_file,
    write_atomically,
)
from store.schema import TABLES, Table

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Quarantined:
    """One thing moved aside: the file or shard, its table, and why."""

    name: str
    table: str
    reason: str


def quarantine_file(
    root: Path, path: Path, table: str, reason: str, *, with_commit: bool = True
) -> Quarantined:
    """Move a shard's file (where there is one) and its commit aside. Raises UserError (disk).

    `with_commit` is false for a file that merely has the name of a shard.
    """
    folder = root / "quarantine"
    name = _free_name(folder, path.stem)
    note = {"name": path.name, "table": table, "reason": reason, "at": now().isoformat()}
    commit = commit_path(root, path.stem)
    with disk_errors(folder):
        write_atomically(folder / f"{name}.json", json.dumps(note).encode())
        # The commit goes first: from here on the shard does not count.
        if with_commit and commit.exists():
            commit.rename(folder / f"{name}.commit")
            sync_folder(commit.parent)
        if path.exists():
            path.rename(folder / f"{name}{path.suffix}")
            sync_folder(path.parent)
        sync_folder(folder)
    return Quarantined(name=path.stem, table=table, reason=reason)


def finish_moves(root: Path) -> None:
    """Move the shards aside whose commit is in quarantine already: a kill stopped that halfway."""
    folder = root / "quarantine"
    for name in names_in(folder):
        if not name.endswith(".commit") or (folder / name).with_suffix(".parquet").exists():
            continue
        note = _note((folder / name).with_suffix(".json"))
        path = root / "shards" / note.table / Path(note.name).name
        if note.resolved or path.suffix != ".parquet" or not path.is_file():
            continue
        if note.table in TABLES and not commit_path(root, path.stem).exists():
            with disk_errors(folder):
                path.rename((folder / name).with_suffix(".parquet"))
                sync_folder(folder)
                sync_folder(path.parent)


def _free_name(folder: Path, stem: str) -> str:
    name, number = stem, 1
    while (folder / f"{name}.json").exists():
        name, number = f"{stem}.{number}", number + 1
    return name


def row_files(root: Path, table: str) -> list[Path]:
    """The files of single rows in quarantine for a table: its columns, `shard_id`, `reason`.

    A damaged one says nothing (see `set_aside_damaged`): its rows are found again by an ingest.
    """
    return [path for path in _row_files(root, table) if not _damage(path, TABLES[table])]


def _row_files(root: Path, table: str) -> list[Path]:
    prefix = f"rows-{table}-"
    names = sorted(names_in(root / "quarantine"))
    return [
        root / "quarantine" / name
        for name in names
        if name.startswith(prefix) and name.endswith(".parquet")
    ]


def damaged_row_files(root: Path) -> list[tuple[Path, str]]:
    """Files of single rows in quarantine that cannot be read, and why."""
    files = [(path, _damage(path, t)) for t in TABLES.values() for path in _row_files(root, t.name)]
    return [(path, reason) for path, reason in files if reason]


def _damage(path: Path, table: Table) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(path).names
    except (pa.ArrowException, OSError) as error:
        return f"not a Parquet file: {first_line(error)}"
    if table.first_wins:
        return f"rows of {table.name} are set aside no more: the first of them stays"
    missing = sorted({"shard_id", *table.key} - set(names))
    return f"column {missing[0]} is missing" if missing else ""


def set_aside_damaged(root: Path) -> list[Quarantined]:
    """Rename damaged files of rows, so that they are kept and count no more."""
    moved = []
    for path, reason in damaged_row_files(root):
        target = path.with_name(f"damaged-{path.name}")
        with disk_errors(target):
            path.rename(target)
            sync_folder(target.parent)
        moved.append(Quarantined(name=path.stem, table=path.name.split("-")[1], reason=reason))
    return moved


def keep_rows(root: Path, table: str, rows: pa.Table, reason: str) -> None:
    """Set single rows aside: the table's columns, `shard_id` and `reason`, with a note.

    Raises UserError if the disk refuses the write.
    """
    _keep(root, f"rows-{table}-{secrets.token_hex(8)}", table, rows, reason)


def _keep(root: Path, name: str, table: str, rows: pa.Table, reason: str) -> None:
    import pyarrow.parquet as pq

    target = root / "quarantine" / f"{name}.parquet"
    if target.with_suffix(".json").exists():
        return
    with disk_errors(target):
        with whole_file(target) as temporary:
            pq.write_table(rows, temporary)
        note = {"name": target.name, "table": table, "reason": reason, "at": now().isoformat()}
        write_atomically(target.with_suffix(".json"), json.dumps(note).encode())


def without_quarantined(
    root: Path, table: Table, shard_id: str, data: pa.Table, wanted: Sequence[str]
) -> pa.Table:
    """The wanted columns of a shard's rows (a pyarrow.Table), rows in quarantine left out."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for file in row_files(root, table.name):
        bad = pq.read_table(file, columns=["shard_id", *table.key])
        bad = bad.filter(pc.field("shard_id") == shard_id).select(list(table.key))
        if bad.num_rows:
            bad = bad.cast(data.select(list(table.key)).schema)
            # A join of lists is not possible in Arrow, so the rows are picked by number.
            keys = data.select(list(table.key)).append_column("row", _numbers(data.num_rows))
            kept = keys.join(bad, list(table.key), join_type="left anti")
            data = data.take(kept["row"].sort())
    return data.select(list(wanted))


def _numbers(count: int) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    return pa.array(np.arange(count))


def keep_conflict(root: Path, table: Table, shard_id: str, rows: pa.Table) -> None:
    """Keep rows that say otherwise than earlier ones; once, however often they are found.

    Raises UserError if the disk refuses the write.
    """
    keys = rows.select(list(table.key)).to_pylist()
    digest = hashlib.sha256(json.dumps(keys, default=str).encode()).hexdigest()[:12]
    columns = ", ".join(dict.fromkeys(rows["reason"].to_pylist()))
    reason = (
        f"{rows.num_rows} rows of {table.name} in shard {shard_id} say otherwise than earlier ones "
        f"({columns}); the earlier ones stay"
    )
    _keep(root, f"conflict-{table.name}-{shard_id}-{digest}", table.name, rows, reason)


class _Note(BaseModel):
    """What a note in quarantine says; its times are texts, for people."""

    model_config = ConfigDict(strict=True)

    name: str
    table: str
    reason: str
    at: str
    resolved: str = ""


def unresolved(root: Path) -> list[dict[str, Any]]:
    """The notes of descriptions that contradict earlier ones and that nobody has resolved."""
    return [
        note
        for note in listed(root)
        if note["name"].startswith("conflict-") and not note["resolved"]
    ]


def resolve(root: Path, name: str) -> None:
    """Declare a conflict resolved: the earlier rows stay, the others stay on file.

    Raises:
        UserError: no such conflict, or the disk refuses the write.
    """
    open_conflicts = {note["name"].removesuffix(".parquet"): note for note in unresolved(root)}
    chosen = open_conflicts.get(name.removesuffix(".parquet"))
    if chosen is None:
        names = ", ".join(open_conflicts) or "none"
        raise UserError(f"no unresolved conflict {name!r}: there is {names}")
    mark_resolved(root, chosen["name"].removesuffix(".parquet"))


def mark_resolved(root: Path, name: str) -> None:
    """Write into the note of that name that it is settled. Raises UserError (disk)."""
    path = root / "quarantine" / f"{name}.json"
    note = _note(path).model_dump()
    with disk_errors(path):
        write_atomically(path, json.dumps(note | {"resolved": now().isoformat()}).encode())


def listed(root: Path) -> list[dict[str, Any]]:
    """What lies in quarantine: one mapping (name, table, reason, at) each, oldest first.

    A note that cannot be read is listed as that, with the name of its file.
    """
    notes = []
    for name in names_in(root / "quarantine"):
        if name.endswith(".json") and name[0] != ".":
            notes.append(_note(root / "quarantine" / name).model_dump())
    return sorted(notes, key=lambda note: (note["at"], note["name"]))


def _note(path: Path) -> _Note:
    try:
        return _Note.model_validate_json(path.read_bytes())
    except (ValueError, OSError):
        return _Note(name=path.stem, table="unknown", reason="its note is damaged", at="")
