"""Sign flips against enumeration, the binomial and R."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import Refusal, permutation_test, sign_test


@settings(max_examples=60)
@given(st.lists(st.floats(-3, 3, allow_subnormal=False), min_size=1, max_size=9))
def test_enumeration(values: list[float]) -> None:
    moved = [value for value in values if value != 0]
    sums = [
        abs(sum(s * v for s, v in zip(signs, moved, strict=True)))
        for signs in product((-1, 1), repeat=len(moved))
    ]
    observed = abs(sum(moved)) - 1e-9 * sum(map(abs, moved))
    expected = sum(value >= observed for value in sums) / len(sums)
    assert permutation_test(values).p == pytest.approx(expected)


@pytest.mark.parametrize(("gained", "lost"), [(4, 2), (0, 11), (7, 7), (1, 7), (10, 5)])
def test_zero_one_outcomes_give_the_sign_test(gained: int, lost: int) -> None:
    values = [1.0] * gained + [-1.0] * lost + [0.0] * 20
    result = permutation_test(values)
    assert result.p == pytest.approx(sign_test(gained, lost).p)
    assert result.dropped == 20
    assert result.estimate == pytest.approx((gained - lost) / (gained + lost + 20))


def test_against_r(r_pairs: dict[str, float]) -> None:
    values = [3, 7, -2, 5, 1, 8, -4, 6, 2, 9, -1, 4]
    assert permutation_test(values).p == pytest.approx(r_pairs["perm_exact"], abs=1e-12)


def test_drawn_p_is_near_the_exact_one_and_never_zero() -> None:
    values = np.repeat([1.0, -1.0], [30, 15])
    drawn = permutation_test(values, rng=np.random.default_rng(4), resamples=19_999)
    assert drawn.p == pytest.approx(sign_test(30, 15).p, abs=0.005)
    extreme = permutation_test(np.ones(400), rng=np.random.default_rng(4), resamples=999)
    assert extreme.p == 1 / 1000


def test_seeds_are_averaged_first() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(size=(12, 8))
    assert permutation_test(values).p == permutation_test(values.mean(axis=1)).p
    assert permutation_test(values).n == 12


def test_size_with_several_seeds_per_problem() -> None:
    # Strong problem effects: pooling the seeds would reject far more often than .05.
    rng = np.random.default_rng(6)
    rejected = 0
    for _ in range(400):
        values = rng.normal(size=(12, 1)) + 0.3 * rng.normal(size=(12, 8))
        rejected += permutation_test(values).p <= 0.05
    assert rejected / 400 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_nothing_changed() -> None:
    result = permutation_test([0.0] * 86)
    assert (result.p, result.status, result.dropped) == (1.0, "no_information", 86)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: permutation_test([1.0, float("nan")]), "missing"),
        (lambda: permutation_test(np.ones(40)), "rng"),
        (lambda: permutation_test(np.ones(40), method="exact"), "too many"),
        (lambda: permutation_test([]), "shape"),
        (lambda: permutation_test(np.ones((2, 2, 2))), "shape"),
    ],
)
def test_refusals(call: Callable[[], object], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        call()
