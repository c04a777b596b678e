"""What names mean in a claims file: printed totals, tables, named values and rows of a store."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from analysis.claims.errors import ExpressionError
from analysis.claims.expression import Deferred, Record, evaluate, names_in
from analysis.claims.printed import Figure, parse_figure
from analysis.claims.readings import PRINTED, Reading
from analysis.claims.schema import Claim, ClaimsFile, Planned, Query, Stored, Table, Value

_TEMPLATE = re.compile(r"\{([^{}]+?)(?::([+,]?(?:\.\d+)?[dfg]))?\}")
# `\num{25.8}` and `10^{-48}` are figures, not templates.
_LATEX_BEFORE = re.compile(r"(?:\\[A-Za-z]+|[\^_])$")


class Rows(Protocol):
    """What a store has to answer: the one seam between claims and the store."""

    def query(self, binding: Query) -> Any:
        """One value, or a tuple of a column's values."""

    def stored(self, binding: Stored) -> Any:
        """One field of one row of `results`."""

    def planned(self, binding: Planned) -> Any:
        """One entry of the frozen plan."""


class NoStore:
    """Stands where no store was given."""

    def query(self, binding: Query) -> Any:
        """Refuse, saying what is missing."""
        raise ExpressionError("this claim is bound to a query, and no store was given (--store)")

    def stored(self, binding: Stored) -> Any:
        """Refuse, saying what is missing."""
        raise ExpressionError("this claim is bound to a result, and no store was given (--store)")

    def planned(self, binding: Planned) -> Any:
        """Refuse, saying what is missing."""
        raise ExpressionError("this claim is bound to a plan, and no store was given (--store)")


class Environment:
    """The names of one claims file under one reading, computed when they are asked for."""

    def __init__(
        self, file: ClaimsFile, rows: Rows | None = None, reading: Reading = PRINTED
    ) -> None:
        self.file = file
        self.rows: Rows = rows or NoStore()
        self.reading = reading
        self._known: dict[str, Any] = {}
        self._underway: list[str] = []

    def under(self, reading: Reading) -> Environment:
        """The same names under another reading of the printed figures."""
        return Environment(self.file, self.rows, reading)

    def lookup(self, name: str) -> Any:
        """The value of a name of the file; KeyError where there is none."""
        if name in self._known:
            return self._known[name]
        if name in self._underway:
            raise ExpressionError(f"{name!r} is defined by itself: {' -> '.join(self._underway)}")
        self._underway.append(name)
        try:
            self._known[name] = self._compute(name)
        finally:
            self._underway.pop()
        return self._known[name]

    def scope(self, names: Mapping[str, Any]) -> Callable[[str], Any]:
        """A lookup in which `names` come before those of the file."""
        return lambda name: names[name] if name in names else self.lookup(name)

    def value_of(self, binding: str | Value, names: Mapping[str, Any] | None = None) -> Any:
        """The value of an expression or of a binding to the store."""
        expression = binding if isinstance(binding, str) else binding.expr
        if expression is not None:
            return evaluate(expression, self.scope(names or {}), self.reading)
        if isinstance(binding, str):
            raise ExpressionError("a value needs an expression")
        if binding.query is not None:
            return self.rows.query(binding.query)
        if binding.result is None:
            raise ExpressionError("a value needs one of `expr`, `query`, `result`")
        return self.rows.stored(binding.result)

    def fill(self, text: str, names: Mapping[str, Any] | None = None) -> str:
        """Replace `{expression}` and `{expression:.1f}` in a text by what they print as."""

        def printed(match: re.Match[str]) -> str:
            """What an expression in braces comes to, in its format; LaTeX keeps its own braces."""
            if match[1] == "," or _LATEX_BEFORE.search(text, 0, match.start()):
                return match[0]
            value = evaluate(match[1], self.scope(names or {}), self.reading)
            try:
                return format(value, match[2]) if match[2] else show_value(value)
            except ValueError as error:
                raise ExpressionError(f"{error} (in {match[0]!r})") from None

        return _TEMPLATE.sub(printed, text)

    def row_keys(self, claim: Claim) -> tuple[str | None, ...]:
        """The rows of the table that a claim goes through; one of None without a table."""
        if claim.each is None:
            return (None,)
        keys: tuple[str, ...] = self.lookup(claim.each).rows()
        return keys

    def row(self, claim: Claim, key: str | None) -> Mapping[str, Any]:
        """The names of one row of the claim's table."""
        if claim.each is None or key is None:
            return {}
        row: Mapping[str, Any] = self.lookup(claim.each)[key]
        return row

    def _compute(self, name: str) -> Any:
        if name in self.file.totals:
            return figure_or_text(self.file.totals[name], name)
        if name in self.file.facts:
            return figure_or_text(self.file.facts[name], name, exact=True)
        if name in self.file.values:
            return self.value_of(self.file.values[name])
        if name in self.file.tables:
            return self._table(name, self.file.tables[name])
        raise KeyError(name)

    def _table(self, name: str, table: Table) -> PrintedTable:
        rows: dict[str, Record] = {}
        for cells in table.rows:
            key = str(cells[0])
            fields: dict[str, Any] = {
                column: figure_or_text(cell, f"{name}[{key}].{column}", exact=not place)
                for place, (column, cell) in enumerate(zip(table.columns, cells, strict=True))
            }
            row = Record(fields)
            for column, expression in table.derived.items():
                row.defer(column, self._derivation(expression, row))
            rows[key] = row
        return PrintedTable(rows)

    def _derivation(self, expression: str, row: Record) -> Callable[[], Any]:
        def lookup(name: str) -> Any:
            """A cell of the row, or a name of the file."""
            return row[name] if name in row else self.lookup(name)

        return lambda: evaluate(expression, lookup, self.reading)


