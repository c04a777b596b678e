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

PlanFile = Annotated[
    Path | None,
    typer.Argument(
        help="Plan that gives what options leave out, such as plan.toml; by default none."
    ),
]
ProblemSet = Annotated[
    str | None,
    typer.Option(help="Problem set of the store, such as primary; by default the plan's."),
]
Directions = Annotated[
    str | None,
    typer.Option(
        help="Directions: names, a pattern such as random_*, kind=probe, or an SQL condition; "
        "by default the plan's, else the baseline alone."
    ),
]
Alphas = Annotated[
    str | None,
    typer.Option(
        help="Doses: first:last:step, such as -3:3:1, or a list, such as 1,2,3; by default "
        "the plan's, else 1."
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option(
        help="Seeds of sampling, such as 0:4 (that is 0, 1, 2, 3) or 0,5,7; by default the "
        "plan's, else 0."
    ),
]
Site = Annotated[
    str | None,
    typer.Option(
        help="Site where directions are added, such as residual:2; by default the plan's, "
        "else each direction's own."
    ),
]
Schedule = Annotated[
    str | None,
    typer.Option(
        help="Weights of positions: uniform, first, last, position:<i>, magnitude or a list "
        "such as [1, 0.5, 0]; by default the plan's, else uniform."
    ),
]
Operator = Annotated[
    str | None,
    typer.Option(
        help="Operator: add, norm_preserving_add, project_out or clamp; by default the "
        "plan's, else add."
    ),
]
Effect = Annotated[
    str | None,
    typer.Option(help="Effect: total or direct; by default the plan's, else total."),
]
Protocol = Annotated[
    str | None,
    typer.Option(
        help="Protocol: codi, report, coconut, plain or chat; by default the plan's, else the "
        "model's own."
    ),
]
MaxNewTokens = Annotated[
    int | None,
    typer.Option(
        help="Longest answer in tokens, such as 6; by default the plan's, else that of the store's "
        "conditions, else 32.",
        min=1,
    ),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        help="Temperature of sampling, such as 0.7; by default the plan's, else 0, which is greedy."
    ),
]
DryRun = Annotated[bool, typer.Option(help="Say what would be done, and do nothing.")]
StopWhenDecided = Annotated[
    bool, typer.Option(help="Stop a condition when the plan's question is answered.")
]
AlphaFactors = Annotated[
    str | None,
    typer.Option(
        help="Factor on alpha for each stratum of problems, such as n_steps:1=0.5,2=1; by "
        "default the plan's, else none."
    ),
]

EXAMPLE = """Run a sweep of problems x directions x doses into a store.

Only units that are not in the store are computed: stop it and start it again as you like.

Example: steerstat collect runs/demo --problems primary --directions mean_difference --alphas=-3:3:1
"""


@app.command(help=EXAMPLE)
@with_protocol_fields
def collect(
    store: Store,
    plan: PlanFile = None,
    problems: ProblemSet = None,
    directions: Directions = None,
    model: Model = None,
    base: Base = None,
    lora_alpha: LoraAlpha = None,
    pad_id: PadId = None,
    bot_id: BotId = None,
    eot_id: EotId = None,
    alphas: Alphas = None,
    seeds: Seeds = None,
    site: Site = None,
    schedule: Schedule = None,
    operator: Operator = None,
    effect: Effect = None,
    protocol: Protocol = None,
    max_new_tokens: MaxNewTokens = None,
    temperature: Temperature = None,
    dtype: Dtype = None,
    device: Device = None,
    memory: Memory = None,
    dry_run: DryRun = False,
    stop_when_decided: StopWhenDecided = False,
    alpha_factors: AlphaFactors = None,
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
