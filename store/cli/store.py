"""`steerstat store`: look after a store; each command is one library function."""

from __future__ import annotations

import dataclasses
import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from store.cli.options import AsJson, Store

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from store import IngestReport

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Check, merge, rebuild, compact, import and export stores.",
)


MOST_SHOWN = 20
"""Changes of `store reparse` that are printed one by one."""


@app.command("info")
def info_command(store: Store, json: AsJson = False) -> None:
    """Show rows, shards and bytes of every table, and what waits or lies in quarantine.

    Example: steerstat store info runs/demo
    """
    from store.info import info

    report = info(store)
    if json:
        _print_json(report)
        return
    print(f"{report.path}: version {report.version}, results file {report.database_bytes:,} bytes")
    print(f"{'table':<18}{'rows':>14}{'shards':>8}{'bytes':>16}")
    for table in report.tables:
        print(f"{table.table:<18}{table.rows:>14,}{table.shards:>8,}{table.bytes:>16,}")
    if report.pending:
        print(f"{report.pending} shards await `steerstat store ingest {store}`")
    for note in report.quarantine:
        print(f"quarantine: {note['name']} ({note['table']}): {note['reason']}")


@app.command("ingest")
def ingest_command(store: Store, json: AsJson = False) -> None:
    """Bring committed shards, and Parquet files dropped into shards/<table>/, into the results.

    Example: steerstat store ingest runs/demo
    """
    from store import ingest
    from store.orphans import still_without_commit

    report = ingest(store)
    _print_report(report, json)
    if still_without_commit(store, report.left):
        raise typer.Exit(1)


@app.command("rebuild")
def rebuild_command(store: Store, json: AsJson = False) -> None:
    """Make the results file anew from every committed shard.

    Example: steerstat store rebuild runs/demo
    """
    from store import rebuild

    _print_report(rebuild(store), json)


@app.command("resolve")
def resolve_command(
    store: Store,
    conflict: Annotated[str, typer.Argument(help="Name that `store check` gives.")],
) -> None:
    """Accept that the earlier rows of a conflict stay, or that outcomes set aside stay missing.

    What is in quarantine stays on file.

    Example: steerstat store resolve runs/demo conflict-problems-18ea7eee5c5ad920-7c0a80d63670-1f0a
    """
    from store.layout import open_store
    from store.quarantine import resolve

    resolve(open_store(store), conflict)


