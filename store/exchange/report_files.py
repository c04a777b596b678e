"""The files of the latent-steering report, as rows of a store's tables.

Each reader takes parsed JSON and a `Context` and fills its rows. Pairs of problems are known by
`pair_id`: those come from the pairs file, or from problems of the store whose attributes name one.
A result on a question that is not the known one (its expected answer differs)
is an error, not a row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sql.errors import UserError, first_line
from store.exchange.columns import finite, whole
from store.exchange.imported_rows import (
    STEERING,
    ImportedRows,
    Row,
    condition_row,
    gold,
    graded,
    problem_row,
)
from store.identity import canonical_json, content_id

SPLIT = ("train_correct", "train_wrong", "test_correct", "test_wrong")
SIDES = ("clean", "corrupted")
UNKNOWN = "unknown"  # the report's word for a difficulty that it did not work out
LAYERS = ("early", "middle", "late")


@dataclass
class Context:
    """What a reader knows besides its file.

    Attributes:
        imported: where rows and errors go.
        name: name of the file, which places and sources say.
        run_id, model_id, model_name: of this import.
        problems: id to row of the problems of the store.
        pairs: (pair_id, side) to its problems by id.
        directions: name to id of the directions of the store.
        models: what the store knows of models of that name: their shapes, if any.
        site: where the activations of an npz were taken.
        direction: name of the direction that steering results are of.
        alpha: dose of random-direction results.
        seed: of the outcomes.
        unused: words of the user about rows that the file has no use for.
    """

    imported: ImportedRows
    name: str
    run_id: str
    model_id: str
    model_name: str
    problems: dict[str, Row] = field(default_factory=dict)
    pairs: dict[tuple[int, str], dict[str, Row]] = field(default_factory=dict)
    directions: dict[str, str] = field(default_factory=dict)
    models: list[Row] = field(default_factory=list)
    site: str = "residual:5"
    direction: str = "reasoning_direction"
    alpha: float = -3.0
    seed: int = 0
    unused: frozenset[str] = frozenset()

    def problem(self, pair_id: int, side: str, expected: Any = None) -> Row:
        """The problem of a pair, of several with one number the one with the expected answer.

        Raises UserError if it is unknown, has another answer, or remains ambiguous.
        """
        known = self.pairs.get((pair_number(pair_id), side), {})
        if not known:
            raise UserError(f"pair {pair_id} ({side}) is unknown: import the pairs first, --pairs")
        answer = gold(expected)
        fitting = [row for row in known.values() if answer is None or gold(row["answer"]) == answer]
        if not fitting:
            answers = ", ".join(sorted({row["answer"] for row in known.values()}))
            raise UserError(
                f"pair {pair_id} ({side}) expects {answer}, the known problem's answer is "
                f"{answers}: it is another question"
            )
        if len(fitting) > 1:
            raise UserError(f"pair {pair_id} ({side}) stands for {len(fitting)} problems")
        return fitting[0]

    def know(self, pair_id: int, side: str, problem: Row) -> None:
        """Remember the problem of a pair; one number can stand for several problems."""
        self.pairs.setdefault((pair_id, side), {})[problem["problem_id"]] = problem

    def condition(self, source: str, direction: str | None = None, **how: Any) -> str:
        """The id of a condition, added to the rows."""
        row = condition_row(self.model_id, source, direction, **how)
        self.imported.add("conditions", row)
        return str(row["condition_id"])

    def outcome(self, condition: str, problem: Row, outcome: Row, text: Any, place: str) -> None:
        """Add an outcome row."""
        key = {"condition_id": condition, "problem_id": problem["problem_id"], "seed": self.seed}
        shared = {"run_id": self.run_id, "fragile": False, "text": text}
        self.imported.add("outcomes", {**key, **shared, **outcome}, place)

    def named_direction(self, name: str, kind: str, role: str, site: str = "latent") -> str:
        """Id of a direction by name; one without vectors is made where there is none."""
        if name not in self.directions:
            recipe = canonical_json({"imported_from": self.name, "vectors": "not published"})
            row: Row = {"name": name, "kind": kind, "role": role, "site": site, "recipe": recipe}
            row["direction_id"] = content_id({**row, "vectors": None})
            if role == "control":
                row["parent_id"] = self.directions.get(self.direction)
            self.imported.add("directions", row)
            self.imported.notes.append(f"direction {name} has no vectors")
            self.directions[name] = row["direction_id"]
        return self.directions[name]


def pair_number(value: Any) -> int:
    """The number of a pair. Raises UserError if the value is none."""
    return whole(value, "pair_id", 0, 2**63 - 1)


def read_json(path: Path) -> Any:
    """What a JSON file holds. Raises UserError if it cannot be read."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path} as JSON: {first_line(error)}") from error


