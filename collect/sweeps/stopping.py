"""Sequential sweeps: conditions end when their question is answered.

Problems are taken in the random order that the plan fixes, a step at a time, and every decision is
read off committed outcomes. A restart walks through the same steps and comes to the same ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from collect.sweeps.sweep import Condition, Problem, Progress, Setting, sweep
from sql.words import readable_right
from store.shards import Where, committed

if TYPE_CHECKING:
    from analysis.plans import Plan
    from analysis.plans.schema import Contrast
    from analysis.plans.stopping import Stop
    from analysis.vocabulary import Decision

CONTINUE: Decision = "continue"
Correct = Mapping[tuple[str, str], bool | None]


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
) -> tuple[int, list[Stop]]:
    """Sweep in the plan's problem order; return units computed and where each contrast ended.

    A contrast ends when it is decided or futile against the baseline; one that is about the
    controls alone runs to the last problem. Controls go on while a contrast at their dose does,
    so that all are compared on the same problems.

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
    from analysis.plans import problem_order

    by_id = {problem.problem_id: problem for problem in problems}
    order = [by_id[problem] for problem in problem_order(list(by_id), plan)]
    baseline = next(c for c in conditions if c.steering.is_baseline)
    asked = _questions(plan, contrasts, conditions)
    of_questions = {question.condition.condition_id for question in asked}
    others = [c for c in conditions if c.condition_id not in of_questions]
    stops: list[Stop] = []
    computed, start, step = 0, 0, plan.stopping.look_every
    while asked and start < len(order):
        end = min(start + step, len(order))
        doses = {question.condition.steering.alpha for question in asked}
        active = [
            *(question.condition for question in asked),
            *(c for c in others if c is baseline or c.steering.alpha in doses),
        ]
        computed += sweep(
            root,
            setting,
            order[start:end],
            active,
            run_id=run_id,
            seeds=seeds,
            fragile_below=fragile_below,
            memory=memory,
            progress=progress,
        )
        start = end
        correct = _correct(root, active, seeds[0])
        looks = [_look(plan, question, baseline, order[:end], correct) for question in asked]
        last = end == len(order)
        stops += [look for look in looks if last or look.decision != CONTINUE]
        asked = [
            question
            for question, look in zip(asked, looks, strict=True)
            if not last and look.decision == CONTINUE
        ]
    return computed, stops


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


def _correct(root: Path, conditions: Sequence[Condition], seed: int) -> Correct:
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
    correct: Correct,
) -> Stop:
    from analysis.plans import decide
    from analysis.plans.stopping import Stop

    key = question.condition.condition_id
    pairs = [
        (correct[baseline.condition_id, problem.problem_id], correct[key, problem.problem_id])
        for problem in seen
    ]
    gained, lost = pairs.count((False, True)), pairs.count((True, False))
    contrast, decision = question.contrast, CONTINUE
    if contrast.against != "controls":
        decision = decide(gained, lost, plan, seen=len(seen), contrast=contrast)
    return Stop(
        contrast=contrast.name,
        direction=contrast.direction,
        alpha=question.condition.steering.alpha,
        decision=decision,
        seen=len(seen),
        gained=gained,
        lost=lost,
    )
