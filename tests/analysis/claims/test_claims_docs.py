"""What the guide pages print is a file that works."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from typer.main import get_command

from analysis.claims import check_file, schema
from analysis.claims.functions import FUNCTIONS, signature_of
from analysis.plans import check_plan, parse_plan
from analysis.vocabulary import ClaimKind, ClaimVerdict
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


def test_every_function_is_in_the_guide_with_its_signature():
    guide = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    for name in FUNCTIONS:
        assert f"`{signature_of(name)}`" in guide


def test_every_key_of_a_claims_file_is_in_the_guide():
    guide = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    keys = guide[guide.index("### Keys") : guide.index("### Functions")]
    rows = {row.split("|")[1].strip(" `[]"): row for row in keys.splitlines() if "|" in row}
    parts: dict[str, type[schema.Strict]] = {
        "document": schema.Document,
        "tables.NAME": schema.Table,
        "claim": schema.Claim,
        "query": schema.Query,
        "result": schema.Stored,
        "plan": schema.Planned,
        "margins": schema.Margins,
    }
    for part, model in parts.items():
        for key in model.model_fields:
            assert f"`{key}`" in rows[part], (part, key)
    for part in schema.ClaimsFile.model_fields:
        assert any(name.startswith(part) for name in rows), part


def test_every_verdict_and_kind_is_in_the_guide():
    guide = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    for verdict in get_args(ClaimVerdict):
        assert f"| {verdict} |" in guide
    for kind in get_args(ClaimKind):
        assert f"`{kind}`" in guide


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
