"""Seeds within problems, crossed directions, and looking before the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis.calibration.rows import SIGNIFICANCE, Effort, Row, rate
from analysis.statistics.clustered import clustered_difference
from analysis.statistics.paired import mid_p
from analysis.statistics.sequential import e_value

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
                ("cluster t", result.p <= SIGNIFICANCE),
                ("cluster bootstrap", not result.bootstrap_low <= 0 <= result.bootstrap_high),
            ):
                hits.setdefault(method, []).append(bool(hit))
        for method, values in hits.items():
            yield rate(
                "clusters", method, "size", values, {"problems": 60, "seeds": 8, "spread": spread}
            )
    for k in effort.controls:
        yield from _crossed(effort, rng, k)


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
