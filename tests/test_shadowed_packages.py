"""A file of the user's that has the name of one of our packages is refused, and named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import steerstat
from tests.paths import ROOT

COMMAND = "import steerstat; steerstat.main()"
REFUSED = "{file} hides the package 'analysis' of steerstat: rename it"


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Python in a folder of the user's, with the packages behind everything else on its path."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **variables},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with an `analysis.py` that must not run."""
    (tmp_path / "analysis.py").write_text("raise SystemExit('the file of the user ran')\n")
    return tmp_path


def test_the_command_in_a_folder_with_an_analysis_file_is_one_line(folder: Path) -> None:
    path = str(ROOT)
    done = run(folder, "-m", "steerstat", "calc", "mcnemar", "--gained", "4", PYTHONPATH=path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(
        f"steerstat: {REFUSED.format(file=folder.resolve() / 'analysis.py')}"
    )


def test_the_command_with_such_a_folder_on_the_path_is_one_line(folder: Path) -> None:
    path = os.pathsep.join([str(folder), str(ROOT)])
    done = run(ROOT.parent, "-c", COMMAND, "--help", PYTHONPATH=path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert str(folder / "analysis.py") in done.stderr


@pytest.mark.parametrize("package", ["collect", "sql", "store"])
def test_a_package_of_any_of_the_names_is_refused(tmp_path: Path, package: str) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("raise SystemExit('their own ran')\n")
    done = run(tmp_path, "-m", "steerstat", "--help", PYTHONPATH=str(ROOT))
    assert done.returncode == 2
    assert f"hides the package '{package}'" in done.stderr
    assert "own ran" not in done.stderr


def test_a_folder_without_code_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "question.sql").write_text("select 1")
    done = run(tmp_path, "-m", "steerstat", "--help", PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("code", ["steerstat.mcnemar", "from steerstat import open_store"])
def test_the_library_refuses_at_its_first_use(folder: Path, code: str) -> None:
    done = run(folder, "-c", f"import steerstat\n{code}", PYTHONPATH=str(ROOT))
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: {folder.resolve() / 'analysis.py'} hides"), last


def test_nothing_is_hidden_here() -> None:
    assert steerstat._shadow() is None
