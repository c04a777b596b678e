"""A run that is taken back counts no more, and what others need of it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from sql.errors import UserError
from store import ingest
from store.check import check
from store.compact import compact
from store.exchange.importers import import_file
from store.runs import remove, runs
from tests.reading import read

WRONG = "problem,direction,alpha,correct\np1,,0,1\np2,,0,1\np1,up,1,0\np2,up,1,0\n"
RIGHT = WRONG.replace("up,1,0", "up,1,1")
LATER = "problem,direction,alpha,correct\np1,up,2,0\n"


def imported(store: Path, name: str, text: str) -> str:
    """The run of an import, which is ingested."""
    file = store.parent / name
    file.write_text(text)
    report = import_file(store, file)
    ingest(store)
    return report.run_id


def verdicts(store: Path) -> list[tuple[float, bool]]:
    query = "SELECT alpha, correct FROM outcomes JOIN conditions USING (condition_id) ORDER BY ALL"
    return [(row["alpha"], row["correct"]) for row in read(store, query).to_pylist()]


@pytest.mark.parametrize("compacted", [False, True])
def test_a_corrected_file_follows_a_wrong_one(tmp_path: Path, compacted: bool) -> None:
    store = tmp_path / "store"
    run = imported(store, "wrong.csv", WRONG)
    with pytest.raises(UserError, match=rf"with other content of run {run}.*store remove STORE"):
        imported(store, "right.csv", RIGHT)
    assert [(one["run_id"], one["outcomes"]) for one in runs(store)] == [(run, 4)]
    report = remove(store, "wrong.csv")
    assert (report.run_id, report.rows, report.kept) == (run, 13, 0)
    assert runs(store) == []
    assert check(store).faults == []
    if compacted:
        compact(store)
        assert not list((store / "commits").iterdir())
        assert not list((store / "shards").glob("*/*.parquet"))
    imported(store, "right.csv", RIGHT)
    assert verdicts(store) == [(0, True), (0, True), (1, True), (1, True)]
    # The wrong file once more, and away again: its first shards stay away as well.
    remove(store, "right.csv")
    imported(store, "wrong.csv", WRONG)
    remove(store, run[:8])
    assert verdicts(store) == []
    assert check(store).faults == []


def test_what_a_later_run_refers_to_stays(tmp_path: Path) -> None:
    store = tmp_path / "store"
    imported(store, "wrong.csv", WRONG)
    imported(store, "later.csv", LATER)
    report = remove(store, "wrong.csv")
    assert report.kept == 4  # model, direction, problem p1 and its membership
    assert verdicts(store) == [(2, False)]
    assert read(store, "SELECT question FROM problems")["question"].to_pylist() == ["p1"]
    assert not [line for line in check(store).faults if "baseline" not in line]


def test_a_run_that_is_none_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "store"
    run = imported(store, "wrong.csv", WRONG)
    for name in ("none.csv", run[:5]):
        with pytest.raises(UserError, match=r"no run .*store runs STORE"):
            remove(store, name)
    remove(store, run)
    (tomb,) = (store / "commits").glob("*.removed")
    tomb.write_text("{")
    with pytest.raises(UserError, match="torn or altered"):
        ingest(store)
