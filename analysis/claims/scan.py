"""Which numbers of a document no claim covers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from analysis.claims.binding import claim_expressions
from analysis.claims.check import Checked, check_claims
from analysis.claims.expression import names_in
from analysis.claims.numbers import Number, bare, numbers_in
from analysis.claims.schema import ClaimsFile
from sql.errors import UserError

ANCHOR = re.compile(r"<!--\s*claim:(?P<md>[^\s>]+?)\s*-->|\\claim\{(?P<tex>[^}]+)\}")


@dataclass(frozen=True)
class Uncovered:
    """A number that no claim covers.

    Attributes:
        number: as printed.
        line: its line, from 1.
        column: its column, from 1.
        context: the line's text.
        reason: why it is not covered.
    """

    number: str
    line: int
    column: int
    context: str
    reason: str

    def as_dict(self) -> dict[str, str | int]:
        """The record as plain values."""
        return asdict(self)


def scan_document(
    text: str, covered: Iterable[str], *, latex: bool = False, code: bool = False
) -> list[Uncovered]:
    """Numbers of a document whose digits no claim prints.

    A number is covered when a claim prints the same digits: `12.8` covers `-12.8 points` but not
    `12.80`. Dates, versions, citations, references and numbers in code are left out.

    Args:
        text: the document.
        covered: figures as claims print them.
        latex: whether it is LaTeX.
        code: whether numbers in code count too.
    """
    known = {digits for figure in covered for digits in _all_digits(figure)}
    return [
        _uncovered(number)
        for number in numbers_in(text, latex=latex, code=code)
        if number.digits not in known
    ]


def unknown_anchors(text: str, ids: Iterable[str]) -> list[str]:
    """Anchors of a document that name no claim."""
    known = set(ids)
    named = [m["md"] or m["tex"] for m in ANCHOR.finditer(text)]
    return sorted({name for name in named if name not in known})


def figures_of(file: ClaimsFile, checked: Iterable[Checked] | None = None) -> set[str]:
    """Every figure that the claims of a file print or use: those the file vouches for."""
    verdicts = check_claims(file) if checked is None else checked
    figures = {c.printed for c in verdicts}
    for name in used_names(file):
        for printed in (file.totals, file.facts):
            if name in printed:
                figures.add(str(printed[name]))
        if name in file.tables:
            figures |= {str(cell) for row in file.tables[name].rows for cell in row}
    return figures


def used_names(file: ClaimsFile) -> set[str]:
    """Names that some claim depends on, directly or through other names."""
    waiting = {claim.each for claim in file.claim if claim.each}
    for claim in file.claim:
        for _, expression in claim_expressions(claim):
            waiting |= names_in(expression)
    used: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in used:
            continue
        used.add(name)
        waiting |= _names_behind(file, name)
    return used


def stored_figures(store: Path, document: str) -> set[str]:
    """Figures of the claims that a store keeps on a document (all documents where it is empty)."""
    from store import committed, open_store

    rows = committed(open_store(store), "claims").to_pylist()
    return {row["printed"] for row in rows if row["printed"] and document in ("", row["document"])}


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


def _names_behind(file: ClaimsFile, name: str) -> set[str]:
    if name in file.values:
        value = file.values[name]
        expression = value if isinstance(value, str) else value.expr
        return names_in(expression) if expression else set()
    derived: Mapping[str, str] = file.tables[name].derived if name in file.tables else {}
    return {used for expression in derived.values() for used in names_in(expression)}


def _all_digits(figure: str) -> set[str]:
    return {number.digits for number in numbers_in(figure)} | {bare(figure)}


def _uncovered(number: Number) -> Uncovered:
    return Uncovered(
        number=number.text,
        line=number.line,
        column=number.column,
        context=number.context,
        reason="no claim prints it",
    )
