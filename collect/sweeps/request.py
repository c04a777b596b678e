"""What `steerstat collect` is asked for: all of it checked before anything is loaded or written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np

from analysis.vocabulary import Effect, Operator, ProtocolName, checked
from collect.directions.directions import Direction
from collect.directions.selection import select_directions
from collect.engine.engine import DEFAULT_MEMORY
from collect.engine.interventions import checked_schedule, listed_weights, schedule_weights
from collect.engine.protocol import PROTOCOLS, ProtocolChanges, checked_changes
from collect.models.choice import ModelChoice, choose_model
from collect.problems.problem_sets import parser_of_set, set_problems
from collect.sweeps import planned, ranges
from collect.sweeps.adaptive import Adaptive, AlphaFactors, adaptive, alpha_factors
from collect.sweeps.planned import PlanFile
from collect.sweeps.sweep import Problem
from sql.errors import UserError
from store.layout import open_store
from store.names import checked_sites

if TYPE_CHECKING:
    from analysis.plans.schema import Contrast


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options as a person writes them, on the command line or in a plan's `[collect]`.

    With a plan, `directions` and `alphas` that are None are those of its contrasts and controls.
    """

    problems: str | None = None
    directions: str | None = None
    model: str = "bundled"
    base: str | None = None
    lora_alpha: int = 32
    pad_id: int | None = None
    bot_id: int | None = None
    eot_id: int | None = None
    alphas: str | None = None
    seeds: str = "0"
    site: str | None = None
    schedule: str = "uniform"
    operator: Operator = "add"
    effect: Effect = "total"
    protocol: ProtocolName | None = None
    max_new_tokens: int = 32
    fields: ProtocolChanges = field(default_factory=ProtocolChanges)
    alpha_factors: str | None = None
    temperature: float = 0.0
    dtype: str = "float32"
    device: str = "auto"
    memory: str | None = None


class Given(TypedDict, total=False):
    """Fields of `Options` as a command gives them; None is one that was not given."""

    problems: str | None
    directions: str | None
    model: str | None
    base: str | None
    lora_alpha: float | None
    pad_id: int | None
    bot_id: int | None
    eot_id: int | None
    alphas: str | None
    seeds: str | None
    site: str | None
    schedule: str | None
    operator: str | None
    effect: str | None
    protocol: str | None
    max_new_tokens: int | None
    fields: Mapping[str, Any]
    alpha_factors: str | None
    temperature: float | None
    dtype: str | None
    device: str | None
    memory: str | None


@dataclass(frozen=True, kw_only=True)
class Request:
    """A sweep that can be met, as far as that is known without the model.

    Attributes:
        root: the store.
        model: the model, not loaded yet.
        set_name: the problem set.
        problems: its problems, sorted by id.
        doses: directions of the store, each with its doses.
        site: where directions are added; None adds each at its own site.
        schedule, operator, effect: of every steering.
        protocol: name of the protocol; None is the model's own.
        fields: what of it is otherwise, the longest answer among it.
        limit_given: whether the longest answer was given; else it is as the store has it.
        alpha_factors: factors on alpha by problem, where the dose depends on it.
        decoding: greedy, or sampling with its temperature.
        seeds: of sampling.
        memory: bytes that the engine may use.
        plan: the plan, where there is one.
        contrasts: those of a sequential plan that this sweep is about.
        stop_when_decided: whether they end the sweep of a condition, or all units are run.
        planned_doses: whether the directions are those of the plan.
        doses_given: whether the doses were given, whatever the plan says.
    """

    root: Path
    model: ModelChoice
    set_name: str
    problems: tuple[Problem, ...]
    doses: tuple[tuple[Direction, tuple[float, ...]], ...]
    site: str | None
    schedule: str
    operator: Operator
    effect: Effect
    protocol: ProtocolName | None
    fields: ProtocolChanges
    alpha_factors: Adaptive | None
    decoding: Mapping[str, str | float]
    seeds: tuple[int, ...]
    memory: int
    plan: PlanFile | None
    contrasts: tuple[Contrast, ...]
    stop_when_decided: bool = False
    planned_doses: bool = False
    doses_given: bool = False
    limit_given: bool = True


