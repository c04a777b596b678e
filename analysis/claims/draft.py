"""Propose claims for the tables of a Markdown or LaTeX document.

Every table that holds numbers becomes a `[tables.NAME]`. Accuracies of a known number of problems
are checked for being possible, changes are recomputed from them, and totals against their parts.
What a column is, and in which unit, is inferred from its heading and its cells; what was inferred,
and what could not be bound, is said in a comment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.claims.documents import Document, Grid
from analysis.claims.grim import possible_counts
from analysis.claims.numbers import numbers_in
from analysis.claims.parsing import parse_document
from analysis.claims.printed import Figure, parse_figure
from analysis.claims.reader import FACTORS

_ACCURACY = ("accuracy", "accuracies", "acc", "correct", "score", "solved", "em", "exact match")
_CHANGE = (
    *("change", "delta", "δ", "diff", "difference", "degradation", "improvement", "gain"),
    *("effect", "drop"),
)
_COUNT = ("count", "counts", "problems", "n", "number", "total")
_DOSE = ("alpha", "α", "dose", "coefficient", "strength", "seed", "layer", "step")
_P = ("p", "p-value", "p value")
_BASELINE = re.compile(
    r"(?i)baseline|\bno steering\b|\bunsteered\b|^none$|^[α a-z=]*[+-]?0(\.0+)?$"
)
_MEAN = re.compile(r"(?i)\bmean\b|\baverage\b|\bavg\b|\bmedian\b|±")
# A mean is no share of problems, and a probe's accuracy is not one of these problems.
OTHER_SHARE = re.compile(
    r"(?i)\b(?:mean|average|avg|median|std|probes?|probing|classifiers?|tokens?|train(?:ing)?|"
    r"validation|dev)\b|±|\+/-"
)
# Rows of a table that begins so are parts of the problems, or other problems.
PARTS = re.compile(
    r"(?i)\b(?:strat(?:um|a)|difficulty|steps?|operations?|subsets?|splits?|categor(?:y|ies)|"
    r"types?|groups?|bins?|quartiles?|datasets?|tasks?|benchmarks?)\b"
)
SIZES = re.compile(r"(?i)\W*(?:n|size|total|(?:number of )?(?:problem|question|sample|item)s?)\W*")
_BASE_COLUMN = re.compile(r"(?i)\b(?:base|baseline|before|unsteered|no steering)\b")
_OTHERWISE = re.compile(r"(?i)\b(?:vs|versus|over|from|against|to|than)\b")
_DOWN = re.compile(r"(?i)\b(?:drop|degradation|decrease|loss)\b")
_PROSE_P = re.compile(r"\b[pP]\s*[<=>≤]\s*0?\.\d+")


@dataclass(frozen=True)
class Column:
    """What a column of a table is taken for.

    Attributes:
        index: its place.
        name: its name in the claims file.
        kind: `accuracy`, `change`, `count`, `p`, `dose`, `figure` (some number) or `words`.
        unit: unit of its cells that none is printed in: "%", "pts" or nothing.
        share: whether its accuracies are fractions, 0.326 for 32.6 %.
        inferred: what was inferred, for the author to see; empty where it is printed.
    """

    index: int
    name: str
    kind: str
    unit: str = ""
    share: bool = False
    inferred: str = ""


@dataclass(frozen=True)
class Drafted:
    """What was made of one table.

    Attributes:
        toml: its `[tables.NAME]`, or nothing.
        claims: the claims on it.
        notes: what was inferred and what was left out, each in a sentence.
    """

    toml: str = ""
    claims: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


Binder = Callable[[Grid, str], Drafted]


def draft_claims(
    text: str,
    *,
    title: str,
    path: str = "",
    n: int | None = None,
    latex: bool = False,
    bind: Binder | None = None,
) -> str:
    """A claims file (TOML) for the tables of a document.

    Args:
        text: the document.
        title: of the document.
        path: of the document, for the claims file.
        n: number of problems behind the accuracies.
        latex: whether the document is LaTeX, else Markdown.
        bind: proposes claims for a table first, as `draft_bound.StoreBinder` does from a store.

    Returns:
        TOML that `load_claims` reads, with comments where the author has to decide.
    """
    document = parse_document(text, latex=latex)
    parts = [f"[document]\ntitle = {quoted(title)}"]
    if path:
        parts[0] += f"\npath = {quoted(path)}"
    if n:
        parts.append(f'[totals]\nn_problems = "{n}"')
    tables: list[str] = []
    claims: list[str] = []
    notes: list[str] = []
    for grid, name in named_tables(document, taken=("n_problems",)):
        drafted = bind(grid, name) if bind is not None else Drafted()
        if not drafted.toml:
            left = drafted.notes
            drafted = _propose(grid, name, n)
            drafted = Drafted(drafted.toml, drafted.claims, (*left, *drafted.notes))
        tables += [drafted.toml] if drafted.toml else []
        claims += drafted.claims
        notes += [f"# table at line {grid.line} ({name}): {note}" for note in drafted.notes]
    return "\n\n".join([*parts, *tables, *claims, *notes, *_comments(document)]) + "\n"


def named_tables(document: Document, *, taken: Sequence[str] = ()) -> list[tuple[Grid, str]]:
    """The tables of a document, each with a name of its own, made of the heading above it."""
    names: list[str] = list(taken)
    found = []
    for grid in document.tables:
        name = base = identifier(grid.name or "table")
        number = 1
        while name in names:
            number += 1
            name = f"{base}_{number}"
        names.append(name)
        found.append((grid, name))
    return found


def columns_of(grid: Grid) -> list[Column]:
    """What each column of a table is, by its heading, else by its cells."""
    names: list[str] = []
    columns = []
    for index, header in enumerate(grid.header):
        name = base = identifier(re.sub(r"\([^)]*\)", "", header) or f"column {index + 1}")
        number = 1
        while name in names or name == "row":
            number += 1
            name = f"{base}_{number}"
        names.append(name)
        columns.append(_column(grid, index, name, header))
    return columns


def _column(grid: Grid, index: int, name: str, header: str) -> Column:
    figures = [f for row in grid.rows if (f := figure_or_none(row[index].text)) is not None]
    if not figures:
        return Column(index, name, "words")
    units = {f.unit for f in figures if f.unit}
    kind = _kind(header, units)
    if kind == "accuracy" and re.search(r"(?i)\b(?:correct|solved)\b", header):
        whole = all(not f.unit and not f.digits for f in figures)
        if whole and not re.search(r"(?i)%|percent|\bacc", header):
            kind = "count"
    unit = ""
    if kind in ("accuracy", "change") and not all(FACTORS.get(f.unit) == 0.01 for f in figures):
        said = re.search(r"%|percent|\bpts?\b|\bpp\b|points", header)
        beyond = any(abs(f) > 1 and not f.unit for f in figures)
        if said or beyond:
            unit = "%" if kind == "accuracy" else "pts"
        inferred = "" if said else _inferred(header, kind, beyond)
        return Column(index, name, kind, unit, not unit and kind == "accuracy", inferred)
    return Column(index, name, kind, unit)


def _inferred(header: str, kind: str, beyond: bool) -> str:
    unit = "percent" if kind == "accuracy" else "points"
    if beyond:
        return f"{header!r} names no unit; as numbers go beyond 1 it was read as {unit}"
    return f"{header!r} names no unit; as no number goes beyond 1 it was read as fractions"


def _kind(header: str, units: set[str]) -> str:
    """What a column is called, else what its unit says."""
    for kind, names in (
        ("dose", _DOSE),
        ("p", _P),
        ("change", _CHANGE),
        ("accuracy", _ACCURACY),
        ("count", _COUNT),
    ):
        if _says(header, names):
            return kind
    if units and all(FACTORS.get(unit) == 0.01 for unit in units):
        return "accuracy" if units == {"%"} else "change"
    return "change" if re.search(r"[Δδ]", header) else "figure"


def _says(header: str, names: Sequence[str]) -> bool:
    """Whether a heading has one of some names as a word."""
    words = re.sub(r"\([^)]*\)", "", header).strip().lower()
    return any(re.search(rf"(?<![a-z]){re.escape(name)}(?![a-z])", words) for name in names)


def _accuracies(grid: Grid, columns: Sequence[Column]) -> list[Column]:
    """The columns that are shares of the problems: those called so, else the first of percent.

    Where one is called the baseline, all of percent are.
    """
    shares = [c for c in columns if c.kind == "accuracy"]
    called = [c for c in shares if _says(grid.header[c.index], _ACCURACY)]
    based = any(_BASE_COLUMN.search(grid.header[c.index]) for c in shares)
    return called or (shares if based else shares[:1])


@dataclass(frozen=True)
class _Shares:
    """How the accuracies of a table are bound.

    Attributes:
        columns: of accuracies.
        size: the column of its rows' numbers of problems, if it has one.
        n: number of problems of a table that has none.
    """

    columns: tuple[Column, ...]
    size: Column | None
    n: int | None

    def right(self, column: Column) -> str:
        """The name of a column's counts."""
        return "right" if column == self.columns[0] else f"right_{column.name}"

    def of(self, row: Sequence[str]) -> int | None:
        """The number of problems of a row; None where it is not known."""
        if self.size is None:
            return self.n
        figure = figure_or_none(row[self.size.index + 1])
        return int(figure) if figure is not None and figure >= 1 and figure.is_integer() else None

    def share(self, name: str, key: str, column: Column) -> str:
        """The expression of a row's share."""
        of = "n_problems" if self.size is None else f"{name}[{key!r}].{self.size.name}"
        return f"{name}[{key!r}].{self.right(column)} / {of}"

    def change(self, name: str, up: tuple[str, Column], down: tuple[str, Column]) -> str:
        """The expression of one row's share less another's."""
        if self.size is not None:
            return f"{self.share(name, *up)} - {self.share(name, *down)}"
        more, less = (f"{name}[{key!r}].{self.right(column)}" for key, column in (up, down))
        return f"({more} - {less}) / n_problems"


