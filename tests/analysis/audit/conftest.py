"""The tiny store in which nothing is wrong, as files, and in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.audit.selftest.clean import Rows, clean_rows
from analysis.audit.selftest.sandbox import Sandbox
from store import append, create_store, ingest
from store.schema import TABLES


def written(root: Path, rows: Rows) -> Path:
    """Rows as the shards of a store, ingested."""
    create_store(root)
    for name in TABLES:
        if rows.get(name):
            append(root, name, rows[name])
    ingest(root)
    return root


@pytest.fixture(scope="session")
def rows() -> Rows:
    return clean_rows()


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    return Sandbox()
