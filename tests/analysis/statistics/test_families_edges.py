"""Families and equivalence at the edges of what they take."""

from __future__ import annotations

import numpy as np
import pytest

from analysis import Refusal, adjust, equivalence, non_inferiority


@pytest.mark.parametrize("p", [[-0.1], [0.5, -1e-9], [1.0 + 1e-9], [0.2, 1.2]])
def test_a_p_outside_0_and_1_is_refused(p: list[float]) -> None:
    with pytest.raises(Refusal, match="between 0 and 1"):
        adjust(p, family_size=len(p))
    # A p of 0 is one that underflowed: the smallest double bounds it.
    assert adjust([0.0, 1.0], family_size=2).p.tolist() == [np.finfo(float).tiny, 1.0]


@pytest.mark.parametrize("p", [[], [[0.1, 0.2], [0.3, 0.4]]])
def test_p_is_a_list(p: list[object]) -> None:
    with pytest.raises(Refusal, match="list of p-values"):
        adjust(p, family_size=9)  # type: ignore[arg-type]


def test_a_family_larger_than_its_tests_by_hand() -> None:
    # Of five declared tests three were made; the others count as p = 1.
    p = [0.04, 0.01, 0.02]
    assert adjust(p, method="holm", family_size=5).p == pytest.approx([0.12, 0.05, 0.08])
    assert adjust(p, method="bh", family_size=5).p == pytest.approx([0.2 / 3, 0.05, 0.05])
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5
    assert adjust(p, method="by", family_size=5).p == pytest.approx(
        [harmonic * 0.2 / 3, harmonic * 0.05, harmonic * 0.05]
    )
    found = adjust(0.3, family_size=3)
    assert (found.p.tolist(), found.n, found.family_size) == (pytest.approx([0.9]), 3, 3)
    assert found.unadjusted.tolist() == [0.3]


def test_an_effect_at_the_margin_has_one_half() -> None:
    # 2 gained and 7 lost of 100 are exactly five points of harm.
    assert non_inferiority(2, 7, 100, margin=0.05).p == 0.5
    assert equivalence(7, 2, 100, margin=0.05).p == 0.5
    assert not non_inferiority(2, 7, 100, margin=0.05).shown
