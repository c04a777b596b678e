"""Quarantine: what could not be trusted is moved aside with its reason, never deleted.

A whole shard that is torn, altered, foreign or of the wrong schema moves here with a `.json` that
says why. Single rows that contradict each other are copied into `rows-<table>-<id>.parquet`; from
then on these rows of these shards count no more, and a collector computes them anew.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from sql.errors import UserError, first_line
from store.clock import now
from store.layout import (
    commit_path,
    content_of,
    disk_errors,
    is_special,
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
        if with_commit and path.suffix == ".parquet" and commit.exists():
            commit.rename(folder / f"{name}.commit")
            sync_folder(commit.parent)
        if path.exists() or path.is_symlink():
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
        note = read_note((folder / name).with_suffix(".json"))
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
    if reason := unreadable(path, table):
        return reason
    if table.first_wins:
        return f"rows of {table.name} are set aside no more: the first of them stays"
    return ""


def unreadable(path: Path, table: Table) -> str:
    """Why a file of rows cannot be read, or ""."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if is_special(path):
        return "no regular file"
    try:
        rows = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        return f"not a Parquet file: {first_line(error)}"
    for item in [pa.field("shard_id", pa.string()), *(table.arrow.field(n) for n in table.key)]:
        if item.name not in rows.column_names:
            return f"column {item.name} is missing"
        kind = rows[item.name].type
        integers = pa.types.is_integer(kind) and pa.types.is_integer(item.type)
        if kind != item.type and not integers:
            return f"column {item.name} is {kind}, should be {item.type}"
        try:
            rows[item.name].cast(item.type)
        except pa.ArrowInvalid as error:
            return f"column {item.name}: {first_line(error)}"
        if rows[item.name].null_count:
            return f"column {item.name} is NULL in some row"
    if "revision" in rows.column_names and rows["revision"].type != pa.int32():
        return f"column revision is {rows['revision'].type}, should be int32"
    return ""


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
    keep(root, f"rows-{table}-{secrets.token_hex(8)}", table, rows, reason)


def keep(
    root: Path, name: str, table: str, rows: pa.Table, reason: str, *, resolved: str = ""
) -> None:
    """Write rows under a name in quarantine, with a note; nothing where they are there already."""
    import pyarrow.parquet as pq

    target = root / "quarantine" / f"{name}.parquet"
    if target.with_suffix(".json").exists():
        return
    with disk_errors(target):
        with whole_file(target) as temporary:
            pq.write_table(rows, temporary)
        note = Note(
            name=target.name, table=table, reason=reason, at=now().isoformat(), resolved=resolved
        )
        write_atomically(target.with_suffix(".json"), note.model_dump_json().encode())


def _plain_name(text: str) -> str:
    if "/" in text or "\0" in text:
        raise ValueError(f"{text[:60]!r} is no name of a file")
    return text


class Note(BaseModel):
    """What a note in quarantine says; its times are texts, for people."""

    model_config = ConfigDict(strict=True)

    name: Annotated[str, AfterValidator(_plain_name)]
    table: str
    reason: str
    at: str
    resolved: str = ""


def unresolved(root: Path, kind: str = "conflict-") -> list[dict[str, Any]]:
    """The notes of a kind that nobody has resolved, by how their names begin.

    `conflict-` are descriptions that contradict earlier ones, `rows-` rows that are set aside.
    """
    return [note for note in listed(root) if note["name"].startswith(kind) and not note["resolved"]]


def resolve(root: Path, name: str) -> None:
    """Declare a conflict resolved: the earlier rows stay, or outcomes set aside stay missing.

    What is in quarantine stays on file.

    Raises:
        UserError: no such conflict, or the disk refuses the write.
    """
    notes = [*unresolved(root), *unresolved(root, "rows-")]
    open_conflicts = {note["name"].removesuffix(".parquet"): note for note in notes}
    chosen = open_conflicts.get(name.removesuffix(".parquet"))
    if chosen is None:
        names = ", ".join(open_conflicts) or "none"
        raise UserError(f"no unresolved conflict {name!r}: there is {names}")
    mark_resolved(root, chosen["name"].removesuffix(".parquet"))


def mark_resolved(root: Path, name: str) -> None:
    """Write into the note of that name that it is settled. Raises UserError (disk)."""
    path = root / "quarantine" / f"{name}.json"
    note = read_note(path).model_dump()
    with disk_errors(path):
        write_atomically(path, json.dumps(note | {"resolved": now().isoformat()}).encode())


def listed(root: Path) -> list[dict[str, Any]]:
    """What lies in quarantine: one mapping (name, table, reason, at) each, oldest first.

    A note that cannot be read is listed as that, with the name of its file.
    """
    notes = []
    for name in names_in(root / "quarantine"):
        if name.endswith(".json") and name[0] != ".":
            notes.append(read_note(root / "quarantine" / name).model_dump())
    return sorted(notes, key=lambda note: (note["at"], note["name"]))


def read_note(path: Path) -> Note:
    """The note at a path; a damaged one says that."""
    try:
        return Note.model_validate_json(content_of(path))
    except (ValueError, OSError):
        return Note(name=path.stem, table="unknown", reason="its note is damaged", at="")
