"""Check: nothing that is missing or in doubt is silent, and a store at work is no fault."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sql.errors import UserError
from store import append, create_store, ingest
from store.check import check
from store.compact import compact
from store.info import info
from store.merge import merge
from store.quarantine import listed, resolve
from tests.paths import ROOT
from tests.store.store_rows import outcome, problem

CONDITION = {"model_id": "m", "protocol": "codi", "dtype": "float32"}
BASELINE = {**CONDITION, "condition_id": "c0", "alpha": 0.0}
STEERED = {**CONDITION, "condition_id": "c1", "alpha": 1.0, "direction_id": "d"}
DIRECTION = {"direction_id": "d", "name": "d", "kind": "k", "role": "candidate", "site": "latent"}
MODEL = {
    "model_id": "m",
    "name": "m",
    "family": "codi",
    "weights_sha256": "w",
    "tokenizer_sha256": "t",
}
TABLES = {
    "models": [MODEL],
    "problems": [problem(1), problem(2)],
    "directions": [DIRECTION],
    "conditions": [BASELINE, STEERED],
    "outcomes": [outcome(c, p) for c in (0, 1) for p in (1, 2)],
}


def fill(root: Path, **changes: list[dict[str, object]]) -> Path:
    """A small whole study, some of its tables otherwise."""
    for name, rows in {**TABLES, **changes}.items():
        append(root, name, rows)
    ingest(root)
    return root


def test_a_whole_study_and_one_under_way_have_no_fault(root: Path, tmp_path: Path) -> None:
    assert check(fill(root)).faults == []
    under_way = create_store(tmp_path / "under_way")
    fill(under_way, outcomes=[outcome(1, 1)])  # its baseline has a row, and no outcome yet
    assert check(under_way).faults == []
    described = create_store(tmp_path / "described")
    fill(described, outcomes=[], conditions=[STEERED])  # nothing was collected yet
    assert check(described).faults == []
    outcomes_alone = create_store(tmp_path / "outcomes")
    append(outcomes_alone, "outcomes", [outcome(1, 1)])
    assert check(outcomes_alone).faults == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"directions": []}, "condition c1 lacks its direction d"),
        ({"conditions": [STEERED]}, "condition c1 lacks its baseline"),
        ({"problems": [problem(1)]}, "outcome c0 p2 lacks its problem p2"),
        ({"models": []}, "condition c0 lacks its model m and 1 more"),
    ],
)
def test_what_is_referred_to_and_missing_is_a_fault(
    root: Path, changes: dict[str, list[dict[str, object]]], expected: str
) -> None:
    fill(root, **changes)
    assert any(line.startswith(expected) for line in check(root).faults)


def test_what_awaits_its_ingest_is_not_missing(root: Path) -> None:
    fill(root, directions=[])
    assert check(root).faults != []
    append(root, "directions", [DIRECTION])
    report = check(root)
    assert (report.faults, report.pending) == ([], 1)


@pytest.mark.parametrize("accepted", [False, True])
def test_what_depends_on_an_outcome_set_aside_is_told_until_it_is_resolved(
    root: Path, accepted: bool
) -> None:
    fill(root)
    append(root, "outcomes", [outcome(0, 2, answer="9")])
    with pytest.raises(UserError, match="c0 p2 0"):
        ingest(root)
    for action in (ingest, compact, ingest):
        (fault,) = check(root).faults
        assert "outcome of condition c0 problem p2 seed 0 set aside and not computed anew" in fault
        assert "1 conditions and 1 compared with them lack it" in fault
        action(root)
    if accepted:
        (note,) = listed(root)
        resolve(root, note["name"])
    else:
        append(root, "outcomes", [outcome(0, 2)])
        assert check(root).faults == []  # computed anew, and not ingested yet
        ingest(root)
    assert check(root).faults == []


AT_WORK = """
import sys
from pathlib import Path
from sql.errors import UserError
from store import append, ingest
from store.compact import compact
from tests.store.store_rows import outcome, problem, run_row
role, root, until = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
import time
number = 0
while time.time() < until:
    if role == "write":
        append(root, "runs", [run_row("running", f"r{number}")], run_id=f"r{number}")
        append(root, "problems", [problem(number % 7)], run_id=f"r{number}")
        rows = [outcome(c, number % 7, seed=number // 7) for c in (0, 1)]
        append(root, "outcomes", rows, run_id=f"r{number % 3}")
        append(root, "outcomes", rows[:1], run_id=f"r{number % 3}")
        append(root, "runs", [run_row("complete", f"r{number}")], run_id=f"r{number}")
    else:
        {"ingest": ingest, "compact": compact}[role](root)
    number += 1
"""


@pytest.mark.trial
def test_a_store_at_work_has_no_fault(root: Path) -> None:
    """Two writers of the same units, an ingest loop and compactions, all real processes."""
    fill(root, problems=[problem(i) for i in range(7)], outcomes=[])
    until = time.time() + 20
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", AT_WORK, role, root, str(until)], cwd=ROOT, env=environment
        )
        for role in ("write", "write", "ingest", "compact")
    ]
    checks = 0
    try:
        while any(worker.poll() is None for worker in workers):
            assert check(root).faults == []
            checks += 1
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert checks >= 3
    assert [worker.returncode for worker in workers] == [0] * 4
    assert check(root).faults == []


def test_check_of_a_store_whose_shards_are_replaced_meanwhile(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compaction between the listing and the reading, at every attempt but the last."""
    module = sys.modules["store.check"]
    for c in range(4):
        append(root, "outcomes", [outcome(c)])
    ingest(root)
    listing = module._verified
    calls: list[int] = []

    def then_compacted(store: Path, *, readable: bool) -> object:
        found = listing(store, readable=readable)
        if len(calls) < 3:
            append(store, "outcomes", [outcome(10 + len(calls))])
            compact(store)
        calls.append(1)
        return found

    monkeypatch.setattr(module, "_verified", then_compacted)
    assert check(root).faults == []
    assert len(calls) == 4


def test_info_of_a_store_whose_shards_are_replaced_meanwhile(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for c in range(2):
        append(root, "outcomes", [outcome(c)])
    ingest(root)
    module = sys.modules["store.info"]
    listing = module.names_in

    def then_compacted(folder: Path) -> list[str]:
        found = listing(folder)
        if folder.name == "outcomes" and len(found) == 2:
            compact(root)
        return list(found)

    monkeypatch.setattr(module, "names_in", then_compacted)
    (table,) = [entry for entry in info(root).tables if entry.table == "outcomes"]
    assert table.rows == 2


def test_merged_studies_of_one_design_have_no_fault(root: Path, tmp_path: Path) -> None:
    """Each machine wrote every description, and outcomes of its own share."""
    parts = [create_store(tmp_path / str(i)) for i in (1, 2)]
    for i, part in enumerate(parts, 1):
        fill(part, outcomes=[outcome(c, i) for c in (0, 1)])
    merge(root, parts)
    assert check(root).faults == []


def test_doses_that_are_one_but_for_rounding_are_noted_and_joined(tmp_path):
    root = create_store(tmp_path)
    other = {**STEERED, "condition_id": "c2", "alpha": 0.1 + 0.2}
    conditions = [BASELINE, {**STEERED, "alpha": 0.3}, other]
    fill(root, conditions=conditions, outcomes=[outcome(0, 1), outcome(1, 1), outcome(2, 1)])
    report = check(root)
    assert not report.faults
    assert report.notes == [
        "d: the doses 0.3, 0.30000000000000004 are one but for rounding, 0.3; the view "
        "outcomes_by_dose joins them"
    ]
    fill(create_store(tmp_path / "plain"))
    assert check(tmp_path / "plain").notes == []


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("directions", {**DIRECTION, "name": "org/model-vec"}),
        ("problem_sets", {"set_name": "a b", "problem_id": "p1", "split": "test"}),
        ("problem_sets", {"set_name": "a", "problem_id": "p1", "split": "../test"}),
        ("strata", {"scheme": "a/b", "problem_id": "p1", "level": "any text / at all"}),
        ("conditions", {**BASELINE, "protocol": "co di"}),
        ("models", {**MODEL, "name": "two\nlines"}),
    ],
)
def test_a_name_that_is_none_is_refused_on_every_way_in(tmp_path, table, row):
    import pyarrow as pa
    import pyarrow.parquet as pq

    root = create_store(tmp_path / "store")
    row = {"selection": "all", **row} if table == "problem_sets" else row
    with pytest.raises(UserError, match="no usable name") as caught:
        append(root, table, [row])
    assert "\n" not in str(caught.value)
    folder = root / "shards" / table
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([row]), folder / "theirs.parquet")
    ingest(root)
    assert [note for note in listed(root) if "no usable name" in note["reason"]]
