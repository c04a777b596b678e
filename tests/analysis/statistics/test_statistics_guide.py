"""The guide's examples run, its commands run, and its tables hold the library's numbers."""

from __future__ import annotations

import doctest
import re
import shlex

import pytest
from typer.testing import CliRunner

from analysis import mcnemar, paired_difference
from analysis.calibration import SECTIONS, calibrate, rate_tables
from analysis.cli.calc import app
from analysis.vocabulary import CalibrationSection
from benchmarks.calibration import SEED
from tests.analysis.statistics.guide_figures import (
    CALIBRATION,
    GUIDE,
    Section,
    explained,
    numbers,
    sections,
)


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


PARTS = sections(GUIDE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.title.lstrip("# "))
def test_every_figure_is_one_that_a_command_prints(part: Section) -> None:
    assert not [figure.text for figure in numbers(part.prose) if not explained(figure, part)]


@pytest.mark.parametrize(
    ("heading", "figure", "another"),
    [
        ("## Primary", "| .4531 |", "| .4532 |"),
        ("## Primary", "p = .040", "p = .041"),
        ("## Before", ".689", ".690"),
        ("## Before", "993 problems", "994 problems"),
        ("## Looking", "p = .031", "p = .032"),
        ("## The best", "points when any two", "points (9.99) when any two"),
    ],
)
def test_a_figure_that_no_command_prints_is_found(heading: str, figure: str, another: str) -> None:
    part = next(one for one in PARTS if one.title.startswith(heading))
    assert figure in part.prose
    changed = part._replace(prose=part.prose.replace(figure, another))
    assert [one for one in numbers(changed.prose) if not explained(one, changed)]


@pytest.mark.trial
@pytest.mark.parametrize("section", SECTIONS)
def test_the_calibration_is_what_its_command_prints(section: CalibrationSection) -> None:
    rows = calibrate(seed=SEED, sections=[section])
    assert rate_tables(rows) in CALIBRATION.read_text(encoding="utf-8")
