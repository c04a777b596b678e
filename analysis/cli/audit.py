"""`steerstat audit`: what a hostile reviewer would find in an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sql.errors import UserError
from store.cli.options import AsJson

if TYPE_CHECKING:
    from analysis.audit import Finding

app = typer.Typer(add_completion=False, help="What a hostile reviewer would find.")


@app.command()
def audit(
    store: Annotated[
        list[Path] | None,
        typer.Argument(help="Folder of the store, such as runs/demo; with --files, result files."),
    ] = None,
    files: Annotated[
        bool, typer.Option("--files", help="STORE are result files: audit them and keep nothing.")
    ] = False,
    document: Annotated[
        Path | None,
        typer.Option(help="Markdown or LaTeX whose printed numbers are checked; by default none."),
    ] = None,
    json_: AsJson = False,
    sarif: Annotated[
        bool, typer.Option("--sarif", help="Print SARIF 2.1.0, for code scanning.")
    ] = False,
    accept: Annotated[
        str | None,
        typer.Option(
            help="A check whose finding is known and stays, such as inference/plan; with --because."
        ),
    ] = None,
    because: Annotated[str, typer.Option(help="Why it stays; kept with the finding.")] = "",
    write: Annotated[
        bool, typer.Option("--write/--no-write", help="Keep the findings in the store.")
    ] = True,
    self_test: Annotated[
        bool,
        typer.Option(
            "--self-test", help="Plant every defect into a tiny store and see which are detected."
        ),
    ] = False,
) -> None:
    """Run every check on STORE; how grave a finding is follows from the headline without it.

    A finding decides where a verdict, its significance or its sign changes, or cannot be known
    without what is affected; biases where an effect moves; weakens power or generality; or is
    hygiene. Each names the SQL that shows its rows, and what to do.

    Exit code 1 where anything decides and was not accepted (--self-test: a defect was missed),
    else 0; 2: not audited.

    Example: steerstat audit runs/demo

    Example: steerstat audit --files theirs.jsonl --document paper.md
    """
    if json_ and sarif:
        raise UserError("--json and --sarif exclude each other")
    if self_test:
        _self_test(json_)
        return
    place = _places(store, files)
    if (accept is None) != (not because):
        raise UserError("--accept CHECK and --because 'why it stays' belong together")
    if accept is not None:
        if files:
            raise UserError("--accept is kept in a store: import the files first")
        from analysis.audit import accept as accepting
        from store.layout import open_store

        finding = accepting(open_store(place[0]), accept, because)
        typer.echo(f"accepted: {finding.check_id} ({finding.severity}), because {finding.accepted}")
        return
    findings = _audited_files(place, document) if files else _audited(place[0], document, write)
    _print(findings, place[0], json_, sarif)
    raise typer.Exit(int(any(one.decides for one in findings)))


def _places(store: list[Path] | None, files: bool) -> list[Path]:
    """The store, or the files. Raises UserError."""
    if not store:
        raise UserError("name the store, such as `steerstat audit runs/demo`, or --files FILE …")
    if len(store) > 1 and not files:
        raise UserError(f"one store at a time, found {len(store)}; result files take --files")
    return store


def _audited(store: Path, document: Path | None, write: bool) -> list[Finding]:
    from analysis.audit import audit as auditing
    from analysis.audit import keep
    from analysis.audit.kept import with_acceptances
    from store.layout import open_store

    root = open_store(store)
    findings = with_acceptances(root, auditing(root, document=document))
    if write:
        keep(root, findings)
    return findings


def _audited_files(files: Sequence[Path], document: Path | None) -> list[Finding]:
    from analysis.audit import audit as auditing
    from analysis.audit.files import imported

    with imported(files) as (root, lost):
        for line in lost:
            typer.echo(f"left out: {line}", err=True)
        return auditing(root, document=document)


def _print(findings: Sequence[Finding], place: Path, json_: bool, sarif: bool) -> None:
    from analysis.audit import show

    if json_:
        typer.echo(show.as_json(findings))
    elif sarif:
        typer.echo(show.as_sarif(findings, place))
    else:
        typer.echo(show.as_text(findings))


def _self_test(json_: bool) -> None:
    """Print which planted defects were detected."""
    import json
    from dataclasses import asdict

    from analysis.audit import self_test

    tried = self_test()
    detected = sum(one.detected for one in tried)
    if json_:
        rows = [asdict(one) | {"detected": one.detected} for one in tried]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for one in tried:
            what = "detected" if one.detected else "not quiet" if one.found else "MISSED"
            typer.echo(f"{what:9}  {one.check_id:34}  {one.said}".rstrip())
        typer.echo(f"{detected} of {len(tried)} planted defects detected")
    raise typer.Exit(int(detected < len(tried)))
