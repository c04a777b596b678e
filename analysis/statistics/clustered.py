"""Several outcomes per problem: the problem (and the direction) is the unit, not the outcome.

Pooling 60 problems × 8 seeds into one McNemar has size .06 at .05, and .24 where problems differ
much in how they answer to steering: outcomes of one problem are not independent pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from analysis.statistics.checks import answers, draws, generator, labels, level, one_scale
from analysis.statistics.results import (
    DEGENERATE,
    NEW_BOTH,
    NEW_PROBLEMS,
    NO_INFORMATION,
    OK,
    TOO_FEW_CONTROLS,
    Estimate,
    Refusal,
    floor_p,
)
from analysis.statistics.score import score_limits, score_statistic, shares
from analysis.vocabulary import Pairing, ProblemScope, checked

Array = np.ndarray[Any, Any]

# Below this many directions the percentile bootstrap covers .83 (5), .88 (10), .93 (19) of .95.
DIRECTIONS_FOR_BOOTSTRAP = 20
# Bootstrap weights are drawn in blocks of about this many numbers.
BLOCK_NUMBERS = 4_000_000
# Cells of problems × directions: each is stored, with or without outcomes.
LARGEST_TABLE = 10**8


@dataclass(frozen=True, kw_only=True)
class ClusteredDifference(Estimate):
    """Mean effect over problems, a fraction; `n` problems, `k` directions, `outcomes` pairs.

    `low`, `high`, `p`, `statistic` of right and wrong outcomes are those of a score test, which
    keeps a width where few problems change; they agree: p ≤ 1 − confidence exactly where 0 lies
    outside. `t_low`, `t_high`, `t_p` are Student's t with `df` on problem means (crossed: both
    factors; None without any spread), which other outcomes have in both places.
    `bootstrap_*` resample problems (and directions); None with `bootstrap_status`
    too_few_controls where directions are too few for a percentile interval.
    `between` and `within` are the variances between problem means and within problems;
    `design_effect` is how much larger the variance of the mean is than if outcomes were pooled.
    """

    estimate: float
    low: float = field()
    high: float = field()
    p: float = field()
    k: int
    """Directions."""

    outcomes: int
    """Pairs of outcomes behind the estimate."""

    df: float
    """Degrees of freedom of Student's t."""

    t_low: float | None
    """Lower limit by Student's t, a fraction; None without any spread."""

    t_high: float | None
    """Upper limit by Student's t, a fraction."""

    t_p: float | None
    """Two-sided p by Student's t."""

    standard_error: float
    """Standard error of the estimate, a fraction."""

    between: float
    """Variance between problem means, in squared fractions."""

    within: float
    """Variance within problems, in squared fractions."""

    design_effect: float
    """How many times the variance of as many independent pairs the estimate has."""

    bootstrap_low: float | None
    """Lower percentile limit, a fraction; None where there are too few directions."""

    bootstrap_high: float | None
    """Upper percentile limit, a fraction."""

    bootstrap_status: str
    """``"ok"``, or why there are no bootstrap limits."""

    pairing: str
    """How baseline and steered outcomes belong together: `vocabulary.Pairing`."""


