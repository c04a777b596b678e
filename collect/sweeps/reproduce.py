"""The report's whole protocol on one model, from problems to committed outcomes.

Each step looks at what the store already holds and adds the rest, so that an interrupted run is
continued by starting it again; what is drawn depends on the seed and on committed outcomes alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from collect.directions.directions import Direction
from collect.directions.extraction import extract
from collect.directions.fitting import FitRequest, draw_controls, fit_direction
from collect.directions.selection import select_directions
from collect.engine.interventions import Steering
from collect.engine.protocol import reading_name
from collect.models.choice import ModelChoice, choose_model
from collect.models.recorded import known_in, record_model
from collect.problems.problem_sets import members
from collect.problems.problems import add_problems
from collect.problems.report_split import PublishedData, read_published
from collect.sweeps import designs
from collect.sweeps.designs import Branch, Design
from collect.sweeps.gates import run_gates
from collect.sweeps.progress import Steps
from collect.sweeps.ranges import memory_bytes
from collect.sweeps.runs import describe_run, recorded_run
from collect.sweeps.sweep import (
    Condition,
    Problem,
    Setting,
    condition,
    continued,
    sweep,
)
from sql.errors import UserError
from store.ingestion import ingest
from store.layout import checked_place, create_store
from store.shards import committed


@dataclass(frozen=True)
class Reproduction:
    """One reproduction under way."""

    root: Path
    design: Design
    seed: int
    run_id: str
    fragile_below: float
    steps: Steps
    memory: int | None


@dataclass(frozen=True, kw_only=True)
class Request:
    """A reproduction that can be begun: all of it is checked, nothing is loaded or written.

    Attributes:
        out: where the store is or will be.
        model: the model, not loaded yet.
        published: the report's own problems and split, where they were given.
        seed: of everything that is drawn.
        memory: bytes that the engine may use; None lets it decide.
    """

    out: Path
    model: ModelChoice
    published: PublishedData | None
    seed: int
    memory: int | None = None


def make_request(
    out: Path,
    *,
    model: str | None = None,
    base: str | None = None,
    problems: Path | None = None,
    split: Path | None = None,
    seed: int = 0,
    lora_alpha: float | None = None,
    pad_id: int | None = None,
    bot_id: int | None = None,
    eot_id: int | None = None,
    device: str | None = None,
    dtype: str | None = None,
    memory: str | None = None,
) -> Request:
    """The request that options make.

    Raises:
        UserError: an option is not usable, or the folder holds something else.
    """
    if (problems is None) != (split is None):
        given, other = ("--problems", "--split") if split is None else ("--split", "--problems")
        raise UserError(f"{given} needs {other} beside it: the report's experiment takes both")
    return Request(
        out=checked_place(out),
        model=choose_model(
            model,
            base=base,
            lora_alpha=lora_alpha,
            pad_id=pad_id,
            bot_id=bot_id,
            eot_id=eot_id,
            device=device,
            dtype=dtype,
        ),
        memory=None if memory is None else memory_bytes(memory),
        published=read_published(problems, split) if problems and split else None,
        seed=seed,
    )


def reproduce(request: Request, *, steps: Steps) -> Path:
    """Load a model, run the protocol that suits it, and return the store.

    With the report's problems and split, its own experiment runs; a model without thoughts is
    steered in its chat format; any other model runs the demo on generated problems.

    Raises:
        UserError: the model is not usable, or as `run_design`.
    """
    with steps.step("model"):
        model = request.model.load()
    if request.published is not None:
        design = designs.published(model, request.published, seed=request.seed)
    elif model.family == "plain":
        design = designs.plain(model, seed=request.seed)
    else:
        design = designs.demo(model, seed=request.seed)
    return run_design(request.out, design, seed=request.seed, steps=steps, memory=request.memory)


def run_design(
    out: Path, design: Design, *, seed: int, steps: Steps, memory: int | None = None
) -> Path:
    """Run a design into a store and return the store.

    Raises:
        UserError: the folder holds something else or another experiment, or the model gets too
            few problems right or wrong to balance a set.
    """
    root = create_store(out)
    design = _known_in(root, design)
    _refuse_other_experiment(root, design)
    branches = [replace(one, setting=continued(root, one.setting)) for one in design.branches]
    design = replace(design, branches=branches)
    add_problems(root, design.problems)
    design.given(root)
    pool = _asked(root, [])
    gates = _gates(design, pool, steps)
    setting = design.branches[0].setting
    row = describe_run(device=str(setting.model.device), rng_seed=seed, gates=gates)
    with recorded_run(root, row) as run_id:
        fragile_below = max(gate["fragile_below"] for gate in gates.values())
        job = Reproduction(root, design, seed, run_id, fragile_below, steps, memory)
        record_model(root, setting.model)
        baselines = {}
        for branch in design.branches:
            protocol = branch.setting.protocol.name
            baseline = condition(branch.setting, Steering(None), None)
            baselines[protocol] = baseline.condition_id
            _run(job, f"labels ({protocol})", branch.setting, pool, [baseline])
        design.draw(root, baselines)
        for branch in design.branches:
            _fit(job, branch)
        for branch in design.branches:
            _sweep(job, branch)
    with steps.step("ingest"):
        ingest(root)
    return root


def _known_in(root: Path, design: Design) -> Design:
    """The design with its model under the id that the store knows it by."""
    model = known_in(root, design.branches[0].setting.model)
    branches = [
        replace(branch, setting=replace(branch.setting, model=model)) for branch in design.branches
    ]
    return replace(design, branches=branches)


def _refuse_other_experiment(root: Path, design: Design) -> None:
    """Another model, or problems of another seed or source, would be mixed with these."""
    model_id = design.branches[0].setting.model_id
    models = committed(root, "models", ["model_id", "name"]).to_pylist()
    others = [row["name"] for row in models if row["model_id"] != model_id]
    if others:
        raise UserError(
            f"{root} holds a run of another model ({others[0]}); choose another --out folder"
        )
    ours = {row["problem_id"] for row in design.problems}
    there = committed(root, "problems", ["problem_id", "source"]).to_pylist()
    foreign = [row["source"] for row in there if row["problem_id"] not in ours]
    if foreign:
        raise UserError(
            f"{root} holds other problems ({foreign[0]}); choose another --out folder, or the "
            "--seed and options that it was made with"
        )


def _asked(root: Path, set_names: Sequence[str]) -> list[Problem]:
    """The problems of some sets, or all of the store, sorted by id."""
    wanted = {problem for name in set_names for problem in members(root, name)}
    where = {"problem_id": wanted} if set_names else None
    rows = committed(root, "problems", ["problem_id", "question", "answer"], where).to_pylist()
    by_id = {
        row["problem_id"]: Problem(row["problem_id"], row["question"], row["answer"])
        for row in rows
    }
    return [by_id[problem_id] for problem_id in sorted(by_id)]


def _gates(design: Design, pool: Sequence[Problem], steps: Steps) -> dict[str, Mapping[str, Any]]:
    """Run the gates under every protocol, before any outcome is written."""
    gates: dict[str, Mapping[str, Any]] = {}
    with steps.step("gates"):
        for branch in design.branches:
            setting = branch.setting
            shape = (setting.protocol.n_positions, setting.model.d_model)
            probe = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
            gates[setting.protocol.name] = run_gates(
                setting.model,
                [problem.question for problem in pool],
                [problem.answer for problem in pool],
                [Steering(None), *(Steering(probe, sign, branch.site) for sign in (1.0, -1.0))],
                protocol=setting.protocol,
                decoding=setting.decoding,
                n_questions=design.gated,
            )
    return gates


def _run(
    job: Reproduction,
    name: str,
    setting: Setting,
    problems: Sequence[Problem],
    conditions: Sequence[Condition],
) -> None:
    distinct = {condition.condition_id for condition in conditions}
    with job.steps.step(name, total=len(problems) * len(distinct)) as progress:
        sweep(
            job.root,
            setting,
            problems,
            conditions,
            run_id=job.run_id,
            fragile_below=job.fragile_below,
            memory=job.memory,
            progress=progress,
        )


def _fit(job: Reproduction, branch: Branch) -> None:
    """The branch's candidates, each with controls of its own."""
    protocol = branch.setting.protocol.name
    asked = [(problem.problem_id, problem.question) for problem in _asked(job.root, [branch.train])]
    with job.steps.step(f"activations ({protocol})"):
        extract(
            job.root,
            branch.setting.model,
            asked,
            sites=branch.read_at,
            protocol=branch.setting.protocol,
        )
    read_as = reading_name(branch.setting.protocol, branch.setting.model)
    for name, fit in branch.fits.items():
        request = FitRequest(
            fit=fit.fit,
            set_name=branch.train,
            site=branch.site,
            fitted_at=fit.fitted_at,
            protocol=read_as,
            model=branch.setting.model_id,
            strata=fit.strata,
        )
        fit_direction(job.root, request, name=name)
        draw_controls(
            job.root,
            branch.control,
            like=name,
            count=branch.controls,
            prefix=f"random_{name}",
            seed=job.seed,
        )


def _sweep(job: Reproduction, branch: Branch) -> None:
    """The candidates at every dose, and their controls at the two extreme ones."""
    problems, alphas = _asked(job.root, branch.tests), job.design.alphas
    candidates = select_directions(job.root, ",".join(branch.fits))
    controls = select_directions(job.root, f"kind={branch.control}")
    for name, directions, doses in (
        (branch.title, candidates, alphas),
        (f"{branch.title}: random", controls, (min(alphas), max(alphas))),
    ):
        _run(job, name, branch.setting, problems, _conditions(branch.setting, directions, doses))


def _conditions(
    setting: Setting, directions: Sequence[Direction], alphas: Sequence[float]
) -> list[Condition]:
    return [
        condition(
            setting,
            direction.steering(alpha),
            direction.direction_id,
        )
        for direction in directions
        for alpha in alphas
    ]
