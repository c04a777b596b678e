"""What the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import create_store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty store."""
    return create_store(tmp_path / "store")
