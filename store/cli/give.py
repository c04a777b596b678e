"""`steerstat export`: `store export` at the front door."""

from __future__ import annotations

import typer

from store.cli.transfer import export_command

app = typer.Typer(add_completion=False)
app.command("export")(export_command)
