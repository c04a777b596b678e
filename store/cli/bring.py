"""`steerstat import`: `store import` with the files first and the store behind --to."""

from __future__ import annotations

import functools
import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from store.cli.transfer import import_command

app = typer.Typer(add_completion=False)

_TO = Annotated[
    Path,
    typer.Option("--to", help="Folder of the store, such as runs/theirs; made if it is not there."),
]


@functools.wraps(import_command)
def _import(**given: Any) -> None:
    import_command(given.pop("to"), **given)


def _parameters() -> list[inspect.Parameter]:
    """The parameters of `store import`, of which the store becomes the option --to."""
    _, files, *options = inspect.signature(import_command, eval_str=True).parameters.values()
    to = inspect.Parameter("to", inspect.Parameter.KEYWORD_ONLY, annotation=_TO)
    return [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (files, to, *options)]


_import.__signature__ = inspect.Signature(_parameters())  # type: ignore[attr-defined]
_import.__annotations__ = {one.name: one.annotation for one in _parameters()}
_import.__doc__ = str(import_command.__doc__).replace(
    "steerstat store import runs/theirs outcomes.csv",
    "steerstat import outcomes.csv --to runs/theirs",
)
del _import.__wrapped__
app.command("import")(_import)
