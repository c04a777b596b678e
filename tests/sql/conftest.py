"""Fixtures of the SQL tests."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import synthetic_store


@pytest.fixture(scope="session")
def made_store(tmp_path_factory):
    """A store of a few thousand outcomes; read it only."""
    path = tmp_path_factory.mktemp("made") / "store"
    rng = np.random.default_rng(7)
    return synthetic_store(path, rng=rng, n_problems=20, n_balanced=10, n_train=10)
