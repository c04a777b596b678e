"""`steerstat extract`: store latent activations of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

EXAMPLE = """Store activations of a model at its latent positions, for fits and for SQL.

What is in the store already is not computed again.

Example: steerstat extract runs/demo --set train --sites latent,residual:2
"""


@app.command(help=EXAMPLE)
def extract(
    store: Annotated[Path, typer.Argument(help="the store")],
    set_name: Annotated[str, typer.Option("--set", help="problem set")],
    sites: Annotated[
        str, typer.Option(help="latent, latent_projected, residual:<layer>; or all")
    ] = "latent",
    model: Annotated[
        str, typer.Option(help="bundled, smollm2, a checkpoint folder, a GGUF file or a hub id")
    ] = "bundled",
    base: Annotated[str | None, typer.Option(help="base model of a CODI checkpoint")] = None,
    lora_alpha: Annotated[float, typer.Option(help="LoRA scale of the checkpoint")] = 32,
    protocol: Annotated[
        str | None, typer.Option(help="codi, report, coconut, plain or chat; by the model")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16")] = "float32",
) -> None:
    """Thin shell over `collect.directions.extraction.extract`."""
    from collect.cli.tables import note
    from collect.directions.extraction import extract as run
    from collect.directions.extraction import sites_of
    from collect.problems.problem_sets import set_problems
    from store.ingestion import ingest
    from store.layout import open_store

    root = open_store(store)
    rows = set_problems(root, set_name)

    from collect.engine.protocol import default_protocol
    from collect.models.checkpoints import load_model

    loaded = load_model(model, base=base, lora_alpha=lora_alpha, device=device, dtype=dtype)
    added = run(
        root,
        loaded,
        [(row["problem_id"], row["question"]) for row in rows],
        sites=sites_of(sites, loaded),
        protocol=protocol or default_protocol(loaded),
    )
    ingest(root)
    note(f"{added:,} rows of activations added ({loaded.name}, {len(rows)} problems)")
