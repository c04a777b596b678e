"""Reference values that R computed once (see tests/reference)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A loaded machine must not fail a property; the same examples are drawn in every run.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.fixture(scope="session")
def r_pairs() -> dict[str, float]:
    """name -> value of tests/reference/pairs.csv, made by pairs.R."""
    with (REFERENCE / "pairs.csv").open() as file:
        return {row["name"]: float(row["value"]) for row in csv.DictReader(file)}
