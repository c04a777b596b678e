"""A request worked out against its model: conditions, cost, gates and the sweep itself."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from analysis.vocabulary import ProtocolName
from collect.engine.engine import DEFAULT_MEMORY, Engine, run
from collect.engine.interventions import Steering
from collect.engine.protocol import resolve_protocol
from collect.models.recorded import known_in
from collect.sweeps import cut_off, planned
from collect.sweeps.gates import run_gates
from collect.sweeps.progress import Steps
from collect.sweeps.request import Request, with_protocol
from collect.sweeps.runs import describe_run, recorded_run
from collect.sweeps.stopping import committed_ends, sweep_until_decided
from collect.sweeps.sweep import (
    Condition,
    Setting,
    as_stored,
    condition,
    continued,
    done_units,
    stored_limit,
    sweep,
)
from store.ingestion import ingest

if TYPE_CHECKING:
    from analysis.plans.stopping import Stop

# Measured on sorted, compressed shards with all norms (docs/benchmarks-store.md).
BYTES_PER_OUTCOME = 85
GATED_PROBLEMS = 16


@dataclass(frozen=True)
class Work:
    """A request with its model loaded: the conditions, and how much of them is missing."""

    request: Request
    setting: Setting
    conditions: list[Condition]
    missing: int
    notes: tuple[str, ...] = ()
    """What was taken from the store, for a person."""

    @property
    def units(self) -> int:
        """All units of the request, done ones among them."""
        return len(self.request.problems) * len(self.conditions) * len(self.request.seeds)


def work_out(request: Request) -> Work:
    """Load the model and list the conditions and what of them is missing; nothing is written.

    Raises:
        UserError: the model is damaged, or a direction, site, schedule or protocol does not fit it.
    """
    model = known_in(request.root, request.model.load())
    protocol = resolve_protocol(request.protocol, model, **request.fields)
    notes = []
    if not request.limit_given:
        limit = stored_limit(request.root, Setting(model, protocol, request.decoding))
        if limit is not None and limit != protocol.max_new_tokens:
            protocol = replace(protocol, max_new_tokens=limit)
            notes.append(
                f"answers end after {limit} tokens, as in the conditions of the store (give "
                "--max-new-tokens for another limit, which starts a baseline of its own)"
            )
    request = with_protocol(request, cast(ProtocolName, protocol.name))
    setting = continued(request.root, Setting(model, protocol, request.decoding))
    conditions = _conditions(setting, request)
    _check_fit(setting, request, conditions)
    done = done_units(request.root, [c.condition_id for c in conditions])
    asked = {problem.problem_id for problem in request.problems}
    had = sum(problem in asked and seed in request.seeds for _, problem, seed in done)
    missing = len(request.problems) * len(conditions) * len(request.seeds) - had
    return Work(request, setting, conditions, missing, tuple(notes))


def _check_fit(setting: Setting, request: Request, conditions: Sequence[Condition]) -> None:
    """What only the model can tell is told before a plan is frozen: an engine looks at it all."""
    first = request.problems[0]
    Engine(
        setting.model, [first.question], [first.answer], [c.steering for c in conditions],
        setting.protocol, setting.decoding, request.memory, None, lenient=True,
    )  # fmt: skip


def _conditions(setting: Setting, request: Request) -> list[Condition]:
    """The baseline, and each direction at each of its doses; alpha 0 is the baseline's row."""
    conditions = [condition(setting, Steering(None), None)]
    for direction, alphas in request.doses:
        for alpha in alphas:
            steering = direction.steering(
                alpha,
                site=request.site or direction.site,
                schedule=request.schedule,
                operator=request.operator,
                effect=request.effect,
            )
            conditions.append(
                condition(setting, steering, direction.direction_id, request.alpha_factors)
            )
    return as_stored(request.root, conditions)


