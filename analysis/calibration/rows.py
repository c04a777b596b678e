"""One measured rate of one method in one setting, and the mark it was asked to keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

PROBLEMS = (43, 86, 300, 1319)
DISCORDANCES = (0.05, 0.10, 0.20, 0.40)
CONTROLS = (3, 5, 19, 99)
# Tests and problems of sequential plans.
FAMILIES, PLANNED = (3, 4, 12), (200, 400, 1319)

# A mark is a closed range of rates; None where nothing was asked.
Mark = tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A rate among `simulations` data sets, with the standard error of that share.

    `quantity` is size (rejections without an effect), power, coverage, or gain: no rate but a mean,
    of which `deviation` is the standard deviation. A mark allows two standard errors beyond its
    ends.
    """

    section: str
    method: str
    quantity: str
    setting: dict[str, Any] = field(default_factory=dict)
    value: float
    simulations: int
    mark: Mark = None
    deviation: float | None = None

    @property
    def error(self) -> float:
        """Monte-Carlo standard error; that of a share of 1/simulations where none was seen."""
        if self.deviation is not None:
            return float(self.deviation / np.sqrt(self.simulations))
        share = min(max(self.value, 1 / self.simulations), 1 - 1 / self.simulations)
        return float(np.sqrt(share * (1 - share) / self.simulations))

    @property
    def verdict(self) -> str:
        """`meets` or `misses` the mark; empty where there is none."""
        if self.mark is None:
            return ""
        low, high = self.mark
        inside = low - 2 * self.error <= self.value <= high + 2 * self.error
        return "meets" if inside else "misses"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self) | {"error": self.error, "verdict": self.verdict}


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How many data sets are simulated, and over how much of the grid.

    `tables`: draws of counts, cheap. `searches`: data sets of whole outcomes, each with
    `resamples` sign flips (a multiple of 20, less 1, so that p ≤ .05 is exactly one in twenty).
    `experiments`: whole experiments with all their controls, from outcomes to verdicts.
    """

    tables: int = 20_000
    searches: int = 1_000
    resamples: int = 199
    experiments: int = 300
    problems: tuple[int, ...] = PROBLEMS
    discordances: tuple[float, ...] = DISCORDANCES
    controls: tuple[int, ...] = CONTROLS
    families: tuple[int, ...] = FAMILIES
    planned: tuple[int, ...] = PLANNED


QUICK = Effort(
    tables=1_000,
    searches=60,
    resamples=99,
    experiments=4,
    problems=(43, 86),
    discordances=(0.10, 0.40),
    controls=(3, 19),
    families=(3,),
    planned=(200,),
)

Section = Callable[[Effort, np.random.Generator], Iterator[Row]]


def rate(
    section: str,
    method: str,
    quantity: str,
    hits: Any,
    setting: Mapping[str, Any],
    *,
    mark: Mark = None,
) -> Row:
    """The row of an array of hits, one per simulated data set."""
    hits = np.asarray(hits)
    return Row(
        section=section,
        method=method,
        quantity=quantity,
        setting=dict(setting),
        value=float(hits.mean()),
        simulations=hits.size,
        mark=mark,
    )


def average(
    section: str, method: str, quantity: str, values: Any, setting: Mapping[str, Any]
) -> Row:
    """The row of the mean of one number per simulated data set."""
    values = np.asarray(values, float)
    return Row(
        section=section,
        method=method,
        quantity=quantity,
        setting=dict(setting),
        value=float(values.mean()),
        simulations=values.size,
        deviation=float(values.std(ddof=1)),
    )


def runs_of_accuracy(
    rng: np.random.Generator, shape: tuple[int, ...], accuracy: float, discordance: float
) -> Any:
    """0/1 runs (last axis) of problems (axis before), all right with probability `accuracy`.

    Each problem has a luck of its own, redrawn in each run with the rate that makes any two runs
    disagree on a share `discordance`, at most 2·accuracy·(1 − accuracy).
    """
    fresh = 1 - np.sqrt(max(0.0, 1 - discordance / (2 * accuracy * (1 - accuracy))))
    own = np.broadcast_to(rng.random((*shape[:-1], 1)), shape)
    luck = np.where(rng.random(shape) < fresh, rng.random(shape), own)
    return (luck < accuracy).astype(np.float64)


def noisy_runs(rng: np.random.Generator, shape: tuple[int, ...], discordance: float) -> Any:
    """0/1 runs (last axis) of problems (axis before) that differ from one truth by chance.

    Any two runs disagree on a share `discordance` of problems; half of the problems are right.
    """
    flip = (1 - np.sqrt(1 - 2 * discordance)) / 2
    truth = rng.random((*shape[:-1], 1)) < 0.5
    return (truth ^ (rng.random(shape) < flip)).astype(np.float64)
