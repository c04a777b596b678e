"""One direction among k controls, for control effects that are normal and that are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import stats

from analysis.calibration.rows import Effort, Row, rate
from analysis.statistics.controls import compare_to_controls, crawford_howell, rank_p
from analysis.statistics.one_against_controls import candidate_minus_controls
from analysis.vocabulary import CONFIDENCE, SIGNIFICANCE, ProblemScope

GAP = 3.0
# Intervals of d need a root search each: one draw in this many is enough of them.
INTERVAL_SHARE = 10

Draw = Callable[[np.random.Generator, tuple[int, ...]], Any]


def _binary(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Net counts of directions without effects of their own: 86 problems, 10 % discordance."""
    gained = rng.binomial(86, 0.05, shape)
    return (gained - rng.binomial(86 - gained, 0.05 / 0.95)).astype(float)


# Each has mean 0 and standard deviation 1, but for the last, whose unit is problems.
CONTROL_EFFECTS: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "skewed": lambda rng, shape: rng.standard_exponential(shape) - 1,
    "bounded": lambda rng, shape: (rng.beta(0.5, 0.5, shape) - 0.5) * np.sqrt(8),
    "binary": _binary,
}


def controls_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """Crawford–Howell, the rank test, and the tests that treat the candidate as fixed."""
    for k in effort.controls:
        for name, draw in CONTROL_EFFECTS.items():
            drawn = draw(rng, (effort.tables, k + 1))
            yield from _sizes(drawn[:, 0], drawn[:, 1:], k, name)
        controls = rng.standard_normal((effort.tables, k))
        for model, x in (
            ("fixed", np.full(effort.tables, GAP)),
            ("random", GAP + rng.standard_normal(effort.tables)),
        ):
            yield from _powers(x, controls, k, model)
        yield from _intervals_of_d(effort, k, rng)
    yield from _both_scopes(effort, rng)
    yield from _tails(effort, rng)


def _sizes(x: Any, c: Any, k: int, name: str) -> Iterator[Row]:
    mean, sd, d, t = crawford_howell(x, c)
    less, greater = rank_p(x, c)
    # Equal controls give no test: counted as "does not reject".
    usable = sd > 0
    p = np.where(usable, 2 * stats.t.sf(np.abs(t), k - 1), 1.0)
    one_sample = np.where(usable, 2 * stats.t.sf(np.abs(d) * np.sqrt(k), k - 1), 1.0)
    z = np.where(usable, 2 * stats.norm.sf(np.abs(d)), 1.0)
    half = stats.t.isf((1 - CONFIDENCE) / 2, k - 1) * sd * np.sqrt(1 + 1 / k)
    mark = (0.045, 0.055) if name == "normal" else None
    setting = {"k": k, "controls": name}
    yield rate("controls", "Crawford–Howell", "size", p <= SIGNIFICANCE, setting, mark=mark)
    yield rate("controls", "rank, one-sided", "size", greater <= SIGNIFICANCE + 1e-12, setting)
    doubled = 2 * np.minimum(less, greater)
    yield rate("controls", "rank, two-sided", "size", doubled <= SIGNIFICANCE + 1e-12, setting)
    yield rate("controls", "one-sample t (wrong)", "size", one_sample <= SIGNIFICANCE, setting)
    yield rate("controls", "z (wrong)", "size", z <= SIGNIFICANCE, setting)
    inside = np.abs(x - mean) <= half + 1e-12
    yield rate("controls", "prediction interval", "coverage", inside, setting)


def _powers(x: Any, c: Any, k: int, model: str) -> Iterator[Row]:
    t = crawford_howell(x, c)[3]
    greater = rank_p(x, c)[1]
    setting = {"k": k, "controls": "normal", "candidate": f"{model}, {GAP:g} SD away"}
    rejected = 2 * stats.t.sf(np.abs(t), k - 1) <= SIGNIFICANCE
    yield rate("controls", "Crawford–Howell", "power", rejected, setting)
    yield rate("controls", "rank, one-sided", "power", greater <= SIGNIFICANCE + 1e-12, setting)


def _intervals_of_d(effort: Effort, k: int, rng: np.random.Generator) -> Iterator[Row]:
    size = max(200, effort.tables // INTERVAL_SHARE)
    fixed = compare_to_controls(np.full(size, GAP), rng.standard_normal((size, k)))
    drawn = compare_to_controls(GAP + rng.standard_normal(size), rng.standard_normal((size, k)))
    for name, low, high in (
        ("interval of d, x fixed", fixed.d_low_fixed, fixed.d_high_fixed),
        ("interval of d, x random", drawn.d_low_random, drawn.d_high_random),
    ):
        inside = (low <= GAP) & (high >= GAP)
        yield rate("controls", name, "coverage", inside, {"k": k, "controls": "normal"})


def _outliers(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Normal effects of which one in fifty is ten times as large."""
    return rng.standard_normal(shape) * np.where(rng.random(shape) < 0.02, 10.0, 1.0)


# What directions may be like that makes small p-values of a t-test too small.
TAILED: dict[str, Draw] = {
    "normal": CONTROL_EFFECTS["normal"],
    "t3": lambda rng, shape: rng.standard_t(3, shape),
    "2 % outliers": _outliers,
}
LEVELS = (0.01, 0.001, 0.0001)


def _tails(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """Crawford–Howell far below .05, where normality is what its p rests on."""
    for k in (size for size in effort.controls if size >= 19):
        for name, draw in TAILED.items():
            effects = draw(rng, (effort.tables, k + 1))
            t = crawford_howell(effects[:, 0], effects[:, 1:])[3]
            p = 2 * stats.t.sf(np.abs(t), k - 1)
            for level in LEVELS:
                yield rate(
                    "controls", f"Crawford–Howell at {level:g}", "tail size", p <= level,
                    {"k": k, "controls": name},
                )  # fmt: skip


def _both_scopes(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """Candidate − mean(controls) where directions differ by 4 points, for both scopes."""
    n, target = effort.problems[-1] if len(effort.problems) < 3 else effort.problems[2], 0.05
    for k in (size for size in effort.controls if size < 99):
        hits: dict[ProblemScope, list[bool]] = {
            "new problems": [],
            "new problems and directions": [],
        }
        for _ in range(effort.searches):
            effects = rng.normal(0, 0.04, k)
            easy = np.where(rng.random((n, 1)) < 0.5, 0.75, 0.25)
            outcomes = (rng.random((n, k + 1)) < easy + np.r_[target, effects]).astype(float)
            goals: dict[ProblemScope, float] = {
                "new problems": target - effects.mean(),
                "new problems and directions": target,
            }
            for scope, goal in goals.items():
                result = candidate_minus_controls(outcomes[:, 0], outcomes[:, 1:], scope=scope)
                hits[scope].append(bool(result.low <= goal <= result.high))
        for scope, inside in hits.items():
            yield rate(
                "controls", f"candidate − mean, {scope}", "coverage", inside, {"k": k, "n": n}
            )
