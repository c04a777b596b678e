"""`steerstat model`: load a checkpoint, say what it is, and run its gates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from collect.cli.options import (
    Base,
    BotId,
    Device,
    Dtype,
    EotId,
    LoraAlpha,
    ModelName,
    PadId,
    Protocol,
)
from collect.cli.protocol_options import with_protocol_fields
from sql.errors import UserError
from store.cli.options import AsJson

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Load a checkpoint and run its gates.",
)


@app.command()
def info(
    model: ModelName,
    base: Base = None,
    lora_alpha: LoraAlpha = None,
    pad_id: PadId = None,
    bot_id: BotId = None,
    eot_id: EotId = None,
    device: Device = None,
    dtype: Dtype = None,
    as_json: AsJson = False,
) -> None:
    """Load a model and say what it is: every tensor is accounted for, or an error names it.

    Example: steerstat model info checkpoints/codi-gpt2 --base gpt2
    """
    from collect.cli.tables import print_rows
    from collect.models.choice import choose_model
    from collect.sweeps.inspection import describe

    choice = choose_model(
        model,
        base=base,
        lora_alpha=lora_alpha,
        pad_id=pad_id,
        bot_id=bot_id,
        eot_id=eot_id,
        device=device,
        dtype=dtype,
    )
    description = describe(choice.load())
    if as_json:
        print(json.dumps(description, indent=1))
    else:
        rows = [{"field": key, "value": value} for key, value in description.items()]
        print_rows(rows, ("field", "value"), as_json=False)


@app.command()
@with_protocol_fields
def check(
    model: ModelName,
    base: Base = None,
    lora_alpha: LoraAlpha = None,
    pad_id: PadId = None,
    bot_id: BotId = None,
    eot_id: EotId = None,
    protocol: Protocol = None,
    store: Annotated[
        Path | None,
        typer.Option(
            help="Store to take problems from, such as runs/demo; by default they are generated."
        ),
    ] = None,
    set_name: Annotated[
        str | None,
        typer.Option("--set", help="Problem set of that store, such as primary; by default none."),
    ] = None,
    count: Annotated[int, typer.Option(help="Number of problems asked, such as 16.", min=1)] = 8,
    device: Device = None,
    dtype: Dtype = None,
    as_json: AsJson = False,
    *,
    fields: dict[str, Any],
) -> None:
    """Run the three gates alone: reference decode, batching, dead positions.

    Exit code 1 where a gate does not hold.

    Example: steerstat model check bundled
    """
    from analysis.vocabulary import ProtocolName, checked
    from collect.engine.protocol import checked_changes
    from collect.models.choice import choose_model
    from collect.problems.problem_sets import set_problems
    from collect.sweeps.gates import summary
    from collect.sweeps.inspection import check as run
    from store.layout import open_store

    choice = choose_model(
        model,
        base=base,
        lora_alpha=lora_alpha,
        pad_id=pad_id,
        bot_id=bot_id,
        eot_id=eot_id,
        device=device,
        dtype=dtype,
    )
    if protocol is not None:
        checked(protocol, ProtocolName, "protocol")
    changes = checked_changes(**fields)
    questions = answers = None
    if (store is None) != (set_name is None):
        raise UserError("problems of a store need both --store and --set")
    if store is not None and set_name is not None:
        rows = set_problems(open_store(store), set_name)[:count]
        questions, answers = [r["question"] for r in rows], [r["answer"] for r in rows]
    gates = run(
        choice.load(),
        protocol=protocol,
        questions=questions,
        answers=answers,
        count=count,
        changes=changes,
    )
    if as_json:
        print(json.dumps(gates, indent=1))
    else:
        print("\n".join(summary(gates)))
    if not gates["passed"]:
        raise typer.Exit(1)
