"""A made-up sweep in the shape of a real one, written as a collector would write it.

Problems x conditions x seeds; answers are the gold one or a near miss, log-probabilities and
margins spread as a model's do, norms share a part per problem and carry noise in every bit.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from store.shards import append

POSITIONS = 6
_NORMS = ("norm_before", "norm_after", "norm_fed", "cosine")


def ids(prefix: str, count: int) -> pa.Array:
    """`count` ids as the store makes them: 32 hex characters."""
    return pa.array(
        [hashlib.sha256(f"{prefix}{i}".encode()).hexdigest()[:32] for i in range(count)]
    )


def write_sweep(
    root: Path,
    *,
    problems: int,
    conditions: int,
    seeds: int,
    shard_rows: int,
    norms: bool,
    rng: np.random.Generator,
    first_condition: int = 0,
) -> int:
    """Append a whole sweep, a shard for every block of problems; returns the number of rows."""
    per_problem = conditions * seeds
    block = max(1, shard_rows // per_problem)
    problem_ids = ids("problem", problems)
    condition_ids = ids("condition", first_condition + conditions).slice(first_condition)
    gold = np.random.default_rng(7).integers(1, 400, problems)
    n_rows = 0
    for start in range(0, problems, block):
        chosen = np.arange(start, min(problems, start + block))
        table = _block(chosen, condition_ids, problem_ids, gold, seeds, norms, rng)
        append(root, "outcomes", table, run_id="run")
        n_rows += table.num_rows
    return n_rows


def _block(
    chosen: np.ndarray,
    condition_ids: pa.Array,
    problem_ids: pa.Array,
    gold: np.ndarray,
    seeds: int,
    norms: bool,
    rng: np.random.Generator,
) -> pa.Table:
    condition, problem, seed = (
        axis.ravel()
        for axis in np.meshgrid(
            np.arange(len(condition_ids)), chosen, np.arange(seeds), indexing="ij"
        )
    )
    n = len(problem)
    right = rng.random(n) < 0.2 + 0.6 * ((problem * 37 % 100) / 100)
    failed = rng.random(n) < 0.01
    answer = np.where(right, gold[problem], gold[problem] + rng.integers(1, 10, n))
    texts = pa.array([str(value) for value in range(answer.max() + 1)])
    said = texts.take(pa.array(answer))
    columns: dict[str, Any] = {
        "condition_id": condition_ids.take(pa.array(condition)),
        "problem_id": problem_ids.take(pa.array(problem)),
        "seed": pa.array(seed, pa.int32()),
        "run_id": pa.array(["run"]).take(pa.array(np.zeros(n, int))),
        "tokens": _tokens(answer),
        "text": pa.compute.binary_join_element_wise(":", said, " "),
        "answer": pa.compute.if_else(pa.array(failed), None, said),
        "status": pa.array(["ok", "parse_fail"]).take(pa.array(failed.astype(int))),
        "correct": pa.array(right, mask=failed),
        "gold_logprob": pa.array(_logprob(right, rng)),
        "margin": pa.array(rng.gamma(1.5, 2.0, n).astype(np.float32)),
        "fragile": pa.array(np.zeros(n, bool)),
    }
    if norms:
        columns |= {name: _norms(name, problem, rng) for name in _NORMS}
    return pa.table(columns)


def _logprob(right: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    size = rng.exponential(1.0, len(right))
    return -np.where(right, size * 0.1, size * 4 + 0.7).astype(np.float32)


def _tokens(answer: np.ndarray) -> pa.Array:
    digits = np.stack([answer // 100 % 10, answer // 10 % 10, answer % 10], axis=1) + 10
    tokens = np.full((len(answer), 5), 72)
    tokens[:, 0] = 3
    tokens[:, 1:4] = digits
    return _lists(tokens.astype(np.int32))


def _lists(values: np.ndarray) -> pa.Array:
    offsets = np.arange(0, values.size + 1, values.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.ravel()))


def _norms(name: str, problem: np.ndarray, rng: np.random.Generator) -> pa.Array:
    """[n, POSITIONS] norms around a value of the problem and position; cosines around zero."""
    noise = rng.standard_normal((len(problem), POSITIONS))
    if name == "cosine":
        return _lists((0.2 * noise).clip(-1, 1).astype(np.float32))
    centre = 40 + 5 * np.sin(problem[:, None] + np.arange(POSITIONS))
    return _lists((centre + 2 * noise).astype(np.float32))
