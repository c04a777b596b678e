"""Tango, Bonett-Price, Wald and Wilson against printed values, R and slow bisection."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint

from analysis import Refusal, mcnemar, paired_difference, wilson
from analysis.statistics.intervals import score_gap, tango_limits
from analysis.vocabulary import IntervalMethod

TABLES = [(40, 20, 160), (4, 2, 86), (0, 11, 86), (7, 18, 86), (8, 19, 86), (1, 7, 50)]
TABLES += [(0, 4, 50), (10, 21, 100), (42, 62, 400), (0, 0, 30), (3, 3, 43), (120, 90, 1319)]


@st.composite
def tables(draw: st.DrawFn, largest: int = 400) -> tuple[int, int, int]:
    gained = draw(st.integers(0, largest))
    lost = draw(st.integers(0, largest))
    return gained, lost, max(1, gained + lost + draw(st.integers(0, largest)))


@pytest.mark.parametrize(
    ("table", "tango", "bonett_price"),
    [
        ((40, 20, 160), (0.0308645, 0.2180643), (0.0301090, 0.2168045)),
        ((4, 2, 86), (-0.0415203, 0.0942848), (-0.0400891, 0.0855437)),
        ((0, 11, 86), (-0.2146878, -0.0729462), (-0.2009385, -0.0490616)),
    ],
)
def test_printed_values(
    table: tuple[int, int, int], tango: tuple[float, float], bonett_price: tuple[float, float]
) -> None:
    one, other = paired_difference(*table), paired_difference(*table, method="bonett-price")
    assert (one.low, one.high) == pytest.approx(tango, abs=1e-7)
    assert (other.low, other.high) == pytest.approx(bonett_price, abs=1.5e-7)


@pytest.mark.parametrize("table", TABLES)
def test_tango_against_r(table: tuple[int, int, int], r_pairs: dict[str, float]) -> None:
    key = "_".join(map(str, table))
    for level, name in ((0.95, "tango"), (0.9, "tango90")):
        result = paired_difference(*table, confidence=level)
        # R maximises the likelihood numerically, which is good to about 1e-7.
        assert result.low == pytest.approx(r_pairs[f"{name}_low_{key}"], abs=2e-7)
        assert result.high == pytest.approx(r_pairs[f"{name}_high_{key}"], abs=2e-7)


def test_every_small_table_against_bisection_and_a_scan() -> None:
    z = stats.norm.ppf(0.975)
    for n in (1, 2, 3, 7, 20, 31):
        gained, lost = (a.ravel() for a in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
        keep = gained + lost <= n
        gained, lost = gained[keep].astype(float), lost[keep].astype(float)
        low, high = tango_limits(gained, lost, np.full_like(gained, n), 0.95)
        left, right = (gained - lost) / n, np.ones_like(gained)
        for _ in range(60):
            middle = (left + right) / 2
            gap, deviation = score_gap(gained, lost, float(n), middle)
            inside = np.abs(gap) <= z * deviation
            left, right = np.where(inside, middle, left), np.where(inside, right, middle)
        assert np.abs(high - right).max() < 1e-12
        scan = np.linspace(-1, 1, 1001)[:, None]
        gap, deviation = score_gap(gained, lost, float(n), scan)
        inside = np.abs(gap) <= z * deviation
        # What the test accepts is one stretch, and it is the interval.
        assert (np.abs(np.diff(inside.astype(int), axis=0)).sum(axis=0) <= 2).all()
        strictly = (scan > low + 1e-9) & (scan < high - 1e-9)
        assert inside[strictly].all()
        assert not inside[(scan < low - 1e-9) | (scan > high + 1e-9)].any()


def test_tables_without_or_with_only_change() -> None:
    z2 = stats.norm.ppf(0.975) ** 2
    nothing = paired_difference(0, 0, 30)
    assert (nothing.low, nothing.high) == pytest.approx((-z2 / (30 + z2), z2 / (30 + z2)))
    assert nothing.status == "no_information"
    everything = paired_difference(86, 0, 86)
    assert everything.high == 1.0
    assert 0.9 < everything.low < 1.0
    mirrored = paired_difference(0, 86, 86)
    assert (mirrored.low, mirrored.high) == (-everything.high, -everything.low)


@settings(max_examples=200)
@given(tables(), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_tango_properties(table: tuple[int, int, int], level: float) -> None:
    gained, lost, n = table
    one, other = (
        paired_difference(*table, confidence=level),
        paired_difference(lost, gained, n, confidence=level),
    )
    assert -1 <= one.low <= one.estimate <= one.high <= 1
    assert (one.low, one.high) == (-other.high, -other.low)
    # Inverting the chi-square: the interval excludes 0 exactly when that test rejects.
    chi2 = mcnemar(gained, lost, method="chi2").p
    if abs(chi2 - (1 - level)) > 1e-9:
        assert ((one.low > 0) or (one.high < 0)) == (chi2 < 1 - level)


@given(tables(), st.sampled_from(["tango", "bonett-price"]))
def test_wider_level_wider_interval(table: tuple[int, int, int], method: IntervalMethod) -> None:
    narrow = paired_difference(*table, method=method, confidence=0.9)
    wide = paired_difference(*table, method=method, confidence=0.99)
    assert wide.low <= narrow.low
    assert wide.high >= narrow.high


@pytest.mark.parametrize(("gained", "lost", "n"), [(0, 4, 50), (10, 21, 100), (42, 62, 400)])
def test_the_test_decides_where_it_and_the_interval_part(gained: int, lost: int, n: int) -> None:
    result = paired_difference(gained, lost, n)
    assert result.high < 0
    assert result.p > 0.05
    assert result.status == "test_interval_disagree"
    assert paired_difference(gained, lost, n, confidence=0.9).status == "ok"


def test_where_interval_and_test_disagree_is_rare() -> None:
    gained, lost = (a.ravel() for a in np.meshgrid(np.arange(41), np.arange(41)))
    status = paired_difference(gained, lost, 200).status
    found = status == "test_interval_disagree"
    pairs = set(zip(gained[found].tolist(), lost[found].tolist(), strict=True))
    assert {(0, 4), (4, 0), (10, 21), (21, 10)} <= pairs
    assert len(pairs) < 20


def test_wald_and_bonett_price_at_the_edges() -> None:
    wald = paired_difference(0, 0, 86, method="wald")
    assert (wald.low, wald.high, wald.status) == (0.0, 0.0, "no_information")
    assert paired_difference(86, 0, 86, method="wald").status == "degenerate"
    price = paired_difference(0, 0, 86, method="bonett-price")
    assert price.low < 0 < price.high
    assert paired_difference(1, 0, 1, method="bonett-price").high <= 1


def test_wald_against_the_textbook() -> None:
    result = paired_difference(40, 20, 160, method="wald")
    values = np.repeat([1, -1, 0], [40, 20, 100])
    half = stats.norm.ppf(0.975) * values.std() / np.sqrt(160)
    assert (result.low, result.high) == pytest.approx((0.125 - half, 0.125 + half))


def test_ten_thousand_conditions_at_once_equal_one_at_a_time() -> None:
    rng = np.random.default_rng(3)
    gained, lost = rng.binomial(1319, 0.06, (2, 50))
    many = paired_difference(gained, lost, 1319)
    for i in range(50):
        one = paired_difference(gained[i], lost[i], 1319)
        assert (many.low[i], many.high[i]) == (one.low, one.high)
        z = stats.norm.ppf(0.975)

        def excess(delta: float, g: float = gained[i], lo: float = lost[i], z: float = z) -> float:
            gap, deviation = score_gap(g, lo, 1319.0, delta)
            return float(-gap - z * deviation)

        root = optimize.brentq(excess, one.estimate + 1e-9, 1.0, xtol=1e-14)
        assert one.high == pytest.approx(root, abs=1e-12)


def test_wilson(r_pairs: dict[str, float]) -> None:
    result = wilson(28, 86)
    assert result.low == pytest.approx(r_pairs["wilson_low_28_86"], abs=1e-10)
    assert result.high == pytest.approx(r_pairs["wilson_high_28_86"], abs=1e-10)
    k, n = np.array([0, 5, 86, 1]), np.array([86, 10, 86, 1])
    peer = proportion_confint(k, n, method="wilson")
    many = wilson(k, n)
    assert many.low == pytest.approx(peer[0], abs=1e-12)
    assert many.high == pytest.approx(peer[1], abs=1e-12)
    assert wilson(0, 10).low == 0.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: paired_difference(4, 2, 0), "more than n"),
        (lambda: paired_difference(0, 0, 0), "no pairs"),
        (lambda: paired_difference(4, 2, 86, confidence=95), "0.95"),
        (lambda: paired_difference(4, 2, 86, method="clopper"), "tango"),  # type: ignore[call-overload]
        (lambda: wilson(9, 8), "more than n"),
    ],
)
def test_refusals(call: Callable[[], object], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        call()
