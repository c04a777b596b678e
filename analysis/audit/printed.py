"""What a document prints of an experiment: shares of problems, settings, numbers of problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from analysis.claims.documents import Cell, Grid
from analysis.claims.draft import OTHER_SHARE, PARTS, SIZES, Column, columns_of, figure_or_none
from analysis.claims.grim import possible_counts
from analysis.claims.parsing import parse_document
from analysis.claims.printed import Figure

COUNT = r"(?<![\d.,])(?:\d{1,3}(?:,\d{3})+|\d+)(?![\d.]*\d)"
THINGS = r"(?:problem|question|sample|item)s?"
_BASELINE = re.compile(r"(?i)baseline|^\W*(?:α|alpha)?\s*=?\s*[+-]?0(?:\.0+)?\W*$")
_IN_NAME = re.compile(rf"(?i)\((?:n\s*=\s*)?({COUNT})(?:\s+{THINGS})?\)")
_SEEDS = re.compile(
    r"(?i)(?<![\d.,])(\d{1,3})\s+(?:random\s+)?(?:seeds|runs|decodes|repetitions)\b"
)
_SIZE = re.compile(
    rf"(?i)\bn\s*=\s*({COUNT})(?!\s*(?:layers|seeds|runs|directions|controls|heads|tokens|latents|"
    rf"steps|shots|models|epochs))|(?<![+−-])({COUNT})[^\S\n]+"
    rf"(?:test |training |validation )?{THINGS}\b"
)
# A change, or what is left out, is no number of problems that were asked.
_CHANGED_BEFORE = re.compile(
    r"(?i)\b(?:los[et]s?|gain(?:s|ed)?|fix(?:es|ed)?|break|breaks|broke|chang\w+|flip\w*|"
    r"exclud\w+|remov\w+|drop\w*|skip\w*|improv\w+|degrad\w+|solv\w+|only|by|of which|"
    r"additional|more|fewer)\W+$"
)
_CHANGED_BEHIND = re.compile(
    r"(?i)\W+(?:(?:were|was|are|is|that|which|have|had|has|been)\W+)*(?:los[et]|gain|fix|broke|"
    r"chang|flip|exclud|remov|drop|skip|improv|degrad|worse|better|became|become|solv|correct|"
    r"wrong|right|per\b)"
)
_DIRECTIONS = re.compile(rf"(?i)({COUNT})[^\S\n]+(?:random|control)(?:\s+control)?\s+directions\b")


@dataclass(frozen=True, kw_only=True)
class Percentage:
    """A share of a table: as printed, its row, the line where its table starts, its sizes.

    Attributes:
        sizes: numbers of problems that its own row names; empty where it names none.
        alone: whether they are said to be what it is a share of.
    """

    figure: Figure
    row: str
    line: int
    sizes: tuple[int, ...] = ()
    alone: bool = False

    @property
    def is_baseline(self) -> bool:
        """Whether its row is that of the baseline."""
        return bool(_BASELINE.search(self.row))

    def possible(self, named: Iterable[int]) -> bool:
        """Whether a whole number of its own problems, else of those in `named`, prints so."""
        sizes = self.sizes if self.alone else (*self.sizes, *named)
        return any(possible_counts(self.figure, n) for n in sizes)


def titles(text: str, *, latex: bool = False) -> list[str]:
    """What a document may be called: its first heading, and in LaTeX its title."""
    named = re.findall(r"\\title\{([^{}]*)\}", text) if latex else []
    return [*named, *(heading for _, _, heading in parse_document(text, latex=latex).headings[:1])]


def percentages(text: str, *, latex: bool = False) -> Iterator[Percentage]:
    """The accuracies of a document's tables that are shares of the problems it names.

    Means and accuracies of something else are left out, and so are parts of the problems (strata,
    other sets) whose number is not printed beside them.
    """
    for grid in parse_document(text, latex=latex).tables:
        columns = columns_of(grid)
        sized = [c.index for c in columns if SIZES.fullmatch(grid.header[c.index])]
        parted = bool(PARTS.search(grid.header[0]))
        for column in columns:
            header = grid.header[column.index]
            if column.kind != "accuracy" or OTHER_SHARE.search(header):
                continue
            for row in grid.rows:
                one = _share(grid, row, column, sized)
                if one is not None and (one.sizes or not parted):
                    yield one


def _share(grid: Grid, row: Sequence[Cell], column: Column, sized: list[int]) -> Percentage | None:
    """The share in a row's cell; None where it is none, or one of something else."""
    cell = row[column.index].text
    if OTHER_SHARE.search(row[0].text) or OTHER_SHARE.search(cell):
        return None
    figure = figure_or_none(cell)
    named = re.search(r"%|percent|\bacc|\bcorrect\b", grid.header[column.index].lower())
    if figure is not None and not figure.unit and column.unit == "%" and named:
        figure = figure_or_none(f"{cell}%")
    if figure is None or figure.relation != "=" or not 0 <= figure <= 1:
        return None
    if figure.unit != "%" and (figure.unit or not column.share or figure.decimals < 2):
        return None
    own = [n for index in sized for n in numbers(row[index].text)]
    in_name = [int(n.replace(",", "")) for n in _IN_NAME.findall(row[0].text)]
    sizes = tuple(n for n in own or in_name if n > 0)
    return Percentage(
        figure=figure, row=row[0].text, line=grid.line, sizes=sizes, alone=bool(own and sizes)
    )


def numbers(cell: str) -> list[int]:
    """The whole number that a cell is; empty where it is none."""
    bare = cell.strip()
    return [int(bare.replace(",", ""))] if re.fullmatch(COUNT, bare) else []


def sizes(text: str) -> list[int]:
    """Numbers of problems that a document names, each once; numbers that changed are none."""
    found = [
        int((match[1] or match[2]).replace(",", ""))
        for match in _SIZE.finditer(text)
        if match[1]
        or not (
            _CHANGED_BEFORE.search(text, 0, match.start())
            or _CHANGED_BEHIND.match(text, match.end())
        )
    ]
    return list(dict.fromkeys(n for n in found if n > 0))


def with_seeds(text: str, known: Iterable[int]) -> list[int]:
    """Numbers of problems, and of outcomes where several seeds of each are named."""
    seeds = {int(k) for k in _SEEDS.findall(text)} - {0}
    return [n * k for n in known for k in sorted({1, *seeds})]


def control_counts(text: str) -> list[int]:
    """Numbers of random or control directions that a document names, each once."""
    return list(dict.fromkeys(int(one.replace(",", "")) for one in _DIRECTIONS.findall(text)))


def baseline_of(text: str, n: int, *, latex: bool = False) -> int | None:
    """How many of n problems a document's baseline gets right; None where it does not say."""
    if n not in sizes(parse_document(text, latex=latex).text):
        return None
    for one in percentages(text, latex=latex):
        counts = possible_counts(one.figure, n) if one.is_baseline else ()
        if len(counts) == 1 and (not one.alone or n in one.sizes):
            return counts[0]
    return None
