"""Twenty kills at random moments, ingest and readers at once: the same store in the end."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from store import append, committed, ingest, read
from tests.paths import ROOT
from tests.store.store_rows import outcome


@pytest.mark.slow
def test_killed_twenty_times_the_store_equals_an_uninterrupted_run() -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/chaos.py", "--kills", "20", "--seed", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["whole"] is True
    assert report["kills"] >= 20
    assert report["rows"] == report["units"] > 1000
    assert report["doubled"] == 0
    assert report["digest"] == report["reference"]
    assert report["reads"] > 3
    assert report["reader_error"] == ""


def test_many_writers_and_ingests_at_once_in_one_process(root: Path) -> None:
    def work(writer: int) -> None:
        for c in range(5):
            append(root, "outcomes", [outcome(c, writer * 10 + p) for p in range(3)])
            if c % 2:
                ingest(root)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    ingest(root)
    assert committed(root, "outcomes").num_rows == 60
    assert read(root, "outcomes").num_rows == 60
