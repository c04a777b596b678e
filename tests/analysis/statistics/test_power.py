"""Power by exact sums: printed values, R's double sum, simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analysis import (
    Refusal,
    e_value,
    mcnemar,
    mcnemar_power,
    minimum_detectable_effect,
    paired_difference,
    sample_size,
)
from analysis.statistics.power import rejection_count
from analysis.vocabulary import TestMethod


def test_printed_values() -> None:
    printed: dict[TestMethod, list[float]] = {
        "midp": [0.118, 0.239, 0.435, 0.830],
        "exact": [0.069, 0.178, 0.373, 0.802],
    }
    for method, expected in printed.items():
        found = [
            mcnemar_power(n, effect=0.05, discordance=0.15, method=method).power
            for n in (50, 100, 200, 500)
        ]
        assert found == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("method", ["midp", "exact"])
@pytest.mark.parametrize("n", [50, 100])
def test_against_r_double_sum(n: int, method: TestMethod, r_pairs: dict[str, float]) -> None:
    found = mcnemar_power(n, effect=0.05, discordance=0.15, method=method)
    assert found.power == pytest.approx(r_pairs[f"power_{method}_{n}"], rel=1e-9)


@pytest.mark.parametrize("method", ["midp", "exact", "chi2"])
@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.01])
def test_rejection_regions_by_search(method: TestMethod, alpha: float) -> None:
    changed = np.arange(150)
    found = rejection_count(changed, method, alpha)
    for total in changed:
        k = np.arange(total // 2 + 1)
        rejected = k[mcnemar(k, total - k, method=method).p <= alpha]
        assert found[total] == (rejected.max() if rejected.size else -1)


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.05 / 12])
def test_rejection_region_of_the_e_value_by_search(alpha: float) -> None:
    changed = np.arange(150)
    found = rejection_count(changed, "e-value", alpha)
    for total in changed:
        k = np.arange(total // 2 + 1)
        rejected = k[np.asarray(e_value(k, total - k).p) <= alpha]
        assert found[total] == (rejected.max() if rejected.size else -1)


def test_power_of_the_e_value_is_what_it_is_drawn_to_be() -> None:
    counts = np.random.default_rng(8).multinomial(120, [0.15, 0.05, 0.80], size=20_000)
    rejected = np.mean(np.asarray(e_value(counts[:, 0], counts[:, 1]).e) >= 20)
    power = mcnemar_power(120, effect=0.10, discordance=0.20, method="e-value").power
    assert rejected == pytest.approx(power, abs=0.011)
    assert power < mcnemar_power(120, effect=0.10, discordance=0.20).power


def test_power_of_chi2_is_that_of_the_tango_interval() -> None:
    rng = np.random.default_rng(8)
    counts = rng.multinomial(120, [0.15, 0.06, 0.79], size=20_000)
    result = paired_difference(counts[:, 0], counts[:, 1], 120)
    rejected = ((result.low > 0) | (result.high < 0)).mean()
    power = mcnemar_power(120, effect=0.09, discordance=0.21, method="chi2").power
    assert rejected == pytest.approx(power, abs=0.011)


def test_exact_size_is_at_most_the_level_and_midp_close_to_it() -> None:
    for n in (43, 86, 300):
        for rate in (0.05, 0.2, 0.4):
            size = mcnemar_power(n, effect=0.0, discordance=rate, method="exact").power
            assert size <= 0.05
            midp = mcnemar_power(n, effect=0.0, discordance=rate).power
            assert size <= midp <= 0.055
            if n * rate >= 6:
                assert midp >= 0.03


def test_everything_discordant_is_the_binomial() -> None:
    power = mcnemar_power(20, effect=0.4, discordance=1.0).power
    rng = np.random.default_rng(9)
    gained = rng.binomial(20, 0.7, 40_000)
    assert power == pytest.approx((mcnemar(gained, 20 - gained).p <= 0.05).mean(), abs=0.01)


def test_smallest_effect_and_problems_needed_are_consistent() -> None:
    smallest = minimum_detectable_effect(200, discordance=0.15)
    back = mcnemar_power(200, effect=smallest.effect, discordance=0.15)
    assert back.power == pytest.approx(0.8, abs=1e-6)
    needed = sample_size(effect=0.05, discordance=0.15)
    assert needed.power >= 0.8
    for n in range(int(needed.problems), int(needed.problems) + 20):
        assert mcnemar_power(n, effect=0.05, discordance=0.15).power >= 0.8
    before = mcnemar_power(int(needed.problems) - 1, effect=0.05, discordance=0.15).power
    assert before < 0.8


def test_what_cannot_be_reached_is_said() -> None:
    assert minimum_detectable_effect(20, discordance=0.1).status == "not_converged"
    assert sample_size(effect=0.001, discordance=0.5, largest=500).status == "not_converged"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mcnemar_power(86, effect=0.05), "discordance is missing"),
        (lambda: minimum_detectable_effect(86), "discordance is missing"),
        (lambda: mcnemar_power(86, effect=0.2, discordance=0.1), "cannot be"),
        (lambda: mcnemar_power(86, effect=5, discordance=15), "fraction"),
        (lambda: mcnemar_power(0, effect=0.05, discordance=0.1), "at least 1"),
        (lambda: mcnemar_power(86, effect=0.05, discordance=0.1, method="t"), "midp"),  # type: ignore[arg-type]
        (lambda: sample_size(effect=0.0, discordance=0.1), "equivalence"),
    ],
)
def test_refusals(call: Callable[[], object], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        call()
