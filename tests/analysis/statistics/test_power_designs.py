"""Power of equivalence, signed effect and trend: all tables written out, and simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import (
    Refusal,
    dose_response,
    equivalence,
    equivalence_power,
    mcnemar,
    non_inferiority,
    signed_power,
    trend_power,
)


def shown(n: int, gain: float, loss: float, margin: float, one_sided: bool) -> float:
    """Sum over all tables of n problems, one by one."""
    total = 0.0
    for g in range(n + 1):
        for lo in range(n + 1 - g):
            test = non_inferiority if one_sided else equivalence
            if test(g, lo, n, margin=margin).shown:
                ways = math.comb(n, g) * math.comb(n - g, lo)
                total += ways * gain**g * loss**lo * (1 - gain - loss) ** (n - g - lo)
    return total


@pytest.mark.parametrize(
    ("n", "effect", "discordance", "margin", "one_sided"),
    [(30, 0.0, 0.1, 0.15, False), (25, -0.05, 0.2, 0.2, True), (40, 0.04, 0.04, 0.12, False)],
)
def test_equivalence_over_all_tables(
    n: int, effect: float, discordance: float, margin: float, one_sided: bool
) -> None:
    found = equivalence_power(
        n, margin=margin, discordance=discordance, effect=effect, one_sided=one_sided
    )
    gain, loss = (discordance + effect) / 2, (discordance - effect) / 2
    assert found.power == pytest.approx(shown(n, gain, loss, margin, one_sided), abs=1e-9)
    assert 0.02 < found.power < 0.999


def test_equivalence_at_the_margin_has_about_its_level() -> None:
    at = equivalence_power(1319, margin=0.05, discordance=0.2, effect=0.05)
    assert at.power == pytest.approx(0.05, abs=0.005)
    assert equivalence_power(52, margin=0.05, discordance=1e-9).power == pytest.approx(1.0)
    assert equivalence_power(51, margin=0.05, discordance=1e-9).power == pytest.approx(0.0)


@settings(max_examples=25)
@given(st.integers(20, 120), st.floats(0.05, 0.6), st.floats(0.0, 1.0))
def test_equivalence_is_mirrored_and_one_side_is_easier(n: int, rate: float, part: float) -> None:
    effect = rate * part
    options: dict[str, Any] = {"margin": 0.1, "discordance": rate}
    up = equivalence_power(n, effect=effect, **options).power
    assert up == pytest.approx(equivalence_power(n, effect=-effect, **options).power, abs=1e-9)
    assert up <= equivalence_power(n, effect=effect, one_sided=True, **options).power + 1e-9


def test_signed_effect_is_mcnemar_between_the_signs() -> None:
    found = signed_power(120, signed=0.05, discordance=0.2)
    rng = np.random.default_rng(0)
    counts = rng.multinomial(120, [0.15, 0.05, 0.8], size=20_000)
    simulated = np.mean(mcnemar(counts[:, 0], counts[:, 1], method="exact").p <= 0.05)
    assert found.power == pytest.approx(simulated, abs=0.012)
    assert (found.effect, found.discordance) == (0.05, 0.2)
    with pytest.raises(Refusal, match="exceeds half of the discordance"):
        signed_power(120, signed=0.11, discordance=0.2)


@pytest.mark.parametrize(
    ("slope", "damage"), [(0.02, 0.0), (0.02, 0.05), (0.035, 0.03), (0.0, 0.05)]
)
def test_trend_by_simulation(slope: float, damage: float) -> None:
    rng = np.random.default_rng(1)
    doses = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
    hits, pairs, slopes = 0, [], []
    for _ in range(400):
        accuracy = 0.6 + slope * doses - damage * np.abs(doses)
        fresh = rng.random((120, 6)) < 0.25
        luck = np.where(fresh, rng.random((120, 6)), rng.random((120, 1)))
        y = (luck < accuracy).astype(float)
        d = y[:, 3:] - y[:, 2::-1]
        pairs.append((d != 0).mean(axis=0))
        slopes.append(np.corrcoef(d.T)[np.triu_indices(3, 1)].mean())
        hits += dose_response(y, doses, rng=rng, baseline=np.ones(120), resamples=199).p <= 0.05
    predicted = trend_power(
        120, slope=slope, alphas=[1, 2, 3], discordance=np.mean(pairs, axis=0),
        correlation=max(0.0, float(np.mean(slopes))),
    ).power  # fmt: skip
    assert predicted == pytest.approx(hits / 400, abs=0.06)


def test_trend_by_hand_and_its_refusals() -> None:
    found = trend_power(100, slope=0.02, alphas=[1.0, 3.0], discordance=[0.1, 0.3])
    variance = (1 * (0.1 - 0.04**2) + 9 * (0.3 - 0.12**2)) / (4 * 10**2)
    assert found.standard_error == pytest.approx(np.sqrt(variance / 100))
    one = trend_power(100, slope=0.02, alphas=[2.0], discordance=0.2)
    assert one.power == trend_power(100, slope=0.02, alphas=[2.0], discordance=[0.2]).power
    assert trend_power(100, slope=0.0, alphas=[2.0], discordance=0.2).power < 0.05
    refused: list[tuple[dict[str, Any], str]] = [
        ({"alphas": [-1.0, 1.0], "discordance": 0.2}, "sizes a > 0"),
        ({"alphas": [1.0, 1.0], "discordance": 0.2}, "sizes a > 0"),
        ({"alphas": [1.0]}, "discordance is missing"),
        ({"alphas": [9.0], "discordance": 0.2}, "exceeds discordance"),
        ({"alphas": [1.0], "discordance": 0.2, "correlation": 2.0}, "correlation"),
    ]
    for options, words in refused:
        with pytest.raises(Refusal, match=words):
            trend_power(100, slope=0.02, **options)
    with pytest.raises(Refusal, match="margin is missing"):
        equivalence_power(100, discordance=0.1)
    with pytest.raises(Refusal, match="at least 1"):
        equivalence_power(0, discordance=0.1, margin=0.05)
