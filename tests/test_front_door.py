"""The `steerstat` command and library as a new user meets them."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

import steerstat
from docs import make_api
from tests.paths import ROOT


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


def test_every_command_has_help_with_an_example() -> None:
    without = []
    for names in (name.split() for name, _ in make_api.leaves()):
        result = CliRunner().invoke(steerstat.app, [*names, "--help"])
        assert result.exit_code == 0, result.output
        if f"steerstat {' '.join(names)}" not in " ".join(
            result.output.split("Usage:")[1].split("\n")[1:]
        ):
            without.append(" ".join(names))
    assert not without


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
        _ = steerstat.nothing  # type: ignore[attr-defined]


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


def test_the_version_is_the_installed_one() -> None:
    done = run("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"steerstat {version('steerstat')}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["figrues"], "No such command 'figrues'. Did you mean 'figures'?"),
        (["store", "chekc"], "No such command 'chekc'. Did you mean 'check'?"),
        (["zzz"], "No such command 'zzz' ("),
        (["report", "--install-completion"], "No such option: --install-completion"),
    ],
)
def test_what_is_mistyped_is_named_with_what_is_near(arguments, said) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("steerstat rep", {"reproduce", "report"}),
        ("steerstat store reb", {"rebuild"}),
        ("steerstat report --o", {"--out"}),
    ],
)
def test_commands_and_options_are_completed(words, known) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import steerstat, sys; sys.argv[0] = 'steerstat'; steerstat.main()",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ
        | {
            "_STEERSTAT_COMPLETE": "complete_bash",
            "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        },
    )
    assert known <= set(done.stdout.split()), done.stderr


def test_the_example_of_the_library_runs(made_store: Path) -> None:
    lines = [line[4:] for line in steerstat.__doc__.splitlines() if line.startswith("    ")]
    assert len(lines) >= 5
    code = "\n".join(lines).replace('"runs/demo"', repr(str(made_store)))
    assert str(made_store) in code
    exec(compile(code, "steerstat.__doc__", "exec"), {})
