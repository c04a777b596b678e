"""`steerstat model`: load a checkpoint, say what it is, and run its gates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Load a checkpoint and run its gates.")

ModelName = Annotated[
    str, typer.Argument(help="bundled, smollm2, a checkpoint folder, a GGUF file or a hub id")
]
Base = Annotated[str | None, typer.Option(help="base model of a CODI or Coconut checkpoint")]
LoraAlpha = Annotated[float, typer.Option(help="LoRA scale of the checkpoint")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]
Dtype = Annotated[str, typer.Option(help="float32, bfloat16 or float16")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON")]


@app.command()
def info(
    model: ModelName,
    base: Base = None,
    lora_alpha: LoraAlpha = 32,
    device: Device = "auto",
    dtype: Dtype = "float32",
    as_json: AsJson = False,
) -> None:
    """Load a model and say what it is: every tensor is accounted for, or an error names it.

    Example: steerstat model info checkpoints/codi-gpt2 --base gpt2
    """
    from collect.cli.tables import print_rows
    from collect.models.checkpoints import load_model
    from collect.sweeps.inspection import describe

    loaded = load_model(model, base=base, lora_alpha=lora_alpha, device=device, dtype=dtype)
    told = describe(loaded)
    if as_json:
        print(json.dumps(told, indent=1))
    else:
        rows = [{"field": key, "value": value} for key, value in told.items()]
        print_rows(rows, ("field", "value"), as_json=False)


@app.command()
def check(
    model: ModelName,
    base: Base = None,
    lora_alpha: LoraAlpha = 32,
    protocol: Annotated[
        str | None, typer.Option(help="codi, report, coconut, plain or chat; by the model")
    ] = None,
    store: Annotated[Path | None, typer.Option(help="store to take problems from")] = None,
    set_name: Annotated[str | None, typer.Option("--set", help="set in that store")] = None,
    count: Annotated[int, typer.Option(help="problems asked")] = 8,
    device: Device = "auto",
    dtype: Dtype = "float32",
    as_json: AsJson = False,
) -> None:
    """Run the three gates alone: reference decode, batching, dead positions.

    Exit code 1 where a gate does not hold.

    Example: steerstat model check bundled
    """
    from collect.models.checkpoints import load_model
    from collect.problems.problem_sets import set_problems
    from collect.sweeps.gates import summary
    from collect.sweeps.inspection import check as run
    from sql.errors import UserError
    from store.layout import open_store

    questions = answers = None
    if (store is None) != (set_name is None):
        raise UserError("problems of a store need both --store and --set")
    if store is not None and set_name is not None:
        rows = set_problems(open_store(store), set_name)[:count]
        questions, answers = [r["question"] for r in rows], [r["answer"] for r in rows]
    loaded = load_model(model, base=base, lora_alpha=lora_alpha, device=device, dtype=dtype)
    gates = run(loaded, protocol=protocol, questions=questions, answers=answers, count=count)
    if as_json:
        print(json.dumps(gates, indent=1))
    else:
        print("\n".join(summary(gates)))
    if not gates["passed"]:
        raise typer.Exit(1)
