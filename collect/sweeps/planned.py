"""What a plan says about a sweep: its options, its directions with their doses, its freezing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collect.directions.directions import Direction
from collect.directions.selection import select_directions
from collect.engine.fields import FIELDS
from sql.errors import UserError
from store import shards
from store.ingestion import ingest

if TYPE_CHECKING:
    from analysis.plans import Plan
    from analysis.plans.schema import Contrast
    from analysis.plans.stopping import Stop


_KINDS = {int: "a number", float: "a number", bool: "true or false", list: "a list of texts"}


@dataclass(frozen=True)
class PlanFile:
    """A plan file, read once: what is checked is what is frozen."""

    path: Path
    text: str
    plan: Plan


def read(path: Path) -> PlanFile:
    """Read a plan file. Raises UserError where it is no plan."""
    from analysis.plans import parse_plan
    from analysis.plans.schema import read_plan_text

    text = read_plan_text(path)
    return PlanFile(path, text, parse_plan(text, name=str(path)))


def options(plan_file: PlanFile, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `steerstat collect` that a plan gives: its set, seeds and `[collect]` table.

    Fields of the protocol stand in that table as well, and are returned as `fields`.

    Args:
        plan_file: the plan.
        defaults: every option with its default value.

    Raises:
        UserError: `[collect]` holds what is no option.
    """
    path, plan = plan_file.path, plan_file.plan
    known = [*defaults, *FIELDS]
    for key, value in plan.collect.items():
        if key not in known:
            raise UserError(
                f"{path}: [collect] key {key!r} is no option of `steerstat collect`; "
                f"it takes {', '.join(known)}"
            )
        wanted = FIELDS.get(key) or (str if defaults[key] is None else type(defaults[key]))
        right = isinstance(value, (int, float) if wanted is float else wanted)
        right = right and (wanted is bool or not isinstance(value, bool))
        if not right or (wanted is list and not all(isinstance(text, str) for text in value)):
            raise UserError(
                f"{path}: [collect] key {key!r} is {value!r}; it should be "
                f"{_KINDS.get(wanted, 'text')}"
            )
    fields = {key: value for key, value in plan.collect.items() if key in FIELDS}
    if "stop" in fields:
        fields["stop"] = tuple(fields["stop"])
    others = {key: value for key, value in plan.collect.items() if key not in FIELDS}
    seeds = ",".join(map(str, plan.seeds))
    return {"problems": plan.set, "seeds": seeds, **others, "fields": fields}


def check_stopping(plan_file: PlanFile | None, stop_when_decided: bool) -> None:
    """Refuse to stop early without a rule, or with another correction than what stops gets.

    Raises:
        UserError: stopping is asked of no plan, of one that has no rule for it, or of one whose
            family is not corrected by Holm.
    """
    if plan_file is not None and plan_file.plan.sequential:
        plan = plan_file.plan
        if plan.correction != "holm" and plan.family_size > 1:
            raise UserError(
                f"{plan_file.path}: correction = {plan.correction!r}, but the {plan.family_size} "
                "tests of a sequential plan are corrected by Holm, which holds whenever each of "
                'them ends: set correction = "holm"'
            )
    elif stop_when_decided:
        missing = "no plan was given" if plan_file is None else f"{plan_file.path} has none"
        raise UserError(
            f'--stop-when-decided needs a PLAN.toml with [stopping] rule = "e-value": {missing}'
        )


def check_stoppable(contrasts: Sequence[Contrast], swept: set[str], seeds: Sequence[int]) -> None:
    """Refuse to stop what no contrast is about.

    Args:
        contrasts: those of the plan on the set and protocol.
        swept: names of the directions that are swept.
        seeds: of the sweep.

    Raises:
        UserError: no contrast names a direction that is swept, or there are several seeds.
    """
    if len(seeds) > 1:
        raise UserError(
            f"a sequential plan takes one seed, found {len(seeds)}: outcomes of one problem are "
            "not pairs of their own"
        )
    named = {contrast.direction for contrast in contrasts}
    if not named & swept:
        raise UserError(
            f"the contrasts of the plan are about {', '.join(sorted(named))}, the sweep about "
            f"{', '.join(sorted(swept)) or 'no direction'}: leave --stop-when-decided out"
        )


