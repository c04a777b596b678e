"""The language of claims: what it computes, and what it refuses."""

from __future__ import annotations

import math

import pytest

from analysis import mcnemar
from analysis.claims.errors import ExpressionError
from analysis.claims.expression import Record, evaluate, names_in
from analysis.claims.functions import FUNCTIONS, STATISTICS

NAMES = {"a": 3, "b": (1, 2, 5), "row": Record({"x": 7}), "curve": Record({"y": (1, 2)})}


def run(text):
    return evaluate(text, lambda name: NAMES[name])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * a ** 2", 19),
        ("-a + +a", 0),
        ("b - 1", (0, 1, 4)),
        ("2 * b", (2, 4, 10)),
        ("b > 1", (False, True, True)),
        ("1 < a <= 3", True),
        ("a > 1 and not a > 5 or False", True),
        ("sum(b) / len(b)", 8 / 3),
        ("mean(b)", 8 / 3),
        ("sd(b)", math.sqrt(13 / 3)),
        ("sd(b, ddof=0)", math.sqrt(26 / 9)),
        ("root_sum_of_squares((3, 4))", 5.0),
        ("where(b, b > 1)", (2, 5)),
        ("sort_by(b, (3, 1, 2))", (2, 5, 1)),
        ("key_of_largest(b, ('p', 'q', 'r'))", "r"),
        ("key_of_smallest(b, ('p', 'q', 'r'))", "p"),
        ("row.x", 7),
        ("curve.y[1]", 2),
        ("'yes' if a > 2 else 'no'", "yes"),
        ("count(b > 1)", 2),
    ],
)
def test_arithmetic(text, value):
    found = run(text)
    assert found == (pytest.approx(value) if isinstance(value, float) else value)


def test_statistics_give_their_fields():
    assert run("mcnemar(4, 2).p") == mcnemar(4, 2).p == pytest.approx(0.453125)
    assert run("one_sample_t((-1, -2, -5, -10, -11), -11).p") == pytest.approx(0.0629, abs=1e-4)
    assert run("binomial_test(28, 86, 0.5).p") == pytest.approx(0.0016063, abs=1e-6)
    assert run("p_of_chi2(3.841458820694124)") == pytest.approx(0.05)
    assert run("p_of_z(1.959963984540054)") == pytest.approx(0.05)
    assert run("p_of_t(2.7764451051977987, 4)") == pytest.approx(0.05)
    # R: pf(3.2, 1, 84, lower.tail=FALSE), pt(-1.8608, 18), pt(-1.8608, 18, lower.tail=FALSE)
    assert run("p_of_f(3.2, 1, 84)") == pytest.approx(0.07723, abs=1e-4)
    assert run("p_of_t(-1.8608, 18, tail='less')") == pytest.approx(0.0396, abs=1e-4)
    assert run("p_of_t(-1.8608, 18, tail='greater')") == pytest.approx(0.9604, abs=1e-4)
    assert run("p_of_z(1.5, tail='greater')") == pytest.approx(0.0668072)
    assert run("cohens_h(0.5, 0.5)") == 0


def test_fisher_is_the_sum_of_tables_as_unlikely():
    weight = [math.comb(86, k) * math.comb(86, 45 - k) for k in range(46)]
    p = sum(w for w in weight if w <= weight[28]) / sum(weight)
    assert run("unpaired_proportions(28, 86, 17, 86).p") == pytest.approx(p)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "open('/etc/passwd')",
        "row.__class__",
        "(1).__class__",
        "[x for x in b]",
        "lambda: 1",
        "a := 3",
        "f'{a}'",
        "mcnemar.__globals__",
        "mean(*b)",
        "mean(**row)",
        "a if",
        "1;2",
        "row.x()",
        "{1: 2}",
        "a @ a",
        "a << 2",
        "a in b",
        "9 ** 9 ** 9",
        "'a' * 10 ** 9",
        "1 + " * 1000 + "1",
    ],
)
def test_everything_else_is_refused(text):
    with pytest.raises(ExpressionError):
        run(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nowhere + 1", "'nowhere' is not defined"),
        ("1 / 0", "division by zero"),
        ("row.z", "there is no 'z'; there are x"),
        ("mcnemar(4, 2).secret", "has no field 'secret'"),
        ("mcnemar(-1, 2).p", "mcnemar"),
        ("b[9]", "index"),
        ("nothing(1)", "is not a function of claims"),
    ],
)
def test_errors_say_what_is_wrong(text, says):
    with pytest.raises(ExpressionError, match=says.replace("(", r"\(")):
        run(text)


def test_names_are_those_of_the_surroundings():
    assert names_in("mean(b) + a.x - curve['y'].z") == {"b", "a", "curve"}


def test_every_listed_statistic_exists():
    import analysis

    assert set(STATISTICS) <= set(analysis.__all__)
    assert set(STATISTICS) <= set(FUNCTIONS)
