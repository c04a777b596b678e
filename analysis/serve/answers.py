"""What a query of the box gives: columns and rows, by the same closed road as `sql`."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sql import loader
from sql.errors import UserError
from store.querying import answered
from store.scripts import parameters, resolve

SECONDS = 30.0
"""Time limit of a query from the box."""

MEMORY = "1GB"
MOST_ROWS = 5_000
"""Rows that a page asks for; of more, the first."""

MOST_BYTES = 64_000_000
MOST_AT_ONCE = 4
_PATIENCE = 2.0
_slots = threading.BoundedSemaphore(MOST_AT_ONCE)


class Busy(UserError):
    """As many queries as may run at once are running; the question itself may be a good one."""


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
    given: Mapping[str, str],
    *,
    seconds: float = SECONDS,
    most: int = MOST_ROWS,
) -> Answer:
    """The first `most` rows of a named query, view, table or SQL text.

    Raises:
        Busy: If as many queries as may run at once are running, and none ends in a moment.
        UserError: If the query names a file, is no reading statement, fails, takes longer than
            `seconds`, or if its answer is too large for a page.
    """
    script = _script(query)
    values = parameters(script, given)
    if not _slots.acquire(timeout=_PATIENCE):
        raise Busy(f"{MOST_AT_ONCE} queries are running already: ask again when one has ended")
    try:
        with answered(
            store, script, values, form="rows", seconds=seconds, memory=MEMORY, most=most
        ) as reply:
            text = reply.read(MOST_BYTES + 1)
    finally:
        _slots.release()
    if len(text) > MOST_BYTES:
        raise UserError(
            f"the answer is larger than {MOST_BYTES / 1e6:g} MB: ask for fewer rows or columns, "
            f"or use `steerstat sql {store} … --output FILE`"
        )
    found = json.loads(text)
    rows = [tuple(row) for row in found["rows"]]
    return Answer(found["columns"], found["types"], rows[:most], len(rows) > most)


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
