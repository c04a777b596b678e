"""The files that the report lists as its deliverables, from the rows of any store.

    problem_pairs.json                                  questions by pair_id
    steering_dataset.json                               the split, by outcome at the baseline
    steering_activations/steering_activations_{correct,wrong}.npz   activations [n, T, d], pair_ids
    steering_activations/reasoning_direction.npz        direction [T, d], direction_normalized
    steering_analysis/random_directions.npz             directions [k, T, d], target_magnitude
    steering_analysis/random_direction_results.json     accuracies, and outcomes per problem
    steering_experiments/steering_results_detailed.json outcomes per alpha and problem
    steering_experiments/steering_results_summary.json  totals per alpha

Missing outcomes keep `correct` null, where the report's scripts wrote false. Accuracies are percent
of all problems, missing ones in the denominator, as there. `steerstat store import` reads these
files back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sql import loader
from sql.errors import UserError
from store.database import connect
from store.layout import result_file

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]


@dataclass(frozen=True)
class Chosen:
    """What is exported: a direction, the protocol it was run under, and the numbers of problems."""

    connection: duckdb.DuckDBPyConnection
    direction_id: str
    name: str
    protocol: str
    pair_ids: dict[str, int]

    def rows(self, query: str, **values: Any) -> list[Row]:
        """Rows of a query of sql/internal as mappings."""
        result = loader.execute(self.connection, loader.internal(query), **values)
        columns = [item[0] for item in result.description]
        return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def write_report_files(
    store: Path,
    folder: Path,
    *,
    direction: str | None,
    set_name: str,
    train: str | None,
    protocol: str | None,
) -> list[Path]:
    """Write every file that the store has rows for; return them. Raises UserError."""
    with connect(store) as connection:
        chosen = _chosen(connection, direction, protocol)
        outcomes = chosen.rows(
            "export_outcomes",
            set_name=set_name,
            direction=chosen.direction_id,
            protocol=chosen.protocol,
        )
        if not outcomes:
            raise UserError(
                f"no outcomes of {chosen.name} on set {set_name!r}: `steerstat sql STORE "
                "sets_overview` lists the sets"
            )
        training = "train" if train is None else train
        split = chosen.rows(
            "export_split",
            direction=chosen.direction_id,
            protocol=chosen.protocol,
            train=training,
            test=set_name,
        )
        if train is not None and all(row["set_name"] != train for row in split):
            raise UserError(
                f"no training set {train!r}: `steerstat sql STORE sets_overview` lists the sets"
            )
        documents = {
            "problem_pairs.json": _pairs(chosen),
            "steering_dataset.json": _dataset(chosen, split, training),
            **_experiments(chosen, outcomes),
        }
        arrays = {**_directions(chosen), **_activations(chosen, training)}
    files = [_json(folder / name, document) for name, document in documents.items()]
    # Problems and directions first: an import in this order finds what the rest refers to.
    return [files[0], *(_npz(folder / n, values) for n, values in arrays.items()), *files[1:]]


def _chosen(
    connection: duckdb.DuckDBPyConnection, name: str | None, protocol: str | None
) -> Chosen:
    directions = loader.execute(
        connection, loader.internal("export_direction"), direction=name, protocol=protocol
    ).fetchall()
    if not directions:
        raise UserError(
            f"nothing was collected with direction {name or '(any candidate)'}"
            f"{f' under protocol {protocol}' if protocol else ''}: `steerstat sql STORE "
            "directions_overview` lists the directions"
        )
    problems = loader.execute(connection, loader.internal("export_pair_ids")).fetchall()
    identifier, chosen_name, protocol_name = directions[0]
    numbers = _numbered(problems)
    return Chosen(connection, identifier, chosen_name, protocol_name, numbers)


def _numbered(problems: list[tuple[str, int | None]]) -> dict[str, int]:
    """A pair_id for every problem: its own where no other has it, else a free number."""
    taken: set[int] = set()
    numbers: dict[str, int] = {}
    for problem, pair_id in problems:
        if pair_id is not None and pair_id not in taken:
            numbers[problem] = pair_id
            taken.add(pair_id)
    free = (i for i in range(len(problems) + len(taken)) if i not in taken)
    return {
        problem: numbers[problem] if problem in numbers else next(free) for problem, _ in problems
    }


def _pairs(chosen: Chosen) -> list[Row]:
    rows = chosen.rows("export_problems")
    return [
        {
            "pair_id": chosen.pair_ids[row["problem_id"]],
            "clean": {key: row[key] for key in ("question", "answer", "n_steps")},
        }
        for row in rows
    ]


def _dataset(chosen: Chosen, rows: list[Row], train: str) -> Row:
    """The split by the label of the set, or by the baseline where a set has no labels."""
    parts: dict[str, list[Row]] = {
        f"{split}_{label}": [] for split in ("train", "test") for label in ("correct", "wrong")
    }
    for row in rows:
        if row["label"] is None:
            continue
        split = "train" if row["set_name"] == train else "test"
        entry = {"pair_id": chosen.pair_ids[row["problem_id"]], "predicted": row["answer"]}
        entry |= {"expected": row["gold"], "correct": row["label"], "steps": row["n_steps"]}
        parts[f"{split}_{'correct' if row['label'] else 'wrong'}"].append(entry)
    return {"model": _model(chosen), **parts}


def _model(chosen: Chosen) -> str:
    rows = chosen.rows("export_model", direction=chosen.direction_id)
    return str(rows[0]["model"])


def _entry(chosen: Chosen, row: Row) -> Row:
    pair_id = chosen.pair_ids[row["problem_id"]]
    if row["status"] == "error":
        return {"pair_id": pair_id, "error": row["text"] or "error"}
    entry = {"pair_id": pair_id, "expected": row["gold"], "predicted": row["answer"]}
    entry |= {"correct": row["correct"], "output": row["text"]}
    return entry if row["status"] == "ok" else {**entry, "status": row["status"]}


def _percent(rows: list[Row]) -> float:
    return 100 * sum(row["correct"] is True for row in rows) / len(rows)


def _experiments(chosen: Chosen, outcomes: list[Row]) -> dict[str, Any]:
    """Detailed results, their summary, and those of the control directions at their lowest dose."""
    of_direction = [row for row in outcomes if row["direction_id"] in {None, chosen.direction_id}]
    alphas = sorted({row["alpha"] for row in of_direction})
    by_alpha = {alpha: [row for row in of_direction if row["alpha"] == alpha] for alpha in alphas}
    results = {str(a): [_entry(chosen, row) for row in rows] for a, rows in by_alpha.items()}
    summary = {
        str(alpha): {
            "total": len(rows),
            "correct": sum(row["correct"] is True for row in rows),
            "accuracy": _percent(rows),
        }
        for alpha, rows in by_alpha.items()
    }
    folder = "steering_experiments/steering_results"
    documents: dict[str, Any] = {
        f"{folder}_detailed.json": {"model": _model(chosen), "alphas": alphas, "results": results},
        f"{folder}_summary.json": {"model": _model(chosen), "summary": summary},
    }
    controls = [row for row in outcomes if row["direction_id"] not in {None, chosen.direction_id}]
    if controls:
        name = "steering_analysis/random_direction_results.json"
        documents[name] = _controls(chosen, by_alpha, controls)
    return documents


def _controls(chosen: Chosen, by_alpha: dict[float, list[Row]], controls: list[Row]) -> Row:
    alpha = min(row["alpha"] for row in controls)
    names = sorted({row["direction"] for row in controls if row["alpha"] == alpha})
    rows = {n: [r for r in controls if (r["direction"], r["alpha"]) == (n, alpha)] for n in names}
    baseline = _percent(by_alpha[0.0]) if 0.0 in by_alpha else None
    accuracy = _percent(by_alpha[alpha]) if alpha in by_alpha else None
    accuracies = [_percent(rows[name]) for name in names]
    mean, spread = float(np.mean(accuracies)), float(np.std(accuracies))

    def lost(accuracy: float | None) -> float | None:
        return None if accuracy is None or baseline is None else baseline - accuracy

    return {
        "model": _model(chosen),
        "alpha": alpha,
        "baseline_accuracy": baseline,
        "computed_suppression": {"accuracy": accuracy, "degradation": lost(accuracy)},
        "random_suppression": {
            "accuracies": accuracies,
            "mean_accuracy": mean,
            "std_accuracy": spread,
            "mean_degradation": lost(mean),
        },
        "random_results": [
            {
                "direction_id": i,
                "name": name,
                "accuracy": accuracies[i],
                "degradation": lost(accuracies[i]),
                "results": [_entry(chosen, row) for row in rows[name]],
            }
            for i, name in enumerate(names)
        ],
    }


def _vectors(chosen: Chosen, *, controls: bool) -> dict[str, Any]:
    """Name -> [T, d] of the chosen direction, or of its controls, where there are vectors."""
    rows = chosen.rows("export_vectors", direction=chosen.direction_id, controls=controls)
    names = dict.fromkeys(row["name"] for row in rows)
    return {
        name: np.array([row["values"] for row in rows if row["name"] == name], np.float32)
        for name in names
    }


def _directions(chosen: Chosen) -> dict[str, dict[str, Any]]:
    files: dict[str, dict[str, Any]] = {}
    candidate = _vectors(chosen, controls=False)
    if candidate:
        direction = candidate[chosen.name]
        norm = float(np.linalg.norm(direction.astype(np.float64)))
        arrays = {"direction": direction, "direction_normalized": direction / norm}
        files["steering_activations/reasoning_direction.npz"] = arrays
    controls = _vectors(chosen, controls=True)
    stacked = list(controls.values())
    if stacked and len({vectors.shape for vectors in stacked}) == 1:
        norm = float(np.linalg.norm(stacked[0].astype(np.float64)))
        arrays = {"directions": np.stack(stacked), "target_magnitude": np.float64(norm)}
        arrays["names"] = np.array(list(controls))
        files["steering_analysis/random_directions.npz"] = arrays
    return files


def _activations(chosen: Chosen, train: str) -> dict[str, dict[str, Any]]:
    """Activations of the training problems by label, at the first site that has them all."""
    rows = chosen.rows("export_activations", train=train)
    files = {}
    for label, word in ((True, "correct"), (False, "wrong")):
        problems = dict.fromkeys(row["problem_id"] for row in rows if row["label"] == label)
        if problems:
            vectors: dict[str, list[Any]] = {problem: [] for problem in problems}
            for row in rows:
                if row["label"] == label:
                    vectors[row["problem_id"]].append(row["values"])
            files[f"steering_activations/steering_activations_{word}.npz"] = {
                "activations": np.array(list(vectors.values()), np.float32),
                "pair_ids": np.array([chosen.pair_ids[problem] for problem in problems]),
            }
    return files


def _json(path: Path, document: Any) -> Path:
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    with result_file(path) as temporary:
        temporary.write_text(text, "utf-8")
    return path


def _npz(path: Path, arrays: dict[str, Any]) -> Path:
    # By handle: to a name without its ending numpy would add one.
    with result_file(path) as temporary, temporary.open("wb") as handle:
        np.savez_compressed(handle, **arrays)
    return path
