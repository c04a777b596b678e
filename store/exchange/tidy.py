"""Tidy outcomes from CSV, JSONL or Parquet: one row per problem, condition and seed.

Columns are found by their names (`store.exchange.columns`), or by a mapping of these names to the
file's own. Needed are a problem (`problem`, or `question` with `gold`), and `correct` or `answer`
with `gold`. A row without `direction` and `condition`, or with alpha 0, is a baseline.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from sql.errors import UserError, first_line
from sql.words import OutcomeStatus, Role, checked
from store.answers import graded_answer
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

_UNEVEN = "\0torn"  # key of a row that could not be read: what is wrong
_EMPTY = {"", "na", "nan", "null", "none", "<na>", "n/a", "#n/a", "nat"}
_SEPARATED = {".csv", ".tsv"}
_TABLES = {*_SEPARATED, ".jsonl", ".ndjson", ".parquet"}
_SAID = re.compile(r"sep=([^\w\s\"]|\t)\r?\n?")
# One comma before three digits can be one of thousands, unless 0 or nothing stands before it.
_DECIMAL = re.compile(
    r"[+-]?(?:[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|0?,[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+)"
    r"(?:[eE][+-]?[0-9]{1,3})?|[+-]?[0-9]+,[0-9]+[eE][+-]?[0-9]{1,3}"
)
STEERED = "model_arg_steer_path"  # column of a harness whose model was steered with that file
PROTOCOL = "\0protocol"
"""Key of a row of a format: what its condition was run under, as a mapping."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the user says of a file's rows.

    Attributes:
        mapping: name of `ALIASES` to the file's column.
        set_name: problem set that the problems become members of.
        direction, alpha, seed: of every row, where the file has no column for it.
        filters: column to the value that a row has to have to be read.
        right_from: score from which an outcome is right; without it verdicts are true or false.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    set_name: str = "imported"
    direction: str | None = None
    alpha: float | None = None
    seed: int | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    right_from: float | None = None


class Steered(UserError):
    """A file of a steered model that was given as if it were a baseline."""


def checked_suffix(path: Path) -> None:
    """Raises UserError for a file that no reader is for."""
    if path.suffix not in {*_TABLES, ".json", ".npz", ".npy", ".eval"}:
        raise _foreign(path)


def _foreign(path: Path) -> UserError:
    return UserError(
        f"{path.name} is no .csv, .tsv, .jsonl, .parquet, .json, .eval, .npy or .npz file"
    )


def rows_of(path: Path) -> Iterator[tuple[str, Row]]:
    """(place, row) of every row of a file, by its suffix. Raises UserError for another suffix."""
    try:
        if path.suffix in _SEPARATED:
            with path.open(encoding=encoding_of(path), newline="") as handle:
                yield from _csv_rows(handle, path.name)
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
    """What is wrong with a row that could not be read; nothing where it could."""
    return str(row.get(_UNEVEN, ""))


def torn(fault: str) -> Row:
    """A row that could not be read, and why."""
    return {_UNEVEN: fault}


