"""The statistics in SQL equal those in Python, for small, large and senseless counts."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from statsmodels.stats.proportion import proportion_confint

from analysis import e_value, mcnemar, paired_difference
from sql import loader


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        for script in loader.macros().values():
            loader.execute(connection, script)
        yield connection


def _one(connection, expression):
    return connection.execute(f"SELECT {expression}").fetchall()[0][0]


@pytest.fixture(scope="module")
def counts():
    """Every table with up to 25 discordant pairs, random larger ones, and millions of pairs."""
    rng = np.random.default_rng(20260101)
    small = np.array([(g, n - g) for n in range(1, 26) for g in range(n + 1)])
    large = rng.integers(0, 3000, (500, 2))
    huge = rng.integers(499_000, 501_000, (20, 2))
    pairs = np.concatenate([small, large, huge])
    n = pairs.sum(1) + rng.integers(0, 200, len(pairs))
    return pairs[:, 0], pairs[:, 1], n


# Published or enumerated values: see the statistics notes (R exact2x2 and PropCIs::scoreci.mp).
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("mcnemar_midp(1, 7)", 0.0390625),
        ("mcnemar_midp(7, 18)", 0.028959274),
        ("mcnemar_midp(8, 19)", 0.035698138),
        ("mcnemar_exact(1, 7)", 0.0703125),
        ("mcnemar_exact(0, 11)", 0.0009765625),
        ("mcnemar_exact(4, 2)", 0.6875),
        ("anytime_p(0, 8)", 0.03515625),
        ("anytime_p(0, 4)", 0.3125),
        ("anytime_p(5, 5)", 1.0),
        ("tango_low(40, 20, 160)", 0.0308645),
        ("tango_high(40, 20, 160)", 0.2180643),
        ("tango_low(4, 2, 86)", -0.0415203),
        ("tango_high(4, 2, 86)", 0.0942848),
        ("tango_low(0, 11, 86)", -0.2146878),
        ("tango_high(0, 11, 86)", -0.0729462),
    ],
)
def test_reference_values(connection, expression, value):
    assert _one(connection, expression) == pytest.approx(value, abs=6e-8)


def test_mcnemar_equals_python(connection, counts):
    gained, lost, _ = counts
    connection.register("pairs", pa.table({"g": gained, "l": lost}))
    found = connection.execute(
        "SELECT mcnemar_midp(g, l) AS midp, mcnemar_exact(g, l) AS exact FROM pairs"
    ).fetchnumpy()
    np.testing.assert_allclose(found["midp"], mcnemar(gained, lost).p, rtol=1e-9, atol=0)
    exact = mcnemar(gained, lost, method="exact").p
    np.testing.assert_allclose(found["exact"], exact, rtol=1e-9, atol=0)


def test_the_p_at_any_look_equals_python(connection, counts):
    gained, lost, _ = counts
    connection.register("looks", pa.table({"g": gained, "l": lost}))
    found = connection.execute("SELECT anytime_p(g, l) AS p FROM looks").fetchnumpy()["p"]
    np.testing.assert_allclose(found, e_value(gained, lost).p, rtol=1e-8, atol=0)
    for nothing in (
        "anytime_p(-1, 2)",
        "anytime_p(2, -1)",
        "anytime_p(NULL, 1)",
        "anytime_p(1, NULL)",
    ):
        assert _one(connection, nothing) is None


def test_intervals_equal_python(connection, counts):
    gained, lost, n = counts
    connection.register("triples", pa.table({"g": gained, "l": lost, "n": n}))
    found = connection.execute(
        "SELECT tango_low(g, l, n) AS tl, tango_high(g, l, n) AS th, wilson_low(g, n) AS wl, "
        "wilson_high(g, n) AS wh FROM triples"
    ).fetchnumpy()
    tango = paired_difference(gained, lost, n)
    np.testing.assert_allclose(found["tl"], tango.low, atol=1e-9)
    np.testing.assert_allclose(found["th"], tango.high, atol=1e-9)
    low, high = proportion_confint(gained, n, method="wilson")
    np.testing.assert_allclose(found["wl"], low, atol=1e-12)
    np.testing.assert_allclose(found["wh"], high, atol=1e-12)


def test_another_level(connection):
    z = 2.5758293035489004  # normal quantile of .995
    interval = paired_difference(4, 2, 86, confidence=0.99)
    assert _one(connection, f"tango_low(4, 2, 86, z := {z})") == pytest.approx(interval.low)
    low, _ = proportion_confint(4, 86, alpha=0.01, method="wilson")
    assert _one(connection, f"wilson_low(4, 86, z := {z})") == pytest.approx(low)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("mcnemar_midp(0, 0)", 1.0),
        ("mcnemar_exact(5, 5)", 1.0),
        ("mcnemar_midp(NULL, 2)", None),
        ("mcnemar_exact(-1, 2)", None),
        ("tango_low(0, 0, 0)", None),
        ("tango_low(3, 3, 5)", None),
        ("tango_high(NULL, 1, 5)", None),
        ("wilson_low(0, 0)", None),
        ("wilson_high(6, 5)", None),
        ("wilson_low(0, 5)", 0.0),
        ("wilson_high(5, 5)", 1.0),
    ],
)
def test_edges(connection, expression, value):
    assert _one(connection, expression) == value


def test_no_p_is_zero(connection):
    assert 0 < _one(connection, "mcnemar_midp(0, 100000)") < 1e-300


def test_they_take_what_sums_return(connection):
    query = "mcnemar_midp(sum(g), sum(l)) FROM (VALUES (1, 3), (0, 4)) AS t(g, l)"
    assert _one(connection, query) == pytest.approx(0.0390625)


@pytest.mark.parametrize(
    ("question", "text", "template"),
    [
        ("Ana  has 20 keys, and 3!", "ana has 20 keys and 3", "ana has # keys and #"),
        ("It cost $1,200.50 (or 7).", "it cost 1 200 50 or 7", "it cost # or #"),
        ("Élan: 2x", "élan 2x", "élan #x"),
        ("?!", "", ""),
    ],
)
def test_texts_of_problems(connection, question, text, template):
    given = loader.literal(question)
    assert _one(connection, f"normalised_text({given})") == text
    assert _one(connection, f"text_template({given})") == template


@pytest.mark.parametrize(
    ("column", "said"), [('{"a": {"b": 3}}', "3"), ('{"a": 1}', None), ("{", None), (None, None)]
)
def test_json_that_is_none_says_nothing(connection, column, said):
    assert _one(connection, f"json_text({loader.literal(column)}, '$.a.b')") == said
