"""`steerstat directions`: fit, add, list and show directions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sql.errors import UserError

app = typer.Typer(no_args_is_help=True, help="Fit, add, list and show directions.")

Store = Annotated[Path, typer.Argument(help="the store")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON with every field")]
COLUMNS = ("name", "kind", "role", "site", "positions", "norm", "parent")


@app.command()
def fit(
    store: Store,
    fit: Annotated[
        str,
        typer.Option(
            help="mean_difference, mean_difference_matched, first_principal_component, "
            "logistic_probe; or a control: random_per_position, random_total_norm, shuffled_labels"
        ),
    ],
    name: Annotated[str, typer.Option(help="name; of controls, what stands before _000")],
    set_name: Annotated[str | None, typer.Option("--set", help="labelled set to fit on")] = None,
    site: Annotated[str, typer.Option(help="where it is to be added")] = "latent",
    at: Annotated[str | None, typer.Option(help="where activations are read, if elsewhere")] = None,
    strata: Annotated[str | None, typer.Option(help="scheme to match within: n_steps")] = None,
    protocol: Annotated[str, typer.Option(help="under which activations were taken")] = "codi",
    model: Annotated[str | None, typer.Option(help="model, where the store has several")] = None,
    like: Annotated[str | None, typer.Option(help="candidate that controls are matched to")] = None,
    count: Annotated[int, typer.Option(help="number of controls")] = 1,
    seed: Annotated[int, typer.Option(help="seed of the controls")] = 0,
) -> None:
    """Fit a direction on stored activations, or draw controls for one.

    Example: steerstat directions fit runs/demo --fit mean_difference --set train --name raw

    Example: steerstat directions fit runs/demo --fit random_per_position --like raw --count 99
    --name noise
    """
    from collect.cli.tables import note
    from collect.directions.control_vectors import CONTROLS
    from collect.directions.fitting import SHUFFLED, FitRequest, draw_controls, fit_direction
    from store.ingestion import ingest
    from store.layout import open_store

    root = open_store(store)
    if fit in (*CONTROLS, SHUFFLED):
        if like is None:
            raise UserError(f"{fit} is a control: name its candidate with --like")
        draw_controls(root, fit, like=like, count=count, prefix=name, seed=seed)
        what = f"{count} control directions for {like}"
    else:
        if set_name is None:
            raise UserError(f"{fit} is fitted on a labelled set: name it with --set")
        request = FitRequest(
            fit=fit,
            set_name=set_name,
            site=site,
            fitted_at=at,
            protocol=protocol,
            model=model,
            strata=strata,
        )
        fit_direction(root, request, name=name)
        what = f"direction {name}, fitted on {set_name}"
    ingest(root)
    note(f"added {what}")


@app.command()
def add(
    store: Store,
    file: Annotated[
        Path | None, typer.Argument(help=".npy, .npz, .safetensors or .parquet with vectors")
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="SQL file or text that returns position and values")
    ] = None,
    name: Annotated[str, typer.Option(help="unique name")] = "",
    kind: Annotated[str, typer.Option(help="any text")] = "",
    site: Annotated[str, typer.Option(help="latent, latent_projected, residual:<l>, …")] = "latent",
    role: Annotated[str, typer.Option(help="candidate or control")] = "candidate",
    parent: Annotated[
        str | None, typer.Option(help="of a control: the candidate it is matched to")
    ] = None,
    key: Annotated[str | None, typer.Option(help="array in a file that holds several")] = None,
) -> None:
    """Add a direction of any kind from a file or from a query over the store.

    Example: steerstat directions add runs/demo mine.npy --name mine --kind "probe of mine"

    Example: steerstat directions add runs/demo --query my_direction.sql --name in_sql --kind sql
    """
    from collect.cli.tables import note
    from collect.directions.catalogue import add_checked
    from store.ingestion import ingest
    from store.layout import open_store

    root = open_store(store)
    direction_id = add_checked(
        root,
        file=file,
        query=query,
        name=name,
        kind=kind,
        site=site,
        role=role,
        parent=parent,
        key=key,
    )
    ingest(root)
    note(f"added direction {name} ({direction_id})")


@app.command("list")
def list_(store: Store, as_json: AsJson = False) -> None:
    """List every direction of a store.

    Example: steerstat directions list runs/demo --json
    """
    from collect.cli.tables import print_rows
    from collect.directions.catalogue import described
    from store.layout import open_store

    print_rows(described(open_store(store)), COLUMNS, as_json=as_json)


@app.command()
def show(
    store: Store,
    name: Annotated[str, typer.Argument(help="name of a direction, or a pattern")],
    as_json: AsJson = False,
) -> None:
    """Show how directions were made, on what, and their norm at each position.

    Example: steerstat directions show runs/demo mean_difference
    """
    from collect.cli.tables import print_rows
    from collect.directions.catalogue import described
    from collect.directions.directions import select_directions
    from store.layout import open_store

    root = open_store(store)
    chosen = {one.direction_id for one in select_directions(root, name)}
    rows = [row for row in described(root) if row["direction_id"] in chosen]
    if as_json:
        print_rows(rows, (), as_json=True)
        return
    fields = [{"field": key, "value": value} for row in rows for key, value in row.items()]
    print_rows(fields, ("field", "value"), as_json=False)
