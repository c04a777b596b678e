"""The results tables of a store as files for a paper: booktabs LaTeX, Markdown, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from analysis.figures.figure import file_part
from analysis.report.document import Grid, flat
from analysis.tables.readings import Source, opened
from analysis.vocabulary import TableFormat, all_checked


def results_grids(store: Source) -> list[Grid]:
    """Every results table of the report, the verdicts first.

    Raises:
        ValueError: Two tables have one name: an error in the report.
    """
    from analysis.report.content import content

    grids = [block for block in flat(content(opened(store))) if isinstance(block, Grid)]
    names = [file_part(grid.name).casefold() for grid in grids]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two tables have the name {twice[0]!r}")
    return sorted(grids, key=lambda grid: not grid.name.startswith("verdicts-"))


def write_tables(store: Source, folder: Path, formats: Sequence[TableFormat]) -> list[Path]:
    """Write each results table into `folder` in each format; rounded as in the report.

    Raises:
        UserError: No format or an unknown one.
    """
    from store.layout import write_atomically

    all_checked(formats, TableFormat, "format")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for grid in results_grids(store):
        for form in formats:
            path = folder / f"{file_part(grid.name)}.{form}"
            write_atomically(path, grid_text(grid, form).encode())
            written.append(path)
    return written


def grid_text(grid: Grid, form: TableFormat) -> str:
    """One table in one format."""
    if form == "tex":
        from analysis.report.latex import grid_latex

        return grid_latex(grid)
    if form == "md":
        from analysis.report.markdown import grid_markdown

        return grid_markdown(grid) + "\n"
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    # A program reads CSV: plain minus signs, and an empty cell where there is no figure.
    writer.writerow(grid.head)
    writer.writerows([["" if c == "–" else c.replace("−", "-") for c in row] for row in grid.rows])
    return out.getvalue()
