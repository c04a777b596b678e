"""Sequential sweeps: conditions end when their question is answered.

Problems are taken in the random order that the plan fixes, a step at a time, and every decision is
read off committed outcomes. A restart walks through the same steps and comes to the same ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from collect.sweeps.sweep import (
    Condition,
    Problem,
    Progress,
    Setting,
    done_units,
    sweep,
)
from sql.words import readable_right
from store.shards import Where, committed

if TYPE_CHECKING:
    from analysis.plans import Plan
    from analysis.plans.schema import Contrast
    from analysis.plans.stopping import Stop
    from analysis.vocabulary import Decision

CONTINUE: Decision = "continue"
Right = Mapping[tuple[str, str], bool | None]
Advance = Callable[[Sequence[Problem], Sequence[Condition]], bool]


@dataclass(frozen=True)
class Question:
    """One contrast at one dose: what may be decided."""

    contrast: Contrast
    condition: Condition


def sweep_until_decided(
    root: Path,
    setting: Setting,
    problems: Sequence[Problem],
    conditions: Sequence[Condition],
    *,
    plan: Plan,
    contrasts: Sequence[Contrast],
    run_id: str,
    seeds: Sequence[int],
    fragile_below: float,
    memory: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Sweep in the plan's problem order until every contrast has ended; the units computed.

    A contrast ends when it is decided or futile against the baseline; one that is about the
    controls alone runs to the last problem. Controls go on while a contrast at their dose does;
    they are compared with what ran to the last problem.

    Args:
        root: the store.
        setting: model, protocol and decoding.
        problems: the plan's problems.
        conditions: the baseline and what is steered.
        plan: a frozen plan with a stopping rule.
        contrasts: those of the plan that this sweep is about.
        seeds: one seed.
        run_id, fragile_below, memory, progress: as `sweep` takes them.
    """
    computed = 0

    def advance(some: Sequence[Problem], active: Sequence[Condition]) -> bool:
        """Run the sweep over the next problems."""
        nonlocal computed
        computed += sweep(
            root,
            setting,
            some,
            active,
            run_id=run_id,
            seeds=seeds,
            fragile_below=fragile_below,
            memory=memory,
            progress=progress,
        )
        return True

    _walked(root, problems, conditions, plan, contrasts, seeds[0], advance)
    return computed


def committed_ends(
    root: Path,
    problems: Sequence[Problem],
    conditions: Sequence[Condition],
    *,
    plan: Plan,
    contrasts: Sequence[Contrast],
    seed: int,
) -> list[Stop] | None:
    """Where each contrast ended, read off the store alone; None where outcomes are missing for it.

    Arguments as of `sweep_until_decided`.
    """
    done = done_units(root, [condition.condition_id for condition in conditions])

    def advance(some: Sequence[Problem], active: Sequence[Condition]) -> bool:
        """Whether the next problems are committed."""
        return all(
            (condition.condition_id, problem.problem_id, seed) in done
            for condition in active
            for problem in some
        )

    return _walked(root, problems, conditions, plan, contrasts, seed, advance)


def _walked(
    root: Path,
    problems: Sequence[Problem],
    conditions: Sequence[Condition],
    plan: Plan,
    contrasts: Sequence[Contrast],
    seed: int,
    advance: Advance,
) -> list[Stop] | None:
    """The walk through the plan's looks; None where `advance` cannot go on."""
    from analysis.plans import problem_order

    by_id = {problem.problem_id: problem for problem in problems}
    order = [by_id[problem] for problem in problem_order(list(by_id), plan)]
    baseline = next(c for c in conditions if c.steering.is_baseline)
    asked = _questions(plan, contrasts, conditions)
    of_questions = {question.condition.condition_id for question in asked}
    others = [c for c in conditions if c.condition_id not in of_questions]
    stops: list[Stop] = []
    start = 0
    while asked and start < len(order):
        end = min(start + plan.stopping.look_every, len(order))
        active = _active(asked, baseline, others)
        if not advance(order[start:end], active):
            return None
        start = end
        right = _right(root, active, seed)
        looks = [_look(plan, question, baseline, order[:end], right) for question in asked]
        last = end == len(order)
        stops += [look for look in looks if last or look.decision != CONTINUE]
        asked = [
            question
            for question, look in zip(asked, looks, strict=True)
            if not last and look.decision == CONTINUE
        ]
    return stops


def _active(
    asked: Sequence[Question], baseline: Condition, others: Sequence[Condition]
) -> list[Condition]:
    """What the next problems are run under: what is no question goes on with those at its dose."""
    steered = {question.condition.condition_id: question.condition for question in asked}
    doses = {condition.steering.alpha for condition in steered.values()}
    return [
        *steered.values(),
        *(c for c in others if c is baseline or c.steering.alpha in doses),
    ]


def _questions(
    plan: Plan, contrasts: Sequence[Contrast], conditions: Sequence[Condition]
) -> list[Question]:
    return [
        Question(contrast, condition)
        for contrast in contrasts
        for condition in conditions
        if condition.steering.key == contrast.direction
        and any(abs(condition.steering.alpha - alpha) < 1e-9 for alpha in plan.doses(contrast))
    ]


def _right(root: Path, conditions: Sequence[Condition], seed: int) -> Right:
    """The primary outcome (a readable right answer) by condition and problem, as committed."""
    where: Where = {
        "condition_id": [condition.condition_id for condition in conditions],
        "seed": [seed],
    }
    columns = ["condition_id", "problem_id", "correct", "status"]
    rows = committed(root, "outcomes", columns, where).to_pylist()
    return {
        (row["condition_id"], row["problem_id"]): readable_right(row["correct"], row["status"])
        for row in rows
    }


def _look(
    plan: Plan,
    question: Question,
    baseline: Condition,
    seen: Sequence[Problem],
    right: Right,
) -> Stop:
    from analysis.plans import decide
    from analysis.plans.stopping import Stop

    key = question.condition.condition_id
    pairs = [
        (right[baseline.condition_id, problem.problem_id], right[key, problem.problem_id])
        for problem in seen
    ]
    contrast = question.contrast
    stop = Stop(
        contrast=contrast.name,
        direction=contrast.direction,
        alpha=question.condition.steering.alpha,
        decision=CONTINUE,
        seen=len(seen),
        gained=pairs.count((False, True)),
        lost=pairs.count((True, False)),
        condition_id=key,
        set_name=contrast.set or plan.set,
    )
    decision = decide(stop.gained, stop.lost, plan, seen=len(seen), contrast=contrast)
    return replace(stop, decision=decision)
