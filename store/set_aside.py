"""Rows in quarantine: single rows that shards contradict each other on, and what follows.

`rows-<table>-….parquet` holds outcomes that are set aside, `conflict-<table>-….parquet` what later
shards say otherwise of a description. Both are records of what the last ingest decided (see
`store.duplicates`), for people and for collectors, which read shards alone.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from store.layout import disk_errors, names_in, sync_folder, write_atomically
from store.quarantine import keep, read_note, row_files, unreadable
from store.schema import MOST_REVISIONS, Table

if TYPE_CHECKING:
    import pyarrow as pa


def earlier_row_files(root: Path, table: str) -> list[Path]:
    """The files of rows that an earlier version set aside, for good.

    What this version sets aside it decides anew from all copies at every ingest: its files say
    what was decided. They have the column `revision`.
    """
    import pyarrow.parquet as pq

    return [path for path in row_files(root, table) if "revision" not in pq.read_schema(path).names]


def recorded(root: Path, table: Table) -> pa.Table:
    """Shard (`shard_id`) and key of every row that is set aside or kept as a contradiction."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = ["shard_id", *table.key]
    fields = [pa.field("shard_id", pa.string()), *(table.arrow.field(n) for n in table.key)]
    files = _conflict_files(root, table) if table.first_wins else row_files(root, table.name)
    parts = [pq.read_table(path, columns=names).cast(pa.schema(fields)) for path in files]
    return pa.concat_tables(parts) if parts else pa.schema(fields).empty_table()


def _conflict_files(root: Path, table: Table) -> list[Path]:
    prefix = f"conflict-{table.name}-"
    return [
        root / "quarantine" / name
        for name in sorted(names_in(root / "quarantine"))
        if name.startswith(prefix)
        and name.endswith(".parquet")
        and not unreadable(root / "quarantine" / name, table)
    ]


def forget(root: Path, table: Table, stale: pa.Table) -> None:
    """Take rows (`shard_id` and key) off the record: what came later says otherwise of them.

    Their files stay under names that begin with `settled-` and count no more; the other rows of
    these files are recorded anew. Raises UserError if the disk refuses the write.
    """
    import pyarrow.parquet as pq

    names = ["shard_id", *table.key]
    files = _conflict_files(root, table) if table.first_wins else row_files(root, table.name)
    for path in files:
        rows = pq.read_table(path)
        kept = _without(rows, stale, names)
        if kept.num_rows == rows.num_rows:
            continue
        note = read_note(path.with_suffix(".json"))
        if kept.num_rows:
            name = f"{path.stem.rsplit('-', 1)[0]}-{secrets.token_hex(8)}"
            keep(root, name, table.name, kept, note.reason, resolved=note.resolved)
        settled = path.with_name(f"settled-{path.name}")
        with disk_errors(settled):
            path.rename(settled)
            text = note.model_copy(update={"name": settled.name}).model_dump_json()
            write_atomically(settled.with_suffix(".json"), text.encode())
            path.with_suffix(".json").unlink(missing_ok=True)
            sync_folder(settled.parent)


def without_rows(files: Sequence[Path], table: Table, shard_id: str, data: pa.Table) -> pa.Table:
    """A shard's rows less those that files in quarantine hold.

    Rows that have an `origin` are those of that shard.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for file in files:
        bad = pq.read_table(file, columns=["shard_id", *table.key])
        if "origin" in data.column_names:
            bad = bad.rename_columns(["origin", *table.key])
        else:
            bad = bad.filter(pc.field("shard_id") == shard_id).select(list(table.key))
        if bad.num_rows:
            bad = bad.cast(pa.schema([data.schema.field(name) for name in bad.column_names]))
            data = _without(data, bad, bad.column_names)
    return data


def _without(data: pa.Table, bad: pa.Table, key: Sequence[str]) -> pa.Table:
    """The rows of a table whose key is not among the bad ones, in order."""
    # A join of lists is not possible in Arrow, so the rows are picked by number.
    keys = data.select(list(key)).append_column("row", _numbers(data.num_rows))
    kept = keys.join(bad.select(list(key)), list(key), join_type="left anti")
    return data.take(kept["row"].sort())


def with_revisions(root: Path, table: Table, data: pa.Table) -> pa.Table:
    """Rows with the columns of `HISTORY` where any is of a unit that is set aside.

    Such a row is at the next revision: it is decided by it and those that come after, whatever is
    set aside.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    key = list(table.key)
    schema = pa.schema([table.arrow.field(name) for name in key])
    parts = []
    for file in row_files(root, table.name):
        rows = pq.read_table(file)
        revision = rows["revision"] if "revision" in rows.column_names else None
        if revision is None:
            revision = pa.chunked_array([pa.repeat(pa.scalar(0, pa.int32()), rows.num_rows)])
        parts.append(rows.select(key).cast(schema).append_column("revision", revision))
    if not parts:
        return data
    newest = pa.concat_tables(parts).group_by(key).aggregate([("revision", "max")])
    keys = data.select(key).cast(schema).append_column("row", _numbers(data.num_rows))
    found = keys.join(newest, key, join_type="inner").select(["row", "revision_max"]).to_pylist()
    if not found:
        return data
    revisions: list[int | None] = [None] * data.num_rows
    for item in found:
        revisions[item["row"]] = min((item["revision_max"] or 0) + 1, MOST_REVISIONS)
    data = data.append_column("origin", pa.nulls(data.num_rows, pa.string()))
    return data.append_column("revision", pa.array(revisions, pa.int32()))


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
    keep(root, f"conflict-{table.name}-{shard_id}-{digest}", table.name, rows, reason)