def clustered_difference(
    table: Mapping[str, Any],
    *,
    rng: np.random.Generator,
    pairing: Pairing | None = None,
    scope: ProblemScope | None = None,
    resamples: int = 9999,
    confidence: float = 0.95,
) -> ClusteredDifference:
    """Steered minus baseline with several seeds per problem, and possibly several directions.

    Args:
        table: mapping of equally long columns (a DataFrame will do). `problem`, `steered`,
            `baseline` (0/1 or numbers, NaN missing), and optionally `direction`.
        pairing: How baseline and steered outcomes belong together; it must be declared where a
            problem has several outcomes. "seeds": each row is a pair. "shared": one (greedy)
            baseline repeated on every row of a problem, which is *not* pairing of seeds.
            "independent": separate draws; each side is averaged by itself.
        scope: With several directions the default takes problems and directions as samples; "new
            problems" takes these directions as given.

    Notes:
        New problems: problem means are independent; mean ± t(n−1)·sd/√n. Both: cell means in a
        two-way random layout, squared standard error (MS_problem + MS_direction − MS_rest)/(nk), t
        with min(n, k) − 1. Only problems with an outcome under every direction are used then. The
        score interval is Tango's of an effective number of problems (`analysis.statistics.score`)
        at the normal quantile, with directions at that of t; with one outcome per problem it is
        Tango's. Where nothing changed every problem counts once: p is 1, the interval the finding.

    Raises:
        Refusal: Pairing not declared, a "shared" baseline that differs within a problem, too few
            problems.

    References:
        Miller (2024), Adding error bars to evals, arXiv:2411.00640. Searle, Casella & McCulloch
        (1992), Variance Components. Owen (2007), Annals of Applied Statistics 1, 386–411 (crossed
        bootstrap). Rao & Scott (1992), Biometrics 48, 577–585; Tango (1998), Statistics in Medicine
        17, 891–908 (the score interval).
    """
    rng, resamples = generator(rng), draws(resamples)
    confidence = level("confidence", confidence)
    scope = None if scope is None else checked(scope, ProblemScope, "scope")
    cells, counts, squares, declared = _cell_means(table, pairing)
    complete: Array = np.all(counts > 0, axis=1)
    means = cells[complete]
    n, k = means.shape
    if n < 2:
        raise Refusal(f"{n} problems have an outcome under every direction: 2 are needed")
    both = k > 1 if scope is None else scope == NEW_BOTH
    if both and k < 2:
        raise Refusal("one direction cannot speak for new ones: scope='new problems'")
    used = int(counts[complete].sum())
    by_problem = means.mean(axis=1)
    between = float(by_problem.var(ddof=1))
    variance, df = _crossed(means) if both else (between / n, n - 1.0)
    error, estimate = float(np.sqrt(variance)), float(means.mean())
    by_t = _student(estimate, error, df, confidence)
    main = by_t
    if shares(table["steered"], table["baseline"]):
        # Directions are few: their quantile is that of t. Problems are counted as Tango counts.
        main = (
            _score(by_problem, variance, df, confidence)
            if both
            else _score(by_problem, None, np.inf, confidence)
        )
    few = both and k < DIRECTIONS_FOR_BOOTSTRAP
    limits = (None, None) if few else _bootstrap(means, both, rng, resamples, confidence)
    within = _within(squares, complete)
    total = float(within + means.var())
    return ClusteredDifference(
        method=f"crossed {main.name}, problems × directions"
        if both
        else f"cluster {main.name} over problems",
        n=n,
        estimate=estimate,
        low=main.low,
        high=main.high,
        confidence=confidence,
        p=main.p,
        statistic=main.statistic,
        status=NO_INFORMATION if not means.any() else DEGENERATE if np.isnan(main.p) else OK,
        scope=NEW_BOTH if both else NEW_PROBLEMS,
        dropped=int((~complete).sum()),
        dropped_what="problems without an outcome (under every direction)",
        k=k,
        outcomes=used,
        df=df,
        t_low=by_t.low if error > 0 else None,
        t_high=by_t.high if error > 0 else None,
        t_p=by_t.p if error > 0 else None,
        standard_error=error,
        between=between,
        within=within,
        design_effect=variance / (total / used) if total > 0 else np.nan,
        bootstrap_low=limits[0],
        bootstrap_high=limits[1],
        bootstrap_status=TOO_FEW_CONTROLS if few else OK,
        pairing=declared,
    )


class _Inference(NamedTuple):
    """A test and its interval, and what they are called."""

    name: str
    low: float
    high: float
    p: float
    statistic: float


def _student(estimate: float, error: float, df: float, confidence: float) -> _Inference:
    if error == 0:
        # Without any spread the mean is either exactly no change, or nothing can be said of it.
        return _Inference("t", np.nan, np.nan, np.nan if estimate else 1.0, np.nan)
    half = float(stats.t.isf((1 - confidence) / 2, df)) * error
    t = estimate / error
    p = float(floor_p(2 * stats.t.sf(abs(t), df)))
    return _Inference("t", estimate - half, estimate + half, p, t)


def _score(by_problem: Array, variance: float | None, df: float, confidence: float) -> _Inference:
    size, squares = float(np.abs(by_problem).sum()), float((by_problem**2).sum())
    counts = float(by_problem.sum()), size, squares, float(len(by_problem))
    z = score_statistic(*counts, variance)
    quantile = float(stats.t.isf((1 - confidence) / 2, df))
    low, high = score_limits(*counts, quantile, variance)
    p = float(floor_p(2 * stats.t.sf(abs(z), df)))
    return _Inference("score", float(low), float(high), p, z)


def _cell_means(
    table: Mapping[str, Any], pairing: Pairing | None
) -> tuple[Array, Array, list[tuple[Array, Array]], str]:
    """Mean difference and count per (problem, direction), and the pairing.

    The third is what `_within` needs: counts and squared deviations of each cell, of the
    differences or (where draws are independent) of the steered and of the baseline outcomes.
    """
    problem, direction, steered, baseline, shape = _columns(table)
    cell = problem * shape[1] + direction
    several = len(np.unique(cell)) < len(cell)
    if pairing is None and several:
        raise Refusal(
            f"{len(cell)} outcomes of {shape[0]} problems and no pairing: declare "
            "pairing='seeds' (each row a pair), 'shared' (one baseline per problem, repeated) or "
            "'independent' (separate draws)"
        )
    declared: Pairing = "seeds" if pairing is None else checked(pairing, Pairing, "pairing")
    size = shape[0] * shape[1]
    if declared == "independent":
        means, drawn, squares = _averages(steered, cell, size)
        base, base_counts, base_squares = _averages(baseline, cell, size)
        counts, means = np.where(base_counts > 0, drawn, 0), means - base
        parts = [(drawn, squares), (base_counts, base_squares)]
    else:
        if declared == "shared":
            _check_shared(baseline, problem)
        means, counts, squares = _averages(steered - baseline, cell, size)
        parts = [(counts, squares)]
    shaped = [(number.reshape(shape), square.reshape(shape)) for number, square in parts]
    return means.reshape(shape), counts.reshape(shape), shaped, declared