def encoding_of(path: Path) -> str:
    """How a file of text is encoded: UTF-8, or UTF-16 where its first two bytes say so.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as handle:
        return "utf-16" if handle.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _csv_rows(handle: TextIO, name: str) -> Iterator[tuple[str, Row]]:
    """(place, row) of every row of an opened CSV file. Raises UserError for an unclear header."""
    separator, n_before = _separator(handle)
    reader = csv.reader(handle, delimiter=separator, strict=True)
    header: list[str] = next(reader, [])
    # pandas' index and Excel's empty columns have no name: they are nobody's.
    twice = [column for column in header if column and header.count(column) > 1]
    if twice:
        raise UserError(f"{name} has two columns {twice[0]!r}: give each a name of its own")
    for cells in reader:
        place = f"{name} line {reader.line_num + n_before}"
        if cells and len(cells) != len(header):
            yield place, torn(f"has {len(cells)} cells, the header {len(header)}")
        elif cells:
            read = cells if separator == "," else [_with_point(cell) for cell in cells]
            yield place, dict(zip(header, read, strict=True))


def _separator(handle: TextIO) -> tuple[str, int]:
    """What separates the cells, and how many lines stand before the header; it is read next.

    Excel can say it in a first line `sep=;`; else it is what splits the header into most cells.
    """
    line = handle.readline()
    if (said := _SAID.fullmatch(line)) is not None:
        return said[1], 1
    handle.seek(0)
    try:
        parts = {sign: len(next(csv.reader([line], delimiter=sign), [])) for sign in ",;\t|"}
    except csv.Error:
        return ",", 0
    return max(parts, key=lambda sign: parts[sign]), 0


def _with_point(cell: str) -> str:
    """A cell with a decimal comma as a number; "1,234" can be read in two ways and stays."""
    if _DECIMAL.fullmatch(cell.strip()) is None:
        return cell
    return cell.strip().replace(".", "").replace(",", ".")


def json_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number, text) of every line that is not blank. Raises UserError if the file is no text."""
    try:
        with path.open(encoding=encoding_of(path)) as handle:
            for number, line in enumerate(handle, 1):
                if line.strip():
                    yield number, line
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error


