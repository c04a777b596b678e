"""Asking a store: a script run on a closed connection, with limits of time and memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sql import loader
from store.closed import MEMORY, SECONDS, ask, close, limited
from store.database import connect
from store.scripts import parameters

if TYPE_CHECKING:
    import duckdb


@contextmanager
def run(
    root: str | Path,
    script: loader.Script,
    given: Mapping[str, str] | None = None,
    *,
    seconds: float = SECONDS,
    memory: str = MEMORY,
) -> Iterator[duckdb.DuckDBPyRelation]:
    """Run a script on a closed connection to the store and give its rows as a relation.

    `given` are texts of parameters, converted to the types that a named query declares; those of
    SQL text are taken as numbers or booleans where they look like it. Rows have to be fetched
    inside the block, which the time limit covers.

    Raises:
        UserError: If the store cannot be opened, a parameter is wrong, or the query fails or takes
            too long.
    """
    values = parameters(script, given or {})
    with connect(root, closed=False) as connection:
        close(connection, memory=memory)
        with limited(connection, seconds):
            yield ask(connection, script.text, values)
