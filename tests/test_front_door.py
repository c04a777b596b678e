"""The `steerstat` command and library as a new user meets them."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import steerstat
from tests.paths import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "import steerstat; steerstat.main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_help_lists_every_command_without_importing_any() -> None:
    code = (
        "import sys, steerstat\n"
        "try:\n    steerstat.main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'transformers', 'scipy', 'pandas', 'duckdb'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in steerstat.COMMANDS)


def leaves() -> list[list[str]]:
    """Every command that does something: names, and names within groups."""
    found = []
    for name, (module, _) in steerstat.COMMANDS.items():
        command = typer.main.get_command(importlib.import_module(module).app)
        inner = getattr(command, "commands", None)
        found += [[name, one] for one in inner] if inner else [[name]]
    return found


def test_every_command_has_help_with_an_example() -> None:
    without = []
    for names in leaves():
        result = CliRunner().invoke(steerstat.app, [*names, "--help"])
        assert result.exit_code == 0, result.output
        if f"steerstat {' '.join(names)}" not in " ".join(
            result.output.split("Usage:")[1].split("\n")[1:]
        ):
            without.append(" ".join(names))
    assert not without


@pytest.mark.parametrize("command", list(steerstat.COMMANDS))
def test_every_command_is_in_the_documentation(command: str) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert re.search(rf"steerstat {command}\b", text), f"no document shows steerstat {command}"


def test_what_a_document_shows_exists() -> None:
    shown = {
        match
        for path in DOCUMENTS
        for match in re.findall(
            r"^ {4}(?:\.venv/bin/)?steerstat ([a-z]+)\b", path.read_text(), re.M
        )
    }
    assert shown
    assert shown <= set(steerstat.COMMANDS)


def test_links_between_documents_lead_somewhere() -> None:
    missing = [
        f"{path.name}: {target}"
        for path in [*DOCUMENTS, ROOT / "CONTRIBUTING.md"]
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", path.read_text())
        if not (path.parent / target).exists()
    ]
    assert not missing


def test_bad_input_is_one_line_and_exit_code_two(tmp_path: Path) -> None:
    done = run("sql", str(tmp_path / "nothing"), "select 1")
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("steerstat: ")


def test_an_unknown_command_is_refused() -> None:
    done = run("collekt")
    assert done.returncode == 2
    assert "No such command" in done.stderr


def test_the_library_speaks_the_words_of_the_command_line() -> None:
    assert steerstat.mcnemar(4, 2).p == pytest.approx(0.453125)  # binomial(6), mid-p
    assert callable(steerstat.open_store)
    assert callable(steerstat.read)
    assert callable(steerstat.tables.effects)
    assert callable(steerstat.charts.accuracy_chart)
    with pytest.raises(AttributeError, match="no 'nothing'"):
        _ = steerstat.nothing


def test_a_command_without_its_extra_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys, steerstat\n"
        "sys.modules['torch'] = None\n"  # as if it were not installed
        "steerstat.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "collect", str(tmp_path / "store"), "--problems", "primary"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "pip install 'steerstat[collect]'" in done.stderr
