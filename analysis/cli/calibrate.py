"""`steerstat calibrate`: size, power and coverage of every method, by simulation."""

from __future__ import annotations

import json
from typing import Annotated, cast

import typer

from analysis.vocabulary import CalibrationSection
from store.cli.options import AsJson
from store.schema import MOST_SEED

app = typer.Typer(add_completion=False)


@app.command()
def calibrate(
    sections: Annotated[
        list[str] | None,
        typer.Argument(
            help="Sections, such as pairs, controls or verdicts; by default all.",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[bool, typer.Option(help="A small grid and few data sets: seconds.")] = False,
    tables: Annotated[
        int | None,
        typer.Option(help="Draws of counts per setting; by default 20000, or 1000 with --quick."),
    ] = None,
    searches: Annotated[
        int | None,
        typer.Option(
            help="Data sets per setting of what resamples; by default 1000, or 60 with --quick."
        ),
    ] = None,
    experiments: Annotated[
        int | None,
        typer.Option(
            help="Whole experiments per setting of the verdicts; by default 300, or 4 with "
            "--quick.",
            min=1,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of every simulation.", min=0, max=MOST_SEED)] = 0,
    json_: AsJson = False,
) -> None:
    """Simulate no effect and known effects: how often tests reject and intervals cover.

    Example: steerstat calibrate pairs controls --quick

    Example: steerstat calibrate verdicts --experiments 100
    """
    from dataclasses import replace

    from analysis import calibration

    effort = calibration.QUICK if quick else calibration.Effort()
    effort = replace(
        effort,
        tables=tables or effort.tables,
        searches=searches or effort.searches,
        experiments=experiments or effort.experiments,
    )
    rows = calibration.calibrate(
        seed=seed,
        effort=effort,
        sections=cast("list[CalibrationSection]", sections) if sections else None,
        progress=lambda name: typer.echo(f"{name} …", err=True),
    )
    if json_:
        typer.echo(json.dumps([row.as_dict() for row in rows], indent=2))
        return
    typer.echo(calibration.marks_table(rows))
    typer.echo("\n" + calibration.rate_tables(rows))
