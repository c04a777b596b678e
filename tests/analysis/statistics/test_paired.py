"""McNemar, the sign test and discordance against exact values, R, scipy and statsmodels."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from analysis import Refusal, discordance, mcnemar, paired_counts, sign_test
from analysis.statistics.checks import one_outcome_each
from analysis.vocabulary import TestMethod

TABLES = [(40, 20, 160), (4, 2, 86), (0, 11, 86), (7, 18, 86), (8, 19, 86), (1, 7, 50)]
TABLES += [(0, 4, 50), (10, 21, 100), (42, 62, 400), (3, 3, 43), (120, 90, 1319)]
small = st.integers(0, 60)


def enumerated(gained: int, lost: int) -> tuple[float, float]:
    """Exact and mid-p in whole numbers: every sign pattern of the discordant pairs counted."""
    changed, smaller = gained + lost, min(gained, lost)
    tail = Fraction(sum(comb(changed, k) for k in range(smaller + 1)), 2**changed)
    point = Fraction(comb(changed, smaller), 2**changed)
    return float(min(Fraction(1), 2 * tail)), float(min(Fraction(1), 2 * tail - point))


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [(1, 7, 0.0390625), (4, 2, 0.453125), (7, 18, 0.028959274), (8, 19, 0.035698138)],
)
def test_midp_printed_values(gained: int, lost: int, p: float) -> None:
    assert mcnemar(gained, lost).p == pytest.approx(p, abs=1e-9)


def test_exact_and_chi_square_printed_values() -> None:
    assert sign_test(4, 2).p == pytest.approx(0.6875, rel=1e-14)
    assert sign_test(0, 11).p == pytest.approx(0.0009765625, rel=1e-14)
    assert mcnemar(1, 7, method="exact").p == pytest.approx(0.0703125, rel=1e-14)
    assert mcnemar(1, 7, method="chi2").p == pytest.approx(0.03389485, abs=1e-8)


@pytest.mark.parametrize(
    ("lost", "gained_at_most", "method"), [(18, 7, "exact"), (20, 9, "midp"), (21, 10, "chi2")]
)
def test_what_the_report_needs_for_its_suppression(
    lost: int, gained_at_most: int, method: TestMethod
) -> None:
    # A net loss of 11 is all that is printed; more gained makes the same net loss weaker.
    assert mcnemar(gained_at_most, lost, method=method).p < 0.05
    assert mcnemar(gained_at_most + 1, lost + 1, method=method).p > 0.05 or method == "chi2"


def test_report_p_values_around_the_level() -> None:
    exact = mcnemar([7, 8], [18, 19], method="exact").p
    assert exact == pytest.approx([0.0433, 0.0522], abs=5e-5)
    assert mcnemar([9, 10], [20, 21]).p == pytest.approx([0.0428, 0.0501], abs=5e-5)


@pytest.mark.parametrize("table", TABLES)
def test_against_r(table: tuple[int, int, int], r_pairs: dict[str, float]) -> None:
    gained, lost, n = table
    key = f"{gained}_{lost}_{n}"
    assert mcnemar(gained, lost).p == pytest.approx(r_pairs[f"midp_{key}"], rel=1e-10)
    chi2 = mcnemar(gained, lost, method="chi2")
    assert chi2.p == pytest.approx(r_pairs[f"chi2_{key}"], rel=1e-10)
    assert chi2.p == pytest.approx(r_pairs[f"coin_{key}"], rel=1e-10)
    sign = sign_test(gained, lost, n=n)
    assert sign.p == pytest.approx(r_pairs[f"sign_{key}"], rel=1e-10)
    assert sign.low == pytest.approx(r_pairs[f"share_low_{key}"], abs=1e-10)
    assert sign.high == pytest.approx(r_pairs[f"share_high_{key}"], abs=1e-10)
    assert sign.dropped == n - gained - lost
    rate = discordance(gained, lost, n)
    assert rate.low == pytest.approx(r_pairs[f"rate_low_{key}"], abs=1e-10)
    assert rate.high == pytest.approx(r_pairs[f"rate_high_{key}"], abs=1e-10)


@given(small, small)
def test_against_enumeration_and_libraries(gained: int, lost: int) -> None:
    exact, midp = enumerated(gained, lost)
    assert mcnemar(gained, lost, method="exact").p == pytest.approx(exact, rel=1e-12)
    assert mcnemar(gained, lost).p == pytest.approx(midp, rel=1e-12)
    assert sign_test(gained, lost).p == mcnemar(gained, lost, method="exact").p
    if gained + lost:
        assert exact == pytest.approx(stats.binomtest(gained, gained + lost).pvalue, rel=1e-10)
        peer = statsmodels_mcnemar([[9, gained], [lost, 9]], exact=False, correction=False)
        assert mcnemar(gained, lost, method="chi2").p == pytest.approx(peer.pvalue, rel=1e-9)


@given(small, small)
def test_swapping_gained_and_lost_keeps_p_and_flips_the_sign(gained: int, lost: int) -> None:
    one, other = mcnemar(gained, lost), mcnemar(lost, gained)
    assert one.p == pytest.approx(other.p, rel=1e-14)
    assert one.net == -other.net


def test_tie_conventions() -> None:
    assert mcnemar(3, 3).p == 1.0
    fagerland = mcnemar(3, 3, at_tie="fagerland")
    assert fagerland.p == pytest.approx(1 - comb(6, 3) / 2**6 / 2)
    assert "ties" in fagerland.method
    assert mcnemar(4, 2, at_tie="fagerland").p == mcnemar(4, 2).p


def test_nothing_changed_is_said() -> None:
    for result in (mcnemar(0, 0), mcnemar(0, 0, method="chi2"), sign_test(0, 0)):
        assert (result.p, result.status) == (1.0, "no_information")
    assert mcnemar(0, 0, at_tie="fagerland").p == 1.0
    empty = discordance(0, 0, 86)
    assert (empty.estimate, empty.low, empty.status) == (0.0, 0.0, "no_information")


@pytest.mark.parametrize("method", ["midp", "exact", "chi2"])
def test_p_never_underflows_to_zero(method: TestMethod) -> None:
    assert 0 < mcnemar(0, 5000, method=method).p < 1e-300


def test_arrays_of_counts_give_arrays() -> None:
    result = mcnemar([[4, 0], [1, 7]], [[2, 0], [7, 1]], n=86)
    assert result.p.shape == (2, 2)
    assert np.asarray(result.status).tolist() == [["ok", "no_information"], ["ok", "ok"]]
    assert result.p[1, 0] == mcnemar(1, 7).p
    assert np.asarray(result.dropped).tolist() == [[80, 86], [78, 78]]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: one_outcome_each(8), "clustered_difference"),
        (lambda: one_outcome_each(0), "0 outcomes per problem"),
        (lambda: mcnemar(40, 20, n=50), "clustered_difference"),
        (lambda: mcnemar(0.5, 2), "whole numbers"),
        (lambda: mcnemar(-1, 2), "negative"),
        (lambda: mcnemar("4", 2), "counts"),
        (lambda: mcnemar([None, 4], 2), "whole numbers"),  # type: ignore[arg-type]
        (lambda: mcnemar([{}], 2), "counts"),  # type: ignore[arg-type]
        (lambda: mcnemar([1, 2], [1, 2, 3]), "shapes"),
        (lambda: mcnemar(1, 2, method="yates"), "midp"),  # type: ignore[call-overload]
        (lambda: discordance(1, 2, 86, floor_changed=3), "floor_n"),
        (lambda: discordance(0, 0, 0), "no pairs"),
        (lambda: paired_counts([1, 0], [1]), "shapes"),
        (lambda: paired_counts([1, None], [1, 0]), "missing_bounds"),
        (lambda: paired_counts([1, 0], [1, 0], problem=["a", "a"]), "clustered_difference"),
    ],
)
def test_refusals_name_what_to_do(call: Callable[[], object], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        call()


def test_counts_from_a_data_frame() -> None:
    frame = pd.DataFrame({"gained": [4, 0], "lost": [2, 11]}, dtype="Int64")
    assert mcnemar(frame.gained, frame.lost).p.tolist() == mcnemar([4, 0], [2, 11]).p.tolist()


def test_paired_counts() -> None:
    assert paired_counts([0, 0, 1, 1, 1], [1, 0, 0, 1, 1]) == (1, 1, 5)
    rng = np.random.default_rng(1)
    before, after = rng.integers(0, 2, (2, 300))
    gained, lost, n = paired_counts(before, after, problem=range(300))
    assert gained - lost == after.sum() - before.sum()
    assert n == 300


def test_discordance_shows_the_churn_that_accuracy_hides() -> None:
    result = discordance(4, 2, 86)
    assert result.estimate == 6 / 86
    assert result.odds == 2.0
    share = stats.binomtest(4, 6).proportion_ci()
    assert result.odds_low == pytest.approx(share.low / (1 - share.low))
    assert result.odds_high == pytest.approx(share.high / (1 - share.high))
    floored = discordance(4, 2, 86, floor_changed=5, floor_n=86)
    assert floored.floor == 5 / 86
    assert floored.above_floor is False
    assert discordance(30, 20, 86, floor_changed=1, floor_n=86).above_floor is True
