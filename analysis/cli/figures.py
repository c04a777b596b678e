"""`steerstat figures`: render the figures of a store for print, or say which files are stale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sql.errors import UserError

app = typer.Typer(help="Render the figures and tables for print.")


@app.command()
def figures(
    store: Annotated[Path, typer.Argument(help="The store's folder.", show_default=False)],
    style: Annotated[
        str, typer.Option(help="nature, neurips, acl, slides or report: widths and type sizes.")
    ] = "nature",
    formats: Annotated[
        str, typer.Option("--format", help="Any of pdf, svg, png; tex, md, csv for tables.")
    ] = "pdf,svg,png",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the files. Default: STORE/figures.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Draw nothing; say which files are stale (exit 1).")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="A JSON object.")] = False,
) -> None:
    """Draw every figure of STORE at the exact column widths of a venue, with captions beside.

    With tex, md or csv among the formats the results tables are written too, into `tables/`.

    Example: steerstat figures runs/demo --style nature --format pdf,svg
    """
    from analysis.figures import files as library
    from analysis.report.table_files import TABLE_FORMATS, write_tables

    if check:
        stale = library.stale_figures(store, out)
        if json_:
            typer.echo(json.dumps(stale))
        else:
            for name, reason in stale.items():
                typer.echo(f"{name}: {reason}")
            typer.echo(f"{len(stale)} figures are stale" if stale else "current", err=True)
        raise typer.Exit(1 if stale else 0)
    chosen = [name.strip() for name in formats.split(",") if name.strip()]
    if not chosen:
        known = ", ".join((*library.FORMATS, *TABLE_FORMATS))
        raise UserError(f"no format given: any of {known}")
    tables = [name for name in chosen if name in TABLE_FORMATS]
    drawings = [name for name in chosen if name not in TABLE_FORMATS]
    written = []
    if drawings:
        written += library.write_figures(store, out, style=style, formats=drawings)
    if tables:
        written += write_tables(store, (out or store / "figures") / "tables", tables)
    if json_:
        typer.echo(json.dumps([str(path) for path in written]))
    else:
        for path in written:
            typer.echo(path)
