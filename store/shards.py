"""Shards: immutable Parquet files, each of which counts once its commit file is there.

A shard is written to a temporary name, synced and renamed; its folder is synced; the commit file
(sha256, row count, schema version, unit range) comes last. A kill at any moment leaves either a
committed shard or nothing that counts.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sql.errors import UserError, first_line
from store.clock import now
from store.commits import COMPACTED, Commit, commit_ids, commit_names, write_commit
from store.layout import (
    disk_errors,
    make_folder,
    names_in,
    shard_path,
    whole_file,
)
from store.names import NAMED, check_names
from store.numbers import FINITE, refuse_altered, refuse_fractions, refuse_not_finite
from store.schema import FAILED, HISTORY, PLAIN_VERSION, SCHEMA_VERSION, TABLES, Table

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

SHARD_KEY = b"steerstat.shard"
"""Parquet metadata that marks a file as written here; a file without it was dropped in."""

_ROW_GROUP = 122_880 * 8
_HASH_BLOCK = 1 << 22
_PLACE = re.compile(r"[0-9a-f]{16}-[0-9a-f]{12}")


def append(
    root: Path,
    table: str,
    rows: Sequence[Mapping[str, Any]] | pa.Table,
    *,
    run_id: str | None = None,
) -> str:
    """Write rows as one committed shard and return its id ("" when there are no rows).

    `rows` is a list of mappings or a pyarrow.Table with the table's columns; columns that may be
    NULL can be left out. Rows are sorted by the table's key. An outcome whose unit was set aside
    as contradictory is marked as computed anew. When this returns, the rows are durable.

    Raises:
        UserError: If the table or a column is unknown, a column has the wrong type, a needed value
            is NULL, a name is not usable, or the disk refuses the write.
    """
    definition = _definition(table)
    data = conform(definition, rows)
    if not data.num_rows:
        return ""
    data = sort_rows(data, definition)
    if table == "outcomes":
        from store.set_aside import with_revisions

        data = with_revisions(root, definition, data)
    return write_shard(root, definition, data, run_id=run_id)


def _definition(table: str) -> Table:
    if table not in TABLES:
        raise UserError(f"no table {table!r} in a store: it has {', '.join(TABLES)}")
    return TABLES[table]


def conform(
    table: Table, rows: Sequence[Mapping[str, Any]] | pa.Table, *, new: bool = True
) -> pa.Table:
    """Rows as a pyarrow.Table of exactly the table's schema.

    Names in `new` rows are checked; rows that an earlier version wrote may have others.

    Raises:
        UserError: As `append`.
    """
    import pyarrow as pa

    schema = table.arrow
    names = rows.column_names if isinstance(rows, pa.Table) else {n for row in rows for n in row}
    unknown = sorted(set(names) - set(schema.names))
    if unknown:
        raise UserError(
            f"table {table.name} has no column {unknown[0]!r}: it has {', '.join(schema.names)}"
        )
    try:
        if isinstance(rows, pa.Table):
            rows.validate(full=True)  # texts of other programs need not be UTF-8
            data = _cast(rows, schema)
        else:
            refuse_fractions(table, rows)
            data = pa.Table.from_pylist(list(rows), schema=_nullable(schema))
    except (
        pa.ArrowInvalid,
        pa.ArrowTypeError,
        pa.ArrowNotImplementedError,
        OverflowError,  # an integer of more than 64 bits
    ) as error:
        raise UserError(
            f"table {table.name} cannot take these rows: {first_line(error)}"
        ) from error
    refuse_altered(table, rows, data)
    check_values(table, data)
    if new and table.name in NAMED:
        check_names(table.name, {c: data[c].unique().to_pylist() for c in NAMED[table.name]})
    return data.cast(schema)


def value_columns(table: Table, schema: pa.Schema) -> list[str]:
    """The columns of a shard of this schema that `check_values` has to see.

    A column that the file itself declares to be without NULL need not be read for them.
    """
    needed = [c.name for c in table.columns if not c.null and schema.field(c.name).nullable]
    judged = ("status", "correct") if table.name == "outcomes" else FINITE.get(table.name, ())
    return list(dict.fromkeys((*needed, *judged)))


def check_values(table: Table, data: pa.Table) -> None:
    """Refuse what no row of a table may hold, whoever wrote it; columns not there are passed over.

    Raises:
        UserError: a needed value is NULL, a number that was given is not finite, or an outcome that
            failed is right or wrong.
    """
    for column in table.columns:
        if not column.null and column.name in data.column_names and data[column.name].null_count:
            raise UserError(f"column {column.name} of table {table.name} must not be NULL")
    refuse_not_finite(table, data)
    if table.name == "outcomes" and {"status", "correct"} <= set(data.column_names):
        _refuse_failed_with_verdict(data)


def _refuse_failed_with_verdict(data: pa.Table) -> None:
    """An outcome that failed is neither right nor wrong: `correct` has to be NULL, never 0."""
    import pyarrow as pa
    import pyarrow.compute as pc

    failed = pc.is_in(data["status"], value_set=pa.array(FAILED))
    wrong = pc.and_(failed, pc.is_valid(data["correct"]))
    if pc.any(wrong).as_py():
        status = data["status"].filter(wrong)[0].as_py()
        raise UserError(f"an outcome of status {status} must have correct = NULL, found a value")


def _nullable(schema: pa.Schema) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([item.with_nullable(True) for item in schema])


def _cast(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the schema's columns in its order; those left out are NULL."""
    import pyarrow as pa

    columns = []
    for item in schema:
        if item.name in rows.column_names:
            column = rows[item.name]
            columns.append(column if column.type == item.type else column.cast(item.type))
        else:
            columns.append(pa.nulls(rows.num_rows, item.type))
    return pa.Table.from_arrays(columns, schema=_nullable(schema))


