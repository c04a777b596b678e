"""Tests and intervals of gained and lost: counts are drawn, each different table is done once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis.calibration.rows import Effort, Mark, Row, rate
from analysis.statistics.bootstrap import bootstrap_difference
from analysis.statistics.equivalence import equivalence, non_inferiority
from analysis.statistics.intervals import paired_difference
from analysis.statistics.paired import mcnemar
from analysis.vocabulary import (
    CONFIDENCE,
    SIGNIFICANCE,
    BootstrapMethod,
    IntervalMethod,
    TestMethod,
)

# Effects as shares of the discordance: 0.8 means nine gained for each one lost.
SHARES = (0.0, 0.4, 0.8, 1.0)
MARGIN = 0.05
TESTS: dict[str, TestMethod] = {
    "McNemar mid-p": "midp",
    "McNemar exact, sign test": "exact",
    "McNemar χ²": "chi2",
}
INTERVALS: dict[str, IntervalMethod] = {
    "Tango": "tango",
    "Bonett–Price": "bonett-price",
    "Wald": "wald",
}
BOOTSTRAPS: dict[str, BootstrapMethod] = {"bootstrap": "exact", "bootstrap BCa": "bca"}


def pairs_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """Size and power of the tests, coverage of the intervals, size of equivalence tests."""
    for n in effort.problems:
        for discordance in effort.discordances:
            for share in SHARES:
                draws = _draw(rng, n, discordance, share * discordance, effort.tables)
                yield from _tests(draws, n, discordance, share)
                yield from _intervals(draws, n, discordance, share, rng)
            if discordance > MARGIN:
                draws = _draw(rng, n, discordance, MARGIN, effort.tables)
                yield from _margins(draws, n, discordance)


def _draw(
    rng: np.random.Generator, n: int, discordance: float, effect: float, size: int
) -> tuple[Any, Any, Any]:
    """Different (gained, lost) tables among `size` draws, and how often each came."""
    cells = [(discordance + effect) / 2, (discordance - effect) / 2]
    counts = rng.multinomial(n, [*cells, 1 - sum(cells)], size=size)[:, :2]
    tables, times = np.unique(counts, axis=0, return_counts=True)
    return tables[:, 0], tables[:, 1], times


def _tests(draws: tuple[Any, Any, Any], n: int, discordance: float, share: float) -> Iterator[Row]:
    gained, lost, times = draws
    setting = {"n": n, "discordance": discordance, "effect": share * discordance}
    for name, method in TESTS.items():
        rejected = np.asarray(mcnemar(gained, lost, method=method).p) <= SIGNIFICANCE
        mark: Mark = None
        if share == 0 and method == "midp":
            mark = (0.03 if n * discordance >= 6 else 0.0, 0.055)
        yield rate(
            "pairs",
            name,
            "power" if share else "size",
            np.repeat(rejected, times),
            setting,
            mark=mark,
        )


def _intervals(
    draws: tuple[Any, Any, Any],
    n: int,
    discordance: float,
    share: float,
    rng: np.random.Generator,
) -> Iterator[Row]:
    gained, lost, times = draws
    effect = share * discordance
    results = {
        name: paired_difference(gained, lost, n, method=method, confidence=CONFIDENCE)
        for name, method in INTERVALS.items()
    } | {
        name: bootstrap_difference(gained, lost, n, method=method, rng=rng, resamples=999)
        for name, method in BOOTSTRAPS.items()
    }
    for name, result in results.items():
        low, high = np.asarray(result.low), np.asarray(result.high)
        # Limits on the grid of 1/n meet a true effect on the same grid: rounding must not decide.
        inside = (low <= effect + 1e-9) & (high >= effect - 1e-9)
        yield rate(
            "pairs",
            name,
            "coverage",
            np.repeat(inside, times),
            {"n": n, "discordance": discordance, "effect": effect},
            mark=tango_mark(n * discordance, share) if name == "Tango" else None,
        )


def tango_mark(discordant: float, share: float) -> Mark:
    """What was asked of Tango's coverage at this many expected discordant pairs."""
    if discordant >= 10 and abs(share) <= 0.8:
        return (0.935, 0.96)
    return (0.93, 0.975) if discordant >= 5 else None


def _margins(draws: tuple[Any, Any, Any], n: int, discordance: float) -> Iterator[Row]:
    """At an effect of exactly the margin, where nothing should be shown: size."""
    gained, lost, times = draws
    setting = {"n": n, "discordance": discordance, "effect": MARGIN}
    tests = {
        "equivalence ±5 points": equivalence(
            gained, lost, n, margin=MARGIN, significance=SIGNIFICANCE
        ),
        "does no harm, 5 points": non_inferiority(
            lost, gained, n, margin=MARGIN, significance=SIGNIFICANCE
        ),
    }
    for name, result in tests.items():
        yield rate(
            "pairs", name, "size", np.repeat(np.asarray(result.p) <= SIGNIFICANCE, times), setting
        )
