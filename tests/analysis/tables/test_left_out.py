"""What no test takes is told, with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from analysis import recorded, tables
from analysis.cli.analyze import app
from sql.errors import UserError
from store import append, create_store, ingest

SHARED = {"model_id": "m", "protocol": "codi", "dtype": "float32"}
HOW = {"site": "latent", "schedule": "uniform", "operator": "add", "effect": "total"}


def made(root: Path, sets: dict[str, list[int]], covered: dict[str, list[int]]) -> Path:
    """A store of eight problems; `covered` says which of them each direction was run on at 1."""
    create_store(root)
    hashes = {"weights_sha256": "w", "tokenizer_sha256": "t"}
    append(root, "models", [{"model_id": "m", "name": "m", "family": "codi", **hashes}])
    problems = [{"problem_id": f"p{i}", "question": f"q{i}", "answer": "1"} for i in range(8)]
    append(root, "problems", problems)
    for name, members in sets.items():
        split = "train" if name == "train" else "test"
        kind = {"set_name": name, "split": split, "selection": "random"}
        append(root, "problem_sets", [{**kind, "problem_id": f"p{i}"} for i in members])
    direction = {"kind": "k", "role": "candidate", "site": "latent"}
    append(root, "directions", [{"direction_id": d, "name": d, **direction} for d in covered])
    conditions: list[dict[str, Any]] = [{"condition_id": "base", **SHARED, "alpha": 0.0}]
    for name in covered:
        steered = {"condition_id": name, "direction_id": name, "alpha": 1.0}
        conditions.append({**SHARED, **HOW, **steered})
    append(root, "conditions", conditions)
    rows = [outcome("base", i) for i in range(7)]
    rows += [outcome(name, i) for name, members in covered.items() for i in members]
    append(root, "outcomes", rows)
    ingest(root)
    return root


def outcome(condition: str, i: int) -> dict[str, Any]:
    row = {"condition_id": condition, "problem_id": f"p{i}", "seed": 0, "answer": "1"}
    return row | {"status": "ok", "correct": (i + len(condition)) % 2 == 0}


def test_each_reason_is_told_and_what_is_tested_is_not(tmp_path: Path) -> None:
    root = made(
        tmp_path / "store",
        {"primary": [0, 1, 2], "train": [3, 4], "late": [7]},
        {"whole": [0, 1, 2], "part": [0, 1], "train_only": [3, 4], "no_set": [5], "late": [7]},
    )
    table = tables.left_out(root)
    told = [tuple(row) for row in table[["direction", "set_name", "reason"]].to_numpy()]
    assert sorted(told, key=str) == [
        ("late", "late", "no pair of known outcomes"),
        ("no_set", None, "problems of no set"),
        ("part", "primary", "a part of the set"),
        ("train_only", "train", "a training set"),
    ]
    assert set(tables.effects(root)["direction"]) == {"whole"}
    lines = recorded.left_out_lines(root, {})
    assert (
        "not tested: 1 conditions of part on primary: 2 outcomes of 3 problems, a part of the set"
        in lines
    )
    assert len(lines) == 4
    assert len(recorded.left_out_lines(root, {"direction": "part"})) == 1
    done = CliRunner().invoke(app, [str(root), "--no-write", "--family", "alphas"])
    assert done.exit_code == 0
    assert all(line in done.stderr for line in lines)


def test_where_nothing_can_be_tested_the_refusal_says_why(tmp_path: Path) -> None:
    root = made(tmp_path / "store", {"primary": [0, 1, 2]}, {"a": [0, 1], "b": [2]})
    with pytest.raises(UserError) as refused:
        recorded.analyze(root, write=False)
    assert "2 conditions of a and 1 more directions on primary: 1 to 2 outcomes of 3 problems" in (
        str(refused.value)
    )
    assert "\n" not in str(refused.value)
