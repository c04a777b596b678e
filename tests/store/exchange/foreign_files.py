"""Tiny files of every format that is imported: a baseline and a steered run of four problems."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BEFORE, AFTER = (True, False, True, False), (True, True, False, True)
Imports = list[tuple[str, dict[str, Any]]]
"""Files of one store with what an import is told of each."""

STEERED: dict[str, Any] = {"direction": "up", "alpha": 2.0}


def _json(path: Path, content: Any) -> str:
    lines = path.suffix == ".jsonl"
    text = "".join(json.dumps(row) + "\n" for row in content) if lines else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path.name


def _pair(write: Callable[[str, tuple[bool, ...]], str]) -> Imports:
    return [(write("base", BEFORE), {}), (write("steered", AFTER), STEERED)]


def lm_eval(folder: Path) -> Imports:
    """Two files of samples of one filter."""

    def write(name: str, right: tuple[bool, ...]) -> str:
        rows = [
            {"doc_id": i, "doc": {"question": f"{i} + 1?"}, "target": f"{i + 1}",
             "arguments": {}, "resps": [["x"]], "filtered_resps": ["x"], "filter": "none",
             "metrics": ["acc"], "doc_hash": f"{i:064x}", "acc": float(yes)}
            for i, yes in enumerate(right)
        ]  # fmt: skip
        return _json(folder / f"samples_{name}.jsonl", rows)

    return _pair(write)


def inspect_ai(folder: Path) -> Imports:
    """Two logs, the fourth sample of each failed."""

    def write(name: str, right: tuple[bool, ...]) -> str:
        samples: list[dict[str, Any]] = [
            {"id": i, "epoch": 1, "input": f"{i} + 1?", "target": f"{i + 1}",
             "output": {"completion": "x"}, "scores": {"match": {"value": "C" if yes else "I"}}}
            for i, yes in enumerate(right)
        ]  # fmt: skip
        samples[3]["error"] = {"message": "rate limit"}
        log = {"status": "success", "eval": {"model": "m/m"}, "samples": samples}
        return _json(folder / f"{name}.json", log)

    return _pair(write)


def every_eval_ever(folder: Path) -> Imports:
    """Two files of instances."""

    def write(name: str, right: tuple[bool, ...]) -> str:
        rows = [
            {"schema_version": "0.3.0", "evaluation_id": name, "model_id": "m/m",
             "evaluation_name": "gsm8k", "sample_id": str(i), "interaction_type": "single_turn",
             "input": {"raw": f"{i} + 1?", "reference": [f"{i + 1}"]}, "output": {"raw": ["x"]},
             "answer_attribution": [], "evaluation": {"score": float(yes), "is_correct": yes}}
            for i, yes in enumerate(right)
        ]  # fmt: skip
        return _json(folder / f"{name}.jsonl", rows)

    return _pair(write)


def aisteer(folder: Path) -> Imports:
    """Profiles with a baseline."""

    def trial(params: Any, right: tuple[bool, ...]) -> dict[str, Any]:
        asked = [
            {"response": "A" if yes else "B", "prompt": f"{i}?", "question_id": f"q{i}",
             "reference_answer": "A"}
            for i, yes in enumerate(right)
        ]  # fmt: skip
        return {"trial_id": 0, "generations": asked, "evaluations": {}, "params": params}

    profiles = {"base": [trial({}, BEFORE)], "up": [trial({"CAA": {"multiplier": 2}}, AFTER)]}
    return [(_json(folder / "profiles.json", profiles), {})]


def axbench(folder: Path) -> Imports:
    """Ratings of one method at three factors, none of them 0: no baseline."""
    rows = [
        {"concept_id": i, "input_id": 0, "original_prompt": "Hi", "M_steered_generation": "x",
         "factor": factor, "M_LMJudgeEvaluator": rating + i / 10}
        for i in range(4)
        for factor, rating in ((0.5, 0.2), (1.0, 1.4))
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), folder / "steering_data.parquet")
    return [("steering_data.parquet", {})]


def axbench_means(folder: Path) -> Imports:
    """Means of four concepts at factors 0 and 1: scores alone."""
    rows = [
        {"concept_id": i, "results": {"LMJudgeEvaluator": {"M": {
            "lm_judge_rating": [0.1 * i, 0.3 * i + 0.5], "factor": [0.0, 1.0]}}}}
        for i in range(4)
    ]  # fmt: skip
    return [(_json(folder / "steering.jsonl", rows), {})]


def latent_cot(folder: Path) -> Imports:
    """Ablations with their baseline."""
    rows = [
        {"sample_id": i, "question": f"{i} + 1?", "gold_answer": f"{i + 1}", "step": 3,
         "mode": "zero", "baseline": {"text": [f"{i + before}"]},
         "ablated": {"text": [f"{i + after}"]}}
        for i, (before, after) in enumerate(zip(BEFORE, AFTER, strict=True))
    ]  # fmt: skip
    return [(_json(folder / "ablation.jsonl", rows), {})]


def steering_bench(folder: Path) -> Imports:
    """Propensities of four examples at two multipliers, one not known."""
    values = np.array([[-1.0, 0.5], [0.0, 2.0], [1.0, np.nan], [0.5, 0.25]])
    np.save(folder / "propensities_layer_3.npy", values)
    np.save(folder / "multipliers.npy", np.array([0.0, 1.0]))
    return [("propensities_layer_3.npy", {})]


def easysteer(folder: Path) -> Imports:
    """Two lists of answers that nobody scored."""
    base = _json(folder / "answers.json", ["a", "b", "c", "d"])
    return [(base, {}), (_json(folder / "answers_steer_caa.json", ["a", "x", "y", "d"]), STEERED)]


def saklas(folder: Path) -> Imports:
    """Rows of its collector with a column of somebody's verdicts."""
    rows = [
        {"text": "x", "token_count": 3, "steering_up_alpha": alpha, "node_id": i, "mine": yes}
        for alpha, right in ((0, BEFORE), (2, AFTER))
        for i, yes in enumerate(right)
    ]
    told = {"mapping": {"correct": "mine", "problem": "node_id"}}
    return [(_json(folder / "rows.jsonl", rows), told)]


