"""Sequential plans: every contrast walked to its end, and the family corrected as tables do it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from analysis.calibration.rows import Effort, Row, rate
from analysis.plans import Plan, walk
from analysis.statistics.paired import mid_p
from analysis.tables.base import CURVE, STAMPS
from analysis.tables.paired import holm_by, paired_tests
from analysis.vocabulary import SIGNIFICANCE

# Effects by number of problems: such that not all contrasts are found, and some are.
EFFECTS = {200: 0.10, 400: 0.08, 1319: 0.04}
DISCORDANCE, LOOKS, FUTILITY = 0.2, 20, 0.1
# Half of what happens to a problem is shared by all contrasts, besides the baseline.
SHARED = 0.5
# Every answer is read.
NOT_OPEN = ["n_unreadable", "n_missing", "maybe_gained", "maybe_lost", "maybe_either"]
NOT_OPEN += ["became_unreadable", "became_readable"]
SEQUENTIAL, FIXED = "plan: e-value, Holm", "all problems: mid-p, Holm"


def plans_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """Family-wise error and power of plans that stop, beside those of tests on all problems.

    Half of the contrasts, or none, have an effect; size is the share of plans that
    reject any of the others, power that of the contrasts with an effect that are rejected.
    """
    for tests in effort.families:
        for n in effort.planned:
            for real in (0, tests // 2):
                draws = [_draw(rng, n, tests, real) for _ in range(effort.searches)]
                for futility in (0.0, FUTILITY):
                    yield from _rates(draws, simulated_plan(n, tests, futility), real)


def simulated_plan(n: int, tests: int, futility: float) -> Plan:
    """A plan that may end each of its contrasts at any of the looks."""
    contrasts = [{"name": f"{i}", "direction": f"{i}"} for i in range(tests)]
    stopping = {"rule": "e-value", "order_seed": 0, "look_every": n // LOOKS, "futility": futility}
    return Plan.model_validate(
        {
            "title": "simulated",
            "set": "simulated",
            "problems": n,
            "alphas": [1.0],
            "level": SIGNIFICANCE,
            "smallest_effect": EFFECTS[n],
            "discordance": DISCORDANCE,
            "contrast": contrasts,
            "stopping": stopping,
        }
    )


def _draw(rng: np.random.Generator, n: int, tests: int, real: int) -> tuple[Any, Any]:
    """Gained and lost [n, tests] of contrasts with one baseline; the first `real` have effects."""
    right = rng.random((n, 1)) < 0.5
    common = rng.random((n, 1))
    chance = np.where(rng.random((n, tests)) < SHARED, common, rng.random((n, tests)))
    tilt = np.where(np.arange(tests) < real, EFFECTS[n], 0.0)
    changed = chance < np.where(right, DISCORDANCE - tilt, DISCORDANCE + tilt)
    return changed & ~right, changed & right


def _rates(draws: list[tuple[Any, Any]], plan: Plan, real: int) -> Iterator[Row]:
    tests = plan.family_size
    setting = {
        "tests": tests,
        "n": plan.problems,
        "with effect": real,
        "effect": plan.smallest_effect,
        "futility": plan.stopping.futility,
    }
    for method, p in ((SEQUENTIAL, _at_the_end(plan, draws)), (FIXED, _on_all(draws))):
        rejected = (p <= SIGNIFICANCE).reshape(len(draws), tests)
        yield rate(
            "plans", method, "size", rejected[:, real:].any(axis=1), setting,
            mark=(0.0, SIGNIFICANCE) if method == SEQUENTIAL else None,
        )  # fmt: skip
        if real:
            yield rate("plans", method, "power", rejected[:, :real].ravel(), setting)


def _at_the_end(plan: Plan, draws: list[tuple[Any, Any]]) -> Any:
    """Corrected p of every contrast where its walk ends, plan after plan, as `effects` has it."""
    rows: list[dict[str, Any]] = []
    for number, (gained, lost) in enumerate(draws):
        for i, contrast in enumerate(plan.contrast):
            decision, seen = walk(gained[:, i], lost[:, i], plan, contrast=contrast)
            up, down = int(gained[:seen, i].sum()), int(lost[:seen, i].sum())
            row = dict.fromkeys([*CURVE, *STAMPS, "kind", "role"]) | {
                # The order of rows is that of alphas.
                "direction": "simulated",
                "alpha": float(len(rows)),
                "condition_id": str(len(rows)),
                "n_pairs": seen,
                "baseline_n_correct": 0,
                "gained": up,
                "lost": down,
                **dict.fromkeys(NOT_OPEN, 0),
                "complete_n_pairs": seen,
                "complete_gained": up,
                "complete_lost": down,
                "stop": "ran to the end" if decision == "continue" else decision,
                "plan_id": number,
                "planned_tests": plan.family_size,
            }
            rows.append(row)
    return paired_tests(pd.DataFrame(rows))["p_adjusted"].to_numpy(dtype=float)


def _on_all(draws: list[tuple[Any, Any]]) -> Any:
    """Corrected p of every contrast on all problems, each tested once."""
    counts = np.array([[part.sum(axis=0) for part in draw] for draw in draws])
    p = mid_p(counts[:, 0], counts[:, 1])
    plans = np.repeat(np.arange(len(draws)), p.shape[1])
    return holm_by(pd.DataFrame({"p": p.ravel(), "plan": plans}), ["plan"])["p_adjusted"].to_numpy()
