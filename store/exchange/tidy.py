"""Tidy outcomes from CSV, JSONL or Parquet: one row per problem, condition and seed.

Columns are found by their names (`store.exchange.columns`), or by a mapping of these names to the
file's own. Needed are a problem (`problem`, or `question` with `gold`), and `correct` or `answer`
with `gold`. A row without `direction` and `condition`, or with alpha 0, is a baseline.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sql.errors import UserError, first_line
from sql.words import OutcomeStatus, Role, checked
from store.exchange.columns import ALIASES, found_columns, typed
from store.exchange.imported_rows import (
    STEERING,
    Row,
    condition_row,
    graded,
    model_row,
    problem_row,
)
from store.exchange.report_files import Context
from store.identity import canonical_json, content_id

_UNEVEN = "\0cells"  # key of a row that has more or fewer cells than the header: what is wrong
_EMPTY = {"", "na", "nan", "null", "none"}


def checked_suffix(path: Path) -> None:
    """Raises UserError for a file that no reader is for: neither tidy nor the report's."""
    if path.suffix not in {".csv", ".jsonl", ".ndjson", ".parquet", ".json", ".npz"}:
        raise _foreign(path)


def _foreign(path: Path) -> UserError:
    return UserError(f"{path.name} is no .csv, .jsonl or .parquet file, nor one of the report's")


def rows_of(path: Path) -> Iterator[tuple[str, Row]]:
    """(place, row) of every row of a file, by its suffix. Raises UserError for another suffix."""
    try:
        if path.suffix == ".csv":
            with path.open(encoding=encoding_of(path), newline="") as handle:
                yield from _csv_rows(csv.reader(handle, strict=True), path.name)
        elif path.suffix in {".jsonl", ".ndjson"}:
            for number, line in json_lines(path):
                yield f"{path.name} line {number}", _line(line)
        elif path.suffix == ".parquet":
            import pyarrow.parquet as pq

            with pq.ParquetFile(path) as table:
                batches = (batch.to_pylist() for batch in table.iter_batches())
                for number, row in enumerate((row for batch in batches for row in batch), 1):
                    yield f"{path.name} row {number}", row
        else:
            raise _foreign(path)
    except UserError:
        raise
    except (OSError, ValueError, csv.Error) as error:  # text or Parquet that is none
        raise UserError(f"cannot read {path}: {first_line(error)}") from error


def uneven(row: Row) -> str:
    """What is wrong with the cells of a row of CSV; nothing where they fit the header."""
    return str(row.get(_UNEVEN, ""))


def encoding_of(path: Path) -> str:
    """How a file of text is encoded: UTF-8, or UTF-16 where its first two bytes say so.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as handle:
        return "utf-16" if handle.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _csv_rows(reader: Any, name: str) -> Iterator[tuple[str, Row]]:
    """(place, row) of every row of an opened CSV file. Raises UserError for an unclear header."""
    header: list[str] = next(reader, [])
    twice = [column for column in header if header.count(column) > 1]
    if twice:
        raise UserError(f"{name} has two columns {twice[0]!r}: give each a name of its own")
    for cells in reader:
        place = f"{name} line {reader.line_num}"
        if cells and len(cells) != len(header):
            yield place, {_UNEVEN: f"has {len(cells)} cells, the header {len(header)}"}
        elif cells:
            yield place, dict(zip(header, cells, strict=True))


def json_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number, text) of every line that is not blank. Raises UserError if the file is no text."""
    try:
        with path.open(encoding=encoding_of(path)) as handle:
            for number, line in enumerate(handle, 1):
                if line.strip():
                    yield number, line
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}") from error


def _line(text: str) -> Row:
    """One line of JSON; what is no object is a row that lacks everything."""
    try:
        row = json.loads(text)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def read(path: Path, context: Context, mapping: Mapping[str, str], set_name: str) -> None:
    """Fill the context's rows from a tidy file; its notes say which columns were read as what.

    `mapping` gives the file's column for a name of `ALIASES`. Every problem becomes a member of the
    set `set_name`, selection `imported`. Raises UserError for an unknown name in the mapping.
    """
    checked_mapping(mapping)
    header = _header(path)
    if not header:
        return
    columns = found_columns(header, mapping)
    _check_columns(header, set(columns))
    _note_columns(header, columns, context)
    for place, entry in rows_of(path):
        with context.imported.entry(place):
            if fault := uneven(entry):
                raise UserError(fault)
            _add(entry, columns, context, set_name, place)


def checked_mapping(mapping: Mapping[str, str]) -> None:
    """Raises UserError for a name in the mapping that is none of `ALIASES`."""
    unknown = sorted(set(mapping) - set(ALIASES))
    if unknown:
        raise UserError(f"--map knows no {unknown[0]!r}: it maps {', '.join(ALIASES)}")


def _header(path: Path) -> list[str]:
    """Every column of a file; rows of JSON need not have the same ones."""
    entries = (entry for _, entry in rows_of(path) if not uneven(entry))
    if path.suffix == ".csv" or path.suffix == ".parquet":
        return list(next(entries, {}))
    return list(dict.fromkeys(name for entry in entries for name in entry))


