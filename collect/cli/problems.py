"""`steerstat problems`: add, generate and list problems, and draw problem sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sql.errors import UserError

app = typer.Typer(no_args_is_help=True, help="Add, generate and list problems and problem sets.")

Store = Annotated[Path, typer.Argument(help="the store; made if it is not there")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON with every field")]
MOST_ERRORS = 10


@app.command()
def generate(
    store: Store,
    count: Annotated[int, typer.Option(help="how many problems")] = 400,
    mix: Annotated[
        str | None, typer.Option(help="weights by number of steps: 1,1,2,2; of expressions: 1,1")
    ] = None,
    seed: Annotated[int, typer.Option(help="seed of the generator")] = 0,
    plain_text: Annotated[
        bool, typer.Option(help="ordinary punctuation, for models that read ordinary text")
    ] = False,
    bare: Annotated[
        bool, typer.Option("--expressions", help="one- and two-step sums in bare numbers")
    ] = False,
    set_name: Annotated[str | None, typer.Option("--set", help="make them a set")] = None,
) -> None:
    """Generate arithmetic word problems that the bundled model was never trained on.

    Example: steerstat problems generate runs/mine --count 1000 --set pool
    """
    from collect.problems.expressions import expressions
    from collect.problems.problems import generated

    mix = mix or ("1,1" if bare else "1,1,2,2")

    try:
        weights = [float(weight) for weight in mix.split(",")]
    except ValueError as error:
        raise UserError(f"--mix {mix!r} should be numbers with commas, such as 1,1,2,2") from error
    if bare:
        found = expressions(count, mix=weights, seed=seed)
    else:
        found = generated(count, mix=weights, seed=seed, spaced=not plain_text)
    _store(store, found, set_name, "test")


@app.command()
def add(
    store: Store,
    source: Annotated[
        str, typer.Argument(help="a .jsonl file, a .json file of pairs, or gsm8k (from the hub)")
    ],
    split: Annotated[str, typer.Option(help="of the set, and of the hub's data")] = "test",
    side: Annotated[str, typer.Option(help="of pairs: clean, corrupted or both")] = "clean",
    parser: Annotated[str, typer.Option(help="answers are a number, choice or true_false")] = (
        "number"
    ),
    set_name: Annotated[str | None, typer.Option("--set", help="make them a set")] = None,
    strict: Annotated[bool, typer.Option(help="add nothing if an entry is unusable")] = False,
) -> None:
    """Add problems from a file or from the hub; unusable entries are listed one by one.

    Example: steerstat problems add runs/mine gsm8k_test.jsonl --set gsm8k
    """
    from collect.problems.problems import (
        PAIR_SIDES,
        is_pairs_file,
        read_gsm8k,
        read_jsonl,
        read_pairs,
    )

    path = Path(source)
    if source == "gsm8k" and not path.exists():
        found = read_gsm8k(split)
    elif is_pairs_file(path):
        found = read_pairs(path, sides=PAIR_SIDES if side == "both" else (side,))
    else:
        found = read_jsonl(path, parser=parser)
    if strict and found.errors:
        raise UserError(f"{len(found.errors)} unusable entries, the first: {found.errors[0]}")
    _store(store, found, set_name, split)


def _store(store: Path, found: object, set_name: str | None, split: str) -> None:
    from collect.cli.tables import note
    from collect.problems.problem_sets import add_set
    from collect.problems.problems import Problems, add_problems
    from store.ingestion import ingest
    from store.layout import create_store

    assert isinstance(found, Problems)
    if not found.rows:
        first = f": {found.errors[0]}" if found.errors else ""
        raise UserError(f"no usable problems there{first}")
    root = create_store(store)
    ids = list(dict.fromkeys(row["problem_id"] for row in found.rows))
    added = add_problems(root, found.rows)
    note(f"{added} problems added, {len(found.rows) - added} were there already")
    if set_name is not None:
        size = add_set(root, set_name, ids, split=split, selection="all")
        note(f"set {set_name}: {size} problems")
    ingest(root)
    for error in found.errors[:MOST_ERRORS]:
        note(f"left out: {error}")
    if len(found.errors) > MOST_ERRORS:
        note(f"and {len(found.errors) - MOST_ERRORS} more left out")


@app.command()
def split(
    store: Store,
    name: Annotated[str, typer.Argument(help="name of the new set")],
    count: Annotated[int, typer.Option(help="how many; with --balanced, of each class")],
    source: Annotated[str | None, typer.Option("--from", help="set to draw from")] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="set whose problems are left out; repeatable")
    ] = None,
    balanced: Annotated[
        bool, typer.Option(help="as many right as wrong by the model's own baseline")
    ] = False,
    model: Annotated[str | None, typer.Option(help="of that baseline, where several are")] = None,
    protocol: Annotated[str | None, typer.Option(help="of that baseline")] = None,
    as_split: Annotated[str, typer.Option("--split", help="train or test")] = "test",
    seed: Annotated[int, typer.Option(help="seed of the draw")] = 0,
) -> None:
    """Draw a problem set, at random or balanced on the model's own outcomes.

    A balanced set is for fitting: a test against the baseline on it is stamped
    selected_on_outcome, because plain noise looks like a gain there.

    Example: steerstat problems split runs/mine primary --count 400 --from pool --without train
    """
    from functools import partial

    from collect.cli.tables import note
    from collect.problems.problem_sets import draw_balanced, draw_random
    from store.ingestion import ingest
    from store.layout import open_store

    root = open_store(store)
    draw = draw_random
    if balanced:
        draw = partial(draw_balanced, model=model, protocol=protocol)
    size = draw(root, name, count, split=as_split, source=source, without=without or (), seed=seed)
    ingest(root)
    note(f"set {name}: {size} problems")


@app.command("list")
def list_(
    store: Store,
    set_name: Annotated[str | None, typer.Option("--set", help="the problems of a set")] = None,
    as_json: AsJson = False,
) -> None:
    """List the problem sets of a store, or the problems of one set.

    Example: steerstat problems list runs/demo --set primary --json
    """
    from collect.cli.tables import print_rows
    from collect.problems.problem_sets import set_problems, set_sizes
    from store.layout import open_store

    root = open_store(store)
    columns: tuple[str, ...] = ("problem_id", "n_steps", "answer", "label", "question")
    if set_name is None:
        columns = ("set_name", "split", "selection", "n", "n_right", "n_wrong")
    rows = set_sizes(root) if set_name is None else set_problems(root, set_name)
    print_rows(rows, columns, as_json=as_json)
