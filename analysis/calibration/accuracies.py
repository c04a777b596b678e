"""The best of six alphas over accuracies near 0 and 1: its test, its interval, its empty gain."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analysis.calibration.rows import Effort, Row, average, rate, runs_of_accuracy
from analysis.statistics.selection import best_alpha
from analysis.vocabulary import SIGNIFICANCE

ACCURACIES = (0.02, 0.1, 0.5, 0.9, 0.98)
# How often two runs disagree, in units of a (1 − a): 2 where they have nothing in common.
SHARES = (1.0, 2.0)
GAIN_ACCURACIES = (0.1, 0.3, 0.5, 0.7, 0.9)
GAIN_DISCORDANCES = (0.07, 0.12, 0.20)
GAIN_PROBLEMS = 86
ALPHAS = 6


def accuracies_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """No effect: size of both tests, coverage of the split, and what the best of six gains."""
    for n in effort.problems:
        for accuracy in ACCURACIES:
            for share in SHARES:
                yield from _searches(effort, rng, n, accuracy, share * accuracy * (1 - accuracy))
    for accuracy in GAIN_ACCURACIES:
        for discordance in GAIN_DISCORDANCES:
            if discordance <= 2 * accuracy * (1 - accuracy):
                shape = (max(100, effort.tables // 10), GAIN_PROBLEMS, 1 + ALPHAS)
                y = runs_of_accuracy(rng, shape, accuracy, discordance).mean(axis=1)
                gains = (y[:, 1:] - y[:, :1]).max(axis=1)
                setting = {"n": GAIN_PROBLEMS, "accuracy": accuracy, "discordance": discordance}
                yield average("accuracies", "best of six, as printed", "gain", gains, setting)


def _searches(
    effort: Effort, rng: np.random.Generator, n: int, accuracy: float, discordance: float
) -> Iterator[Row]:
    hits: dict[str, list[bool]] = {}
    for _ in range(effort.searches):
        y = runs_of_accuracy(rng, (n, 1 + ALPHAS), accuracy, discordance)
        best = best_alpha(y[:, 1:], y[:, 0], rng=rng, resamples=effort.resamples)
        found = {
            "best alpha, max-T": best.p_max_t <= SIGNIFICANCE + 1e-12,
            "best alpha, search": best.p_search <= SIGNIFICANCE + 1e-12,
            "interval from the split": best.low <= 0 <= best.high,
        }
        for method, hit in found.items():
            hits.setdefault(method, []).append(bool(hit))
    setting = {"n": n, "accuracy": accuracy, "discordance": discordance}
    for method, values in hits.items():
        quantity = "coverage" if "interval" in method else "size"
        mark = (0.0, 0.055) if method == "best alpha, max-T" else None
        yield rate("accuracies", method, quantity, values, setting, mark=mark)
