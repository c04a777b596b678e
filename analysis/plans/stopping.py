"""Sequential plans: when a contrast has been answered, or no longer can be."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis.plans.schema import Contrast, Plan
from analysis.vocabulary import Decision, ExpectedSide, FinalTest, Stamp
from sql.errors import UserError

_SIGNS: dict[ExpectedSide, tuple[int, ...]] = {"gain": (1,), "loss": (-1,), "either": (1, -1)}


def decide(
    gained: int,
    lost: int,
    plan: Plan,
    *,
    seen: int | None = None,
    contrast: Contrast | None = None,
) -> Decision:
    """Whether a condition may stop after these counts.

    The e-value may be looked at after every problem: a contrast without effect ever reaches
    `decided` with a probability of at most the level (divided by the size of the family). It is
    the final test as well, so that the level is spent once. Futility never rejects, so it costs
    power only; it asks for the chance that the e-value still gets there.

    The question is the one against the baseline: a contrast against controls alone never stops.

    Args:
        gained: problems that turned right so far.
        lost: problems that turned wrong so far.
        plan: the frozen plan; with `rule = "none"` the answer is always `continue`.
        seen: problems seen so far; the futility rule needs it.
        contrast: for the side on which its effect is expected.

    Raises:
        Refusal: counts that are no counts, or more problems seen than planned.
    """
    from analysis.statistics.sequential import e_value

    if not plan.sequential or (contrast is not None and contrast.against == "controls"):
        return "continue"
    if float(e_value(gained, lost).e) >= 1 / plan.level_per_test:
        return "decided"
    share = plan.discordance
    if seen is None or seen >= plan.problems or share is None or not plan.stopping.futility:
        return "continue"
    expected = contrast.expected if contrast is not None else "either"
    rule = (
        plan.problems,
        share,
        plan.stopping.futility,
        plan.level_per_test,
        plan.final_test,
    )
    hopeless = all(
        _hopeless(gained, lost, seen, sign * plan.smallest_effect, *rule)
        for sign in _SIGNS[expected]
    )
    return "futile" if hopeless else "continue"


@functools.lru_cache(maxsize=1 << 16)
def _hopeless(
    gained: int,
    lost: int,
    seen: int,
    effect: float,
    planned_n: int,
    discordance: float,
    threshold: float,
    level: float,
    test: FinalTest,
) -> bool:
    """Whether the final test can hardly reject any more; equal counts come up again and again."""
    from analysis.statistics.sequential import futility

    return futility(
        gained,
        lost,
        seen,
        planned_n=planned_n,
        effect=effect,
        discordance=discordance,
        threshold=threshold,
        significance=level,
        method=test,
    ).stop


def walk(
    gained: Sequence[bool], lost: Sequence[bool], plan: Plan, *, contrast: Contrast | None = None
) -> tuple[Decision, int]:
    """Where a sequential plan ends on outcomes in the order of `problem_order`.

    Args:
        gained: whether each problem turned right, in that order.
        lost: whether it turned wrong.
        plan: looks happen every `look_every` problems and after the last one.
        contrast: for the side on which its effect is expected.

    Returns:
        The decision and the number of problems it took.
    """
    up, down = np.cumsum(gained), np.cumsum(lost)
    total = len(up)
    for seen in [*range(plan.stopping.look_every, total, plan.stopping.look_every), total]:
        if not seen:
            break
        counts = int(up[seen - 1]), int(down[seen - 1])
        decision = decide(*counts, plan, seen=seen, contrast=contrast)
        if decision != "continue":
            return decision, seen
    return "continue", total


def problem_order(problem_ids: Sequence[str], plan: Plan) -> list[str]:
    """The random order in which a sequential plan looks at problems.

    It depends on the ids and the plan's `order_seed` alone, not on the order they come in.

    Raises:
        UserError: the plan has no `order_seed`.
    """
    seed = plan.stopping.order_seed
    if seed is None:
        raise UserError("the plan has no stopping.order_seed: the order of problems is not fixed")
    ids = sorted(problem_ids)
    return [ids[i] for i in np.random.default_rng(seed).permutation(len(ids))]


@dataclass(frozen=True)
class Stop:
    """One condition that stopped, or ran to its end.

    Attributes:
        contrast: name of the contrast.
        direction: name of the direction.
        alpha: its dose.
        decision: why it ended; `continue` where all problems were used.
        seen: problems used, those without an outcome among them.
        gained: problems that turned right among them.
        lost: problems that turned wrong among them.
        condition_id: the condition that ended.
        set_name: the problem set; that of the plan where empty.
    """

    contrast: str
    direction: str
    alpha: float
    decision: Decision
    seen: int
    gained: int
    lost: int
    condition_id: str = ""
    set_name: str = ""


def record_stops(
    root: Path, plan: Plan, plan_id: str, stops: Sequence[Stop], *, stamp: Stamp = "confirmatory"
) -> str:
    """Store where each condition of a sequential plan ended and which share that saved.

    The results have the quantity `problems saved`: `estimate` is the share of the planned problems
    that were not needed, `statistic` the e-value, `p` its reciprocal (at most 1), `n` the problems
    used; the `contrast` names the condition. The view `stops` reads them, and by it every table
    knows which contrasts ended. Stops that are stored already are not stored again.

    Returns:
        The id of the analysis; empty where nothing stopped.
    """
    from store import append, committed, content_id
    from store.identity import canonical_json

    if not stops:
        return ""
    counts = [
        [s.contrast, s.condition_id, s.alpha, s.seen, s.gained, s.lost, s.decision] for s in stops
    ]
    # Earlier versions counted pairs with an unreadable answer out, and named no estimand.
    parameters = {
        "rule": plan.stopping.rule,
        "level": plan.level_per_test,
        "plan": plan_id,
        "estimand": plan.estimand,
    }
    analysis_id = content_id({"method": "sequential stop", **parameters, "counts": counts})
    if committed(root, "analyses", ["analysis_id"], {"analysis_id": [analysis_id]}).num_rows:
        return analysis_id
    analysis = {
        "analysis_id": analysis_id,
        "method": "sequential stop",
        "parameters": canonical_json(parameters),
        "plan_id": plan_id,
    }
    # Results first: an analysis row says that its results are complete.
    append(
        root,
        "results",
        [{**_row(plan, s), "analysis_id": analysis_id, "stamp": stamp} for s in stops],
    )
    append(root, "analyses", [analysis])
    return analysis_id


def _row(plan: Plan, stop: Stop) -> dict[str, Any]:
    """A stop as a row of `results`."""
    from analysis.statistics.sequential import e_value
    from store.identity import canonical_json

    evidence = e_value(stop.gained, stop.lost)
    contrast = {
        "condition_id": stop.condition_id or None,
        "direction": stop.direction,
        "alpha": stop.alpha,
        "set_name": stop.set_name or plan.set,
    }
    return {
        "name": f"{stop.contrast} at alpha {stop.alpha:+g}",
        "quantity": "problems saved",
        "contrast": canonical_json(contrast),
        "estimate": 1 - stop.seen / plan.problems,
        "p": float(evidence.p),
        "statistic": float(evidence.e),
        "n": stop.seen,
        "gained": stop.gained,
        "lost": stop.lost,
        "family_size": plan.family_size,
        "method": "e-value",
        "status": stop.decision,
    }
