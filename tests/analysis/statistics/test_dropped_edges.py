"""What a statistic leaves out is counted, and named in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from analysis import (
    best_alpha,
    candidate_minus_controls,
    clustered_difference,
    cochrans_q,
    control_spread,
    dose_response,
    fragility,
    max_t,
    mcnemar,
    missing_bounds,
    permutation_test,
    sign_test,
    stratum_homogeneity,
)

NAN = float("nan")
# Six problems under three conditions; the second problem lacks one outcome.
Y = np.array([[1, 0, 1], [0, NAN, 1], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 0]])
FIRST = np.array([0.0, 1, 0, 1, 1, 0])


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize(
    ("call", "dropped", "words"),
    [
        (lambda: mcnemar(4, 2, n=86), 80, "unchanged pairs"),
        (lambda: sign_test(4, 2, n=86), 80, "unchanged pairs"),
        (lambda: permutation_test([1.0, 0.0, 0.0, -0.5]), 2, "unchanged problems"),
        (lambda: missing_bounds([[5, 1, 2], [1, 5, 0], [0, 0, 1]]), 3, "missing outcome"),
        (lambda: fragility(7, 9, 30, fragile_gained=1, fragile_lost=2), 3, "fragile pairs"),
        (lambda: stratum_homogeneity([3, 0, 2], [1, 0, 4]), 1, "strata in which nothing changed"),
        (lambda: cochrans_q(Y), 1, "problems without an outcome"),
        (lambda: control_spread(Y), 1, "problems without an outcome"),
        (lambda: candidate_minus_controls(FIRST, Y), 1, "problems without an outcome"),
        (lambda: best_alpha(Y, FIRST, rng=rng()), 1, "missing outcome"),
        (lambda: dose_response(Y, [-1, 0, 1], rng=rng()), 1, "problems without an outcome"),
        (
            lambda: clustered_difference(
                {"problem": range(6), "steered": Y[:, 1], "baseline": FIRST}, rng=rng()
            ),
            1,
            "problems without an outcome",
        ),
    ],
)
def test_it_is_counted_and_named(call: Callable[[], Any], dropped: int, words: str) -> None:
    found = call()
    assert found.dropped == dropped
    assert words in found.dropped_what


def test_max_t_counts_per_condition() -> None:
    found = max_t(Y, FIRST, rng=rng())
    assert np.asarray(found.dropped).tolist() == [0, 1, 0]
    assert "missing outcome" in found.dropped_what