def estimate(work: Work) -> list[str]:
    """What the work will take, from a timed sample; nothing is written."""
    request = work.request
    sample = request.problems[:8]
    steerings = [c.steering for c in work.conditions[:16]]
    started = time.monotonic()
    blocks = run(
        work.setting.model,
        [problem.question for problem in sample],
        [problem.answer for problem in sample],
        steerings,
        protocol=work.setting.protocol,
        decoding=work.setting.decoding,
        seeds=request.seeds[:1],
        lenient=True,
    )
    measured = sum(len(block.problem) for block in blocks)
    seconds = (time.monotonic() - started) / measured * work.missing
    disk = BYTES_PER_OUTCOME * work.missing
    free = shutil.disk_usage(request.root).free
    return [
        f"{len(request.problems):,} problems x {len(work.conditions):,} conditions x "
        f"{len(request.seeds):,} seeds = {work.units:,} units, {work.missing:,} of them missing",
        f"at most about {_duration(seconds)} on {work.setting.model.device} in "
        f"{work.setting.dtype} (from {measured} units measured now; large batches are faster)",
        f"about {disk / 1e6:,.1f} MB on disk, {free / 1e9:,.0f} GB free",
    ]


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def gate(work: Work) -> dict[str, Any]:
    """The three gates on the sweep's problems, conditions, decoding and batches."""
    request = work.request
    return run_gates(
        work.setting.model,
        [problem.question for problem in request.problems],
        [problem.answer for problem in request.problems],
        [condition.steering_of(request.problems) for condition in work.conditions],
        protocol=work.setting.protocol,
        decoding=work.setting.decoding,
        seeds=request.seeds,
        memory=request.memory or DEFAULT_MEMORY,
        n_questions=GATED_PROBLEMS,
    )


def run_request(request: Request, *, dry_run: bool = False) -> Iterator[str]:
    """Do what was asked; yield lines for a person.

    A plan is frozen before the run is recorded: what it names is confirmatory from then on.

    Raises:
        UserError: the request and the model do not fit together, or a gate is not passed.
        KeyboardInterrupt: after everything finished has been committed.
    """
    work = work_out(request)
    yield from work.notes
    if dry_run:
        yield from estimate(work)
        return
    root = request.root
    plan_id = planned.freeze(root, request.plan) if request.plan else None
    stops = _ends(work)
    if not work.missing or (request.stop_when_decided and stops is not None):
        ingest(root)
        left = f", {work.missing:,} of {work.units:,} units were not needed" if work.missing else ""
        done = "every contrast of the plan has ended" if left else f"all {work.units:,} units are"
        yield f"nothing to do: {done}{left or f' in {root}'}"
        yield from _recorded(request, plan_id, stops or [])
        return
    gates = gate(work)
    yield from cut_off.sampled(work.setting, request.problems, request.seeds[0])
    computed = _swept(work, gates, plan_id)
    report = ingest(root)
    yield f"{computed:,} units computed, {report.rows:,} rows ingested into {root}"
    yield from cut_off.counted(root, work.setting, work.conditions)
    yield from _recorded(request, plan_id, _ends(work) or [])
    if request.stop_when_decided:
        saved = work.missing - computed
        yield f"stopping when decided saved {saved:,} of {work.units:,} units"


def _ends(work: Work) -> list[Stop] | None:
    """Where the contrasts of a sequential plan ended, as the store has it; None before that."""
    request = work.request
    if request.plan is None or not request.contrasts:
        return None
    plan = request.plan.plan
    return committed_ends(
        request.root,
        request.problems,
        work.conditions,
        # What is run to its end whatever comes of it is looked at there, and there alone.
        plan=plan if request.stop_when_decided else plan.looked_at_once(),
        contrasts=request.contrasts,
        seed=request.seeds[0],
    )


def _recorded(request: Request, plan_id: str | None, stops: Sequence[Stop]) -> Iterator[str]:
    """Store where contrasts ended, and say so."""
    if request.plan is not None and plan_id is not None and stops:
        yield from planned.record(request.root, request.plan.plan, plan_id, stops)


def _swept(work: Work, gates: Mapping[str, Any], plan_id: str | None) -> int:
    """Record a run and sweep; the units computed."""
    request = work.request
    row = describe_run(
        device=str(work.setting.model.device),
        rng_seed=request.seeds[0],
        gates={work.setting.protocol.name: gates},
        plan_id=plan_id,
    )
    where = request.root, work.setting, request.problems, work.conditions
    with (
        recorded_run(request.root, row) as run_id,
        Steps() as steps,
        steps.step("collect", total=work.units) as progress,
    ):
        options: dict[str, Any] = {
            "run_id": run_id,
            "seeds": request.seeds,
            "fragile_below": gates["fragile_below"],
            "memory": request.memory,
            "progress": progress,
        }
        if request.plan is None or not request.stop_when_decided:
            return sweep(*where, **options)
        return sweep_until_decided(
            *where, plan=request.plan.plan, contrasts=request.contrasts, **options
        )
