"""An export is of one direction at one setting, and says which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sql.errors import UserError
from store import append, create_store, ingest
from store.cli.transfer import app
from store.exchange.exporters import export
from tests.store.store_rows import outcome, problem

SHARED: dict[str, Any] = {
    "model_id": "m", "protocol": "codi", "dtype": "float32", "site": "latent",
    "schedule": "uniform", "operator": "add", "effect": "total",
}  # fmt: skip
BASELINE = {name: SHARED[name] for name in ("model_id", "protocol", "dtype")}


def made(folder: Path, conditions: dict[str, dict[str, Any]], right: dict[str, bool]) -> Path:
    """A store of one problem with an outcome for each condition; `right` says how it came out."""
    root = create_store(folder / "store")
    hashes = {"weights_sha256": "w", "tokenizer_sha256": "t"}
    append(root, "models", [{"model_id": "m", "name": "gpt2", "family": "codi", **hashes}])
    append(root, "problems", [problem(0)])
    member = {"set_name": "primary", "problem_id": "p0", "split": "test", "selection": "random"}
    append(root, "problem_sets", [member])
    described = {"kind": "mean_difference", "role": "candidate", "site": "latent"}
    names = {row["direction_id"] for row in conditions.values() if "direction_id" in row}
    append(root, "directions", [{"direction_id": d, "name": d[0], **described} for d in names])
    rows = []
    for name, given in conditions.items():
        shared: dict[str, Any] = {**BASELINE, "alpha": 0.0}
        shared = SHARED if "direction_id" in given else shared
        rows.append({"condition_id": name, **shared, **given})
        answer = {"answer": "0" if right[name] else "5", "correct": right[name]}
        append(root, "outcomes", [{**outcome(), "condition_id": name, **answer}])
    append(root, "conditions", rows)
    ingest(root)
    return root


def results(files: list[Path]) -> dict[str, Any]:
    (path,) = [file for file in files if file.name == "steering_results_detailed.json"]
    return dict(json.loads(path.read_text()))


UP: dict[str, Any] = {"direction_id": "d", "alpha": 1.0}


@pytest.mark.parametrize(
    ("column", "other"),
    [("schedule", "first_2"), ("site", "residual:3"), ("operator", "patch"), ("effect", "direct"),
     ("dtype", "bfloat16"), ("protocol", "report")],
)  # fmt: skip
def test_of_two_settings_one_is_to_be_chosen(tmp_path: Path, column: str, other: str) -> None:
    other_base = {column: other} if column in BASELINE else {}
    conditions: dict[str, dict[str, Any]] = {"b": {}, "u": UP, "v": {**UP, column: other}}
    conditions |= {"c": other_base} if other_base else {}
    root = made(tmp_path, conditions, {"b": False, "u": True, "v": False, "c": True})
    with pytest.raises(UserError) as refused:
        export(root, tmp_path / "out")
    first = min(other, SHARED[column])
    assert f"collected at 2 settings and an export is of one ({column}: " in str(refused.value)
    assert str(refused.value).endswith(f"such as --setting {column}={first}")
    assert not (tmp_path / "out").exists()
    for value, right in ((SHARED[column], True), (other, False)):
        found = results(export(root, tmp_path / value, setting={column: value}))
        assert found["setting"][column] == value
        assert [entry["correct"] for entry in found["results"]["1.0"]] == [right]
        baseline = bool(other_base) and value == other
        assert [entry["correct"] for entry in found["results"]["0.0"]] == [baseline]
    with pytest.raises(UserError, match="no setting is called 'alpha'"):
        export(root, tmp_path / "out", setting={"alpha": "1"})
    with pytest.raises(UserError, match=f"at {column} none"):
        export(root, tmp_path / "out", setting={column: "none"})


def test_a_direction_at_dose_nought_is_no_baseline(tmp_path: Path) -> None:
    conditions = {"z": {}, "a": {**UP, "alpha": 0.0}, "u": UP}
    root = made(tmp_path, conditions, {"z": False, "a": True, "u": True})
    found = results(export(root, tmp_path / "out"))["results"]
    assert {alpha: [e["correct"] for e in entries] for alpha, entries in found.items()} == {
        "0.0": [False],
        "1.0": [True],
    }


def test_a_name_of_two_directions_is_refused_and_an_id_taken(tmp_path: Path) -> None:
    conditions = {"b": {}, "u": UP, "v": {"direction_id": "d2", "alpha": 1.0}}
    root = made(tmp_path, conditions, {"b": False, "u": True, "v": False})
    for name in (None, "d"):
        with pytest.raises(UserError, match=r"2 directions are called d: .* --direction d or d2"):
            export(root, tmp_path / "out", direction=name)
    found = results(export(root, tmp_path / "out", direction="d2"))["results"]
    assert [entry["correct"] for entry in found["1.0"]] == [False]


def test_the_command_says_what_it_took(tmp_path: Path) -> None:
    root = made(tmp_path, {"b": {}, "u": UP}, {"b": False, "u": True})
    given = ["export", str(root), str(tmp_path / "out"), "--setting", "dtype=float32"]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0
    assert done.stderr == (
        "taken: direction d, model gpt2, protocol codi, dtype float32, site latent, schedule "
        "uniform, operator add, effect total, seed 0\n"
    )
    wrong = CliRunner().invoke(app, [*given[:-1], "dtype"])
    assert "--setting takes column=value, found 'dtype'" in str(wrong.exception)