def wandb(folder: Path) -> Imports:
    """A table with columns and data."""
    data = [
        [f"p{i}", direction, alpha, yes]
        for direction, alpha, right in ((None, 0, BEFORE), ("up", 2, AFTER))
        for i, yes in enumerate(right)
    ]
    table = {"columns": ["problem", "direction", "alpha", "correct"], "data": data}
    return [(_json(folder / "x.table.json", table), {})]


def one_condition(folder: Path) -> Imports:
    """A baseline of one problem and nothing else."""
    (folder / "one.csv").write_text("problem,correct\np,1\n")
    return [("one.csv", {})]


def no_baseline(folder: Path) -> Imports:
    """A steered run alone, its gold answers unknown."""
    (folder / "alone.csv").write_text("problem,correct\np,1\nq,0\n")
    return [("alone.csv", STEERED)]


def report_steering(folder: Path) -> Imports:
    """The report's own pairs and results of steering."""
    sides = [{"question": f"{i} + 1?", "answer": f"{i + 1}"} for i in range(4)]
    pairs = [{"pair_id": i, "clean": one, "corrupted": one} for i, one in enumerate(sides)]
    results = {
        alpha: [
            {"pair_id": i, "expected": f"{i + 1}", "predicted": f"{i + yes}", "correct": yes,
             "output": "x"}
            for i, yes in enumerate(right)
        ]
        for alpha, right in (("0", BEFORE), ("2", AFTER))
    }  # fmt: skip
    steering = {"alphas": [0, 2], "results": results}
    told = {"direction": "up"}
    return [
        (_json(folder / "pairs.json", pairs), {}),
        (_json(folder / "steering.json", steering), told),
    ]


FORMATS: tuple[Callable[[Path], Imports], ...] = (
    lm_eval, inspect_ai, every_eval_ever, aisteer, axbench, axbench_means, latent_cot,
    steering_bench, easysteer, saklas, wandb, one_condition, no_baseline, report_steering,
)  # fmt: skip
