"""What is installed from a wheel is typed as the repository is, seen from any other folder."""

from __future__ import annotations

import ast
import os
import shutil
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import steerstat
from tests.paths import ROOT

STUB = ROOT / "steerstat-stubs" / "__init__.pyi"
PARTS = (
    "analysis", "collect", "sql", "store", "steerstat-stubs", "steerstat.py", "pyproject.toml",
    "README.md", "LICENSE",
)  # fmt: skip
USER = """
import steerstat
reveal_type(steerstat.mcnemar(4, 2).p)
reveal_type(steerstat.append)
reveal_type(steerstat.load_model)
reveal_type(steerstat.tables.effects)
reveal_type(steerstat.main)
steerstat.mcnemar("four", pears=2)
steerstat.no_such_name
"""


def test_the_stub_says_what_the_module_defines() -> None:
    """Its own public names are those of the module; all others are those of the packages."""

    def defined(source: str) -> set[str]:
        names = set()
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
        return {name for name in names if not name.startswith("_")}

    module = (ROOT / "steerstat.py").read_text("utf-8")
    assert defined(STUB.read_text("utf-8")) == defined(module) != set()

    def imported(source: str) -> set[tuple[str, str]]:
        return {
            (node.module or "", name.name)
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.ImportFrom)
            for name in node.names
            if (node.module or "").split(".")[0] in ("analysis", "collect", "store")
        }

    assert imported(STUB.read_text("utf-8")) == imported(module)
    assert {"tables", "charts", "mcnemar"} <= set(dir(steerstat))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel, and what it needs from this one."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for part in PARTS:
        copied = ROOT / part
        if copied.is_dir():
            shutil.copytree(copied, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(copied, source / part)
    build = "import sys; from setuptools import build_meta as b; print(b.build_wheel(sys.argv[1]))"
    run = [sys.executable, "-W", "ignore", "-c", build, str(folder)]
    subprocess.run(run, cwd=source, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    (packages,) = (folder / "env").glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    # An editable install of the repository is a .pth file, and those of another folder count not.
    needed = [path for path in (*site.getsitepackages(), *sys.path) if "site-packages" in path]
    (packages / "needed.pth").write_text("\n".join(dict.fromkeys(needed)) + "\n")
    return folder / "env" / "bin" / "python"


@pytest.mark.trial
def test_the_installed_module_is_typed(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", installed, "user.py"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    said = found.stdout
    assert found.returncode == 1, found.stderr + said
    lines = [line for line in said.splitlines() if line.startswith("user.py")]
    revealed = [line for line in lines if "Revealed type" in line]
    assert len(revealed) == 5
    ends = ("float", "-> str", "Model", "DataFrame", "def ()")
    for line, end in zip(revealed, ends, strict=True):
        assert line.removesuffix('"').endswith(end), line
        assert 'is "Any"' not in line
    errors = "\n".join(line for line in lines if "error" in line)
    assert 'No overload variant of "mcnemar"' in errors
    assert 'Module has no attribute "no_such_name"' in errors
    assert "import-untyped" not in said


@pytest.mark.trial
def test_the_wheel_runs_from_another_folder(installed: Path, tmp_path: Path) -> None:
    code = "import steerstat; print(steerstat.__file__, steerstat.mcnemar(4, 2).p)"
    found = subprocess.run(
        [installed, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    path, p = found.stdout.split()
    assert Path(path).parent.parent.parent.parent == installed.parent.parent
    assert float(p) == pytest.approx(0.453125)
