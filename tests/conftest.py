"""What tests of several packages share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def published_data() -> Path:
    """The published inputs and outcomes of the study; they are not part of the repository."""
    folder = ROOT.parent / "shared" / "data" / "origin"
    if not folder.is_dir():
        pytest.skip("the study's published data is not beside the repository (../shared/data)")
    return folder
