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
        str, typer.Option(help="bundled, a checkpoint folder or a hub id")
    ] = "bundled",
    base: Annotated[str | None, typer.Option(help="base model of a CODI checkpoint")] = None,
    lora_alpha: Annotated[int, typer.Option(help="LoRA scale of the checkpoint")] = 32,
    alphas: Annotated[
        str | None, typer.Option(help="doses: first:last:step, or a list 1,2,3")
    ] = None,
    seeds: Annotated[
        str, typer.Option(help="seeds: first:last (last not included), or a list")
    ] = "0",
    site: Annotated[
        str | None, typer.Option(help="where to add; the direction's own site if not given")
    ] = None,
    schedule: Annotated[
        str, typer.Option(help="uniform, first, last, position:<i>, magnitude or [1, 0.5, …]")
    ] = "uniform",
    operator: Annotated[
        str, typer.Option(help="add, norm_preserving_add, project_out or clamp")
    ] = "add",
    effect: Annotated[str, typer.Option(help="total, or direct")] = "total",
    protocol: Annotated[str, typer.Option(help="codi, report, coconut, plain or chat")] = "codi",
    max_new_tokens: Annotated[int, typer.Option(help="longest answer in tokens")] = 32,
    temperature: Annotated[float, typer.Option(help="0 decodes greedily")] = 0.0,
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16")] = "float32",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    memory: Annotated[str | None, typer.Option(help="bound on the engine's memory: 4GB")] = None,
    dry_run: Annotated[bool, typer.Option(help="say what would be done, and do nothing")] = False,
    stop_when_decided: Annotated[
        bool, typer.Option(help="stop a condition when the plan's question is answered")
    ] = False,
) -> None:
    """Thin shell over `collect.request.run_request`."""
    from collect.request import Request, run_request

    request = Request(
        store=store,
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
