"""What a query of the box gives: columns and rows, from the same closed connection as `sql`."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sql import loader
from sql.errors import UserError
from store.querying import run
from store.scripts import resolve

SECONDS = 30.0
"""Time limit of a query from the box."""

MEMORY = "2GB"
MOST_ROWS = 5_000
"""Rows that a page asks for; of more, the first."""

MOST_AT_ONCE = 2
_slots = threading.BoundedSemaphore(MOST_AT_ONCE)


@dataclass(frozen=True)
class Answer:
    """Rows of a query; `types` are DuckDB's names, `more` says that rows were left out."""

    columns: list[str]
    types: list[str]
    rows: list[tuple[Any, ...]]
    more: bool


def answer(
    store: Path,
    query: str,
    parameters: Mapping[str, str],
    *,
    seconds: float = SECONDS,
    most: int = MOST_ROWS,
) -> Answer:
    """The first `most` rows of a named query, view, table or SQL text.

    Raises:
        UserError: If the query names a file, is no reading statement, fails, takes longer than
            `seconds`, or if as many queries as may run at once are running and none ends within
            that time.
    """
    script = _script(query)
    if not _slots.acquire(timeout=seconds):
        raise UserError(f"{MOST_AT_ONCE} queries are running already: wait until one has ended")
    try:
        with run(store, script, parameters, seconds=seconds, memory=MEMORY) as relation:
            columns, types = list(relation.columns), [str(kind) for kind in relation.types]
            rows = relation.limit(most + 1).fetchall()
    finally:
        _slots.release()
    return Answer(columns, types, rows[:most], len(rows) > most)


def _script(query: str) -> loader.Script:
    """The query as a script; unlike on the command line, a text is never taken for a file."""
    if re.fullmatch(r"\S+\.sql", query.strip(), re.IGNORECASE):
        raise UserError(
            f"{query.strip()!r} looks like a file, and files are not read here: paste its text, or "
            "run `steerstat sql`"
        )
    return resolve(query)


def pairs(text: str) -> dict[str, str]:
    """Lines of `name=value` as a mapping. Raises UserError."""
    values = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise UserError(f"a parameter is name=value, one on each line, found {line!r}")
        values[name.strip()] = value.strip()
    return values
