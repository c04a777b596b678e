"""Propose claims for the tables of a Markdown or LaTeX document that are recognised.

A table whose columns hold figures becomes a `[tables.NAME]`; accuracies with a known number of
problems are checked for being possible, changes are recomputed from them, and sums against parts.
What cannot be bound is listed as a comment, for the author to bind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from analysis.claims.numbers import numbers_in
from analysis.claims.printed import Figure, parse_figure

_ACCURACY = ("accuracy", "acc", "correct", "score", "solved")
_CHANGE = ("change", "delta", "δ", "diff", "difference", "degradation", "improvement", "gain")
_COUNT = ("count", "problems", "n", "number")
_BASELINE = re.compile(r"(?i)baseline|^[α a-z=]*[+-]?0(\.0+)?$")
_P = re.compile(r"\bp\s*[<=>≤]\s*0?\.\d+")


@dataclass
class Grid:
    """A table as found in a document.

    Attributes:
        name: made of the heading above it.
        header: its column names as printed.
        rows: its cells, emphasis removed.
        line: where it starts.
    """

    name: str
    header: list[str]
    rows: list[list[str]] = field(default_factory=list)
    line: int = 0


def draft_claims(
    text: str,
    *,
    title: str,
    path: str = "",
    n: int | None = None,
    bind: Callable[[Grid], tuple[str, list[str]]] | None = None,
) -> str:
    """A claims file (TOML) for the tables of a document.

    Args:
        text: the document, Markdown.
        title: of the document.
        path: of the document, for the claims file.
        n: number of problems behind the accuracies.
        bind: proposes TOML for a table first, as `draft_bound.StoreBinder` does from a store.

    Returns:
        TOML that `load_claims` reads, with comments where the author has to decide.
    """
    parts = [f"[document]\ntitle = {quoted(title)}"]
    if path:
        parts[0] += f"\npath = {quoted(path)}"
    tables, claims = [], []
    totals = {"n_problems": str(n)} if n else {}
    for grid in find_tables(text):
        table, proposed = bind(grid) if bind is not None else ("", [])
        if not table:
            table, proposed = _propose(grid, totals, n)
        if table:
            tables.append(table)
            claims += proposed
    if totals:
        lines = [f"{name} = {quoted(value)}" for name, value in totals.items()]
        parts.append("[totals]\n" + "\n".join(lines))
    return "\n\n".join([*parts, *tables, *claims, *_comments(text)]) + "\n"


def find_tables(text: str) -> Iterator[Grid]:
    """The pipe tables of a Markdown document, or the tabulars of a LaTeX one."""
    heading, grid = "table", None
    names: dict[str, int] = {}
    for number, line in enumerate([*map(_from_latex, text.splitlines()), ""], 1):
        if line.lstrip().startswith("#"):
            heading = line.lstrip("# ").strip()
        cells = _cells(line)
        if cells is None:
            if grid is not None and grid.rows:
                yield grid
            grid = None
        elif all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            continue
        elif grid is None:
            name = identifier(heading)
            names[name] = names.get(name, 0) + 1
            suffix = f"_{names[name]}" if names[name] > 1 else ""
            grid = Grid(name + suffix, cells, line=number)
        else:
            grid.rows.append((cells + [""] * len(grid.header))[: len(grid.header)])


def _propose(grid: Grid, totals: dict[str, str], n: int | None) -> tuple[str, list[str]]:
    """TOML of a table and its claims; nothing where it holds no recognised column."""
    accuracy = column_called(grid, _ACCURACY, "%")
    count = column_called(grid, _COUNT, "")
    if accuracy is None and count is None:
        return "", []
    columns = ["row", *(identifier(h) for h in grid.header[1:])]
    if len(set(columns)) < len(columns) or len({r[0] for r in grid.rows}) < len(grid.rows):
        return "", []
    rows = [[bare_row(r[0]), *r[1:]] for r in grid.rows]
    derived, claims = "", []
    if accuracy is not None and n is not None:
        derived = f'\nderived.right = "whole({columns[accuracy]}, n_problems)"'
        claims.append(_possible(grid, columns[accuracy]))
        claims += _changes(grid, columns, rows, totals)
    elif accuracy is None and count is not None:
        claims += _sums(grid, columns, rows, count)
    if not claims:
        return "", []
    return table_toml(grid.name, columns, rows) + derived, claims


def table_toml(name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A `[tables.NAME]` of printed cells."""
    body = ",\n".join(f"  {json.dumps(list(row), ensure_ascii=False)}" for row in rows)
    header = json.dumps(list(columns), ensure_ascii=False)
    return f"[tables.{name}]\ncolumns = {header}\nrows = [\n{body},\n]"


def _possible(grid: Grid, column: str) -> str:
    return claim_toml(
        id=f"{grid.name}.{column}[{{row}}]",
        kind="value",
        where=f"line {grid.line}",
        each=grid.name,
        text=f"{column} of {{row}}",
        printed=f"{{{column}}}",
        expr="right / n_problems",
    )


