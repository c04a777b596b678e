"""Two runs whose names stand for other content: refused, or renamed, and nothing is joined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from sql.errors import UserError
from store import append, create_store
from store.check import check
from store.cli.store import app
from store.merge import merge
from tests.reading import read
from tests.store.store_rows import problem
from tests.synthetic import synthetic_store

SMALL: dict[str, Any] = {"n_problems": 6, "n_balanced": 4, "n_train": 4, "alphas": (-1.0, 1.0)}
SMALL |= {"control_alphas": (-1.0,), "n_controls": 2, "report": False, "missing": 0.0}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs of one experiment: other problems, other vectors, the same names."""
    folder = tmp_path_factory.mktemp("two")
    first, second = (
        synthetic_store(folder / name, rng=np.random.default_rng(seed), **SMALL)
        for seed, name in enumerate(("first", "second"))
    )
    return first, second


def sizes(root: Path) -> dict[str, int]:
    rows = read(root, "SELECT set_name, n FROM sets_overview").to_pylist()
    return {row["set_name"]: row["n"] for row in rows}


def files(root: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_names_for_other_content_are_refused_in_one_line(
    two: tuple[Path, Path], tmp_path: Path
) -> None:
    into = tmp_path / "into"
    merge(into, two[:1])
    before = files(into)
    done = CliRunner().invoke(app, ["merge", str(into), str(two[1])])
    told = str(done.exception)
    assert isinstance(done.exception, UserError)
    assert "\n" not in told
    assert "set balanced has 4 problems there and 4 here, 0 of them the same" in told
    assert "direction mean_difference has other vectors; and 5 more names" in told
    assert "--as LABEL calls them balanced.LABEL" in told
    assert files(into) == before
    # Two sources are compared with each other, and nothing is made.
    with pytest.raises(UserError, match="calls other things by names that are here"):
        merge(tmp_path / "new", two)
    assert not (tmp_path / "new").exists()


def test_renamed_they_stand_beside_each_other(two: tuple[Path, Path], tmp_path: Path) -> None:
    into = tmp_path / "into"
    merge(into, two[:1])
    # Outcomes of problems in no set are of one baseline, and pool under no name.
    curves = (
        "SELECT * EXCLUDE (set_name, direction) FROM accuracy_by_alpha "
        "WHERE set_name IS NOT NULL ORDER BY ALL"
    )
    ours = read(into, curves).to_pylist()
    theirs = read(two[1], curves).to_pylist()
    report = merge(into, two[1:], label="seed1")
    assert report.faulty == []
    assert sorted(report.renamed) == sorted(
        f"{name}.seed1"
        for name in ("balanced", "primary", "train", "mean_difference", "mean_difference_matched",
                     "random_000", "random_001")
    )  # fmt: skip
    once = {"train": 4, "primary": 6, "balanced": 4}
    assert sizes(into) == once | {f"{name}.seed1": n for name, n in once.items()}
    names = read(into, "SELECT name FROM directions ORDER BY name")["name"].to_pylist()
    assert len(names) == len(set(names)) == 8
    fitted = read(into, "SELECT name, fitted_on FROM directions WHERE parent_id IS NULL")
    for row in fitted.to_pylist():
        ending = ".seed1" if row["name"].endswith(".seed1") else ""
        assert json.loads(row["fitted_on"])["set"] == f"train{ending}"
    merged = read(into, curves).to_pylist()
    for rows in (ours, theirs):
        assert all(row in merged for row in rows)
    assert check(into).faults == []
    again = merge(into, two[1:], label="seed1")
    assert (again.shards, again.rows) == (0, 0)
    assert sizes(into) == once | {f"{name}.seed1": n for name, n in once.items()}


def test_equal_names_of_equal_content_are_no_matter(two: tuple[Path, Path], tmp_path: Path) -> None:
    into = tmp_path / "into"
    for _ in range(2):
        report = merge(into, [two[0], two[0]], label="unused")
        assert (report.renamed, report.outdated) == ([], 0)
    assert sizes(into) == sizes(two[0])


def member(number: int, name: str = "primary") -> dict[str, Any]:
    return {"set_name": name, "problem_id": f"p{number}", "split": "test", "selection": "random"}


def direction(name: str, key: str) -> dict[str, Any]:
    row = {"direction_id": key, "name": name, "kind": "k", "role": "candidate", "site": "latent"}
    return row | {"recipe": "{}"}


def store_of(folder: Path, **rows: list[dict[str, Any]]) -> Path:
    root = create_store(folder)
    append(root, "problems", [problem(i) for i in range(4)])
    for table, of_table in rows.items():
        append(root, table, of_table)
    return root


@pytest.mark.parametrize(
    ("table", "ours", "theirs", "refused"),
    [
        ("problem_sets", [member(0), member(1)], [member(1), member(0)], False),
        ("problem_sets", [member(0), member(1)], [member(0)], True),
        ("problem_sets", [member(0)], [member(0), member(1)], True),
        ("problem_sets", [member(0)], [member(1, "other")], False),
        ("directions", [direction("a", "1")], [direction("a", "1")], False),
        ("directions", [direction("a", "1")], [direction("a", "2")], True),
        ("directions", [direction("a", "1")], [direction("b", "2")], False),
    ],
)
def test_each_name_is_compared(
    tmp_path: Path, table: str, ours: Any, theirs: Any, refused: bool
) -> None:
    into = store_of(tmp_path / "into", **{table: ours})
    source = store_of(tmp_path / "source", **{table: theirs})
    if not refused:
        assert merge(into, [source]).renamed == []
        return
    with pytest.raises(UserError, match="calls other things by names"):
        merge(into, [source])
    assert merge(into, [source], label="b").renamed in (["primary.b"], ["a.b"])


def test_a_label_that_is_taken_or_no_name_is_refused(tmp_path: Path) -> None:
    into = store_of(tmp_path / "into", problem_sets=[member(0), member(1, "primary.b")])
    source = store_of(tmp_path / "source", problem_sets=[member(2)])
    before = files(into)
    for label, told in (("b", "set primary.b stands for other content"), ("a/b", "label 'a/b'")):
        with pytest.raises(UserError, match=told):
            merge(into, [source], label=label)
    assert files(into) == before


def test_a_source_with_two_directions_of_one_name_is_refused(tmp_path: Path) -> None:
    rows = [direction("a", "1"), direction("a", "2")]
    source = store_of(tmp_path / "source", directions=rows)
    with pytest.raises(UserError, match="two directions of the name a"):
        merge(tmp_path / "into", [source], label="b")


def test_analyses_that_speak_of_the_old_names_stay_behind(tmp_path: Path) -> None:
    analysis = {"analysis_id": "a", "method": "m"}
    result = {"analysis_id": "a", "name": "r", "quantity": "q"}
    given: dict[str, Any] = {"analyses": [analysis], "results": [result]}
    into = store_of(tmp_path / "into", problem_sets=[member(0)])
    source = store_of(tmp_path / "source", problem_sets=[member(2)], **given)
    report = merge(into, [source], label="b")
    assert report.outdated == 2
    assert read(into, "results").num_rows == 0
    same = store_of(tmp_path / "same", problem_sets=[member(0)], **given)
    assert merge(into, [same]).outdated == 0
    assert read(into, "results").num_rows == 1
