"""Every check finds the defect that is planted for it, and nothing in the store without defects."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from analysis.audit.registry import CHECKS
from analysis.audit.selftest.plants import PLANTS
from analysis.cli.audit import app
from sql import loader


@pytest.fixture(scope="module")
def tried() -> dict[str, dict[str, Any]]:
    done = CliRunner().invoke(app, ["--self-test", "--json"])
    assert done.exit_code == 0, done.output
    return {row["check_id"]: row for row in json.loads(done.stdout)}


def test_every_check_has_a_plant_and_every_plant_a_check(tried: dict[str, Any]) -> None:
    assert set(PLANTS) == set(CHECKS) == set(tried)
    assert len(CHECKS) == 57


@pytest.mark.parametrize("check_id", list(CHECKS))
def test_the_defect_is_detected_and_nothing_else(tried: dict[str, Any], check_id: str) -> None:
    row = tried[check_id]
    assert row["detected"], row
    assert row["said"].endswith("."), row["said"]
    assert "None" not in row["said"]
    assert "nan" not in row["said"]


def test_checks_are_grouped_by_the_first_word_of_their_id() -> None:
    for name, check in CHECKS.items():
        assert check.look.__module__ == f"analysis.audit.checks.{name.partition('/')[0]}"
        assert check.rule.endswith(".")
        assert check.action.endswith(".")


def test_every_query_of_the_audit_is_asked_by_a_check() -> None:
    asked = {name.replace("/", "_") for name in CHECKS}
    beside = {
        "data_repeated_entries", "data_worked_answers", "direction_activations",
        "direction_fitted", "direction_vectors_whole", "outcomes_reparse_texts",
        "outcomes_unusable_entries",
    }  # fmt: skip
    assert set(loader.scripts("audit")) <= asked | beside