def _changes(
    grid: Grid, columns: Sequence[str], rows: list[list[str]], totals: dict[str, str]
) -> list[str]:
    """Changes against the baseline row, where both are in the table."""
    change = column_called(grid, _CHANGE, "pts")
    base = next((row for row in rows if any(_BASELINE.search(cell) for cell in row)), None)
    if change is None or base is None:
        return []
    # The baseline's own change is a word ("baseline"), so each row gets a claim of its own.
    return [
        claim_toml(
            id=f"{grid.name}.{columns[change]}.{number}",
            kind="value",
            where=f"line {grid.line}",
            text=f"{columns[change]} of {row[0]}",
            printed=f"{{{grid.name}[{row[0]!r}].{columns[change]}}}",
            expr=f"({grid.name}[{row[0]!r}].right - {grid.name}[{base[0]!r}].right) / n_problems",
        )
        for number, row in enumerate(rows, 1)
        if isinstance(figure_or_none(row[change]), Figure)
    ]


def _sums(grid: Grid, columns: Sequence[str], rows: list[list[str]], count: int) -> list[str]:
    """A total row against its parts."""
    last = rows[-1]
    if not re.search(r"(?i)total|all|sum", last[0]) or len(rows) < 3:
        return []
    parts = " + ".join(f"{grid.name}[{row[0]!r}].{columns[count]}" for row in rows[:-1])
    return [
        claim_toml(
            id=f"{grid.name}.total",
            kind="count",
            where=f"line {grid.line}",
            text=f"{last[0]} is the sum of its parts",
            printed=f"{{{grid.name}[{last[0]!r}].{columns[count]}}}",
            expr=parts,
        )
    ]


def _comments(text: str) -> list[str]:
    """p-values in prose, which an author has to bind to counts."""
    prose = (line for line in text.splitlines() if not line.startswith("|"))
    p_values = [p for line in prose for p in _P.findall(line)]
    loose = [number.text for number in numbers_in(text) if not _in_table(number.context)]
    lines = [f"# bind: {p}" for p in dict.fromkeys(p_values)]
    if loose:
        lines.append(f"# numbers in prose, not drafted: {', '.join(dict.fromkeys(loose))}")
    return lines


def claim_toml(**keys: str) -> str:
    """A `[[claim]]` of text values."""
    return "\n".join(["[[claim]]", *(f"{key} = {quoted(value)}" for key, value in keys.items())])


def column_called(grid: Grid, words: Sequence[str], unit: str) -> int | None:
    """The column that is called one of the words, or whose figures mostly have the unit."""
    for index, header in enumerate(grid.header[1:], 1):
        figures = [figure_or_none(row[index]) for row in grid.rows]
        known = [f for f in figures if f is not None]
        named = any(re.search(rf"(?i)(?<![a-z]){word}(?![a-z])", header) for word in words)
        in_unit = unit and sum(f.unit == unit for f in known) * 2 > len(grid.rows)
        fits = all(f.unit == unit for f in known) or unit == "pts"
        if known and (in_unit or (named and fits)):
            return index
    return None


def figure_or_none(cell: str) -> Figure | None:
    """The figure of a cell, None where it is a word."""
    try:
        return parse_figure(cell)
    except ValueError:
        return None


def _from_latex(line: str) -> str:
    r"""A row `a & b \\` of a tabular as a Markdown row, a heading as a Markdown heading."""
    if re.fullmatch(r"\s*\\(?:hline|toprule|midrule|bottomrule|[cx]?(?:mid)?line\S*)\s*", line):
        return "|---|"
    section = re.match(r"\\(?:sub)*section\*?\{([^}]*)\}|\\caption\{([^}]*)\}", line.strip())
    if section:
        return f"# {section[1] or section[2]}"
    if line.lstrip().startswith("|") or not re.search(r"(?<!\\)&.*\\\\", line):
        return "" if re.match(r"\s*\\(begin|end)\{", line) else line
    row = re.sub(r"\\(?:hline|toprule|midrule|bottomrule)|\\\\(?:\[[^\]]*\])?.*$", "", line)
    row = re.sub(r"\\(?:textbf|emph|textit|mathbf)\{([^}]*)\}|\$", r"\1", row)
    return "| " + " | ".join(re.split(r"(?<!\\)&", row.replace("\\%", "%"))) + " |"


def _cells(line: str) -> list[str] | None:
    if not line.strip().startswith("|"):
        return None
    cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
    return [re.sub(r"\*\*|__|`", "", cell).strip() for cell in cells]


def _in_table(context: str) -> bool:
    return context.startswith("|")


def bare_row(cell: str) -> str:
    """The name of a row without characters that expressions need for themselves."""
    return re.sub(r"[\"'\\{}]", "", cell)


def identifier(text: str) -> str:
    """A name made of the first words of a heading."""
    words = re.findall(r"[a-z0-9]+", text.lower())[:4]
    name = "_".join(words) or "column"
    return name if name[0].isalpha() else f"t_{name}"


def quoted(text: str) -> str:
    """A TOML string."""
    return json.dumps(text, ensure_ascii=False)
