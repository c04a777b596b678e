"""`steerstat claims`: check, scan, draft and render the claims of a document."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sql.errors import UserError

if TYPE_CHECKING:
    from analysis.claims.check import Checked
    from analysis.claims.stored import StoreRows

app = typer.Typer(no_args_is_help=True, help="Re-verify every number that a document prints.")

ClaimsPath = Annotated[Path, typer.Argument(help="The claims file (TOML).", show_default=False)]
StorePath = Annotated[
    Path | None, typer.Option("--store", help="The store that the claims are bound to.")
]


@app.callback()
def _claims() -> None:
    """Re-verify every number that a document prints."""


@app.command()
def check(
    file: ClaimsPath,
    store: StorePath = None,
    json_: Annotated[bool, typer.Option("--json", help="A JSON list of objects.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A Markdown table.")] = False,
    html: Annotated[bool, typer.Option("--html", help="A self-contained HTML page.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="A Markdown page with two sentences a verdict.")
    ] = False,
    allow: Annotated[
        list[str] | None, typer.Option(help="A verdict that is no failure; may be repeated.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Show this verdict only; may be repeated.")
    ] = None,
    keep: Annotated[bool, typer.Option(help="Write the verdicts into the store.")] = False,
) -> None:
    """Recompute every claim of FILE and say what became of it.

    Exit code 0: every claim is PASS (or an allowed verdict). 1: some are not, or there are none.
    2: the file is wrong.

    Example: steerstat claims check examples/report_2025_10_21/claims.toml
    """
    from analysis.claims import show
    from analysis.claims.check import check_file
    from analysis.claims.judge import PASS, VERDICTS
    from analysis.claims.model import load_claims

    for verdict in [*(allow or ()), *(only or ())]:
        if verdict not in VERDICTS:
            raise UserError(f"{verdict!r} is not a verdict; there are {', '.join(VERDICTS)}")
    if json_ + markdown + html + explain > 1:
        raise UserError("--json, --markdown, --html and --explain exclude each other")
    if keep and store is None:
        raise UserError("--keep needs --store")
    checked = check_file(file, rows=_rows(store))
    if keep and store is not None:
        from analysis.claims.keep import keep_claims

        keep_claims(store, load_claims(file).document.title, checked)
    shown = [c for c in checked if not only or c.verdict in only]
    document = load_claims(file).document
    if json_:
        typer.echo(show.as_json(shown))
    elif markdown:
        typer.echo(show.as_markdown(shown, title=document.title), nl=False)
    elif html:
        typer.echo(show.as_html(shown, title=document.title), nl=False)
    elif explain:
        command = f"steerstat claims check {file} --explain"
        typer.echo(show.as_page(shown, document, command=command), nl=False)
    else:
        typer.echo(show.as_text(shown))
    raise typer.Exit(_exit_code(checked, {PASS, *(allow or ())}))


def _rows(store: Path | None) -> StoreRows | None:
    if store is None:
        return None
    from analysis.claims.stored import StoreRows
    from store import open_store

    return StoreRows(open_store(store))


def _exit_code(checked: list[Checked], allowed: set[str]) -> int:
    if not checked:
        print("the file holds no claim: nothing was verified", file=sys.stderr)
        return 1
    return int(any(c.verdict not in allowed for c in checked))