def _propose(grid: Grid, name: str, n: int | None) -> Drafted:
    """A table and its claims, from the table alone."""
    columns = columns_of(grid)
    if all(column.kind == "words" for column in columns):
        return Drafted(notes=("it holds no numbers",))
    keys = row_keys(grid, columns)
    rows = [
        [key, *(_in_unit(row[c.index].text, c) for c in columns)]
        for key, row in zip(keys, grid.rows, strict=True)
    ]
    notes = [column.inferred for column in columns if column.inferred]
    claims: list[str] = []
    derived = ""
    bound = _accuracies(grid, columns)
    size = next(
        (c for c in columns if c.kind == "count" and SIZES.fullmatch(grid.header[c.index])), None
    )
    shares = _Shares(tuple(bound), size, n)
    if bound and n is None and size is None:
        notes += [f"pass --n to check {grid.header[column.index]!r}" for column in bound]
    elif bound:
        of = "n_problems" if size is None else size.name
        derived = "".join(f'\nderived.{shares.right(c)} = "whole({c.name}, {of})"' for c in bound)
        left: dict[tuple[str, Column], str] = {}
        for column in bound:
            claims += _possible(grid, name, column, keys, rows, shares, left)
        changes, bare = _changes(grid, name, columns, keys, rows, shares, left)
        claims += changes
        notes += [*dict.fromkeys(left.values()), *bare]
    claims += _sums(grid, name, columns, keys, rows)
    used = {"dose", "words"} | ({"change", "count"} if claims else set())
    for column in columns:
        if column.kind not in used and column not in bound:
            notes.append(f"{grid.header[column.index]!r} is not bound: give it an expression")
    return Drafted(
        table_toml(name, ["row", *(c.name for c in columns)], rows) + derived,
        tuple(claims),
        tuple(notes),
    )