def pair_problems(
    entries: Sequence[Row], name: str, imported: ImportedRows, sides: Sequence[str] | None = None
) -> Iterator[tuple[int, str, Row]]:
    """(pair_id, side, problem) of the sides of every pair, or of the sides that it has.

    What is no problem becomes an error of `imported`.
    """
    for i, pair in enumerate(entries):
        for side in sides or [side for side in SIDES if side in pair]:
            with imported.entry(f"{name} entry {i}, {side}"):
                number = pair_number(pair["pair_id"])
                worked = str(pair["clean"].get("full_answer", ""))
                steps = worked.count("<<") or pair[side].get("n_steps")
                # It is of the clean question alone.
                own = {"worked": worked} if worked and side == SIDES[0] else {}
                row = problem_row(
                    pair[side]["question"],
                    pair[side]["answer"],
                    # The worked answer has one mark per step.
                    n_steps=None if steps is None else whole(steps, "n_steps", 0),
                    attributes=canonical_json({"pair_id": number, "side": side, **own}),
                    source=name,
                )
                yield number, side, row


def pairs(document: Any, context: Context) -> None:
    """Problems of both sides of every pair; `context.pairs` knows them from here on."""
    for pair_id, side, row in pair_problems(document, context.name, context.imported):
        context.imported.add("problems", row)
        context.know(pair_id, side, row)


def split_parts(document: Any, name: str) -> dict[str, list[Row]]:
    """The entries of each part of a split file. Raises UserError if it is none."""
    parts = {part: document.get(part) if isinstance(document, dict) else None for part in SPLIT}
    for part, entries in parts.items():
        if not isinstance(entries, list) or not all(
            isinstance(entry, dict) and isinstance(entry.get("pair_id"), int) for entry in entries
        ):
            raise UserError(f"{name} is no split file: {part} should list entries with a pair_id")
    return {part: list(entries or []) for part, entries in parts.items()}


def dataset(document: Mapping[str, Any], context: Context) -> None:
    """Sets `report_train` and `report_test`, balanced on the outcome, and strata `difficulty`."""
    levels: dict[str, str] = {}
    for part, entries in split_parts(document, context.name).items():
        split, label = part.split("_")
        for i, entry in enumerate(entries):
            with context.imported.entry(f"{context.name} {part} {i}"):
                problem = context.problem(entry["pair_id"], "clean", entry.get("expected"))
                row = {
                    "set_name": f"report_{split}",
                    "problem_id": problem["problem_id"],
                    "split": split,
                    "selection": "balanced_on_baseline",
                    "run_id": None,
                    "label": label == "correct",
                }
                context.imported.add("problem_sets", row, f"{context.name} {part} {i}")
                known = levels.get(problem["problem_id"], UNKNOWN)
                if "difficulty" in entry and known == UNKNOWN:
                    levels[problem["problem_id"]] = str(entry["difficulty"])
    for problem_id, level in levels.items():
        row = {"scheme": "difficulty", "problem_id": problem_id, "level": level}
        context.imported.add("strata", {**row, "source": context.name})


