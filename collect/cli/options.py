"""Options that several commands share, each declared once with its help.

A help text is a sentence: what the option is, an example where a form has to be known, and the
default where the signature does not show it.
"""

from __future__ import annotations

from typing import Annotated

import typer

from store.schema import MOST_SEED

ModelName = Annotated[
    str,
    typer.Argument(
        help="Model: bundled, smollm2, a checkpoint folder, a GGUF file or a hub id, such as gpt2."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="Model: bundled, smollm2, a checkpoint folder, a GGUF file or a hub id, such as "
        "gpt2; by default bundled."
    ),
]
Base = Annotated[
    str | None,
    typer.Option(
        help="Base model of a CODI or Coconut checkpoint, such as gpt2; by default the "
        "checkpoint's own configuration is used."
    ),
]
LoraAlpha = Annotated[
    float | None,
    typer.Option(help="Scale of the checkpoint's LoRA, such as 16; by default 32, as published."),
]
PadId = Annotated[
    int | None,
    typer.Option(
        help="Token id of padding, such as 128256; with --bot-id and --eot-id, for a CODI "
        "checkpoint that has more tokens than its base and three; by default as published."
    ),
]
BotId = Annotated[
    int | None,
    typer.Option(help="Token id that opens the thoughts, such as 128257; by default as published."),
]
EotId = Annotated[
    int | None,
    typer.Option(
        help="Token id that closes the thoughts, such as 128258; by default as published."
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        help="Device: auto, cpu, cuda or cuda:1; by default auto, a GPU where there is one."
    ),
]
Dtype = Annotated[
    str | None,
    typer.Option(help="Number format: float32, bfloat16 or float16; by default float32."),
]
Protocol = Annotated[
    str | None,
    typer.Option(
        help="Protocol: codi, report, coconut, plain or chat; by default the model's own."
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        help="Bound on the engine's memory, such as 4GB or 500MB; by default 4 GiB (or the plan's)."
    ),
]
StoredModel = Annotated[
    str | None,
    typer.Option(
        help="Model of the store, by name, such as codi-arithmetic, or by how its id begins; by "
        "default the only one."
    ),
]
Seed = Annotated[
    int, typer.Option(help="Seed of everything that is drawn, such as 1.", min=0, max=MOST_SEED)
]
MakeSet = Annotated[
    str | None,
    typer.Option("--set", help="Name of a set to make of them, such as pool; by default none."),
]
OfSet = Annotated[str, typer.Option("--set", help="Problem set of the store, such as train.")]
DirectionSite = Annotated[
    str,
    typer.Option(
        help="Site where it is to be added: latent, latent_projected, residual:2, or several "
        "with commas."
    ),
]