def _line(text: str) -> Row:
    """One line of JSON; what is no object is a torn row."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return torn("is no JSON")
    return row if isinstance(row, dict) else torn("is no JSON object")


def read(
    entries: Sequence[tuple[str, Row]],
    context: Context,
    given: Given,
    *,
    source: str = "tidy",
    one_of: Sequence[str] = (),
) -> None:
    """Fill the context's rows from tidy entries; its notes say which columns were read as what.

    Args:
        entries: (place, row) of every row.
        context: of the file.
        given: what the user says of them.
        source: where they are from; of all but "tidy" the verdict counts as it stands.
        one_of: columns in which all rows have to have one value.

    Raises:
        UserError: A column that is needed or asked for is not there, or what the user says of all
            rows the file says itself.
    """
    header = list(dict.fromkeys(name for _, entry in entries for name in entry if name[:1] != "\0"))
    if not header:  # nothing, or nothing that could be read: that is named
        for place, entry in entries:
            with context.imported.entry(place):
                raise UserError(uneven(entry) or "has no columns")
        return
    columns = found_columns(header, given.mapping)
    _check_columns(header, set(columns))
    _check_given(given, columns)
    kept = _filtered(entries, header, given.filters)
    for column in one_of:
        values = dict.fromkeys(str(entry[column]) for _, entry in kept if column in entry)
        if len(values) > 1 and column not in columns.values():
            raise UserError(
                f"{context.name} has rows of {len(values)} kinds of {column}, "
                f"{', '.join(values)}: choose one with --filter {column}={next(iter(values))}"
            )
    if STEERED in header and given.direction is None and "direction" not in columns:
        raise Steered(
            f"{context.name} is of a steered model ({STEERED} {kept[0][1].get(STEERED)!s}), which "
            "is no baseline: name what it was steered with by --direction and --alpha"
        )
    _note_columns(header, columns, context, given)
    disputed = 0
    for place, entry in kept:
        with context.imported.entry(place):
            if fault := uneven(entry):
                raise UserError(fault)
            disputed += _add(entry, columns, context, given, source, place)
    if disputed:
        context.imported.notes.append(
            f"{context.name}: of {disputed:,} rows the answer is read otherwise here than the file "
            "judged it; the file's verdict counts"
        )


def _check_given(given: Given, columns: Mapping[str, str]) -> None:
    """Refuse to say of every row what the rows say themselves."""
    for name in ("direction", "alpha", "seed"):
        column = columns.get(name) or (columns.get("condition") if name == "direction" else None)
        if getattr(given, name) is not None and column is not None:
            raise UserError(
                f"--{name} is of every row, and the file's column {column} says it row by row: "
                f"leave --{name} out, or choose rows with --filter {column}=value"
            )


def _filtered(
    entries: Sequence[tuple[str, Row]], header: Sequence[str], filters: Mapping[str, str]
) -> list[tuple[str, Row]]:
    """The entries with the wanted values; torn ones stay, to be named."""
    kept = list(entries)
    for column, wanted in filters.items():
        if column not in header:
            raise UserError(
                f"--filter {column}={wanted}: there is no column {column!r}, but "
                f"{', '.join(filter(None, header))}"
            )
        there = dict.fromkeys(str(entry[column]) for _, entry in kept if column in entry)
        if wanted not in there:
            some = ", ".join(list(there)[:8])
            raise UserError(f"--filter {column}={wanted}: no row has it; there are {some}")
        kept = [
            (place, entry)
            for place, entry in kept
            if str(entry.get(column)) == wanted or uneven(entry)
        ]
    return kept


def checked_mapping(mapping: Mapping[str, str]) -> None:
    """Raises UserError for a name in the mapping that is none of `ALIASES`."""
    unknown = sorted(set(mapping) - set(ALIASES))
    if unknown:
        raise UserError(f"--map knows no {unknown[0]!r}: it maps {', '.join(ALIASES)}")


def _check_columns(header: list[str], has: set[str]) -> None:
    if not has & {"problem", "question"} or not (
        {"correct", "score"} & has or {"answer", "gold"} <= has
    ):
        raise UserError(
            "a tidy file needs a problem (problem, or question and gold) and correct, score, or "
            f"answer and gold; it has {', '.join(header)}: say which with --map name=column"
        )


def _note_columns(
    header: list[str], columns: Mapping[str, str], context: Context, given: Given
) -> None:
    notes = [f"column {column} is {name}" for name, column in columns.items() if column != name]
    used = {*columns.values(), *given.mapping, *given.filters}
    unread = [column for column in header if column and column not in used]
    if unread:
        notes.append(f"not read: {', '.join(unread)} (say what a column is with --map name=column)")
    named = {"direction", "condition"} & set(columns) or given.direction is not None
    if named and "alpha" not in columns and given.alpha is None:
        notes.append("no column is alpha: every steered row counts as dose 1")
    context.imported.notes += [f"{context.name}: {note}" for note in notes]


def _add(entry: Row, columns: Row, context: Context, given: Given, source: str, place: str) -> bool:
    """Add what one row of a file says; whether its verdict is another than its answer's."""
    cells = {
        name: _value(entry.get(columns[name])) if name in columns else None for name in ALIASES
    }
    row = typed(cells, columns, given.right_from)
    for name in ("direction", "alpha", "seed"):
        if (value := getattr(given, name)) is not None:
            row[name] = value
    has = {*columns, *(["alpha"] if given.alpha is not None else [])}
    if given.right_from is not None and "correct" not in columns and row["score"] is not None:
        row["correct"] = row["score"] >= given.right_from
    problem = _problem(row, context)
    scored = bool({columns.get("correct"), columns.get("score")} & set(entry))
    outcome, disputed = _outcome(row, problem, source, scored=scored)
    protocol = {"source": source, **entry.get(PROTOCOL, {})}
    if source != "tidy" and "correct" in given.mapping:
        protocol["metric"] = given.mapping["correct"]
    condition = _condition(row, context, has, protocol)
    key = {"condition_id": condition, "problem_id": problem["problem_id"]}
    context.imported.add("problems", problem, place)
    member = {"set_name": given.set_name, "split": "test", "selection": "imported"}
    context.imported.add("problem_sets", {**member, "problem_id": problem["problem_id"]})
    run = {"seed": row["seed"] or 0, "run_id": context.run_id}
    context.imported.add("outcomes", {**key, **run, **outcome}, place)
    if columns.get("score") in entry:
        name = str(row["score_name"] or columns["score"])
        value = None if outcome["status"] == "error" else row["score"]
        context.imported.add("scores", {**key, **run, "name": name, "value": value}, place)
    return disputed


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


