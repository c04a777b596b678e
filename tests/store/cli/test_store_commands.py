"""`steerstat store …`: thin shells; an error is one line, a fault an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sql.errors import UserError
from store import append
from store.cli.store import app
from tests.reading import read
from tests.store.store_rows import outcome, outcomes


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_store_is_ingested_checked_compacted_rebuilt_and_described(root: Path) -> None:
    append(root, "outcomes", outcomes())
    append(root, "outcomes", [outcome(5)])
    assert "13 new rows" in call("ingest", root).stdout
    assert "13 rows" in call("check", root).stdout
    assert "are now 1 of" in call("compact", root).stdout
    assert json.loads(call("rebuild", root, "--json").stdout)["rows"] == 13
    told = json.loads(call("info", root, "--json").stdout)
    (table,) = [entry for entry in told["tables"] if entry["table"] == "outcomes"]
    assert (table["rows"], table["shards"], told["pending"]) == (13, 1, 0)
    assert "outcomes" in call("info", root).stdout


def test_check_ends_with_1_on_a_fault_and_tells_it(root: Path) -> None:
    shard_id = append(root, "outcomes", outcomes())
    (root / "shards" / "outcomes" / f"{shard_id}.parquet").write_bytes(b"torn")
    result = call("check", root)
    assert result.exit_code == 1
    assert f"shard {shard_id}: torn" in result.stdout
    assert json.loads(call("check", root, "--json").stdout)["faults"]


def test_ingest_tells_what_it_set_aside_on_stderr(root: Path) -> None:
    shard_id = append(root, "outcomes", outcomes())
    (root / "shards" / "outcomes" / f"{shard_id}.parquet").write_bytes(b"torn")
    result = call("ingest", root)
    assert f"quarantine: {shard_id} (outcomes): torn" in result.stderr
    assert "quarantine" not in result.stdout
    assert f"quarantine: {shard_id}" in call("info", root).stdout


def test_merge_takes_several_sources(root: Path, tmp_path: Path) -> None:
    append(root, "outcomes", outcomes())
    result = call("merge", tmp_path / "all", root)
    assert "1 shards with 12 rows copied" in result.stdout
    assert read(tmp_path / "all", "outcomes").num_rows == 12


@pytest.mark.parametrize("command", ["info", "ingest", "rebuild", "check", "compact"])
def test_no_store_is_one_line(tmp_path: Path, command: str) -> None:
    result = call(command, tmp_path / "nowhere")
    assert isinstance(result.exception, UserError)
    assert "is no store" in str(result.exception)
