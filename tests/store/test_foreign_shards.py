"""Committed shards that another program wrote: each row meets the rules, or the shard stays out."""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sql.errors import UserError
from store import append, create_store, ingest, rebuild, rows_digest
from store.adopt import adopt
from store.check import check
from store.commits import read_commit, write_commit
from store.compact import compact
from store.info import info
from store.merge import merge
from store.quarantine import resolve
from store.schema import TABLES
from store.shards import hash_file, write_shard
from tests.marks import slow_but
from tests.reading import read
from tests.store.store_rows import outcome, outcomes, problem

CONDITION = {
    "condition_id": "c", "model_id": "m", "alpha": 1.0, "protocol": "codi", "dtype": "float32",
}  # fmt: skip
BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "alpha is NaN": ("conditions", CONDITION | {"alpha": math.nan}, "must hold finite numbers"),
    "alpha is infinite": ("conditions", CONDITION | {"alpha": math.inf}, "must hold finite"),
    "vectors are infinite": (
        "direction_vectors",
        {"direction_id": "d", "position": 0, "values": [math.inf]},
        "must hold finite numbers",
    ),
    "no key": ("outcomes", outcome(7) | {"condition_id": None}, "condition_id of table outcomes"),
    "no seed": ("outcomes", outcome(7) | {"seed": None}, "seed of table outcomes must not be NULL"),
    "no question": ("problems", problem(7) | {"question": None}, "must not be NULL"),
    "a verdict without an answer": (
        "outcomes",
        outcome(7) | {"status": "truncated"},
        "status truncated must have correct = NULL",
    ),
}


def committed_by_others(root: Path, table: str, row: dict[str, Any]) -> str:
    """A shard and its commit, as a program makes them that knows no rule; its id."""
    schema = pa.schema([field.with_nullable(True) for field in TABLES[table].arrow])
    return write_shard(root, TABLES[table], pa.Table.from_pylist([row], schema=schema))


def rewritten(root: Path, table: str, shard: str, content: bytes) -> None:
    """Other content in the place of a shard, its commit made to fit."""
    path = root / "shards" / table / f"{shard}.parquet"
    path.write_bytes(content)
    digest, size = hash_file(path)
    commit = read_commit(root, shard).model_copy(update={"sha256": digest, "bytes": size})
    write_commit(root, commit)


def garbled_pages(root: Path) -> None:
    """A shard whose hash, rows and schema are right and whose pages are not."""
    shard = append(root, "outcomes", [outcome(7, i) for i in range(40)])
    content = bytearray((root / "shards" / "outcomes" / f"{shard}.parquet").read_bytes())
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    content[20:footer] = bytes(byte ^ 0xFF for byte in content[20:footer])
    rewritten(root, "outcomes", shard, bytes(content))


def no_text(root: Path) -> None:
    """A shard with a text that is no UTF-8."""
    shard = append(root, "problems", [problem(7)])
    path = root / "shards" / "problems" / f"{shard}.parquet"
    rows = pq.read_table(path)
    wrong = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff\xfe"]).buffers())
    sink = pa.BufferOutputStream()
    pq.write_table(rows.set_column(rows.column_names.index("question"), "question", wrong), sink)
    rewritten(root, "problems", shard, sink.getvalue().to_pybytes())


@pytest.fixture
def filled(root: Path) -> Path:
    append(root, "outcomes", outcomes())
    append(root, "problems", [problem(i) for i in range(4)])
    ingest(root)
    return root


@pytest.mark.parametrize("what", slow_but(BROKEN, kept=(1, 2)))
def test_a_rule_of_rows_holds_for_shards_that_come_with_a_commit(filled: Path, what: str) -> None:
    before = rows_digest(filled)
    table, row, reason = BROKEN[what]
    shard = committed_by_others(filled, table, row)
    assert any(reason in line and shard in line for line in check(filled).faults)
    assert [item.reason for item in ingest(filled).quarantined if reason in item.reason]
    assert rows_digest(filled) == before
    assert not any(shard in line for line in check(filled).faults)


@pytest.mark.parametrize("what", slow_but(BROKEN, kept=(0, 3)))
def test_a_rule_of_rows_holds_for_shards_that_are_merged(
    filled: Path, tmp_path: Path, what: str
) -> None:
    source = create_store(tmp_path / "source")
    table, row, reason = BROKEN[what]
    shard = committed_by_others(source, table, row)
    (faulty,) = merge(filled, [source]).faulty
    assert faulty.startswith(shard)
    assert reason in faulty


