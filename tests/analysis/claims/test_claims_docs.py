"""What the guide pages print is a file that works."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command

from analysis.claims import check_file
from analysis.plans import check_plan, parse_plan
from tests.paths import ROOT


def toml_of(page: str) -> str:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(found) == 1
    return found[0]


def test_the_claims_file_of_the_guide(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(toml_of("claims.md"))
    verdicts = {c.id: c.verdict for c in check_file(path)}
    assert verdicts == {
        "change[+1.0]": "PASS",
        "change[-3.0]": "PASS",
        "not_significant": "PASS",
        "suppression": "UNDETERMINED",
    }


def test_the_number_of_claims_in_the_guide_is_that_of_the_example():
    guide = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    found = check_file(ROOT / "examples" / "report_2025_10_21" / "claims.toml")
    assert f"checks {len(found)} claims" in " ".join(guide.split())


def test_the_plan_of_the_guide():
    plan = parse_plan(toml_of("plans.md"))
    report = check_plan(plan)
    assert report.family_size == 2
    assert report.controls is not None
    assert report.controls.enough


@pytest.mark.parametrize(("module", "page"), [("claims", "claims.md"), ("plan", "plans.md")])
def test_every_command_is_in_the_guide(module, page):
    import importlib

    app = importlib.import_module(f"analysis.cli.{module}").app
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for name in get_command(app).commands:  # type: ignore[attr-defined]
        assert f"steerstat {module} {name}" in text
