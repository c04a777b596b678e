"""Adjusted p-values against R's p.adjust, Cochran's Q against McNemar and statsmodels."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import cochrans_q as statsmodels_q
from statsmodels.stats.multitest import multipletests

from analysis import Refusal, adjust, cochrans_q, mcnemar
from tests.paths import REFERENCE

P = [0.001, 0.013, 0.021, 0.04, 0.2, 0.6]
# R: p.adjust(p, method)
PRINTED = {
    "holm": [0.006, 0.065, 0.084, 0.12, 0.4, 0.6],
    "bh": [0.006, 0.039, 0.042, 0.06, 0.24, 0.6],
    "by": [0.0147, 0.09555, 0.1029, 0.147, 0.588, 1],
}


@pytest.mark.parametrize("method", ["holm", "bh", "by"])
def test_adjusted_p_equals_r(method: str) -> None:
    path = REFERENCE / "controls.csv"
    rows = list(csv.DictReader(path.read_text().splitlines()))
    declared = [float(row["value"]) for row in rows if row["name"] == f"adjust9_{method}"]
    found = adjust(P, method=method, family_size=6)  # type: ignore[arg-type]
    assert found.p == pytest.approx(PRINTED[method], rel=1e-12)
    # A larger family than the tests that were made: R's p.adjust(p, method, n = 9).
    assert adjust(P, method=method, family_size=9).p == pytest.approx(declared, rel=1e-9)  # type: ignore[arg-type]
    assert found.family_size == found.n == 6


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 5))
def test_adjusted_p_equals_statsmodels_in_any_order(values: list[float], extra: int) -> None:
    for method, name in (("holm", "holm"), ("bh", "fdr_bh"), ("by", "fdr_by")):
        expected = multipletests(values + [1.0] * extra, method=name)[1][: len(values)]
        found = adjust(values, method=method, family_size=len(values) + extra)  # type: ignore[arg-type]
        assert found.p == pytest.approx(expected, rel=1e-9)
        assert (found.p >= np.array(values) - 1e-15).all()


def test_families_refuse_what_poisons_them() -> None:
    with pytest.raises(Refusal, match="missing"):
        adjust([0.01, np.nan], method="bh", family_size=2)
    with pytest.raises(Refusal, match="not given"):
        adjust(P, method="holm")
    with pytest.raises(Refusal, match="smaller"):
        adjust(P, method="holm", family_size=5)
    with pytest.raises(Refusal, match="there are holm, bh, by"):
        adjust(P, method="bonferroni", family_size=6)  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="between 0 and 1"):
        adjust([1.2], method="holm", family_size=1)


def test_cochrans_q_of_two_conditions_is_mcnemar_without_correction() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random((90, 2)) < 0.6).astype(float)
    gained = int(((y[:, 0] == 0) & (y[:, 1] == 1)).sum())
    lost = int(((y[:, 0] == 1) & (y[:, 1] == 0)).sum())
    assert cochrans_q(y).p == pytest.approx(mcnemar(gained, lost, method="chi2").p, rel=1e-12)


def test_cochrans_q_equals_statsmodels_and_survives_what_it_does_not() -> None:
    rng = np.random.default_rng(1)
    y = (rng.random((90, 5)) < 0.6).astype(float)
    theirs = statsmodels_q(y)
    ours = cochrans_q(y)
    assert (ours.statistic, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    constant = cochrans_q(np.ones((10, 3)))
    assert (constant.status, constant.p, constant.statistic) == ("no_information", 1.0, 0.0)
    y[3, 2] = np.nan
    missing = cochrans_q(y)
    assert (missing.dropped, missing.n) == (1, 89)
    assert missing.p == pytest.approx(statsmodels_q(np.delete(y, 3, axis=0)).pvalue)
    with pytest.raises(Refusal, match="0/1"):
        cochrans_q([[0.5, 1.0], [0.0, 1.0]])
    with pytest.raises(Refusal, match="shape"):
        cochrans_q([0.0, 1.0])
