"""What the guide warns of: methods that look right, and how wrong they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from analysis.calibration.rows import Effort, Row, average, noisy_runs, rate
from analysis.statistics.bootstrap import bootstrap_difference
from analysis.statistics.dose import dose_response
from analysis.statistics.intervals import paired_difference
from analysis.statistics.paired import mid_p
from analysis.statistics.selection import best_alpha
from analysis.vocabulary import CONFIDENCE, SIGNIFICANCE

DOSES = np.arange(-3.0, 4.0)


def traps_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """Pooled seeds, pooled halves, permuted doses, strata by the baseline, few for a bootstrap."""
    size = max(200, effort.tables // 5)
    for spread in (0.2, 0.5, 1.0):
        yield _pooled_seeds(rng, size, spread)
    yield _pooled_halves(rng, size)
    yield from _permuted_doses(rng, max(20, effort.searches // 2))
    for discordance in (0.07, 0.12, 0.20):
        runs = noisy_runs(rng, (size, 86, 2), discordance)
        wrong = runs[..., 0] == 0
        gains = (runs[..., 1] * wrong).sum(axis=1) / wrong.sum(axis=1)
        setting = {"n": 86, "discordance": discordance}
        method = "effect in the stratum of wrong baselines (wrong)"
        yield average("traps", method, "gain", gains, setting)
    yield from _few_changes(rng, effort.tables)
    for k in (5, 10, 19):
        yield _few_directions(rng, size, k)
    yield from _twelve_alphas(effort, rng)


def _pooled_seeds(rng: np.random.Generator, size: int, spread: float) -> Row:
    """60 problems × 8 seeds; each problem answers to steering in its own way, on average not."""
    level = rng.random((size, 60, 1))
    own = level + spread * np.sqrt(level * (1 - level)) * rng.normal(size=(size, 60, 1))
    steered = rng.random((size, 60, 8)) < np.clip(own, 0, 1)
    baseline = rng.random((size, 60, 8)) < level
    gained, lost = (steered & ~baseline).sum(axis=(1, 2)), (baseline & ~steered).sum(axis=(1, 2))
    setting = {"problems": 60, "seeds": 8, "spread": spread}
    return rate(
        "traps",
        "McNemar on pooled seeds (wrong)",
        "size",
        mid_p(gained, lost) <= SIGNIFICANCE,
        setting,
    )


def _pooled_halves(rng: np.random.Generator, size: int) -> Row:
    """Each half of 86 problems chooses one of six alphas for the other; both tested as one."""
    runs = noisy_runs(rng, (size, 86, 7), 0.12)
    d = runs[..., 1:] - runs[..., :1]
    half, at = 43, np.arange(size)
    first, second = d[:, :half].mean(axis=1).argmax(axis=1), d[:, half:].mean(axis=1).argmax(axis=1)
    pooled = np.concatenate([d[at, :half, second], d[at, half:, first]], axis=1)
    t = pooled.mean(axis=1) / pooled.std(axis=1, ddof=1) * np.sqrt(86)
    rejected = np.abs(t) > stats.norm.isf(SIGNIFICANCE / 2)
    setting = {"n": 86, "discordance": 0.12}
    return rate("traps", "two halves, pooled (wrong)", "size", rejected, setting)


def _permuted_doses(rng: np.random.Generator, size: int) -> Iterator[Row]:
    """Even damage, and problems that drift along alpha, as often up as down."""
    hits: dict[str, list[bool]] = {"reflection": [], "permuted doses (wrong)": []}
    for _ in range(size):
        drift = rng.normal(0, 0.08, (80, 1)) * DOSES
        y = (rng.random((80, 1)) + drift < 0.7 - 0.08 * np.abs(DOSES)).astype(float)
        p = dose_response(y, DOSES, rng=rng, resamples=199).p
        hits["reflection"].append(p <= SIGNIFICANCE + 1e-12)
        order = rng.permuted(np.broadcast_to(np.arange(7), (199, 80, 7)), axis=2)
        drawn = np.abs(np.take_along_axis(y[None], order, axis=2).mean(axis=1) @ DOSES)
        reached = (drawn >= np.abs(y.mean(axis=0) @ DOSES) - 1e-12).sum()
        hits["permuted doses (wrong)"].append(bool((1 + reached) / 200 <= SIGNIFICANCE))
    for method, values in hits.items():
        yield rate("traps", method, "size", values, {"n": 80, "damage": 0.08})


def _few_changes(rng: np.random.Generator, size: int) -> Iterator[Row]:
    """50 problems of which 5 % are gained and 5 % lost; 86 of which 2 % are lost."""
    for n, gain, loss in ((50, 0.05, 0.05), (86, 0.0, 0.02)):
        counts = rng.multinomial(n, [gain, loss, 1 - gain - loss], size=size)[:, :2]
        tables, times = np.unique(counts, axis=0, return_counts=True)
        gained, lost = tables.T
        found = {
            "Tango": paired_difference(gained, lost, n),
            "bootstrap": bootstrap_difference(gained, lost, n, method="exact"),
            "bootstrap BCa": bootstrap_difference(
                gained, lost, n, method="bca", rng=rng, resamples=999
            ),
        }
        for method, result in found.items():
            low, high = np.asarray(result.low), np.asarray(result.high)
            inside = (low <= gain - loss + 1e-9) & (high >= gain - loss - 1e-9)
            setting = {"n": n, "gained": gain, "lost": loss}
            yield rate("traps", method, "coverage", np.repeat(inside, times), setting)


def _few_directions(rng: np.random.Generator, size: int, k: int) -> Row:
    """The percentile bootstrap over k normal directions, with as many problems as one likes."""
    means = rng.normal(size=(size, k))
    draws = np.take_along_axis(means[:, None], rng.integers(0, k, (size, 399, k)), axis=2)
    low, high = np.quantile(
        draws.mean(axis=2), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=1
    )
    inside = (low <= 0) & (high >= 0)
    return rate("traps", "bootstrap of directions (wrong)", "coverage", inside, {"k": k})


def _twelve_alphas(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """86 problems of which 5 % are answered right, each time others: the best of twelve alphas."""
    hits: dict[str, list[bool]] = {"best of 12, max-T": [], "best of 12, search (wrong)": []}
    for _ in range(effort.searches):
        y = (rng.random((86, 13)) < 0.05).astype(float)
        best = best_alpha(y[:, 1:], y[:, 0], rng=rng, resamples=effort.resamples)
        hits["best of 12, max-T"].append(best.p_max_t <= SIGNIFICANCE + 1e-12)
        hits["best of 12, search (wrong)"].append(best.p_search <= SIGNIFICANCE + 1e-12)
    for method, values in hits.items():
        yield rate("traps", method, "size", values, {"n": 86, "accuracy": 0.05})
