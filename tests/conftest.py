"""What tests of several packages share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.tables.readings import Readings
from tests.paths import PUBLISHED
from tests.results_files import copied
from tests.synthetic import synthetic_store
from tests.varied import varied_store


@pytest.fixture(scope="session", autouse=True)
def _new_results_files_are_copies() -> Iterator[None]:
    with copied():
        yield


@pytest.fixture(scope="session")
def published_data() -> Path:
    """The published inputs and outcomes of the study; they are not part of the repository."""
    if not PUBLISHED.is_dir():
        pytest.skip("the study's published data is not beside the repository (../shared/data)")
    return PUBLISHED


@pytest.fixture(scope="session")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of a few thousand outcomes; read it only."""
    path = tmp_path_factory.mktemp("made") / "store"
    rng = np.random.default_rng(7)
    return synthetic_store(path, rng=rng, n_problems=20, n_balanced=10, n_train=10)


@pytest.fixture(scope="session")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which every field of a series varies; read it only."""
    return varied_store(tmp_path_factory.mktemp("varied") / "store")


@pytest.fixture(scope="session")
def varied_readings(varied: Path) -> Readings:
    """Its tables, each computed once for all tests that ask."""
    return Readings(varied)


@pytest.fixture(scope="session")
def varied_blocks(varied_readings: Readings) -> list[Any]:
    """The report of it."""
    from analysis.report.content import content

    return content(varied_readings)
