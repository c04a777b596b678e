"""What others wrote is not believed: no file outside changes, and no live row is gone after."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sql.errors import UserError
from store import append, committed, connect, create_store, ingest, rebuild, rows_digest
from store.check import check
from store.commits import COMPACTED, commit_ids, read_commit
from store.compact import compact, remove_replaced
from store.info import info
from store.layout import lock, open_store, remove_file
from store.merge import merge
from store.quarantine import listed, row_files
from store.schema import TABLES
from store.shards import conform, write_shard
from tests.marks import slow_but
from tests.reading import read
from tests.store.store_rows import outcome, outcomes, problem


def altered(root: Path, written: str, /, **changes: Any) -> str:
    """Rewrite a commit file with other fields; returns the id under which it is stored."""
    path = root / "commits" / f"{written}.json"
    content = json.loads(path.read_text()) | changes
    target = root / "commits" / f"{content['shard_id']}.json"
    if target != path:
        table = content["table"]
        (root / "shards" / table / f"{written}.parquet").rename(
            root / "shards" / table / f"{content['shard_id']}.parquet"
        )
        path.unlink()
    target.write_text(json.dumps(content))
    return str(content["shard_id"])


def outside(folder: Path) -> dict[Path, bytes]:
    """Every file below a folder, with its content."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_merged_commit_replaces_nothing_of_ours(root: Path, tmp_path: Path) -> None:
    ours = append(root, "outcomes", outcomes(4, 5))
    ingest(root)
    before = rows_digest(root)
    theirs = create_store(tmp_path / "theirs")
    shard = append(theirs, "outcomes", [outcome(9)])
    altered(theirs, shard, shard_id=f"{shard}{COMPACTED}", replaces=[ours])
    merge(root, [theirs])
    compact(root)
    assert committed(root, "outcomes").num_rows == 21
    assert check(root).faults == []
    rest = read(root, "SELECT count(*) AS n FROM outcomes WHERE condition_id != 'c9'").to_pylist()
    assert rest == [{"n": 20}]
    assert rows_digest(root) != before


