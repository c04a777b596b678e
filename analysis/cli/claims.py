"""`steerstat claims`: check, scan, draft and render the claims of a document."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.vocabulary import ClaimVerdict, checked
from sql.errors import UserError
from store.cli.options import AsJson

if TYPE_CHECKING:
    from analysis.claims.check import Checked
    from analysis.claims.stored import StoreRows

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Re-verify every number that a document prints.",
)

ClaimsPath = Annotated[Path, typer.Argument(help="The claims file (TOML).", show_default=False)]
StorePath = Annotated[
    Path | None,
    typer.Option("--store", help="The store that the claims are bound to; by default none."),
]


@app.callback()
def _claims() -> None:
    """Re-verify every number that a document prints."""


@app.command()
def check(
    file: ClaimsPath,
    store: StorePath = None,
    json_: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A Markdown table.")] = False,
    html: Annotated[bool, typer.Option("--html", help="A self-contained HTML page.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="A Markdown page with two sentences a verdict.")
    ] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            help="A verdict that is no failure besides PASS; repeatable, by default none."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Show this verdict only; repeatable, by default all are shown."),
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
    from analysis.claims.judge import PASS
    from analysis.claims.schema import load_claims

    for verdict in [*(allow or ()), *(only or ())]:
        checked(verdict, ClaimVerdict, "verdict")
    if json_ + markdown + html + explain > 1:
        raise UserError("--json, --markdown, --html and --explain exclude each other")
    if keep and store is None:
        raise UserError("--keep needs --store")
    claims = check_file(file, rows=_rows(store))
    if keep and store is not None:
        from analysis.claims.keep import keep_claims
        from store import ingest

        keep_claims(store, load_claims(file).document.title, claims)
        ingest(store)
    shown = [c for c in claims if not only or c.verdict in only]
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
    raise typer.Exit(_exit_code(claims, {PASS, *(allow or ())}))


def _rows(store: Path | None) -> StoreRows | None:
    if store is None:
        return None
    from analysis.claims.stored import StoreRows
    from store import open_store

    return StoreRows(open_store(store))


def _exit_code(claims: list[Checked], allowed: set[str]) -> int:
    if not claims:
        print("the file holds no claim: nothing was verified", file=sys.stderr)
        return 1
    return int(any(c.verdict not in allowed for c in claims))


@app.command()
def scan(
    document: Annotated[Path, typer.Argument(help="Markdown or LaTeX.", show_default=False)],
    claims: Annotated[
        Path | None, typer.Option(help="The claims file of the document; by default none.")
    ] = None,
    store: StorePath = None,
    code: Annotated[bool, typer.Option(help="Count numbers in code as well.")] = False,
    json_: AsJson = False,
) -> None:
    """List the numbers of DOCUMENT that no claim covers where they stand.

    Claims are those of the file and those that the store keeps. Dates, versions, citations and
    references are no claims. Exit code 1 where a number is not covered.

    Example: steerstat claims scan paper.md --claims claims.toml --store runs/demo
    """
    from analysis.claims import scan as scanning
    from analysis.claims.documents import is_latex, read_document
    from analysis.claims.schema import load_claims

    text, latex = read_document(document), is_latex(document)
    covers: list[scanning.Cover | str] = []
    ids: list[str] = []
    warnings: list[str] = []
    if claims is not None:
        file = load_claims(claims)
        ids = scanning.claim_ids(file)
        own = scanning.covers_of(file, rows=_rows(store))
        covers += own
        warnings = [
            f"a claim's place {place!r} is nowhere in the document: a heading, 'table 2', 'line 12'"
            for place in scanning.unknown_places(text, own, latex=latex)
        ]
    if store is not None:
        title = load_claims(claims).document.title if claims else ""
        covers += sorted(scanning.stored_figures(store, title))
    unknown = scanning.unknown_anchors(text, ids, latex=latex) if claims is not None else []
    uncovered = scanning.scan_document(text, covers, latex=latex, code=code, claims=ids)
    if json_:
        import json

        typer.echo(json.dumps([u.as_dict() for u in uncovered], indent=2, ensure_ascii=False))
    else:
        for number in uncovered:
            typer.echo(
                f"{document}:{number.line}:{number.column}: {number.number}  {number.context}"
            )
    warnings += [f"the anchor {name!r} names no claim" for name in unknown]
    for warning in warnings:
        print(f"{document}: {warning}", file=sys.stderr)
    print(f"{len(uncovered)} numbers without a claim", file=sys.stderr)
    raise typer.Exit(int(bool(uncovered or unknown)))


@app.command()
def draft(
    document: Annotated[Path, typer.Argument(help="Markdown or LaTeX.", show_default=False)],
    n: Annotated[
        int | None, typer.Option(help="Problems behind the accuracies; by default unknown.", min=1)
    ] = None,
    store: StorePath = None,
    direction: Annotated[str, typer.Option(help="Of tables that name none, with --store.")] = "",
    set_: Annotated[str, typer.Option("--set", help="The problem set, with --store.")] = "",
) -> None:
    """Propose a claims file for the tables of DOCUMENT that hold numbers.

    With --store, tables by alpha are bound to its rows. Comments say what was inferred, and what
    was left out and why.

    Example: steerstat claims draft paper.md --n 86 > claims.toml
    """
    from analysis.claims.documents import is_latex, read_document
    from analysis.claims.draft import draft_claims
    from analysis.claims.parsing import parse_document

    text, latex = read_document(document), is_latex(document)
    headings = parse_document(text, latex=latex).headings
    title = next((heading for _, level, heading in headings if level == 1), "")
    bind = None
    if store is not None:
        from analysis.claims.draft_bound import StoreBinder

        bind = StoreBinder(store, direction=direction, set_name=set_)
    drafted = draft_claims(
        text, title=title or document.stem, path=document.name, n=n, latex=latex, bind=bind
    )
    typer.echo(drafted, nl=False)


@app.command()
def render(
    document: Annotated[Path, typer.Argument(help="Markdown or LaTeX.", show_default=False)],
    claims: Annotated[Path, typer.Option(help="The claims file of the document.")],
    store: StorePath = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write; by default beside the document, as paper.rendered.md."),
    ] = None,
    in_place: Annotated[bool, typer.Option(help="Write into the document itself.")] = False,
    check_only: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 where values are stale.")
    ] = False,
) -> None:
    r"""Write the current value of every anchored claim into a copy of DOCUMENT.

    Anchors: <!-- claim:id --> before a figure in Markdown, \claim{id} in LaTeX. Exit code 1
    where a claim has no value to write, which leaves its text alone.

    Example: steerstat claims render paper.md --claims claims.toml --store runs/demo
    """
    from analysis.claims.check import check_file
    from analysis.claims.documents import is_latex, read_document
    from analysis.claims.render import render_document
    from store.layout import result_file

    if out is not None and in_place:
        raise UserError("--out and --in-place exclude each other")
    checked = check_file(claims, rows=_rows(store))
    done = render_document(read_document(document), checked, latex=is_latex(document))
    for name, (old, new) in done.changed.items():
        print(f"{name}: {old or '(nothing)'} -> {new}", file=sys.stderr)
    for name, why in done.kept.items():
        print(f"{name}: left as it is, {why}", file=sys.stderr)
    if check_only:
        raise typer.Exit(int(bool(done.changed or done.kept)))
    beside = document.with_name(f"{document.stem}.rendered{document.suffix}")
    target = document if in_place else out or beside
    with result_file(target) as temporary:
        temporary.write_text(done.text, encoding="utf-8")
    print(f"wrote {target}", file=sys.stderr)
    raise typer.Exit(int(bool(done.kept)))
