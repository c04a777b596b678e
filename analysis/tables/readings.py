"""A store as it was read: what every table of one report, one analysis or one notebook cell shares.

A table function takes the folder of a store, or `Readings` of it. Tables are built from each other:
whoever wants several of one state makes `Readings` once and passes it down, so that the same pairs
are not tested many times and all tables speak of the same rows.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import pandas as pd

from sql import loader

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

T = TypeVar("T")
Table = TypeVar("Table", bound=Callable[..., Any])


class Readings:
    """Each view and each table of the store at `path`, read or computed once while this lives.

    All of it is of one state of the store: the results file is opened once, and an ingest after
    that is not seen. With a `connection` it is that database which is read.
    """

    def __init__(
        self, path: Path | str, connection: duckdb.DuckDBPyConnection | None = None
    ) -> None:
        self.path = Path(path)
        self._connection = connection
        self._kept: dict[Hashable, Any] = {}

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection, a closed one if made here. Raises UserError as `store.connect`."""
        from store import connect

        if self._connection is None:
            self._connection = connect(self.path)
        return self._connection

    def rows(self, script: loader.Script, **parameters: Any) -> pa.Table:
        """Rows of a query of our own. Raises UserError as `store.read`."""
        from store.querying import read_script

        return read_script(self.connection, script, **parameters)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gave the first time; a table as a copy, which cannot spoil what is kept."""
        if key not in self._kept:
            self._kept[key] = make()
        kept = self._kept[key]
        return cast("T", kept.copy()) if isinstance(kept, pd.DataFrame) else kept


Source: TypeAlias = Path | str | Readings


def opened(store: Source) -> Readings:
    """The readings themselves, or new ones of the store at a path."""
    return store if isinstance(store, Readings) else Readings(store)


def remembered(table: Table) -> Table:
    """A table function that is computed once per readings and options."""

    @functools.wraps(table)
    def remembering(store: Source, *given: Any, **options: Any) -> Any:
        readings = opened(store)
        key = (table, given, tuple(sorted(options.items())))
        return readings.once(key, lambda: table(readings, *given, **options))

    return cast("Table", remembering)


def view(store: Source, query: str) -> pd.DataFrame:
    """Rows of a named view, table or query of the store, as a DataFrame.

    Text columns hold None where the store holds NULL, so that a curve without a schedule equals
    another one without a schedule.
    """
    from store.scripts import resolve

    readings = opened(store)
    return readings.once(
        ("view", query), lambda: texts_to_objects(readings.rows(resolve(query)).to_pandas())
    )


def texts_to_objects(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every text column as Python objects and every missing text as None."""
    frame = frame.copy()
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.StringDtype) or frame[name].dtype == object:
            column = frame[name].astype(object)
            frame[name] = column.where(~column.map(_is_missing).astype(bool), None)
    return frame


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)