class PrintedTable(Record):
    """A printed table: columns with a dot, rows by the text of their first column."""

    def __init__(self, rows: Mapping[str, Record]) -> None:
        def column(name: str) -> Deferred:
            """One column, its cells computed when it is asked for."""
            return Deferred(lambda: tuple(row[name] for row in rows.values()))

        super().__init__({name: column(name) for name in next(iter(rows.values()))}, rows)
        self._names = tuple(rows)

    def rows(self) -> tuple[str, ...]:
        """Names of the rows, in the order of the document."""
        return self._names


def figure_or_text(cell: str | int, key: str = "", *, exact: bool = False) -> Figure | str:
    """A printed cell: a figure where it is one, else its text.

    Args:
        cell: as printed.
        key: where it stands, which tells equal figures apart.
        exact: whether it stands for itself alone: what names a row, and what is known.
    """
    return _figure_or_text(str(cell), key or str(cell), exact)


@functools.lru_cache(maxsize=4096)
def _figure_or_text(cell: str, key: str, exact: bool) -> Figure | str:
    try:
        figure = parse_figure(cell)
    except ValueError:
        return cell
    figure.key, figure.exact = key, exact
    return figure


def show_value(value: Any) -> str:
    """A value as a reader wants to see it: a printed figure as printed, a float in four digits."""
    if isinstance(value, Figure):
        return value.text
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return ", ".join(show_value(item) for item in value)
    return str(value)


def undefined_names(file: ClaimsFile) -> list[str]:
    """Names used in expressions but defined nowhere, as lines that name the claim and the key."""
    known = {*file.totals, *file.facts, *file.tables, *file.values}
    lines = []
    for key, text, local in _shared_expressions(file):
        missing = sorted(names_in(text) - known - local)
        if missing:
            lines.append(f"key {key!r}: undefined: {', '.join(missing)}")
    for claim in file.claim:
        local = {"level", "margin", "gained", "lost", "n", "value"}
        if claim.each is not None:
            local |= {*file.tables[claim.each].columns, *file.tables[claim.each].derived}
        for key, text in claim_expressions(claim):
            missing = sorted(names_in(text) - known - local)
            if missing:
                lines.append(f"claim {claim.id!r}: key {key!r}: undefined: {', '.join(missing)}")
    return lines


def _shared_expressions(file: ClaimsFile) -> Iterator[tuple[str, str, set[str]]]:
    """Expressions outside of claims: their key, their text and the local names they may use."""
    for name, value in file.values.items():
        text = value if isinstance(value, str) else value.expr
        if text is not None:
            yield f"values.{name}", text, set()
    for name, table in file.tables.items():
        for column, text in table.derived.items():
            yield f"tables.{name}.derived.{column}", text, {*table.columns, *table.derived}


def claim_expressions(claim: Claim) -> Iterator[tuple[str, str]]:
    """Every expression of a claim with the key that holds it."""
    if claim.expr is not None:
        yield "expr", claim.expr
    for name, text in claim.readings.items():
        yield f"readings.{name}", text
    for key, text in claim.margins or ():
        if isinstance(text, str):
            yield f"margins.{key}", text
    for key in ("level", "margin", "contrary"):
        text = getattr(claim, key)
        if isinstance(text, str):
            yield key, text
