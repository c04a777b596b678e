"""The public names keep their types through the lazy facades, as a type checker sees them."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from mypy import api

from tests.paths import ROOT

REVEALED = {
    "analysis.mcnemar(4, 2)": "PairTest[float]",
    "analysis.calibration.calibrate": "Row",
    "analysis.charts.forest_chart": "HConcatChart",
    "analysis.claims.check_file": "Checked",
    "analysis.plans.load_plan": "Plan",
    "analysis.report.write_report": "Path",
    "analysis.serve.serve": "Server",
    "analysis.tables.effects": "DataFrame",
    "collect.load_model": "Model",
    "sql.loader.queries": "Script",
    "store.append": "str",
    "steerstat.mcnemar(4, 2)": "PairTest[float]",
    "steerstat.mcnemar(4, 2).p": "float",
    "steerstat.mcnemar([4, 1], [2, 0]).p": "numpy.ndarray[tuple[Any, ...], numpy.dtype[Any]]",
}


FACADES = sorted(
    ".".join(stub.relative_to(ROOT).parent.parts)
    for package in ("analysis", "collect", "store")
    for stub in (ROOT / package).rglob("__init__.pyi")
)
PUBLIC = [
    f"{facade}.{name}" for facade in FACADES for name in importlib.import_module(facade).__all__
]


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What mypy says of a file that reveals each name, and then calls one as it must not be."""
    file = tmp_path_factory.mktemp("typed") / "user.py"
    lines = [
        *(f"import {facade}" for facade in FACADES),
        "import sql.loader, steerstat",
        *(f"reveal_type({name})" for name in [*REVEALED, *PUBLIC]),
        'steerstat.mcnemar("four", pears=2)',
        "steerstat.mcnemar(4, 2).no_such_field",
        "steerstat.paired_difference([4, 1], [2, 0], 9).low.no_such_field",
        'analysis.tables.strata("store", sceme="n_steps")',
        'steerstat.mcnemar(4, 2, method="nonsense")',
        "steerstat.no_such_name",
        "from analysis import no_such_name",
    ]
    file.write_text("\n".join(lines) + "\n")
    out, err, _ = api.run(
        ["--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary", str(file)]
    )
    assert not err
    return [line for line in out.splitlines() if Path(line.split(":")[0]).name == file.name]


def test_every_package_reveals_the_types_of_its_names(messages: list[str]) -> None:
    notes = [line for line in messages if "Revealed type" in line]
    assert len(notes) == len(REVEALED) + len(PUBLIC)
    for (name, kind), note in zip(REVEALED.items(), notes, strict=False):
        revealed = re.search(r'is "(.*)"$', note)
        assert revealed is not None
        assert revealed[1] != "Any", name
        assert revealed[1].split("->")[-1].rstrip("]) ").endswith(kind.rstrip("]")), note


def test_no_public_name_is_any(messages: list[str]) -> None:
    revealed = [
        found[1] for line in messages if (found := re.search(r'Revealed type is "(.*)"$', line))
    ]
    of_public = dict(zip(PUBLIC, revealed[len(REVEALED) :], strict=True))
    assert len(of_public) > 150
    # A function that returns Any is one too, as soon as it is called; Arrow's tables have no types.
    arrow = {"store.committed", "store.read"}
    assert {
        name for name, kind in of_public.items() if kind == "Any" or kind.endswith("-> Any")
    } == arrow


@pytest.mark.parametrize(
    "fault",
    [
        'No overload variant of "mcnemar" matches argument types "str", "int"',
        'Unexpected keyword argument "sceme" for "strata"',
        '"PairTest[float]" has no attribute "no_such_field"',
        '"ndarray[tuple[Any, ...], dtype[Any]]" has no attribute "no_such_field"',
        'No overload variant of "mcnemar" matches argument types "int", "int", "str"',
        'Module has no attribute "no_such_name"',
        'Module "analysis" has no attribute "no_such_name"',
    ],
)
def test_what_is_wrong_is_refused(messages: list[str], fault: str) -> None:
    assert any("error" in line and fault in line for line in messages), messages
