"""`steerstat report`: write the report of a store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, cast

import typer

from analysis.vocabulary import ReportFormat
from store.cli.options import AsJson, Store

app = typer.Typer(add_completion=False, help="Write the report page.")


@app.command()
def report(
    store: Store,
    formats: Annotated[
        str, typer.Option("--format", help="Any of md, html, tex, with commas.")
    ] = "md,html",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the report; by default STORE.")
    ] = None,
    brief: Annotated[
        bool,
        typer.Option(
            "--brief", help="Print what each direction comes to, in a few lines; write nothing."
        ),
    ] = False,
    json_: AsJson = False,
) -> None:
    """Write the report of STORE: verdicts, every table and figure, gates and provenance.

    Example: steerstat report runs/demo --brief
    """
    if brief:
        from analysis.report.brief import brief_json, brief_text
        from store.layout import open_store

        typer.echo((brief_json if json_ else brief_text)(open_store(store)))
        return
    from analysis.report import write_report

    chosen = [cast("ReportFormat", name.strip()) for name in formats.split(",") if name.strip()]
    written = [str(path) for path in write_report(store, out, chosen)]
    typer.echo(json.dumps(written) if json_ else "\n".join(written))
