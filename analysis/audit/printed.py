"""What a document prints of an experiment: percentages, tests of counts, intervals, settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from analysis.claims.draft import columns_of, figure_or_none
from analysis.claims.grim import possible_counts
from analysis.claims.parsing import parse_document
from analysis.claims.printed import Figure

_BASELINE = re.compile(r"(?i)baseline|^\W*(?:α|alpha)?\s*=?\s*[+-]?0(?:\.0+)?\W*$")
# A mean over directions or seeds is no share of problems.
_MEAN = re.compile(r"(?i)\b(?:mean|average|avg|median)\b")
_SIZE = re.compile(
    r"(?i)\bn\s*=\s*(\d[\d,]*)|(\d[\d,]*)\s+(?:test |training |validation )?"
    r"(?:problems|questions|samples|items)\b"
)
_GAINED = r"(?P<gained>\d+)\s+(?:gained|improved|became correct)"
_LOST = r"(?P<lost>\d+)\s+(?:lost|degraded|worsened|became wrong)"
# What may stand between counts and what was computed of them: no other counts.
_BETWEEN = r"(?:(?!gained|improved|became)[^\n]){0,120}?"
_TEST = re.compile(
    rf"{_GAINED}[^.\n]{{0,40}}?{_LOST}{_BETWEEN}(?<!corrected )\bp\s*"
    r"(?P<sign>[<>=≤≥])\s*(?P<p>0?\.\d+)"
)
_INTERVAL = re.compile(
    rf"{_GAINED}[^.\n]{{0,40}}?{_LOST}\s+(?:of|among)\s+(?P<n>\d+){_BETWEEN}"
    r"\[(?P<low>[+−-]?\d+(?:\.\d+)?),\s*(?P<high>[+−-]?\d+(?:\.\d+)?)\]"
)
_DIRECTIONS = re.compile(r"(?i)(\d+)\s+(?:random|control)(?:\s+control)?\s+directions\b")


@dataclass(frozen=True, kw_only=True)
class Percentage:
    """A percentage of a table: as printed, its row, and the line where its table starts."""

    figure: Figure
    row: str
    line: int

    @property
    def is_baseline(self) -> bool:
        """Whether its row is that of the baseline."""
        return bool(_BASELINE.search(self.row))


@dataclass(frozen=True, kw_only=True)
class PrintedTest:
    """Counts with a p beside them: as printed, and what the sign before it claims."""

    text: str
    line: int
    gained: int
    lost: int
    sign: str
    p: float
    decimals: int


@dataclass(frozen=True, kw_only=True)
class PrintedInterval:
    """Counts with an interval in points beside them."""

    text: str
    line: int
    gained: int
    lost: int
    n: int
    low: float
    high: float
    decimals: int


def title(text: str) -> str:
    """The first heading of a document; empty where it has none."""
    return next((line.lstrip("# ").strip() for line in text.splitlines() if line[:2] == "# "), "")


def percentages(text: str, *, latex: bool = False) -> Iterator[Percentage]:
    """The accuracies of a document's tables, but for means."""
    for grid in parse_document(text, latex=latex).tables:
        for column in columns_of(grid):
            for row in grid.rows if column.kind == "accuracy" else ():
                figure = figure_or_none(row[column.index].text)
                if figure is not None and figure.unit == "%" and not _MEAN.search(row[0].text):
                    yield Percentage(figure=figure, row=row[0].text, line=grid.line)


def sizes(text: str) -> list[int]:
    """Numbers of problems that a document names, each once."""
    found = [a or b for a, b in _SIZE.findall(text)]
    return list(dict.fromkeys(int(one.replace(",", "")) for one in found))


def control_counts(text: str) -> list[int]:
    """Numbers of random or control directions that a document names, each once."""
    return list(dict.fromkeys(int(one) for one in _DIRECTIONS.findall(text)))


def baseline_of(text: str, n: int, *, latex: bool = False) -> int | None:
    """How many of n problems a document's baseline gets right; None where it does not say."""
    if n not in sizes(text):
        return None
    for one in percentages(text, latex=latex):
        counts = possible_counts(one.figure, n) if one.is_baseline else ()
        if len(counts) == 1:
            return counts[0]
    return None


def printed_tests(text: str) -> Iterator[PrintedTest]:
    """Every p of a document that stands behind counts of gained and lost."""
    for match in _TEST.finditer(text):
        yield PrintedTest(
            text=" ".join(match[0].split()),
            line=text.count("\n", 0, match.start()) + 1,
            gained=int(match["gained"]),
            lost=int(match["lost"]),
            sign=match["sign"],
            p=float(match["p"]),
            decimals=len(match["p"].partition(".")[2]),
        )


def printed_intervals(text: str) -> Iterator[PrintedInterval]:
    """Every interval of a document that stands behind counts of gained and lost of n."""
    for match in _INTERVAL.finditer(text):
        low, high = (match[name].replace("−", "-") for name in ("low", "high"))
        yield PrintedInterval(
            text=" ".join(match[0].split()),
            line=text.count("\n", 0, match.start()) + 1,
            gained=int(match["gained"]),
            lost=int(match["lost"]),
            n=int(match["n"]),
            low=float(low) / 100,
            high=float(high) / 100,
            decimals=max(len(one.partition(".")[2]) for one in (low, high)),
        )
