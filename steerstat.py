"""steerstat: run steering experiments on latent-reasoning models, and judge their claims.

The front door of the library and of the command line, in the same words:

    import steerstat
    store = steerstat.open_store("runs/demo")
    steerstat.read(store, "accuracy_by_alpha").to_pandas()
    steerstat.mcnemar(4, 2).p
    steerstat.tables.effects(store)
    steerstat.charts.forest_chart(steerstat.tables.forest(store))

Everything is imported when it is first used, so that `steerstat sql` starts without torch or
scipy, and a machine without the `collect` extra can query, test and plot.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Never

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

if TYPE_CHECKING:  # the names that `__getattr__` below finds when they are used
    from analysis import *  # noqa: F403
    from analysis import charts as charts
    from analysis import tables as tables
    from collect import *  # noqa: F403
    from store import *  # noqa: F403

# command: (module that holds its Typer `app`, one line of help)
COMMANDS = {
    "reproduce": ("collect.cli.reproduce", "Run the report's whole protocol: the place to start."),
    "collect": ("collect.cli.collect", "Run a sweep of problems x conditions into a store."),
    "problems": ("collect.cli.problems", "Add, generate and list problems and problem sets."),
    "extract": ("collect.cli.extract", "Store latent activations of a model."),
    "directions": ("collect.cli.directions", "Fit, add, list and show directions."),
    "model": ("collect.cli.model", "Load a checkpoint and run its gates."),
    "import": ("store.cli.bring", "Bring outcomes of another harness into a store."),
    "export": ("store.cli.give", "Write a store's outcomes for other programs."),
    "store": ("store.cli.store", "Check, merge, rebuild, compact, import and export stores."),
    "sql": ("store.cli.sql", "Query a store, closed and read-only."),
    "analyze": ("analysis.cli.analyze", "Test every contrast of a store and keep the results."),
    "compare": ("analysis.cli.compare", "Judge one pair: two files, or two conditions of a store."),
    "calc": ("analysis.cli.calc", "Tests and intervals from totals alone."),
    "calibrate": ("analysis.cli.calibrate", "Size, power and coverage of every method."),
    "plan": ("analysis.cli.plan", "Check and freeze a plan before collecting."),
    "claims": ("analysis.cli.claims", "Re-verify every number that a document prints."),
    "audit": ("analysis.cli.audit", "What a hostile reviewer would find in an experiment."),
    "mcp": ("analysis.cli.mcp", "Serve a store to an agent, read-only, over stdio."),
    "figures": ("analysis.cli.figures", "Render the figures and tables for print."),
    "report": ("analysis.cli.report", "Write the report page."),
    "serve": ("analysis.cli.serve", "Serve the report page live on this machine."),
}
CRASHED = 70  # what sysexits.h calls EX_SOFTWARE
# package that may not be installed: the extra that brings it
EXTRAS = {
    **dict.fromkeys(
        ("torch", "transformers", "tokenizers", "safetensors", "huggingface_hub"), "collect"
    ),
    "mcp": "mcp",
}
# Where the library's names live: a package's own `__all__`, or a module as a whole.
_PACKAGES = ("analysis", "store", "collect")
_MODULES = {"tables": "analysis.tables", "charts": "analysis.charts"}


def _shadow() -> str | None:
    """One line on a file of the user's that is imported in place of a package of ours, if any.

    The packages have common names, and what stands in the working folder or on PYTHONPATH is found
    before what is installed: unnoticed, the user's own `analysis.py` would answer for `analysis`.
    """
    for package in ("analysis", "collect", "sql", "store"):
        spec = importlib.util.find_spec(package)
        ours = Path(__file__).resolve().with_name(package) / "__init__.py"
        if spec and spec.origin and Path(spec.origin).resolve() != ours:
            return (
                f"{spec.origin} hides the package {package!r} of steerstat: rename it, "
                "or run from another folder (and without that folder on PYTHONPATH)"
            )
    return None


class LazyGroup(TyperGroup):
    """A group whose sub-commands are imported when they are run, not when they are listed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Commands of one line of help each, in the order in which a new user needs them."""
        super().__init__(*args, **kwargs)
        self.commands = {
            name: TyperCommand(name, help=line) for name, (_, line) in COMMANDS.items()
        }

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of `COMMANDS`."""
        return list(self.commands)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is run, imported now."""
        if not args or args[0] not in COMMANDS:
            return super().resolve_command(ctx, args)
        module = importlib.import_module(COMMANDS[args[0]][0])
        return args[0], typer.main.get_command(module.app), args[1:]


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, pretty_exceptions_enable=False)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"steerstat {importlib.metadata.version('steerstat')}")
        raise typer.Exit


@app.callback()
def _front_door(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Run activation-steering experiments on latent-reasoning models, and judge their claims."""


def _one_line(error: Any) -> str:
    """What is wrong with the arguments, in one line; of a group without a command, its help."""
    message = str(error.format_message())
    if "\n" in message:
        return message
    command = error.ctx.command_path if error.ctx is not None else "steerstat"
    return f"steerstat: {message.rstrip('.')} (`{command} --help` tells more)"


def main() -> None:
    """Entry point: an error of the user's making is one line and exit code 2."""
    if shadow := _shadow():
        print(f"steerstat: {shadow}", file=sys.stderr)
        sys.exit(2)
    from sql.errors import UserError
    from sql.printable import Screen

    sys.stdout, sys.stderr = Screen(sys.stdout), Screen(sys.stderr)
    try:
        sys.exit(app(standalone_mode=False))
    except TyperException as error:
        print(_one_line(error), file=sys.stderr)
        sys.exit(2)
    except UserError as error:
        print(f"steerstat: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        # Models are touched only when a command needs one, so it may notice late.
        extra = EXTRAS.get((error.name or "").split(".")[0])
        if extra is None:
            _crash()
        print(
            f"steerstat: this needs {error.name}, which is not installed: "
            f"pip install 'steerstat[{extra}]'",
            file=sys.stderr,
        )
        sys.exit(2)
    except Exception:
        _crash()


def _crash() -> Never:
    """End with the traceback of a fault of ours, under an exit code that no finding has."""
    traceback.print_exc()
    sys.exit(CRASHED)


if not TYPE_CHECKING:  # a type checker would take it to know every name

    def __getattr__(name: str) -> Any:
        """Public names of the packages below. Raises ImportError where a user's file hides one."""
        if name.startswith("__"):
            raise AttributeError(f"steerstat has no {name!r}")
        if shadow := _shadow():
            raise ImportError(shadow)
        if name in _MODULES:
            return importlib.import_module(_MODULES[name])
        for package in _PACKAGES:
            module = importlib.import_module(package)
            if name in getattr(module, "__all__", ()):
                return getattr(module, name)
        raise AttributeError(f"steerstat has no {name!r}")


def __dir__() -> list[str]:
    """Names for tab completion; the packages behind them stay unimported as far as possible."""
    public = (getattr(importlib.import_module(package), "__all__", ()) for package in _PACKAGES)
    return sorted({*globals(), *_MODULES, *(name for names in public for name in names)})


if __name__ == "__main__":
    main()