def row_keys(grid: Grid, columns: Sequence[Column]) -> list[str]:
    """A name for each row: its first cells, as many as tell the rows apart, else its number."""
    for length in range(1, len(grid.header) + 1):
        names = [
            bare_row(" ".join(cell.text for cell in row[:length] if cell.text)) for row in grid.rows
        ]
        if len(set(names)) == len(names) and all(names):
            return names
        if length < len(columns) and columns[length].kind in ("accuracy", "change", "p"):
            break
    return [str(number) for number in range(1, len(grid.rows) + 1)]


def _in_unit(cell: str, column: Column) -> str:
    """A cell with the unit of its column, where it prints none itself."""
    figure = figure_or_none(cell)
    if figure is None or figure.unit or not column.unit:
        return cell
    return f"{cell}{'' if column.unit == '%' else ' '}{column.unit}"


def _possible(
    grid: Grid,
    name: str,
    column: Column,
    keys: Sequence[str],
    rows: Sequence[Sequence[str]],
    shares: _Shares,
    left: dict[tuple[str, Column], str],
) -> list[str]:
    """Claims that accuracies are possible; `left` gets the cells that are none of n problems."""
    claims = []
    others = OTHER_SHARE.search(grid.header[column.index]) or (
        shares.size is None and PARTS.search(grid.header[0])
    )
    for key, row, cells in zip(keys, rows, grid.rows, strict=True):
        figure, n = figure_or_none(row[column.index + 1]), shares.of(row)
        if figure is None:
            continue
        if n is None:
            left[key, column] = f"{key!r}: its number of problems is not printed"
            continue
        mean = others or _MEAN.search(" ".join(cell.text for cell in cells))
        if mean and not possible_counts(figure, n):
            what = "a mean and" if not others else "of others, or a mean, and"
            left[key, column] = f"{key!r}: {figure.text} is {what} no whole number of {n} problems"
            continue
        claims.append(
            claim_toml(
                id=f"{name}.{column.name}.{key}",
                kind="value",
                where=f"line {cells[column.index].line or grid.line}",
                text=f"{column.name} of {key}",
                printed=f"{{{name}[{key!r}].{column.name}}}",
                expr=shares.share(name, key, column),
            )
        )
    return claims


