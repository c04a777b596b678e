"""`steerstat reproduce`: the report's whole protocol, from problems to a report page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from collect.cli.options import (
    Base,
    BotId,
    Device,
    Dtype,
    EotId,
    LoraAlpha,
    Memory,
    Model,
    PadId,
    Seed,
)
from store.cli.options import AsJson

app = typer.Typer(add_completion=False)

HELP = """Run the report's whole protocol into a store, with tests, figures and a report page.

Stop it and start it again as you like: it goes on where it was.

Example: steerstat reproduce --out runs/demo

With --problems and --split the report's own experiment runs on a real checkpoint:

steerstat reproduce --out runs/gpt2 --model CHECKPOINT --base gpt2
--problems problem_pairs_gpt4_answers.json --split steering_dataset_gpt2.json
"""


@app.command(help=HELP)
def reproduce(
    out: Annotated[Path, typer.Option(help="Folder of the store that is made, such as runs/demo.")],
    model: Model = None,
    base: Base = None,
    problems: Annotated[
        Path | None,
        typer.Option(
            help="The report's file of pairs, such as problem_pairs_gpt4_answers.json; by default "
            "problems are generated."
        ),
    ] = None,
    split: Annotated[
        Path | None,
        typer.Option(
            help="The report's split of those pairs, such as steering_dataset_gpt2.json; by "
            "default sets are drawn."
        ),
    ] = None,
    seed: Seed = 0,
    lora_alpha: LoraAlpha = None,
    pad_id: PadId = None,
    bot_id: BotId = None,
    eot_id: EotId = None,
    device: Device = None,
    dtype: Dtype = None,
    memory: Memory = None,
    json_output: AsJson = False,
) -> None:
    """Thin shell over `collect.sweeps.reproduce.reproduce`."""
    from collect.sweeps.progress import Steps
    from collect.sweeps.reproduce import make_request
    from collect.sweeps.reproduce import reproduce as run

    request = make_request(
        out,
        model=model,
        base=base,
        problems=problems,
        split=split,
        seed=seed,
        lora_alpha=lora_alpha,
        pad_id=pad_id,
        bot_id=bot_id,
        eot_id=eot_id,
        device=device,
        dtype=dtype,
        memory=memory,
    )
    with Steps() as steps:
        store = run(request, steps=steps)
        from analysis.figures import write_figures
        from analysis.recorded import analyze
        from analysis.report import write_report
        from analysis.tables.readings import Readings

        with steps.step("tests and intervals"):
            analyze(store)
        readings = Readings(store)
        with steps.step("figures"):
            write_figures(readings)
        with steps.step("report"):
            pages = write_report(readings)
    if json_output:
        from analysis.report.summary import summary_json

        print(summary_json(readings))
    else:
        from analysis.report.brief import brief_text

        print(brief_text(readings))
    for page in pages:
        print(f"report: {page}", file=sys.stderr)
    print(
        f"next: steerstat sql {store} accuracy_by_alpha\n"
        f"      steerstat sql {store}      (lists every view and named query)",
        file=sys.stderr,
    )
