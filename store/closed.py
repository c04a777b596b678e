"""A connection that can read one store and nothing else, and a process that can do no more.

What DuckDB shuts: files and network, other databases, extensions, Python variables of the caller,
spilling to disk, and every setting. What the system shuts for a process that answers strangers
(`lock`): opening anything whatever, writing to a file, and memory beyond a limit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sql.errors import UserError

if TYPE_CHECKING:
    import duckdb

MEMORY = "4GB"
"""Memory limit of a closed connection; nothing is spilled to disk beyond it."""

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
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([KMGT]?)(I?)B", re.IGNORECASE)
_STATM = Path("/proc/self/statm")


def memory_bytes(text: str) -> int:
    """Bytes of a size such as `2GB` or `1.5 GiB`.

    Raises:
        UserError: If `text` is no such size, or none of at least a megabyte.
    """
    size = _SIZE.fullmatch(text.strip())
    if size:
        base = 1024 if size[3] else 1000
        count = int(float(size[1]) * base ** " KMGT".index(size[2].upper() or " "))
        if 10**6 <= count < 2**62:
            return count
    raise UserError(f"the memory limit is a size such as 2GB, found {text!r}")


def close(connection: duckdb.DuckDBPyConnection, *, memory: str = MEMORY) -> None:
    """Shut a connection off from everything but the databases it has attached, for good.

    The last setting locks the configuration, so that nothing that follows can open it again.

    Raises:
        UserError: If `memory` is no size such as `2GB`.
    """
    connection.execute("SET memory_limit = $memory", {"memory": f"{memory_bytes(memory)}B"})
    for name, value in _SHUT.items():
        connection.execute(f"SET {name} = $value", {"value": value})


def lock(memory: str) -> None:
    """Shut this process off from every file, socket and program that it has not open, for good.

    It can read and write on what it holds, take `memory` beyond what it has already taken, and
    nothing else: no statement, function or fault of DuckDB can open a file by any name. The limits
    of memory are those of Linux; other systems have the rest.
    """
    import resource

    limits = {"RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0, "RLIMIT_NOFILE": 0}
    if _STATM.exists():
        held = int(_STATM.read_text().split()[5]) * resource.getpagesize()
        limits["RLIMIT_DATA"] = held + memory_bytes(memory)
    for name, most in limits.items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


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
