"""`steerstat analyze`: test every contrast of a store and keep the results as rows."""

from __future__ import annotations

import json
from typing import Annotated, cast, get_args

import typer

from analysis.vocabulary import AnalysisFamily
from sql.errors import UserError
from store.cli.options import AsJson, Store

app = typer.Typer(
    add_completion=False,
    help="Test every contrast of a store and keep the results.",
)


@app.command()
def analyze(
    store: Store,
    contrast: Annotated[
        list[str] | None,
        typer.Option(help="Only this contrast, as column=value; repeatable, by default all."),
    ] = None,
    family: Annotated[
        list[str] | None,
        typer.Option(
            help="Only these tests: alphas, controls, ranks, strata, curves, logprobs, scores; "
            "repeatable, by default all."
        ),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write/--no-write", help="Keep the results in the store.")
    ] = True,
    everything: Annotated[
        bool, typer.Option("--all", help="Print every method's row, not the primary one alone.")
    ] = False,
    json_: AsJson = False,
) -> None:
    """Test STORE: pairs against the baseline, candidates among controls, strata, whole curves.

    `ranks` keeps what verdicts rest on: the three ranks among own controls, over all doses.

    The results become rows of `analyses` and `results`, with the digest of the outcomes behind
    them; the same analysis of the same outcomes is kept once. What was collected and not tested is
    told, with the reason.

    Example: steerstat analyze runs/demo --contrast direction=mean_difference --family alphas
    """
    from analysis import recorded

    chosen = dict(_pair(text) for text in contrast or [])
    families = cast("list[AnalysisFamily]", family or get_args(AnalysisFamily))
    try:
        analyses = recorded.analyze(store, families=families, contrast=chosen, write=write)
    except recorded.NothingToTest as reason:
        if chosen:
            raise
        typer.echo(str(reason), err=True)
        analyses = []
    table = recorded.results_table(analyses)
    if json_:
        typer.echo(
            json.dumps([json.loads(recorded.as_json(row)) for row in table.to_dict("records")])
        )
        return
    if not analyses:
        return
    from analysis.report.text import results_text

    typer.echo(results_text(table, everything=everything))
    kept = " kept" if write else ""
    typer.echo(f"{len(analyses)} analyses, {len(table)} results{kept}", err=True)
    for line in [*recorded.refused_lines(analyses), *recorded.left_out_lines(store, chosen)]:
        typer.echo(line, err=True)


def _pair(text: str) -> tuple[str, str]:
    """``column=value`` as a pair."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UserError(f"--contrast takes column=value, found {text!r}")
    return name.strip(), value.strip()
