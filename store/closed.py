"""A connection that can read one store and nothing else, and stops when it takes too long.

What is shut: files and network, other databases, extensions, Python variables of the caller,
spilling to disk, and every setting. What is left is reading what is attached.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sql.errors import UserError

if TYPE_CHECKING:
    import duckdb

MEMORY = "4GB"
"""Memory limit of a closed connection; nothing is spilled to disk beyond it."""

SECONDS = 300.0
"""Time limit of a query."""

_SHUT: dict[str, bool | str] = {
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "temp_directory": "",
    "enable_external_access": False,
    "lock_configuration": True,
}
_READING = {"SELECT", "EXPLAIN"}


def close(connection: duckdb.DuckDBPyConnection, *, memory: str = MEMORY) -> None:
    """Shut a connection off from everything but the databases it has attached, for good.

    The last setting locks the configuration, so that nothing that follows can open it again.

    Raises:
        UserError: If `memory` is no size such as `2GB`.
    """
    import duckdb

    try:
        connection.execute("SET memory_limit = $memory", {"memory": memory})
    except duckdb.Error:
        raise UserError(f"the memory limit is a size such as 2GB, found {memory!r}") from None
    for name, value in _SHUT.items():
        connection.execute(f"SET {name} = $value", {"value": value})


@contextmanager
def limited(connection: duckdb.DuckDBPyConnection, seconds: float = SECONDS) -> Iterator[None]:
    """Interrupt what runs on the connection within this block after `seconds`.

    Raises:
        UserError: If the limit stopped the query, and for every error that DuckDB raises in the
            block.
    """
    import duckdb

    reached = threading.Event()

    def stop() -> None:
        reached.set()
        connection.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        yield
    except duckdb.InterruptException:
        if not reached.is_set():
            raise
        raise UserError(
            f"the query was stopped after {seconds:g} s: narrow it, or raise --timeout"
        ) from None
    except duckdb.Error as error:
        raise UserError(_one_line(error)) from error
    finally:
        timer.cancel()


def ask(
    connection: duckdb.DuckDBPyConnection, text: str, parameters: Mapping[str, Any] | None = None
) -> duckdb.DuckDBPyRelation:
    """One statement that reads, as a relation: its rows are computed when they are fetched.

    Raises:
        UserError: If the text is not one reading statement.
    """
    statements = connection.extract_statements(text)
    kinds = [statement.type.name for statement in statements]
    if len(kinds) != 1:
        raise UserError(f"give one statement, found {len(kinds)}")
    if kinds[0] == "EXPLAIN":
        _refuse_running_explain(connection, statements[0].query)
    if kinds[0] not in _READING:
        raise UserError(
            f"a store is read-only here and {kinds[0]} is no reading statement: rows enter "
            "through `steerstat collect`, `directions add` and `store import`"
        )
    return connection.sql(statements[0], params=dict(parameters) if parameters else None)


def _refuse_running_explain(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """EXPLAIN ANALYZE runs what it explains, whatever that is; a plan of a SELECT is all there is.

    Raises UserError for every other EXPLAIN.
    """
    import duckdb

    starts = [start for start, kind in duckdb.tokenize(text) if kind != duckdb.token_type.comment]
    explained = text.encode()[starts[1] :].decode() if len(starts) > 1 else ""
    try:
        inner = connection.extract_statements(explained)
    except duckdb.Error:
        inner = []
    if [statement.type.name for statement in inner] != ["SELECT"]:
        raise UserError(
            "only `EXPLAIN SELECT …` is answered here: EXPLAIN ANALYZE would run its statement"
        )


def _one_line(error: Exception) -> str:
    """What DuckDB says, without its picture of the query, in one line."""
    message = str(error).split("\n\n", maxsplit=1)[0]
    return " ".join(message.split())
