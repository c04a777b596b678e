"""Arguments and options that commands of every package share, each declared once with its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Store = Annotated[Path, typer.Argument(help="Folder of the store, such as runs/demo.")]
NewStore = Annotated[
    Path, typer.Argument(help="Folder of the store, such as runs/demo; made if it is not there.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON with every field.")]
