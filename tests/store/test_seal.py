"""The results file is believed only where it is what an ingest left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from sql.errors import UserError
from store import append, connect, create_store, ingest, read, rebuild, rows_digest
from store.check import check
from store.quarantine import listed
from tests.marks import slow_but
from tests.store.store_rows import outcome, outcomes

FILE = "results.duckdb"
SEAL = "results.seal.json"


@pytest.fixture
def ingested(root: Path) -> Path:
    append(root, "outcomes", outcomes(3, 4))
    ingest(root)
    return root


def edit(root: Path, statement: str) -> None:
    """Change the results file as the stock client does."""
    with duckdb.connect(str(root / FILE)) as writer:
        writer.execute(statement)


def foreign(root: Path) -> None:
    (root / FILE).unlink()
    edit(root, "CREATE TABLE theirs AS SELECT 1 AS a")


def no_database(root: Path) -> None:
    (root / FILE).write_bytes(b"no database" * 1000)


def poke(root: Path) -> None:
    """As if bytes had been changed in place, size, time of change and headers kept."""
    sealed = json.loads((root / SEAL).read_bytes())
    sealed["files"][0]["sha256"] = "0" * 64
    (root / SEAL).write_text(json.dumps(sealed))


ALTERED: dict[str, Callable[[Path], None]] = {
    "changed": lambda root: edit(root, "UPDATE outcome_rows SET correct = true"),
    "inserted twice": lambda root: edit(
        root, "INSERT INTO outcome_rows FROM outcome_rows WHERE problem_no = 2"
    ),
    "a text changed": lambda root: edit(root, "UPDATE outcome_rows SET text = 'told otherwise'"),
    "a view changed": lambda root: edit(
        root, "CREATE OR REPLACE VIEW outcomes AS SELECT * FROM outcome_rows LIMIT 0"
    ),
    "a table added": lambda root: edit(root, "CREATE TABLE mine (a INTEGER)"),
    "a table dropped": lambda root: edit(root, "DROP TABLE claims"),
    "foreign": foreign,
    "no database": no_database,
    "cut short": lambda root: os.truncate(root / FILE, 20_000),
}


@pytest.mark.parametrize("how", slow_but(ALTERED, kept=(0, 3)))
def test_a_file_that_another_program_changed_is_refused_told_and_made_anew(
    ingested: Path, how: str
) -> None:
    digest = rows_digest(ingested)
    ALTERED[how](ingested)
    altered = (ingested / FILE).read_bytes()
    with pytest.raises(UserError, match=r"steerstat store (ingest|rebuild)"):
        connect(ingested)
    (fault,) = check(ingested).faults
    assert "results" in fault
    report = ingest(ingested)
    assert report.rows == 12
    assert [item.table for item in report.quarantined] == [FILE]
    assert "not what the last ingest wrote" in report.quarantined[0].reason
    assert (ingested / "quarantine" / "results.duckdb").read_bytes() == altered
    assert rows_digest(ingested) == digest
    assert check(ingested).faults == []
    assert ingest(ingested).quarantined == []


def test_an_ingest_of_new_rows_does_not_build_on_an_altered_file(ingested: Path) -> None:
    ALTERED["changed"](ingested)
    append(ingested, "outcomes", [outcome(7)])
    assert ingest(ingested).rows == 13
    assert read(ingested, "SELECT count(*) AS n FROM outcomes WHERE NOT correct").to_pylist() == [
        {"n": 6}
    ]


def test_a_change_that_keeps_size_time_and_headers_is_seen_by_check_and_by_the_next_ingest(
    ingested: Path,
) -> None:
    poke(ingested)
    connect(ingested).close()  # by these a reader knows the file
    (fault,) = check(ingested).faults
    assert "results.duckdb" in fault or "results file" in fault
    append(ingested, "outcomes", [outcome(7)])
    report = ingest(ingested)
    assert [item.table for item in report.quarantined] == [FILE]
    assert check(ingested).faults == []


def test_a_store_that_was_copied_is_read_as_it_is(ingested: Path, tmp_path: Path) -> None:
    shutil.copytree(ingested, tmp_path / "copy", copy_function=shutil.copyfile)
    digest = rows_digest(ingested)
    assert rows_digest(tmp_path / "copy") == digest
    assert check(tmp_path / "copy").faults == []
    before = (tmp_path / "copy" / SEAL).read_bytes()
    assert ingest(tmp_path / "copy").quarantined == []
    # The ingest takes over its time and inode, so that readers need no hash from here on.
    (sealed,) = json.loads((tmp_path / "copy" / SEAL).read_bytes())["files"]
    assert sealed["inode"] == (tmp_path / "copy" / FILE).stat().st_ino
    assert sealed["sha256"] == json.loads(before)["files"][0]["sha256"]
    # A copied file that was altered, at equal size, is not believed.
    ALTERED["changed"](tmp_path / "copy")
    shutil.copyfile(tmp_path / "copy" / FILE, ingested / FILE)
    with pytest.raises(UserError, match="not what the last ingest wrote"):
        connect(ingested)


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"[]", b'{"files": [{}]}', b'{"files": 3}', b"[" * 100_000]
)
def test_a_damaged_seal_seals_nothing(ingested: Path, content: bytes) -> None:
    (ingested / SEAL).write_bytes(content)
    with pytest.raises(UserError, match="steerstat store ingest"):
        connect(ingested)
    assert len(check(ingested).faults) == 1
    assert ingest(ingested).rows == 12
    assert check(ingested).faults == []


def test_a_file_of_a_version_that_sealed_nothing_is_made_anew_in_its_place(ingested: Path) -> None:
    (ingested / SEAL).unlink()
    with pytest.raises(UserError, match="it has no seal: run `steerstat store ingest"):
        connect(ingested)
    (fault,) = check(ingested).faults
    assert "it has no seal; `steerstat store ingest` makes it anew" in fault
    report = ingest(ingested)
    assert (report.rows, report.quarantined) == (12, [])
    assert listed(ingested) == []
    assert check(ingested).faults == []


def test_a_kill_between_the_seal_and_the_rename_leaves_a_file_that_is_believed(
    ingested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(ingested, "outcomes", [outcome(7)])
    replace = Path.replace

    def killed(path: Path, target: Path) -> Path:
        if Path(target).name == FILE:
            raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", killed)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            ingest(ingested)
    monkeypatch.undo()
    assert read(ingested, "outcomes").num_rows == 12
    assert check(ingested).faults == []
    assert ingest(ingested).rows == 1
    assert read(ingested, "outcomes").num_rows == 13


def test_a_file_of_a_newer_version_is_a_fault(ingested: Path) -> None:
    edit(ingested, "INSERT INTO schema_migrations VALUES (99, 'future', 'x', NULL)")
    (fault,) = check(ingested).faults
    assert "version 99" in fault
    assert "upgrade" in fault


def test_reading_with_the_stock_client_alters_nothing(ingested: Path) -> None:
    with duckdb.connect(str(ingested / FILE)) as client:
        assert client.execute("SELECT count(*) FROM outcomes").fetchall() == [(12,)]
    assert read(ingested, "outcomes").num_rows == 12
    assert check(ingested).faults == []


def test_own_tables_belong_in_a_file_of_their_own(ingested: Path, tmp_path: Path) -> None:
    """As docs/sql.md shows it: the results file is attached, and stays what it is."""
    text = (Path(__file__).parents[2] / "docs" / "sql.md").read_text()
    begin = text.index("    ATTACH 'runs/demo/results.duckdb'")
    script = text[begin : text.index("\n\n", begin)]
    with duckdb.connect(str(tmp_path / "mine.duckdb")) as mine:
        mine.execute(script.replace("runs/demo", str(ingested)))
        assert mine.execute("SELECT count(*) FROM hard").fetchall()[0][0] >= 0
    with duckdb.connect(str(tmp_path / "mine.duckdb")) as mine:
        mine.execute(f"ATTACH '{ingested / FILE}' AS results (READ_ONLY)")
        assert mine.execute("SELECT count(*) FROM mine.hard_texts").fetchall()[0][0] >= 0
    assert check(ingested).faults == []


def test_a_reader_among_many_ingests_believes_every_file(ingested: Path) -> None:
    """A seal is replaced before its file is: whichever a reader opened, it is the store's own."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom store import append, ingest\n"
        "from tests.store.store_rows import outcome\nroot = Path(sys.argv[1])\n"
        "for i in range(8):\n    append(root, 'outcomes', [outcome(20 + i)])\n    ingest(root)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, ingested], cwd=Path(__file__).parents[2]
    ) as writer:
        seen = 12
        while writer.poll() is None:
            n = read(ingested, "SELECT count(*) AS n FROM outcomes").to_pylist()[0]["n"]
            assert n >= seen
            seen = n
    assert writer.returncode == 0
    assert read(ingested, "outcomes").num_rows == 20


def test_rebuild_sets_an_altered_file_aside_too(ingested: Path) -> None:
    ALTERED["changed"](ingested)
    assert [item.table for item in rebuild(ingested).quarantined] == [FILE]
    assert check(ingested).faults == []


def test_an_empty_store_has_nothing_to_seal(tmp_path: Path) -> None:
    root = create_store(tmp_path / "empty")
    assert check(root).faults == []
    ingest(root)
    assert check(root).faults == []
    assert read(root, "outcomes").num_rows == 0
