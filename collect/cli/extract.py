"""`steerstat extract`: store latent activations of a model."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from collect.cli.options import (
    Base,
    BotId,
    Device,
    Dtype,
    EotId,
    LoraAlpha,
    Model,
    OfSet,
    PadId,
    Protocol,
)
from collect.cli.protocol_options import with_protocol_fields
from store.cli.options import Store

app = typer.Typer(add_completion=False)

EXAMPLE = """Store activations of a model at its latent positions, for fits and for SQL.

What is in the store already is not computed again.

Example: steerstat extract runs/demo --set train --sites latent,residual:2
"""


@app.command(help=EXAMPLE)
@with_protocol_fields
def extract(
    store: Store,
    set_name: OfSet,
    sites: Annotated[
        str,
        typer.Option(help="Sites: latent, latent_projected, residual:2, with commas; or all."),
    ] = "latent",
    model: Model = None,
    base: Base = None,
    lora_alpha: LoraAlpha = None,
    pad_id: PadId = None,
    bot_id: BotId = None,
    eot_id: EotId = None,
    protocol: Protocol = None,
    device: Device = None,
    dtype: Dtype = None,
    *,
    fields: dict[str, Any],
) -> None:
    """Thin shell over `collect.sweeps.extracting.run_request`."""
    from collect.cli.tables import note
    from collect.sweeps.extracting import make_request, run_request

    request = make_request(
        store,
        set_name=set_name,
        sites=sites,
        protocol=protocol,
        fields=fields,
        model=model,
        base=base,
        lora_alpha=lora_alpha,
        pad_id=pad_id,
        bot_id=bot_id,
        eot_id=eot_id,
        device=device,
        dtype=dtype,
    )
    note(run_request(request))
