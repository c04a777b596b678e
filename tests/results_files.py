"""New results files as copies of one that was made as ever: each costs a quarter of a second."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import duckdb

from sql import loader
from store import check, database, ingestion

_MADE = database.create
_FOLDER = tempfile.TemporaryDirectory()


@functools.cache
def _empty(version: str) -> Path:
    path = Path(_FOLDER.name) / f"{version}.duckdb"
    _MADE(path).close()
    return path


def create(path: Path | None = None) -> duckdb.DuckDBPyConnection:
    """`store.database.create`, sooner."""
    empty = _empty("-".join([database.definitions(), *(s.sha256[:9] for s in loader.migrations())]))
    if path is not None:
        if not path.exists():
            path.write_bytes(empty.read_bytes())
        return _MADE(path)
    connection = duckdb.connect()
    connection.execute(f"ATTACH ':memory:' AS {database.CATALOG}")
    connection.execute(f"ATTACH {loader.literal(str(empty))} AS empty (READ_ONLY)")
    connection.execute(f"COPY FROM DATABASE empty TO {database.CATALOG}")
    connection.execute(f"USE {database.CATALOG}; DETACH empty")
    return connection


@contextmanager
def copied() -> Iterator[None]:
    """Have ingests and checks begin with a copy."""
    with mock.patch.object(ingestion, "create", create), mock.patch.object(check, "create", create):
        yield
