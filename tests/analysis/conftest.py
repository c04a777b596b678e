"""Reference values that R computed once (see tests/reference), and a store to read tables from."""

from __future__ import annotations

import csv
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from analysis.tables.readings import Readings
from tests.paths import REFERENCE
from tests.synthetic import synthetic_store

# A loaded machine must not fail a property; the same examples are drawn in every run.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


_READ: dict[Any, dict[Hashable, Any]] = {}


@pytest.fixture(autouse=True)
def _read_once(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have all readings of one state of a store share what they read and compute.

    A third of the tests' time went into the same tables of the same stores. Tests that put
    something in another's place compute for themselves.
    """
    own = request.node.get_closest_marker("own_readings")
    if own or "monkeypatch" in request.fixturenames:
        yield
        return
    made = Readings.__init__

    def shared(self: Readings, path: Path | str, connection: Any = None) -> None:
        made(self, path, connection)
        state = _state(self.path) if connection is None else None
        if state is not None:
            self._kept = _READ.setdefault(state, {})

    with mock.patch.object(Readings, "__init__", shared):
        yield


def _state(root: Path) -> Any:
    """What tells one state of a store from all others; None for what is none."""
    try:
        stat = (root / "results.duckdb").stat()
        commits = sorted(path.name for path in (root / "commits").iterdir())
    except OSError:
        return None
    return root.resolve(), stat.st_ino, stat.st_mtime_ns, stat.st_size, tuple(commits)


@pytest.fixture(scope="session")
def r_pairs() -> dict[str, float]:
    """name -> value of tests/reference/pairs.csv, made by pairs.R."""
    with (REFERENCE / "pairs.csv").open() as file:
        return {row["name"]: float(row["value"]) for row in csv.DictReader(file)}


@pytest.fixture(scope="session")
def demo_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small store like the demo's; read it only."""
    return synthetic_store(
        tmp_path_factory.mktemp("tables") / "demo-like", rng=np.random.default_rng(7), n_controls=8
    )


@pytest.fixture(scope="session")
def drawn_from(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A smaller one, without the report's own variant, for what draws every figure."""
    return synthetic_store(
        tmp_path_factory.mktemp("drawn-from") / "s",
        rng=np.random.default_rng(8),
        n_controls=8,
        alphas=(-3.0, 3.0),
        report=False,
    )


@pytest.fixture(scope="session")
def whole_report(drawn_from: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the report of `drawn_from` in every format."""
    from analysis.report import write_report

    folder = tmp_path_factory.mktemp("whole-report")
    write_report(drawn_from, folder, ["md", "html", "tex"])
    return folder