def _columns(table: Mapping[str, Any]) -> tuple[Array, Array, Array, Array, tuple[int, int]]:
    """Problem and direction as numbers, the outcomes, and how many problems and directions."""
    try:
        names = {name: name in table for name in ("problem", "steered", "baseline", "direction")}
        columns = {name: table[name] for name, given in names.items() if given}
    except (TypeError, KeyError, IndexError, ValueError):
        columns = {}
    missing = [name for name in ("problem", "steered", "baseline") if name not in columns]
    if missing:
        raise Refusal(
            f"the table lacks {', '.join(missing)}: columns problem, steered, baseline "
            "(and direction where there are several)"
        )
    problem, n = labels("problem", columns["problem"])
    direction, k = np.zeros(len(problem), int), min(n, 1)
    if "direction" in columns:
        direction, k = labels("direction", columns["direction"])
    steered, baseline = (answers(name, columns[name]) for name in ("steered", "baseline"))
    if not problem.shape == direction.shape == steered.shape == baseline.shape:
        raise Refusal("the columns of the table differ in length: pass one row per outcome")
    one_scale(baseline, steered)
    if n * k > LARGEST_TABLE:
        raise Refusal(f"{n} problems × {k} directions are too many: are the ids those of rows?")
    return problem, direction, steered, baseline, (n, k)


def _within(parts: list[tuple[Array, Array]], complete: Array) -> float:
    """Variance of a difference within the problems that are used; 0 with one outcome in each."""
    within = 0.0
    for counts, squares in parts:
        spare = (counts[complete] - (counts[complete] > 0)).sum()
        within += float(squares[complete].sum() / spare) if spare > 0 else 0.0
    return within


def _averages(values: Array, cell: Array, size: int) -> tuple[Array, Array, Array]:
    """Mean, count and sum of squared deviations of the present values of each cell."""
    present = ~np.isnan(values)
    values, cell = values[present], cell[present]
    counts = np.bincount(cell, minlength=size)
    means = np.bincount(cell, values, minlength=size) / np.maximum(counts, 1)
    return means, counts, np.bincount(cell, (values - means[cell]) ** 2, minlength=size)


def _check_shared(baseline: Array, problem: Array) -> None:
    order = np.lexsort((baseline, problem))
    values, groups = baseline[order], problem[order]
    differs = (groups[1:] == groups[:-1]) & (values[1:] != values[:-1])
    if (differs & ~np.isnan(values[1:])).any():
        raise Refusal(
            "pairing='shared' says one baseline per problem, but it differs within a problem: "
            "pairing='seeds' if rows are pairs, else 'independent'"
        )


def _crossed(means: Array) -> tuple[float, float]:
    """Squared standard error of the grand mean with both factors random, and its df."""
    n, k = means.shape
    rows, columns, grand = means.mean(axis=1), means.mean(axis=0), means.mean()
    problem = k * rows.var(ddof=1)
    direction = n * columns.var(ddof=1)
    rest = ((means - rows[:, None] - columns + grand) ** 2).sum() / ((n - 1) * (k - 1))
    # Never below what either factor alone gives: the sum of estimates can be negative.
    variance = max(problem + direction - rest, problem, direction) / (n * k)
    return float(variance), float(min(n, k) - 1)


def _bootstrap(
    means: Array, both: bool, rng: np.random.Generator, resamples: int, confidence: float
) -> tuple[float, float]:
    """Percentile limits; problems are redrawn, and directions too where `both`."""
    n, k = means.shape
    drawn, of_problems = np.empty(resamples), means.mean(axis=1)
    block = max(1, BLOCK_NUMBERS // max(n, k))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        if both:
            problems = rng.multinomial(n, np.full(n, 1 / n), size=size)
            directions = rng.multinomial(k, np.full(k, 1 / k), size=size)
            drawn[start : start + size] = (problems @ means / n * directions).sum(axis=1) / k
        else:
            # Eight times as fast as counting how often each problem was drawn.
            chosen = rng.integers(n, size=(size, n), dtype=np.uint32)
            drawn[start : start + size] = of_problems.take(chosen).mean(axis=1)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