def validation(document: Mapping[str, Any], context: Context) -> None:
    """Baseline outcomes on the clean and the corrupted question of every pair."""
    condition = context.condition("validation")
    for entry in document["results"]:
        for side in SIDES:
            place = f"{context.name} pair {entry.get('pair_id')}, {side}"
            with context.imported.entry(place):
                answer = entry[side]
                problem = context.problem(entry["pair_id"], side, answer["expected"])
                outcome = graded(answer["predicted"], problem["answer"], answer["correct"])
                context.outcome(condition, problem, outcome, answer["output"], place)


def ablation(document: Mapping[str, Any], context: Context) -> None:
    """Baselines of both sides, and corrupted questions with k latents patched at each layer.

    A patch is a direction without vectors, kind `activation_patch`; it was made on the corrupted
    question, whose answer counts as right. Pairs that the file calls invalid have no outcomes.
    """
    k = document["config"]["tokens_patched"]
    baseline = context.condition("ablation")
    for entry in document["valid_results"]:
        for side in SIDES:
            place = f"{context.name} pair {entry.get('pair_id')}, {side}"
            with context.imported.entry(place):
                answer = entry[side]
                problem = context.problem(entry["pair_id"], side, answer["expected"])
                outcome = graded(answer["extracted"], problem["answer"], answer["correct"])
                context.outcome(baseline, problem, outcome, answer["generated"], place)
        for layer in LAYERS:
            place = f"{context.name} pair {entry.get('pair_id')}, patched {layer}"
            with context.imported.entry(place):
                expected = entry["corrupted"]["expected"]
                problem = context.problem(entry["pair_id"], "corrupted", expected)
                _patched(entry["patched"][layer], problem, k, layer, context, place)
    n_invalid = len(document["invalid_results"])
    context.imported.notes.append(f"{n_invalid} pairs were invalid in the file")


def _patched(answer: Row, problem: Row, k: int, layer: str, context: Context, place: str) -> None:
    name = f"patch_{k}_latents_{layer}"
    direction = context.named_direction(name, "activation_patch", "candidate", f"residual:{layer}")
    how = {"alpha": 1.0, "site": f"residual:{layer}", "schedule": f"first_{k}"}
    condition = context.condition("ablation", direction, operator="patch", effect="total", **how)
    outcome = graded(answer["extracted"], problem["answer"], answer["matches_corrupted"])
    context.outcome(condition, problem, outcome, answer["generated"], place)


def steering(document: Mapping[str, Any], context: Context) -> None:
    """Outcomes of one direction at every alpha; those at alpha 0 are the baseline."""
    for alpha, entries in document["results"].items():
        _steered(entries, finite(alpha, "alpha"), context.direction, "candidate", context)


def _steered_condition(alpha: float, name: str, role: str, context: Context) -> str:
    if alpha == 0:
        return context.condition("steering")
    kind = "mean_difference" if role == "candidate" else "random_total_norm"
    direction = context.named_direction(name, kind, role)
    how = {"alpha": alpha, "site": "latent", **STEERING}
    return context.condition("steering", direction, **how)


def _steered(entries: Sequence[Row], alpha: float, name: str, role: str, context: Context) -> None:
    condition = None
    with context.imported.entry(f"{context.name} {name} at {alpha:g}"):
        condition = _steered_condition(alpha, name, role, context)
    if condition is None:
        return
    for entry in entries:
        place = f"{context.name} {name} at {alpha:g}, pair {entry.get('pair_id')}"
        with context.imported.entry(place):
            if "error" in entry:
                problem = context.problem(entry["pair_id"], "clean")
                outcome = graded(None, problem["answer"], None, "error")
                context.outcome(condition, problem, outcome, str(entry["error"]), place)
            else:
                problem = context.problem(entry["pair_id"], "clean", entry["expected"])
                verdict, status = entry["correct"], entry.get("status")
                outcome = graded(entry["predicted"], problem["answer"], verdict, status)
                context.outcome(condition, problem, outcome, entry.get("output"), place)


