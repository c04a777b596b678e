"""`steerstat sql`: ask a store anything, closed and read-only."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from sql.errors import UserError
from sql.words import QueryFormat, checked
from store.cli.options import Store
from store.formats import FORMATS, WRITERS, Rows
from store.layout import result_file

app = typer.Typer(add_completion=False)


@app.command()
def sql(
    store: Store,
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
    from store.querying import answered, check_values
    from store.scripts import explained, listing, parameters, resolve

    format = "json" if json else format
    checked(format, QueryFormat, "format")
    if query is None:
        _write(*listing(), format, output)
        return
    script = resolve(query)
    if explain:
        sys.stdout.write(explained(script).rstrip() + "\n")
        return
    if format == "parquet" and output is None and sys.stdout.isatty():
        raise UserError("Parquet is no text: add --output FILE, or redirect stdout")
    given = _pairs(param or [])
    values = parameters(script, given)
    check_values(store, script, given)
    with (
        answered(store, script, values, form=format, seconds=timeout, memory=memory) as answer,
        _target(output) as out,
    ):
        shutil.copyfileobj(answer, out)


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
    with _target(output) as out:
        out.write(WRITERS[format](columns, rows).encode())


@contextmanager
def _target(output: Path | None) -> Iterator[BinaryIO]:
    """Where an answer goes: standard output, or a file that is there whole or not at all."""
    if output is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with result_file(output) as temporary, temporary.open("wb") as file:
        yield file
