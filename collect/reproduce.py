"""The report's whole protocol on one model, from problems to committed outcomes.

Each step looks at what the store already holds and adds the rest, so that an interrupted run is
continued by starting it again, and what is drawn depends on the seed and on committed outcomes
alone.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from collect import controls, fits
from collect.activations import activations
from collect.arithmetic import MAX_STEPS, ArithmeticProblem
from collect.arithmetic import problems as drawn_problems
from collect.directions import Direction, NewDirection, add_directions, select_directions
from collect.gates import run_gates
from collect.interventions import Steering
from collect.model import Model
from collect.progress import Steps
from collect.protocol import resolve_protocol
from collect.runs import describe_run, recorded_run
from collect.sweep import GREEDY, Condition, Problem, Setting, condition, record_model, sweep
from sql.errors import UserError
from store import identity
from store.ingest import ingest
from store.layout import create_store
from store.shards import append, committed

Array = npt.NDArray[np.float32]

ALPHAS = tuple(a / 2 for a in range(-6, 7))
EXTREMES = (-3.0, 3.0)
# Answers are at most a colon, two digits and end-of-text.
MAX_NEW_TOKENS = 6


@dataclass(frozen=True)
class Scale:
    """How large a reproduction is; the defaults are those of the demo.

    Attributes:
        pool: problems drawn, from which all sets are taken.
        mix: weights of 1, 2, 3 and 4-step problems in the pool.
        primary: size of the random test set.
        train: right and as many wrong problems that directions are fitted on.
        balanced: right and as many wrong problems of the test set drawn by outcome.
        controls: random directions for the candidates.
        report_controls: random directions of the report's own variant.
        alphas: doses of the candidates; the controls run at the two extremes.
    """

    pool: int = 2400
    mix: tuple[int, ...] = (1, 1, 2, 2)
    primary: int = 400
    train: int = 172
    balanced: int = 200
    controls: int = 99
    report_controls: int = 5
    alphas: tuple[float, ...] = field(default=ALPHAS)


@dataclass(frozen=True)
class Reproduction:
    """One reproduction under way: the store, the model under both protocols, and the run."""

    root: Path
    codi: Setting
    report: Setting
    scale: Scale
    seed: int
    run_id: str
    fragile_below: float
    steps: Steps

    @property
    def middle(self) -> str:
        """The report's layer: the block in the middle, whose output it took."""
        return f"residual:{self.codi.model.n_layer // 2 - 1}"


def run_protocol(
    out: Path, model: Model, *, seed: int = 0, scale: Scale | None = None, steps: Steps
) -> Path:
    """Run the protocol into a store and return the store.

    Raises:
        UserError: the folder holds something else or another model's run, or the model gets too
            few problems right or wrong to balance a set.
    """
    scale = scale or Scale()
    root = create_store(out)
    codi, report = (
        Setting(model, resolve_protocol(name, model, max_new_tokens=MAX_NEW_TOKENS), GREEDY)
        for name in ("codi", "report")
    )
    _refuse_other_model(root, codi)
    pool = _problems(root, seed, scale)
    gates = _gates(codi, report, pool, steps)
    row = describe_run(device=str(model.device), rng_seed=seed, gates=gates)
    with recorded_run(root, row) as run_id:
        fragile_below = gates["codi"]["fragile_below"]
        job = Reproduction(root, codi, report, scale, seed, run_id, fragile_below, steps)
        record_model(root, codi)
        _label(job, pool)
        sets = _problem_sets(job, pool)
        _fit(job, sets)
        _sweep_candidates(job, sets["primary"])
        _sweep_report_variant(job, sets["balanced"])
    with steps.step("ingest"):
        ingest(root)
    return root


def _refuse_other_model(root: Path, setting: Setting) -> None:
    models = committed(root, "models", ["model_id", "name"])
    others = [r["name"] for r in models.to_pylist() if r["model_id"] != setting.model_id]
    if others:
        raise UserError(
            f"{root} holds a run of another model ({others[0]}); choose another --out folder"
        )


def arithmetic_rows(drawn: Sequence[ArithmeticProblem], source: str) -> list[dict[str, Any]]:
    """Rows of `problems` for generated word problems."""
    rows = []
    for problem in drawn:
        attributes = {
            "operations": "".join(symbol for symbol, _, _ in problem.operations),
            "start": problem.start,
            "largest_value": max(value for _, _, value in problem.operations),
            "n_words": len(problem.question.split()),
            "template": problem.template,
        }
        answer = str(problem.answer)
        rows.append(
            {
                "problem_id": identity.problem_id(problem.question, answer),
                "question": problem.question,
                "answer": answer,
                "n_steps": problem.n_steps,
                "attributes": json.dumps(attributes, sort_keys=True),
                "source": source,
            }
        )
    return rows


