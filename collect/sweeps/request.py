"""What `steerstat collect` was asked for, worked out: conditions, units and their cost."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from collect.directions.directions import Direction, select_directions
from collect.engine.interventions import Steering
from collect.engine.protocol import resolve_protocol
from collect.models.checkpoints import load_model
from collect.sweeps import planned, ranges
from collect.sweeps.gates import run_gates
from collect.sweeps.progress import Steps
from collect.sweeps.runs import describe_run, recorded_run
from collect.sweeps.stopping import sweep_until_decided
from collect.sweeps.sweep import Condition, Problem, Setting, condition, done_units, sweep
from sql.errors import UserError
from store.ingestion import ingest
from store.layout import create_store
from store.shards import committed

if TYPE_CHECKING:
    from analysis.plans import Plan

# Measured on sorted, compressed shards with all norms (docs/benchmarks-store.md).
BYTES_PER_OUTCOME = 85
GATED_PROBLEMS = 16


@dataclass(frozen=True, kw_only=True)
class Request:
    """The options of `steerstat collect`, as text where a person wrote text.

    With a plan, `directions` and `alphas` that are None are those of its contrasts and controls.
    """

    store: Path
    problems: str | None = None
    directions: str | None = None
    model: str = "bundled"
    base: str | None = None
    lora_alpha: int = 32
    alphas: str | None = None
    seeds: str = "0"
    site: str | None = None
    schedule: str = "uniform"
    operator: str = "add"
    effect: str = "total"
    protocol: str = "codi"
    max_new_tokens: int = 32
    temperature: float = 0.0
    dtype: str = "float32"
    device: str = "auto"
    memory: str | None = None
    plan: Path | None = None
    stop_when_decided: bool = False


@dataclass(frozen=True)
class Work:
    """A request worked out against its store."""

    root: Path
    setting: Setting
    problems: list[Problem]
    conditions: list[Condition]
    seeds: list[int]
    missing: int
    plan: Plan | None = None

    @property
    def units(self) -> int:
        """All units of the request, done ones among them."""
        return len(self.problems) * len(self.conditions) * len(self.seeds)


def problems_of_set(root: Path, name: str) -> list[Problem]:
    """The problems of a set, sorted by id.

    Raises:
        UserError: the store has no such set.
    """
    members = committed(root, "problem_sets", ["set_name", "problem_id"]).to_pylist()
    wanted = {row["problem_id"] for row in members if row["set_name"] == name}
    if not wanted:
        known = ", ".join(sorted({row["set_name"] for row in members})) or "none"
        raise UserError(
            f"the store has no problem set {name!r}; it has: {known} "
            "(add one with `steerstat problems`)"
        )
    rows = committed(root, "problems", ["problem_id", "question", "answer"]).to_pylist()
    found = {row["problem_id"]: row for row in rows if row["problem_id"] in wanted}
    return [Problem(key, found[key]["question"], found[key]["answer"]) for key in sorted(found)]


def decoding_of(temperature: float) -> dict[str, Any]:
    """Greedy at temperature 0, else sampling.

    Raises:
        UserError: the temperature is negative.
    """
    if temperature < 0:
        raise UserError(f"--temperature {temperature:g} is negative; 0 decodes greedily")
    if temperature == 0:
        return {"mode": "greedy"}
    return {"mode": "sample", "temperature": temperature}


def make_request(store: Path, *, plan: Path | None = None, **given: Any) -> Request:
    """A request from the options that were given; what is None comes from the plan, if at all.

    Raises:
        UserError: the plan is none, or names an option that does not exist.
    """
    options = {key: value for key, value in given.items() if value is not None}
    if plan is not None:
        defaults = {
            field.name: field.default
            for field in dataclasses.fields(Request)
            if field.name not in ("store", "plan", "stop_when_decided")
        }
        options = {**planned.options(plan, defaults), **options}
    return Request(store=store, plan=plan, **options)


def work_out(request: Request) -> Work:
    """Load the model and list the conditions and what of them is missing.

    Raises:
        UserError: an option, the plan, the model, the set or a direction is not usable.
    """
    if request.problems is None:
        raise UserError("which problems? give --problems SET, or a PLAN.toml")
    seeds = ranges.seeds(request.seeds)
    decoding = decoding_of(request.temperature)
    if decoding["mode"] == "greedy" and len(seeds) > 1:
        raise UserError("greedy decoding gives the same answer for every seed: set --temperature")
    plan = planned.checked_plan(request.plan, request.stop_when_decided)
    root = create_store(request.store)
    problems = problems_of_set(root, request.problems)
    if plan is not None:
        planned.check_problems(plan, request.problems, len(problems))
    doses = _doses(root, request, plan)
    model = load_model(
        request.model,
        base=request.base,
        lora_alpha=request.lora_alpha,
        device=request.device,
        dtype=request.dtype,
    )
    protocol = resolve_protocol(request.protocol, model, max_new_tokens=request.max_new_tokens)
    setting = Setting(model, protocol, decoding)
    conditions = _conditions(setting, request, doses)
    done = done_units(root, [one.condition_id for one in conditions])
    asked = {problem.problem_id for problem in problems}
    had = sum(problem in asked and seed in seeds for _, problem, seed in done)
    missing = len(problems) * len(conditions) * len(seeds) - had
    return Work(root, setting, problems, conditions, seeds, missing, plan)


Doses = Sequence[tuple[Direction, Sequence[float]]]


def _doses(root: Path, request: Request, plan: Plan | None) -> Doses:
    """Directions and the doses of each: as given, else as planned."""
    given = ranges.alphas(request.alphas) if request.alphas else None
    if request.directions:
        alphas = given or (plan.alphas if plan else [1.0])
        return [(one, alphas) for one in select_directions(root, request.directions)]
    if plan is None:
        return []
    found = planned.directions(root, plan, request.problems or plan.set, request.protocol)
    return [(one, given or alphas) for one, alphas in found]


def _conditions(setting: Setting, request: Request, doses: Doses) -> list[Condition]:
    """The baseline, and each direction at each of its doses; alpha 0 is the baseline's row."""
    conditions = [condition(setting, Steering(None), None)]
    for direction, alphas in doses:
        for alpha in alphas:
            steering = Steering(
                direction.vectors,
                alpha,
                site=request.site or direction.site,
                schedule=request.schedule,
                operator=request.operator,
                effect=request.effect,
                key=direction.name,
            )
            conditions.append(condition(setting, steering, direction.direction_id))
    return list({one.condition_id: one for one in conditions}.values())


