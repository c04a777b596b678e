"""`steerstat calibrate`: size, power and coverage of every method, by simulation."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from analysis.cli.showing import JsonOption

app = typer.Typer()


@app.command()
def calibrate(
    only: Annotated[
        str | None, typer.Option(help="Sections, comma-separated: pairs,controls,searches,…")
    ] = None,
    quick: Annotated[bool, typer.Option(help="A small grid and few data sets: seconds.")] = False,
    tables: Annotated[int | None, typer.Option(help="Draws of counts per setting.")] = None,
    searches: Annotated[
        int | None, typer.Option(help="Data sets per setting for what resamples each.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of every simulation.", min=0, max=2**63 - 1)] = 0,
    json_: JsonOption = False,
) -> None:
    """Simulate no effect and known effects: how often tests reject and intervals cover.

    Example: steerstat calibrate --quick --only pairs,controls
    """
    from dataclasses import replace

    from analysis import calibration

    effort = calibration.QUICK if quick else calibration.Effort()
    effort = replace(effort, tables=tables or effort.tables, searches=searches or effort.searches)
    names = [name.strip() for name in only.split(",")] if only else None
    rows = calibration.calibrate(
        seed=seed,
        effort=effort,
        sections=names,
        progress=lambda name: typer.echo(f"{name} …", err=True),
    )
    if json_:
        typer.echo(json.dumps([row.as_dict() for row in rows], indent=2))
        return
    typer.echo(calibration.marks_table(rows))
    typer.echo("\n" + calibration.rate_tables(rows))
