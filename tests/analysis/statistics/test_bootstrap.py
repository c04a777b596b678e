"""Bootstrap from totals against scipy, R, plain convolution and exact coverage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis import Refusal, bootstrap_difference, bootstrap_mean
from analysis.statistics.bootstrap import acceleration, net_distribution
from analysis.vocabulary import BootstrapMethod, ResamplingMethod


def rng(seed: int = 20251021) -> np.random.Generator:
    return np.random.default_rng(seed)


def convolved(gained: int, lost: int, n: int) -> np.ndarray:
    """Distribution of the net change over -n..n, one problem after another."""
    mass = np.array([1.0])
    step = np.array([lost, n - gained - lost, gained]) / n
    for _ in range(n):
        mass = np.convolve(mass, step)
    return mass


@pytest.mark.parametrize(
    "table", [(4, 2, 86), (0, 11, 86), (7, 18, 86), (43, 43, 86), (0, 0, 30), (9, 0, 9), (1, 0, 2)]
)
def test_exact_distribution_is_the_convolution(table: tuple[int, int, int]) -> None:
    gained, lost, n = table
    offsets, mass = net_distribution(np.array([gained]), np.array([lost]), np.array([n]))
    expected = dict(zip(range(-n, n + 1), convolved(*table), strict=True))
    found = dict(zip((offsets + gained - lost).tolist(), mass[0], strict=True))
    assert sum(found.values()) == pytest.approx(1)
    for net, probability in expected.items():
        assert found.get(net, 0.0) == pytest.approx(probability, abs=1e-13)


@settings(max_examples=60)
@given(st.integers(0, 25), st.integers(0, 25), st.integers(1, 40))
def test_exact_limits_are_quantiles_and_mirror(gained: int, lost: int, rest: int) -> None:
    n = gained + lost + rest
    one = bootstrap_difference(gained, lost, n, method="exact")
    other = bootstrap_difference(lost, gained, n, method="exact")
    assert (one.low, one.high) == (-other.high, -other.low)
    assert one.low <= one.estimate <= one.high
    mass = convolved(gained, lost, n)
    below = np.cumsum(mass)
    place = int(np.argmax(below >= 0.025 - 1e-12))
    assert one.low == pytest.approx((place - n) / n)


def test_percentile_equals_scipy_within_monte_carlo_error() -> None:
    gained, lost, n = 70, 95, 1319
    before = np.repeat([0.0, 1.0, 1.0, 0.0], [gained, lost, 400, n - gained - lost - 400])
    after = np.repeat([1.0, 0.0, 1.0, 0.0], [gained, lost, 400, n - gained - lost - 400])
    peer = stats.bootstrap(
        (after, before),
        lambda a, b, axis: (a - b).mean(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=2999,
        batch=200,
        method="percentile",
        rng=rng(),
    ).confidence_interval
    # Monte-Carlo error of a 2.5 % quantile: sqrt(.025 .975/B)/density, here about .0006.
    drawn = bootstrap_difference(gained, lost, n, rng=rng(1))
    exact = bootstrap_difference(gained, lost, n, method="exact")
    assert (drawn.low, drawn.high) == pytest.approx((peer.low, peer.high), abs=0.0025)
    assert (exact.low, exact.high) == pytest.approx((drawn.low, drawn.high), abs=0.0016)


def test_bca_equals_scipy_on_the_same_counts() -> None:
    gained, lost, n = 3, 14, 120
    values = np.repeat([1.0, -1.0, 0.0], [gained, lost, n - gained - lost])
    peer = stats.bootstrap((values,), np.mean, n_resamples=9999, method="BCa", rng=rng())
    ours = bootstrap_difference(gained, lost, n, rng=rng(1), method="bca")
    assert ours.low == pytest.approx(peer.confidence_interval.low, abs=1.5 / n)
    assert ours.high == pytest.approx(peer.confidence_interval.high, abs=1.5 / n)
    skewness = stats.skew(values)
    assert acceleration(np.array(gained), np.array(lost), np.array(n)) == pytest.approx(
        skewness / 6 / np.sqrt(n)
    )


def test_a_skewed_metric_against_r(r_pairs: dict[str, float]) -> None:
    values = [value for name, value in r_pairs.items() if name.startswith("skewed_")]
    names: dict[ResamplingMethod, str] = {"percentile": "perc", "bca": "bca"}
    for method, name in names.items():
        ours = bootstrap_mean(values, rng=rng(), resamples=99_999, method=method)
        assert ours.low == pytest.approx(r_pairs[f"boot_{name}_low"], abs=0.008)
        assert ours.high == pytest.approx(r_pairs[f"boot_{name}_high"], abs=0.012)
    assert r_pairs["boot_bca_high"] > r_pairs["boot_perc_high"] + 0.03


def coverage(method: BootstrapMethod) -> float:
    """Exact over all tables of n = 50 with 5 % gained and 5 % lost (rare ones left out)."""
    n, probabilities = 50, [0.05, 0.05, 0.9]
    gained, lost = (a.ravel() for a in np.meshgrid(np.arange(15), np.arange(15)))
    weight = stats.multinomial.pmf(
        np.stack([gained, lost, n - gained - lost], axis=1), n, probabilities
    )
    kept = weight > 1e-7
    result = bootstrap_difference(
        gained[kept], lost[kept], n, rng=rng(), method=method, resamples=4999
    )
    covered = (result.low <= 1e-12) & (result.high >= -1e-12)
    return float(weight[kept] @ covered / weight[kept].sum())


def test_bca_undercovers_where_the_percentile_does_not() -> None:
    assert coverage("bca") == pytest.approx(0.90, abs=0.025)
    assert coverage("percentile") == pytest.approx(0.96, abs=0.015)


@pytest.mark.parametrize("method", ["percentile", "bca", "exact"])
def test_collapsed_intervals_are_said(method: BootstrapMethod) -> None:
    options: dict[str, Any] = {"rng": rng(), "method": method}
    nothing = bootstrap_difference(0, 0, 86, **options)
    assert (nothing.low, nothing.high, nothing.status) == (0.0, 0.0, "no_information")
    everything = bootstrap_difference(86, 0, 86, **options)
    assert (everything.low, everything.high, everything.status) == (1.0, 1.0, "degenerate")


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_a_seed_gives_the_same_bytes(method: BootstrapMethod) -> None:
    counts = [4, 0, 7, 43], [2, 11, 18, 43], 86
    one, other, third = (
        bootstrap_difference(*counts, rng=rng(seed), method=method) for seed in (7, 7, 8)
    )
    assert one.low.tobytes() == other.low.tobytes()
    assert one.high.tobytes() == other.high.tobytes()
    assert list(one.status) == ["ok"] * 4
    assert np.abs(one.low - third.low).max() < 0.03


def test_many_conditions_of_different_sizes() -> None:
    gained, lost, n = [40, 4, 0], [20, 2, 11], [160, 86, 1319]
    many = bootstrap_difference(gained, lost, n, method="exact")
    for i in range(3):
        one = bootstrap_difference(gained[i], lost[i], n[i], method="exact")
        assert (many.low[i], many.high[i]) == (one.low, one.high)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bootstrap_difference(4, 2, 86), "rng is missing"),
        (lambda: bootstrap_difference(4, 2, 86, rng=rng(), resamples=100), "resamples"),
        (lambda: bootstrap_difference(4, 2, 86, rng=rng(), method="basic"), "percentile"),  # type: ignore[call-overload]
        (lambda: bootstrap_mean([1.0, np.nan], rng=rng()), "finite"),
        (lambda: bootstrap_mean([[1.0, 2.0]], rng=rng()), "clustered_difference"),
    ],
)
def test_refusals(call: Callable[[], object], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        call()


def test_constant_metric_is_degenerate() -> None:
    result = bootstrap_mean([2.0] * 9, rng=rng(), method="bca")
    assert (result.low, result.high, result.status) == (2.0, 2.0, "degenerate")