@app.command("adopt")
def adopt_command(
    store: Store,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Shards as `store info` names them; by default all that can be."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Bring back whole shards whose commit is damaged or lost; their rows are verified first.

    Example: steerstat store adopt runs/demo
    """
    from store.adopt import adopt

    report = adopt(store, names or ())
    if json:
        _print_json(report)
    else:
        print(f"{len(report.shards)} shards with {report.rows:,} rows count again")
    for line in report.refused:
        print(f"refused: {line}", file=sys.stderr)
    if report.refused:
        raise typer.Exit(1)


@app.command("check")
def check_command(store: Store, json: AsJson = False) -> None:
    """Hash every shard, rebuild the tables in memory and compare; exit code 1 on any fault.

    Example: steerstat store check runs/demo
    """
    from store.check import check

    report = check(store)
    if json:
        _print_json(report)
    else:
        print(
            f"{report.shards} shards, {report.rows:,} rows, {report.bytes:,} bytes hashed; "
            f"{report.pending} not ingested, {report.uncommitted} uncommitted, "
            f"{report.quarantined} in quarantine"
        )
        print(f"digest of the outcomes {report.digest}")
        print("\n".join(report.faults) or "whole: the results file says what the shards say")
        for line in report.notes:
            print(f"note: {line}", file=sys.stderr)
    if report.faults:
        raise typer.Exit(1)


@app.command("reparse")
def reparse_command(store: Store, json: AsJson = False) -> None:
    """Show which outcomes the newest answer parsers would read otherwise; nothing is written.

    Example: steerstat store reparse runs/demo
    """
    from store.reparse import reparse

    report = reparse(store)
    if json:
        _print_json(report)
        return
    print(
        f"version {report.version} of the parsers: {report.read:,} outcomes read again, "
        f"{len(report.changes):,} would change; {report.newest:,} are of that version, "
        f"{report.unread:,} have nothing to read"
    )
    for kind, count in report.summary().items():
        print(f"{count:>8,}  {kind}")
    for one in report.changes[:MOST_SHOWN]:
        print(
            f"{one.condition_id} {one.problem_id} seed {one.seed}: {one.answer!r} would be "
            f"{one.new_answer!r} of {one.text[-60:]!r}"
        )
    if len(report.changes) > MOST_SHOWN:
        print(f"and {len(report.changes) - MOST_SHOWN:,} more (--json has all)")
    for problem, gold, new in report.golds:
        print(f"problem {problem}: gold {gold!r} would be {new!r}")


@app.command("merge")
def merge_command(
    into: Annotated[Path, typer.Argument(help="Store that receives; made if it is not there.")],
    sources: Annotated[list[Path], typer.Argument(help="Stores to bring in; left as they are.")],
    label: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="Label behind the names of sets and directions that stand for other content, such "
            "as seed1 for primary.seed1; without it they are refused.",
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Bring the committed shards of other stores into the first one; equal rows count once.

    A set or direction whose name stands for other content in the first store is refused, or
    renamed with --as.

    Example: steerstat store merge runs/all runs/gpu0 runs/gpu1
    """
    from store.merge import merge

    report = merge(into, sources, label=label)
    if json:
        _print_json(report)
    else:
        print(
            f"{report.shards} shards with {report.rows:,} rows copied, {report.present} were there "
            f"before; {report.ingest.ignored:,} rows were there already with equal content"
        )
    if report.renamed:
        print(f"called {', '.join(report.renamed)}", file=sys.stderr)
    if report.outdated:
        print(
            f"left behind: {report.outdated:,} rows of analyses that speak of the old names; run "
            "`steerstat analyze` again",
            file=sys.stderr,
        )
    for line in report.faulty:
        print(f"left behind: {line}", file=sys.stderr)
    if report.faulty:
        raise typer.Exit(1)


@app.command("runs")
def runs_command(store: Store, json: AsJson = False) -> None:
    """List the runs of a store, imports among them, with the outcomes that came with each.

    Example: steerstat store runs runs/demo
    """
    from store.formats import as_table, json_value
    from store.runs import runs

    found = runs(store)
    if json:
        print(json_module.dumps([json_value(one) for one in found]))
    else:
        columns = ["run_id", "created_at", "status", "command", "outcomes"]
        print(as_table(columns, [list(one.values()) for one in found]), end="")


@app.command("remove")
def remove_command(
    store: Store,
    run: Annotated[
        str,
        typer.Argument(help="Run as `store runs` names it, its beginning, or the imported file."),
    ],
    json: AsJson = False,
) -> None:
    """Take a run back, such as a wrong import, so that a corrected file can follow.

    What other runs refer to is kept; the files go with the next `store compact`.

    Example: steerstat store remove runs/theirs outcomes.csv
    """
    from store.runs import remove

    report = remove(store, run)
    if json:
        _print_json(report)
    else:
        print(
            f"run {report.run_id} ({report.command}) is taken back: {report.shards} shards with "
            f"{report.rows:,} rows count no more, {report.kept:,} rows that others refer to are "
            "kept; analyses of before speak of the rows of before: run `steerstat analyze` again"
        )


@app.command("compact")
def compact_command(store: Store, json: AsJson = False) -> None:
    """Merge small shards into few large ones; collectors may go on writing.

    Example: steerstat store compact runs/demo
    """
    from store.compact import compact

    report = compact(store)
    if json:
        _print_json(report)
    else:
        print(
            f"{report.shards_before} shards of {report.bytes_before:,} bytes are now "
            f"{report.shards_after} of {report.bytes_after:,} bytes"
        )


def _print_report(report: IngestReport, as_json: bool) -> None:
    if as_json:
        _print_json(report)
    else:
        print(
            f"{report.shards} new shards, {report.rows:,} new rows, {report.ignored:,} already "
            f"there, {report.fragile:,} fragile differences, {report.seconds:.1f} s"
        )
    for item in report.quarantined:
        print(f"quarantine: {item.name} ({item.table}): {item.reason}", file=sys.stderr)
    for left in report.left:
        print(f"left alone: {left.name} ({left.table}): {left.reason}", file=sys.stderr)
    for conflict in report.conflicts:
        print(
            f"conflict: {conflict.table} row {conflict.key} differs between shards "
            f"{' and '.join(conflict.shards)} ({conflict.differs}); the first stays until "
            "`steerstat store resolve` says so",
            file=sys.stderr,
        )


def _print_json(report: DataclassInstance) -> None:
    print(json_module.dumps(dataclasses.asdict(report)))


def _mount_transfer() -> None:
    """Add `import` and `export`, which live in a module of their own."""
    import importlib
    import importlib.util

    if importlib.util.find_spec("store.cli.transfer"):
        transfer = importlib.import_module("store.cli.transfer")
        app.registered_commands.extend(transfer.app.registered_commands)


_mount_transfer()
