"""`steerstat export`: `store export` at the front door."""

from __future__ import annotations

import typer

from store.cli.transfer import export_command

app = typer.Typer(add_completion=False)
_HELP = str(export_command.__doc__).replace("steerstat store export", "steerstat export")
app.command("export", help=_HELP)(export_command)
