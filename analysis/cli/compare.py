"""`steerstat compare`: the verdict on one pair of conditions, in one screen."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from analysis.cli.showing import ConfidenceOption
from sql.errors import UserError
from store.cli.options import AsJson

app = typer.Typer(add_completion=False, help="The verdict on one pair of conditions.")


@app.command()
def compare(
    baseline: Annotated[
        str,
        typer.Argument(metavar="BASE", help="File of baseline outcomes, or condition."),
    ],
    steered: Annotated[
        str, typer.Argument(metavar="STEERED", help="File of steered outcomes, or condition.")
    ],
    place: Annotated[
        Path | None,
        typer.Option(
            "--in",
            help="Store, or file, that holds both; BASE and STEERED then name its conditions: "
            "baseline, a direction with its dose (name=-3), or the beginning of an id.",
        ),
    ] = None,
    set_name: Annotated[
        str | None,
        typer.Option("--set", help="Only problems of this set; by default all that both answered."),
    ] = None,
    on: Annotated[
        str,
        typer.Option(
            help="What joins: problem (question and gold answer), or id (the files' own ids)."
        ),
    ] = "problem",
    map: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="Column of the files, such as problem=id; repeatable, by default as for imports.",
        ),
    ] = None,
    filter: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            help="Read only rows of the files with this value, as for imports; repeatable.",
        ),
    ] = None,
    right_from: Annotated[
        float | None,
        typer.Option("--right-from", help="Score of the files from which an outcome is right."),
    ] = None,
    confidence: ConfidenceOption = 0.95,
    allow_bad: Annotated[
        bool, typer.Option("--allow-bad", help="Leave rows that cannot be used out, however many.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Did steering change what is right, problem by problem? Join, table, test, interval, bounds.

    Exit code 0: compared; 1: compared, but rows could not be used (unless --allow-bad), or other
    readings of what is missing or has no partner decide otherwise; 2: not compared.

    Example: steerstat compare base.jsonl steered.jsonl

    Example: steerstat compare baseline mean_difference=-3 --in runs/demo
    """
    from analysis.pairs.comparison import interpretation
    from analysis.pairs.sources import compare_conditions, compare_files
    from store.names import named_filters, named_values

    how: dict[str, Any] = {
        "on": on,
        "mapping": named_values(map or [], "--map takes name=column"),
        "filters": named_filters(filter or []),
        "right_from": right_from,
        "confidence": confidence,
        "allow_bad": allow_bad,
    }
    if place is not None:
        found = compare_conditions(place, baseline, steered, set_name=set_name, **how)
    elif set_name is not None:
        raise UserError("--set is a set of a store: name the store with --in")
    else:
        found = compare_files(baseline, steered, **how)
    if json:
        row = {**found.as_dict(), "interpretation": interpretation(found)}
        typer.echo(json_module.dumps(row, indent=2, allow_nan=False))
    else:
        typer.echo(str(found))
    for line in [*found.notes, *(f"left out: {line}" for line in found.unusable)]:
        typer.echo(line, err=True)
    if found.depends_on_missing or (found.unusable and not allow_bad):
        raise typer.Exit(1)
