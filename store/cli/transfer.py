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
        typer.Argument(help="Tables of outcomes, logs of a harness, or the report's files."),
    ],
    map: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="Column of a table, such as problem=id; repeatable, by default the names of "
            "docs/import.md.",
        ),
    ] = None,
    set_name: Annotated[
        str, typer.Option("--set", help="Set of the problems of a table.")
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
        str | None,
        typer.Option(
            help="Direction of every row where the file names none; of the report's steering "
            "results, by default reasoning_direction."
        ),
    ] = None,
    alpha: Annotated[
        float | None,
        typer.Option(
            help="Dose of every row where the file has none; of the report's random directions, "
            "by default -3."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of every row where the file has none; by default 0.")
    ] = None,
    filter: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            help="Read only rows with this value, such as method=DiffMean; a value alone is of "
            "the column filter; repeatable.",
        ),
    ] = None,
    right_from: Annotated[
        float | None,
        typer.Option(
            "--right-from", help="Score from which an outcome is right; those below are wrong."
        ),
    ] = None,
    site: Annotated[
        str, typer.Option(help="Site where activations were taken, such as latent.")
    ] = "residual:5",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show how the first rows are understood; write nothing."),
    ] = False,
    allow_bad: Annotated[
        bool,
        typer.Option(
            "--allow-bad", help="Leave unusable entries out, however many, with exit code 0."
        ),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Import nothing if an entry of any file does not fit.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Bring outcomes, problems, directions and activations of others into a store.

    What does not fit is listed row by row, and the exit code is 1; of a file of which more than
    1 % does not fit nothing is imported. Importing twice changes nothing; the order of the files
    does not matter. An import is a run, which `steerstat store remove` takes back.

    Example: steerstat store import runs/theirs outcomes.csv --map problem=id --map correct=is_right
    """
    from store import ingest
    from store.exchange.importers import import_files
    from store.names import named_filters, named_values

    reports = import_files(
        store,
        files,
        pairs_file=pairs,
        mapping=named_values(map or [], "--map takes name=column"),
        set_name=set_name,
        model=model,
        direction=direction,
        alpha=alpha,
        seed=seed,
        filters=named_filters(filter or []),
        right_from=right_from,
        site=site,
        strict=strict,
        allow_bad=allow_bad,
        dry_run=dry_run,
    )
    for file, report in reports:
        _print_report(file, report, json, dry_run)
    if not dry_run:
        ingest(store)
    if not allow_bad and any(report.errors for _, report in reports):
        raise typer.Exit(1)


def _print_report(file: Path, report: ImportReport, as_json: bool, dry_run: bool) -> None:
    if as_json:
        print(json_module.dumps({"file": str(file), **dataclasses.asdict(report)}))
    else:
        added = ", ".join(f"{n:,} {name}" for name, n in report.added.items()) or "nothing new"
        run = "nothing was written" if dry_run else f"run {report.run_id}"
        print(
            f"{file.name}: {added}; {report.ignored:,} rows were there; "
            f"{len(report.errors)} errors; {run}"
        )
        if dry_run and report.preview:
            from store.formats import as_table

            rows = [list(one.values()) for one in report.preview]
            print(as_table(list(report.preview[0]), rows), end="")
    for line in [*report.notes, *(f"error: {line}" for line in report.errors)]:
        print(line, file=sys.stderr)


@app.command("export")
def export_command(
    store: Store,
    target: Annotated[
        Path, typer.Argument(help="A folder; of csv, jsonl, every_eval_ever, duckdb a file.")
    ],
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "--as",
            help="Format: report (JSON and npz), every_eval_ever (JSONL), csv or jsonl (rows that "
            "import reads), parquet or duckdb.",
        ),
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
    """Write a store as the report's files, as one .csv, .jsonl or .duckdb, or as Parquet tables.

    The report's files are of one direction at one setting, and at seed 0; the last line says which.

    Example: steerstat store export runs/demo exported --direction mean_difference --set balanced
    """
    from store.exchange.exporters import export
    from store.exchange.report_export import export_summary
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
            print(export_summary(target), file=sys.stderr)
