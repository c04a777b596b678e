"""Problem sets: which problems a test or a fit uses, and how they were chosen.

How a set was chosen is stored with it, because it decides what a test on it can say: a set that
was balanced on the model's own outcomes shows gains and losses that are regression to the mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from analysis.vocabulary import AnswerParser, Selection, checked
from sql.errors import UserError
from sql.words import meant
from store import shards
from store.layout import is_store
from store.names import SHORT_ID, checked_name, is_id

PARSER = "parser"
"""Attribute of a problem whose answer is no number: the parser that reads it."""


def add_set(
    root: Path,
    name: str,
    problem_ids: Sequence[str],
    *,
    split: str,
    selection: Selection,
    labels: Mapping[str, bool] | None = None,
    run_id: str | None = None,
) -> int:
    """Store a set under a new name and return its size; the same set again changes nothing.

    Raises:
        UserError: the name or split is not usable, the name is taken by another set, or there
            are no problems.
    """
    check_set(root, name, problem_ids, split=split)
    labels = labels or {}
    rows = {
        problem: {
            "set_name": name,
            "problem_id": problem,
            "split": split,
            "selection": selection,
            "run_id": run_id,
            "label": labels.get(problem),
        }
        for problem in problem_ids
    }
    if not members(root, name):
        shards.append(root, "problem_sets", list(rows.values()))
    return len(rows)


def check_set(root: Path, name: str, problem_ids: Sequence[str], *, split: str) -> None:
    """Refuse a set that cannot be added; the store need not be there yet.

    Raises:
        UserError: the name or split is not usable, the name is taken by another set, or there
            are no problems.
    """
    checked_name(name, "set name")
    checked_name(split, "split")
    if not problem_ids:
        raise UserError(f"set {name} would be empty")
    there = members(root, name) if is_store(root) else {}
    if there and there.keys() != set(problem_ids):
        raise UserError(f"set name {name!r} is taken ({len(there)} problems): choose another name")


def members(root: Path, name: str) -> dict[str, dict[str, Any]]:
    """Rows of a set by problem id; empty where there is no such set."""
    rows = shards.committed(root, "problem_sets", where={"set_name": [name]}).to_pylist()
    return {row["problem_id"]: row for row in reversed(rows)}


def set_sizes(root: Path) -> list[dict[str, Any]]:
    """One row per set: its split and selection, its size and how many are labelled right."""
    sets: dict[str, dict[str, dict[str, Any]]] = {}
    for row in reversed(shards.committed(root, "problem_sets").to_pylist()):
        sets.setdefault(row["set_name"], {})[row["problem_id"]] = row
    sizes = []
    for name, of_set in sorted(sets.items()):
        rows = list(of_set.values())
        sizes.append(
            {
                "set_name": name,
                "split": ", ".join(sorted({row["split"] for row in rows})),
                "selection": ", ".join(sorted({row["selection"] for row in rows})),
                "n": len(rows),
                "n_right": sum(row["label"] is True for row in rows),
                "n_wrong": sum(row["label"] is False for row in rows),
            }
        )
    return sizes


def set_problems(root: Path, name: str) -> list[dict[str, Any]]:
    """The problems of a set with their labels, sorted by id.

    Raises:
        UserError: there is no such set.
    """
    of_set = _existing(root, name)
    rows = shards.committed(root, "problems", where={"problem_id": of_set}).to_pylist()
    by_id = {row["problem_id"]: row for row in rows}
    return [{**by_id[i], "label": of_set[i]["label"]} for i in sorted(by_id)]


def parser_of_set(root: Path, name: str) -> str:
    """The parser that a set's answers were read by when its problems were added.

    Raises:
        UserError: there is no such set, or its problems have several parsers.
    """
    parsers = {
        str(json.loads(row["attributes"] or "{}").get(PARSER, "number"))
        for row in set_problems(root, name)
    }
    if len(parsers) > 1:
        raise UserError(
            f"set {name} has problems for several parsers ({', '.join(sorted(parsers))}): say "
            "--parser, or make a set for each"
        )
    return checked(cast(AnswerParser, parsers.pop()), AnswerParser, "parser")


def _pool(root: Path, source: str | None, without: Iterable[str]) -> list[str]:
    """Ids to draw from, sorted: those of a set or of the store, less those of other sets."""
    if source is None:
        ids = set(shards.committed(root, "problems", ["problem_id"])["problem_id"].to_pylist())
    else:
        ids = set(_existing(root, source))
    for name in without:
        ids -= set(_existing(root, name))
    return sorted(ids)


def _existing(root: Path, name: str) -> dict[str, dict[str, Any]]:
    rows = members(root, name)
    if not rows:
        names = shards.committed(root, "problem_sets", ["set_name"])["set_name"].unique()
        known = sorted(names.to_pylist())
        there_are = ", ".join(known) or "none"
        raise UserError(f"no problem set {name!r}: {meant(name, known)}the store has {there_are}")
    return rows


def draw_random(
    root: Path,
    name: str,
    count: int,
    *,
    split: str = "test",
    source: str | None = None,
    without: Sequence[str] = (),
    seed: int = 0,
) -> int:
    """Draw a set at random, never by outcome; return its size.

    Args:
        root: the store.
        name: of the new set.
        count: how many problems.
        split: `train`, `test` or another word.
        source: a set to draw from; all problems of the store where None.
        without: sets whose problems are left out.
        seed: of the draw; the same pool and seed give the same set.

    Raises:
        UserError: the pool is too small, or a name is not usable.
    """
    pool = _pool(root, source, without)
    if not 1 <= count <= len(pool):
        raise UserError(f"set {name}: asked for {count} of the {len(pool)} problems in the pool")
    order = np.random.default_rng(seed).permutation(len(pool))
    chosen = [pool[i] for i in order[:count]]
    return add_set(root, name, chosen, split=split, selection="random")


def draw_balanced(
    root: Path,
    name: str,
    per_class: int,
    *,
    split: str = "train",
    source: str | None = None,
    without: Sequence[str] = (),
    seed: int = 0,
    model: str | None = None,
    protocol: str | None = None,
    baseline: str | None = None,
) -> int:
    """Draw as many right as wrong problems by a model's own baseline; return the set's size.

    Which baseline that is, `model`, `protocol` and `baseline` say as in `baseline_labels`.

    Raises:
        UserError: there is no baseline to choose by, or several, or too few of a class.
    """
    labels, run_id = baseline_labels(root, model=model, protocol=protocol, baseline=baseline)
    pool = [problem for problem in _pool(root, source, without) if problem in labels]
    rng = np.random.default_rng(seed)
    chosen: list[str] = []
    for wanted in (True, False):
        of_class = [problem for problem in pool if labels[problem] is wanted]
        if not 1 <= per_class <= len(of_class):
            word = "right" if wanted else "wrong"
            raise UserError(
                f"set {name}: asked for {per_class} {word} problems, the baseline has "
                f"{len(of_class)}"
            )
        chosen += [of_class[i] for i in rng.permutation(len(of_class))[:per_class]]
    return add_set(
        root,
        name,
        chosen,
        split=split,
        selection="balanced_on_baseline",
        labels={problem: labels[problem] for problem in chosen},
        run_id=run_id,
    )


def baseline_labels(
    root: Path,
    *,
    model: str | None = None,
    protocol: str | None = None,
    baseline: str | None = None,
) -> tuple[dict[str, bool], str | None]:
    """Right or wrong by problem under the one baseline that fits, and its run.

    Args:
        root: the store.
        model: name of the model, or how its id begins.
        protocol: name of the protocol.
        baseline: id of the condition, or how it begins.

    Raises:
        UserError: no baseline has outcomes, or several fit: then each is listed with its id.
    """
    names = {
        row["model_id"]: row["name"]
        for row in shards.committed(root, "models", ["model_id", "name"]).to_pylist()
    }
    fitting = {
        row["condition_id"]: {**row, "model": names.get(row["model_id"])}
        for row in shards.committed(root, "conditions").to_pylist()
        if row["direction_id"] is None
        and (baseline is None or is_id(row["condition_id"], baseline))
        and (model is None or names.get(row["model_id"]) == model or is_id(row["model_id"], model))
        and (protocol is None or row["protocol"] == protocol)
    }
    columns = ["condition_id", "problem_id", "correct", "run_id"]
    where = {"condition_id": fitting, "seed": [0]}
    outcomes = shards.committed(root, "outcomes", columns, where).to_pylist()
    baselines = {row["condition_id"] for row in outcomes}
    if not baselines:
        given = {"--model": model, "--protocol": protocol, "--baseline": baseline}
        said = " ".join(f"{option} {value}" for option, value in given.items() if value is not None)
        raise UserError(
            f"no baseline outcomes to choose by{f' with {said}' if said else ''}: run `steerstat "
            "collect STORE --problems SET` without directions first"
        )
    if len(baselines) > 1:
        listed = _told_apart([fitting[key] for key in sorted(baselines)])
        raise UserError(f"several baselines fit ({listed}): say which with --baseline ID")
    labels = {row["problem_id"]: row["correct"] for row in outcomes if row["correct"] is not None}
    runs = {row["run_id"] for row in outcomes}
    return labels, runs.pop() if len(runs) == 1 else None


def _told_apart(conditions: Sequence[Mapping[str, Any]]) -> str:
    """Conditions by how their ids begin, each with what it does not share with the others."""
    described = [
        {
            **{name: row[name] for name in ("model", "model_id", "protocol", "dtype")},
            **json.loads(row["decoding"] or "{}"),
            **json.loads(row["protocol_fields"] or "{}"),
        }
        for row in conditions
    ]
    known = list(dict.fromkeys(name for fields in described for name in fields))
    differ = [n for n in known if len({json.dumps(fields.get(n)) for fields in described}) > 1]
    if "model" in differ:
        differ.remove("model_id")
    return "; ".join(
        f"{row['condition_id'][:SHORT_ID]}: "
        + ", ".join(f"{name} {fields.get(name)}" for name in differ)
        for row, fields in zip(conditions, described, strict=True)
    )
