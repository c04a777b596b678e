"""Rows that the tests of this folder share."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def outcome(condition: int = 0, problem: int = 0, seed: int = 0, **changes: Any) -> dict[str, Any]:
    """One outcome row; `changes` replace columns."""
    row = {
        "condition_id": f"c{condition}",
        "problem_id": f"p{problem}",
        "seed": seed,
        "run_id": "r1",
        "tokens": [3, 10 + problem],
        "text": f": {problem}",
        "answer": str(problem),
        "status": "ok",
        "correct": problem % 2 == 0,
        "gold_logprob": -0.5,
        "margin": 2.0,
        "fragile": False,
        "norm_before": [1.0, 2.0],
        "norm_after": [1.5, 2.5],
        "norm_fed": [3.0, 4.0],
        "cosine": [0.1, -0.1],
    }
    return row | changes


def outcomes(conditions: int = 3, problems: int = 4) -> list[dict[str, Any]]:
    """Every pair of so many conditions and problems."""
    return [outcome(c, p) for c in range(conditions) for p in range(problems)]


def run_row(status: str = "running", run_id: str = "r1") -> dict[str, Any]:
    """A row of `runs`."""
    return {"run_id": run_id, "created_at": datetime(2026, 1, 1), "status": status}


def problem(number: int, **changes: Any) -> dict[str, Any]:
    """A row of `problems`."""
    return {"problem_id": f"p{number}", "question": f"q {number}?", "answer": "1"} | changes
