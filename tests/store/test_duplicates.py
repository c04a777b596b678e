"""The same row twice: ignored, fragile, or in quarantine; never silently one of the two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sql.errors import UserError
from store import append, committed, create_store, ingest, rebuild, rows_digest
from store.check import check
from store.compact import compact
from store.quarantine import listed, resolve, unresolved
from tests.reading import read
from tests.store.store_rows import outcome, outcomes, problem, run_row


def counts(root: Path) -> tuple[int, int, int]:
    """(rows, ignored, fragile) of an ingest."""
    report = ingest(root)
    return report.rows, report.ignored, report.fragile


def test_equal_rows_are_ignored_and_counted(root: Path) -> None:
    append(root, "outcomes", outcomes())
    assert counts(root) == (12, 0, 0)
    append(root, "outcomes", [*outcomes()[:5], outcome(9, 9)])
    assert counts(root) == (1, 5, 0)
    assert read(root, "SELECT sum(rows_ignored) AS n FROM shards").to_pylist() == [{"n": 5}]
    assert check(root).faults == []


def test_copies_within_one_shard_and_within_one_ingest_are_found(root: Path) -> None:
    append(root, "outcomes", [outcome(), outcome()])
    append(root, "outcomes", [outcome()])
    assert counts(root) == (1, 2, 0)


def test_nothing_new_changes_nothing(root: Path) -> None:
    append(root, "outcomes", outcomes())
    ingest(root)
    before = (root / "results.duckdb").stat()
    assert counts(root) == (0, 0, 0)
    after = (root / "results.duckdb").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize(
    "close",
    [
        {"margin": 2.0001},
        {"gold_logprob": -0.50004},
        {"norm_after": [1.5001, 2.5]},
        {"cosine": None},
        {"run_id": "another", "text": "told otherwise"},
    ],
)
def test_floats_within_the_tolerance_agree_and_the_first_stays(
    root: Path, close: dict[str, Any]
) -> None:
    append(root, "outcomes", [outcome()])
    append(root, "outcomes", [outcome(**close)])
    assert counts(root) == (1, 1, 0)
    assert read(root, "SELECT margin, run_id FROM outcomes").to_pylist() == [
        {"margin": 2.0, "run_id": "r1"}
    ]


DIFFERENT: list[tuple[dict[str, Any], str]] = [
    ({"tokens": [3, 11]}, "tokens"),
    ({"tokens": None}, "tokens"),
    ({"answer": "7"}, "answer"),
    ({"answer": None}, "answer"),
    ({"correct": None}, "correct"),
    ({"status": "error", "correct": None}, "status, correct"),
    ({"margin": 2.001}, "margin"),
    ({"norm_fed": [3.0, 4.1]}, "norm_fed"),
    ({"norm_fed": [3.0]}, "norm_fed"),
    ({"margin": float("nan")}, "margin"),
]


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (0.001, 0.00108, True),  # below 1 the tolerance is absolute
        (0.001, 0.00115, False),
        (-0.00004, 0.00004, True),
        (1000.0, 1000.08, True),  # above it relative, whichever is the larger
        (1000.08, 1000.0, True),
        (1000.0, 1000.15, False),
    ],
)
def test_the_tolerance_is_absolute_below_one_and_relative_above(
    root: Path, one: float, other: float, agree: bool
) -> None:
    append(root, "outcomes", [outcome(margin=one)])
    append(root, "outcomes", [outcome(margin=other)])
    if agree:
        assert counts(root) == (1, 1, 0)
    else:
        with pytest.raises(UserError, match="margin"):
            ingest(root)


def test_different_rows_go_to_quarantine_and_ingest_names_both(root: Path) -> None:
    first = append(root, "outcomes", outcomes())
    second = append(root, "outcomes", [outcome(0, 1, answer="9"), outcome(7, 7)])
    with pytest.raises(UserError) as error:
        ingest(root)
    told = str(error.value)
    assert "c0 p1 0" in told
    assert first in told
    assert second in told
    assert "answer" in told
    assert "\n" not in told
    assert read(root, "SELECT * FROM outcomes WHERE problem_id = 'p1'").num_rows == 2
    assert read(root, "outcomes").num_rows == 12  # 11 of the first shard, 1 of the second
    (note,) = listed(root)
    assert note["table"] == "outcomes"
    import pyarrow.parquet as pq

    rows = pq.read_table(root / "quarantine" / str(note["name"])).to_pylist()
    assert {(row["shard_id"], row["answer"]) for row in rows} == {(first, "1"), (second, "9")}
    assert {row["reason"] for row in rows} == {"answer"}


def test_every_kind_of_difference_is_a_conflict(root: Path) -> None:
    append(root, "outcomes", [outcome(problem=i) for i in range(len(DIFFERENT))])
    ingest(root)
    for i, (changes, _) in enumerate(DIFFERENT):
        base = {"tokens": [3, 10 + i]} | changes
        append(root, "outcomes", [outcome(problem=i, **base)])
    with pytest.raises(UserError, match=f"and {len(DIFFERENT) - 1} more"):
        ingest(root)
    assert read(root, "outcomes").num_rows == 0
    import pyarrow.parquet as pq

    (file,) = (root / "quarantine").glob("rows-outcomes-*.parquet")
    reasons = {r["problem_id"]: r["reason"] for r in pq.read_table(file).to_pylist()}
    assert reasons == {f"p{i}": told for i, (_, told) in enumerate(DIFFERENT)}


def test_a_contradicted_row_is_computed_anew_and_then_counts(root: Path) -> None:
    append(root, "outcomes", outcomes())
    append(root, "outcomes", [outcome(answer="9")])
    with pytest.raises(UserError):
        ingest(root)
    keys = ["condition_id", "problem_id"]
    assert {"condition_id": "c0", "problem_id": "p0"} not in committed(
        root, "outcomes", keys
    ).to_pylist()
    append(root, "outcomes", [outcome()])
    assert counts(root) == (1, 0, 0)
    digest = rows_digest(root)
    assert rebuild(root).rows == 12
    assert rows_digest(root) == digest
    assert check(root).faults == []


def test_a_copy_that_was_ignored_before_is_not_trusted_either(root: Path) -> None:
    append(root, "outcomes", [outcome()])
    append(root, "outcomes", [outcome()])
    ingest(root)
    append(root, "outcomes", [outcome(answer="9")])
    with pytest.raises(UserError):
        ingest(root)
    assert committed(root, "outcomes").num_rows == 0
    assert rebuild(root).rows == 0


def test_a_fragile_difference_is_recorded_and_marked(root: Path) -> None:
    append(root, "outcomes", [outcome(answer="1"), outcome(1)])
    append(root, "outcomes", [outcome(answer="2", fragile=True)])
    assert counts(root) == (2, 0, 1)
    rows = read(root, "SELECT answer, fragile FROM outcomes ORDER BY condition_id").to_pylist()
    assert rows == [{"answer": "1", "fragile": True}, {"answer": "0", "fragile": False}]
    (told,) = read(root, "fragile_differences").to_pylist()
    assert told["key"] == "c0 p0 0"
    assert told["other"].startswith("answer: ")


VARIANTS = [
    outcome(answer="1"),
    outcome(answer="1", fragile=True, margin=2.0001),
    outcome(answer="2", fragile=True),
    outcome(answer="1", run_id="r2"),
]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_the_result_does_not_depend_on_the_order_of_ingest(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    """Shards arrive one by one in any order (as merges bring them), or all at once."""
    from store.merge import merge

    sources = []
    for i, row in enumerate(VARIANTS):
        sources.append(create_store(tmp_path / f"source{i}"))
        append(sources[-1], "outcomes", [row])
    for i in order:
        merge(tmp_path / "one_by_one", [sources[i]])
    (row,) = read(tmp_path / "one_by_one", "outcomes").to_pylist()
    assert (row["answer"], row["fragile"], row["margin"], row["run_id"]) == ("1", True, 2.0, "r1")
    assert check(tmp_path / "one_by_one").faults == []


def test_the_last_row_of_a_run_wins(root: Path) -> None:
    append(root, "runs", [run_row("running")])
    ingest(root)
    append(root, "runs", [run_row("complete")])
    append(root, "runs", [run_row("failed", "r2")])
    ingest(root)
    query = "SELECT run_id, status FROM runs ORDER BY run_id"
    expected = [{"run_id": "r1", "status": "complete"}, {"run_id": "r2", "status": "failed"}]
    assert read(root, query).to_pylist() == expected
    rebuild(root)
    assert read(root, query).to_pylist() == expected


def test_of_a_description_the_first_stays_and_the_other_is_kept(root: Path) -> None:
    append(root, "problems", [problem(1), problem(2)])
    append(root, "problems", [problem(1, source="another file")])
    assert counts(root) == (2, 1, 0)
    foreign = append(root, "problems", [problem(2, answer="3"), problem(3)])
    report = ingest(root)
    assert (report.rows, report.ignored) == (1, 1)
    assert [(c.key, c.differs, c.kept) for c in report.conflicts] == [("p2", "answer", True)]
    told = read(root, "SELECT problem_id, answer FROM problems ORDER BY ALL").to_pylist()
    assert [tuple(row.values()) for row in told] == [("p1", "1"), ("p2", "1"), ("p3", "1")]
    assert committed(root, "problems", ["problem_id", "answer"]).to_pylist() == told
    (note,) = unresolved(root)
    assert foreign in note["name"]
    for action in (ingest, rebuild, compact):  # it is said at every later call, once
        action(root)
        (fault,) = check(root).faults
        assert note["name"] in fault
    assert read(root, "SELECT problem_id, answer FROM problems ORDER BY ALL").to_pylist() == told
    with pytest.raises(UserError, match="no unresolved conflict 'other'"):
        resolve(root, "other")
    resolve(root, note["name"])
    assert check(root).faults == []
    rebuild(root)
    assert check(root).faults == []


@pytest.mark.parametrize(
    ("table", "row", "spelled"),
    [
        ("problems", problem(1, question="How  many?"), {"question": " How\u00a0many?\n"}),
        ("problems", problem(1, attributes='{"a":1,"b":2}'), {"attributes": '{"b": 2, "a": 1}'}),
    ],
)
def test_another_spelling_is_no_other_content(
    root: Path, table: str, row: dict[str, Any], spelled: dict[str, Any]
) -> None:
    append(root, table, [row])
    append(root, table, [row | spelled])
    report = ingest(root)
    assert (report.rows, report.ignored, report.conflicts) == (1, 1, [])
    assert check(root).faults == []


def test_descriptions_that_an_earlier_version_set_aside_count_again(root: Path) -> None:
    shard = append(root, "problems", [problem(1), problem(2)])
    ingest(root)
    held = pa.Table.from_pylist([problem(2) | {"shard_id": shard, "reason": "answer"}])
    pq.write_table(held, root / "quarantine" / "rows-problems-0123456789abcdef.parquet")
    ingest(root)
    assert read(root, "problems").num_rows == 2
    assert check(root).faults == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_tolerance_is_a_share_of_the_larger_of_two(root: Path, order: tuple[int, int]) -> None:
    # 2.0002 is more than 1e-4 of 20,000 and less than of 20,002.0002; 2.0004 is more than both.
    near, far = (20_000.0, 20_002.0002), (20_000.0, 20_002.0004)
    for value in (near[order[0]], near[order[1]]):
        append(root, "results", [result(1, value)])
    for value in (far[order[0]], far[order[1]]):
        append(root, "results", [result(2, value)])
    report = ingest(root)
    assert [(c.key, c.differs) for c in report.conflicts] == [("2 estimate", "estimate")]


def result(number: int, estimate: float) -> dict[str, Any]:
    """A row of `results`."""
    return {"analysis_id": str(number), "name": "estimate", "quantity": "q", "estimate": estimate}
