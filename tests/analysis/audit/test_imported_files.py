"""Files of results are audited for what is wrong with them, not for how they are laid out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.audit.case import Case
from analysis.audit.checks import data
from analysis.audit.files import imported
from analysis.audit.finding import NotApplicable, Seen
from analysis.tables.readings import Readings


def long_rows(gold: bool = True) -> list[dict[str, Any]]:
    """Six problems under two conditions, one line for each."""
    names = ("pears", "plums", "figs", "nuts", "limes", "dates")
    return [
        {
            "problem_id": f"q{i}",
            "question": f"How many {name} are there?",
            **({"gold": str(i + 20)} if gold else {}),
            "direction": direction,
            "alpha": 0.0 if direction is None else 1.0,
            "answer": str(i + 20),
            "correct": True,
        }
        for direction in (None, "d")
        for i, name in enumerate(names)
    ]


def look(folder: Path, check: Any, rows: list[dict[str, Any]]) -> Seen:
    path = folder / "results.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with imported([path]) as (root, lost):
        assert not lost
        seen: Seen = check.look(Case(readings=Readings(root)))
        return seen


def test_a_problem_in_several_conditions_is_no_duplicate(tmp_path: Path) -> None:
    assert not len(look(tmp_path, data.duplicate, long_rows()).rows)
    twice = look(tmp_path, data.duplicate, [*long_rows(), *long_rows()[:2]])
    assert twice.affected == 2
    assert "2 in outcomes" in twice.said


@pytest.mark.parametrize("check", [data.conflicting_answers, data.answer_in_question])
def test_without_gold_answers_none_is_called_right(tmp_path: Path, check: Any) -> None:
    look(tmp_path, check, long_rows())
    with pytest.raises(NotApplicable, match="no problems with gold answers"):
        look(tmp_path, check, long_rows(gold=False))
