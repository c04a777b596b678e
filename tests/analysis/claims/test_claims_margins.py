"""Enumeration of the tables that fit printed totals, and percentages that cannot be."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import mcnemar, paired_difference
from analysis.claims.errors import ExpressionError, ImpossibleError
from analysis.claims.grim import possible_counts, whole, whole_change
from analysis.claims.margins import PairTable, describe_range, enumerate_claim, tables_that_fit
from analysis.claims.printed import parse_figure


def slow_tables(n, before, after):
    """Every way to fill four cells with n problems, kept where the margins fit."""
    found = set()
    for stayed, gained, lost in product(range(n + 1), repeat=3):
        rest = n - stayed - gained - lost
        if rest >= 0 and stayed + lost == before and stayed + gained == after:
            found.add(PairTable(gained, lost, n))
    return sorted(found)


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), *[st.integers(0, n)] * 2)))
def test_the_tables_are_those_of_a_slow_search(case):
    n, before, after = case
    assert tables_that_fit(n, before=before, after=after) == slow_tables(n, before, after)
    assert slow_tables(n, before, after) == tables_that_fit(
        n, before=before, after=after, net=after - before
    )


def test_a_net_change_alone_leaves_more_open():
    narrow, wide = tables_that_fit(86, before=28, after=17), tables_that_fit(86, net=-11)
    assert [t.gained for t in narrow] == list(range(18))
    assert set(narrow) < set(wide)
    assert all(t.gained - t.lost == -11 and t.gained + t.lost <= 86 for t in wide)


def test_contradicting_margins_fit_no_table():
    assert tables_that_fit(86, before=28, after=17, net=-8) == []
    with pytest.raises(ValueError, match="margins need"):
        tables_that_fit(86, before=28)


def suppression(holds):
    return enumerate_claim(tables_that_fit(86, before=28, after=17), holds).says()


def test_the_suppression_claim_by_three_methods():
    # The bounds are worked out by hand in the notes on the report: 7, 9 and 10 of 0..17.
    by_exact = suppression(lambda t: mcnemar(t.gained, t.lost, method="exact").p < 0.05)
    by_midp = suppression(lambda t: mcnemar(t.gained, t.lost).p < 0.05)
    by_tango = suppression(lambda t: paired_difference(t.gained, t.lost, t.n).high < 0)
    assert by_exact == "if at most 7 were gained (of 0..17)"
    assert by_midp == "if at most 9 were gained (of 0..17)"
    assert by_tango == "if at most 10 were gained (of 0..17)"


def test_answers_in_words():
    assert suppression(lambda t: True) == "for every table that fits (0..17 gained)"
    assert suppression(lambda t: False) == "for no table that fits (0..17 gained)"
    assert suppression(lambda t: t.gained == 0) == "if none was gained (of 0..17)"
    assert suppression(lambda t: t.gained >= 3) == "if at least 3 were gained (of 0..17)"
    assert suppression(lambda t: t.gained % 9 == 1) == "if 1, 10 were gained (of 0..17)"
    assert enumerate_claim([], lambda t: True).says() == "no table fits the printed totals"
    assert describe_range([5, 0, 1, 2]) == "0..2, 5"


def test_a_percentage_is_a_whole_number_or_impossible():
    assert whole(parse_figure("19.8%"), 86) == (17,)
    assert possible_counts(parse_figure("19.9%"), 86) == ()
    with pytest.raises(ValueError, match=r"17/86 = 19.8% and 18/86 = 20.9% are the nearest"):
        whole(parse_figure("20.3%"), 86)
    assert whole(parse_figure("5%"), 1319) == tuple(range(60, 73))
    assert whole("47.2%", 1319) == (622, 623)
    with pytest.raises(ImpossibleError, match=r"17/86 = 19.8%"):
        whole("20.3%", 86)
    with pytest.raises(ExpressionError, match="positive whole number"):
        whole(parse_figure("5.0%"), 86.5)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_what_a_count_prints_as_is_possible(case):
    k, n = case
    assert k in possible_counts(parse_figure(f"{100 * k / n:.1f}%"), n)


def test_changes_may_be_negative_and_differences_of_rounded_figures():
    assert whole_change(parse_figure("-12.8 pts"), 86) == (-11,)
    # 29/86 is 33.7 % and 25/86 is 29.1 %: their difference prints as 4.6, and is 4.65.
    assert whole_change(parse_figure("4.6 pts"), 86) == (4,)
    with pytest.raises(ImpossibleError, match=r"-12.5 pts of 86 is no whole net change"):
        whole_change(parse_figure("-12.5 pts"), 86)


def test_how_many_counts_print_alike():
    """At 1,319 problems 48 % of all counts share their printed accuracy with another."""

    def shared(n):
        prints = [f"{100 * k / n:.1f}%" for k in range(n + 1)]
        return sum(len(possible_counts(parse_figure(text), n)) > 1 for text in prints) / (n + 1)

    assert shared(86) == 0
    assert shared(1319) == pytest.approx(0.48, abs=0.01)
    assert shared(5000) == 1