def check_problems(plan: Plan, set_name: str, size: int) -> None:
    """Refuse a set of another size than the plan's; a sequential plan counts problems on any set.

    Raises:
        UserError: the sizes differ.
    """
    if (set_name == plan.set or plan.sequential) and size != plan.problems:
        raise UserError(f"the plan says {plan.problems} problems, set {set_name} has {size}")


def contrasts(plan: Plan, set_name: str, protocol: str | None) -> list[Contrast]:
    """The contrasts of a plan that are about a set and a protocol.

    Raises:
        UserError: there are none.
    """
    about = contrasts_about(plan, set_name, protocol)
    if not about:
        under = f" and protocol {protocol}" if protocol else ""
        raise UserError(f"no contrast of the plan is about set {set_name}{under}")
    return about


def contrasts_about(plan: Plan, set_name: str, protocol: str | None) -> list[Contrast]:
    """The contrasts of a plan that are about a set and a protocol (None: any), if any."""
    return [
        contrast
        for contrast in plan.contrast
        if (contrast.set or plan.set) == set_name
        and (protocol is None or contrast.protocol in ("", protocol))
    ]


def directions(
    root: Path, plan: Plan, set_name: str, protocol: str | None
) -> list[tuple[Direction, list[float]]]:
    """The planned directions with their doses, and each one's own controls at those it needs.

    Raises:
        UserError: a direction is not in the store, or too few controls were drawn for one.
    """
    chosen = contrasts(plan, set_name, protocol)
    asked = [
        (direction, contrast)
        for contrast in chosen
        for direction in select_directions(root, contrast.direction)
    ]
    found = [(direction, plan.doses(contrast)) for direction, contrast in asked]
    if plan.controls is None:
        return found
    doses: dict[str, set[float]] = {}
    compared = {}
    for direction, contrast in asked:
        if contrast.against != "baseline":
            compared[direction.direction_id] = direction
            doses.setdefault(direction.direction_id, set()).update(plan.doses(contrast))
    for direction_id, direction in compared.items():
        own = own_controls(root, direction, plan.controls.kind)
        if len(own) < plan.controls.number:
            raise UserError(
                f"the plan asks for {plan.controls.number} controls of kind {plan.controls.kind}, "
                f"{direction.name} has {len(own)} of its own: draw them with `steerstat "
                f"directions controls STORE --of {direction.name} --kind {plan.controls.kind} "
                f"--number {plan.controls.number}`"
            )
        at = sorted(doses[direction_id])
        found += [(control, at) for control in own[: plan.controls.number]]
    return found


def own_controls(root: Path, candidate: Direction, kind: str) -> list[Direction]:
    """The control directions of a kind that were drawn for a candidate, sorted by name."""
    table = shards.committed(root, "directions", ["role", "kind", "parent_id"]).to_pylist()
    own = {"role": "control", "kind": kind, "parent_id": candidate.direction_id}
    if own not in table:
        return []
    drawn = select_directions(root, "role = 'control'")
    return [one for one in drawn if (one.kind, one.parent_id) == (kind, candidate.direction_id)]


def freeze(root: Path, plan_file: PlanFile) -> str:
    """Freeze the plan in the store and return its id; the same text again changes nothing."""
    from analysis.plans.freezing import freeze_text

    return freeze_text(root, plan_file.text, name=str(plan_file.path)).plan_id


def record(root: Path, plan: Plan, plan_id: str, stops: Sequence[Stop]) -> Iterator[str]:
    """Store where conditions ended, and say so."""
    from analysis.plans import record_stops, stamps

    stamp = stamps(root)
    named = [
        stamp({"direction": stop.direction, "alpha": stop.alpha, "set_name": stop.set_name})
        for stop in stops
    ]
    confirmatory = all(word == "confirmatory" for word in named)
    record_stops(
        root, plan, plan_id, stops, stamp="confirmatory" if confirmatory else "exploratory"
    )
    ingest(root)
    for stop in stops:
        word = "not decided" if stop.decision == "continue" else stop.decision
        yield (
            f"{stop.contrast} at alpha {stop.alpha:+g}: {word} after {stop.seen} of "
            f"{plan.problems} problems ({stop.gained} gained, {stop.lost} lost)"
        )
