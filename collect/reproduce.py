"""The report's whole protocol on one model, from problems to committed outcomes.

Each step looks at what the store already holds and adds the rest, so that an interrupted run is
continued by starting it again; what is drawn depends on the seed and on committed outcomes alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from collect.checkpoints import load_model
from collect.directions import Direction, select_directions
from collect.extraction import extract
from collect.fitting import FitRequest, draw_controls, fit_direction
from collect.gates import run_gates
from collect.interventions import Steering
from collect.model import Model
from collect.problem_sets import draw_balanced, draw_random, members
from collect.problems import add_problems, generated
from collect.progress import Steps
from collect.protocol import resolve_protocol
from collect.runs import describe_run, recorded_run
from collect.sweep import GREEDY, Condition, Problem, Setting, condition, record_model, sweep
from sql.errors import UserError
from store.ingest import ingest
from store.layout import create_store
from store.shards import committed

ALPHAS = tuple(a / 2 for a in range(-6, 7))
EXTREMES = (-3.0, 3.0)
# Answers of the bundled model are at most a colon, two digits and end-of-text.
MAX_NEW_TOKENS = 6
GATED_PROBLEMS = 24


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
        """The report's layer: the middle block's output, which is hidden_states[n_layer / 2]."""
        return f"residual:{self.codi.model.n_layer // 2 - 1}"


def reproduce(out: Path, *, model: str = "bundled", seed: int = 0, steps: Steps) -> Path:
    """Load a model and run the protocol; return the store.

    Raises:
        UserError: the model cannot be loaded, or as `run_protocol`.
    """
    root = create_store(out)
    with steps.step("model"):
        loaded = load_model(model)
    return run_protocol(root, loaded, seed=seed, steps=steps)


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
    add_problems(root, generated(scale.pool, mix=scale.mix, seed=seed).rows)
    pool = _asked(root, None)
    gates = _gates(codi, report, pool, steps)
    row = describe_run(device=str(model.device), rng_seed=seed, gates=gates)
    with recorded_run(root, row) as run_id:
        fragile_below = max(gate["fragile_below"] for gate in gates.values())
        job = Reproduction(root, codi, report, scale, seed, run_id, fragile_below, steps)
        record_model(root, codi)
        for setting in (codi, report):
            name = f"labels ({setting.protocol.name})"
            _run(job, name, setting, pool, [condition(setting, Steering(None), None)])
        _draw_sets(job)
        _fit(job)
        _sweep_candidates(job)
        _sweep_report_variant(job)
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


def _asked(root: Path, set_name: str | None) -> list[Problem]:
    """The problems of a set, or all of the store, sorted by id."""
    rows = committed(root, "problems", ["problem_id", "question", "answer"]).to_pylist()
    wanted = None if set_name is None else members(root, set_name)
    found = {
        row["problem_id"]: Problem(row["problem_id"], row["question"], row["answer"])
        for row in rows
        if wanted is None or row["problem_id"] in wanted
    }
    return [found[problem_id] for problem_id in sorted(found)]


def _gates(
    codi: Setting, report: Setting, pool: Sequence[Problem], steps: Steps
) -> dict[str, Mapping[str, Any]]:
    """Run the gates under both protocols, before any outcome is written."""
    asked = pool[:GATED_PROBLEMS]
    shape = (codi.model.n_latent, codi.model.d_model)
    probe = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    with steps.step("gates"):
        return {
            setting.protocol.name: run_gates(
                setting.model,
                [problem.question for problem in asked],
                [problem.answer for problem in asked],
                [Steering(None), Steering(probe, 1.0), Steering(probe, -1.0)],
                protocol=setting.protocol,
            )
            for setting in (codi, report)
        }


def _run(
    job: Reproduction,
    name: str,
    setting: Setting,
    problems: Sequence[Problem],
    conditions: Sequence[Condition],
) -> None:
    distinct = {one.condition_id for one in conditions}
    with job.steps.step(name, total=len(problems) * len(distinct)) as progress:
        sweep(
            job.root,
            setting,
            problems,
            conditions,
            run_id=job.run_id,
            fragile_below=job.fragile_below,
            progress=progress,
        )


def _draw_sets(job: Reproduction) -> None:
    """Disjoint test sets: the primary one at random, the other balanced on the model's outcomes.

    The report variant's sets are balanced under its own protocol; labels from another protocol
    are what gave the report a baseline of 33 % on a set that it had balanced at 50 %. Its
    training set may share problems with the other training set, never with a test set.
    """
    if not members(job.root, "primary"):
        draw_random(job.root, "primary", job.scale.primary, seed=job.seed)
    for name, count, split, protocol, without in (
        ("train", job.scale.train, "train", "codi", ("primary",)),
        ("balanced", job.scale.balanced, "test", "report", ("primary", "train")),
        ("report_train", job.scale.train, "train", "report", ("primary", "balanced")),
    ):
        if not members(job.root, name):
            draw_balanced(
                job.root,
                name,
                count,
                split=split,
                without=without,
                seed=job.seed,
                protocol=protocol,
            )


def _fit(job: Reproduction) -> None:
    """Both candidates and their controls, and the report's direction and its controls."""
    every_site = [*(f"residual:{layer}" for layer in range(job.codi.model.n_layer)), "latent"]
    for setting, name, sites in (
        (job.codi, "train", every_site),
        (job.report, "report_train", [job.middle]),
    ):
        protocol = setting.protocol.name
        asked = [(one.problem_id, one.question) for one in _asked(job.root, name)]
        with job.steps.step(f"activations ({protocol})"):
            extract(job.root, setting.model, asked, sites=sites, protocol=protocol)
    requests = {
        "mean_difference": FitRequest(fit="mean_difference", set_name="train"),
        "mean_difference_matched": FitRequest(
            fit="mean_difference_matched", set_name="train", strata="n_steps"
        ),
        # As the report did: fitted on a middle layer, added to the final hidden state.
        "report_mean_difference": FitRequest(
            fit="mean_difference",
            set_name="report_train",
            fitted_at=job.middle,
            protocol="report",
        ),
    }
    for name, request in requests.items():
        fit_direction(job.root, request, name=name)
    draw_controls(
        job.root,
        "random_per_position",
        like="mean_difference",
        count=job.scale.controls,
        prefix="random",
        seed=job.seed,
    )
    draw_controls(
        job.root,
        "random_total_norm",
        like="report_mean_difference",
        count=job.scale.report_controls,
        prefix="report_random",
        seed=job.seed,
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


def _sweep_candidates(job: Reproduction) -> None:
    primary = _asked(job.root, "primary")
    candidates = select_directions(job.root, "mean_difference,mean_difference_matched")
    conditions = _conditions(job.codi, candidates, job.scale.alphas)
    _run(job, "candidates", job.codi, primary, conditions)
    random = select_directions(job.root, "kind=random_per_position")
    conditions = _conditions(job.codi, random, EXTREMES)
    _run(job, "random directions", job.codi, primary, conditions)


def _sweep_report_variant(job: Reproduction) -> None:
    direction = select_directions(job.root, "report_mean_difference")
    random = select_directions(job.root, "kind=random_total_norm")
    conditions = [
        *_conditions(job.report, direction, job.scale.alphas),
        *_conditions(job.report, random, EXTREMES),
    ]
    _run(job, "the report's own variant", job.report, _asked(job.root, "balanced"), conditions)