@pytest.mark.parametrize("made", [garbled_pages, no_text])
def test_rows_that_cannot_be_read_stop_nothing_else(
    filled: Path, tmp_path: Path, made: Any
) -> None:
    before = rows_digest(filled)
    source = create_store(tmp_path / "source")
    made(source)
    (faulty,) = merge(filled, [source]).faulty
    assert "rows cannot be read" in faulty
    made(filled)
    append(filled, "outcomes", [outcome(3)])
    told = [line for line in check(filled).faults if "rows cannot be read" in line]
    assert len(told) == 1
    assert "`steerstat store ingest` sets it aside" in told[0]
    report = ingest(filled)
    assert ["rows cannot be read" in item.reason for item in report.quarantined] == [True]
    assert read(filled, "outcomes").num_rows == 13
    assert rows_digest(filled) != before
    assert rebuild(filled).quarantined == []


def test_a_dropped_text_that_is_no_utf_8_is_set_aside(filled: Path) -> None:
    wrong = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff\xfe"]).buffers())
    rows = pa.table({"problem_id": ["p7"], "question": wrong, "answer": ["1"]})
    pq.write_table(rows, filled / "shards" / "problems" / "mine.parquet")
    (item,) = ingest(filled).quarantined
    assert "UTF8" in item.reason
    assert read(filled, "problems").num_rows == 4


@pytest.mark.parametrize(
    "name", slow_but(["seed=7/store", "condition_id=x/store", "s[1]", "s*"], kept=(1, 2))
)
def test_the_path_of_a_store_is_neither_a_column_nor_a_pattern(tmp_path: Path, name: str) -> None:
    # Beside it, stores that `s[1]` and `s*` would mean as patterns.
    for other in ("s1", "st"):
        append(create_store(tmp_path / other), "outcomes", [outcome(9)])
    root = create_store(tmp_path / name)
    shard = append(root, "outcomes", outcomes(2, 2))
    for other in ("s1", "st"):
        for kind in ("shards/outcomes", "commits"):
            for path in (tmp_path / other / kind).iterdir():
                path.rename(path.with_name(shard + path.suffix))
    ingest(root)
    append(root, "outcomes", [outcome(0, 0, answer="other"), outcome(5)])
    with pytest.raises(UserError, match="different content"):
        ingest(root)
    compact(root)
    rebuild(root)
    rows = read(
        root, "SELECT condition_id, problem_id, seed FROM outcomes ORDER BY ALL"
    ).to_pylist()
    units = [("c0", "p1"), ("c1", "p0"), ("c1", "p1"), ("c5", "p0")]
    assert rows == [{"condition_id": c, "problem_id": p, "seed": 0} for c, p in units]
    assert not [line for line in check(root).faults if "the results file" in line]


def test_a_path_that_duckdb_would_cut_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"its path has a '\?'"):
        create_store(tmp_path / "a?b")
    assert not (tmp_path / "a?b").exists()


def test_a_note_whose_name_is_a_path_leads_nowhere(filled: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim.json"
    victim.write_text("mine")
    (filled / "quarantine" / "conflict-").mkdir()
    name = "conflict-/../../../victim"
    note = {"name": name, "table": "problems", "reason": "x", "at": "now"}
    (filled / "quarantine" / "note.json").write_text(json.dumps(note))
    with pytest.raises(UserError, match="no unresolved conflict"):
        resolve(filled, name)
    assert victim.read_text() == "mine"


ENDLESS = [
    "shards/problems/mine.parquet",
    "shards/problems/{}.parquet",
    "commits/1.json",
    "commits/{}.json",
    "quarantine/rows-outcomes-1.parquet",
    "quarantine/1.json",
    "quarantine/1.commit",
    "results.duckdb",
    "results.duckdb.wal",
    "results.seal.json",
]


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("place", slow_but(ENDLESS, kept=(1,)))
def test_nothing_waits_for_a_pipe_or_reads_a_device(filled: Path, place: str, kind: str) -> None:
    before = rows_digest(filled)
    (shard,) = (path.stem for path in (filled / "shards" / "problems").iterdir())
    path = filled / place.format(shard)
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with suppress(UserError):
        info(filled)
    check(filled)
    ingest(filled)
    # What was ingested is not looked at again, until the results file is made anew.
    rebuild(filled)
    adopt(filled)
    ingest(filled)
    assert rows_digest(filled) == before
    assert [line for line in check(filled).faults if "adopt" not in line] == []
