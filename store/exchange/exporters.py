"""Export: the report's files, Parquet tables, or one DuckDB file, from a store."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sql import loader
from sql.errors import UserError
from sql.words import ExportFormat, checked
from store.database import connect
from store.ingestion import ingest
from store.layout import database_path, open_store, result_file
from store.schema import TABLES

if TYPE_CHECKING:
    import duckdb

VIEWS = ("paired_outcomes", "accuracy_by_alpha", "norms_by_position")
_ROWS_AT_ONCE = 1_000_000
_LINES_AT_ONCE = 10_000


def export(
    root: str | Path,
    target: str | Path,
    *,
    format: str = "report",
    direction: str | None = None,
    set_name: str = "primary",
    train: str | None = None,
    setting: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write a store for others and return the files; everything committed is ingested first.

    `report` writes the JSON and npz files that the report lists as its deliverables (see
    `store.exchange.report_export`; `direction`, `set_name`, `train` and `setting` choose what;
    without `train` the set of that name is taken, where there is one; `setting` gives columns such
    as `protocol` or `dtype` their value, where a direction was collected at several),
    `every_eval_ever` one JSON object per outcome (see `store.exchange.formats.every_eval_ever`),
    `parquet` every table and the views of `VIEWS`, `duckdb` one file that needs no store.

    Raises:
        UserError: If there is no such format, direction or set, several settings remain, or the
            target holds something.
    """
    store, place = open_store(root), Path(target)
    checked(format, ExportFormat, "export format")
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise UserError(f"{place} is there already: give a new name")
    ingest(store)
    if format == "duckdb":
        return [_duckdb(store, place)]
    if format == "every_eval_ever":
        return [_every_eval_ever(store, place)]
    if format == "parquet":
        return _parquet(store, place)
    from store.exchange.report_export import write_report_files

    return write_report_files(
        store, place, direction=direction, set_name=set_name, train=train, setting=setting or {}
    )


def _duckdb(store: Path, target: Path) -> Path:
    """A copy of the results file, which holds every table, view and macro."""
    if target.is_dir():
        target = target / "results.duckdb"
    with result_file(target) as temporary:
        shutil.copyfile(database_path(store), temporary)
    return target


def _every_eval_ever(store: Path, target: Path) -> Path:
    """One JSON object per outcome, in batches; a folder as target gets outcomes.jsonl."""
    from store.exchange.formats.every_eval_ever import instance

    if target.is_dir():
        target = target / "outcomes.jsonl"
    with (
        connect(store) as connection,
        result_file(target) as temporary,
        temporary.open("w", encoding="utf-8") as file,
    ):
        result = loader.execute(connection, loader.internal("export_instances"))
        columns = [item[0] for item in result.description]
        while rows := result.fetchmany(_LINES_AT_ONCE):
            for row in rows:
                file.write(json.dumps(instance(dict(zip(columns, row, strict=True)))) + "\n")
    return target


def _parquet(store: Path, folder: Path) -> list[Path]:
    with connect(store) as connection:
        return [_table(connection, name, folder) for name in (*TABLES, *VIEWS)]


def _table(connection: duckdb.DuckDBPyConnection, name: str, folder: Path) -> Path:
    """One table or view, in batches, without the number of the shard that a row came from."""
    import pyarrow.parquet as pq

    path = folder / f"{name}.parquet"
    relation = connection.sql(f"FROM {loader.quote(name)}")
    if "shard_no" in relation.columns:
        relation = relation.project("* EXCLUDE (shard_no)")
    reader = relation.to_arrow_reader(_ROWS_AT_ONCE)
    with (
        result_file(path) as temporary,
        pq.ParquetWriter(temporary, reader.schema, compression="zstd") as writer,
    ):
        for batch in reader:
            writer.write_batch(batch)
    return path
