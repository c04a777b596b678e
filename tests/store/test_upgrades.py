"""Migrations: numbered, hashed, each in a transaction; newer files refused, altered ones remade."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from sql import loader
from sql.errors import UserError
from store import append, connect, ingest, read, rows_digest
from store.seal import seal
from tests.store.store_rows import outcomes


@pytest.fixture
def ingested(root: Path) -> Path:
    append(root, "outcomes", outcomes())
    ingest(root)
    return root


def edit(root: Path, statement: str) -> None:
    with duckdb.connect(str(root / "results.duckdb")) as writer:
        writer.execute(statement)


def test_every_migration_is_recorded_with_its_hash(ingested: Path) -> None:
    rows = read(ingested, "SELECT version, name, sha256 FROM schema_migrations").to_pylist()
    assert rows == [
        {"version": script.version, "name": script.name, "sha256": script.sha256}
        for script in loader.migrations()
    ]


def test_a_newer_results_file_is_refused_by_readers_and_ingest(ingested: Path) -> None:
    edit(ingested, "INSERT INTO schema_migrations VALUES (999, 'future', 'x', NULL)")
    with pytest.raises(UserError, match=r"version 999.*upgrade"):
        connect(ingested)
    with pytest.raises(UserError, match=r"version 999.*upgrade"):
        ingest(ingested)


def test_a_file_of_an_altered_migration_is_made_anew_from_the_shards(ingested: Path) -> None:
    digest = rows_digest(ingested)
    edit(ingested, "UPDATE schema_migrations SET sha256 = 'altered'")
    assert ingest(ingested).rows == 12
    assert rows_digest(ingested) == digest
    assert ingest(ingested).rows == 0


def test_changed_views_are_defined_again_without_new_rows(ingested: Path) -> None:
    edit(ingested, "UPDATE store_info SET value = 'older' WHERE name = 'definitions'")
    edit(ingested, "DROP VIEW runs_overview")
    seal(ingested, ingested / "results.duckdb")  # as the earlier version left it
    assert ingest(ingested).rows == 0
    assert "n" in read(ingested, "SELECT count(*) AS n FROM runs_overview").column_names


def test_a_later_migration_upgrades_a_copy(
    ingested: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    later = loader.parse(
        "9000_note", "migrations", "-- A later change.\nALTER TABLE runs ADD COLUMN note VARCHAR;"
    )
    migrations = [*loader.migrations(), later]
    monkeypatch.setattr(loader, "migrations", lambda: migrations)
    shards = {p: p.read_bytes() for p in (ingested / "shards").rglob("*.parquet")}
    ingest(ingested)
    assert "note" in read(ingested, "runs").column_names
    assert {p: p.read_bytes() for p in shards} == shards


def test_a_migration_that_fails_leaves_the_old_file(
    ingested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = loader.parse(
        "9000_broken", "migrations", "-- Broken.\nCREATE TABLE x (a INT); SELECT y;"
    )
    migrations = [*loader.migrations(), broken]
    monkeypatch.setattr(loader, "migrations", lambda: migrations)
    with pytest.raises(duckdb.Error, match="y"):
        ingest(ingested)
    monkeypatch.undo()
    assert read(ingested, "outcomes").num_rows == 12
    assert not [p for p in ingested.iterdir() if p.name.endswith((".tmp", ".wal"))]
