"""`steerstat sql`: ask a store anything, closed and read-only."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sql.errors import UserError
from sql.words import checked
from store.formats import FORMATS, WRITERS, Format, Rows
from store.layout import result_file

if TYPE_CHECKING:
    import duckdb

app = typer.Typer()


@app.command()
def sql(
    store: Annotated[Path, typer.Argument(help="Folder of the store, such as runs/demo.")],
    query: Annotated[
        str | None,
        typer.Argument(
            help="SQL text, a file ending in .sql, a named query, a view or a table; by "
            "default the list of them."
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            help="Value of a $name, such as alpha=-3; repeatable, by default what the "
            "query declares.",
        ),
    ] = None,
    format: Annotated[
        str,
        typer.Option("--format", "-f", help=f"Format: {', '.join(FORMATS[:-1])} or {FORMATS[-1]}."),
    ] = "table",
    json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write, such as rows.csv; by default stdout."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print the text of the query; run nothing.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Time limit in seconds.")] = 300.0,
    memory: Annotated[str, typer.Option(help="Memory limit, such as 8GB.")] = "4GB",
) -> None:
    """Query a store, closed and read-only; without a query, list its views and named queries.

    Example: steerstat sql runs/demo mcnemar_by_alpha -p set_name=primary --format markdown
    """
    from store.querying import run
    from store.scripts import explained, listing, resolve

    format = "json" if json else format
    checked(format, Format, "format")
    if query is None:
        _write(*listing(), format, output)
        return
    script = resolve(query)
    if explain:
        sys.stdout.write(explained(script).rstrip() + "\n")
        return
    with run(store, script, _pairs(param or []), seconds=timeout, memory=memory) as result:
        if format == "parquet":
            _write_parquet(result, output)
        else:
            _write(result.columns, result.fetchall(), format, output)


def _pairs(given: list[str]) -> dict[str, str]:
    """`name=value` texts as a mapping. Raises UserError."""
    values = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UserError(f"-p takes name=value, found {text!r}")
        values[name] = value
    return values


def _write(columns: Sequence[str], rows: Rows, format: str, output: Path | None) -> None:
    if format == "parquet":
        raise UserError("the list of queries is no Parquet table: choose table, csv or json")
    text = WRITERS[format](columns, rows)
    if output is None:
        sys.stdout.write(text)
    else:
        with result_file(output) as temporary:
            temporary.write_text(text, "utf-8")


def _write_parquet(result: duckdb.DuckDBPyRelation, output: Path | None) -> None:
    import pyarrow.parquet as pq

    if output is None and sys.stdout.isatty():
        raise UserError("Parquet is no text: add --output FILE, or redirect stdout")
    table = result.to_arrow_table()
    if output is None:
        pq.write_table(table, sys.stdout.buffer, compression="zstd")
    else:
        with result_file(output) as temporary:
            pq.write_table(table, temporary, compression="zstd")
