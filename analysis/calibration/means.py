"""A metric per problem, one accuracy, and sequences of intervals that may be read at any time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis.calibration.rows import Effort, Row, rate
from analysis.statistics.bootstrap import bootstrap_mean
from analysis.statistics.intervals import wilson
from analysis.statistics.permutation import permutation_test
from analysis.statistics.sequential import confidence_sequence
from analysis.vocabulary import SIGNIFICANCE, ResamplingMethod

LOOKS = np.arange(25, 501, 25)
ACCURACIES = (0.05, 0.3, 0.9)


def means_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """Sign-flip test and bootstrap of a mean; Wilson's interval of one accuracy."""
    for n in effort.problems:
        heavy: list[bool] = []
        covered: dict[ResamplingMethod, list[bool]] = {"percentile": [], "bca": []}
        for _ in range(effort.searches // 2):
            flips = permutation_test(rng.standard_t(3, n), rng=rng, resamples=effort.resamples)
            heavy.append(flips.p <= SIGNIFICANCE + 1e-12)
            skewed = rng.standard_exponential(n) - 1
            for method, hits in covered.items():
                interval = bootstrap_mean(skewed, rng=rng, resamples=999, method=method)
                hits.append(bool(interval.low <= 0 <= interval.high))
        yield rate("means", "permutation, heavy tails", "size", heavy, {"n": n})
        yield rate("means", "bootstrap mean, skewed", "coverage", covered["percentile"], {"n": n})
        yield rate("means", "bootstrap mean BCa, skewed", "coverage", covered["bca"], {"n": n})
        for accuracy in ACCURACIES:
            limits: Any = wilson(rng.binomial(n, accuracy, effort.tables), n)
            inside = (limits.low <= accuracy) & (accuracy <= limits.high)
            yield rate("means", "Wilson", "coverage", inside, {"n": n, "accuracy": accuracy})


def sequences_section(effort: Effort, rng: np.random.Generator) -> Iterator[Row]:
    """Confidence sequences: inside at every look, of 20 over 500 problems."""
    size = max(50, effort.searches // 2)
    for discordance in effort.discordances:
        for share in (0.0, 0.4):
            draws = rng.random((size, LOOKS[-1]))
            up = discordance * (1 + share) / 2
            gained = np.cumsum(draws < up, axis=1)[:, LOOKS - 1]
            lost = np.cumsum((draws >= up) & (draws < discordance), axis=1)[:, LOOKS - 1]
            n = np.broadcast_to(LOOKS, gained.shape)
            for method in ("combined", "multinomial"):
                sequence: Any = confidence_sequence(gained, lost, n, method=method)
                effect = share * discordance
                inside = ((sequence.low <= effect) & (effect <= sequence.high)).all(axis=1)
                yield rate(
                    "sequences",
                    f"confidence sequence, {method}",
                    "coverage",
                    inside,
                    {"discordance": discordance, "effect": effect},
                    mark=(0.95, 1.0),
                )
