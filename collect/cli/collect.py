"""`steerstat collect`: run a sweep of problems x directions x doses into a store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from collect.cli.options import Base, BotId, Device, Dtype, EotId, LoraAlpha, Memory, Model, PadId
from collect.cli.protocol_options import with_protocol_fields
from store.cli.options import Store

app = typer.Typer(add_completion=False)

EXAMPLE = """Run a sweep of problems x directions x doses into a store.

Only units that are not in the store are computed: stop it and start it again as you like.

Example: steerstat collect runs/demo --problems primary --directions mean_difference --alphas=-3:3:1
"""


@app.command(help=EXAMPLE)
@with_protocol_fields
def collect(
    store: Store,
    plan: Annotated[
        Path | None,
        typer.Argument(
            help="Plan that gives what options leave out, such as plan.toml; by default none."
        ),
    ] = None,
    problems: Annotated[
        str | None,
        typer.Option(help="Problem set of the store, such as primary; by default the plan's."),
    ] = None,
    directions: Annotated[
        str | None,
        typer.Option(
            help="Directions: names, a pattern such as random_*, kind=probe, or an SQL condition; "
            "by default the plan's, else the baseline alone."
        ),
    ] = None,
    model: Model = None,
    base: Base = None,
    lora_alpha: LoraAlpha = None,
    pad_id: PadId = None,
    bot_id: BotId = None,
    eot_id: EotId = None,
    alphas: Annotated[
        str | None,
        typer.Option(
            help="Doses: first:last:step, such as -3:3:1, or a list, such as 1,2,3; by default "
            "the plan's, else 1."
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            help="Seeds of sampling, such as 0:4 (that is 0, 1, 2, 3) or 0,5,7; by default the "
            "plan's, else 0."
        ),
    ] = None,
    site: Annotated[
        str | None,
        typer.Option(
            help="Site where directions are added, such as residual:2; by default the plan's, "
            "else each direction's own."
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            help="Weights of positions: uniform, first, last, position:<i>, magnitude or a list "
            "such as [1, 0.5, 0]; by default the plan's, else uniform."
        ),
    ] = None,
    operator: Annotated[
        str | None,
        typer.Option(
            help="Operator: add, norm_preserving_add, project_out or clamp; by default the "
            "plan's, else add."
        ),
    ] = None,
    effect: Annotated[
        str | None,
        typer.Option(help="Effect: total or direct; by default the plan's, else total."),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Protocol: codi, report, coconut, plain or chat; by default the plan's, else the "
            "model's own."
        ),
    ] = None,
    max_new_tokens: Annotated[
        int | None,
        typer.Option(
            help="Longest answer in tokens, such as 6; by default the plan's, else 32.", min=1
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="Temperature of sampling, such as 0.7; by default the plan's, else 0, "
            "which is greedy."
        ),
    ] = None,
    dtype: Dtype = None,
    device: Device = None,
    memory: Memory = None,
    dry_run: Annotated[bool, typer.Option(help="Say what would be done, and do nothing.")] = False,
    stop_when_decided: Annotated[
        bool, typer.Option(help="Stop a condition when the plan's question is answered.")
    ] = False,
    alpha_factors: Annotated[
        str | None,
        typer.Option(
            help="Factor on alpha for each stratum of problems, such as n_steps:1=0.5,2=1; by "
            "default the plan's, else none."
        ),
    ] = None,
    *,
    fields: dict[str, Any],
) -> None:
    """Thin shell over `collect.sweeps.work.run_request`."""
    from collect.sweeps.request import make_request
    from collect.sweeps.work import run_request

    request = make_request(
        store,
        plan=plan,
        stop_when_decided=stop_when_decided,
        problems=problems,
        directions=directions,
        model=model,
        base=base,
        lora_alpha=lora_alpha,
        pad_id=pad_id,
        bot_id=bot_id,
        eot_id=eot_id,
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
        alpha_factors=alpha_factors,
        fields=fields,
    )
    for line in run_request(request, dry_run=dry_run):
        print(line, file=sys.stderr)
