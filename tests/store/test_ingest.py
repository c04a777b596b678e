"""Ingest: bad shards set aside, dropped files taken in, readers never disturbed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sql.errors import UserError
from store import append, committed, connect, ingest, rebuild, rows_digest
from store.check import check
from store.quarantine import listed
from tests.paths import ROOT
from tests.reading import read
from tests.store.store_rows import outcome, outcomes, problem


def shard(root: Path, shard_id: str) -> Path:
    return root / "shards" / "outcomes" / f"{shard_id}.parquet"


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [(tear, "torn"), (alter, "altered"), (Path.unlink, "missing")],
)
def test_a_damaged_shard_is_set_aside_and_the_rest_is_ingested(
    root: Path, harm: object, reason: str
) -> None:
    append(root, "outcomes", [outcome(0)])
    bad = append(root, "outcomes", [outcome(1)])
    append(root, "outcomes", [outcome(2)])
    harm(shard(root, bad))  # type: ignore[operator]
    report = ingest(root)
    assert report.rows == 2
    assert [item.name for item in report.quarantined] == [bad]
    assert reason in report.quarantined[0].reason
    assert reason in str(listed(root)[0]["reason"])
    assert not shard(root, bad).exists()
    assert (root / "quarantine" / f"{bad}.commit").exists()
    assert committed(root, "outcomes").num_rows == 2
    assert ingest(root).quarantined == []


def test_a_torn_commit_sets_its_shard_aside(root: Path) -> None:
    bad = append(root, "outcomes", [outcome(1)])
    (root / "commits" / f"{bad}.json").write_text('{"shard_id":')
    (item,) = ingest(root).quarantined
    assert "torn" in item.reason
    assert (root / "quarantine" / f"{bad}.parquet").exists()


def test_a_committed_shard_of_the_wrong_schema_is_set_aside(root: Path) -> None:
    from store.shards import hash_file

    bad = append(root, "outcomes", [outcome(1)])
    table = pq.read_table(shard(root, bad)).rename_columns(
        ["condition" if n == "condition_id" else n for n in pq.read_schema(shard(root, bad)).names]
    )
    pq.write_table(table, shard(root, bad))
    digest, size = hash_file(shard(root, bad))
    path = root / "commits" / f"{bad}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sha256": digest, "bytes": size}))
    (item,) = ingest(root).quarantined
    assert item.reason == "wrong schema: column condition_id is missing"


def test_a_dropped_file_of_the_right_schema_enters_as_rows(root: Path) -> None:
    """A new kind of direction is a file: no code, no program of ours wrote it."""
    folder = root / "shards" / "directions"
    folder.mkdir()
    duckdb.execute(
        "COPY (SELECT 'd1' AS direction_id, 'mine' AS name, 'my_own_kind' AS kind, "
        "'candidate' AS role, 'latent' AS site, 1.5::DOUBLE AS norm) "
        f"TO '{folder / 'mine.parquet'}' (FORMAT parquet)"
    )
    assert ingest(root).rows == 1
    assert read(root, "SELECT name, kind FROM directions").to_pylist() == [
        {"name": "mine", "kind": "my_own_kind"}
    ]
    assert committed(root, "directions", ["kind"])["kind"].to_pylist() == ["my_own_kind"]
    assert not (folder / "mine.parquet").exists()
    assert rebuild(root).rows == 1


def test_dropped_files_that_do_not_fit_are_set_aside(root: Path) -> None:
    append(root, "outcomes", [outcome()])
    folder = root / "shards" / "outcomes"
    (folder / "notes.parquet").write_text("no parquet")
    pq.write_table(pa.table({"a": [1]}), folder / "other.parquet")
    (root / "shards" / "unknown").mkdir()
    pq.write_table(pa.table({"a": [1]}), root / "shards" / "unknown" / "x.parquet")
    report = ingest(root)
    assert report.rows == 1
    told = {item.name: item.reason for item in report.quarantined}
    assert "not a Parquet file" in told["notes"]
    assert "no column 'a'" in told["other"]
    assert "no table is called unknown" in told["x"]


def test_readers_keep_what_they_opened_and_see_the_new_file_when_they_open_again(
    root: Path,
) -> None:
    append(root, "outcomes", outcomes(1, 2))
    ingest(root)
    count = "SELECT count(*) FROM outcomes"
    with connect(root) as old:
        assert old.execute(count).fetchall() == [(2,)]
        append(root, "outcomes", [outcome(5)])
        ingest(root)
        assert old.execute(count).fetchall() == [(2,)]
        with connect(root) as new:
            assert new.execute(count).fetchall() == [(3,)]


def test_the_results_file_is_read_only(root: Path) -> None:
    append(root, "outcomes", [outcome()])
    ingest(root)
    with connect(root, closed=False) as reader, pytest.raises(duckdb.Error, match="read-only"):
        reader.execute("INSERT INTO problem_keys VALUES (1, 'x')")


def test_before_the_first_ingest_there_is_one_clear_line(root: Path) -> None:
    with pytest.raises(UserError, match="steerstat store ingest"):
        connect(root)


def test_a_damaged_results_file_is_made_anew(root: Path) -> None:
    append(root, "outcomes", outcomes())
    ingest(root)
    digest = rows_digest(root)
    (root / "results.duckdb").write_bytes(b"no database" * 1000)
    append(root, "problems", [problem(1)])
    assert ingest(root).rows == 13
    assert rows_digest(root) == digest


def test_rows_of_a_shard_that_went_away_go_as_well(root: Path) -> None:
    append(root, "outcomes", [outcome(0)])
    gone = append(root, "outcomes", [outcome(1)])
    ingest(root)
    (root / "commits" / f"{gone}.json").unlink()
    ingest(root)
    assert read(root, "SELECT condition_id FROM outcomes").to_pylist() == [{"condition_id": "c0"}]


def test_what_a_killed_ingest_left_behind_is_removed(root: Path) -> None:
    (root / ".results-abc.tmp").write_bytes(b"half a file")
    (root / ".results-abc.tmp.wal").write_bytes(b"half a log")
    append(root, "outcomes", [outcome()])
    ingest(root)
    assert sorted(p.name for p in root.iterdir() if p.name.startswith(".results")) == []


def test_rows_that_come_in_several_portions_are_the_same_rows(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for c in range(4):
        append(root, "outcomes", outcomes(c + 1, 3))
    append(root, "outcomes", [outcome(8, answer="1")])
    append(root, "outcomes", [outcome(8, answer="2")])
    append(root, "outcomes", [outcome(8, answer="2")])
    monkeypatch.setattr(sys.modules["store.ingestion"], "_ROWS_AT_ONCE", 4)
    with pytest.raises(UserError, match="c8"):
        ingest(root)
    digest = rows_digest(root)
    assert read(root, "outcomes").num_rows == 12
    monkeypatch.undo()
    assert rebuild(root).rows == 12
    assert rows_digest(root) == digest


def test_ids_are_mapped_to_numbers_and_views_show_the_ids(root: Path) -> None:
    append(root, "outcomes", outcomes(2, 2))
    ingest(root)
    types = read(root, "SELECT typeof(condition_no) AS t FROM outcome_rows LIMIT 1").to_pylist()
    assert types == [{"t": "INTEGER"}]
    append(root, "outcomes", [outcome(1, 5), outcome(2, 0)])
    ingest(root)
    keys = read(root, "SELECT condition_id FROM condition_keys ORDER BY condition_no")
    assert keys["condition_id"].to_pylist() == ["c0", "c1", "c2"]


def test_a_process_that_reads_imports_nothing_heavy(root: Path) -> None:
    append(root, "outcomes", [outcome()])
    ingest(root)
    code = (
        "import sys; from store import connect\n"
        f"with connect({str(root)!r}) as c: c.execute('SELECT 1').fetchall()\n"
        "print([m for m in ('pandas', 'pyarrow', 'scipy', 'torch', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_repository()
    )
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def _repository() -> Path:
    return ROOT


def test_check_sees_what_was_changed_behind_its_back(root: Path) -> None:
    bad = append(root, "outcomes", outcomes(1, 3))
    append(root, "outcomes", [outcome(1)])
    ingest(root)
    assert check(root).faults == []
    with duckdb.connect(str(root / "results.duckdb")) as writer:
        writer.execute("UPDATE outcome_rows SET correct = NOT correct WHERE problem_no = 1")
        writer.execute("DELETE FROM outcome_rows WHERE problem_no = 2")
    (fault,) = check(root).faults
    assert fault.startswith("table outcomes: the results file lacks 1 rows")
    assert "2 that differ" in fault
    alter(shard(root, bad))
    assert any(bad in fault and "altered" in fault for fault in check(root).faults)
    assert listed(root) == []  # a check changes nothing
