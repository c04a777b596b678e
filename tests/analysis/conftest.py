"""Reference values that R computed once (see tests/reference)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.fixture(scope="session")
def r_pairs() -> dict[str, float]:
    """name -> value of tests/reference/pairs.csv, made by pairs.R."""
    with (REFERENCE / "pairs.csv").open() as file:
        return {row["name"]: float(row["value"]) for row in csv.DictReader(file)}
