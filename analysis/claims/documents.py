"""A document as its reader sees it: running text, tables and anchors, each with its place.

Markup is parsed, by a Markdown parser (`markdown`) or a LaTeX tokenizer (`latex`), and what a
reader does not see is gone: comments, lengths, citations, labels, code. Every character that is
left knows where it stands in the source, so that a number found in the text is a place in the file.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sql.errors import UserError


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: as a reader sees it, emphasis removed.
        line: its line in the source, from 1.
    """

    text: str
    line: int = 0


@dataclass(frozen=True)
class Grid:
    """A table as found in a document.

    Attributes:
        name: made of the heading above it, unique in the document.
        header: its column names as printed; of several header rows, joined.
        rows: its cells; one that spans several rows stands in each.
        line: where it starts, from 1.
        span: where its text begins and ends in the document's text.
    """

    name: str
    header: list[str]
    rows: list[list[Cell]]
    line: int = 0
    span: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Anchor:
    """A place in a document that shows the value of a claim.

    Attributes:
        claim: id of the claim.
        start: offset in the source of what is shown there.
        end: offset behind it; equal to `start` where nothing is shown yet.
        insert: source text into which a value is put that is not yet there, `%s` being the value.
        closed: whether `end` is marked in the source.
    """

    claim: str
    start: int
    end: int
    insert: str = "%s"
    closed: bool = True


@dataclass
class Document:
    """What a reader sees of a source, and where each character of it stands.

    Attributes:
        source: the file's text.
        latex: whether it is LaTeX.
        text: what a reader sees.
        places: offset in the source of each character of `text`.
        headings: offset in `text` where each heading begins, its level and its text.
        tables: the tables.
        anchors: the anchors, in their order.
    """

    source: str
    latex: bool
    text: str = ""
    places: list[int] = field(default_factory=list)
    headings: list[tuple[int, int, str]] = field(default_factory=list)
    tables: list[Grid] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lines = [0, *(i + 1 for i, char in enumerate(self.source) if char == "\n")]

    def add(self, text: str, places: int | Sequence[int]) -> None:
        """Append text.

        Args:
            text: what a reader sees.
            places: offset of each character, or of the first where they follow each other.
        """
        self.text += text
        if isinstance(places, int):
            self.places += range(places, places + len(text))
        else:
            self.places += places

    def add_at(self, text: str, place: int) -> None:
        """Append text that all stands for one place, such as a symbol's name."""
        self.add(text, [place] * len(text))

    def line_of(self, offset: int) -> int:
        """The line of an offset in the source, from 1."""
        return bisect.bisect_right(self._lines, offset)

    def line_start(self, line: int) -> int:
        """Offset at which a line begins."""
        return self._lines[line - 1]

    def line_text(self, line: int) -> str:
        """The text of a line of the source."""
        end = self._lines[line] - 1 if line < len(self._lines) else len(self.source)
        return self.source[self._lines[line - 1] : end].strip()

    def path_of(self, position: int) -> str:
        """The headings above a position of `text`, outermost first."""
        path: list[tuple[int, str]] = []
        for start, level, heading in self.headings:
            if start > position:
                break
            path = [entry for entry in path if entry[0] < level] + [(level, heading)]
        return " / ".join(heading for _, heading in path)

    def heading_at(self, position: int) -> str:
        """The nearest heading above a position of `text`."""
        before = [heading for start, _, heading in self.headings if start <= position]
        return before[-1] if before else ""


def read_document(path: Path) -> str:
    """The text of a document.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UserError(f"{path}: cannot be read: {reason}") from None


def is_latex(path: Path) -> bool:
    """Whether a file is LaTeX, by its name."""
    return path.suffix.lower() in (".tex", ".ltx", ".latex")
