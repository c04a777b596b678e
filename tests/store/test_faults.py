"""A disk that fails: a sample of `benchmarks/faults.py`, and the folders and files it is about."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sql.errors import UserError
from store import append, create_store, ingest, layout
from store.database import private_name
from store.layout import make_folder, remove_leftovers
from tests.paths import ROOT
from tests.store.store_rows import outcome, problem

compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))) or not sys.platform.startswith("linux"),
    reason="the shim needs a C compiler and Linux",
)


@compiler
@pytest.mark.trial
@pytest.mark.parametrize(
    ("writer", "every"), [("append", 4), ("resolve", 4), ("merge_new", 40), ("adopt", 40)]
)
def test_a_sample_of_the_faults_breaks_no_rule(writer: str, every: int) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "faults.py"), "--brief"]
    command += ["--writers", writer, "--every", str(every), "--kinds", "kill", "ENOSPC"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    totals = json.loads(done.stdout.splitlines()[-1])
    assert totals["states"] >= 2
    assert totals["broken"] == 0


def test_the_parents_of_new_folders_are_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(layout, "sync_folder", synced.append)
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]
    root = create_store(tmp_path / "c" / "store")
    assert {tmp_path, tmp_path / "c", root} <= set(synced)
    synced.clear()
    append(root, "problems", [problem(1)])
    assert root / "shards" in synced


def test_a_folder_that_cannot_be_made_is_no_matter_only_to_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    root = create_store(tmp_path / "store")
    (root / "quarantine").rmdir()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(UserError, match="No space left on device"):
        ingest(root)


def test_a_store_whose_making_was_cut_short_is_a_store(tmp_path: Path) -> None:
    root = tmp_path / "store"
    root.mkdir()
    (root / "VERSION").write_text("1\n")
    append(root, "outcomes", [outcome()])
    assert ingest(root).rows == 1


def test_temporary_files_of_the_dead_are_removed_and_others_stay(root: Path) -> None:
    append(root, "outcomes", [outcome()])
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True).stdout.strip()  # fmt: skip
    host = layout._host()
    gone = [
        root / f".VERSION.{dead}@{host}.tmp",
        root / "commits" / f".x.json.{dead}@{host}.tmp",
        root / "quarantine" / f".x.{dead}@{host}.tmp",
        root / "shards" / "outcomes" / f".x.parquet.{dead}@{host}.tmp",
    ]
    stay = [
        root / "commits" / f".x.json.{os.getpid()}@{host}.tmp",
        root / "commits" / f".x.json.{dead}@elsewhere.tmp",
        root / "commits" / f"x.json.{dead}@{host}.tmp",
        root / "shards" / "outcomes" / ".mine.parquet",
    ]
    old = root / "commits" / f".y.json.{dead}@elsewhere.tmp"
    for path in (*gone, *stay, old):
        path.touch()
    os.utime(old, (0, 0))
    ingest(root)
    assert not any(path.exists() for path in (*gone, old))
    assert all(path.exists() for path in stay)
    link = root / "commits" / f".z.json.{dead}@{host}.tmp"
    link.mkdir()

    with pytest.raises(UserError, match="is no regular file"):
        remove_leftovers(root)


def test_a_shard_whose_way_to_quarantine_was_cut_short_gets_there(root: Path) -> None:
    torn = append(root, "outcomes", [outcome()])
    path = root / "shards" / "outcomes" / f"{torn}.parquet"
    path.write_bytes(path.read_bytes()[:-5])
    ingest(root)
    # As a kill leaves it between the two renames.
    (root / "quarantine" / f"{torn}.parquet").rename(path)
    report = ingest(root)
    assert (report.left, report.quarantined) == ([], [])
    assert not path.exists()
    assert (root / "quarantine" / f"{torn}.parquet").exists()


def test_the_folders_of_dead_readers_go_with_the_next_ingest(root: Path) -> None:
    append(root, "outcomes", [outcome()])
    ingest(root)
    script = (
        "import os, sys; from pathlib import Path; from store.database import private_name\n"
        "with private_name(Path(sys.argv[1]) / 'results.duckdb'): os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, root], check=True, cwd=ROOT)
    (dead,) = root.glob(".reader-*")
    assert (dead / "results.duckdb").exists()
    with private_name(root / "results.duckdb") as name:
        ingest(root)
        assert name.exists()
    assert not dead.exists()
    assert list(root.glob(".reader-*")) == []


@pytest.mark.parametrize(("number", "refused"), [(13, False), (30, False), (28, True), (5, True)])
def test_a_reader_without_a_folder_of_its_own(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int, refused: bool
) -> None:
    """Only somebody who may not write reads the file by its own name: EACCES, EROFS."""
    append(root, "outcomes", [outcome()])
    ingest(root)

    def full(path: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", full)
    if refused:
        with pytest.raises(UserError, match="cannot write"), private_name(root / "results.duckdb"):
            pass
        return
    with private_name(root / "results.duckdb") as name:
        assert name == root / "results.duckdb"