def make_request(
    store: Path,
    *,
    plan: Path | None = None,
    stop_when_decided: bool = False,
    **given: Unpack[Given],
) -> Request:
    """A request from the options that were given; what is None comes from the plan, if at all.

    The store is read, never written, and no model is loaded.

    Args:
        store: the store.
        plan: a plan file.
        stop_when_decided: end a condition when the plan's question is answered.
        given: fields of `Options`; None is one that was not given.

    Raises:
        UserError: an option, the plan, the set or a direction is not usable.
    """
    plan_file = None if plan is None else planned.read(plan)
    planned.check_stopping(plan_file, stop_when_decided)
    options = _options(plan_file, given)
    if options.problems is None:
        raise UserError("which problems? give --problems SET, or a PLAN.toml")
    memory = DEFAULT_MEMORY if options.memory is None else ranges.memory_bytes(options.memory)
    alphas = ranges.alphas(options.alphas) if options.alphas is not None else None
    fields: dict[str, Any] = {**options.fields, "max_new_tokens": options.max_new_tokens}
    parsed = {
        "model": _model(options),
        "site": None if options.site is None else ",".join(checked_sites(options.site)),
        "schedule": checked_schedule(options.schedule),
        "operator": checked(options.operator, Operator, "operator"),
        "effect": checked(options.effect, Effect, "effect"),
        "protocol": _named(options.protocol),
        "fields": checked_changes(**fields),
        **_decoding_and_seeds(options),
    }
    rule = None if options.alpha_factors is None else alpha_factors(options.alpha_factors)
    root = open_store(store)
    problems = tuple(problems_of_set(root, options.problems))
    if "parser" not in parsed["fields"]:
        parsed["fields"]["parser"] = parser_of_set(root, options.problems)
    ids = [problem.problem_id for problem in problems]
    parsed["alpha_factors"] = None if rule is None else adaptive(root, rule, ids)
    contrasts: Sequence[Contrast] = ()
    if plan_file is not None:
        planned.check_problems(plan_file.plan, options.problems, len(problems))
        if plan_file.plan.sequential:
            find = planned.contrasts if stop_when_decided else planned.contrasts_about
            contrasts = find(plan_file.plan, options.problems, options.protocol)
    doses = _doses(root, options, plan_file, alphas)
    if rule is not None and not doses:
        raise UserError("--alpha-factors are factors on the doses of directions: give --directions")
    _check_schedule(options, doses)
    if plan_file is not None:
        _check_planned_doses(options, doses, rule)
    if stop_when_decided:
        swept = {one.name for one, _ in doses}
        planned.check_stoppable(contrasts, swept, parsed["seeds"])
    return Request(
        root=root,
        set_name=options.problems,
        problems=problems,
        doses=doses,
        memory=memory,
        plan=plan_file,
        contrasts=tuple(contrasts),
        stop_when_decided=stop_when_decided,
        planned_doses=plan_file is not None and options.directions is None,
        doses_given=alphas is not None,
        limit_given=given.get("max_new_tokens") is not None
        or (plan_file is not None and "max_new_tokens" in plan_file.plan.collect),
        **parsed,
    )


def with_protocol(request: Request, protocol: ProtocolName) -> Request:
    """The request under the protocol that the model turned out to have.

    A plan's contrasts under other protocols, and the directions that only they are about, fall out.

    Raises:
        UserError: no contrast of the plan is under that protocol.
    """
    if request.protocol is not None or request.plan is None:
        return dataclasses.replace(request, protocol=protocol)
    plan = request.plan.plan
    find = planned.contrasts if request.stop_when_decided else planned.contrasts_about
    about = find(plan, request.set_name, protocol) if plan.sequential else ()
    doses = request.doses
    if request.planned_doses:
        named = planned.directions(request.root, plan, request.set_name, protocol)
        kept = {one.direction_id: alphas for one, alphas in named}
        # Doses of the command line stand for those of the plan.
        doses = tuple(
            (one, alphas if request.doses_given else tuple(kept[one.direction_id]))
            for one, alphas in doses
            if one.direction_id in kept
        )
    return dataclasses.replace(request, protocol=protocol, contrasts=tuple(about), doses=doses)


def _options(plan_file: PlanFile | None, given: Mapping[str, Any]) -> Options:
    said = {key: value for key, value in given.items() if value is not None}
    if plan_file is None:
        return Options(**said)
    defaults = {f.name: f.default for f in dataclasses.fields(Options) if f.name != "fields"}
    plan = planned.options(plan_file, defaults)
    fields = {**plan.pop("fields"), **said.pop("fields", {})}
    return Options(**{**plan, **said, "fields": fields})


