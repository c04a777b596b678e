"""Tidy outcomes from CSV, JSONL or Parquet: one row per problem, condition and seed.

Columns are found by their names below, or by a mapping of these names to the file's own. Needed are
a problem (`problem`, or `question` with `gold`), and `correct` or `answer` with `gold`. A row
without `direction` and `condition`, or with alpha 0, is a baseline.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sql.errors import UserError
from sql.words import OutcomeStatus, Role, checked
from store.exchange.imported_rows import (
    STEERING,
    Row,
    condition_row,
    finite,
    graded,
    model_row,
    problem_row,
)
from store.exchange.report_files import Context
from store.identity import canonical_json, content_id
from store.names import checked_model_name, checked_name

COLUMNS = [
    "problem",
    "question",
    "gold",
    "n_steps",
    "condition",
    "direction",
    "kind",
    "role",
    "alpha",
    "seed",
    "answer",
    "correct",
    "status",
    "text",
    "gold_logprob",
    "margin",
    "model",
    "protocol",
]
_TRUE = {"true", "1", "1.0", "yes", "right", "correct"}
_FALSE = {"false", "0", "0.0", "no", "wrong", "incorrect"}
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
            with path.open(encoding="utf-8-sig", newline="") as handle:
                reader = csv.DictReader(handle, strict=True)
                for row in reader:
                    yield f"{path.name} line {reader.line_num}", row
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
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot read {path}: {error}") from error


def json_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number, text) of every line that is not blank. Raises UserError if the file is no text."""
    try:
        with path.open(encoding="utf-8") as handle:
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
    """Fill the context's rows from a tidy file.

    `mapping` gives the file's column for a name of `COLUMNS`. Every problem becomes a member of the
    set `set_name`, selection `imported`. Raises UserError for an unknown name in the mapping.
    """
    checked_mapping(mapping)
    _fill(rows_of(path), context, {name: mapping.get(name, name) for name in COLUMNS}, set_name)


def checked_mapping(mapping: Mapping[str, str]) -> None:
    """Raises UserError for a name in the mapping that is none of `COLUMNS`."""
    unknown = sorted(set(mapping) - set(COLUMNS))
    if unknown:
        raise UserError(f"--map knows no {unknown[0]!r}: it maps {', '.join(COLUMNS)}")


def _fill(
    entries: Iterable[tuple[str, Row]], context: Context, columns: Row, set_name: str
) -> None:
    checked = False
    for place, entry in entries:
        if not checked:
            _check_columns(entry, columns)
            checked = True
        with context.imported.entry(place):
            row = {name: _value(entry.get(column)) for name, column in columns.items()}
            problem = _problem(row, context)
            outcome = _outcome(row, problem)
            condition = _condition(row, context)
            key = {"condition_id": condition, "problem_id": problem["problem_id"]}
            seed = {"seed": int(float(row["seed"] or 0)), "run_id": context.run_id}
            context.imported.add("problems", problem, place)
            member = {"set_name": set_name, "split": "test", "selection": "imported"}
            context.imported.add("problem_sets", {**member, "problem_id": problem["problem_id"]})
            context.imported.add("outcomes", {**key, **seed, **outcome}, place)


def _check_columns(entry: Row, columns: Row) -> None:
    missing = [c for name, c in columns.items() if c != name and c not in entry]
    if missing:
        raise UserError(f"the file has no column {missing[0]!r}: it has {', '.join(entry)}")
    has = {name for name, column in columns.items() if column in entry}
    if not has & {"problem", "question"} or not ({"correct"} & has or {"answer", "gold"} <= has):
        raise UserError(
            "a tidy file needs a problem (problem, or question and gold) and correct, or answer "
            f"and gold; it has {', '.join(entry)}: say which with --map name=column"
        )


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
    n_steps = None if row["n_steps"] is None else int(float(row["n_steps"]))
    question = str(row["problem"] if row["question"] is None else row["question"])
    attributes = None if row["problem"] is None else canonical_json({"key": str(row["problem"])})
    gold = "unknown" if row["gold"] is None else row["gold"]
    return problem_row(question, gold, n_steps=n_steps, attributes=attributes, source=context.name)


def _outcome(row: Row, problem: Row) -> Row:
    verdict = _verdict(row["correct"])
    if row["answer"] is not None and problem["answer"] == "unknown":
        if verdict is None:
            raise UserError("has an answer but neither correct nor gold")
        graded_row: Row = {"answer": str(row["answer"]), "status": "ok", "correct": verdict}
    elif row["answer"] is None and verdict is not None and row["status"] in {None, "ok"}:
        graded_row = {"answer": None, "status": "ok", "correct": verdict}
    else:
        graded_row = graded(row["answer"], problem["answer"], verdict, row["status"])
    checked(graded_row["status"], OutcomeStatus, "status")
    floats = {n: None if row[n] is None else float(row[n]) for n in ("gold_logprob", "margin")}
    return {**graded_row, **floats, "text": row["text"], "fragile": False}


def _verdict(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise UserError(f"correct is true or false, found {value!r}")
    return text in _TRUE


def _condition(row: Row, context: Context) -> str:
    model = model_row(checked_model_name(str(row["model"] or context.model_name)))
    context.imported.add("models", model)
    protocol = {"protocol": str(row["protocol"])} if row["protocol"] else {}
    name = row["direction"] if row["direction"] is not None else row["condition"]
    alpha = finite(row["alpha"], "alpha") if row["alpha"] is not None else 1.0
    if name is None and row["alpha"] is not None and alpha != 0:
        raise UserError(f"has alpha {alpha:g} but no direction")
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
        checked_name(name, "direction name")
        kind = str(row["kind"] or "imported")
        role = checked(str(row["role"] or "candidate"), Role, "role")
        made = {"name": name, "kind": kind, "role": role, "site": "latent"}
        made["recipe"] = canonical_json({"imported": "without vectors"})
        made["direction_id"] = content_id({**made, "vectors": None})
        context.imported.add("directions", made)
        context.directions[name] = made["direction_id"]
    return context.directions[name]