def _check_columns(header: list[str], has: set[str]) -> None:
    if not has & {"problem", "question"} or not ({"correct"} & has or {"answer", "gold"} <= has):
        raise UserError(
            "a tidy file needs a problem (problem, or question and gold) and correct, or answer "
            f"and gold; it has {', '.join(header)}: say which with --map name=column"
        )


def _note_columns(header: list[str], columns: Mapping[str, str], context: Context) -> None:
    notes = [f"column {column} is {name}" for name, column in columns.items() if column != name]
    unread = [column for column in header if column not in columns.values()]
    if unread:
        notes.append(f"not read: {', '.join(unread)} (say what a column is with --map name=column)")
    if {"direction", "condition"} & set(columns) and "alpha" not in columns:
        notes.append("no column is alpha: every steered row counts as dose 1")
    context.imported.notes += [f"{context.name}: {note}" for note in notes]


def _add(entry: Row, columns: Row, context: Context, set_name: str, place: str) -> None:
    """Add what one row of a file says."""
    cells = {
        name: _value(entry.get(columns[name])) if name in columns else None for name in ALIASES
    }
    row = typed(cells, columns)
    problem = _problem(row, context)
    outcome = _outcome(row, problem)
    condition = _condition(row, context, set(columns))
    key = {"condition_id": condition, "problem_id": problem["problem_id"]}
    context.imported.add("problems", problem, place)
    member = {"set_name": set_name, "split": "test", "selection": "imported"}
    context.imported.add("problem_sets", {**member, "problem_id": problem["problem_id"]})
    run = {"seed": row["seed"] or 0, "run_id": context.run_id}
    context.imported.add("outcomes", {**key, **run, **outcome}, place)


def _value(value: Any) -> Any:
    """None for what stands for nothing; everything else as it is."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return None if isinstance(value, str) and value.strip().lower() in _EMPTY else value


def _problem(row: Row, context: Context) -> Row:
    """The problem of a row: its id in the store, or made of question and gold, or of a name."""
    if row["question"] is None and str(row["problem"]) in context.problems:
        return context.problems[str(row["problem"])]
    if row["question"] is None and row["problem"] is None:
        raise UserError("names no problem")
    question = str(row["problem"] if row["question"] is None else row["question"])
    attributes = None if row["problem"] is None else canonical_json({"key": str(row["problem"])})
    gold = "unknown" if row["gold"] is None else row["gold"]
    return problem_row(
        question, gold, n_steps=row["n_steps"], attributes=attributes, source=context.name
    )


def _outcome(row: Row, problem: Row) -> Row:
    verdict = row["correct"]
    if row["answer"] is not None and problem["answer"] == "unknown":
        if verdict is None:
            raise UserError("has an answer but neither correct nor gold")
        graded_row: Row = {"answer": str(row["answer"]), "status": "ok", "correct": verdict}
    elif row["answer"] is None and verdict is not None and row["status"] in {None, "ok"}:
        graded_row = {"answer": None, "status": "ok", "correct": verdict}
    else:
        graded_row = graded(row["answer"], problem["answer"], verdict, row["status"])
    checked(graded_row["status"], OutcomeStatus, "status")
    floats = {name: row[name] for name in ("gold_logprob", "margin")}
    return {**graded_row, **floats, "text": row["text"], "fragile": False}


def _condition(row: Row, context: Context, has: set[str]) -> str:
    model = model_row(str(row["model"] or context.model_name))
    context.imported.add("models", model)
    protocol: Row = {"reads": "answer" in has}
    if row["protocol"]:
        protocol["protocol"] = str(row["protocol"])
    name = row["direction"] if row["direction"] is not None else row["condition"]
    alpha = 1.0 if row["alpha"] is None else row["alpha"]
    if name is None and row["alpha"] is not None and alpha != 0:
        raise UserError(f"has alpha {alpha:g} but no direction")
    steered = name is not None and str(name).lower() != "baseline"
    if steered and "alpha" in has and row["alpha"] is None:
        raise UserError(f"has direction {name} but no alpha")
    if name is None or alpha == 0 or str(name).lower() == "baseline":
        condition = condition_row(model["model_id"], "tidy", **protocol)
    else:
        direction = _direction(str(name), row, context)
        how = {"alpha": alpha, "site": "latent", **STEERING, **protocol}
        condition = condition_row(model["model_id"], "tidy", direction, **how)
    context.imported.add("conditions", condition)
    return str(condition["condition_id"])


def _direction(name: str, row: Row, context: Context) -> str:
    if name not in context.directions:
        kind = str(row["kind"] or "imported")
        role = checked(str(row["role"] or "candidate"), Role, "role")
        made = {"name": name, "kind": kind, "role": role, "site": "latent"}
        made["recipe"] = canonical_json({"imported": "without vectors"})
        made["direction_id"] = content_id({**made, "vectors": None})
        context.imported.add("directions", made)
        context.directions[name] = made["direction_id"]
    return context.directions[name]