@pytest.mark.parametrize("name", ["../../../victim", "a/b", "..", "", "a\x00b", "x" * 101, "a.b"])
def test_names_that_are_paths_are_no_commit(root: Path, tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim.parquet"
    victim.write_bytes(b"precious")
    shard = append(root, "outcomes", outcomes(2, 3))
    new = altered(root, shard, shard_id=f"{shard}{COMPACTED}", replaces=[name])
    with pytest.raises(ValueError, match="is no id of a shard"):
        read_commit(root, new)
    append(root, "outcomes", [outcome(7)])
    compact(root)
    assert victim.read_bytes() == b"precious"
    assert committed(root, "outcomes").num_rows == 1
    (note,) = listed(root)
    assert note["reason"].startswith("commit file is torn or altered")


def test_a_commit_in_our_own_folder_deletes_no_row_that_it_does_not_hold(root: Path) -> None:
    kept = append(root, "outcomes", outcomes(3, 2))
    other = append(root, "outcomes", [outcome(8)])
    altered(root, other, shard_id=f"{other}{COMPACTED}", replaces=[kept])
    with lock(root, "ingest"):
        remove_replaced(root)
    assert (root / "shards" / "outcomes" / f"{kept}.parquet").is_file()
    assert (root / "commits" / f"{kept}.json").is_file()


def test_a_shard_of_another_table_is_not_replaced(root: Path) -> None:
    kept = append(root, "problems", [problem(1)])
    other = append(root, "outcomes", [outcome(8)])
    altered(root, other, shard_id=f"{other}{COMPACTED}", replaces=[kept])
    assert kept in commit_ids(root)
    compact(root)
    assert committed(root, "problems").num_rows == 1


def test_a_damaged_replacement_deletes_nothing(root: Path, tmp_path: Path) -> None:
    first, _ = (append(root, "outcomes", [outcome(c)]) for c in range(2))
    shutil.copytree(root, tmp_path / "before")
    compact(root)
    # What a kill leaves: the compacted shard beside its parts.
    for place in ("commits", "shards/outcomes"):
        shutil.copytree(tmp_path / "before" / place, root / place, dirs_exist_ok=True)
    (compacted,) = [i for i in commit_ids(root) if i.endswith(COMPACTED)]
    shard_file = root / "shards" / "outcomes" / f"{compacted}.parquet"
    shard_file.write_bytes(shard_file.read_bytes()[:-9])
    with lock(root, "ingest"):
        remove_replaced(root)
    assert (root / "shards" / "outcomes" / f"{first}.parquet").is_file()
    assert compacted in check(root).faults[0]
    assert [moved.name for moved in rebuild(root).quarantined] == [compacted]
    assert committed(root, "outcomes").num_rows == 2
    assert check(root).faults == []


def test_links_are_not_followed_out_of_the_store(root: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "s.parquet").write_bytes(b"precious")
    (root / "shards" / "outcomes").symlink_to(elsewhere)
    with pytest.raises(UserError, match="no folder of the store's own"):
        remove_file(root, "shards/outcomes", "s.parquet")
    (root / "commits" / "s.json").symlink_to(elsewhere / "s.parquet")
    with pytest.raises(UserError, match="no regular file"):
        remove_file(root, "commits", "s.json")
    remove_file(root, "commits", "gone.json")
    assert outside(elsewhere) == {elsewhere / "s.parquet": b"precious"}


def test_another_stores_quarantine_says_nothing_of_our_rows(root: Path, tmp_path: Path) -> None:
    ours = append(root, "outcomes", outcomes(2, 2))
    ingest(root)
    theirs = create_store(tmp_path / "theirs")
    append(theirs, "outcomes", [outcome(5)])
    forged = pa.Table.from_pylist(
        [outcome(0, 0) | {"shard_id": ours, "reason": "forged"}],
    )
    pq.write_table(forged, theirs / "quarantine" / "rows-outcomes-forged.parquet")
    merge(root, [theirs])
    assert committed(root, "outcomes").num_rows == 5
    assert row_files(root, "outcomes") == []


FAULTS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "schema as text": lambda c: json.dumps(c | {"schema_version": "1"}).encode(),
    "bytes null": lambda c: json.dumps(c | {"bytes": None}).encode(),
    "rows negative": lambda c: json.dumps(c | {"rows": -1}).encode(),
    "rows a truth": lambda c: json.dumps(c | {"rows": True}).encode(),
    "created yesterday": lambda c: json.dumps(c | {"created_at": "yesterday"}).encode(),
    "created in a zone": lambda c: json.dumps(c | {"created_at": "2026-01-01T00:00Z"}).encode(),
    "run a number": lambda c: json.dumps(c | {"run_id": 7}).encode(),
    "table a list": lambda c: json.dumps(c | {"table": ["outcomes"]}).encode(),
    "table unknown": lambda c: json.dumps(c | {"table": "nothing"}).encode(),
    "hash of another kind": lambda c: json.dumps(c | {"sha256": "abc"}).encode(),
    "replaces a text": lambda c: json.dumps(c | {"replaces": "abc"}).encode(),
    "one field more": lambda c: json.dumps(c | {"note": "x"}).encode(),
    "one field less": lambda c: json.dumps({k: v for k, v in c.items() if k != "rows"}).encode(),
    "a list": lambda c: b"[]",
    "nested": lambda c: b"[" * 100_000,
    "empty": lambda c: b"",
    "torn": lambda c: json.dumps(c).encode()[:40],
    "no UTF-8": lambda c: b"\xff\xfe",
}


@pytest.mark.parametrize("fault", slow_but(FAULTS, kept=range(0, len(FAULTS), 4)))
def test_a_damaged_commit_is_set_aside_and_everything_else_goes_on(root: Path, fault: str) -> None:
    bad = append(root, "outcomes", [outcome(1)])
    append(root, "outcomes", [outcome(2)])
    path = root / "commits" / f"{bad}.json"
    path.write_bytes(FAULTS[fault](json.loads(path.read_text())))
    assert any(bad in line for line in check(root).faults)
    info(root)
    report = ingest(root)
    assert [moved.name for moved in report.quarantined] == [bad]
    compact(root)
    assert committed(root, "outcomes").column("condition_id").to_pylist() == ["c2"]
    (line,) = check(root).faults
    assert line.startswith(f"shard {bad} of outcomes is in quarantine, whole")
    assert line.endswith("`steerstat store adopt` brings it back")


