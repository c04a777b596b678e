"""Which numbers of a document no claim covers, by the place where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.claims.binding import Environment, Rows, claim_expressions
from analysis.claims.documents import Document
from analysis.claims.errors import ExpressionError, ImpossibleError, NoEvidenceError
from analysis.claims.expression import names_in
from analysis.claims.numbers import Number, numbers_in
from analysis.claims.parsing import parse_document
from analysis.claims.printed import plain
from analysis.claims.reader import FACTORS, find_numbers
from analysis.claims.schema import Claim, ClaimsFile


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


@dataclass(frozen=True)
class Cover:
    """What a claim vouches for, and where.

    Attributes:
        printed: a figure as the claim prints it.
        where: its places, as the claim names them, apart by semicolons; empty for anywhere.
    """

    printed: str
    where: str = ""


def scan_document(
    text: str,
    covered: Iterable[Cover | str],
    *,
    latex: bool = False,
    code: bool = False,
    claims: Iterable[str] = (),
) -> list[Uncovered]:
    """Numbers of a document that no claim covers where they stand.

    A number is covered by an anchor of a claim around it, or by a claim that prints the same
    figure and names its place: headings above it ("Methods", "Analysis, hypothesis 1"), "header"
    for what is above the first of them, "table 2", "line 12", "anywhere". A claim without a place
    covers its figure anywhere. `12.8` and `-12.8 points` are not the same figure, nor `12.80`;
    a sign may be left out, and in a table the unit. Dates, versions, citations and references are
    left out.

    Args:
        text: the document.
        covered: figures with their places, or as they are printed, for anywhere.
        latex: whether it is LaTeX.
        code: whether numbers in code count too.
        claims: ids of claims, whose anchors cover what they show.
    """
    document = parse_document(text, latex=latex, code=code)
    known: dict[tuple[str, bool], set[str]] = {}
    for cover in covered:
        printed, where = (cover, "") if isinstance(cover, str) else (cover.printed, cover.where)
        for figure in _figures(printed):
            known.setdefault(figure, set()).add(where)
    ids = set(claims)
    shown = [(a.start, a.end) for a in document.anchors if a.claim in ids]
    left = []
    for number in numbers_in(document):
        if any(start <= number.start < end for start, end in shown):
            continue
        places = _places_for(number, document, known)
        if any(_stands_at(number, document, where) for where in places):
            continue
        left.append(
            _uncovered(number, "no claim prints it here" if places else "no claim prints it")
        )
    return left


def covers_of(file: ClaimsFile, *, rows: Rows | None = None) -> list[Cover]:
    """What the claims of a file vouch for: what they print and the figures they follow from."""
    environment = Environment(file, rows)
    return [cover for claim in file.claim for cover in _covers(claim, environment)]


def claim_ids(file: ClaimsFile) -> list[str]:
    """Ids of the claims of a file, each row's own."""
    environment = Environment(file)
    return [
        _filled(environment, claim.id, environment.row(claim, key))
        for claim in file.claim
        for key in environment.row_keys(claim)
    ]


def unknown_places(text: str, covered: Iterable[Cover], *, latex: bool = False) -> list[str]:
    """Places that claims name and that a document does not have."""
    document = parse_document(text, latex=latex)
    parts = {part for cover in covered for part in _parts(cover.where)}
    paths = [set(_words(document.path_of(start))) for start, _, _ in document.headings]
    return sorted(
        part
        for part in parts
        if not _plain_place(part) and not any(set(_words(part)) <= path for path in paths)
    )


def unknown_anchors(text: str, ids: Iterable[str], *, latex: bool = False) -> list[str]:
    """Anchors of a document that name no claim."""
    named = {anchor.claim for anchor in parse_document(text, latex=latex).anchors}
    return sorted(named - set(ids))


def used_names(file: ClaimsFile) -> set[str]:
    """Names that some claim depends on, directly or through other names."""
    return {name for claim in file.claim for name in _names_of(claim, file)}


def stored_figures(store: Path, document: str) -> set[str]:
    """Figures of the claims that a store keeps on a document (all documents where it is empty)."""
    from store import committed, open_store

    rows = committed(open_store(store), "claims").to_pylist()
    return {row["printed"] for row in rows if row["printed"] and document in ("", row["document"])}


