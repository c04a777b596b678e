"""Rows as text: table, csv, json and markdown, and Parquet for other programs.

A writer takes column names and rows of Python values, and returns text. Numbers are printed in
full in csv and json, to six digits in table and markdown. Texts are whole in csv and json, which
programs read, and printable in table and markdown, which people do.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, get_args

from sql.printable import one_line, printable
from sql.words import QueryFormat

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
Rows = Sequence[Sequence[Any]]


def as_table(columns: Sequence[str], rows: Rows) -> str:
    """Columns aligned for a terminal, numbers to the right, a rule under the header."""
    cells = [[_short(value) for value in row] for row in rows]
    columns = [one_line(name) for name in columns]
    widths = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(columns)]
    right = [_numeric(rows, i) for i in range(len(columns))]

    def line(values: Sequence[str]) -> str:
        """Cells in columns, numbers to the right."""
        parts = zip(values, widths, right, strict=True)
        return "  ".join(v.rjust(w) if r else v.ljust(w) for v, w, r in parts).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(columns), rule, *map(line, cells)]) + "\n"


def as_markdown(columns: Sequence[str], rows: Rows) -> str:
    """A GitHub table."""
    marks = ["---:" if _numeric(rows, i) else "---" for i in range(len(columns))]
    head, *cells = [
        [markdown_cell(text) for text in row]
        for row in [columns, *([_short(value) for value in row] for row in rows)]
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, marks, *cells])


def markdown_cell(text: str) -> str:
    """A text as a cell of a Markdown table: in one line, and nothing in it a cell, tag or link."""
    return markdown_text(one_line(text)).replace("|", "\\|")


def markdown_text(text: str) -> str:
    """A text in which no part opens a tag of HTML or is the target of a link."""
    return _TAG.sub(r"\\<", printable(text)).replace("](", "]\\(")


def as_csv(columns: Sequence[str], rows: Rows) -> str:
    """CSV with a header (RFC 4180 but for plain line ends); NULL is empty, lists are JSON."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_field(value) for value in row] for row in rows)
    return out.getvalue()


def as_json(columns: Sequence[str], rows: Rows) -> str:
    """An array of objects; NULL and numbers that are not finite are null."""
    lines = [json.dumps(dict(zip(columns, map(json_value, row), strict=True))) for row in rows]
    return "[" + ",\n ".join(lines) + "]\n"


WRITERS: dict[str, Callable[[Sequence[str], Rows], str]] = {
    "table": as_table,
    "csv": as_csv,
    "json": as_json,
    "markdown": as_markdown,
}
FORMATS = get_args(QueryFormat)


def json_value(value: Any) -> Any:
    """A value as JSON can say it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): json_value(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def _short(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (float, Decimal)):
        return format(float(value), ".6g")
    if isinstance(value, list):
        return "[" + ", ".join(map(_short, value)) + "]"
    return one_line(str(json_value(value)))


def _field(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(json_value(value))
    return value if value is None or isinstance(value, (int, float, str)) else json_value(value)


def _numeric(rows: Rows, i: int) -> bool:
    """Whether a column holds numbers and NULLs only, and at least one number."""
    kinds = {type(row[i]) for row in rows} - {type(None)}
    return bool(kinds) and kinds <= {int, float, Decimal}
