"""`steerstat figures`: render the figures of a store for print, or say which files are stale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from analysis.vocabulary import FigureFormat, PrintFormat, StyleName, TableFormat, all_checked
from store.cli.options import AsJson, Store

app = typer.Typer(add_completion=False, help="Render the figures and tables for print.")


@app.command()
def figures(
    store: Store,
    style: Annotated[
        str, typer.Option(help="nature, neurips, acl, slides or report: widths and type sizes.")
    ] = "nature",
    formats: Annotated[
        str, typer.Option("--format", help="Any of pdf, svg, png; tex, md, csv for tables.")
    ] = "pdf,svg,png",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the files; by default STORE/figures.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Draw nothing; say which files are stale (exit 1).")
    ] = False,
    json_: AsJson = False,
) -> None:
    """Draw every figure of STORE at the exact column widths of a venue, with captions beside.

    With tex, md or csv among the formats the results tables are written too, into `tables/`.

    Example: steerstat figures runs/demo --style nature --format pdf,svg
    """
    from analysis.figures import stale_figures, write_figures
    from analysis.report.table_files import write_tables

    if check:
        stale = stale_figures(store, out)
        if json_:
            typer.echo(json.dumps(stale))
        else:
            for name, reason in stale.items():
                typer.echo(f"{name}: {reason}")
            typer.echo(f"{len(stale)} figures are stale" if stale else "current", err=True)
        raise typer.Exit(1 if stale else 0)
    chosen = [name.strip() for name in formats.split(",") if name.strip()]
    all_checked(chosen, PrintFormat, "format")
    drawings = [cast("FigureFormat", name) for name in chosen if name in get_args(FigureFormat)]
    tables = [cast("TableFormat", name) for name in chosen if name in get_args(TableFormat)]
    written = []
    if drawings:
        written += write_figures(store, out, style=cast("StyleName", style), formats=drawings)
    if tables:
        written += write_tables(store, (out or store / "figures") / "tables", tables)
    if json_:
        typer.echo(json.dumps([str(path) for path in written]))
    else:
        for path in written:
            typer.echo(path)
