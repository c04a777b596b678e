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
    """A table of text: rounded, in reading order. `sql` is a query that gives its rows.

    `stamp` says which of its results a plan named; nothing where it has none.
    """

    name: str
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    sql: str = ""
    stamp: str = ""


@dataclass(frozen=True)
class Finding(Printable):
    """What one direction comes to on one set: a sentence, three marks, and the verdicts.

    `marks` are a question, its answer and why; `verdicts` a claim, the verdict and why.
    """

    title: str
    sentence: str
    stamp: str
    marks: Sequence[tuple[str, str, str]]
    verdicts: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Picture:
    """A figure with its caption."""

    figure: Figure


@dataclass(frozen=True)
class Fold(Printable):
    """Blocks that a reader asks for: folded on the page, under a heading elsewhere."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Explore:
    """Where the page has its explorer; nothing elsewhere."""


Block = Heading | Text | Bullets | Grid | Finding | Picture | Fold | Explore


def flat(blocks: Sequence[Block]) -> list[Block]:
    """The blocks in reading order, those that are folded in place of their fold."""
    return [
        one
        for block in blocks
        for one in (flat(block.blocks) if isinstance(block, Fold) else [block])
    ]
