"""Equivalence and non-inferiority: the interval and the test are one thing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import Refusal, equivalence, non_inferiority, paired_difference

TABLES = [(40, 20, 160), (4, 2, 86), (0, 11, 86), (3, 3, 43), (0, 0, 30), (120, 90, 1319)]


@settings(max_examples=300)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 300), st.floats(0.01, 0.6))
def test_p_is_below_alpha_exactly_when_the_interval_is_inside(
    gained: int, lost: int, rest: int, margin: float
) -> None:
    n = gained + lost + rest
    result = equivalence(gained, lost, n, margin=margin)
    ninety = paired_difference(gained, lost, n, confidence=0.9)
    assert (result.low, result.high) == (ninety.low, ninety.high)
    assert result.shown == (result.low > -margin and result.high < margin)
    if abs(result.p - 0.05) > 1e-9:
        assert result.shown == (result.p < 0.05)
    harmless = non_inferiority(gained, lost, n, margin=margin)
    assert harmless.p <= result.p
    if abs(harmless.p - 0.05) > 1e-9:
        assert harmless.shown == (harmless.p < 0.05)


@pytest.mark.parametrize("table", TABLES)
def test_against_r(table: tuple[int, int, int], r_pairs: dict[str, float]) -> None:
    key = "_".join(map(str, table))
    assert equivalence(*table, margin=0.05).p == pytest.approx(r_pairs[f"tost_{key}"], abs=2e-6)


def test_nothing_changed_shows_five_points_from_52_problems() -> None:
    sizes = np.arange(20, 80)
    shown = equivalence(np.zeros_like(sizes), 0, sizes, margin=0.05).shown
    assert sizes[shown].min() == 52
    assert shown[sizes >= 52].all()
    assert equivalence(0, 0, 30, margin=0.05).high == pytest.approx(0.0827, abs=5e-5)
    assert equivalence(0, 0, 86, margin=0.05).status == "no_information"


def test_all_changed_has_a_p() -> None:
    assert equivalence(86, 0, 86, margin=0.05).p > 0.99
    assert non_inferiority(86, 0, 86, margin=0.05).p < 1e-6


@pytest.mark.parametrize(
    ("margin", "words"), [(None, "declare"), (5, "0.05"), (0, "0.05"), (-0.05, "0.05")]
)
def test_a_margin_must_be_given_as_a_fraction(margin: float | None, words: str) -> None:
    for test in (equivalence, non_inferiority):
        with pytest.raises(Refusal, match=words):
            test(4, 2, 86, margin=margin)