def _problems(root: Path, seed: int, scale: Scale) -> list[dict[str, Any]]:
    """The pool in random order: its first problems are the primary set, before any outcome."""
    drawn: list[ArithmeticProblem] = []
    for n_steps, weight in zip(range(1, MAX_STEPS + 1), scale.mix, strict=True):
        source = drawn_problems(seed=seed, n_steps=n_steps, split="held_out")
        drawn += itertools.islice(source, round(scale.pool * weight / sum(scale.mix)))
    rows = arithmetic_rows(drawn, f"generated, seed {seed}")
    distinct = list({row["problem_id"]: row for row in rows}.values())
    known = set(committed(root, "problems", ["problem_id"])["problem_id"].to_pylist())
    append(root, "problems", [row for row in distinct if row["problem_id"] not in known])
    order = np.random.default_rng([seed, 1]).permutation(len(distinct))
    return [distinct[i] for i in order]


def _as_problem(row: dict[str, Any]) -> Problem:
    return Problem(row["problem_id"], row["question"], row["answer"])


def _gates(
    codi: Setting, report: Setting, pool: Sequence[dict[str, Any]], steps: Steps
) -> dict[str, Any]:
    """Run the gates under both protocols, before any outcome is written."""
    asked = pool[:24]
    rng = np.random.default_rng(0)
    shape = (codi.model.n_latent, codi.model.d_model)
    probe = rng.standard_normal(shape).astype(np.float32)
    with steps.step("gates"):
        return {
            setting.protocol.name: run_gates(
                setting.model,
                [row["question"] for row in asked],
                [row["answer"] for row in asked],
                [Steering(None), Steering(probe, 1.0), Steering(probe, -1.0)],
                protocol=setting.protocol,
            )
            for setting in (codi, report)
        }


def _run(
    job: Reproduction,
    name: str,
    setting: Setting,
    rows: Sequence[dict[str, Any]],
    conditions: Sequence[Condition],
) -> None:
    distinct = {one.condition_id for one in conditions}
    with job.steps.step(name, total=len(rows) * len(distinct)) as progress:
        sweep(
            job.root,
            setting,
            [_as_problem(row) for row in rows],
            conditions,
            run_id=job.run_id,
            fragile_below=job.fragile_below,
            progress=progress,
        )


def _label(job: Reproduction, pool: Sequence[dict[str, Any]]) -> None:
    """Baseline outcomes of the whole pool under both protocols."""
    for setting in (job.codi, job.report):
        name = f"labels ({setting.protocol.name})"
        _run(job, name, setting, pool, [condition(setting, Steering(None), None)])


def _labels(job: Reproduction, setting: Setting) -> dict[str, bool]:
    """Right or wrong per problem under a setting's baseline; NULL outcomes are left out."""
    baseline = condition(setting, Steering(None), None).condition_id
    table = committed(job.root, "outcomes", ["condition_id", "problem_id", "correct"])
    table = table.filter(pc.equal(table["condition_id"], baseline))
    pairs = zip(table["problem_id"].to_pylist(), table["correct"].to_pylist(), strict=True)
    return {problem: correct for problem, correct in pairs if correct is not None}


def _balanced(
    pool: Sequence[dict[str, Any]], labels: dict[str, bool], count: int, name: str
) -> list[dict[str, Any]]:
    """The first `count` right and `count` wrong problems of a pool in random order."""
    chosen = []
    for label in (True, False):
        found = [row for row in pool if labels.get(row["problem_id"]) is label]
        if len(found) < count:
            word = "right" if label else "wrong"
            raise UserError(
                f"set {name} needs {count} {word} problems and the pool has {len(found)}: "
                "draw a larger pool or ask for a smaller set"
            )
        chosen += found[:count]
    return chosen


