"""A file of rows before anything is known of them, and what a reader of one format is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from store.exchange.imported_rows import Row
from store.exchange.tidy import rows_of, torn, uneven

Entries = Iterator[tuple[str, Row]]
"""(place, row) of every row; the place is told where the row cannot be used."""


@dataclass(frozen=True)
class Source:
    """A file; `document` is what a JSON file holds, None for a table."""

    path: Path
    document: Any = None

    @property
    def name(self) -> str:
        """Name of the file, which places say."""
        return self.path.name

    @cached_property
    def fields(self) -> frozenset[str]:
        """Columns of a table's first row, or fields of a JSON object."""
        if self.document is not None:
            return frozenset(self.document) if isinstance(self.document, dict) else frozenset()
        if self.path.suffix in {".eval", ".npy"}:
            return frozenset()
        rows = (row for _, row in rows_of(self.path) if not uneven(row))
        return frozenset(next(rows, {}))

    def entries(self) -> Entries:
        """Rows of a table as they stand. Raises UserError as `rows_of`."""
        return rows_of(self.path)


@dataclass(frozen=True, kw_only=True)
class Format:
    """One way of writing outcomes.

    Attributes:
        name: as the user is told, and the source in the protocol of its conditions.
        fits: whether a file is of this format, by its content.
        entries: the file's rows with the names of `columns.ALIASES`; other fields stay as they
            are, for `--map` and `--filter`.
        one_of: columns in which all rows of an import have to have one value.
    """

    name: str
    fits: Callable[[Source], bool]
    entries: Callable[[Source], Entries]
    one_of: tuple[str, ...] = ()


UNREADABLE = (KeyError, IndexError, TypeError, AttributeError, ValueError)


def readings(entry: Row, read: Callable[[Row], Iterable[Row]]) -> list[Row]:
    """The rows that a reader makes of one entry; a torn row where the entry is not whole."""
    if uneven(entry):
        return [entry]
    try:
        return list(read(entry))
    except UNREADABLE as error:
        return [torn(f"is not whole: {error!r}")]


def row_by_row(read: Callable[[Row], Iterable[Row]]) -> Callable[[Source], Entries]:
    """A format's `entries` from a reader of one row of a table."""

    def entries(source: Source) -> Entries:
        for place, entry in source.entries():
            for row in readings(entry, read):
                yield place, row

    return entries


def mapping(value: Any) -> Row:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def flat(row: Any, prefix: str) -> Row:
    """Fields of a mapping with a prefix, as columns; of anything else none."""
    return {f"{prefix}_{name}": value for name, value in mapping(row).items()}


def first(value: Any) -> Any:
    """The first of a list, however deep; anything else as it is; None of an empty list."""
    while isinstance(value, (list, tuple)):
        value = value[0] if value else None
    return value