def estimate(work: Work) -> list[str]:
    """What the work will take, from a timed sample; nothing is written."""
    from collect.engine.engine import run

    sample = work.problems[:8]
    steerings = [one.steering for one in work.conditions[:16]]
    started = time.monotonic()
    blocks = run(
        work.setting.model,
        [problem.question for problem in sample],
        [problem.answer for problem in sample],
        steerings,
        protocol=work.setting.protocol,
        decoding=work.setting.decoding,
        seeds=work.seeds[:1],
    )
    measured = sum(len(block.problem) for block in blocks)
    seconds = (time.monotonic() - started) / measured * work.missing
    disk = BYTES_PER_OUTCOME * work.missing
    free = shutil.disk_usage(work.root).free
    return [
        f"{len(work.problems):,} problems x {len(work.conditions):,} conditions x "
        f"{len(work.seeds):,} seeds = {work.units:,} units, {work.missing:,} of them missing",
        f"at most about {_duration(seconds)} on {work.setting.model.device} in "
        f"{work.setting.dtype} (from {measured} units measured now; large batches are faster)",
        f"about {disk / 1e6:,.1f} MB on disk, {free / 1e9:,.0f} GB free",
    ]


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def gate(work: Work) -> dict[str, Any]:
    """The three gates on the first problems and a spread of the conditions."""
    asked = work.problems[:GATED_PROBLEMS]
    spread = np.unique(np.linspace(0, len(work.conditions) - 1, 4).astype(int))
    return run_gates(
        work.setting.model,
        [problem.question for problem in asked],
        [problem.answer for problem in asked],
        [work.conditions[i].steering for i in spread],
        protocol=work.setting.protocol,
    )


def run_request(request: Request, *, dry_run: bool = False) -> Iterator[str]:
    """Do what was asked; yield lines for a person.

    A plan is frozen before the run is recorded: what it names is confirmatory from then on.

    Raises:
        UserError: the request cannot be met.
        KeyboardInterrupt: after everything finished has been committed.
    """
    work = work_out(request)
    if dry_run:
        yield from estimate(work)
        return
    plan_id = planned.freeze(work.root, request.plan) if request.plan else None
    if not work.missing:
        ingest(work.root)
        yield f"nothing to do: all {work.units:,} units are in {work.root}"
        return
    gates = gate(work)
    row = describe_run(
        device=str(work.setting.model.device),
        rng_seed=work.seeds[0],
        gates={work.setting.protocol.name: gates},
        plan_id=plan_id,
    )
    options = {
        "seeds": work.seeds,
        "fragile_below": gates["fragile_below"],
        "memory": ranges.memory_bytes(request.memory) if request.memory else None,
    }
    where = work.root, work.setting, work.problems, work.conditions
    with (
        recorded_run(work.root, row) as run_id,
        Steps() as steps,
        steps.step("collect", total=work.units) as progress,
    ):
        options |= {"run_id": run_id, "progress": progress}
        if request.stop_when_decided and work.plan is not None:
            asked = planned.contrasts(work.plan, str(request.problems), request.protocol)
            computed, stops = sweep_until_decided(
                *where, plan=work.plan, contrasts=asked, **options
            )
        else:
            computed, stops = sweep(*where, **options), []
    report = ingest(work.root)
    yield f"{computed:,} units computed, {report.rows:,} rows ingested into {work.root}"
    if work.plan is not None and plan_id is not None and stops:
        yield from planned.record(work.root, work.plan, plan_id, stops)
        saved = work.missing - computed
        yield f"stopping when decided saved {saved:,} of {work.units:,} units"