def sort_rows(data: pa.Table, table: Table) -> pa.Table:
    """Rows in the order in which a shard keeps them: by the table's key."""
    return data.sort_by([(name, "ascending") for name in table.key])


def new_shard_id(root: Path, table: Table, replaces: Sequence[str] = ()) -> str:
    """An id nobody else has, that sorts after every shard of its table that is in the store.

    It begins with a counter that takes the clock's value where that is ahead: whatever the clock
    says, a shard comes after all that its writer could see. A shard that replaces others takes the
    place of the last of them; its rows keep their own.
    """
    ending = COMPACTED if replaces else ""
    place = max(replaces).split("-")[0] if replaces else f"{_next_place(root, table):016x}"
    return f"{place}-{secrets.token_hex(6)}{ending}"


def _next_place(root: Path, table: Table) -> int:
    """The clock's nanoseconds, or one more than the last place that a shard has."""
    names = names_in(root / "shards" / table.name)
    # A name that is none of ours has no place.
    last = max(filter(_PLACE.match, names), default="0")
    return max(time.time_ns(), int(last[:16], 16) + 1)


def write_shard(
    root: Path,
    table: Table,
    data: pa.Table,
    *,
    run_id: str | None = None,
    replaces: Sequence[str] = (),
) -> str:
    """Write a sorted Arrow table as one shard, then its commit file. Raises UserError (disk)."""
    shard_id = new_shard_id(root, table, replaces)
    path = shard_path(root, table.name, shard_id)
    with disk_errors(path):
        make_folder(path.parent)
        with whole_file(path) as temporary:
            write_parquet(temporary, table, data, shard_id)
            digest, size = hash_file(temporary)
        commit = Commit(
            shard_id=shard_id,
            table=table.name,
            sha256=digest,
            bytes=size,
            rows=data.num_rows,
            schema_version=PLAIN_VERSION if "origin" not in data.column_names else SCHEMA_VERSION,
            created_at=now().isoformat(),
            run_id=run_id,
            first=[data[name][0].as_py() for name in table.key],
            last=[data[name][-1].as_py() for name in table.key],
            replaces=list(replaces),
        )
        write_commit(root, commit)
    return shard_id


def write_parquet(path: Path, table: Table, data: pa.Table, shard_id: str) -> None:
    """A Parquet file as a store keeps it: dictionaries for text, split bytes for floats, zstd."""
    import pyarrow.parquet as pq

    floats: list[str] = []
    others: list[str] = []
    written = [c for c in (*table.columns, *HISTORY) if c.name in data.column_names]
    for column in written:
        leaf = f"{column.name}.list.element" if column.type.startswith("list") else column.name
        (floats if "float" in column.type or "double" in column.type else others).append(leaf)
    options = {
        "compression": "zstd",
        "compression_level": 3,
        "use_dictionary": others,
        "column_encoding": dict.fromkeys(floats, "BYTE_STREAM_SPLIT") or None,
        "store_schema": False,
    }
    with pq.ParquetWriter(path, data.schema, **options) as writer:
        writer.write_table(data, row_group_size=_ROW_GROUP)
        writer.add_key_value_metadata({SHARD_KEY: shard_id.encode()})


def hash_file(path: Path) -> tuple[str, int]:
    """sha256 (hex) and size in bytes of a file."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as handle:
        while block := handle.read(_HASH_BLOCK):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


Where = Mapping[str, Collection[Any]]
"""Values that columns of a table's key must have, such as `{"set_name": ["primary"]}`."""


