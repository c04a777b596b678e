"""`steerstat directions`: fit, draw controls, add, list and show directions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.vocabulary import Role, VectorRows
from collect.cli.options import DirectionSite, Seed, StoredModel
from sql.errors import UserError
from store.cli.options import AsJson, Store

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Fit, draw controls for, add, list and show directions.",
)

COLUMNS = ("name", "kind", "role", "site", "positions", "norm", "parent")


@app.command()
def fit(
    store: Store,
    fit: Annotated[
        str,
        typer.Option(
            help="Fit: mean_difference, mean_difference_matched, first_principal_component, "
            "logistic_probe or shrinkage_lda."
        ),
    ],
    name: Annotated[str, typer.Option(help="Name that no other direction has, such as raw.")],
    set_name: Annotated[
        str | None,
        typer.Option(
            "--set", help="Labelled set to fit on, such as train; by default none: it is named."
        ),
    ] = None,
    site: DirectionSite = "latent",
    at: Annotated[
        str | None,
        typer.Option(
            help="Site where activations are read, such as residual:2; by default that of --site."
        ),
    ] = None,
    strata: Annotated[
        str | None,
        typer.Option(help="Strata to match within, such as n_steps; by default none."),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Protocol of the activations, such as codi or 'codi dtype=bfloat16'; by default "
            "the only one."
        ),
    ] = None,
    model: StoredModel = None,
) -> None:
    """Fit a direction on stored activations; `directions controls` draws what it is compared with.

    Example: steerstat directions fit runs/demo --fit mean_difference --set train --name raw
    """
    from collect.directions.fitting import KINDS, FitRequest, fit_direction
    from store.layout import open_store

    if fit in KINDS:
        raise UserError(
            f"{fit} is a control, which is drawn and not fitted: `steerstat directions controls "
            f"{store} --of CANDIDATE --number 99 --kind {fit}`"
        )
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
    root = open_store(store)
    fit_direction(root, request, name=name)
    _added(root, f"direction {name}, fitted on {set_name}")


@app.command()
def controls(
    store: Store,
    of: Annotated[
        str,
        typer.Option(
            help="Candidates that they are matched to, such as mean_difference or "
            "role=candidate; each is given its own."
        ),
    ],
    number: Annotated[int, typer.Option(help="Number of controls, such as 99.", min=1)],
    kind: Annotated[
        str,
        typer.Option(help="Kind: random_per_position, random_total_norm or shuffled_labels."),
    ] = "random_per_position",
    name: Annotated[
        str | None,
        typer.Option(
            help="What stands before _000 in their names, such as noise; by default the "
            "candidate's name and the kind."
        ),
    ] = None,
    seed: Seed = 0,
) -> None:
    """Draw control directions for candidates: what each must be compared with.

    A candidate is compared with its own controls alone: one-sided at .025 that takes 39, and 40
    more for every further candidate of the same test set.

    Example: steerstat directions controls runs/demo --of mean_difference --number 99 --name noise
    """
    _add_controls(store, kind, of=of, number=number, name=name, seed=seed)


def _add_controls(
    store: Path, kind: str, *, of: str, number: int, name: str | None, seed: int
) -> None:
    from collect.directions.fitting import draw_controls
    from store.layout import open_store

    root = open_store(store)
    ids = draw_controls(root, kind, like=of, count=number, prefix=name, seed=seed)
    _added(root, f"{len(ids)} control directions for {of}")


def _added(root: Path, what: str) -> None:
    from collect.cli.tables import note
    from store.ingestion import ingest

    ingest(root)
    note(f"added {what}")


@app.command()
def add(
    store: Store,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="File with vectors, such as mine.npy (or .npz, .safetensors, .parquet, .pt, .pth, "
            ".gguf, .svec) or a repsteer folder; by default --query gives them."
        ),
    ] = None,
    query: Annotated[
        str | None,
        typer.Option(
            help="SQL that returns position and values, or its file, such as my_direction.sql; by "
            "default FILE gives them."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="Name that no other direction has, such as mine; by default what FILE says."
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="Kind, any text, such as probe; by default what FILE says."),
    ] = None,
    site: Annotated[
        str | None,
        typer.Option(
            help="Site where it is to be added: latent, latent_projected, residual:2, or several "
            "with commas; by default that of FILE or of its layer, or latent."
        ),
    ] = None,
    role: Annotated[
        Role | None,
        typer.Option(help="Role: candidate or control; by default what FILE says, or candidate."),
    ] = None,
    parent: Annotated[
        str | None,
        typer.Option(
            help="Of a control, the candidate that it is matched to, such as raw; by default none."
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="Array of a file that holds several, such as direction.2, or the number of its "
            "layer; by default the only one, or every layer."
        ),
    ] = None,
    rows: Annotated[
        VectorRows | None,
        typer.Option(
            help="Of an array [n, d], what its rows are: positions, everywhere (one vector for all "
            "positions) or layers; by default positions where that is clear."
        ),
    ] = None,
    first_layer: Annotated[
        int,
        typer.Option(
            help="Number that FILE gives the first block, such as 1; residual:0 is after it.",
            min=0,
        ),
    ] = 0,
) -> None:
    """Add directions of any kind from a file or from a query over the store.

    A file with a vector for every layer gives a direction for each: mine_layer_0, mine_layer_1 …

    Example: steerstat directions add runs/demo mine.npy --name mine --kind "probe of mine"

    Example: steerstat directions add runs/demo happy.gguf --name happy --kind "control vector"

    Example: steerstat directions add runs/demo --query my_direction.sql --name in_sql --kind sql
    """
    from collect.cli.tables import note
    from collect.directions.catalogue import add_checked
    from store.layout import open_store

    root = open_store(store)
    added = add_checked(
        root,
        file=file,
        query=query,
        name=name,
        kind=kind,
        site=site,
        role=role,
        parent=parent,
        key=key,
        rows=rows,
        first_layer=first_layer,
    )
    if added.left_out:
        note(f"left out {', '.join(added.left_out)}: zeros alone, nothing would be added")
    one = f"direction {added.names[0]} ({added.ids[0]})"
    many = f"{len(added.ids)} directions: {', '.join(added.names)}"
    _added(root, one if len(added.ids) == 1 else many)


@app.command()
def export(
    store: Store,
    name: Annotated[
        str,
        typer.Argument(help="Direction, or for .gguf those of several layers, such as 'happy_*'."),
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="New file: .safetensors (with name, kind, site, recipe and hashes), .npy, or "
            ".gguf for llama.cpp."
        ),
    ],
) -> None:
    """Write a direction to a file for other programs.

    Example: steerstat directions export runs/demo mean_difference --out raw.safetensors
    """
    from collect.cli.tables import note
    from collect.directions.exports import export_directions
    from collect.directions.selection import select_directions
    from store.layout import open_store

    chosen = select_directions(open_store(store), name)
    export_directions(chosen, out)
    note(f"wrote {', '.join(direction.name for direction in chosen)} to {out}")


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
    name: Annotated[
        str, typer.Argument(help="Name of a direction, or a pattern, such as random_*.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show how directions were made, on what, and their norm at each position.

    Example: steerstat directions show runs/demo mean_difference
    """
    from collect.cli.tables import print_rows
    from collect.directions.catalogue import described
    from collect.directions.selection import select_directions
    from store.layout import open_store

    root = open_store(store)
    chosen = {direction.direction_id for direction in select_directions(root, name)}
    rows = [row for row in described(root) if row["direction_id"] in chosen]
    if as_json:
        print_rows(rows, (), as_json=True)
        return
    fields = [{"field": key, "value": value} for row in rows for key, value in row.items()]
    print_rows(fields, ("field", "value"), as_json=False)
