"""The notebooks in `examples/notebooks`: their code cells run, and what they show is shown."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from analysis import Comparison
from tests.paths import ROOT

NOTEBOOKS = sorted(ROOT.glob("examples/notebooks/*.ipynb"))


def cells(notebook: Path, kind: str) -> list[dict[str, Any]]:
    """The cells of one kind."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == kind]


def shown(code: str, names: dict[str, Any]) -> Any:
    """Run a cell; the value of its last expression, as a notebook shows it."""
    tree = ast.parse(code)
    last = tree.body.pop()
    if not isinstance(last, ast.Expr):
        tree.body.append(last)
    exec(compile(tree, "cell", "exec"), names)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def test_there_are_two_without_outputs() -> None:
    assert [notebook.stem for notebook in NOTEBOOKS] == ["first_look", "is_it_real"]
    for notebook in NOTEBOOKS:
        assert json.loads(notebook.read_text(encoding="utf-8"))["nbformat"] == 4
        for cell in cells(notebook, "code"):
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_every_cell_runs_and_what_it_shows_has_a_table(
    notebook: Path, made_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "demo").symlink_to(made_store)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    values = [shown("".join(cell["source"]), names) for cell in cells(notebook, "code")]
    told = [value for value in values if value is not None]
    assert len(told) >= 5
    assert all("<table" in value._repr_html_() for value in told)
    assert any(isinstance(value, Comparison) for value in told)


def test_the_pair_of_the_harness_is_told_honestly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.mkdtemp", lambda: str(tmp_path))
    names: dict[str, Any] = {}
    notebook = next(notebook for notebook in NOTEBOOKS if notebook.stem == "is_it_real")
    for cell in cells(notebook, "code"):
        shown("".join(cell["source"]), names)
    assert "several outcomes of problem" in capsys.readouterr().out
    plain, honest = names["verdict"], names["honest"]
    assert (plain.n_pairs, plain.unreadable) == (300, (0, 0))
    assert (plain.gained, plain.lost) == (honest.gained, honest.lost)
    assert honest.unreadable[1] > honest.unreadable[0] > 0
    assert honest.bounds.low_effect < plain.bounds.low_effect
    samples = sorted(tmp_path.glob("samples_*.jsonl"))
    assert len(samples) == 2
    assert all(len(path.read_text().splitlines()) == 600 for path in samples)
