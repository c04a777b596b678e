"""Merging, compacting and rebuilding: the same rows before and after."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from sql.errors import UserError
from store import append, committed, create_store, ingest, rebuild, rows_digest
from store.check import check
from store.commits import Commit, commit_ids, read_commit
from store.compact import _groups, compact, remove_replaced
from store.merge import merge
from store.schema import TABLES
from store.shards import new_shard_id
from tests.reading import read
from tests.store.store_rows import outcome, outcomes, problem, run_row

FIXTURE = Path(__file__).parent / "fixtures" / "version_1"


def files(root: Path) -> set[str]:
    return {path.stem for path in (root / "shards").glob("*/*.parquet")}


def test_merge_brings_everything_once(tmp_path: Path) -> None:
    a, b = create_store(tmp_path / "a"), create_store(tmp_path / "b")
    for store, first in ((a, 0), (b, 2)):
        append(store, "problems", [problem(i) for i in range(4)])
        for c in range(first, first + 3):
            append(store, "outcomes", [outcome(c, p) for p in range(4)])
    append(b, "runs", [run_row()])
    ingest(a)
    before = files(b)
    report = merge(a, [b])
    assert (report.shards, report.present, report.faulty) == (5, 0, [])
    assert report.ingest.rows == 2 * 4 + 1
    assert report.ingest.ignored == 4 + 4
    assert read(a, "outcomes").num_rows == 20
    assert files(b) == before
    assert check(a).faults == []
    again = merge(a, [b])
    assert (again.shards, again.present, again.ingest.rows) == (0, 5, 0)
    other = tmp_path / "fresh"
    merge(other, [a, b])
    assert rows_digest(other) == rows_digest(a)


def test_merge_leaves_a_faulty_shard_behind_and_names_it(tmp_path: Path) -> None:
    source = create_store(tmp_path / "b")
    bad = append(source, "outcomes", [outcome(0)])
    append(source, "outcomes", [outcome(1)])
    path = source / "shards" / "outcomes" / f"{bad}.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    report = merge(tmp_path / "a", [source])
    assert report.shards == 1
    assert report.faulty[0].startswith(f"{bad}: torn")
    assert path.exists()


def test_merge_carries_quarantined_rows(tmp_path: Path) -> None:
    source = create_store(tmp_path / "b")
    append(source, "outcomes", [outcome(0, answer="1"), outcome(1)])
    append(source, "outcomes", [outcome(0, answer="2")])
    with pytest.raises(UserError):
        ingest(source)
    assert merge(tmp_path / "a", [source]).ingest.rows == 1
    assert rows_digest(tmp_path / "a") == rows_digest(source)


def test_merge_into_itself_is_refused(root: Path) -> None:
    with pytest.raises(UserError, match="into itself"):
        merge(root, [root])


def test_compaction_keeps_every_row_and_replaces_small_shards(root: Path) -> None:
    for run in ("r1", "r2"):
        for c in range(4):
            rows = [outcome(c, p, seed=int(run[1]), run_id=run) for p in range(3)]
            append(root, "outcomes", rows, run_id=run)
        append(root, "runs", [run_row("running", run)])
        append(root, "runs", [run_row("complete", run)])
    ingest(root)
    digest = rows_digest(root)
    inode = (root / "results.duckdb").stat().st_ino
    report = compact(root)
    assert (report.shards_before, report.shards_after) == (12, 3)
    assert files(root) == commit_ids(root)
    assert rows_digest(root) == digest
    assert check(root).faults == []
    assert committed(root, "runs", ["status"])["status"].to_pylist() == ["complete"] * 2
    assert (root / "results.duckdb").stat().st_ino != inode
    assert rebuild(root).rows == 24 + 2
    assert rows_digest(root) == digest
    append(root, "runs", [run_row("failed", "r2")])
    append(root, "outcomes", [outcome(9, run_id="r1")], run_id="r1")
    again = compact(root)
    assert again.shards_after == 3
    query = "SELECT status FROM runs ORDER BY run_id"
    assert read(root, query)["status"].to_pylist() == ["complete", "failed"]
    assert check(root).faults == []


def test_compaction_with_copies_and_fragile_rows_says_the_same_after_a_rebuild(root: Path) -> None:
    append(root, "outcomes", [outcome(0), outcome(1)])
    append(root, "outcomes", [outcome(0), outcome(1, answer="8", fragile=True)])
    append(root, "outcomes", [outcome(2, margin=2.00005)])
    append(root, "outcomes", [outcome(2)])
    ingest(root)
    digest = rows_digest(root)
    compact(root)
    assert rows_digest(root) == digest
    rebuild(root)
    assert rows_digest(root) == digest
    assert check(root).faults == []
    fragile = read(root, "SELECT fragile FROM outcomes ORDER BY condition_id")
    assert fragile["fragile"].to_pylist() == [False, True, False]


def test_a_compaction_that_was_killed_is_finished_later(root: Path) -> None:
    parts = [append(root, "outcomes", [outcome(c)]) for c in range(3)]
    ingest(root)
    kept = {
        name: (root / name).read_bytes()
        for part in parts
        for name in (f"shards/outcomes/{part}.parquet", f"commits/{part}.json")
    }
    compact(root)
    for name, content in kept.items():  # as if the kill came before anything was deleted
        (root / name).write_bytes(content)
    assert committed(root, "outcomes").num_rows == 3
    assert check(root).faults == []
    assert rebuild(root).rows == 3
    remove_replaced(root)
    assert files(root) == commit_ids(root)


def test_merging_a_compacted_copy_takes_its_rows_over_and_replaces_nothing(tmp_path: Path) -> None:
    source = create_store(tmp_path / "b")
    for c in range(3):
        append(source, "outcomes", [outcome(c)])
    merge(tmp_path / "a", [source])
    compact(source)
    before = commit_ids(tmp_path / "a")
    report = merge(tmp_path / "a", [source])
    assert report.ingest.ignored == 3
    assert before < commit_ids(tmp_path / "a")
    assert rows_digest(tmp_path / "a") == rows_digest(source)
    assert check(tmp_path / "a").faults == []


def test_a_store_of_version_1_is_rebuilt_by_this_version(tmp_path: Path) -> None:
    """The fixture was written by version 1 and never changes; nor may what is read from it."""
    shutil.copytree(FIXTURE, tmp_path / "store")
    root = tmp_path / "store"
    before = {path: path.read_bytes() for path in (root / "shards").rglob("*.parquet")}
    for folder in ("quarantine",):
        (root / folder).mkdir(exist_ok=True)
    report = rebuild(root)
    assert report.quarantined == []
    expected = json.loads((FIXTURE / "expected.json").read_text())
    found = {name: committed(root, name).num_rows for name in expected["shard_rows"]}
    assert found == expected["shard_rows"]
    assert rows_digest(root) == expected["digest"]
    assert read(root, "SELECT count(*) AS n FROM outcomes").to_pylist() == [{"n": 24}]
    assert check(root).faults == []
    assert {path: path.read_bytes() for path in before} == before


def test_every_table_takes_part(root: Path) -> None:
    append(root, "outcomes", outcomes())
    ingest(root)
    names = {row["name"] for row in read(root, "SHOW TABLES").to_pylist()}
    from store.schema import TABLES

    assert set(TABLES) <= names


@pytest.mark.parametrize("rebuilt", [False, True])
def test_a_compacted_shard_is_as_old_as_the_row_that_won(root: Path, rebuilt: bool) -> None:
    append(root, "problems", [problem(1, answer="first")], run_id="a")
    append(root, "problems", [problem(1, answer="later")], run_id="b")
    append(root, "problems", [problem(2)], run_id="a")
    with suppress(UserError):  # it says that the two disagree
        ingest(root)
    with suppress(UserError):
        compact(root)
    assert sorted(len(read_commit(root, i).replaces) for i in commit_ids(root)) == [0, 2]
    if rebuilt:
        with suppress(UserError):
            rebuild(root)
    answers = read(root, "SELECT answer FROM problems ORDER BY problem_id").to_pylist()
    assert answers == [{"answer": "first"}, {"answer": "1"}]
    kept = committed(root, "problems").to_pylist()
    assert {row["problem_id"]: row["answer"] for row in kept} == {"p1": "first", "p2": "1"}


@pytest.mark.parametrize("table", ["problems", "runs"])
def test_the_place_of_a_compacted_shard_is_that_of_the_last(root: Path, table: str) -> None:
    replaces = [f"{name * 16}-0123456789ab" for name in "213"]
    assert new_shard_id(root, TABLES[table], replaces).split("-")[0] == "3" * 16


def shard_sizes(*sizes: tuple[int, int]) -> list[list[int]]:
    """How shards of these bytes and rows are put together, by their places in the list."""
    commits = [
        Commit(
            shard_id=f"{i:016x}-0123456789ab",
            table="outcomes",
            sha256="0" * 64,
            bytes=size,
            rows=rows,
            schema_version=1,
            created_at="2026-01-01",
        )
        for i, (size, rows) in enumerate(sizes)
    ]
    return [[commits.index(member) for member in group] for group in _groups(commits)]


def test_a_group_ends_at_either_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["store.compact"]
    monkeypatch.setattr(module, "LARGE", 100)
    monkeypatch.setattr(module, "_ROWS", 10)
    # Both limits may be reached, neither passed.
    assert shard_sizes((60, 6), (40, 4)) == [[0, 1]]
    assert shard_sizes((60, 6), (41, 4)) == []
    assert shard_sizes((60, 6), (40, 5)) == []
    # What does not fit begins the next group; a large shard is in none.
    assert shard_sizes((60, 1), (50, 1), (100, 1), (10, 1), (1, 1)) == [[1, 3, 4]]
    assert shard_sizes((1, 6), (1, 3), (1, 2), (1, 8)) == [[0, 1], [2, 3]]
