"""Problems in files of others: which format and which columns a file has, and its entries.

JSON, JSONL, CSV and Parquet, as data sets of this field are published. A column is found by its
name, or named with a mapping; of an entry that is no problem the place, the field and the reason
are told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from sql.errors import UserError, first_line
from store.exchange import tidy
from store.exchange.columns import whole

QUESTION = (
    "question_concat",
    "Body+Question",
    "question",
    "problem",
    "sQuestion",
    "instruction",
    "input",
    "prompt",
    "problem_text",
)
"""Columns that hold the question, the surest first: of SVAMP, GSM8K, Coconut, MATH, MultiArith,
GSM-Hard. A `+` joins two with a space."""

ANSWER = (
    "answer",
    "final_ans",
    "final_answer",
    "gold_answer",
    "gold",
    "lSolutions",
    "target",
    "response",
    "solution",
)
"""Columns that hold the answer, the surest first."""

STEPS = ("n_steps", "num_steps", "steps", "cot")
"""Columns that hold the number of steps, the steps, or a worked answer that marks them."""

FIELDS = {"question": QUESTION, "answer": ANSWER, "n_steps": STEPS}
STEP_MARK = "<<"  # GSM8K writes one <<a*b=c>> per step of its worked answers

Entry = tuple[str, dict[str, Any] | str]
"""Place, and the entry's columns or why it is none."""


def entries_of(path: Path) -> list[Entry]:
    """Every entry of a file. Raises UserError if it cannot be read or is of no known format."""
    if path.suffix in {".csv", ".parquet"}:
        return [(place, tidy.uneven(row) or row) for place, row in tidy.rows_of(path)]
    unknown = f"{path.name} is neither JSON nor JSONL, CSV or Parquet, which problems are read from"
    try:
        text = path.read_text(tidy.encoding_of(path))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(unknown) from error
    start = text.lstrip()[:1]
    if not start:
        raise UserError(f"{path.name} is empty")
    if start == "[" or (start == "{" and path.suffix == ".json" and not _is_lines(text)):
        return list(_document(path.name, text))
    if start == "{" or path.suffix in {".jsonl", ".ndjson"}:
        lines = enumerate(text.split("\n"), 1)
        return [(f"{path.name} line {i}", _line(line)) for i, line in lines if line.strip()]
    raise UserError(f"{unknown} (a file of CSV is called .csv)")


def _is_lines(text: str) -> bool:
    """Whether JSON text is one object a line."""
    first, _, rest = text.lstrip().partition("\n")
    return bool(rest.strip()) and isinstance(_line(first), dict)


def _loads(text: str) -> Any:
    """What JSON says: decimals exactly, and NaN, which is none, as nothing."""
    return json.loads(text, parse_float=Decimal, parse_constant=lambda _: None)


def _line(text: str) -> dict[str, Any] | str:
    try:
        entry = _loads(text)
    except (ValueError, RecursionError) as error:
        return f"no JSON: {first_line(error)}"
    return entry if isinstance(entry, dict) else "no object of JSON"


def _document(name: str, text: str) -> Iterator[Entry]:
    try:
        document = _loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"cannot read {name} as JSON: {first_line(error)}") from error
    for number, entry in enumerate(_list_in(name, document)):
        if isinstance(entry, dict) and isinstance(entry.get("row"), dict):  # as the hub's server
            entry = entry["row"]
        yield f"{name} entry {number}", entry if isinstance(entry, dict) else "no object of JSON"


def _list_in(name: str, document: Any) -> Sequence[Any]:
    """The entries of a document: a list, the one list of an object, or its columns side by side."""
    if isinstance(document, list):
        return document
    lists = {key: value for key, value in document.items() if isinstance(value, list)}
    of_objects = [value for value in lists.values() if value and isinstance(value[0], dict)]
    if len(of_objects) == 1:
        return of_objects[0]
    if lists and len(lists) == len(document) and len({len(value) for value in lists.values()}) == 1:
        return [
            dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)
        ]
    if document and all(isinstance(value, dict) for value in document.values()):
        return list(document.values())
    raise UserError(f"{name} holds no list of problems: it has {', '.join(document) or 'nothing'}")


def columns_of(name: str, entries: Sequence[Entry], mapping: Mapping[str, str]) -> dict[str, str]:
    """The column of each field of `FIELDS`; a mapping comes first. Steps may be without one.

    Raises:
        UserError: The mapping names a field or column that is not there, or no column is known to
            be the question or the answer.
    """
    unknown = sorted(set(mapping) - set(FIELDS))
    if unknown:
        raise UserError(f"--map knows no {unknown[0]!r}: it maps {', '.join(FIELDS)}")
    header = list(
        dict.fromkeys(key for _, entry in entries if isinstance(entry, dict) for key in entry)
    )
    if not header:
        first = next((f"{place}: {reason}" for place, reason in entries), f"{name} has no entries")
        raise UserError(f"no problems there: {first}")
    found = {}
    for field, known in FIELDS.items():
        column = _there(mapping[field], header) if field in mapping else None
        if field in mapping and column is None:
            raise UserError(
                f"{name} has no column {mapping[field]!r}: it has {', '.join(map(str, header))}"
            )
        column = column or next(filter(None, (_there(one, header) for one in known)), None)
        if column is not None:
            found[field] = column
        elif field != "n_steps":
            raise UserError(
                f"{name} has the columns {', '.join(map(str, header))}, none of which is known "
                f"to be the {field}: say which with --map {field}=COLUMN"
            )
    return found


def _there(column: str, header: Sequence[str]) -> str | None:
    """The header's spelling of a column, or of two that a `+` joins; None where it has none."""
    for same in (str, str.lower):
        for name in header:
            if same(name) == same(column):
                return name
    parts = [_there(part, header) for part in column.split("+")] if "+" in column else [None]
    return "+".join(map(str, parts)) if all(parts) else None


def cell(entry: Mapping[str, Any], column: str) -> Any:
    """The value of a column, or the text of two that are joined; None where there is none."""
    if column in entry or "+" not in column:
        return entry.get(column)
    parts = [entry.get(part) for part in column.split("+")]
    return " ".join(str(part).strip() for part in parts) if all(parts) else None


def steps_of(value: Any, worked: str) -> int | None:
    """The number of steps that a field says, lists or marks, or that a worked answer marks.

    Raises:
        UserError: The field says none of this.
    """
    if value is None or value == "":
        return worked.count(STEP_MARK) or None
    if isinstance(value, list):
        return len(value)
    if isinstance(value, str) and not value.strip().isdecimal():
        return value.count(STEP_MARK) or worked.count(STEP_MARK) or None
    return whole(value, "n_steps", 0)
