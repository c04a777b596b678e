"""steerstat: run steering experiments on latent-reasoning models, and judge their claims.

The `steerstat` command is made of one sub-command per module named in `COMMANDS`; a module is
imported only when its command is used, so that `steerstat sql` starts without torch or scipy.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from sql.errors import UserError

# command: (module that holds its Typer `app`, one line of help)
COMMANDS = {
    "reproduce": ("collect.cli.reproduce", "Run the report's whole protocol: the place to start."),
    "collect": ("collect.cli.collect", "Run a sweep of problems x conditions into a store."),
    "problems": ("collect.cli.problems", "Add, generate and list problems and problem sets."),
    "extract": ("collect.cli.extract", "Store latent activations of a model."),
    "directions": ("collect.cli.directions", "Fit, add, list and show directions."),
    "model": ("collect.cli.model", "Load a checkpoint and run its gates."),
    "store": ("store.cli.store", "Check, merge, rebuild, compact, import and export stores."),
    "sql": ("store.cli.sql", "Query a store, closed and read-only."),
    "analyze": ("analysis.cli.analyze", "Test every contrast of a store and keep the results."),
    "calc": ("analysis.cli.calc", "Tests and intervals from totals alone."),
    "calibrate": ("analysis.cli.calibrate", "Size, power and coverage of every method."),
    "plan": ("analysis.cli.plan", "Check and freeze a plan before collecting."),
    "claims": ("analysis.cli.claims", "Re-verify every number that a document prints."),
    "figures": ("analysis.cli.figures", "Render the figures and tables for print."),
    "report": ("analysis.cli.report", "Write the report page."),
    "serve": ("analysis.cli.serve", "Serve the report page live on this machine."),
}


class LazyGroup(TyperGroup):
    """A group whose sub-commands are imported when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order in which a new user needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        return typer.main.get_command(importlib.import_module(module).app)


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, add_completion=False)


@app.callback()
def _front_door() -> None:
    """Run activation-steering experiments on latent-reasoning models, and judge their claims."""


def main() -> None:
    """Entry point: an error of the user's making is one line and exit code 2."""
    try:
        app()
    except UserError as error:
        sys.exit(f"steerstat: {error}")