def _outcome(row: Row, problem: Row, source: str, *, scored: bool) -> tuple[Row, bool]:
    """Columns of an outcome, and whether its verdict is another than that of its answer."""
    verdict, answer, status = row["correct"], row["answer"], row["status"]
    disputed = False
    graded_here = source == "tidy" and answer is not None and problem["answer"] != "unknown"
    if status in {None, "ok"} and (_failed(row["error"]) or (scored and _not_run(row, source))):
        status = "error"
    if status in {None, "ok"} and verdict is None and row["score"] is not None and not graded_here:
        # A score alone: nobody said what is right.
        graded_row: Row = {"answer": _stripped(answer), "status": "ok", "correct": None}
    elif status not in {None, "ok"}:
        graded_row = {"answer": None, "status": status, "correct": None}
    elif source != "tidy" and verdict is not None:
        text = _stripped(answer)
        graded_row = {"answer": text, "status": "ok", "correct": verdict}
        if text is not None and problem["answer"] != "unknown":
            disputed = graded_answer(text, problem["answer"])[1] is (not verdict)
    elif answer is not None and problem["answer"] == "unknown":
        if verdict is None:
            raise UserError("has an answer but neither correct nor gold")
        graded_row = {"answer": str(answer), "status": "ok", "correct": verdict}
    elif answer is None and verdict is not None:
        graded_row = {"answer": None, "status": "ok", "correct": verdict}
    else:
        graded_row = graded(answer, problem["answer"], verdict, status)
    checked(graded_row["status"], OutcomeStatus, "status")
    floats = {name: row[name] for name in ("gold_logprob", "margin")}
    text = None if row["text"] is None else str(row["text"])
    return {**graded_row, **floats, "text": text, "fragile": False}, disputed


def _stripped(answer: Any) -> str | None:
    return None if answer is None else str(answer).strip()


def _failed(error: Any) -> bool:
    """Whether a cell names an error; a number is a measure of something else."""
    if error is None or isinstance(error, (bool, int, float)):
        return error is True
    return str(error).strip().lower() not in {"0", "false", "no", "{}", "[]"}


def _not_run(row: Row, source: str) -> bool:
    """Whether a row that should hold a verdict holds nothing: it is missing, and not wrong.

    Of a harness nobody scored it, whatever was answered; a tidy row's answer can be graded here.
    """
    if source != "tidy":
        return row["correct"] is None and row["score"] is None
    return all(row[name] is None for name in ("correct", "score", "answer", "text", "status"))


def _condition(row: Row, context: Context, has: set[str], protocol_fields: Row) -> str:
    model = model_row(str(row["model"] or context.model_name))
    context.imported.add("models", model)
    source = protocol_fields.pop("source")
    reads = "answer" in has and (source == "tidy" or "correct" not in has)
    protocol: Row = {"reads": reads, "fields": protocol_fields}
    if row["protocol"]:
        protocol["protocol"] = str(row["protocol"])
    name = row["direction"] if row["direction"] is not None else row["condition"]
    alpha = 1.0 if row["alpha"] is None else row["alpha"]
    if name is None and row["alpha"] is not None and alpha != 0:
        raise UserError(f"has alpha {alpha:g} but no direction")
    steered = name is not None and str(name).lower() != "baseline"
    if steered and "alpha" in has and row["alpha"] is None:
        raise UserError(f"has direction {name} but no alpha")
    if not steered or alpha == 0:
        condition = condition_row(model["model_id"], source, **protocol)
    else:
        direction = _direction(str(name), row, context)
        how = {"alpha": alpha, "site": "latent", **STEERING, **protocol}
        condition = condition_row(model["model_id"], source, direction, **how)
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
