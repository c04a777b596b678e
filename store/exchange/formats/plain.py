"""Tables: saklas's collected rows, tables as JSON (W&B, pandas), and tidy files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from store.exchange.imported_rows import Row
from store.exchange.source import Entries, Format, Source, row_by_row

_STEERING = re.compile(r"steering_(.+)_alpha")


def _saklas(entry: Row) -> Iterator[Row]:
    """The row with direction and dose of its steering; who scores it adds a column."""
    doses = {
        match[1]: value
        for name, value in entry.items()
        if (match := _STEERING.fullmatch(name)) and value not in (None, "", 0, "0", "0.0")
    }
    if len(doses) > 1:  # several terms at once are one intervention of that name
        direction = "+".join(f"{name}:{dose}" for name, dose in doses.items())
        yield {**entry, "direction": direction, "alpha": 1}
    else:
        name, dose = next(iter(doses.items()), (None, 0))
        yield {**entry, "direction": name, "alpha": dose}


def _table(source: Source) -> Entries:
    """Rows of a table in one JSON document, as W&B and pandas (`orient`) write it."""
    for i, row in enumerate(_rows(source.document), 1):
        yield f"{source.name} row {i}", row


def _rows(document: Any) -> list[Row]:
    """Rows of a document that is a table, none of another."""
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        columns, data = document.get("columns"), document["data"]
        if isinstance(columns, list):
            fitting = all(isinstance(row, list) and len(row) == len(columns) for row in data)
            return [dict(zip(map(str, columns), row, strict=True)) for row in data * fitting]
        return _objects(data)
    if isinstance(document, dict):  # a column per field: pandas' default
        columns = document.values()
        keys = next((list(one) for one in columns if isinstance(one, dict)), [])
        if keys and all(isinstance(one, dict) and list(one) == keys for one in columns):
            return [{name: one[key] for name, one in document.items()} for key in keys]
    return _objects(document)


def _objects(rows: Any) -> list[Row]:
    fitting = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    return rows if fitting else []


SAKLAS = Format(
    name="saklas",
    fits=lambda source: (
        {"text", "token_count"} <= source.fields
        and any(_STEERING.fullmatch(name) for name in source.fields)
    ),
    entries=row_by_row(_saklas),
)
TABLE = Format(name="tidy", fits=lambda source: bool(_rows(source.document)), entries=_table)
TIDY = Format(name="tidy", fits=lambda source: source.document is None, entries=Source.entries)