def _covers(claim: Claim, environment: Environment) -> Iterator[Cover]:
    file = environment.file
    names = _names_of(claim, file)
    shared = [str(part[n]) for part in (file.totals, file.facts) for n in names if n in part]
    for name in names:
        if name in file.tables and name != claim.each:
            shared += [str(cell) for row in file.tables[name].rows for cell in row]
    for number, key in enumerate(environment.row_keys(claim)):
        row = environment.row(claim, key)
        cells = list(map(str, file.tables[claim.each].rows[number])) if claim.each else []
        printed = _filled(environment, claim.printed, row)
        where = _filled(environment, claim.where, row)
        for figure in (printed, *cells, *shared):
            yield Cover(figure, where)


def _filled(environment: Environment, text: str | int | None, row: Mapping[str, Any]) -> str:
    """A template filled in; as it stands where that cannot be."""
    try:
        return environment.fill(str(text or ""), row)
    except (ExpressionError, ImpossibleError, NoEvidenceError):
        return str(text or "")


def _names_of(claim: Claim, file: ClaimsFile) -> set[str]:
    """Names that a claim depends on, directly or through other names."""
    waiting = {claim.each} if claim.each else set()
    for _, expression in claim_expressions(claim):
        waiting |= names_in(expression)
    for text in (str(claim.printed or ""), claim.text, claim.note):
        waiting |= set(re.findall(r"\{(\w+)", text))
    used: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting |= _names_behind(file, name)
    return used


def _names_behind(file: ClaimsFile, name: str) -> set[str]:
    if name in file.values:
        value = file.values[name]
        expression = value if isinstance(value, str) else value.expr
        return names_in(expression) if expression else set()
    derived: Mapping[str, str] = file.tables[name].derived if name in file.tables else {}
    return {used for expression in derived.values() for used in names_in(expression)}


def _figures(printed: str) -> list[tuple[str, bool]]:
    """The digits of each figure of a printed text, and whether they are of percent or points."""
    found = list(find_numbers(plain(printed)))
    unit = found[-1].unit if found else ""
    pairs = [(_digits(n.mantissa, n.power), _share(n.unit or unit)) for n in found]
    return pairs + [(_digits(n.spread, ""), _share(n.unit or unit)) for n in found if n.spread]


def _share(unit: str) -> bool:
    return FACTORS.get(unit, 1.0) == FACTORS["%"]


def _digits(mantissa: str, power: str) -> str:
    """Digits without thousands separators or a zero before the point, with their power of ten."""
    found = next(find_numbers(f"{mantissa}{power}"))
    digits = re.sub(r"[^\d.]", "", mantissa)
    digits = digits[1:] if digits.startswith("0.") else digits
    return f"{digits}e{found.exponent}" if power else digits


def _places_for(
    number: Number, document: Document, known: Mapping[tuple[str, bool], set[str]]
) -> set[str]:
    """Where claims print the figure that a number shows."""
    (digits, share), *spread = _figures(number.text)
    share = share or number.share
    places = set(known.get((digits, share), ()))
    in_table = any(a <= number.position < b for a, b in (grid.span for grid in document.tables))
    if in_table and not share:
        places |= known.get((digits, True), set())
    if spread and not known.get((spread[0][0], share)):
        return set()
    return places


def _stands_at(number: Number, document: Document, where: str) -> bool:
    """Whether a number stands at one of the places that a claim names."""
    parts = _parts(where)
    return not parts or any(_stands_in(number, document, part) for part in parts)


def _stands_in(number: Number, document: Document, part: str) -> bool:
    path = document.path_of(number.position)
    named = _plain_place(part)
    if named is None:
        return set(_words(part)) <= set(_words(path))
    kind, first, last = named
    if kind == "line":
        return first <= number.line <= last
    if kind == "table":
        spans = [grid.span for grid in document.tables[first - 1 : last]]
        return any(start <= number.position < end for start, end in spans)
    return kind == "anywhere" or " / " not in path


def _plain_place(part: str) -> tuple[str, int, int] | None:
    """A place that is no heading: its kind, and from which to which number."""
    match = re.fullmatch(r"(line|table)s?\s+(\d+)(?:\s*[-–]\s*(\d+))?", part.lower())
    if match:
        return match[1], int(match[2]), int(match[3] or match[2])
    return (part.lower(), 0, 0) if part.lower() in ("anywhere", "header") else None


def _parts(where: str) -> list[str]:
    return [part.strip() for part in where.split(";") if part.strip()]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+(?:-\w+)*", text.lower())


def _uncovered(number: Number, reason: str) -> Uncovered:
    return Uncovered(
        number=number.text,
        line=number.line,
        column=number.column,
        context=number.context,
        reason=reason,
    )