def _named(protocol: str | None) -> ProtocolName | None:
    return None if protocol is None else checked(protocol, ProtocolName, "protocol")  # type: ignore[arg-type]


def _model(options: Options) -> ModelChoice:
    return choose_model(
        options.model,
        base=options.base,
        lora_alpha=options.lora_alpha,
        pad_id=options.pad_id,
        bot_id=options.bot_id,
        eot_id=options.eot_id,
        device=options.device,
        dtype=options.dtype,
    )


def _check_schedule(options: Options, doses: Sequence[tuple[Direction, tuple[float, ...]]]) -> None:
    """Refuse a schedule of no direction, or beyond positions that are known without the model."""
    if not doses and options.schedule != Options.schedule:
        raise UserError(f"--schedule {options.schedule} weights directions: give --directions")
    if options.protocol is not None and PROTOCOLS[options.protocol].bot == "none":
        return  # as many positions as the answer has tokens
    thoughts = options.fields.get("n_latent")
    for direction, _ in doses:
        n_sites = len((options.site or direction.site).split(","))
        n_vectors = len(direction.vectors)
        several = n_vectors > n_sites and n_vectors % n_sites == 0
        positions = thoughts or (n_vectors // n_sites if several else None)
        if positions:
            schedule_weights(options.schedule, np.ones(positions, dtype=np.float32))


def _check_planned_doses(
    options: Options,
    doses: Sequence[tuple[Direction, tuple[float, ...]]],
    rule: AlphaFactors | None,
) -> None:
    """Refuse a plan whose doses are others in the conditions: its contrasts would not be found.

    Equal steerings are one condition, so that some spellings of a dose are not what is stored.
    """
    if options.operator == "project_out" and any(set(alphas) != {1.0} for _, alphas in doses):
        raise UserError(
            "project_out has no dose, and its conditions have alpha 1: plan alphas = [1]"
        )
    sizes = {weight for weight in listed_weights(options.schedule) if weight}
    factor = sizes.pop() if len(sizes) == 1 else 1.0
    if options.operator == "project_out":
        return
    if factor != 1:
        raise UserError(
            f"schedule {options.schedule} has the one weight {factor:g}: plan the doses times "
            f"{factor:g}, and write 1 for it in the schedule"
        )
    if rule is not None and rule.common not in (None, 1.0):
        raise UserError(
            f"--alpha-factors gives all strata the factor {rule.common:g}: plan the doses times it"
        )


def problems_of_set(root: Path, name: str) -> list[Problem]:
    """The problems of a set, sorted by id. Raises UserError where the store has no such set."""
    return [
        Problem(row["problem_id"], row["question"], row["answer"])
        for row in set_problems(root, name)
    ]


def decoding_of(temperature: float) -> dict[str, str | float]:
    """Greedy at temperature 0, else sampling.

    Raises:
        UserError: the temperature is negative or no number.
    """
    if not 0 <= temperature < float("inf"):
        raise UserError(f"--temperature {temperature:g} should be 0 (greedy) or a number above it")
    if temperature == 0:
        return {"mode": "greedy"}
    return {"mode": "sample", "temperature": float(temperature)}


def _decoding_and_seeds(options: Options) -> dict[str, Any]:
    decoding, seeds = decoding_of(options.temperature), tuple(ranges.seeds(options.seeds))
    if decoding["mode"] == "greedy" and len(seeds) > 1:
        raise UserError("greedy decoding gives the same answer for every seed: set --temperature")
    return {"decoding": decoding, "seeds": seeds}


def _doses(
    root: Path, options: Options, plan_file: PlanFile | None, alphas: Sequence[float] | None
) -> tuple[tuple[Direction, tuple[float, ...]], ...]:
    """Directions and the doses of each: as given, else as planned."""
    plan = None if plan_file is None else plan_file.plan
    if options.directions is not None:
        shared = tuple(alphas or (plan.alphas if plan else [1.0]))
        return tuple(
            (direction, shared) for direction in select_directions(root, options.directions)
        )
    if plan is None:
        return ()
    chosen = planned.directions(root, plan, str(options.problems), options.protocol)
    return tuple((direction, tuple(alphas or doses)) for direction, doses in chosen)
