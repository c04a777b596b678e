"""Shard files without a commit: what they hold is verified before it counts.

A writer that was killed between a shard and its commit leaves one, and so does somebody who copies
a shard from one store into another. An ingest says so and leaves it; `store.adopt` commits it where
it lies, so that a writer that is only about to commit is not disturbed: its commit says the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sql.errors import UserError, first_line
from store.clock import now
from store.commits import Commit
from store.direction_rules import check_table
from store.identity import canonical_text, condition_id, content_id, model_id, problem_id
from store.incoming import file_fault
from store.layout import commit_path, is_special
from store.schema import PLAIN_VERSION, SCHEMA_VERSION, Table
from store.shards import SHARD_KEY, committed, conform, hash_file, sort_rows

if TYPE_CHECKING:
    import pyarrow as pa

_SECONDS_TO_COMMIT = 1.0


@dataclass(frozen=True, kw_only=True)
class Left:
    """A file that ingest left where it lies, and why; `harmless` if nothing is lost by that."""

    name: str
    table: str
    reason: str
    harmless: bool


def mark(path: Path) -> str:
    """Id of the shard as which a Parquet file was written here, "" for a file of others.

    Raises:
        UserError: It is no Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if is_special(path):
        raise UserError("no regular file")
    try:
        metadata = pq.read_metadata(path).metadata or {}
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"not a Parquet file ({first_line(error)})") from None
    return metadata.get(SHARD_KEY, b"").decode("utf-8", "replace")


def judged(root: Path, table: Table, path: Path) -> Left:
    """What an ingest says of a shard file without a commit, which it leaves where it is.

    Its rows may be those of a writer that was killed and has done its work again since: what a
    machine computes twice need not be equal to the last digit. So a person decides.
    """
    try:
        data = verified_rows(root, table, path)
    except UserError as error:
        return Left(name=path.stem, table=table.name, reason=f"no commit; {error}", harmless=False)
    n_there = n_committed(root, table, data)
    if n_there == data.num_rows:
        reason = "no commit; all its rows are committed in other shards"
        return Left(name=path.stem, table=table.name, reason=reason, harmless=True)
    reason = (
        f"no commit; {data.num_rows - n_there} of its {data.num_rows} rows are nowhere else: "
        "`steerstat store adopt` takes it in"
    )
    return Left(name=path.stem, table=table.name, reason=reason, harmless=False)


def still_without_commit(root: Path, left: Sequence[Left]) -> bool:
    """Whether rows that are nowhere else still have no commit: a writer may have been at it."""
    lost = [item.name for item in left if not item.harmless]
    if lost:
        time.sleep(_SECONDS_TO_COMMIT)
    return any(not commit_path(root, name).exists() for name in lost)


def verified_rows(root: Path, table: Table, path: Path, shard_id: str | None = None) -> pa.Table:
    """The rows of a shard file, as its id, its schema and the rules of its table have them.

    Its id is its name, unless `shard_id` is given.

    Raises:
        UserError: It is another shard than its name says, of another schema, or a row breaks a rule
            or has an id that does not follow from its content.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    written_as = mark(path)
    if written_as != (shard_id or path.stem):
        raise UserError(f"it was written as shard {written_as or '(of another program)'}")
    try:
        rows = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"it cannot be read: {first_line(error)}") from None
    if not rows.num_rows:
        raise UserError("it holds no rows")
    known = [name for name in rows.column_names if name in table.names]
    data = sort_rows(conform(table, rows.select(known), new=False), table)
    if fault := file_fault(path, commit_of(table, path, data)):
        raise UserError(fault)
    _check_ids(table, data)
    check_table(root, table, data)
    return data


def _check_ids(table: Table, data: pa.Table) -> None:
    """Refuse ids of problems, models and conditions that do not follow from their content."""
    if table.name not in ("problems", "models", "conditions"):
        return
    (key,) = table.key
    for row in data.to_pylist():
        try:
            made = _made_ids(table.name, row)
        except (UserError, ValueError) as error:
            raise UserError(f"{table.name} row {row[key]}: {error}") from None
        if row[key] not in made:
            raise UserError(
                f"{table.name} row {row[key]} should have the id {made[0]} by its content"
            )


def _made_ids(table: str, row: dict[str, Any]) -> list[str]:
    """The ids that a row can have: today's, and that of rows of before.

    Earlier an answer was kept as it was written where it was no number, and a dose unrounded.
    """
    if table == "problems":
        written = {"question": canonical_text(row["question"]), "answer": row["answer"]}
        return [problem_id(row["question"], row["answer"]), content_id(written)]
    if table == "models":
        names = ("weights_sha256", "tokenizer_sha256", "family")
        return [model_id(**{name: row[name] for name in names})]
    fields = {name: value for name, value in row.items() if name != "condition_id"}
    for name in ("protocol_fields", "decoding"):
        fields[name] = None if row[name] is None else json.loads(row[name])
    return [condition_id(**fields), content_id(fields)]


def n_committed(root: Path, table: Table, data: pa.Table) -> int:
    """How many of the rows are, by their key, in committed shards."""
    key = list(table.key)
    there = committed(root, table.name, key)
    wanted = data.select(key).cast(there.schema)
    return int(wanted.join(there, key, join_type="left semi").num_rows)


def commit_of(table: Table, path: Path, data: pa.Table, run_id: str | None = None) -> Commit:
    """The commit of a shard file that has none; `data` are its rows, sorted."""
    import pyarrow.parquet as pq

    digest, size = hash_file(path)
    plain = "origin" not in pq.read_schema(path).names
    runs = data["run_id"].unique().to_pylist() if "run_id" in data.column_names else []
    return Commit(
        shard_id=mark(path),
        table=table.name,
        sha256=digest,
        bytes=size,
        rows=data.num_rows,
        schema_version=PLAIN_VERSION if plain else SCHEMA_VERSION,
        created_at=now().isoformat(),
        run_id=run_id or (runs[0] if len(runs) == 1 else None),
        first=[data[name][0].as_py() for name in table.key],
        last=[data[name][-1].as_py() for name in table.key],
    )
