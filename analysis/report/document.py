"""What a report is made of, whatever it is written as: headings, text, tables and figures.

Text may hold ``**bold**`` and ```code```, nothing else. Whatever stands in a block is printable and
in one line, names and texts of others too; a query is left as it has to be asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.figures import Figure
from sql.printable import one_line


class Printable:
    """A block whose texts are printable from the moment it is made."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name != "sql":
                object.__setattr__(self, name, _printable(value))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, (list, tuple)):
        return type(value)(map(_printable, value))
    return value


@dataclass(frozen=True)
class Heading(Printable):
    """A section's title; `level` 1 is the report's own."""

    text: str
    level: int = 2

    @property
    def anchor(self) -> str:
        """The title as a link target."""
        return re.sub(r"[^a-z0-9]+", "-", self.text.lower()).strip("-")


@dataclass(frozen=True)
class Text(Printable):
    """A paragraph; a `stamp` is a warning that must not be overlooked."""

    text: str
    stamp: bool = False


@dataclass(frozen=True)
class Bullets(Printable):
    """A list of short paragraphs."""

    items: Sequence[str]


@dataclass(frozen=True)
class Grid(Printable):
    """A table of text: rounded, in reading order. `sql` is a query that gives its rows."""

    name: str
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    sql: str = ""


@dataclass(frozen=True)
class Cards(Printable):
    """Short findings, each a title, a badge and a reason; `grid` is the same as a table.

    `sql` has a query for each place that findings are of, under its name.
    """

    items: Sequence[tuple[str, str, str]]
    grid: Grid
    sql: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Picture:
    """A figure with its caption."""

    figure: Figure


Block = Heading | Text | Bullets | Grid | Cards | Picture
