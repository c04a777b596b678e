"""E-values, confidence sequences and futility under continuous peeking."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy import stats

from analysis import Refusal, confidence_sequence, e_value, futility, mcnemar, mcnemar_power
from analysis.vocabulary import SequenceMethod


def walks(rng: np.random.Generator, gain: float, loss: float, runs: int, n: int) -> np.ndarray:
    """Cumulative gained and lost, shape [2, runs, n]."""
    draw = rng.random((runs, n))
    return np.stack([(draw < gain).cumsum(axis=1), (draw > 1 - loss).cumsum(axis=1)])


def test_e_value_by_whole_numbers() -> None:
    for gained in range(12):
        for lost in range(12):
            changed = gained + lost
            expected = Fraction(2**changed, (changed + 1) * comb(changed, gained))
            assert e_value(gained, lost).e == pytest.approx(float(expected), rel=1e-12)


def test_eight_one_sided_pairs_are_the_fewest() -> None:
    assert e_value(0, 8).e == pytest.approx(28.4, abs=0.05)
    assert e_value(8, 0).e == e_value(0, 8).e
    assert e_value(0, 7).e < 20
    assert e_value(0, 0).status == "no_information"
    assert e_value(0, 0).p == 1.0


def test_a_huge_e_value_stays_finite() -> None:
    result = e_value(0, 5000)
    assert np.isfinite(result.e)
    assert result.p > 0
    assert result.log_e > 3000


def test_peeking_after_every_problem_keeps_the_level() -> None:
    gained, lost = walks(np.random.default_rng(10), 0.1, 0.1, 10_000, 400)
    crossed = (e_value(gained, lost).e >= 20).any(axis=1).mean()
    assert crossed <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 10_000)


def test_peeking_with_midp_does_not() -> None:
    gained, lost = walks(np.random.default_rng(11), 0.1, 0.1, 2000, 500)
    looks = np.arange(9, 500, 10)
    false = (mcnemar(gained[:, looks], lost[:, looks]).p <= 0.05).any(axis=1).mean()
    assert 0.19 <= false <= 0.29


@pytest.mark.parametrize("method", ["combined", "multinomial"])
@pytest.mark.parametrize(("gain", "loss"), [(0.1, 0.1), (0.2, 0.05), (0.02, 0.0)])
def test_sequences_cover_at_every_look(method: SequenceMethod, gain: float, loss: float) -> None:
    gained, lost = walks(np.random.default_rng(12), gain, loss, 400, 200)
    looks = np.r_[0:20, 20:200:5]
    n = np.broadcast_to(looks + 1, (400, looks.size))
    result = confidence_sequence(gained[:, looks], lost[:, looks], n, method=method)
    missed = ((result.low > gain - loss) | (result.high < gain - loss)).any(axis=1).mean()
    assert missed <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)
    share = gain / (gain + loss)
    missed = ((result.share_low > share) | (result.share_high < share)).any(axis=1).mean()
    assert missed <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_share_limits_by_a_scan() -> None:
    theta = np.linspace(0, 1, 100_001)
    for gained, lost in ((2, 14), (0, 8), (7, 0), (5, 5)):
        with np.errstate(divide="ignore"):
            ratio = stats.beta.pdf(theta, gained + 1, lost + 1)
        # 1 over the posterior density of a uniform prior is the e-value against each theta.
        inside = theta[1 / np.maximum(ratio, 1e-300) < 20]
        result = confidence_sequence(gained, lost)
        assert result.low == pytest.approx(inside.min(), abs=2e-5)
        assert result.high == pytest.approx(inside.max(), abs=2e-5)
        assert (result.high < 0.5 or result.low > 0.5) == (e_value(gained, lost).e >= 20)


def test_sequences_contain_the_estimate_and_mirror() -> None:
    for method in ("combined", "multinomial"):
        one = confidence_sequence([4, 0, 40], [2, 0, 80], [86, 50, 500], method=method)
        other = confidence_sequence([2, 0, 80], [4, 0, 40], [86, 50, 500], method=method)
        assert (one.low <= one.estimate).all()
        assert (one.estimate <= one.high).all()
        assert one.low == pytest.approx(-other.high, abs=1e-12)
        assert list(one.status) == ["ok", "no_information", "ok"]


def test_futility_is_conditional_power() -> None:
    start = futility(0, 0, 1, planned_n=200, effect=0.05, discordance=0.15)
    full = mcnemar_power(199, effect=0.05, discordance=0.15).power
    assert start.conditional_power == pytest.approx(full, abs=1e-12)
    rng = np.random.default_rng(13)
    more = rng.multinomial(114, [0.1, 0.05, 0.85], size=40_000)
    rejected = (mcnemar(4 + more[:, 0], 6 + more[:, 1]).p <= 0.05).mean()
    result = futility(4, 6, 86, planned_n=200, effect=0.05, discordance=0.15)
    assert result.conditional_power == pytest.approx(rejected, abs=0.008)
    done = futility(4, 2, 86, planned_n=86, effect=0.05, discordance=0.15)
    assert (done.conditional_power, done.stop) == (0.0, True)
    assert futility(0, 11, 86, planned_n=86, effect=0.05, discordance=0.15).conditional_power == 1.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: futility(4, 2, 86, planned_n=50, effect=0.05, discordance=0.15), "already"),
        (lambda: futility(4, 2, 86, planned_n=99, effect=0.5, discordance=0.15), "exceeds"),
        (lambda: confidence_sequence(4, 2, 86, method="best"), "combined"),  # type: ignore[call-overload]
        (lambda: e_value(-1, 2), "negative"),
    ],
)
def test_refusals(call: Callable[[], object], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        call()
