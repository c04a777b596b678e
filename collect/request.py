"""What `steerstat collect` was asked for, worked out: conditions, units and their cost."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from collect import ranges
from collect.checkpoints import load_model
from collect.directions import select_directions
from collect.gates import run_gates
from collect.interventions import Steering
from collect.progress import Steps
from collect.protocol import resolve_protocol
from collect.runs import describe_run, recorded_run
from collect.sweep import Condition, Problem, Setting, condition, done_units, sweep
from sql.errors import UserError
from store.ingest import ingest
from store.layout import create_store
from store.shards import committed

# Measured on sorted, compressed shards with all norms (docs/benchmarks-store.md).
BYTES_PER_OUTCOME = 85
GATED_PROBLEMS = 16


@dataclass(frozen=True, kw_only=True)
class Request:
    """The options of `steerstat collect`, as text where a person wrote text."""

    store: Path
    problems: str
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
    plan_id: str | None = None


@dataclass(frozen=True)
class Work:
    """A request worked out against its store."""

    root: Path
    setting: Setting
    problems: list[Problem]
    conditions: list[Condition]
    seeds: list[int]
    missing: int

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


def work_out(request: Request) -> Work:
    """Load the model and list the conditions and what of them is missing.

    Raises:
        UserError: an option, the model, the set or a direction is not usable.
    """
    seeds = ranges.seeds(request.seeds)
    alphas = ranges.alphas(request.alphas) if request.alphas else [1.0]
    decoding = decoding_of(request.temperature)
    if decoding["mode"] == "greedy" and len(seeds) > 1:
        raise UserError("greedy decoding gives the same answer for every seed: set --temperature")
    root = create_store(request.store)
    problems = problems_of_set(root, request.problems)
    model = load_model(
        request.model,
        base=request.base,
        lora_alpha=request.lora_alpha,
        device=request.device,
        dtype=request.dtype,
    )
    protocol = resolve_protocol(request.protocol, model, max_new_tokens=request.max_new_tokens)
    setting = Setting(model, protocol, decoding)
    conditions = [condition(setting, Steering(None), None)]
    if request.directions:
        for direction in select_directions(root, request.directions):
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
    conditions = list({one.condition_id: one for one in conditions}.values())
    done = done_units(root, [one.condition_id for one in conditions])
    asked = {problem.problem_id for problem in problems}
    had = sum(problem in asked and seed in seeds for _, problem, seed in done)
    missing = len(problems) * len(conditions) * len(seeds) - had
    return Work(root, setting, problems, conditions, seeds, missing)


def estimate(work: Work) -> list[str]:
    """What the work will take, from a timed sample; nothing is written."""
    from collect.engine import run

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

    Raises:
        UserError: the request cannot be met.
        KeyboardInterrupt: after everything finished has been committed.
    """
    work = work_out(request)
    if dry_run:
        yield from estimate(work)
        return
    if not work.missing:
        ingest(work.root)
        yield f"nothing to do: all {work.units:,} units are in {work.root}"
        return
    gates = gate(work)
    row = describe_run(
        device=str(work.setting.model.device),
        rng_seed=work.seeds[0],
        gates={work.setting.protocol.name: gates},
        plan_id=request.plan_id,
    )
    with (
        recorded_run(work.root, row) as run_id,
        Steps() as steps,
        steps.step("collect", total=work.units) as progress,
    ):
        computed = sweep(
            work.root,
            work.setting,
            work.problems,
            work.conditions,
            run_id=run_id,
            seeds=work.seeds,
            fragile_below=gates["fragile_below"],
            memory=ranges.memory_bytes(request.memory) if request.memory else None,
            progress=progress,
        )
    report = ingest(work.root)
    yield f"{computed:,} units computed, {report.rows:,} rows ingested into {work.root}"
