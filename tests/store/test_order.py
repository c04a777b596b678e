"""What decides between copies does not depend on their order of arrival, nor on the clock."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sql.errors import UserError
from store import append, committed, create_store, ingest, rebuild, rows_digest
from store.check import check
from store.commits import commit_ids, read_commit
from store.compact import compact
from store.layout import commit_path, shard_path
from store.merge import merge
from store.schema import TABLES
from store.set_aside import recorded
from store.shards import conform, sort_rows, write_shard
from tests.marks import slow_but
from tests.reading import read
from tests.store.store_rows import outcome, problem, run_row

HOUR = 3_600 * 10**9
TOLD = ("outcomes", "problems", "runs", "fragile_differences")


def state(root: Path) -> dict[str, Any]:
    """What a store says: its rows, what it left out of every shard, and what it set aside."""
    said: dict[str, Any] = {
        name: sorted(map(repr, read(root, f"SELECT * FROM {name}").to_pylist())) for name in TOLD
    }
    said["problems"] = sorted(map(repr, read(root, PROBLEMS).to_pylist()))
    said["runs"] = sorted(map(repr, read(root, "SELECT run_id, status FROM runs").to_pylist()))
    for name in ("outcomes", "problems"):
        said[f"recorded {name}"] = sorted(map(repr, recorded(root, TABLES[name]).to_pylist()))
    said["digest"] = rows_digest(root)
    return said


PROBLEMS = "SELECT * EXCLUDE (shard_no) FROM problems"


def ignored(root: Path) -> list[tuple[Any, ...]]:
    """How many rows of each shard are not in the results file."""
    rows = read(root, "SELECT shard_id, rows_ignored FROM shards ORDER BY ALL").to_pylist()
    return [tuple(row.values()) for row in rows]


def arrive(source: Path, root: Path, shard_ids: Iterable[str]) -> None:
    """Shards appear in a store, as from another machine, and are ingested together."""
    for shard_id in shard_ids:
        table = read_commit(source, shard_id).table
        target = shard_path(root, table, shard_id)
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(shard_path(source, table, shard_id), target)
        shutil.copyfile(commit_path(source, shard_id), commit_path(root, shard_id))
    with suppress(UserError):  # it names the rows that contradict each other
        ingest(root)


def written(root: Path, table: str, row: dict[str, Any], revision: int = 0) -> str:
    """One shard of one row, which was computed anew so many times."""
    data = sort_rows(conform(TABLES[table], [row]), TABLES[table])
    if revision:
        data = data.append_column("origin", pa.nulls(1, pa.string()))
        data = data.append_column("revision", pa.array([revision], pa.int32()))
    return write_shard(root, TABLES[table], data, run_id=row.get("run_id"))


# The tolerance is 2e-4 here: each agrees with the next, the first does not with the last.
CHAIN = [2.0, 2.00015, 2.0003]
COPIES = {
    "A": ("outcomes", outcome(answer="1"), 0),
    "A again": ("outcomes", outcome(answer="1", run_id="r2", text="told otherwise"), 0),
    "B": ("outcomes", outcome(answer="2"), 0),
    "A anew": ("outcomes", outcome(answer="1"), 1),
    "B anew": ("outcomes", outcome(answer="2"), 1),
    "fragile": ("outcomes", outcome(answer="3", fragile=True), 0),
    "low": ("outcomes", outcome(answer="1", margin=CHAIN[0]), 0),
    "middle": ("outcomes", outcome(answer="1", margin=CHAIN[1]), 0),
    "high": ("outcomes", outcome(answer="1", margin=CHAIN[2]), 0),
    "no margin": ("outcomes", outcome(answer="1", margin=None), 0),
    "another unit": ("outcomes", outcome(1), 0),
    "problem": ("problems", problem(1), 0),
    "its spelling": ("problems", problem(1, question=" q  1?"), 0),
    "its other": ("problems", problem(1, answer="2"), 0),
    "running": ("runs", run_row("running"), 0),
    "complete": ("runs", run_row("complete"), 0),
}


def groupings(items: Sequence[str], cuts: Sequence[bool]) -> list[list[str]]:
    """The items in order, in groups that end where a cut is."""
    groups: list[list[str]] = [[]]
    for item, cut in itertools.zip_longest(items, cuts[: len(items)], fillvalue=False):
        groups[-1].append(str(item))
        if cut:
            groups.append([])
    return [group for group in groups if group]


shards_in_two_orders = st.lists(st.sampled_from(sorted(COPIES)), min_size=2, max_size=5).flatmap(
    lambda names: st.tuples(
        st.just(names),
        st.permutations(range(len(names))),
        st.lists(st.booleans(), min_size=len(names), max_size=len(names)),
    )
)


def every_way_says_the_same(names: list[str], order: Sequence[int], cuts: Sequence[bool]) -> None:
    with TemporaryDirectory() as folder:
        source, together, apart = (create_store(Path(folder) / n) for n in ("s", "one", "many"))
        ids = [written(source, *COPIES[name]) for name in names]
        arrive(source, together, ids)
        for group in groupings([ids[i] for i in order], cuts):
            arrive(source, apart, group)
        expected = state(together)
        assert state(apart) == expected
        assert ignored(apart) == ignored(together)
        with suppress(UserError):
            rebuild(apart)
        assert state(apart) == expected
        assert ignored(apart) == ignored(together)
        compact(apart)
        assert state(apart) == expected
        rebuild(apart)
        assert state(apart) == expected
        keys = ["condition_id", "problem_id", "seed"]
        live = {tuple(row.values()) for row in read(apart, LIVE).to_pylist()}
        assert {
            tuple(row.values()) for row in committed(apart, "outcomes", keys).to_pylist()
        } == live


LIVE = "SELECT condition_id, problem_id, seed FROM outcomes"


@pytest.mark.trial
@example((["A", "B", "A again"], (0, 1, 2), (True, True, True)))
@example((["A", "B", "A anew"], (2, 0, 1), (True, True, True)))
@example((["A", "B", "fragile"], (0, 1, 2), (False, True, True)))
@example((["middle", "low", "high"], (1, 2, 0), (False, True, True)))
@example((["low", "middle", "high"], (1, 2, 0), (True, True, True)))
@example((["no margin", "low", "high"], (1, 2, 0), (False, True, True)))
@example((["problem", "its other", "its spelling"], (1, 0, 2), (True, True, True)))
@example((["running", "complete", "running"], (2, 1, 0), (True, True, True)))
@settings(deadline=None, max_examples=40)
@given(shards_in_two_orders)
def test_every_order_and_grouping_says_the_same(
    case: tuple[list[str], tuple[int, ...], tuple[bool, ...]],
) -> None:
    every_way_says_the_same(*case)


def answers(root: Path) -> list[Any]:
    return read(root, "SELECT answer FROM outcomes ORDER BY ALL")["answer"].to_pylist()


@pytest.mark.parametrize(
    ("names", "expected"),
    slow_but(
        [
            (["A", "B"], []),
            (
                ["A", "B", "A again"],
                [],
            ),  # nobody knew that it was in doubt: no better than the others
            (["A", "B", "A anew"], ["1"]),
            (["A", "B", "A anew", "B anew"], []),
            (["A", "B", "fragile"], ["1"]),
            (["B", "A", "fragile"], ["2"]),
            (["low", "middle", "high"], []),  # the last is far from the first
            (["middle", "low", "high"], ["1"]),  # both agree with the first
            (["no margin", "low", "high"], ["1"]),
        ],
        kept=(1, 2, 4, 7),
    ),
)
def test_what_is_decided(tmp_path: Path, names: list[str], expected: list[str]) -> None:
    together, apart = (create_store(tmp_path / name) for name in ("together", "apart"))
    ids = [written(together, *COPIES[name]) for name in names]
    with suppress(UserError):
        ingest(together)
    assert answers(together) == expected
    for shard_id in reversed(ids):
        arrive(together, apart, [shard_id])
    assert state(apart) == state(together)


def test_an_outcome_that_is_appended_after_a_conflict_is_at_the_next_revision(root: Path) -> None:
    for answer in ("1", "2"):
        append(root, "outcomes", [outcome(answer=answer), outcome(1)])
    with pytest.raises(UserError, match="c0 p0 0"):
        ingest(root)
    new = append(root, "outcomes", [outcome(answer="2"), outcome(2)])
    assert read_commit(root, new).schema_version == 2
    assert ingest(root).rows == 2
    assert answers(root) == ["0", "0", "2"]
    assert read_commit(root, append(root, "outcomes", [outcome(3)])).schema_version == 1
    again = append(root, "outcomes", [outcome(answer="1")])  # set aside before: computed anew too
    with pytest.raises(UserError, match="c0 p0 0"):
        ingest(root)
    last = append(root, "outcomes", [outcome(answer="1")])
    assert ingest(root).rows == 1
    revision = read_revision(root, last)
    assert revision == read_revision(root, again) + 1 == 2
    assert answers(root) == ["0", "0", "0", "1"]
    assert check(root).faults == []


def read_revision(root: Path, shard_id: str) -> int:
    import pyarrow.parquet as pq

    path = shard_path(root, "outcomes", shard_id)
    return int(max(pq.read_table(path, columns=["revision"])["revision"].to_pylist()))


def set_clock(monkeypatch: pytest.MonkeyPatch, nanoseconds: Callable[[], int]) -> None:
    monkeypatch.setattr(time, "time_ns", nanoseconds)


@pytest.mark.parametrize("ahead", slow_but([0, HOUR, 100 * 365 * 24 * HOUR], kept=(1,)))
@pytest.mark.parametrize("compacted", [False, True])
def test_a_clock_that_goes_back_decides_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, ahead: int, compacted: bool
) -> None:
    true_time = time.time_ns
    set_clock(monkeypatch, lambda: true_time() + ahead)
    append(root, "runs", [run_row("running")])
    append(root, "problems", [problem(1)])
    append(root, "problems", [problem(2)])
    append(root, "outcomes", [outcome(margin=CHAIN[1])])
    ingest(root)
    if compacted:
        compact(root)
    set_clock(monkeypatch, lambda: true_time() - HOUR)
    append(root, "runs", [run_row("complete")])
    append(root, "problems", [problem(1, answer="2")])
    for value in (CHAIN[0], CHAIN[2]):  # each agrees with the first, not with each other
        append(root, "outcomes", [outcome(margin=value)])
    ingest(root)
    for _ in range(2):
        assert read(root, "SELECT status FROM runs")["status"].to_pylist() == ["complete"]
        answers = read(root, "SELECT answer FROM problems WHERE problem_id = 'p1'")
        assert answers["answer"].to_pylist() == ["1"]
        margins = read(root, "SELECT margin FROM outcomes")["margin"].to_pylist()
        assert margins == pytest.approx([CHAIN[1]])
        assert committed(root, "runs", ["status"])["status"].to_pylist()[-1] == "complete"
        assert committed(root, "problems", ["answer"])["answer"].to_pylist() == ["1", "1"]
        compact(root)


def test_compaction_makes_no_row_older_or_younger(root: Path) -> None:
    append(root, "problems", [problem(1)], run_id="a")
    append(root, "problems", [problem(2, answer="first")], run_id="b")
    append(root, "problems", [problem(2, answer="later")], run_id="a")
    ingest(root)
    before = state(root)
    compact(root)  # the shards of run a are one now
    assert state(root) == before
    rebuild(root)
    assert state(root) == before
    rows = committed(root, "problems", ["problem_id", "answer"]).to_pylist()
    assert {row["problem_id"]: row["answer"] for row in rows} == {"p1": "1", "p2": "first"}


def test_rows_set_aside_stay_in_the_shards_through_a_compaction(root: Path, tmp_path: Path) -> None:
    append(root, "outcomes", [outcome(answer="1"), outcome(1)])
    append(root, "outcomes", [outcome(answer="2")])
    with pytest.raises(UserError):
        ingest(root)
    compact(root)
    (compacted,) = commit_ids(root)
    assert read_commit(root, compacted).rows == 3
    assert committed(root, "outcomes", ["condition_id"])["condition_id"].to_pylist() == ["c1"]
    later = create_store(tmp_path / "later")
    append(later, "outcomes", [outcome(answer="1")])
    with pytest.raises(UserError, match="c0 p0 0"):
        merge(tmp_path / "both", [root, later])
    assert read(tmp_path / "both", LIVE).num_rows == 1
    # What a store has on record is on record in another that takes over its shards.
    assert merge(tmp_path / "copy", [root]).ingest.rows == 1
    assert committed(tmp_path / "copy", "outcomes").num_rows == 1


def test_what_an_earlier_version_set_aside_stays_out(root: Path) -> None:
    """Its files say for good that these rows of these shards do not count."""
    import pyarrow.parquet as pq

    first, second = (append(root, "outcomes", [outcome(answer=a), outcome(1)]) for a in "12")
    held = [
        outcome(answer=a) | {"shard_id": i, "reason": "answer"}
        for a, i in zip("12", (first, second), strict=True)
    ]
    name = root / "quarantine" / "rows-outcomes-0123456789abcdef.parquet"
    pq.write_table(pa.Table.from_pylist(held), name)
    third = append(root, "outcomes", [outcome(answer="2")])
    assert ingest(root).rows == 2
    assert answers(root) == ["0", "2"]
    assert read_revision(root, third) == 1
    compact(root)
    rebuild(root)
    assert answers(root) == ["0", "2"]
    assert sorted(committed(root, "outcomes", ["answer"])["answer"].to_pylist())[-1] == "2"
