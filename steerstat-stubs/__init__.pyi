# A single module cannot carry `py.typed`, a package of stubs can: the types of `steerstat.py` once
# it is installed. Inside this repository a type checker reads the module itself.
from typing import Any

import typer
from typer.core import TyperGroup

from analysis import *
from analysis import charts as charts
from analysis import tables as tables
from collect import *
from store import *

CRASHED: int
COMMANDS: dict[str, tuple[str, str]]
EXTRAS: dict[str, str]
app: typer.Typer

class LazyGroup(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]: ...
    def resolve_command(self, ctx: Any, args: list[str]) -> Any: ...

def main() -> None: ...
def __dir__() -> list[str]: ...
