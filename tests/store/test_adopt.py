"""Shards without a commit, files that others rewrote, and the rules that every direction meets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from sql.errors import UserError
from store import append, committed, create_store, ingest, rebuild
from store.adopt import adopt
from store.check import check
from store.cli.store import app
from store.commits import commit_ids, read_commit
from store.identity import condition_id, content_id, direction_id, problem_id
from store.merge import merge
from store.schema import TABLES
from tests.marks import slow_but
from tests.reading import read
from tests.store.store_rows import outcome, outcomes, problem


def shard(root: Path, name: str, table: str = "outcomes") -> Path:
    return root / "shards" / table / f"{name}.parquet"


def commit(root: Path, name: str) -> Path:
    return root / "commits" / f"{name}.json"


def ids(root: Path) -> list[str]:
    return list(read(root, "SELECT condition_id FROM outcomes ORDER BY ALL")["condition_id"])


def damaged(root: Path, name: str, content: str) -> None:
    """Damage a commit and ingest, so that its shard is in quarantine."""
    commit(root, name).write_text(content)
    (item,) = ingest(root).quarantined
    assert item.reason.startswith("commit file")
    assert not shard(root, name).exists()


@pytest.mark.parametrize("content", ["", "{", '{"rows": null}', '{"run_id": 3, "sha256": 7}'])
def test_a_healthy_shard_behind_a_damaged_commit_comes_back(root: Path, content: str) -> None:
    append(root, "outcomes", [outcome(0)])
    hurt = append(root, "outcomes", outcomes(3, 2)[2:], run_id="r1")
    before = read_commit(root, hurt)
    damaged(root, hurt, content)
    assert read(root, "outcomes").num_rows == 1
    report = adopt(root, [hurt])
    assert (report.shards, report.rows, report.refused) == ([hurt], 4, [])
    after = read_commit(root, hurt)
    assert after.model_copy(update={"created_at": before.created_at}) == before
    assert read(root, "outcomes").num_rows == 5
    assert check(root).faults == []
    assert adopt(root, [hurt]).shards == []
    assert adopt(root).shards == []


def test_a_lost_commit_is_told_and_brought_back(root: Path) -> None:
    append(root, "outcomes", [outcome(0)])
    lost = append(root, "outcomes", [outcome(1), outcome(2)])
    commit(root, lost).unlink()
    (left,) = ingest(root).left
    assert not left.harmless
    assert left.reason == (
        "no commit; 2 of its 2 rows are nowhere else: `steerstat store adopt` takes it in"
    )
    done = CliRunner().invoke(app, ["ingest", str(root)])
    assert done.exit_code == 1
    assert f"left alone: {lost} (outcomes): no commit; 2 of its 2" in done.stderr
    done = CliRunner().invoke(app, ["adopt", str(root)])
    assert (done.exit_code, done.stdout) == (0, "1 shards with 2 rows count again\n")
    assert [str(i) for i in ids(root)] == ["c0", "c1", "c2"]
    assert CliRunner().invoke(app, ["ingest", str(root)]).exit_code == 0


def test_a_shard_without_commit_whose_rows_are_committed_is_no_loss(root: Path) -> None:
    append(root, "outcomes", [outcome(0)])
    lost = append(root, "outcomes", [outcome(0)])
    commit(root, lost).unlink()
    (left,) = ingest(root).left
    assert left.harmless
    done = CliRunner().invoke(app, ["ingest", str(root)])
    assert done.exit_code == 0
    assert "all its rows are committed in other shards" in done.stderr
    append(root, "outcomes", [outcome(1)])
    more = append(root, "outcomes", [outcome(1), outcome(2)])
    commit(root, more).unlink()
    told = {item.name: item.reason for item in ingest(root).left}
    assert told[more].startswith("no commit; 1 of its 2 rows are nowhere else")


def test_what_is_not_what_was_committed_is_refused(root: Path) -> None:
    hurt = append(root, "outcomes", [outcome(0)])
    told = json.loads(commit(root, hurt).read_text())
    damaged(root, hurt, json.dumps({**told, "sha256": "0" * 64, "rows": None}))
    with pytest.raises(UserError, match=f"no shard 'none' without a commit: there is {hurt}"):
        adopt(root, ["none"])
    (line,) = adopt(root, [hurt]).refused
    assert "its commit was for other content" in line
    assert CliRunner().invoke(app, ["adopt", str(root)]).exit_code == 1
    # A shard that is itself torn is in quarantine with its commit, and stays there.
    other = append(root, "outcomes", [outcome(1)])
    shard(root, other).write_bytes(b"PAR1")
    assert [item.reason[:4] for item in ingest(root).quarantined] == ["torn"]
    (_, line) = adopt(root).refused
    assert "cannot be read" in line


@pytest.mark.parametrize(
    ("table", "row", "told"),
    [
        ("problems", {**problem(1), "problem_id": problem_id("q 1?", "2")}, "should have the id"),
        ("conditions", {"condition_id": "c", "model_id": "m", "direction_id": None, "alpha": 1.0,
                        "protocol": "codi", "dtype": "float32"}, "takes no steering"),
        ("models", {"model_id": "m", "name": "n", "family": "codi", "weights_sha256": "w",
                    "tokenizer_sha256": "t"}, "models row m should have the id"),
        ("directions", {"direction_id": "d", "name": "a b", "kind": "k", "role": "control",
                        "site": "latent"}, "direction name 'a b'"),
        ("direction_vectors", {"direction_id": "d", "position": 1, "values": [1.0]},
         "needs 0, 1, 2"),
    ],
)  # fmt: skip
def test_rows_are_verified_before_they_count(
    root: Path, table: str, row: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a writer that looked at no name.
    monkeypatch.setattr("store.shards.check_names", lambda *_: None)
    lost = append(root, table, [row])
    commit(root, lost).unlink()
    (line,) = adopt(root).refused
    assert told in line
    assert commit_ids(root) == set()
    (left,) = ingest(root).left
    assert told in left.reason


def test_ids_that_follow_from_content_are_taken(root: Path) -> None:
    one = append(root, "problems", [{**problem(1), "problem_id": problem_id("q 1?", "1")}])
    row: dict[str, Any] = {"model_id": "m", "direction_id": "d", "alpha": 1.0, "protocol": "codi"}
    row |= {"dtype": "float32", "decoding": '{"mode":"greedy"}', "site": "latent"}
    two = append(root, "conditions", [{**row, "condition_id": condition_id(**row)}])
    for name in (one, two):
        commit(root, name).unlink()
    assert sorted(adopt(root).shards) == sorted([one, two])


def test_ids_of_earlier_versions_are_taken(root: Path) -> None:
    # An answer that was text then, and a dose that was not rounded.
    made = {"question": "q?", "answer": "5 apples"}
    one = append(root, "problems", [{"problem_id": content_id(made), **made}])
    fields: dict[str, Any] = dict.fromkeys(TABLES["conditions"].names[1:])
    fields |= {"model_id": "m", "direction_id": "d", "alpha": 0.1 + 0.2, "protocol": "codi"}
    fields |= {"dtype": "float32", "site": "latent"}
    assert content_id(fields) != condition_id(**fields)
    two = append(root, "conditions", [{**fields, "condition_id": content_id(fields)}])
    for name in (one, two):
        commit(root, name).unlink()
    assert sorted(adopt(root).shards) == sorted([one, two])


def rewritten(kind: str, source: Path, target: Path) -> None:
    """The rows of a shard as another program writes them."""
    table = pq.read_table(source)
    if kind == "copied":
        shutil.copyfile(source, target)
    elif kind == "pyarrow":
        pq.write_table(table, target)
    else:
        pq.write_table(table.replace_schema_metadata({"pandas": "{}"}), target)


@pytest.mark.parametrize("kind", slow_but(["copied", "pyarrow", "pandas"], kept=(0,)))
@pytest.mark.parametrize("name", ["same", "mine"])
def test_a_shard_of_another_store_is_taken_or_told(root: Path, kind: str, name: str) -> None:
    other = create_store(root.parent / "other")
    made = append(other, "outcomes", outcomes(2, 2))
    (root / "shards" / "outcomes").mkdir(exist_ok=True)
    target = shard(root, made if name == "same" else "mine")
    rewritten(kind, shard(other, made), target)
    done = CliRunner().invoke(app, ["ingest", str(root)])
    if done.exit_code == 0:
        assert read(root, "outcomes").num_rows == 4
        assert not target.exists()
    else:
        assert "no commit; 4 of its 4 rows are nowhere else" in done.stderr
        assert CliRunner().invoke(app, ["adopt", str(root)]).exit_code == 0
        assert read(root, "outcomes").num_rows == 4
    assert check(root).faults == []


@pytest.mark.parametrize("kind", ["pyarrow", "pandas"])
def test_a_committed_shard_that_was_rewritten_is_set_aside(root: Path, kind: str) -> None:
    made = append(root, "outcomes", outcomes(2, 2))
    rewritten(kind, shard(root, made), shard(root, made))
    (item,) = ingest(root).quarantined
    assert item.reason.startswith(("altered", "torn"))


def test_a_file_with_the_name_of_a_shard_does_not_take_its_commit_with_it(root: Path) -> None:
    made = append(root, "outcomes", outcomes(2, 2))
    (root / "shards" / "problems").mkdir()
    shutil.copyfile(shard(root, made), shard(root, made, "problems"))
    shard(root, made).with_suffix(".txt").write_text("notes")
    (root / "shards" / "stray.parquet").write_bytes(shard(root, made).read_bytes())
    report = ingest(root)
    told = {(item.table, item.reason.split(":")[0]) for item in report.quarantined}
    assert told == {("outcomes", "foreign"), ("shards", "foreign")}
    (left,) = report.left
    assert (left.table, left.harmless) == ("problems", False)
    assert read(root, "outcomes").num_rows == 4
    assert commit_ids(root) == {made}


VECTORS = np.arange(1, 7, dtype=np.float32).reshape(2, 3)


def direction(name: str = "mine", vectors: np.ndarray = VECTORS, **changes: Any) -> dict[str, Any]:
    """A row of `directions` that fits vectors [T, d]."""
    row = {"name": name, "kind": "k", "role": "candidate", "site": "latent", "recipe": "{}"}
    by_position = np.linalg.norm(vectors.astype(float), axis=1)
    norms = {"norm": float(np.linalg.norm(by_position)), "norm_by_position": by_position.tolist()}
    return {"direction_id": direction_id(**row, vectors=vectors), **row, **norms} | changes


def vector_rows(key: str, vectors: Any = VECTORS) -> list[dict[str, Any]]:
    return [
        {"direction_id": key, "position": i, "values": values}
        for i, values in enumerate(np.asarray(vectors).tolist())
    ]


def dropped(root: Path, table: str, rows: list[dict[str, Any]]) -> list[str]:
    """Reasons for which an ingest sets a dropped file of these rows aside."""
    folder = root / "shards" / table
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "mine.parquet")
    return [item.reason for item in ingest(root).quarantined]


MODEL = {"model_id": "m", "name": "tiny", "family": "codi", "weights_sha256": "w",
         "tokenizer_sha256": "t", "d_model": 3, "n_latent": 2}  # fmt: skip

BAD_ROWS = [
    ({"name": "a/b"}, "direction name 'a/b'"),
    ({"name": "taken"}, "direction name 'taken' is taken by another direction"),
    ({"kind": " "}, "kind must be a text"),
    ({"role": "controls"}, "unknown role 'controls'"),
    ({"site": "everywhere"}, "unknown site 'everywhere'"),
    ({"norm": 9.0}, "its row says norm 9.0"),
    ({"norm": float("nan")}, "its row says norm nan"),
    ({"norm_by_position": [1.0, 1.0]}, "its row says norm"),
    ({"norm": None}, "its row says norm None"),
]
BAD_VECTORS = [
    ([[1.0, 2.0, float("nan")], [4.0, 5.0, 6.0]], "NaN"),
    ([[1.0, 2.0, float("inf")], [4.0, 5.0, 6.0]], "NaN"),
    ([[0.0] * 3] * 2, "all vectors are zero"),
    ([[1.0, 2.0], [3.0, 4.0]], "width 2, the store's models need"),
    ([[1.0, 2.0, 3.0]] * 3, "3 position"),
    ([[2.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "its vectors have"),
]


@pytest.mark.parametrize(("change", "told"), BAD_ROWS)
@pytest.mark.parametrize("road", slow_but(["dropped", "merged"], kept=(0,)))
def test_rows_of_directions_meet_the_rules(
    root: Path, change: dict[str, Any], told: str, road: str
) -> None:
    if road == "merged" and "name" in change:
        pytest.skip("names of two stores are compared by themselves")
    place = root if road == "dropped" else create_store(root.parent / "other")
    for table, rows in (("models", [MODEL]), ("directions", [direction("taken")])):
        append(place, table, rows)
    row = direction() | change
    append(place, "direction_vectors", vector_rows(row["direction_id"]))
    append(place, "direction_vectors", vector_rows(direction("taken")["direction_id"]))
    if road == "dropped":
        (reason,) = dropped(place, "directions", [row])
        assert told in reason
    else:
        append(place, "directions", [row])
        report = merge(root, [place])
        assert told in " ".join(report.faulty)
    assert committed(root, "directions", ["name"])["name"].to_pylist() == ["taken"]


@pytest.mark.parametrize(("vectors", "told"), BAD_VECTORS)
@pytest.mark.parametrize("road", ["dropped", "merged"])
def test_vectors_meet_the_rules(root: Path, vectors: Any, told: str, road: str) -> None:
    place = root if road == "dropped" else create_store(root.parent / "other")
    append(place, "models", [MODEL])
    append(place, "directions", [direction()])
    rows = vector_rows(direction()["direction_id"], vectors)
    if road == "dropped":
        (reason,) = dropped(place, "direction_vectors", rows)
        assert told in reason
    elif told == "NaN":  # no store of this version can hold them
        with pytest.raises(UserError, match=told):
            append(place, "direction_vectors", rows)
    else:
        append(place, "direction_vectors", rows)
        assert told in " ".join(merge(root, [place]).faulty)
    assert committed(root, "direction_vectors").num_rows == 0


def test_a_direction_that_meets_every_rule_is_taken_in_either_order(root: Path) -> None:
    append(root, "models", [MODEL])
    for name, order in (("one", (0, 1)), ("two", (1, 0))):
        row = direction(name)
        tables = [("directions", [row]), ("direction_vectors", vector_rows(row["direction_id"]))]
        for i in order:
            assert dropped(root, *tables[i]) == []
    assert read(root, "direction_vectors").num_rows == 4
    other = create_store(root.parent / "other")
    assert merge(other, [root]).faulty == []
    assert read(other, "directions").num_rows == 2


def test_a_whole_shard_in_quarantine_is_a_fault_until_it_is_back(root: Path) -> None:
    append(root, "outcomes", [outcome(0)])
    hurt = append(root, "outcomes", [outcome(1), outcome(2)])
    torn = append(root, "outcomes", [outcome(3)])
    ingest(root)
    (root / "commits" / f"{hurt}.json").write_text("{")
    path = root / "shards" / "outcomes" / f"{torn}.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    rebuild(root)
    # The torn one cannot come back: its rows are computed anew, or not.
    (line,) = check(root).faults
    assert line.startswith(f"shard {hurt} of outcomes is in quarantine, whole, and 2 of its 2 rows")
    append(root, "outcomes", [outcome(1)])
    ingest(root)
    assert "1 of its 2 rows are nowhere else" in check(root).faults[0]
    adopt(root)
    assert check(root).faults == []