def _problem_sets(job: Reproduction, pool: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Disjoint sets: the primary one at random, the others balanced on the model's outcomes.

    The report variant's sets are balanced under its own protocol; a label from another protocol
    is what gave the report a baseline of 33 % on a set that it had balanced at 50 %.
    """
    codi, report = _labels(job, job.codi), _labels(job, job.report)
    sets = {"primary": pool[: job.scale.primary]}
    rest = pool[job.scale.primary :]
    for name, labels, count in (
        ("train", codi, job.scale.train),
        ("balanced", report, job.scale.balanced),
    ):
        sets[name] = _balanced(rest, labels, count, name)
        taken = {row["problem_id"] for row in sets[name]}
        rest = [row for row in rest if row["problem_id"] not in taken]
    # Fitted on the same kind of set as the report's, labelled under the report's own protocol.
    in_reach = [*rest, *sets["train"]]
    sets["report_train"] = _balanced(in_reach, report, job.scale.train, "report_train")
    known = set(committed(job.root, "problem_sets", ["set_name"])["set_name"].to_pylist())
    rows = []
    for name, members in sets.items():
        if name in known:
            continue
        labels = report if name in ("balanced", "report_train") else codi
        by_outcome = name != "primary"
        rows += [
            {
                "set_name": name,
                "problem_id": row["problem_id"],
                "split": "train" if name.endswith("train") else "test",
                "selection": "balanced_on_baseline" if by_outcome else "random",
                "run_id": job.run_id if by_outcome else None,
                "label": labels.get(row["problem_id"]) if by_outcome else None,
            }
            for row in members
        ]
    append(job.root, "problem_sets", rows)
    return sets


def _extract(
    job: Reproduction, setting: Setting, rows: Sequence[dict[str, Any]], sites: Sequence[str]
) -> dict[str, Array]:
    """Activations by site, [n, T, d], stored unless this protocol's are there."""
    with job.steps.step(f"activations ({setting.protocol.name})"):
        found: dict[str, Array] = activations(
            setting.model,
            [row["question"] for row in rows],
            sites=sites,
            protocol=setting.protocol,
        )
        stored = committed(job.root, "activations", ["protocol"])["protocol"].unique().to_pylist()
        if setting.protocol.name in stored:
            return found
        ids = [row["problem_id"] for row in rows]
        for site, values in found.items():
            n, positions, width = values.shape
            offsets = np.arange(n * positions + 1, dtype=np.int32) * width
            vectors = pa.ListArray.from_arrays(offsets, values.astype(np.float32).reshape(-1))
            table = pa.table(
                {
                    "model_id": [setting.model_id] * (n * positions),
                    "protocol": [setting.protocol.name] * (n * positions),
                    "problem_id": [i for i in ids for _ in range(positions)],
                    "site": [site] * (n * positions),
                    "position": np.tile(np.arange(positions, dtype=np.int32), n),
                    "values": vectors,
                }
            )
            append(job.root, "activations", table)
    return found


def _fit(job: Reproduction, sets: dict[str, list[dict[str, Any]]]) -> None:
    """Both candidates and their controls, and the report's direction and its controls."""
    every_layer = [f"residual:{layer}" for layer in range(job.codi.model.n_layer)]
    codi = _extract(job, job.codi, sets["train"], [*every_layer, "latent"])
    report = _extract(job, job.report, sets["report_train"], [job.middle])
    codi_labels, report_labels = (
        np.array([labels[row["problem_id"]] for row in sets[name]])
        for name, labels in (
            ("train", _labels(job, job.codi)),
            ("report_train", _labels(job, job.report)),
        )
    )
    strata = np.array([row["n_steps"] for row in sets["train"]])
    raw = fits.mean_difference(codi["latent"], codi_labels)
    matched = fits.mean_difference_matched(codi["latent"], codi_labels, strata=strata)
    of_report = fits.mean_difference(report[job.middle], report_labels)

    def candidate(name: str, vectors: Array, fitted_at: str, train: str) -> NewDirection:
        fitted = {"set": train, "split": "train", "site": fitted_at}
        fitted["problems_sha256"] = identity.content_id(
            {"ids": sorted(row["problem_id"] for row in sets[train])}
        )
        return NewDirection(
            vectors=vectors,
            name=name,
            kind=name,
            recipe={"fit": name, "fitted_at": fitted_at},
            fitted_on=fitted,
        )

    raw_id, _, report_id = add_directions(
        job.root,
        [
            candidate("mean_difference", raw, "latent", "train"),
            candidate("mean_difference_matched", matched, "latent", "train"),
            candidate("report_mean_difference", of_report, job.middle, "report_train"),
        ],
    )
    _add_controls(job, "random", "random_per_position", raw, raw_id, job.scale.controls, 2)
    _add_controls(
        job,
        "report_random",
        "random_total_norm",
        of_report,
        report_id,
        job.scale.report_controls,
        3,
    )


def _add_controls(
    job: Reproduction,
    prefix: str,
    kind: str,
    like: Array,
    parent_id: str,
    count: int,
    stream: int,
) -> None:
    """Random directions, norm-matched to their parent as `kind` says."""
    draw = {
        "random_per_position": controls.random_per_position,
        "random_total_norm": controls.random_total_norm,
    }[kind]
    digits = 3 if count > 10 else 1
    add_directions(
        job.root,
        [
            NewDirection(
                vectors=draw(like, np.random.default_rng([job.seed, stream, i])),
                name=f"{prefix}_{i:0{digits}d}",
                kind=kind,
                role="control",
                recipe={"control": kind},
                parent_id=parent_id,
                rng_seed=job.seed,
            )
            for i in range(count)
        ],
    )


def _conditions(
    setting: Setting, directions: Sequence[Direction], alphas: Sequence[float]
) -> list[Condition]:
    return [
        condition(
            setting,
            Steering(one.vectors, alpha, site=one.site, key=one.name),
            one.direction_id,
        )
        for one in directions
        for alpha in alphas
    ]


def _sweep_candidates(job: Reproduction, primary: list[dict[str, Any]]) -> None:
    candidates = select_directions(job.root, "mean_difference,mean_difference_matched")
    random = select_directions(job.root, "kind=random_per_position")
    conditions = _conditions(job.codi, candidates, job.scale.alphas)
    _run(job, "candidates", job.codi, primary, conditions)
    conditions = _conditions(job.codi, random, EXTREMES)
    _run(job, "random directions", job.codi, primary, conditions)


def _sweep_report_variant(job: Reproduction, balanced: list[dict[str, Any]]) -> None:
    direction = select_directions(job.root, "report_mean_difference")
    random = select_directions(job.root, "kind=random_total_norm")
    conditions = [
        *_conditions(job.report, direction, job.scale.alphas),
        *_conditions(job.report, random, EXTREMES),
    ]
    _run(job, "the report's own variant", job.report, balanced, conditions)