def test_folders_and_strange_names_among_the_commits(root: Path) -> None:
    append(root, "outcomes", [outcome(1)])
    (root / "commits" / "folder.json").mkdir()
    (root / "commits" / "folder").mkdir()
    (root / "commits" / "*.json").write_text("{}")
    report = ingest(root)
    assert sorted(moved.name for moved in report.quarantined) == ["*", "folder"]
    assert committed(root, "outcomes").num_rows == 1
    assert check(root).faults == []


def test_a_folder_in_the_place_of_a_shard(root: Path) -> None:
    shard = append(root, "outcomes", [outcome(1)])
    path = root / "shards" / "outcomes" / f"{shard}.parquet"
    path.unlink()
    path.mkdir()
    assert "folder" in check(root).faults[0]
    assert [moved.name for moved in ingest(root).quarantined] == [shard]


def test_a_newer_programs_commit_is_left_alone(root: Path) -> None:
    shard = append(root, "outcomes", [outcome(1)])
    altered(root, shard, schema_version=99, something_new=1)
    with pytest.raises(UserError, match="schema version 99"):
        ingest(root)
    assert (root / "commits" / f"{shard}.json").is_file()


def contradicted(root: Path) -> None:
    """Two shards that disagree on one row, of which an ingest has told."""
    append(root, "outcomes", [outcome(0, answer="1"), outcome(1)])
    append(root, "outcomes", [outcome(0, answer="2")])
    with pytest.raises(UserError):
        ingest(root)


def test_damaged_notes_and_rows_in_quarantine(root: Path) -> None:
    contradicted(root)
    (rows,) = row_files(root, "outcomes")
    rows.write_bytes(rows.read_bytes()[:50])
    rows.with_suffix(".json").write_bytes(b"\x00garbage")
    (root / "quarantine" / "folder.json").mkdir()
    assert any(rows.name in line for line in check(root).faults)
    assert {note["reason"] for note in info(root).quarantine} == {"its note is damaged"}
    with pytest.raises(UserError, match="c0 p0 0 has different content"):
        ingest(root)
    assert len(row_files(root, "outcomes")) == 1
    assert committed(root, "outcomes").column("condition_id").to_pylist() == ["c1"]
    (fault,) = check(root).faults
    assert "outcome of condition c0 problem p0 seed 0 set aside" in fault


@pytest.mark.parametrize(
    ("table", "row", "history"),
    [
        ("problems", problem(1, answer="9"), {"origin": "../../../victim", "revision": 0}),
        ("problems", problem(1, answer="9"), {"origin": "", "revision": None}),
        ("outcomes", outcome(1), {"origin": None, "revision": 2**31 - 1}),
        ("outcomes", outcome(1), {"origin": None, "revision": -1}),
        ("outcomes", outcome(1), {"origin": "a/b", "revision": 1}),
    ],
)
def test_the_history_of_foreign_rows_is_checked(
    root: Path, tmp_path: Path, table: str, row: dict[str, Any], history: dict[str, Any]
) -> None:
    theirs = create_store(tmp_path / "theirs")
    data = conform(TABLES[table], [row])
    data = data.append_column("origin", pa.array([history["origin"]], pa.string()))
    data = data.append_column("revision", pa.array([history["revision"]], pa.int32()))
    shard = write_shard(theirs, TABLES[table], data)
    append(root, "problems", [problem(1)])
    append(root, "outcomes", [outcome(1)])
    ingest(root)
    before = outside(tmp_path)
    report = merge(root, [theirs])
    assert report.shards == 0
    assert report.faulty[0].startswith(f"{shard}: ")
    assert {p for p in outside(tmp_path) if root not in p.parents} <= set(before)
    assert check(root).faults == []


@pytest.mark.parametrize(
    "columns",
    [
        {"shard_id": pa.array([1])},
        {"shard_id": pa.array([None], pa.string())},
        {"seed": pa.array(["one"])},
        {"seed": pa.array([2**40])},
        {"problem_id": pa.array([None], pa.string())},
        {"revision": pa.array(["one"])},
    ],
)
def test_records_of_other_types_are_damaged(root: Path, columns: dict[str, pa.Array]) -> None:
    contradicted(root)
    (path,) = row_files(root, "outcomes")
    rows = pq.read_table(path).slice(0, 1)
    for name, values in columns.items():
        rows = rows.set_column(rows.column_names.index(name), name, values)
    pq.write_table(rows, path)
    append(root, "outcomes", [outcome(5)])
    assert any(path.name in line for line in check(root).faults)
    with pytest.raises(UserError, match="c0 p0 0 has different content"):
        ingest(root)
    assert committed(root, "outcomes").num_rows == 2


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_infinity_is_a_value(root: Path, value: float) -> None:
    blown = outcome(1, gold_logprob=value, norm_after=[value, 1.0])
    append(root, "outcomes", [blown])
    append(root, "outcomes", [blown])
    report = ingest(root)
    assert (report.rows, report.ignored) == (1, 1)
    assert check(root).faults == []


