"""Shards, copies and compaction at the edges of their rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sql.errors import UserError
from store import append, committed, ingest, rebuild, shards
from store.check import check
from store.commits import commit_ids, read_commit
from store.compact import compact
from store.shards import hash_file
from tests.reading import read
from tests.store.store_rows import outcome, outcomes, problem, run_row


def outcome_of(root: Path, column: str) -> list[Any]:
    rows = read(root, f"SELECT {column} FROM outcomes ORDER BY condition_id, problem_id, seed")
    return list(rows[column].to_pylist())


# |a - b| may be as large as 1e-4 of the larger magnitude, which is never taken below 1.
@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (0.0, 0.00009, True), (0.0, 0.00011, False), (0.5, 0.50009, True), (0.5, 0.50011, False),
        (-0.5, -0.50011, False), (100.0, 100.009, True), (100.0, 100.011, False),
        (-100.0, -100.009, True), (-100.0, -100.011, False), (100.011, 100.0, False),
        (100.009, 100.0, True), (-0.00006, 0.00006, False), (-0.00004, 0.00004, True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("listed", [False, True])
def test_the_tolerance_of_a_number_and_of_a_list(
    root: Path, first: float, second: float, same: bool, listed: bool
) -> None:
    def row(value: float) -> dict[str, Any]:
        return outcome(cosine=[1.0, value]) if listed else outcome(margin=value)

    append(root, "outcomes", [row(first)])
    append(root, "outcomes", [row(second)])
    if same:
        report = ingest(root)
        assert (report.rows, report.ignored) == (1, 1)
    else:
        with pytest.raises(UserError, match="cosine" if listed else "margin"):
            ingest(root)
        assert read(root, "outcomes").num_rows == 0


def test_two_nans_agree(root: Path) -> None:
    for _ in range(2):
        append(root, "outcomes", [outcome(margin=float("nan"))])
    assert ingest(root).ignored == 1


def test_a_conflict_among_copies_takes_all_and_counts_none_as_ignored(root: Path) -> None:
    append(root, "outcomes", [outcome(0), outcome(1), outcome(2), outcome(3)])
    append(root, "outcomes", [outcome(0), outcome(1, answer="7"), outcome(2, margin=2.00001)])
    append(root, "outcomes", [outcome(1), outcome(2, answer="5", fragile=True)])
    with pytest.raises(UserError, match="c1 p0 0"):
        ingest(root)
    assert outcome_of(root, "condition_id") == ["c0", "c2", "c3"]
    assert outcome_of(root, "fragile") == [False, True, False]
    assert outcome_of(root, "answer") == ["0", "0", "0"]
    (told,) = read(root, "fragile_differences").to_pylist()
    assert told["key"] == "c2 p0 0"
    # Of the shards' rows: a copy of c0, all of c1, and two copies of c2 do not count.
    ignored = read(root, "SELECT rows_ignored FROM shards ORDER BY shard_id")
    assert ignored["rows_ignored"].to_pylist() == [1, 3, 2]
    (fault,) = check(root).faults
    assert "outcome of condition c1 problem p0 seed 0 set aside" in fault


def test_every_seed_condition_and_problem_is_a_row_of_its_own(root: Path) -> None:
    # Dense keys, found distinct by their bits: of unequal extents and seeds that begin at 5.
    rows = [outcome(c, p, s) for c in range(2) for p in range(5) for s in (5, 6, 8)]
    append(root, "outcomes", rows)
    assert (ingest(root).rows, ingest(root).rows) == (30, 0)
    append(root, "outcomes", [outcome(1, 4, 8), outcome(0, 0, 5), outcome(2, 0, 5)])
    report = ingest(root)
    assert (report.rows, report.ignored) == (1, 2)
    assert sorted(set(outcome_of(root, "seed"))) == [5, 6, 8]


def test_few_new_rows_among_many_old_are_looked_up(root: Path) -> None:
    append(root, "outcomes", [outcome(c, p) for c in range(10) for p in range(10)])
    ingest(root)
    append(root, "outcomes", [outcome(3, 4), outcome(11, 3)])
    report = ingest(root)
    assert (report.rows, report.ignored) == (1, 1)
    assert read(root, "outcomes").num_rows == 101


def test_sparse_keys_are_grouped(root: Path) -> None:
    rows = [outcome(0, 0, 0), outcome(1, 1, 1_000_000), outcome(1, 1, 1_000_000)]
    append(root, "outcomes", rows)
    report = ingest(root)
    assert (report.rows, report.ignored) == (2, 1)


def test_the_row_of_the_oldest_shard_stays_and_of_a_run_the_newest(root: Path) -> None:
    append(root, "outcomes", [outcome(run_id="r1", margin=2.0)])
    append(root, "runs", [run_row("running")])
    append(root, "outcomes", [outcome(run_id="r2", margin=2.0001)])
    append(root, "runs", [run_row("complete")])
    for again in (ingest, rebuild):
        again(root)
        assert outcome_of(root, "run_id") == ["r1"]
        assert read(root, "runs")["status"].to_pylist() == ["complete"]


def test_a_commit_says_when_and_of_which_schema(root: Path) -> None:
    shard_id = append(root, "outcomes", outcomes(2, 3), run_id="r7")
    commit = read_commit(root, shard_id)
    assert commit.schema_version == 1
    assert (commit.run_id, commit.rows, commit.replaces) == ("r7", 6, [])
    assert (commit.first, commit.last) == (["c0", "p0", 0], ["c1", "p2", 0])
    assert len(commit.created_at) >= 19
    assert "+" not in commit.created_at


def test_ids_sort_by_time_and_say_which_replace_others(root: Path) -> None:
    ids = [append(root, "outcomes", [outcome(c)]) for c in range(3)]
    assert ids == sorted(ids)
    assert len({len(one) for one in ids}) == 1
    compact(root)
    (new,) = commit_ids(root)
    assert new.endswith("-c")
    # It takes the place of the last, so that what is written next comes after; rows keep theirs.
    assert new.split("-")[0] == ids[2].split("-")[0]
    assert read_commit(root, new).replaces == ids


def test_a_compacted_shard_of_the_last_that_wins_takes_the_newest_place(root: Path) -> None:
    ids = [append(root, "runs", [run_row(status)]) for status in ("running", "failed", "complete")]
    compact(root)
    (new,) = commit_ids(root)
    assert new.split("-")[0] == ids[2].split("-")[0]
    assert read_commit(root, new).rows == 1
    assert committed(root, "runs", ["status"])["status"].to_pylist() == ["complete"]


@pytest.mark.parametrize("again", [ingest, rebuild])
def test_a_description_said_anew_after_another_stays_the_first(
    root: Path, again: Callable[[Path], object]
) -> None:
    # The third row says what the first says: it is the one to spare, not the first.
    for n_steps in (3, 4, 3):
        append(root, "problems", [problem(1, n_steps=n_steps)])
    for action in (again, compact, again):
        with suppress(UserError):  # it says that the two disagree
            action(root)
        assert read(root, "SELECT n_steps FROM problems").to_pylist() == [{"n_steps": 3}]
        assert committed(root, "problems", ["n_steps"])["n_steps"].to_pylist() == [3]
    (compacted,) = commit_ids(root)
    assert read_commit(root, compacted).rows == 2


def test_a_single_small_shard_is_left_alone(root: Path) -> None:
    one = append(root, "outcomes", [outcome()], run_id="r1")
    other = append(root, "outcomes", [outcome(1)], run_id="r2")
    found = append(root, "problems", [problem(1)])
    report = compact(root)
    assert commit_ids(root) == {one, other, found}
    assert (report.shards_before, report.shards_after) == (3, 3)
    sizes = sum(read_commit(root, shard).bytes for shard in (one, other, found))
    assert (report.bytes_before, report.bytes_after) == (sizes, sizes)


@pytest.mark.parametrize(
    ("limits", "groups"),
    [
        ({"_ROWS": 4}, [4, 2]), ({"_ROWS": 3}, [2, 2, 2]), ({"_ROWS": 6}, [6]),
        ({"LARGE": 1}, [2, 2, 2]),
    ],
)  # fmt: skip
def test_a_compacted_shard_is_no_larger_than_it_should_be(
    root: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], groups: list[int]
) -> None:
    for c in range(3):
        append(root, "outcomes", [outcome(c, 0), outcome(c, 1)])
    for name, value in limits.items():
        monkeypatch.setattr(f"store.compact.{name}", value)
    compact(root)
    rows = [read_commit(root, shard).rows for shard in sorted(commit_ids(root))]
    assert sorted(rows, reverse=True) == groups
    assert read(root, "outcomes").num_rows == 6


def test_bytes_bound_a_compacted_shard_as_rows_do(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [append(root, "outcomes", [outcome(c, 0), outcome(c, 1)]) for c in range(3)]
    sizes = [read_commit(root, shard).bytes for shard in ids]
    # Exactly two fit; one byte less and none does, so that nothing is replaced.
    monkeypatch.setattr("store.compact.LARGE", sizes[0] + sizes[1] - 1)
    compact(root)
    assert commit_ids(root) == set(ids)
    monkeypatch.setattr("store.compact.LARGE", sizes[0] + sizes[1])
    compact(root)
    assert len(commit_ids(root)) == 2
    assert not set(ids[:2]) & commit_ids(root)


def test_unknown_names_are_told_with_those_there_are(root: Path) -> None:
    with pytest.raises(UserError, match="no column 'a': it has problem_id"):
        append(root, "problems", [problem(1, b=1, a=2)])
    for call in (lambda: committed(root, "none"), lambda: committed(root, "problems", ["none"])):
        with pytest.raises(UserError, match="none"):
            call()


@pytest.mark.parametrize("status", ["parse_fail", "truncated", "error"])
def test_a_failed_outcome_has_no_verdict(root: Path, status: str) -> None:
    for correct in (True, False):
        with pytest.raises(UserError, match=f"of status {status} must have correct = NULL"):
            append(root, "outcomes", [outcome(0), outcome(1, status=status, correct=correct)])
    append(root, "outcomes", [outcome(0), outcome(1, status=status, correct=None)])
    assert ingest(root).rows == 2


def test_a_table_without_some_columns_and_of_other_types(root: Path) -> None:
    table = pa.table(
        {"n_steps": pa.array([2, None], pa.int8()), "answer": ["1", "2"], "question": ["q", "r"],
         "problem_id": pa.array(["p2", "p1"], pa.large_string())}
    )  # fmt: skip
    append(root, "problems", table)
    rows = committed(root, "problems", ["problem_id", "n_steps", "source"]).to_pylist()
    assert rows == [
        {"problem_id": "p1", "n_steps": None, "source": None},
        {"problem_id": "p2", "n_steps": 2, "source": None},
    ]
    with pytest.raises(UserError, match="cannot take these rows"):
        append(root, "problems", table.set_column(0, "n_steps", pa.array(["two", "three"])))


def test_a_file_is_hashed_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    content = bytes(range(256)) * 10
    (tmp_path / "file").write_bytes(content)
    monkeypatch.setattr(shards, "_HASH_BLOCK", 1000)
    expected = hashlib.sha256(content).hexdigest(), 2560
    assert hash_file(tmp_path / "file") == expected


def test_a_shard_is_compressed_and_names_itself(root: Path) -> None:
    shard_id = append(root, "outcomes", outcomes())
    file = pq.ParquetFile(root / "shards" / "outcomes" / f"{shard_id}.parquet")
    assert file.metadata.metadata[b"steerstat.shard"] == shard_id.encode()
    assert b"ARROW:schema" not in file.metadata.metadata
    group = file.metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    for name, column in columns.items():
        split = "BYTE_STREAM_SPLIT" in column.encodings
        assert split == (name.split(".")[0] in FLOATS), name
        assert not (split and "RLE_DICTIONARY" in column.encodings), name
    assert "RLE_DICTIONARY" in columns["answer"].encodings


FLOATS = {"gold_logprob", "margin", "norm_before", "norm_after", "norm_fed", "cosine"}


@pytest.mark.parametrize(
    "change",
    [{"shard_id": "another"}, {"table": "none"}, {"more": 1}],
)
def test_a_commit_that_was_altered_is_none(root: Path, change: dict[str, Any]) -> None:
    shard_id = append(root, "problems", [problem(1)])
    path = root / "commits" / f"{shard_id}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match="commit file"):
        read_commit(root, shard_id)


def test_names_that_begin_with_a_dot_are_no_commits(root: Path) -> None:
    shard_id = append(root, "problems", [problem(1)])
    path = root / "commits" / f"{shard_id}.json"
    (root / "commits" / f".{shard_id}x.json").write_bytes(path.read_bytes())
    (root / "commits" / "notes.txt").touch()
    assert commit_ids(root) == {shard_id}


def test_a_shard_that_cannot_be_read_is_left_out(root: Path) -> None:
    bad = append(root, "problems", [problem(1)])
    append(root, "problems", [problem(2)])
    (root / "shards" / "problems" / f"{bad}.parquet").write_bytes(b"PAR1 no more")
    assert committed(root, "problems", ["problem_id"]).to_pylist() == [{"problem_id": "p2"}]
