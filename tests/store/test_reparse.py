"""What the newest parsers would change in a store, which they never do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from store import append, create_store
from store.answers import VERSION
from store.cli.store import app
from store.reparse import reparse
from tests.store.store_rows import outcome, problem

CONDITION = {"model_id": "m", "alpha": 0.0, "protocol": "codi", "dtype": "float32"}
FIELDS = {
    "c0": {"parser": "number"},
    "c1": {"parser": "number", "parser_version": VERSION},
    "c2": {"source": "tidy"},
    "c3": {"parser": "choice"},
}
GOLDS = {1: "7", 2: "0.25", 3: "B", 4: "5 apples", 5: "unknown"}


@pytest.fixture
def root(tmp_path) -> Path:
    root = create_store(tmp_path / "store")
    append(root, "problems", [problem(i, answer=gold) for i, gold in GOLDS.items()])
    rows = [
        {**CONDITION, "condition_id": name, "protocol_fields": json.dumps(fields)}
        for name, fields in FIELDS.items()
    ]
    append(root, "conditions", rows)
    run_on = "#### 7\n\nQuestion: 5 + 7?\n#### 12"
    outcomes = [
        outcome(0, 1, text=run_on, answer="12", correct=False),
        outcome(0, 1, 1, text="it is 7", answer="7", correct=True),
        outcome(0, 1, 2, text="1,7", answer="7", correct=True),
        outcome(0, 1, 3, text="#### 7\nQ: 1?", answer="1", correct=None, status="truncated"),
        outcome(0, 1, 4, text=None, answer="1", correct=False),
        outcome(1, 1, text=run_on, answer="12", correct=False),
        outcome(2, 2, text=None, answer="0.259", correct=True),
        outcome(2, 5, text=None, answer="3", correct=True),
        outcome(3, 3, text="B\nQ: Which?\nA", answer="A", correct=False),
    ]
    append(root, "outcomes", outcomes)
    return root


def test_every_outcome_that_would_change_is_named(root):
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    report = reparse(root)
    told = [
        (one.condition_id, one.seed, one.answer, one.new_answer, one.correct, one.new_correct)
        for one in report.changes
    ]
    assert sorted(told, key=lambda one: one[:2]) == [
        ("c0", 0, "12", "7", False, True),
        ("c0", 2, "7", None, True, None),
        ("c0", 3, "1", "7", None, None),
        ("c2", 0, "0.259", "0.259", True, False),
        ("c3", 0, "A", "B", False, True),
    ]
    assert (report.version, report.read, report.newest, report.unread) == (VERSION, 6, 1, 2)
    assert report.golds == [("p4", "5 apples", "5")]
    assert report.summary() == {
        "another answer, verdict as it was": 1,
        "right to unread": 1,
        "right to wrong": 1,
        "wrong to right": 2,
    }
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_the_command_prints_what_would_change(root):
    told = CliRunner().invoke(app, ["reparse", str(root)]).output
    assert "6 outcomes read again, 5 would change; 1 are of that version, 2 have nothing" in told
    assert "c2 p2 seed 0: '0.259' would be '0.259' of '0.259'" in told
    assert "problem p4: gold '5 apples' would be '5'" in told
    found = json.loads(CliRunner().invoke(app, ["reparse", str(root), "--json"]).output)
    assert len(found["changes"]) == 5
