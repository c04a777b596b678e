"""A full disk: one clear line, no committed row lost, nothing half-written left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from store import append, committed, ingest, read, rows_digest
from tests.paths import ROOT
from tests.store.store_rows import outcomes

LIMITED = """
import json, resource, sys
from sql.errors import UserError
import store
import pyarrow, pyarrow.parquet, duckdb
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    {action}
except UserError as error:
    print(error)
"""


def run_limited(root: Path, limit: int, action: str) -> str:
    """What a process prints that may not write a file beyond `limit` bytes."""
    code = LIMITED.format(limit=limit, action=action.format(root=str(root)))
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_an_append_to_a_full_disk_is_one_line_and_loses_nothing(root: Path) -> None:
    append(root, "outcomes", outcomes())
    before = names(root)
    rows = [{"problem_id": f"p{i}", "question": f"q{i}" * 50, "answer": "1"} for i in range(3000)]
    (root.parent / "rows.json").write_text(json.dumps(rows))
    action = f"store.append('{{root}}', 'problems', json.load(open('{root.parent}/rows.json')))"
    told = run_limited(root, 8_000, action.replace("'{root}'", "store.open_store('{root}')"))
    assert told.startswith("cannot write ")
    assert "every committed row is safe" in told
    assert told.count("\n") == 1
    assert names(root) == before
    assert committed(root, "outcomes").num_rows == 12
    assert committed(root, "problems").num_rows == 0


@pytest.mark.parametrize("ingested_before", [False, True])
def test_an_ingest_to_a_full_disk_is_one_line_and_leaves_the_old_file(
    root: Path, ingested_before: bool
) -> None:
    append(root, "outcomes", outcomes())
    if ingested_before:
        ingest(root)
    append(root, "outcomes", outcomes(6, 6))
    before = names(root)
    told = run_limited(root, 300_000, "store.ingest('{root}')")
    assert told.startswith(f"cannot write {root / 'results.duckdb'}")
    assert told.count("\n") == 1
    assert names(root) | {".ingest.lock"} == before | {".ingest.lock"}
    if ingested_before:
        assert read(root, "outcomes").num_rows == 12
    assert ingest(root).rows == (24 if ingested_before else 36)
    assert len(rows_digest(root)) == 64
