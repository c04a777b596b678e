"""Help texts of the analysis commands say what happens without an option, in one way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from analysis.cli import analyze, calc, calibrate, claims, figures, plan, report, serve


def options_without_value() -> Iterator[Any]:
    """Every option whose default the signature does not show."""
    for module in (analyze, calc, calibrate, claims, figures, plan, report, serve):
        app: Any = typer.main.get_command(module.app)
        for command in getattr(app, "commands", {app.name: app}).values():
            for parameter in command.params:
                added = parameter.name == "help" or "completion" in parameter.name
                if parameter.default is None and not (parameter.required or added):
                    yield pytest.param(parameter, id=f"{command.name} {parameter.name}")


@pytest.mark.parametrize("parameter", list(options_without_value()))
def test_a_help_text_says_the_default(parameter: Any) -> None:
    assert re.fullmatch(r"[A-Z].*[;,] by default [^;]+\.", parameter.help), parameter.help


def test_there_are_such_options() -> None:
    assert len(list(options_without_value())) > 15