def committed(
    root: Path, table: str, columns: Sequence[str] | None = None, where: Where | None = None
) -> pa.Table:
    """The rows of every committed shard of a table, as a pyarrow.Table, straight from the shards.

    Rows in quarantine are left out, so that a collector computes them anew. Of descriptions the
    first row of each key is there; an outcome, or a row of a table where the last wins, that was
    committed twice is there twice. A shard that cannot be read is left out as well: the next
    ingest puts it in quarantine. `where` leaves the other rows unread as far as Parquet can.
    Raises UserError for an unknown table or column.
    """
    import pyarrow as pa

    from store.quarantine import row_files
    from store.set_aside import without_rows

    definition = _definition(table)
    wanted = list(columns) if columns is not None else definition.names
    unknown = sorted(set(wanted) - set(definition.names))
    if unknown:
        raise UserError(f"table {table} has no column {unknown[0]!r}")
    while True:
        ids = commit_ids(root)
        held = row_files(root, table)
        parts = {
            shard_id: without_rows(held, definition, shard_id, part)
            for shard_id in _present(root, table, ids)
            if (part := read_shard(root, definition, shard_id, wanted, where)) is not None
        }
        # A compaction may have replaced shards between the listing and the reading.
        if ids <= commit_names(root):
            break
    schema = pa.schema([definition.arrow.field(name).with_nullable(True) for name in wanted])
    if not parts:
        return schema.empty_table()
    rows = _in_order(parts)
    return (_first_rows(rows, definition) if definition.first_wins else rows).select(wanted)


def _in_order(parts: Mapping[str, pa.Table]) -> pa.Table:
    """Rows by shard as one table, in the order of the shards in which they were first written."""
    import pyarrow as pa

    if not any("origin" in rows.column_names for rows in parts.values()):
        return pa.concat_tables(parts.values())
    return pa.concat_tables(with_origin(i, rows) for i, rows in parts.items()).sort_by("origin")


def with_origin(shard_id: str, rows: pa.Table) -> pa.Table:
    """The rows with the shard in which they were first written as the column `origin`."""
    import pyarrow as pa

    if "origin" in rows.column_names:
        return rows
    return rows.append_column("origin", pa.repeat(shard_id, rows.num_rows))


def _first_rows(data: pa.Table, table: Table) -> pa.Table:
    """One row per key of a pyarrow.Table, the first one."""
    import numpy as np
    import pyarrow as pa

    key = list(table.key)
    numbered = data.select(key).append_column("row", pa.array(np.arange(data.num_rows)))
    chosen = numbered.group_by(key).aggregate([("row", "min")])["row_min"]
    return data.take(chosen.combine_chunks().sort())


def _filter(table: Table, where: Where) -> pc.Expression | None:
    """The rows of `where` as Arrow's expression; None for all rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    expression = None
    for name, values in where.items():
        allowed = pa.array(list(values), table.arrow.field(name).type)
        condition = pc.field(name).isin(allowed)
        expression = condition if expression is None else expression & condition
    return expression


def _present(root: Path, table: str, ids: set[str]) -> list[str]:
    folder = root / "shards" / table
    if not folder.is_dir():
        return []
    return sorted(ids & {name[:-8] for name in names_in(folder) if name.endswith(".parquet")})


def read_shard(
    root: Path, table: Table, shard_id: str, wanted: Sequence[str], where: Where | None = None
) -> pa.Table | None:
    """The wanted columns and the key of one shard, or None if it cannot be read.

    Rows that a compaction took over have their `origin` as well.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = shard_path(root, table.name, shard_id)
    names = list(dict.fromkeys([*wanted, *table.key]))
    try:
        if shard_id.endswith(COMPACTED) and "origin" in pq.read_schema(path).names:
            names.append("origin")
        data = pq.read_table(
            pa.memory_map(str(path)), columns=names, filters=_filter(table, where or {})
        )
        return _cast(data, pa.schema([table.arrow_with_history.field(name) for name in names]))
    except (OSError, pa.ArrowException):
        return None


def read_whole(root: Path, table: Table, shard_id: str) -> pa.Table | None:
    """All rows of one shard with the columns of `HISTORY`, or None if it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(pa.memory_map(str(shard_path(root, table.name, shard_id))))
        rows = _cast(rows, table.arrow_with_history)
    except (OSError, pa.ArrowException):
        return None
    origin = rows["origin"].fill_null(shard_id)
    return rows.set_column(rows.column_names.index("origin"), "origin", origin)
