"""Export: the report's files, lines of outcomes, Parquet tables, or one DuckDB file."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

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
TIDY = {"problem": "problem_id"} | {
    name: name
    for name in ("question", "gold", "n_steps", "direction", "kind", "role", "alpha", "seed",
                 "answer", "status", "correct", "text", "score", "score_name", "gold_logprob",
                 "margin", "model", "protocol")
}  # fmt: skip
"""Columns of a table of outcomes that `import` reads, each with that of the query behind it."""

Row = dict[str, Any]


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
    `csv` and `jsonl` one row per outcome with the columns that `import` reads, `parquet` every
    table and the views of `VIEWS`, `duckdb` one file that needs no store.

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
    if format in _LINES:
        suffix, writer = _LINES[format]
        return [_lines(store, place, suffix, writer)]
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


def _lines(store: Path, target: Path, suffix: str, writer: Writer) -> Path:
    """Outcomes as lines of text, in batches; a folder as target gets outcomes.jsonl or .csv."""
    if target.is_dir():
        target = target / f"outcomes{suffix}"
    with (
        connect(store) as connection,
        result_file(target) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        result = loader.execute(connection, loader.internal("export_instances"))
        writer(file, _outcomes(result))
    return target


def _outcomes(result: duckdb.DuckDBPyConnection) -> Iterator[Row]:
    columns = [item[0] for item in result.description]
    while rows := result.fetchmany(_LINES_AT_ONCE):
        for row in rows:
            yield dict(zip(columns, row, strict=True))


def _as_instances(file: TextIO, outcomes: Iterator[Row]) -> None:
    from store.exchange.formats.every_eval_ever import instance

    for outcome in outcomes:
        file.write(json.dumps(instance(outcome)) + "\n")


def _as_jsonl(file: TextIO, outcomes: Iterator[Row]) -> None:
    for outcome in outcomes:
        file.write(json.dumps(_tidy(outcome)) + "\n")


def _as_csv(file: TextIO, outcomes: Iterator[Row]) -> None:
    writer = csv.DictWriter(file, TIDY)
    writer.writeheader()
    for outcome in outcomes:
        writer.writerow(_tidy(outcome))


def _tidy(outcome: Row) -> Row:
    """An outcome under the names that `import` knows; what is not a number has no JSON."""
    row = {name: outcome[of] for name, of in TIDY.items()}
    return {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


Writer = Callable[[TextIO, Iterator[Row]], None]
_LINES: dict[str, tuple[str, Writer]] = {
    "every_eval_ever": (".jsonl", _as_instances),
    "jsonl": (".jsonl", _as_jsonl),
    "csv": (".csv", _as_csv),
}


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
