"""How often the verdicts err: whole experiments through the tables and the rules of the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis import tables
from analysis.calibration.experiments import World, experiments
from analysis.calibration.rows import Effort, Mark, Row, rate
from analysis.report.verdicts import INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED, verdicts

# Experiments that are read as one store.
BATCH = 25
# Outcomes of one batch; those of the calibration are far fewer.
MOST_AT_ONCE = 2e7
# What is asked: a null candidate, one of twice the potency, a real effect of four deviations.
NULL: Mark = (0.0, 0.02)
POTENT: Mark = (0.0, 0.05)
POWER: Mark = (0.9, 1.0)
NEGATIVE = (-3.0, -2.0, -1.0)
GAPS = (1, 2, 3, 4, 5, 6)

NULLS: dict[str, World] = {
    **{f"one more control, k = {k}": World(k=k) for k in (5, 19, 99)},
    "one more control, 0.9 right": World(accuracy=0.9),
    "controls at ±3 alone": World(control_doses=(-3.0, 3.0)),
    **{f"norm ×{norm:g}": World(norm=norm) for norm in (0.3, 0.5, 2.0, 3.0)},
    "one sign": World(doses=NEGATIVE),
    "one sign, norm ×2": World(doses=NEGATIVE, norm=2.0),
    "one sign, potency ×2": World(doses=NEGATIVE, potency=2.0),
    "heavy tails (t3)": World(heavy=True),
    **{f"correlation {rho:g}": World(correlation=rho) for rho in (0.1, 0.3, 0.5)},
    "nine tenths of losses unread": World(truncated=0.9, damage=0.02, scatter=0.15),
    "set selected on the outcome": World(selected=True),
    "set selected, gap 4": World(selected=True, gap=4.0),
    **{f"errors in {rate:g} of outcomes": World(errors=rate) for rate in (0.01, 0.05, 0.2)},
    "a plan that stops": World(stops=True),
    "a plan that stops, no damage": World(stops=True, damage=0.0),
    "two seeds": World(seeds=2, noise=0.3, n=60, doses=(-2.0, 2.0)),
}
POTENCIES: dict[str, World] = {
    **{f"potency ×{potency:g}": World(potency=potency) for potency in (1.5, 2.0, 3.0)},
    "potency ×2, 0.9 right": World(potency=2.0, accuracy=0.9),
    "potency ×2, no damage": World(potency=2.0, damage=0.0),
    "potency ×2, heavy tails": World(potency=2.0, heavy=True),
}
REAL: dict[str, World] = {
    **{f"gap {gap} SD": World(gap=float(gap)) for gap in GAPS},
    "gap 4 SD, controls at ±3 alone": World(gap=4.0, control_doses=(-3.0, 3.0)),
    "gap 4 SD, k = 19": World(gap=4.0, k=19),
    "gap 4 SD, errors in 0.01 of outcomes": World(gap=4.0, errors=0.01),
    "gap 4 SD, a plan that stops": World(gap=4.0, stops=True),
    "gap 4 SD, nine tenths of losses unread": World(
        gap=4.0, truncated=0.9, damage=0.02, scatter=0.15
    ),
}


def verdicts_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """False `supported` and `not supported` without an effect, and power with one."""
    for name, world in NULLS.items():
        yield from _rates(name, world, "false support", NULL, effort, rng)
    for name, world in POTENCIES.items():
        mark = POTENT if name == "potency ×2" else None
        yield from _rates(name, world, "false support", mark, effort, rng)
    for name, world in REAL.items():
        mark = POWER if name == "gap 4 SD" else None
        yield from _rates(name, world, "power", mark, effort, rng)


def _rates(
    name: str, world: World, quantity: str, mark: Mark, effort: Effort, rng: np.random.Generator
) -> Iterator[Row]:
    """The share of experiments with each verdict on either claim."""
    reached = verdicts_reached(world, effort.experiments, rng)
    for word in (SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE):
        yield rate(
            "verdicts", word, quantity, [word in one for one in reached], {"candidate": name},
            mark=mark if word == SUPPORTED else None,
        )  # fmt: skip


def verdicts_reached(world: World, count: int, rng: np.random.Generator) -> list[set[str]]:
    """What the claims of the candidate are, in each of `count` experiments."""
    # As many as fit into memory are read as one store.
    batch = max(1, min(BATCH if world.seeds == 1 else 1, int(MOST_AT_ONCE / _outcomes(world))))
    reached: list[set[str]] = []
    while len(reached) < count:
        by_model: dict[Any, set[str]] = {}
        readings = experiments(world, min(batch, count - len(reached)), rng)
        for verdict in verdicts(tables.effects(readings), tables.beyond_controls(readings)):
            by_model.setdefault(verdict.direction, set()).add(verdict.verdict)
        reached += by_model.values()
    return reached


def _outcomes(world: World) -> int:
    return world.n * (world.k + 1) * len(world.doses) * world.seeds
