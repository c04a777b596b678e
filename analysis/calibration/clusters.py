"""Seeds within problems, crossed directions, and looking before the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import special

from analysis.calibration.rows import Effort, Row, rate
from analysis.statistics.clustered import clustered_difference
from analysis.statistics.mixed import mixed_model
from analysis.statistics.paired import mid_p
from analysis.statistics.sequential import e_value
from analysis.vocabulary import SIGNIFICANCE

LOOK_EVERY, LOOKS_N = 10, 500


def clusters_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """60 problems × 8 seeds without an effect; 60 problems × k directions × 2 seeds."""
    for spread in (0.2, 0.5):
        hits: dict[str, list[bool]] = {}
        for _ in range(effort.searches):
            level = rng.random((60, 1))
            right_rate = np.clip(
                level + spread * np.sqrt(level * (1 - level)) * rng.normal(size=(60, 1)), 0, 1
            )
            steered = (rng.random((60, 8)) < right_rate).astype(float)
            baseline = (rng.random((60, 8)) < level).astype(float)
            table = {
                "problem": np.repeat(np.arange(60), 8),
                "steered": steered.ravel(),
                "baseline": baseline.ravel(),
            }
            result: Any = clustered_difference(table, rng=rng, pairing="seeds", resamples=399)
            change = steered - baseline
            pooled = mid_p(np.array((change > 0).sum()), np.array((change < 0).sum()))
            for method, hit in (
                ("McNemar on pooled seeds (wrong)", bool(pooled <= SIGNIFICANCE)),
                ("cluster score", result.p <= SIGNIFICANCE),
                ("cluster t", result.t_p is not None and result.t_p <= SIGNIFICANCE),
                ("cluster bootstrap", not result.bootstrap_low <= 0 <= result.bootstrap_high),
            ):
                hits.setdefault(method, []).append(bool(hit))
        for method, values in hits.items():
            yield rate(
                "clusters", method, "size", values, {"problems": 60, "seeds": 8, "spread": spread}
            )
    for k in effort.controls:
        yield from _crossed(effort, rng, k)
    yield from _few_lost(effort, rng)
    for k, seeds in ((1, 8), (5, 2), (19, 1)):
        yield _mixed(max(10, effort.searches // 10), rng, k, seeds)


def _mixed(size: int, rng: np.random.Generator, k: int, seeds: int) -> Row:
    """Coverage of half a log odds: problems, their answers and directions vary in log odds."""
    inside = []
    steered = np.tile(np.repeat([0, 1], [1, k]), 60 * seeds)
    problem = np.repeat(np.arange(60), seeds * (1 + k))
    direction = np.tile(np.arange(-1, k), 60 * seeds)
    for _ in range(size):
        level, own = rng.normal(0, 1.2, 60)[problem], rng.normal(0, 0.6, 60)[problem]
        spread = rng.normal(0, 0.4 if k > 1 else 0.0, k)[direction] * steered
        odds = level + (steered - 0.5) * (0.5 + own) + spread
        table = {
            "problem": problem,
            "right": (rng.random(len(odds)) < special.expit(odds)).astype(float),
            "steered": steered,
            "direction": direction,
        }
        found = mixed_model(table)
        inside.append(found.low <= 0.5 <= found.high)
    setting = {"problems": 60, "seeds": seeds, "k": k}
    return rate("clusters", "mixed model", "coverage", inside, setting)


# Problems that are lost in every seed, and outcomes that flip either way besides.
FEW_LOST, CHURN = 0.03, (0.0, 0.01, 0.05)


def _few_lost(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """61 problems × 8 seeds of which 3 % are lost altogether, with and without churn."""
    for churn in CHURN:
        inside: dict[str, list[bool]] = {"cluster score": [], "cluster t": []}
        for _ in range(effort.searches):
            lost = rng.random((61, 1)) < FEW_LOST
            draw = rng.random((61, 8))
            baseline = np.where(lost, 1.0, (draw >= churn).astype(float))
            steered = np.where(lost, 0.0, (np.abs(draw - 1.5 * churn) >= churn / 2).astype(float))
            table = {
                "problem": np.repeat(np.arange(61), 8),
                "steered": steered.ravel(),
                "baseline": baseline.ravel(),
            }
            found = clustered_difference(table, rng=rng, pairing="seeds", resamples=19)
            limits = {
                "cluster score": (found.low, found.high),
                "cluster t": (found.t_low or 0.0, found.t_high or 0.0),
            }
            for method, (low, high) in limits.items():
                inside[method].append(low <= -FEW_LOST <= high)
        setting = {"problems": 61, "seeds": 8, "lost": FEW_LOST, "churn": churn}
        for method, hits in inside.items():
            mark = (0.93, 1.0) if method == "cluster score" else None
            yield rate("clusters", method, "coverage", hits, setting, mark=mark)


def _crossed(effort: Effort, rng: np.random.Generator, k: int) -> Iterator[Row]:
    inside, percentile = [], []
    size = max(100, effort.searches)
    at = np.indices((60, k, 2))
    for _ in range(size):
        cells = rng.normal(0, 0.2, (60, 1, 1)) + rng.normal(0, 0.1, (1, k, 1))
        values = cells + rng.normal(0, 0.5, (60, k, 2))
        table = {
            "problem": at[0].ravel(),
            "direction": at[1].ravel(),
            "steered": values.ravel(),
            "baseline": np.zeros(values.size),
        }
        result = clustered_difference(table, rng=rng, pairing="seeds", resamples=199)
        inside.append(result.low <= 0 <= result.high)
        if result.bootstrap_low is not None and result.bootstrap_high is not None:
            percentile.append(result.bootstrap_low <= 0 <= result.bootstrap_high)
    setting = {"problems": 60, "seeds": 2, "k": k}
    yield rate("clusters", "crossed t(k−1)", "coverage", inside, setting)
    if percentile:
        yield rate("clusters", "crossed bootstrap", "coverage", percentile, setting)


def looks_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """An e-value looked at after every problem, beside mid-p looked at every tenth."""
    size = max(200, effort.tables // 2)
    for discordance in effort.discordances:
        for share, quantity in ((0.0, "size"), (0.4, "power")):
            crossed, peeked = [], []
            for start in range(0, size, 1000):
                block = min(1000, size - start)
                draws = rng.random((block, LOOKS_N))
                up = (discordance * (1 + share)) / 2
                gained = np.cumsum(draws < up, axis=1)
                lost = np.cumsum((draws >= up) & (draws < discordance), axis=1)
                log_e: Any = e_value(gained, lost).log_e
                crossed.append((log_e >= np.log(1 / SIGNIFICANCE)).any(axis=1))
                looks = slice(LOOK_EVERY - 1, None, LOOK_EVERY)
                at_looks: Any = gained[:, looks], lost[:, looks]
                peeked.append((mid_p(*at_looks) <= SIGNIFICANCE).any(axis=1))
            setting = {"n": LOOKS_N, "discordance": discordance, "effect": share * discordance}
            yield rate(
                "looks",
                "e-value, every problem",
                quantity,
                np.concatenate(crossed),
                setting,
                mark=None if share else (0.0, 0.05),
            )
            yield rate(
                "looks", "mid-p, every 10 (wrong)", quantity, np.concatenate(peeked), setting
            )
