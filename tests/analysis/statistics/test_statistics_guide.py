"""The guide's examples run, its commands run, and its tables hold the library's numbers."""

from __future__ import annotations

import doctest
import re
import shlex

import pytest
from typer.testing import CliRunner

from analysis import mcnemar, paired_difference
from analysis.cli.calc import app
from tests.paths import ROOT

GUIDE = ROOT / "docs" / "statistics.md"


def test_examples_print_what_the_guide_says() -> None:
    failed, attempted = doctest.testfile(str(GUIDE), module_relative=False, encoding="utf-8")
    assert failed == 0
    assert attempted >= 20


COMMANDS = re.findall(r"^\$ steerstat calc (.+)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command: str) -> None:
    result = CliRunner().invoke(app, shlex.split(command), catch_exceptions=False)
    assert result.exit_code == 0
    assert result.stdout.rstrip().endswith(".")


def test_every_command_of_the_calculator_is_in_the_guide() -> None:
    names = {
        command.name or command.callback.__name__.replace("_", "-")
        for command in app.registered_commands
        if command.callback
    }
    assert names == {command.split()[0] for command in COMMANDS}


def test_the_table_of_net_losses() -> None:
    rows = re.findall(
        r"^\| (\d+), (\d+) \| (\S+) \| (\S+) \| (\S+) to (\S+)",
        GUIDE.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len(rows) == 7
    for gained, lost, exact, midp, low, high in rows:
        result = paired_difference(int(gained), int(lost), 86)
        assert f"{mcnemar(int(gained), int(lost), method='exact').p:.4f}" == f"0{exact}"
        assert f"{result.p:.4f}" == f"0{midp}"
        assert f"{100 * result.low:+.1f}".replace("-", "−") == low
        assert f"{100 * result.high:+.1f}".replace("-", "−") == high
