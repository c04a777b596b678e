"""`steerstat reproduce`: the report's whole protocol, from problems to a report page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

HELP = """Run the report's whole protocol into a store, with tests, figures and a report page.

Stop it and start it again as you like: it goes on where it was.

Example: steerstat reproduce --out runs/demo

With --problems and --split the report's own experiment runs on a real checkpoint:

steerstat reproduce --out runs/gpt2 --model CHECKPOINT --base gpt2
--problems problem_pairs_gpt4_answers.json --split steering_dataset_gpt2.json
"""


@app.command(help=HELP)
def reproduce(
    out: Annotated[Path, typer.Option(help="folder of the store that is made")],
    model: Annotated[
        str, typer.Option(help="bundled, smollm2, or a checkpoint folder or hub id")
    ] = "bundled",
    base: Annotated[str | None, typer.Option(help="base model of a CODI checkpoint")] = None,
    problems: Annotated[Path | None, typer.Option(help="the report's file of pairs")] = None,
    split: Annotated[Path | None, typer.Option(help="the report's split of those pairs")] = None,
    seed: Annotated[int, typer.Option(help="seed of everything that is drawn")] = 0,
    json_output: Annotated[bool, typer.Option("--json", help="the results table as JSON")] = False,
) -> None:
    """Thin shell over `collect.sweeps.reproduce.reproduce`."""
    from collect.sweeps.progress import Steps
    from collect.sweeps.reproduce import reproduce as run

    with Steps() as steps:
        store = run(
            out, model=model, base=base, problems=problems, split=split, seed=seed, steps=steps
        )
        from analysis.figures.files import write_figures
        from analysis.recorded.analyze import analyze
        from analysis.report import write_report

        with steps.step("tests and intervals"):
            analyze(store)
        with steps.step("figures"):
            write_figures(store, store / "figures")
        with steps.step("report"):
            pages = write_report(store)
    from analysis.report.summary import summary_table

    summary_table(store, json_output=json_output)
    for page in pages:
        print(f"report: {page}", file=sys.stderr)
    print(
        f"next: steerstat sql {store} accuracy_by_alpha\n"
        f"      steerstat sql {store}      (lists every view and named query)",
        file=sys.stderr,
    )