def _changed(
    grid: Grid, change: Column, columns: Sequence[Column], bound: Sequence[Column]
) -> tuple[Column, Column | None] | str:
    """Which accuracy a change is of, and the one it is a change from where that is a column.

    It is the one whose name the change has, the only one, the one before it where each has its
    own, or that beside the baseline's column; else a sentence says why it is not known.
    """
    header = grid.header[change.index]
    if re.search(r"(?i)\brelative\b", header):
        return f"{header!r} is not bound: it is relative"
    if _OTHERWISE.search(header) and not _BASE_COLUMN.search(header):
        return f"{header!r} is not bound: it is no change from the baseline"
    words = set(re.findall(r"\w+", header.lower()))
    own = [set(re.findall(r"\w+", grid.header[c.index].lower())) for c in bound]
    shared = set.intersection(*own) if own else set()
    fitting = [c for c, mine in zip(bound, own, strict=True) if words & (mine - shared)]
    changes = [c for c in columns if c.kind == "change"]
    bases = [c for c in bound if _BASE_COLUMN.search(grid.header[c.index])]
    if len(bound) == 2 and len(bases) == len(changes) == 1:
        return next(c for c in bound if c not in bases), bases[0]
    if len(bound) == 1 or len(fitting) == 1:
        return (fitting or list(bound))[0], None
    before = [c for c in bound if c.index == change.index - 1]
    each = all(any(c.index == d.index - 1 for c in bound) for d in changes)
    if before and each and len(changes) == len(bound):
        return before[0], None
    return f"{header!r} is not bound: it may be of any of {len(bound)} accuracies"


def _changes(
    grid: Grid,
    name: str,
    columns: Sequence[Column],
    keys: Sequence[str],
    rows: Sequence[Sequence[str]],
    shares: _Shares,
    left: dict[tuple[str, Column], str],
) -> tuple[list[str], list[str]]:
    """Changes against the baseline, a row or a column, where both are in the table."""
    claims: list[str] = []
    notes: list[str] = []
    for change in (c for c in columns if c.kind == "change"):
        of = _changed(grid, change, columns, shares.columns)
        if isinstance(of, str):
            notes.append(of)
            continue
        some, bare = _changes_of(grid, name, change, of, keys, rows, shares, left)
        claims += some
        notes += bare
    return claims, notes


