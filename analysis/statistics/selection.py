"""The best of several alphas, honestly: the search is part of the test and of the estimate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.statistics.checks import answers, level, numbers
from analysis.statistics.intervals import paired_difference
from analysis.statistics.results import (
    NO_INFORMATION,
    OK,
    TOO_FEW_CONTROLS,
    Estimate,
    Refusal,
    floor_p,
)
from analysis.statistics.signflips import Array, SignFlips, differences, t_squared
from analysis.vocabulary import SelectionMethod, Tail, checked


@dataclass(frozen=True, kw_only=True)
class BestAlpha(Estimate):
    """The best alpha, its effect estimated on problems that did not choose it.

    `estimate`, `low`, `high` come from the held-out half (`n` problems) at `split_alpha`, the
    best alpha of the other half; `covers` says what that interval is about. `cross_fitted` is the
    mean of both directions of the split: a point, without a test (a pooled two-fold test has
    size .067). `naive_*` are the figures of the search's winner on all problems, as usually
    printed. `null_gain` is what the same search gains without any effect. `p` is `p_search` or
    `p_max_t`, as `method` says; `p_rank` compares with controls searched in the same way.
    """

    estimate: float
    low: float = field()
    high: float = field()
    p: float = field()
    best_index: int
    """Column of the best alpha on all problems."""

    best_alpha: float
    """That alpha."""

    split_index: int
    """Column of the best alpha of the choosing half."""

    split_alpha: float
    """That alpha, whose effect is estimated on the other half."""

    cross_fitted: float
    """Mean of the estimates of both directions of the split, a fraction."""

    naive_estimate: float
    """Effect of the winner on all problems, a fraction: too good."""

    naive_low: float
    """Its lower limit, which ignores the search."""

    naive_high: float
    """Its upper limit, which ignores the search."""

    naive_p: float
    """Its p, which ignores the search."""

    null_gain: float
    """Mean gain of the same search without any effect, a fraction."""

    p_search: float
    """P of the largest effect among searches of flipped signs."""

    p_max_t: float
    """P of the largest standardised effect, by max-T."""

    p_rank: float | None
    """P among controls that were searched alike; None without controls."""

    rank_floor: float | None
    """The smallest p that this rank can have; None without controls."""

    family_size: int
    """Alphas that were searched."""

    resamples: int
    """Random sign flips."""

    covers: str
    """What the interval is about."""


def best_alpha(
    outcomes: ArrayLike,
    baseline: ArrayLike,
    *,
    rng: np.random.Generator,
    alphas: Sequence[float] | None = None,
    tail: Tail = "greater",
    method: SelectionMethod = "max-t",
    resamples: int = 9999,
    confidence: float = 0.95,
    controls: ArrayLike | None = None,
) -> BestAlpha:
    """Test and estimate the effect of the best of m alphas chosen on the same problems.

    Args:
        outcomes: array, shape (n, m). Outcome of each problem at each alpha (0/1, or a mean over
            seeds; NaN: missing).
        baseline: array, shape (n,).
        tail: What "best" means: largest gain, largest loss, or largest change.
        method: "max-t" takes the largest T = Σd/√Σd² of each sign flip, which gives alphas that
            change little the same say. "search" repeats the search for the largest effect, and
            rejects too often near accuracy 0. Both p-values are always in the result.
        controls: array, shape (k, n, m). Outcomes of k control directions at the same alphas,
            searched in the same way.

    Notes:
        Under the null a problem's row of differences and its negative are equally likely. The
        interval covers the effect, on new problems, of the alpha that one half of these problems
        chose: neither that of the truly best alpha, nor that of the winner on all of them.

    References:
        Westfall & Young (1993), Resampling-Based Multiple Testing. Efron (2011), JASA 106,
        1602–1614 (the winner's curse).
    """
    checked(tail, Tail, "tail")
    checked(method, SelectionMethod, "method")
    confidence = level("confidence", confidence)
    d, present = differences(outcomes, baseline)
    n, m = present.sum(axis=0), d.shape[1]
    doses = np.arange(m) if alphas is None else numbers("alphas", alphas)
    if doses.shape != (m,) or len(d) < 4:
        raise Refusal(
            f"found {doses.size} alphas for {m} columns and {len(d)} problems (4 or more)"
        )
    effects = d.sum(axis=0) / n
    best = int(np.argmax(_toward(effects, tail)))
    p, null_gain, flips = _search_p(d, n, tail, rng, resamples)
    half = rng.permutation(len(d)) < len(d) // 2
    chosen, held_out = _estimate_apart(d, present, half, tail, confidence)
    _, other = _estimate_apart(d, present, ~half, tail, confidence)
    naive = _effect_at(d[:, best], present[:, best], confidence)
    p_rank = None if controls is None else _rank(controls, baseline, effects, tail)
    k = None if controls is None else len(np.asarray(controls))
    floor = None if k is None else 1 / (k + 1)
    nothing = not (d != 0).any()
    few = floor is not None and floor > 1 - confidence + 1e-12
    return BestAlpha(
        method=f"{method}, sign flips; estimate from a split",
        n=held_out.n,
        estimate=held_out.estimate,
        low=held_out.low,
        high=held_out.high,
        confidence=confidence,
        p=p[method],
        statistic=float(effects[best]),
        status=NO_INFORMATION if nothing else TOO_FEW_CONTROLS if few else OK,
        dropped=int((~present).sum()),
        dropped_what="pairs with a missing outcome, over all alphas",
        best_index=best,
        best_alpha=float(doses[best]),
        split_index=chosen,
        split_alpha=float(doses[chosen]),
        cross_fitted=(held_out.estimate + other.estimate) / 2,
        naive_estimate=float(effects[best]),
        naive_low=naive.low,
        naive_high=naive.high,
        naive_p=naive.p,
        null_gain=null_gain,
        p_search=p["search"],
        p_max_t=p["max-t"],
        p_rank=p_rank,
        rank_floor=floor,
        family_size=m,
        resamples=flips.count,
        covers=(
            f"the effect on new problems of alpha = {doses[chosen]:g}, which the other half "
            "chose; not of the alpha that is truly best"
        ),
    )


def _toward(values: Any, tail: str) -> Any:
    if tail == "two-sided":
        return np.abs(values)
    return values if tail == "greater" else -values


def _search_p(
    d: Array, n: Array, tail: str, rng: np.random.Generator, resamples: int
) -> tuple[dict[str, float], float, SignFlips]:
    """P-values of the search and of max-T, and the mean best effect under sign flips."""
    squares = (d**2).sum(axis=0)

    def largest(sums: Array) -> tuple[Array, Array]:
        """The largest effect and the largest signed t² of each row of sums."""
        sums = sums.astype(np.float64)
        signed = np.sign(sums) * t_squared(sums, squares)
        return _toward(sums / n, tail).max(axis=-1), _toward(signed, tail).max(axis=-1)

    flips = SignFlips(d, rng=rng, resamples=resamples)
    observed = largest(d.sum(axis=0))
    gains, statistics = np.empty(flips.count), np.empty(flips.count)
    for start, sums in flips:
        stop = start + len(sums)
        gains[start:stop], statistics[start:stop] = largest(sums)
    reached = [
        int((drawn >= value - (0 if flips.whole else 1e-9 * abs(value))).sum())
        for drawn, value in zip((gains, statistics), observed, strict=True)
    ]
    p = [float(floor_p(flips.p_value(count))) for count in reached]
    return {"search": p[0], "max-t": p[1]}, float(gains.mean()), flips


def _estimate_apart(
    d: Array, present: Array, choosing: Array, tail: str, confidence: float
) -> tuple[int, _Effect]:
    """Choose on `choosing`, estimate on the rest."""
    counts = present[choosing].sum(axis=0)
    effects = d[choosing].sum(axis=0) / np.maximum(counts, 1)
    chosen = int(np.argmax(np.where(counts > 0, _toward(effects, tail), -np.inf)))
    return chosen, _effect_at(d[~choosing, chosen], present[~choosing, chosen], confidence)


class _Effect(NamedTuple):
    """Effect of one alpha on the problems at hand."""

    estimate: float
    low: float
    high: float
    n: int
    p: float


def _effect_at(d: Array, present: Array, confidence: float) -> _Effect:
    """Effect, limits, n and p of one column: Tango and mid-p for 0/1 outcomes, else Student's t."""
    d, n = d[present], int(present.sum())
    if n < 2:
        raise Refusal("half of the problems has fewer than two pairs at the chosen alpha")
    if np.isin(d, (-1, 0, 1)).all():
        gained, lost = int((d > 0).sum()), int((d < 0).sum())
        effect = paired_difference(gained, lost, n, confidence=confidence)
        return _Effect(effect.estimate, effect.low, effect.high, n, effect.p)
    if np.ptp(d) == 0:
        # Equal differences say nothing about their spread.
        return _Effect(float(d[0]), -np.inf, np.inf, n, 1.0)
    test = stats.ttest_1samp(d, 0.0)
    interval = test.confidence_interval(confidence)
    return _Effect(
        float(d.mean()), float(interval.low), float(interval.high), n, float(floor_p(test.pvalue))
    )


def _rank(controls: ArrayLike, baseline: ArrayLike, effects: Array, tail: str) -> float:
    others = answers("controls", controls)
    if others.ndim != 3 or others.shape[2] != len(effects) or not len(others):
        raise Refusal(f"controls must be (k, n, m) with the same m, found shape {others.shape}")
    candidate = _toward(effects, tail).max()
    reached = 0
    for outcomes in others:
        d, present = differences(outcomes, baseline)
        reached += int(
            _toward(d.sum(axis=0) / present.sum(axis=0), tail).max() >= candidate - 1e-12
        )
    return (1 + reached) / (len(others) + 1)
