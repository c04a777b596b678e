"""Printed figures are intervals: what a claim comes to under every value behind them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.claims import check_file
from analysis.claims.errors import ImpossibleError
from analysis.claims.readings import Choice, Reading, spread
from sql.errors import UserError


def check(path, claim, totals=""):
    path.write_text(
        f'[document]\ntitle="t"\n[totals]\n{totals}\n[[claim]]\nid="it"\ntext="t"\n{claim}\n'
    )
    (found,) = check_file(path)
    return found


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1000, 6000).flatmap(
        lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n))
    )
)
def test_what_an_honest_author_prints_is_never_held_against_them(tmp_path_factory, counts):
    """Accuracies of one decimal, their difference and its sign, computed from whole counts."""
    path = tmp_path_factory.mktemp("honest") / "claims.toml"
    n, before, after = counts
    totals = f'n="{n}"\nbase="{100 * before / n:.1f}%"\nup="{100 * after / n:.1f}%"'
    change = f"{100 * (after - before) / n:+.1f} pts"
    for expression in ("(whole(up, n) - whole(base, n)) / n", "up - base"):
        claim = f'kind="value"\nprinted="{change}"\nexpr="{expression}"'
        assert check(path, claim, totals).verdict == "PASS"
    claim = f'kind="count"\nprinted="{after}"\nexpr="whole(up, n)"'
    assert check(path, claim, totals).verdict in ("PASS", "UNDETERMINED")
    sign = ">" if after > before else "<="
    claim = f'kind="decision"\nexpr="whole(up, n) {sign} whole(base, n)"'
    assert check(path, claim, totals).verdict in ("PASS", "UNDETERMINED")
    other = "<" if after > before else ">"
    if after != before:
        claim = f'kind="decision"\nexpr="whole(up, n) {other} whole(base, n)"'
        assert check(path, claim, totals).verdict in ("UNDETERMINED", "DECISION-DRIFT")


@pytest.mark.parametrize("n_figures", [2, 9])
def test_the_spread_is_that_of_a_slow_search(n_figures):
    """Nine figures are too many to try every combination; one at a time finds the same ends."""
    choices = {
        str(i): Choice((float(i % 3), i % 3 - 0.5 - i / 10, i % 3 + 0.25), counted=False)
        for i in range(n_figures)
    }

    def compute(reading):
        values = [reading.chosen.get(key, 0.0) for key in choices]
        return sum(v * (-1) ** i for i, v in enumerate(values)) + max(values)

    slow = [
        compute(Reading(dict(zip(choices, values, strict=True))))
        for values in itertools.product(*(c.options for c in choices.values()))
    ]
    assert spread(compute, choices, {}) == pytest.approx((min(slow), max(slow)))


def test_readings_that_cannot_be_are_none():
    def compute(reading):
        if reading.chosen.get("a") == 1:
            raise ImpossibleError("no")
        return reading.chosen.get("a", 2)

    assert spread(compute, {"a": Choice((2, 1, 3), counted=True)}, {}) == (2, 3)


def test_many_ambiguous_cells_are_still_judged(tmp_path):
    """Thirteen rows at n = 5,000 have more readings than can be tried one by one."""
    shares = [32.6, 33.7, 34.9, 26.7, 30.2, 29.1, 26.8, 32.5, 30.3, 25.6, 24.4, 23.3, 19.8]
    rows = ", ".join(f'["{i}", "{share}%"]' for i, share in enumerate(shares))
    table = f'n="5000"\n[tables.c]\ncolumns=["row", "acc"]\nrows=[{rows}]\n'
    table += 'derived.right="whole(acc, n)"'
    mean = f"{sum(shares) / 13:.1f}%"
    claim = f'kind="value"\nprinted="{mean}"\nexpr="mean(c.right) / n"'
    assert check(tmp_path / "c.toml", claim, table).verdict == "PASS"
    claim = 'kind="value"\nprinted="29.9%"\nexpr="mean(c.right) / n"'
    assert check(tmp_path / "c.toml", claim, table).verdict == "VALUE-DRIFT"
    claim = 'kind="monotonicity"\nexpr="c.right"'
    assert check(tmp_path / "c.toml", claim, table).verdict == "DECISION-DRIFT"
    claim = 'kind="decision"\nexpr="max(c.right) > whole(\'35.2%\', n)"'
    assert check(tmp_path / "c.toml", claim, table).verdict == "DECISION-DRIFT"
    claim = 'kind="decision"\nexpr="max(c.right) > whole(\'34.9%\', n)"'
    assert check(tmp_path / "c.toml", claim, table).verdict == "UNDETERMINED"
    claim = 'kind="decision"\nexpr="all(c.right > 900) and max(c.right) < 2000"'
    assert check(tmp_path / "c.toml", claim, table).verdict == "PASS"


@pytest.mark.parametrize(
    ("printed", "expression", "verdict"),
    [
        ("p = .009", "p_of_t(t, 10)", "PASS"),  # t = 3.24 prints as 3
        ("p = .009", "p_of_t(3, 10)", "PASS"),  # typed into the expression
        ("p = .009", "p_of_t(3.0, 10)", "VALUE-DRIFT"),  # 2.95 to 3.05: .0146 to .0123
        ("p = .048", "p_of_z(2.0)", "PASS"),  # z = 1.98
        ("p = .03", "p_of_z(2.0)", "VALUE-DRIFT"),
        ("p = .031", "p_of_chi2(4.7)", "PASS"),  # 4.65 to 4.75: .0311 to .0293
        ("p = .077", "p_of_f(3.2, 1, 84)", "PASS"),
        ("p = .960", "p_of_t(-1.8608, 18, tail='greater')", "PASS"),
        ("p = .040", "p_of_t(-1.8608, 18, tail='less')", "PASS"),
        ("p = .040", "p_of_t(-1.8608, 18)", "DECISION-DRIFT"),
        ("p = 5.8 × 10−48", "p_of_chi2(231.24, 5)", "PASS"),
        ("p = 5.8e-48", "p_of_chi2(231.24, 5)", "PASS"),
        ("p = 5.1 × 10⁻⁴⁸", "p_of_chi2(231.24, 5)", "VALUE-DRIFT"),
    ],
)
def test_true_results_of_rounded_statistics_pass(tmp_path, printed, expression, verdict):
    claim = f'kind="p"\nprinted="{printed}"\nexpr="{expression}"'
    assert check(tmp_path / "c.toml", claim, 't="3"').verdict == verdict


def test_what_is_known_and_what_names_a_row_is_exact(tmp_path):
    head = 'x="0.5"\n[facts]\nhalf="0.5"\n[tables.c]\ncolumns=["dose", "y"]\nrows=[["0.5", "0.5"]]'
    for text, verdict in (
        ("half == 0.5", "PASS"),
        ("x == 0.5", "UNDETERMINED"),
        ("exact(x) == 0.5", "PASS"),
        ("c['0.5'].dose == 0.5", "PASS"),
        ("c['0.5'].y == 0.5", "UNDETERMINED"),
        ("x == x", "PASS"),
    ):
        claim = f'kind="decision"\nexpr="{text}"'
        assert check(tmp_path / "c.toml", claim, head).verdict == verdict, text


def test_the_range_is_said(tmp_path):
    totals = 'n="1319"\nup="47.2%"'
    found = check(tmp_path / "c.toml", 'kind="count"\nprinted="622"\nexpr="whole(up, n)"', totals)
    assert (found.verdict, found.recomputed) == ("UNDETERMINED", "622 to 623")
    assert found.reason == "true for 1 of the 2 counts that print so: 622 to 623"
    claim = 'kind="decision"\nexpr="p_of_z(2.0) < level"'
    assert "0.04036 to 0.05118 < 0.05" in check(tmp_path / "c.toml", claim).reason


def test_open_totals_of_ambiguous_accuracies_are_tried_for_every_count(tmp_path):
    totals = 'n="1319"\nbase="2.0%"\nup="3.6%"'
    margins = 'margins={ n="n", before="whole(base, n)", after="whole(up, n)" }'
    claim = f'kind="decision"\nexpr="mcnemar(gained, lost).p < level"\n{margins}'
    assert check(tmp_path / "c.toml", claim, totals).verdict == "PASS"
    found = check(tmp_path / "c.toml", claim, totals.replace("3.6%", "3.3%"))
    assert found.verdict == "UNDETERMINED"
    assert "were gained" in found.reason


def test_a_statistic_that_refuses_is_an_error_of_the_file(tmp_path):
    with pytest.raises(UserError, match=r"claim 'it'.*gained"):
        check(tmp_path / "c.toml", 'kind="decision"\nexpr="mcnemar(-1, 3).p < level"')
