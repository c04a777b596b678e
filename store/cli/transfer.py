"""`steerstat store import` and `steerstat store export`."""

from __future__ import annotations

import dataclasses
import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from store.cli.options import AsJson, NewStore, Store

if TYPE_CHECKING:
    from store.exchange.imported_rows import ImportReport

app = typer.Typer(add_completion=False)


@app.command("import")
def import_command(
    store: NewStore,
    files: Annotated[
        list[Path],
        typer.Argument(help="The report's JSON or npz files, or .csv, .jsonl, .parquet."),
    ],
    map: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="Column of a tidy file, such as problem=id; repeatable, by default the "
            "names of docs/sql.md.",
        ),
    ] = None,
    set_name: Annotated[
        str, typer.Option("--set", help="Set of the problems of a tidy file.")
    ] = "imported",
    pairs: Annotated[
        Path | None,
        typer.Option(
            help="The report's file of pairs; by default the pairs that the store and the "
            "other files have."
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="Name of the model where the file has none.")] = "gpt2",
    direction: Annotated[
        str, typer.Option(help="Direction that steering results or a direction file are of.")
    ] = "reasoning_direction",
    alpha: Annotated[float, typer.Option(help="Dose of random-direction results.")] = -3.0,
    site: Annotated[
        str, typer.Option(help="Site where activations were taken, such as latent.")
    ] = "residual:5",
    strict: Annotated[
        bool, typer.Option("--strict", help="Import nothing if an entry of any file does not fit.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Bring outcomes, problems, directions and activations of others into a store.

    What does not fit is listed row by row, and the exit code is 1. Importing twice changes nothing;
    the order of the files does not matter.

    Example: steerstat store import runs/theirs outcomes.csv --map problem=id --map correct=is_right
    """
    from store import ingest
    from store.exchange.importers import import_files
    from store.names import named_values

    reports = import_files(
        store,
        files,
        pairs_file=pairs,
        mapping=named_values(map or [], "--map takes name=column"),
        set_name=set_name,
        model=model,
        direction=direction,
        alpha=alpha,
        site=site,
        strict=strict,
    )
    for file, report in reports:
        _print_report(file, report, json)
    ingest(store)
    if any(report.errors for _, report in reports):
        raise typer.Exit(1)


def _print_report(file: Path, report: ImportReport, as_json: bool) -> None:
    if as_json:
        print(json_module.dumps({"file": str(file), **dataclasses.asdict(report)}))
    else:
        added = ", ".join(f"{n:,} {name}" for name, n in report.added.items()) or "nothing new"
        print(
            f"{file.name}: {added}; {report.ignored:,} rows were there; {len(report.errors)} errors"
        )
    for line in [*report.notes, *(f"error: {line}" for line in report.errors)]:
        print(line, file=sys.stderr)


@app.command("export")
def export_command(
    store: Store,
    target: Annotated[Path, typer.Argument(help="A folder; with --format duckdb a file.")],
    format: Annotated[
        str, typer.Option("--format", help="Format: report (JSON and npz), parquet or duckdb.")
    ] = "report",
    direction: Annotated[
        str | None,
        typer.Option(
            help="Direction of the report's files, such as mean_difference; by default "
            "the first candidate."
        ),
    ] = None,
    set_name: Annotated[
        str, typer.Option("--set", help="Test set of the report's files.")
    ] = "primary",
    train: Annotated[
        str | None,
        typer.Option(
            help="Training set of the report's files; by default train, where there is one."
        ),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            help="Setting of the outcomes, such as dtype=float32 or protocol=codi; repeatable, "
            "needed where a direction was collected at several."
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Write a store as the report's files, as Parquet tables, or as one self-contained .duckdb.

    The report's files are of one direction at one setting, and at seed 0; the last line says which.

    Example: steerstat store export runs/demo exported --direction mean_difference --set balanced
    """
    from store.exchange.exporters import export
    from store.exchange.report_export import told
    from store.names import named_values

    written = export(
        store,
        target,
        format=format,
        direction=direction,
        set_name=set_name,
        train=train,
        setting=named_values(setting or [], "--setting takes column=value"),
    )
    if json:
        print(json_module.dumps({"files": [str(path) for path in written]}))
    else:
        for path in written:
            print(path)
        if format == "report":
            print(told(target), file=sys.stderr)
