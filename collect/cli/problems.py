"""`steerstat problems`: add, generate and list problems, and draw problem sets."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from collect.cli.options import MakeSet, Seed
from sql.errors import UserError
from store.cli.options import AsJson, NewStore, Store

if TYPE_CHECKING:
    from collect.problems.problems import Problems

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Add, generate and list problems and problem sets.",
)


@app.command()
def generate(
    store: NewStore,
    count: Annotated[int, typer.Option(help="Number of problems, such as 1000.", min=1)] = 400,
    mix: Annotated[
        str | None,
        typer.Option(
            help="Weights by number of steps, such as 1,0,1; by default 1,1,2,2, or 1,1 with "
            "--expressions."
        ),
    ] = None,
    seed: Seed = 0,
    plain_text: Annotated[
        bool,
        typer.Option(help="Write ordinary punctuation, for models that read ordinary text."),
    ] = False,
    bare: Annotated[
        bool, typer.Option("--expressions", help="Make one- and two-step sums in bare numbers.")
    ] = False,
    set_name: MakeSet = None,
) -> None:
    """Generate arithmetic word problems that the bundled model was never trained on.

    Example: steerstat problems generate runs/mine --count 1000 --set pool
    """
    from collect.problems.expressions import expressions
    from collect.problems.problems import generated

    if mix is None:
        mix = "1,1" if bare else "1,1,2,2"
    weights = _weights(mix)
    if bare:
        problems = expressions(count, mix=weights, seed=seed)
    else:
        problems = generated(count, mix=weights, seed=seed, spaced=not plain_text)
    _store(store, problems, set_name, "test")


def _weights(text: str) -> list[float]:
    try:
        weights = [float(weight) for weight in text.split(",")]
    except ValueError:
        weights = [math.nan]
    if not all(map(math.isfinite, weights)):
        raise UserError(f"--mix {text!r} should be numbers with commas, such as 1,1,2,2")
    return weights


@app.command()
def add(
    store: NewStore,
    source: Annotated[
        str,
        typer.Argument(
            help="File of problems: .json, .jsonl, .csv or .parquet, or pairs, .json; or gsm8k, "
            "from the hub."
        ),
    ],
    split: Annotated[
        str, typer.Option(help="Split of the set, and of the hub's data, such as train.")
    ] = "test",
    side: Annotated[str, typer.Option(help="Side of pairs: clean, corrupted or both.")] = "clean",
    parser: Annotated[
        str, typer.Option(help="Form of the answers: number, choice or true_false.")
    ] = "number",
    set_name: MakeSet = None,
    map: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="Column of the file, such as answer=Answer or question=Body+Question; repeatable, "
            "by default the names of published data sets.",
        ),
    ] = None,
    allow_bad: Annotated[
        bool,
        typer.Option(
            "--allow-bad", help="Leave unusable entries out, however many, with exit code 0."
        ),
    ] = False,
    strict: Annotated[bool, typer.Option(help="Add nothing if an entry is unusable.")] = False,
) -> None:
    """Add problems from a file or from the hub; each entry that cannot be used is named.

    Where more than 1 % of the entries are, nothing is added; where fewer are, the exit code is 1.

    Example: steerstat problems add runs/mine svamp.json --set svamp --map answer=Answer
    """
    from collect.problems.problems import (
        checked_parser,
        checked_sides,
        is_pairs_file,
        read_file,
        read_gsm8k,
        read_pairs,
        refuse_lost,
    )
    from store.names import named_values

    sides = checked_sides(side)
    checked_parser(parser)
    mapping = named_values(map or [], "--map takes field=column")
    _check_names(store, set_name, split)
    path = Path(source)
    if source == "gsm8k" and not path.exists():
        problems = read_gsm8k(split)
    elif is_pairs_file(path):
        problems = read_pairs(path, sides=sides)
    else:
        problems = read_file(path, mapping=mapping, parser=parser)
    if strict and problems.errors:
        raise UserError(f"{len(problems.errors)} unusable entries, the first: {problems.errors[0]}")
    if not allow_bad:
        refuse_lost(problems)
    _store(store, problems, set_name, split)
    if problems.errors and not allow_bad:
        raise typer.Exit(1)


def _check_names(store: Path, set_name: str | None, split: str) -> None:
    """What can be refused before a source is read."""
    from store.layout import checked_place
    from store.names import checked_name

    checked_place(store)
    checked_name(split, "split")
    if set_name is not None:
        checked_name(set_name, "set name")


def _store(store: Path, problems: Problems, set_name: str | None, split: str) -> None:
    from collect.cli.tables import note
    from collect.problems.problem_sets import add_set, check_set
    from collect.problems.problems import add_problems
    from store.ingestion import ingest
    from store.layout import create_store

    if not problems.rows:
        first = f": {problems.errors[0]}" if problems.errors else ""
        raise UserError(f"no usable problems there{first}")
    ids = list(dict.fromkeys(row["problem_id"] for row in problems.rows))
    if set_name is not None:
        check_set(store, set_name, ids, split=split)
    root = create_store(store)
    added = add_problems(root, problems.rows)
    note(f"{added} problems added, {len(problems.rows) - added} were there already")
    if set_name is not None:
        size = add_set(root, set_name, ids, split=split, selection="all")
        note(f"set {set_name}: {size} problems")
    ingest(root)
    for line in [*problems.notes, *(f"left out: {error}" for error in problems.errors)]:
        note(line)


@app.command()
def split(
    store: Store,
    name: Annotated[str, typer.Argument(help="Name of the new set, such as primary.")],
    count: Annotated[
        int,
        typer.Option(
            help="Number of problems, such as 400; with --balanced, of each class.", min=1
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from", help="Set to draw from, such as pool; by default every problem of the store."
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            help="Set whose problems are left out, such as train; repeatable, by default none."
        ),
    ] = None,
    balanced: Annotated[
        bool, typer.Option(help="Draw as many right as wrong by the model's own baseline.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            help="Model of that baseline, such as codi-arithmetic; by default the only one."
        ),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="Protocol of that baseline, such as codi; by default the only one."),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Condition of that baseline, by how its id begins, such as 3fa04c1b; by default "
            "the only one."
        ),
    ] = None,
    as_split: Annotated[
        str, typer.Option("--split", help="Split that the set is for: train or test.")
    ] = "test",
    seed: Seed = 0,
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

    if not balanced:
        for option, value in (
            ("--model", model),
            ("--protocol", protocol),
            ("--baseline", baseline),
        ):
            if value is not None:
                raise UserError(f"{option} names whose baseline to balance on: give --balanced too")
    root = open_store(store)
    draw = draw_random
    if balanced:
        draw = partial(draw_balanced, model=model, protocol=protocol, baseline=baseline)
    size = draw(root, name, count, split=as_split, source=source, without=without or (), seed=seed)
    ingest(root)
    note(f"set {name}: {size} problems")


@app.command("list")
def list_(
    store: Store,
    set_name: Annotated[
        str | None,
        typer.Option(
            "--set", help="Set whose problems are listed, such as train; by default all sets are."
        ),
    ] = None,
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
