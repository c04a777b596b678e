"""The files that the report lists as its deliverables, from the rows of any store.

    problem_pairs.json                                  questions by pair_id
    steering_dataset.json                               the split, by outcome at the baseline
    steering_activations/steering_activations_{correct,wrong}.npz   activations [n, T, d], pair_ids
    steering_activations/reasoning_direction.npz        direction [T, d], direction_normalized
    steering_analysis/random_directions.npz             directions [k, T, d], target_magnitude
    steering_analysis/random_direction_results.json     accuracies, and outcomes per problem
    steering_experiments/steering_results_detailed.json outcomes per alpha and problem
    steering_experiments/steering_results_summary.json  totals per alpha

An export is of one direction at one setting (`store.exchange.export_choice`); the files of results
say which. Missing outcomes keep `correct` null, where the report's scripts wrote false. Accuracies
are percent of all problems, missing ones in the denominator, as there. `steerstat store import`
reads these files back.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sql.errors import UserError
from store.database import connect
from store.exchange.export_choice import Chosen, Row, chosen_setting
from store.layout import result_file

SUMMARY = "steering_experiments/steering_results_summary.json"


def export_summary(folder: Path) -> str:
    """What an export took, in one line: from the file of results that it wrote."""
    setting = json.loads((folder / SUMMARY).read_text("utf-8"))["setting"]
    return "taken: " + ", ".join(
        f"{name} {value}" for name, value in setting.items() if value is not None
    )


def write_report_files(
    store: Path,
    folder: Path,
    *,
    direction: str | None,
    set_name: str,
    train: str | None,
    setting: Mapping[str, str],
) -> list[Path]:
    """Write every file that the store has rows for; return them.

    Raises:
        UserError: There is no such direction or set, the name stands for several directions, or
            the direction was collected at several settings and `setting` does not leave one.
    """
    with connect(store) as connection:
        chosen = chosen_setting(connection, direction, setting)
        condition = chosen.setting["condition_id"]
        outcomes = chosen.rows("export_outcomes", set_name=set_name, condition=condition)
        if not outcomes:
            raise UserError(
                f"no outcomes of {chosen.name} on set {set_name!r} at seed 0: `steerstat sql STORE "
                "sets_overview` lists the sets"
            )
        training = "train" if train is None else train
        split = chosen.rows("export_split", condition=condition, train=training, test=set_name)
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
    return {"model": chosen.setting["model"], **parts}


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
    documents: dict[str, Any] = {
        "steering_experiments/steering_results_detailed.json": chosen.described(
            alphas=alphas, results=results
        ),
        SUMMARY: chosen.described(summary=summary),
    }
    controls = [row for row in outcomes if row["direction_id"] not in {None, chosen.direction_id}]
    if controls:
        name = "steering_analysis/random_direction_results.json"
        documents[name] = _controls(chosen, by_alpha, controls)
    return documents


def _controls(chosen: Chosen, by_alpha: dict[float, list[Row]], controls: list[Row]) -> Row:
    alpha = min(row["alpha"] for row in controls)
    lowest = [row for row in controls if row["alpha"] == alpha]
    # By id: two controls of one name are two controls.
    names = {row["direction_id"]: row["direction"] for row in lowest}
    rows = {key: [row for row in lowest if row["direction_id"] == key] for key in names}
    baseline = _percent(by_alpha[0.0]) if 0.0 in by_alpha else None
    accuracy = _percent(by_alpha[alpha]) if alpha in by_alpha else None
    accuracies = [_percent(of_control) for of_control in rows.values()]
    mean, spread = float(np.mean(accuracies)), float(np.std(accuracies))

    def lost(accuracy: float | None) -> float | None:
        """Points below the baseline."""
        return None if accuracy is None or baseline is None else baseline - accuracy

    return chosen.described(
        alpha=alpha,
        baseline_accuracy=baseline,
        computed_suppression={"accuracy": accuracy, "degradation": lost(accuracy)},
        random_suppression={
            "accuracies": accuracies,
            "mean_accuracy": mean,
            "std_accuracy": spread,
            "mean_degradation": lost(mean),
        },
        random_results=[
            {
                "direction_id": i,
                "name": name,
                "accuracy": accuracies[i],
                "degradation": lost(accuracies[i]),
                "results": [_entry(chosen, row) for row in rows[key]],
            }
            for i, (key, name) in enumerate(names.items())
        ],
    )


def _vectors(chosen: Chosen, *, controls: bool) -> dict[str, Any]:
    """Name -> [T, d] of the chosen direction, or of its controls, where there are vectors.

    Raises UserError if two controls have one name: the file could not tell them apart.
    """
    rows = chosen.rows("export_vectors", direction=chosen.direction_id, controls=controls)
    names = {row["direction_id"]: row["name"] for row in rows}
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        raise UserError(f"two controls of {chosen.name} are called {twice[0]}: nothing was written")
    return {
        name: np.array([row["values"] for row in rows if row["direction_id"] == key], np.float32)
        for key, name in names.items()
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
    """Activations of the training problems by label, at the first protocol and site by name."""
    rows = chosen.rows("export_activations", train=train, model=chosen.setting["model_id"])
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
                "protocol": np.array(rows[0]["protocol"]),
                "site": np.array(rows[0]["site"]),
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
