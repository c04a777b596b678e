"""The public names keep their types through the lazy facades, as a type checker sees them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mypy import api

from tests.paths import ROOT

REVEALED = {
    "analysis.mcnemar": "PairTest",
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
    "steerstat.mcnemar": "PairTest",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What mypy says of a file that reveals each name, and then calls one as it must not be."""
    file = tmp_path_factory.mktemp("typed") / "user.py"
    lines = [
        "import analysis.calibration, analysis.charts, analysis.claims, analysis.plans",
        "import analysis.report, analysis.serve, analysis.tables",
        "import collect, sql.loader, store, steerstat",
        *(f"reveal_type({name})" for name in REVEALED),
        'steerstat.mcnemar("four", pears=2).no_such_field',
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


def test_every_package_reveals_the_types_of_its_names(told: list[str]) -> None:
    notes = [line for line in told if "Revealed type" in line]
    assert len(notes) == len(REVEALED)
    for (name, kind), note in zip(REVEALED.items(), notes, strict=True):
        revealed = re.search(r'is "(.*)"$', note)
        assert revealed is not None
        assert revealed[1] != "Any", name
        assert revealed[1].split("->")[-1].rstrip("]) ").endswith(kind), note


@pytest.mark.parametrize(
    "fault",
    [
        'Unexpected keyword argument "pears"',
        'Unexpected keyword argument "sceme" for "strata"',
        '"no_such_field"',
        "incompatible type \"Literal['nonsense']\"",
        'Module has no attribute "no_such_name"',
        'Module "analysis" has no attribute "no_such_name"',
    ],
)
def test_what_is_wrong_is_refused(told: list[str], fault: str) -> None:
    assert any("error" in line and fault in line for line in told), told
