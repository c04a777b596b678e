"""What a report is made of, whatever it is written as: headings, text, tables and figures.

Text may hold ``**bold**`` and ```code```, nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.figures import Figure


@dataclass(frozen=True)
class Heading:
    """A section's title; `level` 1 is the report's own."""

    text: str
    level: int = 2

    @property
    def anchor(self) -> str:
        """The title as a link target."""
        return re.sub(r"[^a-z0-9]+", "-", self.text.lower()).strip("-")


@dataclass(frozen=True)
class Text:
    """A paragraph; a `stamp` is a warning that must not be overlooked."""

    text: str
    stamp: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of short paragraphs."""

    items: Sequence[str]


@dataclass(frozen=True)
class Grid:
    """A table of text: rounded, in reading order. `sql` is a query that gives its rows."""

    name: str
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    sql: str = ""


@dataclass(frozen=True)
class Cards:
    """Short findings, each a title, a badge and a reason; `grid` is the same as a table."""

    items: Sequence[tuple[str, str, str]]
    grid: Grid


@dataclass(frozen=True)
class Picture:
    """A figure with its caption."""

    figure: Figure


Block = Heading | Text | Bullets | Grid | Cards | Picture
