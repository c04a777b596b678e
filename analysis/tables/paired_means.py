"""Means of a number per problem, steered beside the baseline, and the test of their change.

Seeds are averaged within a problem; the problem is the unit. What is not known of a pair on both
sides is missing, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.vocabulary import CONFIDENCE

SEED, RESAMPLES = 0, 9999
Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class PairedMeans:
    """Mean of a number per problem, steered and at the baseline."""

    problems: Array
    steered: Array
    baseline: Array
    n_missing: int
    """Problems without a finite one on both sides."""

    @property
    def differences(self) -> Array:
        """Steered minus baseline of each problem."""
        return np.asarray(self.steered - self.baseline)


def paired_means(problem: Array, steered: Array, baseline: Array) -> PairedMeans | None:
    """Means per problem of one row per (problem, seed); None where nothing is known twice."""
    known = np.isfinite(steered) & np.isfinite(baseline)
    if not known.any():
        return None
    every = len(np.unique(problem))
    problems, at = np.unique(problem[known], return_inverse=True)
    count = np.bincount(at)
    return PairedMeans(
        problems=problems,
        steered=np.bincount(at, steered[known]) / count,
        baseline=np.bincount(at, baseline[known]) / count,
        n_missing=every - len(problems),
    )


def mean_change(own: PairedMeans) -> dict[str, Any]:
    """Interval and tests of the mean change: Student's t, sign flips, percentile bootstrap."""
    from analysis.statistics.clustered import clustered_difference
    from analysis.statistics.permutation import permutation_test
    from analysis.statistics.results import NO_INFORMATION

    if len(own.problems) < 2:
        return {"status": NO_INFORMATION}
    table = {"problem": own.problems, "steered": own.steered, "baseline": own.baseline}
    mean = clustered_difference(table, rng=np.random.default_rng(SEED), confidence=CONFIDENCE)
    flips = permutation_test(own.differences, rng=np.random.default_rng(SEED), resamples=RESAMPLES)
    return {
        "low": mean.t_low,
        "high": mean.t_high,
        "p": flips.p,
        "p_t": mean.t_p,
        "bootstrap_low": mean.bootstrap_low,
        "bootstrap_high": mean.bootstrap_high,
        "status": str(flips.status),
    }
