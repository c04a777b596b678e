"""The exact unconditional test against all tables, and the confidence curve against its score."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from analysis import (
    Refusal,
    confidence_curve,
    e_value,
    mcnemar,
    paired_difference,
    unconditional_test,
)
from analysis.statistics.intervals import score_gap
from analysis.statistics.paired import clopper_pearson
from analysis.statistics.unconditional import rejections


def over_all_tables(gained: int, lost: int, n: int, rates: np.ndarray) -> float:
    """The largest chance of a |z| as large, by writing out every table at every rate."""
    best = 0.0
    for rate in rates:
        total = 0.0
        for g in range(n + 1):
            for lo in range(n + 1 - g):
                # |z| as large, without a division: (g − l)² (G + L) ≥ (G − L)² (g + l).
                if (g - lo) ** 2 * (gained + lost) >= (gained - lost) ** 2 * (g + lo) and g != lo:
                    ways = math.comb(n, g) * math.comb(n - g, lo)
                    total += ways * (rate / 2) ** (g + lo) * (1 - rate) ** (n - g - lo)
        best = max(best, total)
    return best


@pytest.mark.parametrize(("gained", "lost", "n"), [(1, 7, 21), (4, 2, 12), (0, 5, 9), (6, 1, 7)])
def test_the_largest_over_all_tables(gained: int, lost: int, n: int) -> None:
    found = unconditional_test(gained, lost, n)
    rates = np.append(np.linspace(0, 1, 301), found.discordance)
    assert found.p == pytest.approx(over_all_tables(gained, lost, n, rates), abs=1e-9)
    low, high = clopper_pearson(np.array(gained + lost), np.array(n), 1 - 1e-4)
    inside = rates[(rates >= low) & (rates <= high)]
    boos = unconditional_test(gained, lost, n, method="berger-boos")
    inside = np.append(inside, [float(low), float(high), boos.discordance])
    assert boos.p == pytest.approx(over_all_tables(gained, lost, n, inside) + 1e-4, abs=1e-9)


def test_examples_of_the_literature() -> None:
    # The two tables of Fagerland, Lydersen & Laake (2013): 1 and 7 of 21, 6 and 16 of 161.
    assert mcnemar([1, 6], [7, 16]).p == pytest.approx([0.0390625, 0.03468966])
    assert unconditional_test([1, 6], [7, 16], [21, 161]).p == pytest.approx(
        [0.0353, 0.0342], abs=5e-5
    )


@given(st.integers(0, 14), st.integers(0, 14), st.integers(1, 30))
def test_p_is_mirrored_and_at_least_what_any_rate_gives(g: int, lo: int, same: int) -> None:
    n = g + lo + same
    found = unconditional_test(g, lo, n)
    assert 0 < found.p <= 1
    assert found.p == pytest.approx(unconditional_test(lo, g, n).p)
    if g != lo:
        weights = stats.binom.pmf(np.arange(n + 1), n, np.linspace(0, 1, 23)[:, None])
        assert found.p >= (weights @ rejections(g, lo, n)).max() - 1e-12
    assert found.status == ("no_information" if g + lo == 0 else "ok")
    if g == lo:
        assert found.p == 1


def test_size_never_exceeds_the_level_where_mid_p_may() -> None:
    n = 20
    g, lo = (a.ravel() for a in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
    g, lo = g[g + lo <= n], lo[g + lo <= n]
    rejects = unconditional_test(g, lo, n).p <= 0.05
    for rate in np.linspace(0.01, 0.99, 50):
        log = special.gammaln(n + 1) - special.gammaln(g + 1) - special.gammaln(lo + 1)
        log -= special.gammaln(n - g - lo + 1)
        log += (g + lo) * np.log(rate / 2) + (n - g - lo) * np.log(1 - rate)
        assert np.exp(log)[rejects].sum() <= 0.05


def test_arrays_and_refusals() -> None:
    found = unconditional_test([4, 0], [2, 11], 86)
    assert found.p.tolist() == [unconditional_test(4, 2, 86).p, unconditional_test(0, 11, 86).p]
    assert found.estimate == pytest.approx([2 / 86, -11 / 86])
    with pytest.raises(Refusal, match="more than 100,000"):
        unconditional_test(1, 2, 200_000)
    with pytest.raises(Refusal, match="unknown method 'barnard'"):
        unconditional_test(1, 2, 3, method="barnard")  # type: ignore[arg-type]


@pytest.mark.parametrize(("gained", "lost", "n"), [(4, 2, 86), (0, 11, 86), (0, 0, 30), (9, 2, 11)])
def test_the_curve_is_the_p_value_of_every_effect(gained: int, lost: int, n: int) -> None:
    curve = confidence_curve(gained, lost, n)
    assert (curve.low < curve.high).all()
    assert (np.diff(curve.low) < 0).all()
    assert (np.diff(curve.high) > 0).all()
    for limit, p in zip([*curve.low, *curve.high], [*curve.p, *curve.p], strict=True):
        gap, deviation = score_gap(gained, lost, n, limit)
        assert special.erfc(abs(gap / deviation) / np.sqrt(2)) == pytest.approx(p, abs=1e-6)
    at = paired_difference(gained, lost, n)
    i = list(curve.levels).index(0.95)
    assert (curve.low[i], curve.high[i]) == pytest.approx((at.low, at.high))
    assert curve.as_dict()["levels"][i] == 0.95


def test_levels_are_checked() -> None:
    assert confidence_curve(4, 2, 86, levels=[0.5, 0.9]).levels.tolist() == [0.5, 0.9]
    for levels in ([0.9, 0.5], [0.0, 0.5], [95.0], [], [[0.5]]):
        with pytest.raises(Refusal, match="levels"):
            confidence_curve(4, 2, 86, levels=levels)
    with pytest.raises(Refusal, match="pass the numbers of one"):
        confidence_curve([4, 2], [2, 2], 86)  # type: ignore[arg-type]


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_e_value_is_a_bayes_factor(gained: int, lost: int) -> None:
    found = e_value(gained, lost)
    evidence, _ = integrate.quad(
        lambda t: np.exp(special.xlogy(gained, 2 * t) + special.xlogy(lost, 2 * (1 - t))),
        0, 1, points=[gained / max(gained + lost, 1)], limit=200,
    )  # fmt: skip
    assert found.e == pytest.approx(evidence, rel=1e-6)
    assert found.prior == "share gained ~ Uniform(0, 1) against 1/2"
