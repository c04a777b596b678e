"""Appending: what is committed counts, in any table, and nothing else does."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sql.errors import UserError
from store import append, committed, create_store, ingest, open_store
from store.commits import commit_ids, read_commit
from store.compact import compact
from store.schema import SCHEMA_VERSION, TABLES
from store.shards import hash_file
from tests.reading import read
from tests.store.store_rows import outcome, outcomes, problem, run_row


def test_an_append_is_a_shard_and_a_commit_that_describes_it(root: Path) -> None:
    shard_id = append(root, "outcomes", outcomes()[::-1], run_id="r1")
    commit = read_commit(root, shard_id)
    path = root / "shards" / "outcomes" / f"{shard_id}.parquet"
    assert (commit.table, commit.rows, commit.run_id) == ("outcomes", 12, "r1")
    assert (commit.sha256, commit.bytes) == hash_file(path)
    assert commit.first == ["c0", "p0", 0]
    assert commit.last == ["c2", "p3", 0]
    keys = pq.read_table(path)["condition_id"].to_pylist()
    assert keys == sorted(keys)
    assert commit_ids(root) == {shard_id}


def test_no_rows_make_no_shard(root: Path) -> None:
    assert append(root, "outcomes", []) == ""
    assert commit_ids(root) == set()
    assert committed(root, "outcomes").num_rows == 0


def test_only_committed_shards_count(root: Path) -> None:
    kept = append(root, "outcomes", [outcome(0)])
    lost = append(root, "outcomes", [outcome(1)])
    (root / "commits" / f"{lost}.json").unlink()
    assert committed(root, "outcomes", ["condition_id"]).to_pylist() == [{"condition_id": "c0"}]
    report = ingest(root)
    assert (report.shards, report.rows, report.quarantined) == (1, 1, [])
    assert commit_ids(root) == {kept}


@pytest.mark.parametrize(
    "where",
    [
        {"condition_id": ["c1"]},
        {"condition_id": {"c0", "c2", "nothing"}, "problem_id": ["p3", "p0"]},
        {"condition_id": ["c1"], "seed": [1]},
        {"problem_id": []},
    ],
)
def test_asking_for_some_rows_gives_those_of_the_whole_table(
    root: Path, where: dict[str, list[object]]
) -> None:
    append(root, "outcomes", outcomes()[::2])
    append(root, "outcomes", outcomes()[1::2])
    asked = committed(root, "outcomes", ["problem_id", "correct"], where).to_pylist()
    assert asked == [
        {"problem_id": row["problem_id"], "correct": row["correct"]}
        for row in committed(root, "outcomes").to_pylist()
        if all(row[name] in values for name, values in where.items())
    ]


@pytest.mark.parametrize(
    ("table", "rows", "told"),
    [
        ("nonsense", [{"a": 1}], "no table 'nonsense'"),
        ("outcomes", [outcome(wrong=1)], "no column 'wrong'"),
        ("outcomes", [outcome(seed="x")], "cannot take these rows"),  # type: ignore[arg-type]
        ("outcomes", [outcome(status=None)], "status of table outcomes must not be NULL"),
        ("outcomes", [outcome(status="parse_fail")], "must have correct = NULL"),
        ("problems", [{"problem_id": "p"}], "question of table problems must not be NULL"),
    ],
)
def test_rows_that_do_not_fit_are_refused_in_one_line(
    root: Path, table: str, rows: list[dict[str, object]], told: str
) -> None:
    with pytest.raises(UserError, match=told) as error:
        append(root, table, rows)
    assert "\n" not in str(error.value)
    assert commit_ids(root) == set()


def test_failed_outcomes_keep_null(root: Path) -> None:
    append(root, "outcomes", [outcome(status="truncated", correct=None, answer=None)])
    ingest(root)
    assert read(root, "SELECT correct, answer FROM outcomes").to_pylist() == [
        {"correct": None, "answer": None}
    ]


def test_arrow_tables_are_taken_in_any_column_order(root: Path) -> None:
    table = pa.table({"answer": ["1"], "question": ["q"], "problem_id": ["p"]})
    append(root, "problems", table)
    assert committed(root, "problems", ["problem_id", "n_steps"]).to_pylist() == [
        {"problem_id": "p", "n_steps": None}
    ]


def test_times_are_kept_in_utc(root: Path) -> None:
    append(root, "runs", [run_row() | {"created_at": datetime(2026, 5, 1, 12, tzinfo=UTC)}])
    ingest(root)
    assert read(root, "runs")["created_at"].to_pylist() == [datetime(2026, 5, 1, 12)]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "tokens": st.none() | st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4),
                "text": st.none() | st.text(st.characters(codec="utf-8"), max_size=5),
                "answer": st.none() | st.text(st.characters(codec="utf-8"), max_size=5),
                "correct": st.none() | st.booleans(),
                "margin": st.none() | st.floats(width=32, allow_nan=False),
                "cosine": st.none() | st.lists(st.floats(-1, 1, width=32), max_size=3),
            }
        ),
        min_size=1,
        max_size=4,
    )
)
def test_what_goes_in_comes_out(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    root = create_store(tmp_path_factory.mktemp("s") / "store")
    given = [outcome(problem=i, **row) for i, row in enumerate(rows)]
    append(root, "outcomes", given)
    assert committed(root, "outcomes").to_pylist() == [
        {name: row.get(name) for name in TABLES["outcomes"].names} for row in _as_float32(given)
    ]
    ingest(root)
    stored = read(root, "SELECT * FROM outcomes ORDER BY problem_id").to_pylist()
    assert stored == committed(root, "outcomes").to_pylist()


def _as_float32(rows: list[Any]) -> list[Any]:
    return pa.Table.from_pylist(rows, schema=TABLES["outcomes"].arrow).to_pylist()


def test_a_store_is_made_once_and_foreign_folders_are_refused(tmp_path: Path) -> None:
    root = create_store(tmp_path / "store")
    append(root, "problems", [problem(1)])
    assert create_store(root) == root
    assert committed(root, "problems").num_rows == 1
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(UserError, match="holds other files"):
        create_store(tmp_path / "other")
    with pytest.raises(UserError, match="is no store"):
        open_store(tmp_path / "nowhere")


def test_a_newer_store_is_refused(root: Path) -> None:
    (root / "VERSION").write_text("2\n")
    for door in (open_store, create_store, ingest):
        with pytest.raises(UserError, match=r"version 2.*up to version 1.*upgrade"):
            door(root)


def test_a_shard_of_a_newer_schema_is_refused_and_left_alone(root: Path) -> None:
    shard_id = append(root, "problems", [problem(1)])
    path = root / "commits" / f"{shard_id}.json"
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {"schema_version": SCHEMA_VERSION + 1})
    )
    with pytest.raises(UserError, match=rf"schema version {SCHEMA_VERSION + 1}.*upgrade"):
        ingest(root)
    assert path.exists()
    assert list((root / "quarantine").iterdir()) == []


@pytest.mark.parametrize("compacted", [False, True])
def test_the_last_row_wins_whatever_the_clock_says(
    root: Path, monkeypatch: pytest.MonkeyPatch, compacted: bool
) -> None:
    append(root, "runs", [run_row("running")])
    append(root, "runs", [run_row("paused")])
    if compacted:
        compact(root)
    monkeypatch.setattr(time, "time_ns", lambda: 1)
    append(root, "runs", [run_row("complete")])
    ingest(root)
    assert read(root, "SELECT status FROM runs").to_pylist() == [{"status": "complete"}]