def _changes_of(
    grid: Grid,
    name: str,
    change: Column,
    of: tuple[Column, Column | None],
    keys: Sequence[str],
    rows: Sequence[Sequence[str]],
    shares: _Shares,
    left: dict[tuple[str, Column], str],
) -> tuple[list[str], list[str]]:
    """The changes of one column."""
    accuracy, base_column = of
    header = grid.header[change.index]
    named = [any(_BASELINE.search(cell.text) for cell in row) for row in grid.rows]
    bases = [
        key
        for key, is_base in zip(keys, named, strict=True)
        if is_base and (key, accuracy) not in left
    ]
    if not bases and base_column is None:
        return [], [f"{header!r} is not bound: no row is called the baseline"]
    base = bases[0] if bases else ""
    claims, notes = [], []
    for number, (key, row, cells) in enumerate(zip(keys, rows, grid.rows, strict=True), 1):
        # Of a table in parts each has its own baseline above it.
        base = key if key in bases else base
        figure = figure_or_none(row[change.index + 1])
        if figure is None:
            continue
        up, down = (
            (key, accuracy),
            ((base, accuracy) if base_column is None else (key, base_column)),
        )
        if up in left or down in left:
            notes.append(f"{key!r}: its change is not bound, as its accuracy is not")
            continue
        if figure_or_none(row[accuracy.index + 1]) is None:
            notes.append(f"{key!r}: its change is not bound, as no accuracy is beside it")
            continue
        # A drop of 3 points is printed without its minus.
        fallen = _DOWN.search(header) and not figure.signed and figure > 0
        claims.append(
            claim_toml(
                id=f"{name}.{change.name}.{number}",
                kind="value",
                where=f"line {cells[change.index].line or grid.line}",
                text=f"{change.name} of {key}",
                printed=f"{{{name}[{key!r}].{change.name}}}",
                expr=shares.change(name, *((down, up) if fallen else (up, down))),
            )
        )
    return claims, notes


def _sums(
    grid: Grid,
    name: str,
    columns: Sequence[Column],
    keys: Sequence[str],
    rows: Sequence[Sequence[str]],
) -> list[str]:
    """A total row against its parts."""
    count = next((c for c in columns if c.kind == "count"), None)
    if count is None or len(keys) < 3 or not re.search(r"(?i)\b(?:total|all|sum)\b", keys[-1]):
        return []
    if any(figure_or_none(row[count.index + 1]) is None for row in rows):
        return []
    return [
        claim_toml(
            id=f"{name}.total",
            kind="count",
            where=f"line {grid.rows[-1][count.index].line or grid.line}",
            text=f"{keys[-1]} is the sum of its parts",
            printed=f"{{{name}[{keys[-1]!r}].{count.name}}}",
            expr=" + ".join(f"{name}[{key!r}].{count.name}" for key in keys[:-1]),
        )
    ]


def _comments(document: Document) -> list[str]:
    """Numbers in prose, which an author has to bind."""
    spans = [grid.span for grid in document.tables]
    prose = document.text
    for start, end in spans:
        prose = prose[:start] + " " * (end - start) + prose[end:]
    lines = [f"# bind: {p}" for p in dict.fromkeys(_PROSE_P.findall(prose))]
    loose = [
        number.text
        for number in numbers_in(document)
        if not any(start <= number.position < end for start, end in spans)
    ]
    if loose:
        lines.append(f"# numbers in prose, not drafted: {', '.join(dict.fromkeys(loose))}")
    return lines


def table_toml(name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A `[tables.NAME]` of printed cells."""
    body = ",\n".join(f"  {json.dumps(list(row), ensure_ascii=False)}" for row in rows)
    header = json.dumps(list(columns), ensure_ascii=False)
    return f"[tables.{name}]\ncolumns = {header}\nrows = [\n{body},\n]"


def claim_toml(**keys: str) -> str:
    """A `[[claim]]` of text values."""
    return "\n".join(["[[claim]]", *(f"{key} = {quoted(value)}" for key, value in keys.items())])


def figure_or_none(cell: str) -> Figure | None:
    """The figure of a cell, None where it is a word."""
    try:
        return parse_figure(cell)
    except ValueError:
        return None


def bare_row(cell: str) -> str:
    """The name of a row without characters that expressions and templates need for themselves."""
    return re.sub(r"\s+", " ", re.sub(r"[\"'\\{}\[\]]", "", cell)).strip()


def identifier(text: str) -> str:
    """A name made of the first words of a heading."""
    words = re.findall(r"[a-z0-9]+", text.lower().replace("α", "alpha").replace("δ", "delta"))[:4]
    name = "_".join(words) or "column"
    return name if name[0].isalpha() else f"t_{name}"


def quoted(text: str) -> str:
    """A TOML string."""
    return json.dumps(text, ensure_ascii=False)
