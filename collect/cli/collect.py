"""`steerstat collect`: run a sweep of problems x directions x doses into a store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

EXAMPLE = """Run a sweep of problems x directions x doses into a store.

Only units that are not in the store are computed: stop it and start it again as you like.

Example: steerstat collect runs/demo --problems primary --directions mean_difference --alphas=-3:3:1
"""


@app.command(help=EXAMPLE)
def collect(
    store: Annotated[Path, typer.Argument(help="the store; made if it is not there")],
    plan: Annotated[
        Path | None, typer.Argument(help="a plan.toml that gives what options leave out")
    ] = None,
    problems: Annotated[str | None, typer.Option(help="name of a problem set")] = None,
    directions: Annotated[
        str | None, typer.Option(help="names, a pattern, kind=…, or an SQL condition")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="a checkpoint folder or a hub id; bundled if not given")
    ] = None,
    base: Annotated[str | None, typer.Option(help="base model of a CODI checkpoint")] = None,
    lora_alpha: Annotated[
        int | None, typer.Option(help="LoRA scale of the checkpoint; 32 if not given")
    ] = None,
    alphas: Annotated[
        str | None, typer.Option(help="doses: first:last:step, or a list 1,2,3")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="0:4 (that is 0, 1, 2, 3), or a list; 0 if not given")
    ] = None,
    site: Annotated[
        str | None, typer.Option(help="where to add; the direction's own site if not given")
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(help="uniform (default), first, last, position:<i>, magnitude or [1, 0.5, …]"),
    ] = None,
    operator: Annotated[
        str | None,
        typer.Option(help="add (default), norm_preserving_add, project_out or clamp"),
    ] = None,
    effect: Annotated[str | None, typer.Option(help="total (default), or direct")] = None,
    protocol: Annotated[
        str | None, typer.Option(help="codi (default), report, coconut, plain or chat")
    ] = None,
    max_new_tokens: Annotated[
        int | None, typer.Option(help="longest answer in tokens; 32 if not given")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="of sampling; decodes greedily if not given, or 0")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="float32 (default), bfloat16 or float16")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto (default), cpu or cuda")] = None,
    memory: Annotated[str | None, typer.Option(help="bound on the engine's memory: 4GB")] = None,
    dry_run: Annotated[bool, typer.Option(help="say what would be done, and do nothing")] = False,
    stop_when_decided: Annotated[
        bool, typer.Option(help="stop a condition when the plan's question is answered")
    ] = False,
) -> None:
    """Thin shell over `collect.sweeps.request.run_request`."""
    from collect.sweeps.request import make_request
    from collect.sweeps.work import run_request

    request = make_request(
        store,
        plan=plan,
        problems=problems,
        directions=directions,
        model=model,
        base=base,
        lora_alpha=lora_alpha,
        alphas=alphas,
        seeds=seeds,
        site=site,
        schedule=schedule,
        operator=operator,
        effect=effect,
        protocol=protocol,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        dtype=dtype,
        device=device,
        memory=memory,
        stop_when_decided=stop_when_decided,
    )
    for line in run_request(request, dry_run=dry_run):
        print(line, file=sys.stderr)