@pytest.mark.parametrize("pair", [(math.inf, -math.inf), (math.inf, 5.0), (-math.inf, math.nan)])
@pytest.mark.parametrize("column", ["gold_logprob", "norm_after"])
def test_another_infinity_is_another_value(
    root: Path, column: str, pair: tuple[float, float]
) -> None:
    for value in pair:
        append(
            root,
            "outcomes",
            [outcome(1, **{column: [value] if column != "gold_logprob" else value})],  # type: ignore[arg-type]
        )
    with pytest.raises(UserError, match=column):
        ingest(root)


def test_rows_that_another_client_wrote_are_not_read(root: Path, tmp_path: Path) -> None:
    append(root, "outcomes", outcomes(2, 3))
    ingest(root)
    before = rows_digest(root)
    script = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]);"
        "c.execute('PRAGMA disable_checkpoint_on_shutdown');"
        "c.execute('UPDATE outcome_rows SET correct = true'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, root / "results.duckdb"], check=False)
    assert (root / "results.duckdb.wal").exists()
    assert read(root, "SELECT count(*) AS n FROM outcomes WHERE correct").to_pylist() == [{"n": 4}]
    assert "another program" in check(root).faults[0]
    assert ingest(root).quarantined[0].table == "results.duckdb"
    assert rows_digest(root) == before
    assert check(root).faults == []


HARMFUL = [
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{path}' (USE_TMP_FILE false)",
    "COPY (SELECT 1) TO '{path}' (USE_TMP_FILE false)",
    "COPY (SELECT 'x'::BLOB) TO '{path}.wal' (FORMAT blob)",
    "COPY (SELECT 'x'::BLOB) TO '{path}' (FORMAT blob)",
    "COPY (SELECT 'x'::BLOB) TO '{path}.wal.recovery' (FORMAT blob)",
    "ATTACH '{path}' AS mine",
    "USE memory; DETACH results; ATTACH '{path}' AS r; UPDATE r.outcome_rows SET seed = 9",
]


@pytest.mark.parametrize("text", HARMFUL)
def test_no_statement_reaches_the_files_of_the_store_by_name(root: Path, text: str) -> None:
    append(root, "outcomes", outcomes(2, 3))
    ingest(root)
    before = outside(root)
    with connect(root) as connection, pytest.raises(duckdb.Error):
        connection.execute(text.format(path=root.resolve() / "results.duckdb")).fetchall()
    assert outside(root) == before


def test_a_store_that_lost_its_empty_folders(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(root, "outcomes", outcomes(1, 2))
    ingest(root)
    (root / "quarantine").rmdir()

    def refused(path: Path, *_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refused)
    assert read(root, "SELECT count(*) AS n FROM outcomes").to_pylist() == [{"n": 2}]
    assert committed(root, "outcomes").num_rows == 2
    assert info(root).quarantine == []
    assert check(root).faults == []


def test_a_full_disk_is_told_when_a_store_is_opened(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(UserError, match="No space left"):
        open_store(root)


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"one"])
def test_a_version_that_is_none(root: Path, content: bytes | None) -> None:
    (root / "VERSION").unlink()
    if content is None:
        (root / "VERSION").mkdir()
    else:
        (root / "VERSION").write_bytes(content)
    with pytest.raises(UserError, match="VERSION"):
        open_store(root)


def test_another_users_lock_file_is_a_lock(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lock(root, "ingest"):
        pass
    opened = os.open

    def not_mine(path: Any, flags: int, *mode: int, **options: Any) -> int:
        if str(path).endswith(".lock") and flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, flags, *mode, **options)

    monkeypatch.setattr(os, "open", not_mine)
    append(root, "outcomes", [outcome(1)])
    assert ingest(root).rows == 1