def random_directions(document: Mapping[str, Any], context: Context) -> None:
    """Outcomes of random directions, or, where only accuracies were kept, rows of `results`."""
    if "random_results" in document:
        for item in document["random_results"]:
            name = str(item.get("name", f"random_direction_{item['direction_id']}"))
            alpha = finite(document.get("alpha", context.alpha), "alpha")
            _steered(item["results"], alpha, name, "control", context)
        return
    accuracies = document["random_suppression"]["accuracies"]
    parameters = canonical_json({"file": context.name, "alpha": context.alpha})
    analysis = content_id({"imported": parameters, "accuracies": list(accuracies)})
    row: Row = {"analysis_id": analysis, "method": "imported totals", "parameters": parameters}
    context.imported.add("analyses", row)
    named = [("baseline", document["baseline_accuracy"])]
    named += [(context.direction, document["computed_suppression"]["accuracy"])]
    named += [(f"random_direction_{i}", accuracy) for i, accuracy in enumerate(accuracies)]
    for name, percent in named:
        contrast = {"direction": name, "alpha": 0.0 if name == "baseline" else context.alpha}
        row = {"analysis_id": analysis, "name": f"accuracy of {name}", "quantity": "accuracy"}
        row |= {"contrast": canonical_json(contrast), "estimate": float(percent) / 100}
        row |= {"method": "imported totals", "scope": "these problems only"}
        context.imported.add("results", {**row, "status": "ok", "stamp": "exploratory"})
    context.imported.notes.append("the file holds accuracies alone: they are rows of results")


def summary(document: Mapping[str, Any], context: Context) -> None:
    """Accuracies per alpha, as rows of `results`."""
    parameters = canonical_json({"file": context.name, "direction": context.direction})
    analysis = content_id({"imported": parameters, "summary": json.dumps(document, sort_keys=True)})
    row: Row = {"analysis_id": analysis, "method": "imported totals", "parameters": parameters}
    context.imported.add("analyses", row)
    for alpha, totals in document["summary"].items():
        contrast = {"direction": context.direction, "alpha": float(alpha)}
        row = {"analysis_id": analysis, "name": f"accuracy at {alpha}", "quantity": "accuracy"}
        row |= {"contrast": canonical_json(contrast), "n": int(totals["total"])}
        row |= {"estimate": totals["correct"] / totals["total"], "k": int(totals["correct"])}
        row |= {"method": "imported totals", "scope": "these problems only", "status": "ok"}
        context.imported.add("results", {**row, "stamp": "exploratory"})


TAKES: dict[str, frozenset[str]] = {
    "validation": frozenset({"seed"}),
    "ablation": frozenset({"seed"}),
    "steering": frozenset({"direction", "seed"}),
    "random_directions": frozenset({"direction", "alpha", "seed"}),
    "summary": frozenset({"direction"}),
    "direction": frozenset({"direction"}),
    "directions": frozenset({"direction"}),
}
"""What of the user's words about rows each of the report's files uses; none of the others."""

JSON_READERS: dict[str, Callable[[Any, Context], None]] = {
    "pairs": pairs,
    "dataset": dataset,
    "validation": validation,
    "ablation": ablation,
    "steering": steering,
    "random_directions": random_directions,
    "summary": summary,
}


def recognised(document: Any) -> str | None:
    """Which of the report's JSON files this is, by its fields; None if it is none of them."""
    if isinstance(document, list):
        first = document[0] if document else {}
        return "pairs" if isinstance(first, dict) and {"pair_id", "clean"} <= set(first) else None
    fields = set(document) if isinstance(document, dict) else set()
    signs = {
        "dataset": set(SPLIT),
        "validation": {"results", "num_pairs"},
        "ablation": {"valid_results", "config"},
        "steering": {"alphas", "results"},
        "summary": {"summary"},
    }
    if fields & {"random_results", "random_suppression"}:
        return "random_directions"
    return next((name for name, needed in signs.items() if needed <= fields), None)
